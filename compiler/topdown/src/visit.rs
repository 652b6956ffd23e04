//! Walks over terms and statements. A visitor that answers `true` keeps the walk out of what it was shown.

use crate::term::{Body, Expr, ExprKind, Node, Target, Term};

/// What a walk shows.
pub(crate) enum Shown<'a, 'q> {
    Term(&'a Term<'q>),
    Expr(&'a Expr<'q>),
}

/// A visitor.
pub(crate) type Visitor<'v, 'q> = dyn FnMut(Shown<'_, 'q>) -> bool + 'v;

/// Shows a term and all below it.
pub(crate) fn term<'q>(t: &Term<'q>, visit: &mut Visitor<'_, 'q>) {
    if visit(Shown::Term(t)) {
        return;
    }
    match &t.node {
        Node::Value(_) | Node::Var(_) | Node::Builtin(_) => {}
        Node::Ref(items) | Node::Array(items) | Node::Set(items) | Node::Call(_, items) => {
            items.iter().for_each(|t| term(t, visit));
        }
        Node::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            term(k, visit);
            term(v, visit);
        }),
        Node::Comprehension(c) => {
            c.key.iter().for_each(|k| term(k, visit));
            term(&c.term, visit);
            body(&c.body, visit);
        }
    }
}

/// Shows the statements of a body and all below them.
pub(crate) fn body<'q>(b: &Body<'q>, visit: &mut Visitor<'_, 'q>) {
    b.iter().for_each(|e| expr(e, visit));
}

/// Shows a statement and all below it; operators of calls are no terms here.
pub(crate) fn expr<'q>(e: &Expr<'q>, visit: &mut Visitor<'_, 'q>) {
    if visit(Shown::Expr(e)) {
        return;
    }
    match &e.kind {
        ExprKind::Term(t) => term(t, visit),
        ExprKind::Unify(a, b) => {
            term(a, visit);
            term(b, visit);
        }
        ExprKind::Call(_, args) => args.iter().for_each(|t| term(t, visit)),
        ExprKind::Every(every) => {
            term(&every.key, visit);
            term(&every.value, visit);
            term(&every.domain, visit);
            body(&every.body, visit);
        }
        ExprKind::Not { body: b, .. } => body(b, visit),
        ExprKind::And(a, b) | ExprKind::Or(a, b) => {
            body(a, visit);
            body(b, visit);
        }
    }
    for with in e.with.iter() {
        if let Target::Document(parts) = &with.target {
            parts.iter().for_each(|t| term(t, visit));
        }
        term(&with.value, visit);
    }
}
