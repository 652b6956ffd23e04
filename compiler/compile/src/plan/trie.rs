//! The virtual documents of a unit as a tree over data paths, with the rules that define each.
//!
//! A path whose rules have a dynamic part (`p[x]`, `p.q[x].r`) owns everything below it: rules that
//! define `p.a.b` beside `p[x]` are members of the group at `p`, as in OPA's rule index.

use crate::hir::{Const, Rule, RuleId, RuleKind, Term, Unit};
use std::collections::BTreeMap;

/// A node of [`Trie`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(pub(super) u32);

/// A set of rules that together define one document or function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupId(pub(super) u32);

/// What a group defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupKind {
    /// One value.
    Complete,
    /// A set.
    Set,
    /// An object, built from the members' relative paths.
    Object,
    /// A function with so many parameters.
    Function(usize),
}

impl GroupKind {
    /// Whether rules of the group define parts of a document, each at its key.
    pub(super) fn has_keys(self) -> bool {
        matches!(self, GroupKind::Set | GroupKind::Object)
    }
}

/// A rule of a group.
#[derive(Debug)]
pub(super) struct Member {
    /// The rule.
    pub(super) rule: RuleId,
    /// Its head's steps below the group's path.
    pub(super) steps: Vec<Term>,
}

/// See [`GroupId`].
#[derive(Debug)]
pub(super) struct Group {
    /// Path without `data`.
    pub(super) path: Vec<String>,
    /// What it defines.
    pub(super) kind: GroupKind,
    /// Rules in order of module and source.
    pub(super) members: Vec<Member>,
}

/// See [`NodeId`].
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Children by key, in OPA's order of keys.
    pub(super) children: BTreeMap<String, NodeId>,
    /// The group that ends the tree here.
    pub(super) group: Option<GroupId>,
    /// Path without `data`.
    pub(super) path: Vec<String>,
    rules: Vec<RuleId>,
}

/// All virtual documents.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    groups: Vec<Group>,
}

impl Trie {
    /// The tree of a unit. Packages without rules have nodes: their documents are empty objects.
    pub(super) fn new(unit: &Unit) -> Self {
        let mut trie = Trie { nodes: vec![Node::default()], groups: Vec::new() };
        for module in &unit.modules {
            trie.insert(&module.package);
        }
        for (i, rule) in unit.rules.iter().enumerate() {
            let node = trie.insert(&rule.path);
            trie.nodes[node.0 as usize].rules.push(RuleId(i as u32));
        }
        trie.make_groups(unit);
        trie
    }

    /// `data`.
    pub(super) fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// A node by its id.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A group by its id.
    pub(super) fn group(&self, id: GroupId) -> &Group {
        &self.groups[id.0 as usize]
    }

    /// All groups with their ids.
    pub(super) fn groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().enumerate().map(|(i, g)| (GroupId(i as u32), g))
    }

    /// All nodes with their ids.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, n)| (NodeId(i as u32), n))
    }

    /// The child under a key.
    pub(super) fn child(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.node(id).children.get(key).copied()
    }

    /// The node of exactly this path.
    pub(super) fn find<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Option<NodeId> {
        path.into_iter().try_fold(self.root(), |node, key| self.child(node, key))
    }

    /// The group that defines the function at a path.
    pub(super) fn function(&self, path: &[String]) -> Option<GroupId> {
        self.find(path.iter().map(String::as_str)).and_then(|n| self.node(n).group)
    }

    fn insert(&mut self, path: &[String]) -> NodeId {
        let mut at = self.root();
        for (i, key) in path.iter().enumerate() {
            at = match self.child(at, key) {
                Some(child) => child,
                None => self.add_child(at, key, &path[..=i]),
            };
        }
        at
    }

    fn add_child(&mut self, parent: NodeId, key: &str, path: &[String]) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { path: path.to_vec(), ..Node::default() });
        self.nodes[parent.0 as usize].children.insert(key.to_owned(), id);
        id
    }

    /// Parents come before their children in `nodes`, so a group takes what is below it before that
    /// could become a group of its own.
    fn make_groups(&mut self, unit: &Unit) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].rules.is_empty() {
                continue;
            }
            let rules = self.take_rules(NodeId(at as u32));
            let path = self.nodes[at].path.clone();
            let members: Vec<Member> = rules.iter().map(|&id| member(unit, id, path.len())).collect();
            let kind = kind_of(unit, &members);
            self.nodes[at].group = Some(GroupId(self.groups.len() as u32));
            self.groups.push(Group { path, kind, members });
        }
    }

    /// Takes the rules at and below a node, and the nodes below it out of the tree.
    fn take_rules(&mut self, id: NodeId) -> Vec<RuleId> {
        let mut rules = Vec::new();
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            let node = &mut self.nodes[id.0 as usize];
            rules.append(&mut node.rules);
            work.extend(std::mem::take(&mut node.children).into_values());
        }
        rules.sort_unstable();
        rules
    }
}

fn member(unit: &Unit, id: RuleId, depth: usize) -> Member {
    let rule = &unit.rules[id.0 as usize];
    let below = rule.path.get(depth..).unwrap_or_default();
    let mut steps: Vec<Term> = below.iter().map(|s| Term::Const(Const::String(s.clone()))).collect();
    steps.extend(rule.dynamic.iter().cloned());
    Member { rule: id, steps }
}

fn kind_of(unit: &Unit, members: &[Member]) -> GroupKind {
    let rules = || members.iter().map(|m| &unit.rules[m.rule.0 as usize]);
    // v0's `f() = 1` is a rule with a document.
    let arity = |r: &Rule| r.params.as_ref().map(Vec::len).filter(|&n| n > 0);
    if let Some(arity) = rules().find_map(arity) {
        return GroupKind::Function(arity);
    }
    if members.iter().any(|m| !m.steps.is_empty()) {
        return GroupKind::Object;
    }
    match rules().any(|r| r.kind == RuleKind::Multi) {
        true => GroupKind::Set,
        false => GroupKind::Complete,
    }
}
