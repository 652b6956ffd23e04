//! Walks over the tree of rewrites. A visitor that answers `true` keeps the walk out of what it was shown.

use crate::lower::names::NameSet;
use crate::lower::tree::*;

/// Shows a term and all below it, in the order of the source.
pub(crate) fn term_mut(term: &mut Term, visit: &mut dyn FnMut(&mut Term) -> bool) {
    if visit(term) {
        return;
    }
    match &mut term.kind {
        TermKind::Const(_) | TermKind::Var(_) => {}
        TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
            items.iter_mut().for_each(|t| term_mut(t, visit));
        }
        TermKind::Call(call) => call.args.iter_mut().for_each(|t| term_mut(t, visit)),
        TermKind::Object(pairs) => {
            for (key, value) in pairs {
                term_mut(key, visit);
                term_mut(value, visit);
            }
        }
        TermKind::Comprehension(c) => {
            if let Some(key) = &mut c.key {
                term_mut(key, visit);
            }
            term_mut(&mut c.term, visit);
            body_mut(&mut c.body, visit);
        }
        TermKind::Template(parts) => {
            for part in parts {
                if let Part::Expr(expr) = part {
                    expr_mut(expr, visit);
                }
            }
        }
    }
}

/// Shows the terms of all statements.
pub(crate) fn body_mut(body: &mut Body, visit: &mut dyn FnMut(&mut Term) -> bool) {
    body.iter_mut().for_each(|expr| expr_mut(expr, visit));
}

/// Shows the terms of a statement, nested bodies and `with` included.
pub(crate) fn expr_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Term) -> bool) {
    match &mut expr.kind {
        ExprKind::Term(term) => term_mut(term, visit),
        ExprKind::Call(call) => call.args.iter_mut().for_each(|t| term_mut(t, visit)),
        ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
            term_mut(a, visit);
            term_mut(b, visit);
        }
        ExprKind::SomeDecl(_) => {}
        ExprKind::SomeIn { key, value, domain } => {
            if let Some(key) = key {
                term_mut(key, visit);
            }
            term_mut(value, visit);
            term_mut(domain, visit);
        }
        ExprKind::Every(every) => {
            term_mut(&mut every.domain, visit);
            body_mut(&mut every.body, visit);
        }
        ExprKind::Not { body, .. } => body_mut(body, visit),
        ExprKind::And(logical) | ExprKind::Or(logical) => {
            body_mut(&mut logical.lhs, visit);
            body_mut(&mut logical.rhs, visit);
        }
    }
    for with in &mut expr.with {
        term_mut(&mut with.target, visit);
        term_mut(&mut with.value, visit);
    }
}

/// Shows a term and all below it, in the order of the source.
pub(crate) fn term<'t>(t: &'t Term, visit: &mut dyn FnMut(&'t Term) -> bool) {
    if visit(t) {
        return;
    }
    match &t.kind {
        TermKind::Const(_) | TermKind::Var(_) => {}
        TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
            items.iter().for_each(|t| term(t, visit));
        }
        TermKind::Call(call) => call.args.iter().for_each(|t| term(t, visit)),
        TermKind::Object(pairs) => {
            for (key, value) in pairs {
                term(key, visit);
                term(value, visit);
            }
        }
        TermKind::Comprehension(c) => {
            if let Some(key) = &c.key {
                term(key, visit);
            }
            term(&c.term, visit);
            body(&c.body, visit);
        }
        TermKind::Template(parts) => {
            for part in parts {
                if let Part::Expr(e) = part {
                    expr(e, visit);
                }
            }
        }
    }
}

/// Shows the terms of all statements.
pub(crate) fn body<'t>(body: &'t [Expr], visit: &mut dyn FnMut(&'t Term) -> bool) {
    body.iter().for_each(|e| expr(e, visit));
}

/// Shows the terms of a statement, nested bodies and `with` included.
pub(crate) fn expr<'t>(e: &'t Expr, visit: &mut dyn FnMut(&'t Term) -> bool) {
    match &e.kind {
        ExprKind::Term(t) => term(t, visit),
        ExprKind::Call(call) => call.args.iter().for_each(|t| term(t, visit)),
        ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
            term(a, visit);
            term(b, visit);
        }
        ExprKind::SomeDecl(_) => {}
        ExprKind::SomeIn { key, value, domain } => {
            if let Some(key) = key {
                term(key, visit);
            }
            term(value, visit);
            term(domain, visit);
        }
        ExprKind::Every(every) => {
            term(&every.domain, visit);
            body(&every.body, visit);
        }
        ExprKind::Not { body: b, .. } => body(b, visit),
        ExprKind::And(logical) | ExprKind::Or(logical) => {
            body(&logical.lhs, visit);
            body(&logical.rhs, visit);
        }
    }
    for with in &e.with {
        term(&with.target, visit);
        term(&with.value, visit);
    }
}

/// Shows every statement of a body, those of nested bodies and closures included, outer ones first.
pub(crate) fn statements<'t>(body: &'t [Expr], visit: &mut dyn FnMut(&'t Expr)) {
    outer_statements(body, &mut |e| {
        visit(e);
        false
    });
}

/// Shows the statements of the closures in a term.
pub(crate) fn statements_in_term<'t>(t: &'t Term, visit: &mut dyn FnMut(&'t Expr)) {
    outer_statements_in_term(t, &mut |e| {
        visit(e);
        false
    });
}

/// Shows the statements of a body, and what is below those for which the visitor answers `false`.
pub(crate) fn outer_statements<'t>(body: &'t [Expr], visit: &mut dyn FnMut(&'t Expr) -> bool) {
    body.iter().for_each(|e| statement(e, visit));
}

fn statement<'t>(e: &'t Expr, visit: &mut dyn FnMut(&'t Expr) -> bool) {
    if visit(e) {
        return;
    }
    match &e.kind {
        ExprKind::Every(every) => {
            outer_statements_in_term(&every.domain, visit);
            outer_statements(&every.body, visit);
        }
        ExprKind::Not { body, .. } => outer_statements(body, visit),
        ExprKind::And(l) | ExprKind::Or(l) => {
            outer_statements(&l.lhs, visit);
            outer_statements(&l.rhs, visit);
        }
        ExprKind::Term(t) => outer_statements_in_term(t, visit),
        ExprKind::Call(c) => c.args.iter().for_each(|t| outer_statements_in_term(t, visit)),
        ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
            outer_statements_in_term(a, visit);
            outer_statements_in_term(b, visit);
        }
        ExprKind::SomeDecl(_) => {}
        ExprKind::SomeIn { key, value, domain } => {
            key.iter().for_each(|t| outer_statements_in_term(t, visit));
            outer_statements_in_term(value, visit);
            outer_statements_in_term(domain, visit);
        }
    }
    for with in &e.with {
        outer_statements_in_term(&with.value, visit);
    }
}

fn outer_statements_in_term<'t>(t: &'t Term, visit: &mut dyn FnMut(&'t Expr) -> bool) {
    term(t, &mut |t| match &t.kind {
        TermKind::Comprehension(c) => {
            c.key.iter().for_each(|k| outer_statements_in_term(k, visit));
            outer_statements_in_term(&c.term, visit);
            outer_statements(&c.body, visit);
            true
        }
        TermKind::Template(parts) => {
            for part in parts {
                if let Part::Expr(e) = part {
                    statement(e, visit);
                }
            }
            true
        }
        _ => false,
    });
}

/// Replaces each body of a rule's closures and nested statements, innermost first, then the body itself.
pub(crate) fn rewrite_bodies(body: &mut Body, rewrite: &mut dyn FnMut(&mut Body)) {
    for expr in body.iter_mut() {
        match &mut expr.kind {
            ExprKind::Every(every) => rewrite_bodies(&mut every.body, rewrite),
            ExprKind::Not { body, .. } => rewrite_bodies(body, rewrite),
            ExprKind::And(l) | ExprKind::Or(l) => {
                rewrite_bodies(&mut l.lhs, rewrite);
                rewrite_bodies(&mut l.rhs, rewrite);
            }
            _ => {}
        }
        rewrite_closures_of(expr, rewrite);
    }
    rewrite(body);
}

fn rewrite_closures_of(expr: &mut Expr, rewrite: &mut dyn FnMut(&mut Body)) {
    match &mut expr.kind {
        ExprKind::Term(t) => rewrite_closures(t, rewrite),
        ExprKind::Call(c) => c.args.iter_mut().for_each(|t| rewrite_closures(t, rewrite)),
        ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
            rewrite_closures(a, rewrite);
            rewrite_closures(b, rewrite);
        }
        ExprKind::SomeIn { value, domain, .. } => {
            rewrite_closures(value, rewrite);
            rewrite_closures(domain, rewrite);
        }
        ExprKind::Every(every) => rewrite_closures(&mut every.domain, rewrite),
        ExprKind::SomeDecl(_) | ExprKind::Not { .. } | ExprKind::And(_) | ExprKind::Or(_) => {}
    }
    for with in &mut expr.with {
        rewrite_closures(&mut with.target, rewrite);
        rewrite_closures(&mut with.value, rewrite);
    }
}

/// Replaces the bodies of the closures in a term.
pub(crate) fn rewrite_closures(t: &mut Term, rewrite: &mut dyn FnMut(&mut Body)) {
    term_mut(t, &mut |t| match &mut t.kind {
        TermKind::Comprehension(c) => {
            if let Some(key) = &mut c.key {
                rewrite_closures(key, rewrite);
            }
            rewrite_closures(&mut c.term, rewrite);
            rewrite_bodies(&mut c.body, rewrite);
            true
        }
        _ => false,
    });
}

/// All variables in a term.
pub(crate) fn names_of(t: &Term) -> NameSet {
    let mut out = NameSet::default();
    collect_names(t, &mut out);
    out
}

/// Adds all variables in a term.
pub(crate) fn collect_names(t: &Term, out: &mut NameSet) {
    term(t, &mut |t| {
        if let TermKind::Var(name) = t.kind {
            out.insert(name);
        }
        false
    });
}

/// All variables in a body, those of `every` included.
pub(crate) fn names_of_body(b: &[Expr]) -> NameSet {
    let mut out = NameSet::default();
    body(b, &mut |t| {
        if let TermKind::Var(name) = t.kind {
            out.insert(name);
        }
        false
    });
    statements(b, &mut |e| {
        if let ExprKind::Every(every) = &e.kind {
            out.extend(every.key);
            out.insert(every.value);
        }
    });
    out
}

/// The variables that a body declares for itself: `:=` and `some`, not those inside comprehensions.
pub(crate) fn declared(body: &[Expr]) -> NameSet {
    let mut out = NameSet::default();
    collect_declared(body, &mut out);
    out
}

fn collect_declared(body: &[Expr], out: &mut NameSet) {
    for e in body {
        match &e.kind {
            ExprKind::Assign(lhs, _) => collect_names(lhs, out),
            ExprKind::SomeDecl(names) => out.extend(names.iter().map(|(n, _)| *n)),
            ExprKind::SomeIn { key, value, .. } => {
                key.iter().for_each(|k| collect_names(k, out));
                collect_names(value, out);
            }
            ExprKind::Every(every) => collect_declared(&every.body, out),
            ExprKind::Not { body, .. } => collect_declared(body, out),
            ExprKind::And(l) | ExprKind::Or(l) => {
                collect_declared(&l.lhs, out);
                collect_declared(&l.rhs, out);
            }
            _ => {}
        }
    }
}
