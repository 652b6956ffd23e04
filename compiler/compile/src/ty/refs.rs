//! References: the types of documents, and steps that can never be defined.

use super::Annotated;
use super::body::{Checker, const_key, select_all};
use super::details::{WrongKey, no_parts};
use super::text::{prefix_text, quoted, ref_text, step_text};
use super::tree::Tree;
use crate::hir::{Const, Ref, RefHead, Term};
use govc_syntax::Diagnostic;
use govc_value::Type;
use govc_value::ty::Key;
use std::rc::Rc;

/// The documents that a rule sees: rules and schemas, under what `with` puts in place of some.
#[derive(Clone)]
pub(super) struct Documents<'a> {
    tree: &'a Tree,
    /// Types that hold before those of the rules; later ones first.
    layers: Vec<Rc<Tree>>,
    input: Type,
    pub(super) annotated: Vec<&'a Annotated>,
}

impl<'a> Documents<'a> {
    pub(super) fn new(tree: &'a Tree, input: Option<&Type>, annotated: Option<&'a Vec<Annotated>>) -> Self {
        let mut input = input.cloned().unwrap_or(Type::ANY);
        let annotated: Vec<&Annotated> = annotated.into_iter().flatten().collect();
        for a in annotated.iter().filter(|a| a.path.first().is_some_and(|p| p == "input")) {
            input = overridden(&a.path[1..], &input, &a.ty);
        }
        Self { tree, layers: Vec::new(), input, annotated }
    }

    /// Puts types before those of the rules.
    pub(super) fn add_layer(&mut self, layer: Tree) {
        if !layer.is_empty() {
            self.layers.push(Rc::new(layer));
        }
    }

    /// Changes the type of `input`.
    pub(super) fn replace_input(&mut self, change: impl FnOnce(&Type) -> Type) {
        self.input = change(&self.input);
    }

    pub(super) fn input(&self) -> Type {
        self.input.clone()
    }

    /// The type of a function of the policy.
    pub(super) fn function(&self, path: &[String]) -> Option<Type> {
        self.tree.at(path).and_then(Tree::leaf).cloned()
    }

    /// The type that an annotation gives to the document at these steps of `data`, and the steps after it.
    fn annotated<'s>(&self, steps: &'s [Term]) -> Option<(&Type, &'s [Term])> {
        self.annotated.iter().rev().find_map(|a| {
            let (root, path) = a.path.split_first()?;
            let matches = root == "data"
                && path.len() <= steps.len()
                && path.iter().zip(steps).all(|(p, s)| const_key(s) == Some(Key::String(p.clone())));
            matches.then(|| (&a.ty, &steps[path.len()..]))
        })
    }

    /// The type of `data` behind steps.
    pub(super) fn data(&self, steps: &[Term]) -> Option<Type> {
        if let Some(found) = self.layers.iter().rev().find_map(|layer| layered(layer, steps)) {
            return found;
        }
        if let Some((ty, rest)) = self.annotated(steps) {
            return select_all(ty.clone(), rest);
        }
        let mut node = self.tree;
        for (at, step) in steps.iter().enumerate() {
            if let Some(ty) = node.leaf() {
                return select_all(ty.clone(), &steps[at..]);
            }
            match const_key(step) {
                Some(key) if node.child(&key).is_some() => node = node.child(&key)?,
                Some(Key::String(_)) => return Some(Type::ANY),
                _ => return select_all(node.extent(), &steps[at..]),
            }
        }
        Some(node.extent())
    }
}

/// The type that a layer gives the document behind steps; nothing where it says nothing of it.
fn layered(layer: &Tree, steps: &[Term]) -> Option<Option<Type>> {
    let mut node = layer;
    for (at, step) in steps.iter().enumerate() {
        if let Some(ty) = node.leaf() {
            return Some(select_all(ty.clone(), &steps[at..]));
        }
        node = match const_key(step) {
            Some(key) => node.child(&key)?,
            None => return Some(select_all(node.extent(), &steps[at..])),
        };
    }
    Some(Some(node.extent()))
}

/// A type with another one in place of what lies at a path.
pub(super) fn overridden(path: &[String], ty: &Type, by: &Type) -> Type {
    let Some((first, rest)) = path.split_first() else { return by.clone() };
    let key = Key::String(first.clone());
    let (mut known, others) = match ty {
        Type::Object(known, others) => (known.clone(), others.clone()),
        _ => (Vec::new(), Some(Box::new((Type::ANY, Type::ANY)))),
    };
    let inner = known.iter().find(|(k, _)| *k == key).map_or(Type::ANY, |(_, t)| t.clone());
    known.retain(|(k, _)| *k != key);
    known.push((key, overridden(rest, &inner, by)));
    known.sort_by(|a, b| a.0.cmp(&b.0));
    Type::Object(known, others)
}

impl Checker<'_> {
    /// Checks a reference and types the variables in its steps.
    pub(super) fn reference(&mut self, reference: &Ref) {
        self.key_check(reference);
        match reference.head {
            RefHead::Input => self.leaf(reference, self.documents.input(), 0),
            RefHead::Var(var) => {
                let ty = self.var(var).cloned().unwrap_or(Type::ANY);
                // A parameter whose first use is as the head of a reference can be anything.
                self.assign(var, ty.clone());
                self.leaf(reference, ty, 0);
            }
            RefHead::Data => self.data_reference(reference),
        }
    }

    fn data_reference(&mut self, reference: &Ref) {
        for layer in self.documents.layers.clone().iter().rev() {
            if self.layered_reference(layer, reference) {
                return;
            }
        }
        if let Some((ty, rest)) = self.documents.annotated(&reference.steps) {
            let at = reference.steps.len() - rest.len();
            return self.leaf(reference, ty.clone(), at);
        }
        let mut node = self.documents.tree;
        for (at, step) in reference.steps.iter().enumerate() {
            if at < SHORTEST_RULE && !is_name(step) && node.keys().next().is_some() {
                return self.no_name(reference, at, step, node);
            }
            if let Term::Var(_) = step {
                let keys = node.extent().keys().unwrap_or(Type::ANY);
                let known = node.keys().cloned().collect::<Vec<_>>();
                if !self.step(reference, at, step, &keys, &known) {
                    return;
                }
                return self.steps_are_any(&reference.steps[at + 1..]);
            }
            let child = const_key(step).and_then(|key| node.child(&key));
            let Some(child) = child else { return self.steps_are_any(&reference.steps[at..]) };
            match child.leaf() {
                Some(function @ Type::Function(..)) => {
                    let ty = function.clone();
                    return self.function_as_reference(reference, at + 1, &ty);
                }
                Some(ty) => return self.leaf(reference, ty.clone(), at + 1),
                None => node = child,
            }
        }
    }

    /// Checks a reference against a layer; `false` where that says nothing of it.
    fn layered_reference(&mut self, layer: &Tree, reference: &Ref) -> bool {
        let mut node = layer;
        for (at, step) in reference.steps.iter().enumerate() {
            if let Some(ty) = node.leaf() {
                self.leaf(reference, ty.clone(), at);
                return true;
            }
            node = match const_key(step) {
                Some(key) => match node.child(&key) {
                    Some(child) => child,
                    None => return false,
                },
                None => {
                    self.steps_are_any(&reference.steps[at..]);
                    return true;
                }
            };
        }
        true
    }

    fn steps_are_any(&mut self, steps: &[Term]) {
        steps.iter().for_each(|s| {
            self.unify_with(s, &Type::ANY, false);
        });
    }

    /// `position` is that of the function's last step, counted from the head.
    fn function_as_reference(&mut self, reference: &Ref, position: usize, ty: &Type) {
        let name = ref_text(reference, self.scope);
        // OPA leaves out a last step that its rewrites have made.
        let rewritten =
            reference.steps.last().filter(|step| step_text(step, self.scope).starts_with("__local"));
        let called =
            prefix_text(reference, self.scope, reference.steps.len() - usize::from(rewritten.is_some()));
        let message = format!("function {called} used as reference, not called");
        let caret = "^".repeat(prefix_text(reference, self.scope, position).len());
        let mut diagnostic =
            Diagnostic::error("govc_function_reference", "rego_type_error", reference.span, message)
                .with_note(name)
                .with_note(caret)
                .with_note(format!("have: {ty}"));
        diagnostic.reported = super::body::shared(reference);
        diagnostic.details = no_parts(reference, self.scope, position, ty);
        self.diagnostics.push(diagnostic);
        self.blamed = true;
    }

    /// Checks the steps from `at` on against the type of what stands before them.
    fn leaf(&mut self, reference: &Ref, mut ty: Type, mut at: usize) {
        while let Some(step) = reference.steps.get(at) {
            let Some(keys) = ty.keys() else { return self.no_steps(reference, at, &ty) };
            match const_key(step) {
                Some(key) => match ty.select(&key) {
                    Some(selected) => ty = selected,
                    None => return self.no_such_key(reference, at, &ty, &keys),
                },
                None => {
                    if !self.step(reference, at, step, &keys, &known_keys(&ty)) {
                        return;
                    }
                    let Some(values) = ty.values() else { return };
                    ty = values;
                }
            }
            at += 1;
        }
    }

    /// Checks a step that is no constant against the keys that there are.
    fn step(&mut self, reference: &Ref, at: usize, step: &Term, keys: &Type, known: &[Key]) -> bool {
        if self.unify_with(step, keys, false) {
            return true;
        }
        let have = Some(self.partial(step));
        // Of collections OPA does not look which there are.
        let known = if matches!(step, Term::Var(_) | Term::Ref(_)) { known } else { &[] };
        self.wrong_key(reference, at, &WrongKey { have, want: keys, known });
        false
    }

    fn no_steps(&mut self, reference: &Ref, at: usize, ty: &Type) {
        let prefix = prefix_text(reference, self.scope, at);
        let notes = vec![ref_text(reference, self.scope), "^".repeat(prefix.len()), format!("have: {ty}")];
        let details = no_parts(reference, self.scope, at, ty);
        self.undefined_ref(reference, "govc_no_such_field", notes, details);
    }

    /// Packages and their rules have names.
    fn no_name(&mut self, reference: &Ref, at: usize, step: &Term, node: &Tree) {
        let known: Vec<Key> = node.keys().cloned().collect();
        let have = Some(self.partial(step));
        self.wrong_key(reference, at, &WrongKey { have, want: &Type::String, known: &known });
    }

    fn no_such_key(&mut self, reference: &Ref, at: usize, ty: &Type, keys: &Type) {
        let known = known_keys(ty);
        self.wrong_key(reference, at, &WrongKey { have: None, want: keys, known: &known });
        let near = reference.steps.get(at).and_then(const_key).and_then(|key| {
            let names: Vec<String> = known.iter().map(Key::to_string).collect();
            super::vocabulary::nearest(&key.to_string(), &names).cloned()
        });
        if let (Some(near), Some(last)) = (near, self.diagnostics.last_mut()) {
            last.notes.push(format!("did you mean `{near}`?"));
        }
    }

    fn wrong_key(&mut self, reference: &Ref, at: usize, wrong: &WrongKey) {
        let pad = " ".repeat(prefix_text(reference, self.scope, at).len() + 1);
        let have = match (&wrong.have, reference.steps.get(at)) {
            (Some(have), _) => format!("have (type): {have}"),
            (None, step) => format!("have: {}", step.map(|s| step_text(s, self.scope)).unwrap_or_default()),
        };
        let want = if wrong.known.is_empty() {
            format!("want (type): {}", wrong.want)
        } else {
            let names: Vec<String> = wrong.known.iter().map(key_text).collect();
            format!("want (one of): [{}]", names.join(" "))
        };
        let text = ref_text(reference, self.scope);
        let notes = vec![text, format!("{pad}^"), format!("{pad}{have}"), format!("{pad}{want}")];
        let details = wrong.details(reference, self.scope, at + 1);
        self.undefined_ref(reference, "govc_unknown_field", notes, details);
    }
}

/// No path to a rule behind `data` has fewer steps: it names a package and the rule.
const SHORTEST_RULE: usize = 2;

/// A string, or a variable that may be one.
fn is_name(step: &Term) -> bool {
    matches!(step, Term::Var(_) | Term::Const(Const::String(_)))
}

fn key_text(key: &Key) -> String {
    match key {
        Key::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn known_keys(ty: &Type) -> Vec<Key> {
    match ty {
        Type::Object(known, _) => known.iter().map(|(k, _)| k.clone()).collect(),
        Type::Any(of) => {
            let mut all: Vec<Key> = of.iter().flat_map(known_keys).collect();
            all.sort();
            all.dedup();
            all
        }
        _ => Vec::new(),
    }
}
