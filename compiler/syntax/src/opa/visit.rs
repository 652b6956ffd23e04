//! A walk over OPA's tree that meets every statement and every term.

use super::{Expr, Module, Part, Rule, Term, Terms, Value};

/// What a walk meets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'n> {
    Expr(&'n Expr),
    Term(&'n Term),
}

/// Walks all rules; parents come before their children.
pub(crate) fn rules<'n>(module: &'n Module, meet: &mut dyn FnMut(Node<'n>)) {
    for rule in &module.rules {
        self::rule(rule, meet);
    }
}

/// Walks a rule with its `else` branches.
pub(crate) fn rule<'n>(rule: &'n Rule, meet: &mut dyn FnMut(Node<'n>)) {
    let mut next = Some(rule);
    while let Some(rule) = next {
        let head = &rule.head;
        let args = head.args.iter().flatten();
        head.reference.iter().chain(args).chain(&head.key).chain(&head.value).for_each(|t| term(t, meet));
        body(&rule.body, meet);
        next = rule.otherwise.as_deref();
    }
}

fn body<'n>(exprs: &'n [Expr], meet: &mut dyn FnMut(Node<'n>)) {
    for expr in exprs {
        self::expr(expr, meet);
    }
}

fn expr<'n>(expr: &'n Expr, meet: &mut dyn FnMut(Node<'n>)) {
    meet(Node::Expr(expr));
    match &expr.terms {
        Terms::Term(t) => term(t, meet),
        Terms::Call(terms) | Terms::Some(terms) => terms.iter().for_each(|t| term(t, meet)),
        Terms::Every { key, value, domain, body: inner } => {
            key.iter().for_each(|t| term(t, meet));
            term(value, meet);
            term(domain, meet);
            body(inner, meet);
        }
        Terms::Not { body: inner, .. } => body(inner, meet),
        Terms::Logical { lhs, rhs, .. } => {
            body(&lhs.body, meet);
            body(&rhs.body, meet);
        }
    }
    for with in &expr.with {
        term(&with.target, meet);
        term(&with.value, meet);
    }
}

fn term<'n>(node: &'n Term, meet: &mut dyn FnMut(Node<'n>)) {
    meet(Node::Term(node));
    match &node.value {
        Value::Ref(items) | Value::Call(items) | Value::Array(items) | Value::Set(items) => {
            items.iter().for_each(|t| term(t, meet));
        }
        Value::Object(members) => members.iter().for_each(|(k, v)| {
            term(k, meet);
            term(v, meet);
        }),
        Value::ArrayComprehension(t, inner) | Value::SetComprehension(t, inner) => {
            term(t, meet);
            body(inner, meet);
        }
        Value::ObjectComprehension(k, v, inner) => {
            term(k, meet);
            term(v, meet);
            body(inner, meet);
        }
        Value::Template { parts, .. } => parts.iter().for_each(|p| match p {
            Part::Expr(e) => expr(e, meet),
            Part::Term(t) => term(t, meet),
            Part::Text(..) => {}
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String { .. } | Value::Var(_) => {}
    }
}
