//! The tree of all rules by the ground part of their paths, and which rules a reference may mean.
//!
//! Everything that asks "what is at `data.a.b`" asks here: arity, conflicts, recursion, `with`, types.

use crate::hir::Const;
use crate::lower::names::Name;
use crate::lower::tree::*;
use std::collections::BTreeMap;

/// A node of the tree, by position.
pub(crate) type NodeId = usize;

/// A node: the rules that end here, and what lies below.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) children: BTreeMap<Const, NodeId>,
    /// Positions in the list of rules.
    pub(crate) rules: Vec<usize>,
    /// Modules whose package is here.
    pub(crate) packages: Vec<usize>,
}

/// The tree. Node 0 is `data`.
#[derive(Clone, Debug)]
pub(crate) struct RuleTree {
    nodes: Vec<Node>,
}

/// Leading scalars of a head's steps.
pub(crate) fn ground_steps(rule: &Rule) -> impl Iterator<Item = Const> + '_ {
    rule.steps.iter().map_while(|t| match &t.kind {
        TermKind::Const(c) => Some(c.clone()),
        _ => None,
    })
}

/// The ground part of a rule's path, without `data`.
pub(crate) fn ground_path(rule: &Rule, package: &[String]) -> Vec<Const> {
    let name = Const::String(rule.name.clone());
    let package = package.iter().map(|p| Const::String(p.clone()));
    package.chain([name]).chain(ground_steps(rule)).collect()
}

/// Whether the whole path of a rule is ground.
pub(crate) fn is_ground(rule: &Rule) -> bool {
    rule.steps.iter().all(Term::is_const)
}

impl RuleTree {
    /// The tree of these rules; `packages` gives the package of each module. Rules are added in the order
    /// of `order`.
    pub(crate) fn new(rules: &[Rule], packages: &[Vec<String>], order: &[usize]) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for (module, package) in packages.iter().enumerate() {
            let path: Vec<Const> = package.iter().map(|p| Const::String(p.clone())).collect();
            let node = tree.make(&path);
            tree.nodes[node].packages.push(module);
        }
        for &i in order {
            let path = ground_path(&rules[i], &packages[rules[i].module]);
            let node = tree.make(&path);
            tree.nodes[node].rules.push(i);
        }
        tree
    }

    fn make(&mut self, path: &[Const]) -> NodeId {
        let mut at = 0;
        for key in path {
            at = match self.nodes[at].children.get(key) {
                Some(&child) => child,
                None => {
                    self.nodes.push(Node::default());
                    let child = self.nodes.len() - 1;
                    self.nodes[at].children.insert(key.clone(), child);
                    child
                }
            };
        }
        at
    }

    /// A node that this tree gave out.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The root: `data`.
    pub(crate) fn root(&self) -> NodeId {
        0
    }

    /// The child of a node.
    pub(crate) fn child(&self, id: NodeId, key: &Const) -> Option<NodeId> {
        self.nodes[id].children.get(key).copied()
    }

    /// The node at a path of strings.
    pub(crate) fn at(&self, path: &[String]) -> Option<NodeId> {
        path.iter().try_fold(0, |at, key| self.child(at, &Const::String(key.clone())))
    }

    /// The node at the steps of a reference under `data`, all of which must be scalars.
    pub(crate) fn at_ref(&self, parts: &[Term]) -> Option<NodeId> {
        if !is_data(parts) {
            return None;
        }
        parts[1..].iter().try_fold(0, |at, step| match &step.kind {
            TermKind::Const(c) => self.child(at, c),
            _ => None,
        })
    }

    /// Rules that a reference may mean, by position; a superset, sorted.
    pub(crate) fn dynamic(&self, parts: &[Term]) -> Vec<usize> {
        let mut out = Vec::new();
        if is_data(parts) {
            self.collect(0, &parts[1..], &mut out);
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    fn collect(&self, at: NodeId, steps: &[Term], out: &mut Vec<usize>) {
        let Some((step, rest)) = steps.split_first() else {
            self.all_below(at, out);
            return;
        };
        if let TermKind::Const(key) = &step.kind {
            if let Some(child) = self.child(at, key) {
                out.extend(&self.nodes[child].rules);
                self.collect(child, rest, out);
            }
            return;
        }
        // Rules stand at scalars.
        if is_constant(step) {
            return;
        }
        for &child in self.nodes[at].children.values() {
            out.extend(&self.nodes[child].rules);
            self.collect(child, rest, out);
        }
    }

    /// All rules at and below a node.
    pub(crate) fn all_below(&self, at: NodeId, out: &mut Vec<usize>) {
        out.extend(&self.nodes[at].rules);
        for &child in self.nodes[at].children.values() {
            self.all_below(child, out);
        }
    }
}

/// Whether no variable or reference is in a term.
fn is_constant(term: &Term) -> bool {
    match &term.kind {
        TermKind::Const(_) => true,
        TermKind::Array(items) | TermKind::Set(items) => items.iter().all(is_constant),
        TermKind::Object(pairs) => pairs.iter().all(|(key, value)| is_constant(key) && is_constant(value)),
        _ => false,
    }
}

/// Whether a reference starts at `data`.
pub(crate) fn is_data(parts: &[Term]) -> bool {
    parts.first().and_then(Term::as_var) == Some(Name::DATA)
}
