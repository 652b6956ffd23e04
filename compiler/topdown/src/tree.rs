//! The rules by their ground paths, as OPA keeps them.

use crate::index::Index;
use crate::term::{Rule, Term};
use govc_value::Value;
use std::rc::Rc;

/// A node of a [`RuleTree`].
pub(crate) type NodeId = usize;

/// The rules by path; node 0 is `data`.
#[derive(Debug)]
pub(crate) struct RuleTree<'q> {
    nodes: Vec<TreeNode<'q>>,
}

#[derive(Debug, Default)]
struct TreeNode<'q> {
    /// Sorted by key.
    children: Vec<(Value<'q>, NodeId)>,
    rules: Vec<Rc<Rule<'q>>>,
    index: Option<Index<'q>>,
    hidden: bool,
}

impl<'q> RuleTree<'q> {
    /// Packages have their nodes even where they have no rules.
    pub(crate) fn new(rules: &[Rc<Rule<'q>>], packages: &[Vec<Value<'q>>]) -> Self {
        let mut tree = Self { nodes: vec![TreeNode::default()] };
        for package in packages {
            package.iter().fold(0, |at, key| tree.grow(at, *key));
        }
        for rule in rules {
            let ground = rule.path.iter().skip(1).map_while(Term::as_value);
            let node = ground.fold(0, |at, key| tree.grow(at, key));
            tree.nodes[node].rules.push(rule.clone());
        }
        tree.build_indices(0);
        tree
    }

    fn grow(&mut self, at: NodeId, key: Value<'q>) -> NodeId {
        match self.nodes[at].children.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(found) => self.nodes[at].children[found].1,
            Err(place) => {
                let node = self.nodes.len();
                let hidden = at == 0 && key.as_str() == Some("system");
                self.nodes.push(TreeNode { hidden, ..TreeNode::default() });
                self.nodes[at].children.insert(place, (key, node));
                node
            }
        }
    }

    /// Rules with variables in their paths share an index with all that lies below them.
    fn build_indices(&mut self, at: NodeId) {
        let mut rules = self.nodes[at].rules.clone();
        let general = rules.iter().any(|r| !r.path.iter().skip(1).all(Term::is_ground));
        if !rules.is_empty() {
            if general {
                let below: Vec<NodeId> = self.nodes[at].children.iter().map(|c| c.1).collect();
                below.into_iter().for_each(|n| self.collect(n, &mut rules));
            }
            let index = Index::new(self, &rules);
            self.nodes[at].index = Some(index);
        }
        if !general {
            let children: Vec<NodeId> = self.nodes[at].children.iter().map(|c| c.1).collect();
            children.into_iter().for_each(|n| self.build_indices(n));
        }
    }

    fn collect(&self, at: NodeId, out: &mut Vec<Rc<Rule<'q>>>) {
        out.extend(self.nodes[at].rules.iter().cloned());
        self.nodes[at].children.iter().for_each(|&(_, n)| self.collect(n, out));
    }

    pub(crate) fn root(&self) -> NodeId {
        0
    }

    pub(crate) fn child(&self, at: NodeId, key: &Value<'_>) -> Option<NodeId> {
        let children = &self.nodes[at].children;
        let found = children.binary_search_by(|(k, _)| k.cmp(key)).ok()?;
        Some(children[found].1)
    }

    /// The node at a path without `data`.
    pub(crate) fn find<'v>(&self, path: impl IntoIterator<Item = Value<'v>>) -> Option<NodeId> {
        path.into_iter().try_fold(0, |at, key| self.child(at, &key))
    }

    pub(crate) fn children(&self, at: NodeId) -> &[(Value<'q>, NodeId)] {
        &self.nodes[at].children
    }

    pub(crate) fn is_hidden(&self, at: NodeId) -> bool {
        self.nodes[at].hidden
    }

    pub(crate) fn rules(&self, at: NodeId) -> &[Rc<Rule<'q>>] {
        &self.nodes[at].rules
    }

    pub(crate) fn index(&self, at: NodeId) -> Option<&Index<'q>> {
        self.nodes[at].index.as_ref()
    }

    /// Whether a reference leads to rules, or through them.
    pub(crate) fn is_virtual(&self, parts: &[Term<'q>]) -> bool {
        if parts.first().and_then(Term::as_var).is_none_or(|n| &**n != "data") {
            return false;
        }
        let mut at = 0;
        for part in &parts[1..] {
            let Some(next) = part.as_value().and_then(|key| self.child(at, &key)) else { return false };
            at = next;
            if !self.nodes[at].rules.is_empty() {
                return true;
            }
        }
        true
    }

    /// Whether a rule that a reference may lead to fulfils a condition.
    pub(crate) fn any_rule(&self, parts: &[Term<'q>], test: &mut dyn FnMut(&Rc<Rule<'q>>) -> bool) -> bool {
        match parts.split_first() {
            Some((head, rest)) if head.as_var().is_some_and(|n| &**n == "data") => {
                self.rules(0).iter().any(&mut *test) || self.any_from(0, rest, test)
            }
            _ => false,
        }
    }

    fn any_from(&self, at: NodeId, rest: &[Term<'q>], test: &mut dyn FnMut(&Rc<Rule<'q>>) -> bool) -> bool {
        let Some((part, rest)) = rest.split_first() else { return self.any_below(at, test, false) };
        match part.as_value() {
            Some(key) => self.child(at, &key).is_some_and(|child| {
                self.rules(child).iter().any(&mut *test) || self.any_from(child, rest, test)
            }),
            None => self.children(at).iter().filter(|c| !self.is_hidden(c.1)).any(|&(_, child)| {
                self.rules(child).iter().any(&mut *test) || self.any_from(child, rest, test)
            }),
        }
    }

    fn any_below(&self, at: NodeId, test: &mut dyn FnMut(&Rc<Rule<'q>>) -> bool, with_self: bool) -> bool {
        if with_self && self.rules(at).iter().any(&mut *test) {
            return true;
        }
        !self.is_hidden(at) && self.children(at).iter().any(|&(_, child)| self.any_below(child, test, true))
    }
}
