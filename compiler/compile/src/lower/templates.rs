//! Template strings become calls of `internal.template_string`. An expression that may be undefined is
//! wrapped as the set of its values, as for `print`.

use crate::lower::locals::Finding;
use crate::lower::names::{NameSet, Names};
use crate::lower::prints::captured;
use crate::lower::tree::*;
use crate::safety::vars::{self, Arity, Collector, Skip};
use std::sync::Arc;

/// Rewrites template strings.
pub(crate) struct Templates<'a> {
    pub(crate) names: &'a mut Names,
    pub(crate) arity: Arity<'a>,
    /// Builtins with several results.
    pub(crate) is_relation: &'a dyn Fn(&str) -> bool,
    /// References to rules that are always defined.
    pub(crate) is_defined: &'a dyn Fn(&[Term]) -> bool,
    pub(crate) errors: Vec<Finding>,
}

impl Templates<'_> {
    /// Rewrites a body; gives the variables that are bound after it.
    pub(crate) fn body(&mut self, body: &mut Body, outer: &NameSet) -> NameSet {
        let mut safe = vars::outputs_of_body(body, self.arity, outer);
        safe.extend(outer.iter().copied());
        for e in body {
            self.expr(e, &safe);
        }
        safe
    }

    fn expr(&mut self, e: &mut Expr, safe: &NameSet) {
        match &mut e.kind {
            ExprKind::Term(t) => self.term(t, safe),
            ExprKind::Call(c) => c.args.iter_mut().for_each(|t| self.term(t, safe)),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a, safe);
                self.term(b, safe);
            }
            ExprKind::Every(every) => {
                self.term(&mut every.domain, safe);
                let mut inner = safe.clone();
                inner.extend(every.key);
                inner.insert(every.value);
                self.body(&mut every.body, &inner);
            }
            ExprKind::Not { body, .. } => {
                self.body(body, safe);
            }
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.body(&mut l.lhs, safe);
                self.body(&mut l.rhs, safe);
            }
            ExprKind::SomeDecl(_) | ExprKind::SomeIn { .. } => {}
        }
        e.with.iter_mut().for_each(|w| self.term(&mut w.value, safe));
    }

    /// Rewrites a term where `safe` are bound.
    pub(crate) fn term(&mut self, t: &mut Term, safe: &NameSet) {
        match &mut t.kind {
            TermKind::Const(_) | TermKind::Var(_) => {}
            TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
                items.iter_mut().for_each(|t| self.term(t, safe));
            }
            TermKind::Call(c) => c.args.iter_mut().for_each(|t| self.term(t, safe)),
            TermKind::Object(pairs) => {
                for (key, value) in pairs {
                    self.term(key, safe);
                    self.term(value, safe);
                }
            }
            TermKind::Comprehension(c) => {
                let inner = self.body(&mut c.body, safe);
                c.key.iter_mut().for_each(|k| self.term(k, &inner));
                self.term(&mut c.term, &inner);
            }
            TermKind::Template(parts) => {
                let parts = std::mem::take(parts);
                t.kind = self.template(parts, t.span, safe);
            }
        }
    }

    fn template(&mut self, parts: Vec<Part>, span: govc_syntax::Span, safe: &NameSet) -> TermKind {
        let mut items: Vec<Term> = parts.into_iter().filter_map(|p| self.part(p, safe)).collect();
        if items.is_empty() {
            items.push(Term::string("", span));
        }
        let args = vec![Term::new(TermKind::Array(items), span)];
        let op = Operator { target: Target::Builtin(Arc::from("internal.template_string")) };
        TermKind::Call(Box::new(Call { op, args }))
    }

    fn part(&mut self, part: Part, safe: &NameSet) -> Option<Term> {
        let e = match part {
            Part::Text(text, span) => return Some(Term::string(text, span)),
            Part::Expr(e) => e,
        };
        let mut t = self.expression(e.kind, e.span)?;
        if self.always_one_value(&t) {
            let span = t.span;
            return Some(Term::new(TermKind::Set(vec![t]), span));
        }
        self.check_declared(&t, safe);
        self.term(&mut t, safe);
        Some(captured(self.names, t, e.with))
    }

    fn expression(&mut self, kind: ExprKind, span: govc_syntax::Span) -> Option<Term> {
        match kind {
            ExprKind::Term(t) => Some(t),
            ExprKind::Call(c) => {
                if let Target::Builtin(name) = &c.op.target
                    && (self.is_relation)(name)
                {
                    let text = "that may cause multiple outputs";
                    let message = format!("illegal call to relation built-in '{name}' {text}");
                    self.errors.push((span, message));
                    return None;
                }
                Some(Term::new(TermKind::Call(Box::new(c)), span))
            }
            _ => {
                self.errors.push((span, "unexpected template-string expression type".to_owned()));
                None
            }
        }
    }

    fn always_one_value(&self, t: &Term) -> bool {
        match &t.kind {
            TermKind::Var(_) => true,
            TermKind::Ref(parts) => (self.is_defined)(parts),
            _ => false,
        }
    }

    fn check_declared(&mut self, t: &Term, safe: &NameSet) {
        let mut c = Collector::new(Skip::SAFETY);
        c.term(t);
        let mut undeclared: Vec<_> = c.out.difference(safe).copied().collect();
        undeclared.sort();
        for name in undeclared {
            self.errors.push((t.span, format!("var {} is undeclared", self.names.text(name))));
        }
    }
}
