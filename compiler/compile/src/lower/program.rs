//! The rules of a compilation with what all stages ask of them: their tree, arities, order and paths.

use super::names::{Name, NameSet, Names};
use super::tree::*;
use super::{print, walk};
use crate::CheckOptions;
use crate::check::Functions;
use crate::rules::RuleTree;
use govc_syntax::{Sources, ast};
use rustc_hash::FxHashSet;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What a compilation leaves behind for its queries.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) names: Names,
    pub(crate) rules: Vec<Rule>,
    pub(crate) packages: Vec<Vec<String>>,
    pub(crate) tree: RuleTree,
    /// Number of parameters of each rule.
    pub(crate) params: Vec<usize>,
    /// Positions of the rules, by name of the source and place.
    pub(crate) order: Vec<usize>,
}

impl Program {
    /// What is known of functions.
    pub(crate) fn functions<'a>(&'a self, options: &'a CheckOptions) -> Functions<'a> {
        Functions { builtins: &options.builtins, tree: &self.tree, params: &self.params }
    }

    /// The ground path of a rule, as far as it is made of strings.
    pub(crate) fn ground_strings(rule: &Rule, package: &[String]) -> Vec<String> {
        let mut path = package.to_vec();
        path.push(rule.name.clone());
        path.extend(rule.steps.iter().map_while(Term::as_str).map(str::to_owned));
        path
    }

    /// The ground paths of these rules, which are named by module and position in its tree.
    pub(super) fn paths_of(&self, wanted: &HashSet<(usize, usize)>) -> HashMap<(usize, usize), Vec<String>> {
        let place = |r: &Rule| (r.module, r.source);
        let path = |r: &Rule| Self::ground_strings(r, &self.packages[r.module]);
        self.rules.iter().filter(|r| wanted.contains(&place(r))).map(|r| (place(r), path(r))).collect()
    }

    /// The path of a rule as OPA prints it.
    pub(crate) fn path_text(&self, rule: usize) -> String {
        let rule = &self.rules[rule];
        let mut text = print::data_path(&self.packages[rule.module]);
        print::push_field(&rule.name, &mut text);
        for step in &rule.steps {
            match step.as_str() {
                Some(field) => print::push_field(field, &mut text),
                None => text.push_str(&format!("[{}]", self.step_text(step))),
            }
        }
        text
    }

    /// A step as OPA tells it of rules on a cycle: by the name that its rewrites gave to a variable.
    fn step_text(&self, step: &Term) -> String {
        match step.as_var() {
            Some(name) => self.names.raw(name).to_owned(),
            None => print::term(&self.names, step),
        }
    }
}

impl Program {
    /// Nodes whose rules always have a value.
    pub(crate) fn defined_nodes(&self) -> BTreeSet<usize> {
        let mut out = BTreeSet::new();
        // A node is asked once, however many rules it has.
        let mut seen = FxHashSet::default();
        for i in 0..self.rules.len() {
            let rule = &self.rules[i];
            let path = crate::rules::ground_path(rule, &self.packages[rule.module]);
            let node = path.iter().try_fold(self.tree.root(), |at, key| self.tree.child(at, key));
            if let Some(node) = node.filter(|&n| seen.insert(n) && self.is_defined(n)) {
                out.insert(node);
            }
        }
        out
    }

    fn is_defined(&self, node: usize) -> bool {
        let rules: Vec<&Rule> = self.tree.node(node).rules.iter().map(|&i| &self.rules[i]).collect();
        let Some(first) = rules.first() else { return false };
        if first.args.is_some() {
            return false;
        }
        let constant = rules.len() == 1
            && first.branches.first().is_some_and(|b| is_empty_body(&b.body) && b.value.is_ground_literal());
        first.multi || rules.iter().any(|r| r.default) || constant
    }
}

/// Copies of what rewrites read while they change the rules.
pub(super) struct View<'a> {
    pub(super) tree: RuleTree,
    pub(super) params: Vec<usize>,
    pub(super) options: &'a CheckOptions<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(program: &Program, options: &'a CheckOptions<'a>) -> Self {
        Self { tree: program.tree.clone(), params: program.params.clone(), options }
    }

    pub(super) fn functions(&self) -> Functions<'_> {
        Functions { builtins: &self.options.builtins, tree: &self.tree, params: &self.params }
    }
}

/// Module positions by the name of their source.
pub(super) fn module_order(sources: &Sources, modules: &[ast::Module]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..modules.len()).collect();
    order.sort_by_key(|&m| (&sources.get(modules[m].span.file).name, m));
    order
}

/// Rule positions by the name of their source, then as written.
pub(super) fn ordered(sources: &Sources, modules: &[ast::Module], rules: &[Rule]) -> Vec<usize> {
    let mut rank = vec![0; modules.len()];
    for (at, module) in module_order(sources, modules).into_iter().enumerate() {
        rank[module] = at;
    }
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|&r| (rank[rules[r].module], r));
    order
}

/// What is bound before any body of a rule: roots and parameters.
pub(super) fn bound_outside(rule: &Rule) -> NameSet {
    let mut out: NameSet = [Name::INPUT, Name::DATA].into_iter().collect();
    rule.args.iter().flatten().for_each(|arg| walk::collect_names(arg, &mut out));
    out
}

pub(super) fn ground_name(rule: &Rule) -> String {
    let mut text = rule.name.clone();
    for step in rule.steps.iter().take_while(|t| t.is_const()) {
        if let Some(field) = step.as_str() {
            print::push_field(field, &mut text);
        }
    }
    text
}
