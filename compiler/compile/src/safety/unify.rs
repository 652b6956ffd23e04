//! Which variables an equation binds: unification over sets of variables instead of values.

use crate::lower::names::{Name, NameSet};
use crate::lower::tree::{Shape, Term, TermKind};
use crate::safety::vars::{is_safe, pattern_names, ref_is_safe};
use rustc_hash::FxHashMap;

/// The variables that `a = b` binds where `safe` are bound.
pub(crate) fn unify(safe: &NameSet, a: &Term, b: &Term) -> NameSet {
    let mut u = Unifier { safe, unified: NameSet::default(), unknown: FxHashMap::default() };
    u.unify(a, b);
    u.unified
}

struct Unifier<'a> {
    safe: &'a NameSet,
    unified: NameSet,
    /// What must be bound before a variable is.
    unknown: FxHashMap<Name, NameSet>,
}

impl Unifier<'_> {
    fn is_safe(&self, name: Name) -> bool {
        self.safe.contains(&name) || self.unified.contains(&name)
    }

    fn unify(&mut self, a: &Term, b: &Term) {
        match &a.kind {
            TermKind::Var(name) => self.unify_var(*name, b),
            TermKind::Ref(parts) => {
                if ref_is_safe(parts, self.safe) {
                    self.bind_structure(b, true, true);
                }
            }
            TermKind::Call(_) => {
                if is_safe(a, self.safe) {
                    self.bind_structure(b, true, true);
                }
            }
            TermKind::Comprehension(c) => {
                self.bind_structure(b, c.shape == Shape::Array, c.shape == Shape::Object);
            }
            TermKind::Array(items) => self.unify_array(a, items, b),
            TermKind::Object(pairs) => self.unify_object(a, pairs, b),
            TermKind::Const(_) | TermKind::Set(_) | TermKind::Template(_) => {
                if let TermKind::Var(name) = b.kind {
                    self.mark_safe(name);
                }
            }
        }
    }

    /// What a bound value on the other side binds here.
    fn bind_structure(&mut self, t: &Term, arrays: bool, objects: bool) {
        match &t.kind {
            TermKind::Var(name) => self.mark_safe(*name),
            TermKind::Array(_) if arrays => self.mark_all_safe(t),
            TermKind::Object(_) if objects => self.mark_all_safe(t),
            _ => {}
        }
    }

    fn unify_var(&mut self, a: Name, b: &Term) {
        match &b.kind {
            TermKind::Var(b) => self.unify_vars(a, *b),
            TermKind::Array(_) | TermKind::Object(_) => self.unify_all(a, b),
            TermKind::Ref(parts) => {
                if ref_is_safe(parts, self.safe) {
                    self.mark_safe(a);
                }
            }
            TermKind::Call(_) => {
                if is_safe(b, self.safe) {
                    self.mark_safe(a);
                }
            }
            _ => self.mark_safe(a),
        }
    }

    fn unify_vars(&mut self, a: Name, b: Name) {
        if self.is_safe(b) {
            self.mark_safe(a);
        } else if self.is_safe(a) {
            self.mark_safe(b);
        } else {
            self.unknown.entry(a).or_default().insert(b);
            self.unknown.entry(b).or_default().insert(a);
        }
    }

    fn unify_array(&mut self, a: &Term, items: &[Term], b: &Term) {
        match &b.kind {
            TermKind::Var(name) => self.unify_all(*name, a),
            TermKind::Comprehension(_) => self.mark_all_safe(a),
            TermKind::Ref(parts) if ref_is_safe(parts, self.safe) => {
                self.mark_all_safe(a);
            }
            TermKind::Call(_) if is_safe(b, self.safe) => {
                self.mark_all_safe(a);
            }
            TermKind::Array(others) if others.len() == items.len() => {
                items.iter().zip(others).for_each(|(x, y)| self.unify(x, y));
            }
            _ => {}
        }
    }

    fn unify_object(&mut self, a: &Term, pairs: &[(Term, Term)], b: &Term) {
        match &b.kind {
            TermKind::Var(name) => self.unify_all(*name, a),
            TermKind::Ref(parts) if ref_is_safe(parts, self.safe) => {
                self.mark_all_safe(a);
            }
            TermKind::Call(_) if is_safe(b, self.safe) => {
                self.mark_all_safe(a);
            }
            TermKind::Object(others) if others.len() == pairs.len() => {
                for (key, value) in pairs {
                    if let Some((_, other)) = others.iter().find(|(k, _)| same(k, key)) {
                        self.unify(value, other);
                    }
                }
            }
            _ => {}
        }
    }

    fn mark_all_safe(&mut self, t: &Term) {
        for name in pattern_names(t) {
            self.mark_safe(name);
        }
    }

    fn mark_safe(&mut self, name: Name) {
        self.unified.insert(name);
        for dependency in self.unknown.remove(&name).into_iter().flatten() {
            self.mark_safe(dependency);
        }
        let mut ready = Vec::new();
        for (dependant, needs) in &mut self.unknown {
            if needs.remove(&name) && needs.is_empty() {
                ready.push(*dependant);
            }
        }
        ready.into_iter().for_each(|n| self.mark_safe(n));
    }

    fn unify_all(&mut self, a: Name, b: &Term) {
        if self.is_safe(a) {
            self.mark_all_safe(b);
            return;
        }
        let needs: NameSet = pattern_names(b).into_iter().filter(|n| !self.is_safe(*n)).collect();
        if needs.is_empty() {
            self.mark_safe(a);
        } else {
            self.unknown.entry(a).or_default().extend(needs);
        }
    }
}

/// Whether two object keys are written alike.
fn same(a: &Term, b: &Term) -> bool {
    match (&a.kind, &b.kind) {
        (TermKind::Const(a), TermKind::Const(b)) => a == b,
        (TermKind::Var(a), TermKind::Var(b)) => a == b,
        (TermKind::Array(a), TermKind::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same(x, y))
        }
        (TermKind::Ref(a), TermKind::Ref(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same(x, y))
        }
        _ => false,
    }
}
