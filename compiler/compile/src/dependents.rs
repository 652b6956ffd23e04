//! Which rules depend on others: the graph of rules, read backwards.

use crate::Checked;
use crate::lower::Program;
use crate::recursion::Graph;
use crate::rules::NodeId;
use std::collections::BTreeSet;

/// The paths, without `data`, of the rules that refer to what stands at a path, directly or through others, and are not
/// functions: what an evaluator without these rules' own sources cannot answer. As far as a path is made of strings.
#[must_use]
pub fn dependents(checked: &Checked, path: &[String]) -> BTreeSet<Vec<String>> {
    let program = &checked.program;
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); program.rules.len()];
    for (rule, needs) in Graph::new(&program.rules, &program.tree).edges.into_iter().enumerate() {
        needs.into_iter().for_each(|needed| users[needed].push(rule));
    }
    let mut left = rules_at(program, path);
    let mut found = BTreeSet::new();
    while let Some(rule) = left.pop() {
        left.extend(users[rule].iter().filter(|user| found.insert(**user)));
    }
    let rules = found.into_iter().map(|at| &program.rules[at]).filter(|rule| rule.args.is_none());
    rules.map(|rule| Program::ground_strings(rule, &program.packages[rule.module])).collect()
}

/// The rules at a path, on the way to it, and below it.
fn rules_at(program: &Program, path: &[String]) -> Vec<usize> {
    let nodes: Vec<NodeId> = (0..=path.len()).map_while(|end| program.tree.at(&path[..end])).collect();
    let mut rules: Vec<usize> =
        nodes.iter().flat_map(|&node| program.tree.node(node).rules.clone()).collect();
    if let Some(&last) = nodes.get(path.len()) {
        program.tree.all_below(last, &mut rules);
    }
    rules
}
