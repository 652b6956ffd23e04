//! The graph of rules and its cycles. Each branch of a rule that leads back to the rule is told by itself: whoever
//! refers to a rule refers to all its branches.

use crate::lower::tree::*;
use crate::lower::walk;
use crate::rules::RuleTree;
use std::collections::BTreeSet;

/// For each rule the rules that it may refer to, sorted.
pub(crate) struct Graph {
    pub(crate) edges: Vec<Vec<usize>>,
}

impl Graph {
    /// The graph of these rules.
    pub(crate) fn new(rules: &[Rule], tree: &RuleTree) -> Self {
        Self { edges: rules.iter().map(|rule| edges(rule, tree)).collect() }
    }

    /// A cycle through one branch of a rule, which refers to `targets`: the rule, what it goes through, the rule again.
    pub(crate) fn cycle(&self, start: usize, targets: &[usize]) -> Option<Vec<usize>> {
        if targets.contains(&start) {
            return Some(vec![start, start]);
        }
        let mut seen = BTreeSet::new();
        targets.iter().find_map(|&first| {
            let path = self.path(first, start, &mut seen)?;
            Some([start].into_iter().chain(path).chain([start]).collect())
        })
    }

    /// What lies between a rule and a later one, with the first.
    fn path(&self, first: usize, last: usize, seen: &mut BTreeSet<usize>) -> Option<Vec<usize>> {
        if !seen.insert(first) {
            return None;
        }
        let mut path: Vec<(usize, usize)> = vec![(first, 0)];
        while let Some((at, next)) = path.last_mut() {
            if self.edges[*at].binary_search(&last).is_ok() {
                return Some(path.into_iter().map(|(rule, _)| rule).collect());
            }
            let Some(&to) = self.edges[*at].get(*next) else {
                path.pop();
                continue;
            };
            *next += 1;
            if seen.insert(to) {
                path.push((to, 0));
            }
        }
        None
    }

    /// Rules on some cycle, found in one linear walk.
    pub(crate) fn cyclic(&self) -> Vec<usize> {
        let components = Components::of(&self.edges);
        let size = components.iter().fold(vec![0usize; self.edges.len()], |mut sizes, &c| {
            sizes[c] += 1;
            sizes
        });
        (0..self.edges.len())
            .filter(|&r| size[components[r]] > 1 || self.edges[r].binary_search(&r).is_ok())
            .collect()
    }

    /// Rules ordered so that each comes after those it refers to. Cycles are cut somewhere.
    pub(crate) fn sorted(&self, order: &[usize]) -> Vec<usize> {
        let mut done = vec![false; self.edges.len()];
        let mut out = Vec::with_capacity(order.len());
        for &start in order {
            self.visit(start, &mut done, &mut out);
        }
        out
    }

    fn visit(&self, start: usize, done: &mut [bool], out: &mut Vec<usize>) {
        if std::mem::replace(&mut done[start], true) {
            return;
        }
        let mut stack = vec![(start, 0)];
        while let Some((at, next)) = stack.last_mut() {
            match self.edges[*at].get(*next) {
                Some(&to) => {
                    *next += 1;
                    if !std::mem::replace(&mut done[to], true) {
                        stack.push((to, 0));
                    }
                }
                None => {
                    out.push(*at);
                    stack.pop();
                }
            }
        }
    }
}

fn edges(rule: &Rule, tree: &RuleTree) -> Vec<usize> {
    let all: BTreeSet<usize> =
        rule.branches.iter().flat_map(|branch| branch_edges(rule, branch, tree)).collect();
    all.into_iter().collect()
}

/// The rules to which a branch refers, or the head that it shares with the others.
pub(crate) fn branch_edges(rule: &Rule, branch: &Branch, tree: &RuleTree) -> Vec<usize> {
    let mut out = BTreeSet::new();
    let heads = rule.steps.iter().chain(rule.args.iter().flatten());
    heads.chain([&branch.value]).for_each(|t| edges_of_term(t, tree, &mut out));
    walk::body(&branch.body, &mut |t| {
        edges_of_term(t, tree, &mut out);
        true
    });
    walk::statements(&branch.body, &mut |e| {
        if let ExprKind::Call(call) = &e.kind {
            edges_of_target(&call.op.target, tree, &mut out);
        }
    });
    out.into_iter().collect()
}

fn edges_of_term(t: &Term, tree: &RuleTree, out: &mut BTreeSet<usize>) {
    walk::term(t, &mut |t| {
        match &t.kind {
            TermKind::Ref(parts) => out.extend(tree.dynamic(parts)),
            TermKind::Call(call) => edges_of_target(&call.op.target, tree, out),
            _ => {}
        }
        false
    });
    walk::statements_in_term(t, &mut |e| {
        if let ExprKind::Call(call) = &e.kind {
            edges_of_target(&call.op.target, tree, out);
        }
    });
}

fn edges_of_target(target: &Target, tree: &RuleTree, out: &mut BTreeSet<usize>) {
    if let Target::Function(path) = target
        && let Some(node) = tree.at(path)
    {
        let mut below = Vec::new();
        tree.all_below(node, &mut below);
        out.extend(below);
    }
}

/// Tarjan's strongly connected components without recursion.
struct Components<'a> {
    edges: &'a [Vec<usize>],
    index: Vec<usize>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    component: Vec<usize>,
    next: usize,
}

const UNSEEN: usize = usize::MAX;

impl<'a> Components<'a> {
    fn of(edges: &'a [Vec<usize>]) -> Vec<usize> {
        let n = edges.len();
        let mut this = Self {
            edges,
            index: vec![UNSEEN; n],
            low: vec![0; n],
            on_stack: vec![false; n],
            stack: Vec::new(),
            component: vec![0; n],
            next: 0,
        };
        for start in 0..n {
            if this.index[start] == UNSEEN {
                this.walk(start);
            }
        }
        this.component
    }

    fn enter(&mut self, v: usize) {
        self.index[v] = self.next;
        self.low[v] = self.next;
        self.next += 1;
        self.stack.push(v);
        self.on_stack[v] = true;
    }

    fn walk(&mut self, start: usize) {
        self.enter(start);
        let mut work = vec![(start, 0)];
        while let Some((v, next)) = work.last_mut() {
            let v = *v;
            if let Some(&w) = self.edges[v].get(*next) {
                *next += 1;
                if self.index[w] == UNSEEN {
                    self.enter(w);
                    work.push((w, 0));
                } else if self.on_stack[w] {
                    self.low[v] = self.low[v].min(self.index[w]);
                }
                continue;
            }
            work.pop();
            if let Some((parent, _)) = work.last() {
                self.low[*parent] = self.low[*parent].min(self.low[v]);
            }
            if self.low[v] == self.index[v] {
                self.close(v);
            }
        }
    }

    fn close(&mut self, root: usize) {
        while let Some(w) = self.stack.pop() {
            self.on_stack[w] = false;
            self.component[w] = root;
            if w == root {
                break;
            }
        }
    }
}
