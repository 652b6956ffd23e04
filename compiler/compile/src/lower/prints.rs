//! `print` calls: erased, or rewritten so that an undefined operand does not stop the statement: each
//! operand becomes the set of its values.

use crate::lower::locals::Finding;
use crate::lower::names::{NameSet, Names};
use crate::lower::tree::*;
use crate::lower::walk;
use crate::safety::vars::{self, Arity, Collector, Skip};
use std::sync::Arc;

fn is_print(e: &Expr) -> bool {
    matches!(&e.kind, ExprKind::Call(Call { op: Operator { target: Target::Builtin(name), .. }, .. })
        if &**name == "print")
}

/// Removes `print` calls from a body and its closures.
pub(crate) fn erase(body: &mut Body) {
    walk::rewrite_bodies(body, &mut erase_here);
}

/// Removes `print` calls from the closures of a term.
pub(crate) fn erase_in_term(t: &mut Term) {
    walk::rewrite_closures(t, &mut erase_here);
}

fn erase_here(body: &mut Body) {
    let Some(span) = body.first().map(|e| e.span) else { return };
    body.retain(|e| !is_print(e));
    if body.is_empty() {
        body.push(Expr::truth(span));
    }
}

/// Rewrites the `print` calls of bodies whose surroundings have bound `safe`.
pub(crate) struct Prints<'a> {
    pub(crate) names: &'a mut Names,
    pub(crate) arity: Arity<'a>,
    pub(crate) errors: Vec<Finding>,
}

impl Prints<'_> {
    pub(crate) fn body(&mut self, body: &mut Body, outer: &NameSet) {
        if !contains_print(body) {
            return;
        }
        for i in 0..body.len() {
            let mut safe = vars::outputs_of_body(&body[..i], self.arity, outer);
            safe.extend(outer.iter().copied());
            self.nested(&mut body[i], &safe);
        }
        for i in 0..body.len() {
            if is_print(&body[i]) {
                let safe = self.safe_before(&body[..i], outer);
                self.call(&mut body[i], &safe);
            }
        }
    }

    fn safe_before(&self, before: &[Expr], outer: &NameSet) -> NameSet {
        let mut safe = vars::outputs_of_body(before, self.arity, outer);
        safe.extend(outer.iter().copied());
        let generated = walk::names_of_body(before).into_iter().filter(|n| self.names.is_generated(*n));
        safe.extend(generated);
        safe
    }

    fn nested(&mut self, e: &mut Expr, safe: &NameSet) {
        match &mut e.kind {
            ExprKind::Every(every) => {
                let mut inner = safe.clone();
                inner.extend(every.key);
                inner.insert(every.value);
                self.body(&mut every.body, &inner);
            }
            ExprKind::Not { body, .. } => self.body(body, safe),
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.body(&mut l.lhs, safe);
                self.body(&mut l.rhs, safe);
            }
            _ => {}
        }
        walk::expr_mut(e, &mut |t| self.closure(t, safe));
    }

    /// Rewrites the closures of a head's term.
    pub(crate) fn term(&mut self, t: &mut Term, safe: &NameSet) {
        walk::term_mut(t, &mut |t| self.closure(t, safe));
    }

    fn closure(&mut self, t: &mut Term, safe: &NameSet) -> bool {
        match &mut t.kind {
            TermKind::Comprehension(c) => {
                self.body(&mut c.body, safe);
                true
            }
            _ => false,
        }
    }

    fn call(&mut self, e: &mut Expr, safe: &NameSet) {
        let ExprKind::Call(call) = &mut e.kind else { return };
        let before = self.errors.len();
        for arg in &call.args {
            self.check_operand(arg, safe);
        }
        if self.errors.len() > before {
            return;
        }
        let operands =
            std::mem::take(&mut call.args).into_iter().map(|t| captured(self.names, t, Vec::new()));
        let operands = operands.collect();
        call.args = vec![Term::new(TermKind::Array(operands), e.span)];
        call.op.target = Target::Builtin(Arc::from("internal.print"));
    }

    fn check_operand(&mut self, arg: &Term, safe: &NameSet) {
        let mut c = Collector::new(Skip::SAFETY);
        c.term(arg);
        let mut unsafe_names: Vec<_> = c.out.difference(safe).copied().collect();
        unsafe_names.sort();
        for name in unsafe_names {
            self.errors.push((arg.span, format!("var {} is undeclared", self.names.text(name))));
        }
    }
}

fn contains_print(body: &[Expr]) -> bool {
    let mut found = false;
    walk::statements(body, &mut |e| found |= is_print(e));
    found
}

/// `{x | x = t}`: the set of the values of a term, empty where it is undefined.
pub(crate) fn captured(names: &mut Names, t: Term, with: Vec<With>) -> Term {
    let span = t.span;
    let local = Term::var(names.fresh(span), span);
    let mut capture = Expr::new(ExprKind::Unify(local.clone(), t), span);
    capture.with = with;
    let set = Comprehension { shape: Shape::Set, key: None, term: local, body: vec![capture] };
    Term::new(TermKind::Comprehension(Box::new(set)), span)
}
