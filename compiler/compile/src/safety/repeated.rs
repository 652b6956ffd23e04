//! Statements that say the same, word by word.
//!
//! OPA asks whether a statement has been placed by its text and its number in the body, and numbers those that it
//! places anew: one that repeats a statement which has come to stand at its own number counts as placed.

use crate::lower::tree::*;

/// Whether two statements are equal but for where they stand. Those with bodies in them are told apart.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    let plain = a.with.is_empty() && b.with.is_empty() && a.negated == b.negated;
    plain
        && match (&a.kind, &b.kind) {
            (ExprKind::Term(a), ExprKind::Term(b)) => same_term(a, b),
            (ExprKind::Call(a), ExprKind::Call(b)) => same_call(a, b),
            (ExprKind::Unify(a, x), ExprKind::Unify(b, y)) => same_term(a, b) && same_term(x, y),
            _ => false,
        }
}

fn same_call(a: &Call, b: &Call) -> bool {
    a.op.target == b.op.target && same_terms(&a.args, &b.args)
}

fn same_terms(a: &[Term], b: &[Term]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_term(a, b))
}

fn same_term(a: &Term, b: &Term) -> bool {
    match (&a.kind, &b.kind) {
        (TermKind::Const(a), TermKind::Const(b)) => a == b,
        (TermKind::Var(a), TermKind::Var(b)) => a == b,
        (TermKind::Call(a), TermKind::Call(b)) => same_call(a, b),
        (TermKind::Ref(a), TermKind::Ref(b))
        | (TermKind::Array(a), TermKind::Array(b))
        | (TermKind::Set(a), TermKind::Set(b)) => same_terms(a, b),
        (TermKind::Object(a), TermKind::Object(b)) => {
            let same = |((k, v), (l, w)): (&(Term, Term), &(Term, Term))| same_term(k, l) && same_term(v, w);
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        _ => false,
    }
}
