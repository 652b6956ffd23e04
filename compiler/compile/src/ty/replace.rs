//! What `with` does to the types of documents: a replaced document can also be what stands in its place, and the
//! rules that depend on a replaced rule can be anything.

use super::body::{Checker, const_key, select_all};
use super::refs::{Documents, overridden};
use super::tree::{Tree, named};
use crate::hir::{Callee, Rule, Term, With, WithTarget, WithValue};
use govc_value::Type;
use govc_value::ty::Key;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// For each rule the rules that it may refer to, by position.
pub type Edges<'a> = &'a dyn Fn() -> Vec<Vec<usize>>;

/// Rules by the path that they were asked for.
type Known = HashMap<Vec<Option<String>>, Rc<Vec<usize>>>;

/// Which rules depend on which; found out when it is first asked.
pub(super) struct Dependence<'a> {
    rules: &'a [Rule],
    edges: Edges<'a>,
    users: OnceCell<Vec<Vec<usize>>>,
    known: RefCell<Known>,
}

impl<'a> Dependence<'a> {
    pub(super) fn new(rules: &'a [Rule], edges: Edges<'a>) -> Self {
        Self { rules, edges, users: OnceCell::new(), known: RefCell::default() }
    }

    /// The rules at, above or below a path, and those that depend on them. A step that is no
    /// constant name can be any.
    fn of(&self, path: &[Option<String>]) -> Rc<Vec<usize>> {
        if let Some(known) = self.known.borrow().get(path) {
            return known.clone();
        }
        let meets = |rule: &Rule| {
            rule.path.iter().zip(path).all(|(name, step)| step.as_ref().is_none_or(|step| step == name))
        };
        let mut found: Vec<usize> = (0..self.rules.len()).filter(|&i| meets(&self.rules[i])).collect();
        let mut seen = vec![false; self.rules.len()];
        found.iter().for_each(|&i| seen[i] = true);
        let mut next = 0;
        while let Some(&rule) = found.get(next) {
            next += 1;
            for &user in &self.users()[rule] {
                if !std::mem::replace(&mut seen[user], true) {
                    found.push(user);
                }
            }
        }
        let found = Rc::new(found);
        self.known.borrow_mut().insert(path.to_vec(), found.clone());
        found
    }

    /// These rules can be anything, but for the one at `except`.
    fn anything(&self, rules: &[usize], except: &[String]) -> Tree {
        let mut tree = Tree::default();
        let paths = rules.iter().map(|&i| &self.rules[i].path);
        paths.filter(|path| **path != except).for_each(|path| tree.put(&named(path), Type::ANY));
        tree
    }

    fn users(&self) -> &[Vec<usize>] {
        self.users.get_or_init(|| {
            let mut users = vec![Vec::new(); self.rules.len()];
            for (user, used) in (self.edges)().into_iter().enumerate() {
                used.into_iter().filter(|&u| u < self.rules.len()).for_each(|u| users[u].push(user));
            }
            users
        })
    }
}

impl<'a> Checker<'a> {
    /// The documents while a statement with modifiers is evaluated.
    pub(super) fn replaced(&self, withs: &[With]) -> Documents<'a> {
        let mut documents = self.documents.clone();
        let mut replaced = Tree::default();
        for with in withs {
            match &with.target {
                WithTarget::Input(steps) => {
                    let (prefix, ty) =
                        self.replacement(select_all(self.documents.input(), steps), steps, &with.value);
                    documents.replace_input(|input| overridden(&prefix, input, &ty));
                }
                WithTarget::Data(steps) => {
                    let path: Vec<Option<String>> = steps.iter().map(name).collect();
                    let dependents = self.dependence.of(&path);
                    if !dependents.is_empty() {
                        documents.add_layer(self.dependence.anything(&dependents, &[]));
                        let (prefix, ty) = self.replacement(self.documents.data(steps), steps, &with.value);
                        replaced.put(&named(&prefix), ty);
                    }
                }
                WithTarget::Function(Callee::Function(path)) => {
                    let steps: Vec<Option<String>> = path.iter().cloned().map(Some).collect();
                    documents.add_layer(self.dependence.anything(&self.dependence.of(&steps), path));
                }
                WithTarget::Function(Callee::Builtin(_)) => {}
            }
        }
        documents.add_layer(replaced);
        documents
    }

    /// Where a replaced document begins and what it can be.
    fn replacement(&self, was: Option<Type>, steps: &[Term], by: &WithValue) -> (Vec<String>, Type) {
        let prefix: Vec<String> = steps.iter().map_while(name).collect();
        if prefix.len() < steps.len() {
            return (prefix, Type::ANY);
        }
        let by = match by {
            WithValue::Term(term) => self.term(term),
            WithValue::Function(_) => None,
        };
        let either = was.zip(by).and_then(|(was, by)| was.or(&by));
        (prefix, either.unwrap_or(Type::ANY))
    }
}

fn name(step: &Term) -> Option<String> {
    match const_key(step) {
        Some(Key::String(name)) => Some(name),
        _ => None,
    }
}
