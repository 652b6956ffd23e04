//! Which documents and functions are replaced by `with` where a function is planned, and which
//! functions that concerns.
//!
//! A function is copied only for the replacements that it can reach: a thousand tests with the same
//! mocks share the copies, and what no mock can touch is not copied at all.

use super::trie::{GroupId, NodeId, Trie};
use super::visit::{self, Dependency};
use crate::hir::{Callee, Const, Ref, Term, Unit};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// An interned [`Shadow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ShadowId(pub(super) u32);

impl ShadowId {
    /// Nothing is replaced.
    pub(super) const NONE: ShadowId = ShadowId(0);
}

/// What stands in place of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mock {
    /// Another function.
    Function(Callee),
    /// A document below `data`, found at each call, under the replacements that are in force there.
    Document(Vec<Const>),
    /// A value: an extra parameter of each copied function.
    Value,
}

/// A callee as an ordered key: builtins before functions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum CalleeKey {
    /// A builtin.
    Builtin(String),
    /// A function of the policy.
    Function(Vec<String>),
}

impl From<&Callee> for CalleeKey {
    fn from(callee: &Callee) -> Self {
        match callee {
            Callee::Builtin(name) => CalleeKey::Builtin(name.clone()),
            Callee::Function(path) => CalleeKey::Function(path.clone()),
        }
    }
}

/// The replacements in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shadow {
    /// Virtual documents that base documents replace.
    pub(super) nodes: BTreeSet<NodeId>,
    /// Functions that are replaced.
    pub(super) mocks: BTreeMap<CalleeKey, Mock>,
}

impl Shadow {
    /// The mocks that stand for a value, in the order of the extra parameters.
    pub(super) fn value_mocks(&self) -> impl Iterator<Item = &CalleeKey> {
        self.mocks.iter().filter(|(_, m)| **m == Mock::Value).map(|(k, _)| k)
    }

    /// The same without mocks: what holds inside the replacement of a function.
    pub(super) fn without_mocks(&self) -> Shadow {
        Shadow { nodes: self.nodes.clone(), mocks: BTreeMap::new() }
    }

    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.mocks.is_empty()
    }
}

/// What a function is planned for, as a vertex of the dependency graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Vertex {
    /// All documents at and below a node.
    Node(NodeId),
    /// A group of rules.
    Group(GroupId),
}

/// All shadows of a compilation, and who can reach what they replace.
pub(super) struct Shadows {
    list: Vec<Rc<Shadow>>,
    ids: FxHashMap<Rc<Shadow>, ShadowId>,
    projected: FxHashMap<(Vertex, ShadowId), ShadowId>,
    graph: Option<Graph>,
    reached: FxHashMap<Element, Rc<Vec<bool>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Element {
    Node(NodeId),
    Callee(CalleeKey),
}

impl Shadows {
    /// Only [`ShadowId::NONE`].
    pub(super) fn new() -> Self {
        let none = Rc::new(Shadow::default());
        Shadows {
            ids: FxHashMap::from_iter([(Rc::clone(&none), ShadowId::NONE)]),
            list: vec![none],
            projected: FxHashMap::default(),
            graph: None,
            reached: FxHashMap::default(),
        }
    }

    /// A shadow by its id.
    pub(super) fn get(&self, id: ShadowId) -> Rc<Shadow> {
        Rc::clone(&self.list[id.0 as usize])
    }

    /// The id of a shadow.
    pub(super) fn intern(&mut self, shadow: Shadow) -> ShadowId {
        if let Some(&id) = self.ids.get(&shadow) {
            return id;
        }
        let id = ShadowId(self.list.len() as u32);
        let shadow = Rc::new(shadow);
        self.list.push(Rc::clone(&shadow));
        self.ids.insert(shadow, id);
        id
    }

    /// The part of a shadow that a function can reach.
    pub(super) fn project(&mut self, unit: &Unit, trie: &Trie, vertex: Vertex, id: ShadowId) -> ShadowId {
        if id == ShadowId::NONE {
            return id;
        }
        if let Some(&known) = self.projected.get(&(vertex, id)) {
            return known;
        }
        let full = self.get(id);
        let part = self.part(unit, trie, vertex, &full);
        let result = match part.is_empty() {
            true => ShadowId::NONE,
            false => self.intern(part),
        };
        self.projected.insert((vertex, id), result);
        result
    }

    /// Mocks first: their replacements reach documents of their own, and documents other mocks.
    fn part(&mut self, unit: &Unit, trie: &Trie, vertex: Vertex, full: &Shadow) -> Shadow {
        let mut part = Shadow::default();
        let (mut mocked, mut plain) = (vec![vertex], Vec::new());
        let mut next = 0;
        while let Some(&from) = mocked.get(next) {
            next += 1;
            for (key, mock) in &full.mocks {
                if part.mocks.contains_key(key)
                    || !self.reaches(unit, trie, from, Element::Callee(key.clone()))
                {
                    continue;
                }
                part.mocks.insert(key.clone(), mock.clone());
                match mock {
                    Mock::Function(Callee::Function(path)) => {
                        plain.extend(trie.function(path).map(Vertex::Group))
                    }
                    Mock::Document(path) => mocked.extend(document_vertex(trie, path.iter().map(Some))),
                    Mock::Function(Callee::Builtin(_)) | Mock::Value => {}
                }
            }
        }
        for &node in &full.nodes {
            let mut from = mocked.iter().chain(&plain);
            if from.any(|&v| self.reaches(unit, trie, v, Element::Node(node))) {
                part.nodes.insert(node);
            }
        }
        part
    }

    fn reaches(&mut self, unit: &Unit, trie: &Trie, from: Vertex, element: Element) -> bool {
        let graph = self.graph.get_or_insert_with(|| Graph::new(unit, trie));
        let at = graph.index(from);
        let reached = self.reached.entry(element);
        let reached = reached.or_insert_with_key(|e| Rc::new(graph.reaching(trie, e)));
        reached.get(at).copied().unwrap_or(false)
    }
}

/// Who depends on whom, backwards. Vertices: nodes, then groups, then builtins.
struct Graph {
    nodes: usize,
    groups: usize,
    builtins: FxHashMap<String, usize>,
    users: Vec<Vec<u32>>,
}

impl Graph {
    fn new(unit: &Unit, trie: &Trie) -> Self {
        let (nodes, groups) = (trie.nodes().count(), trie.groups().count());
        let mut graph =
            Graph { nodes, groups, builtins: FxHashMap::default(), users: vec![Vec::new(); nodes + groups] };
        for (id, node) in trie.nodes() {
            let user = graph.index(Vertex::Node(id));
            for &child in node.children.values() {
                graph.add(user, graph.index(Vertex::Node(child)));
            }
            if let Some(group) = node.group {
                graph.add(user, graph.index(Vertex::Group(group)));
            }
        }
        for (id, group) in trie.groups() {
            let user = graph.index(Vertex::Group(id));
            for member in &group.members {
                let rule = &unit.rules[member.rule.0 as usize];
                visit::rule(rule, &mut |d| graph.add_dependency(trie, user, &d));
            }
        }
        graph
    }

    fn index(&self, vertex: Vertex) -> usize {
        match vertex {
            Vertex::Node(id) => id.0 as usize,
            Vertex::Group(id) => self.nodes + id.0 as usize,
        }
    }

    fn add(&mut self, user: usize, used: usize) {
        self.users[used].push(user as u32);
    }

    fn add_dependency(&mut self, trie: &Trie, user: usize, dependency: &Dependency<'_>) {
        let used = match dependency {
            Dependency::Data(r) => data_vertex(trie, r).map(|v| self.index(v)),
            Dependency::Callee(callee) => self.callee(trie, &CalleeKey::from(*callee)),
        };
        if let Some(used) = used {
            self.add(user, used);
        }
    }

    fn callee(&mut self, trie: &Trie, key: &CalleeKey) -> Option<usize> {
        match key {
            CalleeKey::Function(path) => trie.function(path).map(|g| self.index(Vertex::Group(g))),
            CalleeKey::Builtin(name) => Some(self.builtin(name)),
        }
    }

    fn builtin(&mut self, name: &str) -> usize {
        if let Some(&at) = self.builtins.get(name) {
            return at;
        }
        let at = self.users.len();
        self.users.push(Vec::new());
        self.builtins.insert(name.to_owned(), at);
        at
    }

    /// Everything from which the element can be reached.
    fn reaching(&mut self, trie: &Trie, element: &Element) -> Vec<bool> {
        let mut work: Vec<usize> = match element {
            Element::Callee(key) => self.callee(trie, key).into_iter().collect(),
            Element::Node(node) => self.below(trie, *node),
        };
        let mut seen = vec![false; self.users.len()];
        work.iter().for_each(|&v| seen[v] = true);
        while let Some(at) = work.pop() {
            for &user in &self.users[at] {
                if !std::mem::replace(&mut seen[user as usize], true) {
                    work.push(user as usize);
                }
            }
        }
        seen.truncate(self.nodes + self.groups);
        seen
    }

    fn below(&self, trie: &Trie, node: NodeId) -> Vec<usize> {
        let mut found = Vec::new();
        let mut work = vec![node];
        while let Some(id) = work.pop() {
            found.push(self.index(Vertex::Node(id)));
            found.extend(trie.node(id).group.map(|g| self.index(Vertex::Group(g))));
            work.extend(trie.node(id).children.values());
        }
        found
    }
}

/// What a reference into `data` depends on; nothing if it can only meet base documents.
pub(super) fn data_vertex(trie: &Trie, r: &Ref) -> Option<Vertex> {
    document_vertex(trie, r.steps.iter().map(Term::as_const))
}

/// The same for steps of which only the constants are known.
fn document_vertex<'h>(trie: &Trie, steps: impl Iterator<Item = Option<&'h Const>>) -> Option<Vertex> {
    let mut at = trie.root();
    for step in steps {
        if let Some(group) = trie.node(at).group {
            return Some(Vertex::Group(group));
        }
        let Some(Const::String(key)) = step else { break };
        at = trie.child(at, key)?;
    }
    Some(trie.node(at).group.map_or(Vertex::Node(at), Vertex::Group))
}
