//! Terms that must be evaluated move into bodies: references and comprehensions in heads, in terms of
//! comprehensions, in steps of references, and in arguments of calls are bound to variables before their use.

use crate::lower::names::Names;
use crate::lower::order::{sort_elements, sort_keys};
use crate::lower::tree::*;
use crate::lower::walk;

/// Steps of a head that are neither scalar nor variable become variables.
pub(crate) fn head_steps(names: &mut Names, rule: &mut Rule) {
    let mut support = Vec::new();
    for step in &mut rule.steps {
        if !matches!(step.kind, TermKind::Var(_) | TermKind::Const(_)) {
            bind(names, step, &mut support);
        }
    }
    if let Some(branch) = rule.branches.first_mut() {
        append_to_body(&mut branch.body, support);
    }
}

/// Values and parameters of a head that must be evaluated become variables.
pub(crate) fn heads(names: &mut Names, rule: &mut Rule) {
    let mut params = Vec::new();
    for arg in rule.args.iter_mut().flatten().filter(|t| t.requires_eval()) {
        bind(names, arg, &mut params);
    }
    for branch in &mut rule.branches {
        let mut support = Vec::new();
        if branch.value.requires_eval() {
            bind(names, &mut branch.value, &mut support);
        }
        support.extend(params.iter().cloned());
        append_to_body(&mut branch.body, support);
    }
}

fn bind(names: &mut Names, t: &mut Term, support: &mut Body) {
    let local = Term::var(names.fresh(t.span), t.span);
    let value = std::mem::replace(t, local.clone());
    support.push(Expr::generated(local, value));
}

/// Terms of comprehensions that must be evaluated become variables of their bodies.
pub(crate) fn comprehension_terms(names: &mut Names, body: &mut Body) {
    walk::body_mut(body, &mut |t| {
        comprehension_term(names, t);
        false
    });
}

/// The same for the comprehensions in one term.
pub(crate) fn comprehension_terms_in(names: &mut Names, t: &mut Term) {
    walk::term_mut(t, &mut |t| {
        comprehension_term(names, t);
        false
    });
}

fn comprehension_term(names: &mut Names, t: &mut Term) {
    let TermKind::Comprehension(c) = &mut t.kind else { return };
    let mut support = Vec::new();
    if let Some(key) = c.key.as_mut().filter(|k| k.requires_eval()) {
        bind(names, key, &mut support);
    }
    if c.term.requires_eval() {
        bind(names, &mut c.term, &mut support);
    }
    append_to_body(&mut c.body, support);
}

/// `a == b` becomes `a = b`: once a body is known to be safe, both say the same.
pub(crate) fn equals(body: &mut Body) {
    walk::rewrite_bodies(body, &mut |body| body.iter_mut().for_each(equal));
}

fn equal(e: &mut Expr) {
    let ExprKind::Call(call) = &mut e.kind else { return };
    let is_equal = matches!(&call.op.target, Target::Builtin(name) if &**name == "equal");
    if !is_equal || call.args.len() != 2 {
        return;
    }
    if let (Some(b), Some(a)) = (call.args.pop(), call.args.pop()) {
        e.kind = ExprKind::Unify(a, b);
    }
}

/// Binds dynamic terms to variables before the statements that use them.
pub(crate) fn dynamic_terms(names: &mut Names, body: &mut Body) {
    let mut out = Vec::with_capacity(body.len());
    for mut expr in std::mem::take(body) {
        let mut hoist = Hoist { names, with: expr.with.clone(), out: &mut out };
        hoist.expr(&mut expr);
        out.push(expr);
    }
    *body = out;
}

struct Hoist<'a> {
    names: &'a mut Names,
    with: Vec<With>,
    out: &'a mut Body,
}

impl Hoist<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.top(a);
                self.top(b);
            }
            ExprKind::Call(call) => call.args.iter_mut().for_each(|t| self.term(t)),
            ExprKind::Every(every) => {
                self.term(&mut every.domain);
                dynamic_terms(self.names, &mut every.body);
            }
            ExprKind::Not { body, .. } => dynamic_terms(self.names, body),
            ExprKind::And(l) | ExprKind::Or(l) => {
                dynamic_terms(self.names, &mut l.lhs);
                dynamic_terms(self.names, &mut l.rhs);
            }
            ExprKind::Term(t) => self.top(t),
            ExprKind::SomeDecl(_) | ExprKind::SomeIn { .. } => {}
        }
    }

    /// A side of an equation or a whole statement may be a reference or a comprehension itself.
    fn top(&mut self, t: &mut Term) {
        match &mut t.kind {
            TermKind::Ref(parts) => parts.iter_mut().skip(1).for_each(|t| self.term(t)),
            TermKind::Comprehension(c) => dynamic_terms(self.names, &mut c.body),
            _ => self.term(t),
        }
    }

    fn term(&mut self, t: &mut Term) {
        match &mut t.kind {
            TermKind::Ref(parts) => {
                parts.iter_mut().skip(1).for_each(|t| self.term(t));
                self.bind(t);
            }
            TermKind::Comprehension(c) => {
                dynamic_terms(self.names, &mut c.body);
                self.bind(t);
            }
            TermKind::Array(items) => items.iter_mut().for_each(|t| self.term(t)),
            TermKind::Set(items) => {
                sort_elements(self.names, items);
                items.iter_mut().for_each(|t| self.term(t));
            }
            TermKind::Object(pairs) => {
                sort_keys(self.names, pairs);
                for (key, value) in pairs {
                    self.term(key);
                    self.term(value);
                }
            }
            TermKind::Const(_) | TermKind::Var(_) | TermKind::Call(_) | TermKind::Template(_) => {}
        }
    }

    fn bind(&mut self, t: &mut Term) {
        let name = self.names.fresh(t.span);
        let local = Term::var(name, t.span);
        let value = std::mem::replace(t, local.clone());
        self.names.set_subject(name, value.clone());
        let mut expr = Expr::generated(local, value);
        expr.with.clone_from(&self.with);
        self.out.push(expr);
    }
}
