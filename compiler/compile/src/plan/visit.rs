//! Walks over HIR that look for what a body depends on: references into `data` and callees.

use crate::hir::{
    Body, Branch, Callee, Comprehension, ComprehensionKind, Expr, ExprKind, Ref, RefHead, Rule, Term,
    WithTarget, WithValue,
};

/// One dependency.
pub(super) enum Dependency<'h> {
    /// A reference that starts at `data`.
    Data(&'h Ref),
    /// Something that is called.
    Callee(&'h Callee),
}

/// Every dependency of a rule.
pub(super) fn rule<'h>(rule: &'h Rule, found: &mut dyn FnMut(Dependency<'h>)) {
    terms(&rule.dynamic, found);
    terms(rule.params.as_deref().unwrap_or_default(), found);
    for branch in &rule.branches {
        let Branch { value, body: statements, .. } = branch;
        term(value, found);
        body(statements, found);
    }
}

/// Every dependency of a body.
pub(super) fn body<'h>(statements: &'h Body, found: &mut dyn FnMut(Dependency<'h>)) {
    for statement in statements {
        expr(statement, found);
    }
}

/// Every dependency of a statement.
pub(super) fn expr<'h>(e: &'h Expr, found: &mut dyn FnMut(Dependency<'h>)) {
    for with in &e.with {
        target(&with.target, found);
        match &with.value {
            WithValue::Term(t) => term(t, found),
            WithValue::Function(callee) => found(Dependency::Callee(callee)),
        }
    }
    match &e.kind {
        ExprKind::Term(t) => term(t, found),
        ExprKind::Unify(a, b) => {
            term(a, found);
            term(b, found);
        }
        ExprKind::Call { callee, args, output } => {
            found(Dependency::Callee(callee));
            terms(args, found);
            output.iter().for_each(|t| term(t, found));
        }
        ExprKind::Not(inner) => body(inner, found),
        ExprKind::Every { domain, body: inner, .. } => {
            term(domain, found);
            body(inner, found);
        }
        ExprKind::Or(arms) => arms.iter().for_each(|arm| body(arm, found)),
    }
}

fn target<'h>(t: &'h WithTarget, found: &mut dyn FnMut(Dependency<'h>)) {
    match t {
        WithTarget::Input(path) | WithTarget::Data(path) => terms(path, found),
        WithTarget::Function(_) => {}
    }
}

fn terms<'h>(list: &'h [Term], found: &mut dyn FnMut(Dependency<'h>)) {
    list.iter().for_each(|t| term(t, found));
}

fn term<'h>(t: &'h Term, found: &mut dyn FnMut(Dependency<'h>)) {
    match t {
        Term::Const(_) | Term::Var(_) => {}
        Term::Ref(r) => {
            if r.head == RefHead::Data {
                found(Dependency::Data(r));
            }
            terms(&r.steps, found);
        }
        Term::Array(items) | Term::Set(items) => terms(items, found),
        Term::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            term(k, found);
            term(v, found);
        }),
        Term::Comprehension(c) => comprehension(c, found),
    }
}

fn comprehension<'h>(c: &'h Comprehension, found: &mut dyn FnMut(Dependency<'h>)) {
    match &c.kind {
        ComprehensionKind::Array(t) | ComprehensionKind::Set(t) => term(t, found),
        ComprehensionKind::Object(k, v) => {
            term(k, found);
            term(v, found);
        }
    }
    body(&c.body, found);
}

/// The references that must have a value before two terms are unified. A side that is a reference is no more than compared.
pub(super) fn unified<'h>(a: &'h Term, b: &'h Term, found: &mut dyn FnMut(&'h Ref)) {
    let made = [a, b].into_iter().filter(|side| !matches!(side, Term::Ref(_)));
    made.for_each(|side| evaluated(side, found));
}

/// The references that must have a value where a term is evaluated, but those in comprehensions.
pub(super) fn evaluated<'h>(t: &'h Term, found: &mut dyn FnMut(&'h Ref)) {
    match t {
        Term::Ref(r) => found(r),
        Term::Array(items) | Term::Set(items) => items.iter().for_each(|item| evaluated(item, found)),
        Term::Object(pairs) => pairs.iter().for_each(|(key, value)| {
            evaluated(key, found);
            evaluated(value, found);
        }),
        Term::Const(_) | Term::Var(_) | Term::Comprehension(_) => {}
    }
}
