//! Nested calls become statements of their own, before the statement that they stand in and in the order
//! of evaluation: `f(g(x))` is `g(x, $0); f($0)`. Under a plain `not` they stay outside of the negation.

use crate::lower::names::Names;
use crate::lower::order::{sort_elements, sort_keys};
use crate::lower::tree::*;

/// Takes the calls out of a rule's parameters, values and bodies.
pub(crate) fn expand_rule(names: &mut Names, rule: &mut Rule) {
    let mut calls = Calls { names };
    let mut support = Vec::new();
    for arg in rule.args.iter_mut().flatten() {
        calls.term(arg, &mut support);
    }
    for (i, branch) in rule.branches.iter_mut().enumerate() {
        let mut more = support.clone();
        if i == 0 {
            rule.steps.iter_mut().for_each(|t| calls.term(t, &mut more));
        }
        calls.term(&mut branch.value, &mut more);
        append_to_body(&mut branch.body, more);
        calls.body(&mut branch.body);
    }
}

/// Takes the calls out of a query.
pub(crate) fn expand_query(names: &mut Names, body: &mut Body) {
    Calls { names }.body(body);
}

struct Calls<'a> {
    names: &'a mut Names,
}

impl Calls<'_> {
    fn body(&mut self, body: &mut Body) {
        let mut out = Vec::with_capacity(body.len());
        for expr in std::mem::take(body) {
            self.expr(expr, &mut out);
        }
        *body = out;
    }

    fn expr(&mut self, mut expr: Expr, out: &mut Body) {
        for with in &mut expr.with {
            self.term(&mut with.value, out);
        }
        let mut support = Vec::new();
        match &mut expr.kind {
            ExprKind::Term(t) => self.term(t, &mut support),
            ExprKind::Call(call) => call.args.iter_mut().for_each(|t| self.term(t, &mut support)),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a, &mut support);
                self.term(b, &mut support);
            }
            ExprKind::Every(every) => self.domain(every, &mut support),
            ExprKind::Not { body, .. } => self.body(body),
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.body(&mut l.lhs);
                self.body(&mut l.rhs);
            }
            ExprKind::SomeDecl(_) | ExprKind::SomeIn { .. } => {}
        }
        support.iter_mut().for_each(|e| e.with.clone_from(&expr.with));
        out.append(&mut support);
        out.push(expr);
    }

    /// The domain of `every` is evaluated once, before it.
    fn domain(&mut self, every: &mut Every, support: &mut Body) {
        let span = every.domain.span;
        let local = Term::var(self.names.fresh(span), span);
        let domain = std::mem::replace(&mut every.domain, local.clone());
        let mut eq = Expr::generated(local, domain);
        eq.span = span;
        self.expr(eq, support);
        self.body(&mut every.body);
    }

    fn term(&mut self, t: &mut Term, support: &mut Body) {
        match &mut t.kind {
            TermKind::Const(_) | TermKind::Var(_) | TermKind::Template(_) => {}
            TermKind::Call(_) => self.call(t, support),
            TermKind::Ref(parts) => self.reference(parts, support),
            TermKind::Array(items) => items.iter_mut().for_each(|t| self.term(t, support)),
            TermKind::Set(items) => {
                sort_elements(self.names, items);
                items.iter_mut().for_each(|t| self.term(t, support));
            }
            TermKind::Object(pairs) => {
                sort_keys(self.names, pairs);
                for (key, value) in pairs {
                    self.term(key, support);
                    self.term(value, support);
                }
            }
            TermKind::Comprehension(c) => self.comprehension(c),
        }
    }

    fn call(&mut self, t: &mut Term, support: &mut Body) {
        let span = t.span;
        let output = Term::var(self.names.fresh(span), span);
        let call = std::mem::replace(t, output.clone());
        let TermKind::Call(mut call) = call.kind else { return };
        call.args.iter_mut().for_each(|t| self.term(t, support));
        call.args.push(output);
        support.push(Expr { generated: true, ..Expr::new(ExprKind::Call(*call), span) });
    }

    /// A reference starts at a variable: anything else is bound to one first.
    fn reference(&mut self, parts: &mut [Term], support: &mut Body) {
        for part in parts.iter_mut() {
            let subject = matches!(part.kind, TermKind::Call(_)).then(|| part.clone());
            self.term(part, support);
            if let (Some(subject), Some(local)) = (subject, part.as_var()) {
                self.names.set_subject(local, subject);
            }
        }
        let Some(head) = parts.first_mut() else { return };
        if matches!(head.kind, TermKind::Var(_) | TermKind::Ref(_)) {
            return;
        }
        let name = self.names.fresh(head.span);
        let local = Term::var(name, head.span);
        let subject = std::mem::replace(head, local.clone());
        self.names.set_subject(name, subject.clone());
        support.push(Expr::generated(local, subject));
    }

    fn comprehension(&mut self, c: &mut Comprehension) {
        let mut support = Vec::new();
        if let Some(key) = &mut c.key {
            self.term(key, &mut support);
        }
        self.term(&mut c.term, &mut support);
        append_to_body(&mut c.body, support);
        self.body(&mut c.body);
    }
}
