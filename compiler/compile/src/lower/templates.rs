//! Template strings become calls of `internal.template_string`. An expression that may be undefined is
//! wrapped as the set of its values, as for `print`.

use crate::check::compile_error;
use crate::lower::names::{NameSet, Names};
use crate::lower::prints::captured;
use crate::lower::tree::*;
use crate::safety::vars::{self, Arity, Collector, Skip};
use govc_syntax::{Diagnostic, Span};
use std::sync::Arc;

/// Rewrites template strings.
pub(crate) struct Templates<'a> {
    pub(crate) names: &'a mut Names,
    pub(crate) arity: Arity<'a>,
    /// Builtins with several results.
    pub(crate) is_relation: &'a dyn Fn(&str) -> bool,
    /// References to rules that are always defined.
    pub(crate) is_defined: &'a dyn Fn(&[Term]) -> bool,
    pub(crate) errors: Vec<Diagnostic>,
}

impl Templates<'_> {
    /// Rewrites a body; gives the variables that are bound after it.
    pub(crate) fn body(&mut self, body: &mut Body, outer: &NameSet) -> NameSet {
        let mut safe = vars::outputs_of_body(body, self.arity, outer);
        safe.extend(outer.iter().copied());
        self.statements(body, &safe);
        safe
    }

    fn statements(&mut self, body: &mut Body, safe: &NameSet) {
        body.iter_mut().for_each(|e| self.expr(e, safe));
    }

    fn expr(&mut self, e: &mut Expr, safe: &NameSet) {
        match &mut e.kind {
            ExprKind::Term(t) => self.term(t, safe),
            ExprKind::Call(c) => c.args.iter_mut().for_each(|t| self.term(t, safe)),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a, safe);
                self.term(b, safe);
            }
            ExprKind::Every(every) => self.every(every, safe),
            ExprKind::Not { body, .. } => self.statements(body, safe),
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.statements(&mut l.lhs, safe);
                self.statements(&mut l.rhs, safe);
            }
            ExprKind::SomeDecl(_) | ExprKind::SomeIn { .. } => {}
        }
        for with in &mut e.with {
            self.term(&mut with.target, safe);
            self.term(&mut with.value, safe);
        }
    }

    fn every(&mut self, every: &mut Every, safe: &NameSet) {
        let before = self.errors.len();
        self.term(&mut every.domain, safe);
        let mut inner = safe.clone();
        inner.extend(every.key);
        inner.insert(every.value);
        self.body(&mut every.body, &inner);
        if self.errors.len() > before {
            self.again(&mut every.domain, safe);
            self.statements(&mut every.body, safe);
        }
    }

    /// What is refused inside stays as it is, and OPA comes to it a second time, as a part of what is around it.
    fn comprehension(&mut self, c: &mut Comprehension, safe: &NameSet) {
        let before = self.errors.len();
        let inner = self.body(&mut c.body, safe);
        for t in c.key.iter_mut().chain([&mut c.term]) {
            let bound = if matches!(t.kind, TermKind::Template(_)) { &inner } else { safe };
            self.term(t, bound);
        }
        if self.errors.len() > before {
            c.key.iter_mut().chain([&mut c.term]).for_each(|t| self.again(t, safe));
            self.statements(&mut c.body, safe);
        }
    }

    /// A template string that has been refused is seen again as a term among others.
    fn again(&mut self, t: &mut Term, safe: &NameSet) {
        if let TermKind::Template(_) = t.kind {
            self.term(t, safe);
        }
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
            TermKind::Comprehension(c) => self.comprehension(c, safe),
            TermKind::Template(parts) => {
                let before = self.errors.len();
                parts.iter().for_each(|p| self.check(p, safe));
                if self.errors.len() == before {
                    let items = std::mem::take(parts).into_iter().map(|p| self.part(p)).collect();
                    t.kind = call(items, t.span);
                    return self.term(t, safe);
                }
                for part in parts {
                    if let Part::Expr(e) = part {
                        self.expr(e, safe);
                    }
                }
            }
        }
    }

    /// Whether an expression of a template string may stand there.
    fn check(&mut self, part: &Part, safe: &NameSet) {
        let Part::Expr(e) = part else { return };
        match &e.kind {
            ExprKind::Term(t) if self.always_one_value(t) => {}
            ExprKind::Term(t) => {
                let mut c = Collector::new(Skip::SAFETY);
                c.term(t);
                self.check_declared(c, t.span, safe).into_iter().for_each(|e| self.errors.push(e));
            }
            ExprKind::Call(c) => self.check_call(c, e.span, safe),
            _ => self.errors.push(refused(e.span, "unexpected template-string expression type".to_owned())),
        }
    }

    /// OPA does not know where the calls are.
    fn check_call(&mut self, call: &Call, span: Span, safe: &NameSet) {
        if let Target::Builtin(name) = &call.op.target
            && (self.is_relation)(name)
        {
            let text = "that may cause multiple outputs";
            let message = format!("illegal call to relation built-in '{name}' {text}");
            self.errors.push(refused(span, message).nowhere());
            return;
        }
        let mut c = Collector::new(Skip::SAFETY);
        call.args.iter().for_each(|t| c.term(t));
        let undeclared = self.check_declared(c, span, safe);
        self.errors.extend(undeclared.into_iter().map(Diagnostic::nowhere));
    }

    fn check_declared(&self, used: Collector, span: Span, safe: &NameSet) -> Vec<Diagnostic> {
        let mut undeclared: Vec<_> = used.out.difference(safe).copied().collect();
        undeclared.sort();
        let text = |name| format!("var {} is undeclared", self.names.text(name));
        undeclared.into_iter().map(|name| refused(span, text(name))).collect()
    }

    fn always_one_value(&self, t: &Term) -> bool {
        match &t.kind {
            TermKind::Var(_) => true,
            TermKind::Ref(parts) => (self.is_defined)(parts),
            _ => false,
        }
    }

    /// The operand for a part that has been checked.
    fn part(&mut self, part: Part) -> Term {
        let e = match part {
            Part::Text(text, span) => return Term::string(text, span),
            Part::Expr(e) => e,
        };
        let t = match e.kind {
            ExprKind::Term(t) => t,
            ExprKind::Call(c) => Term::new(TermKind::Call(Box::new(c)), e.span),
            // Refused by the check.
            _ => Term::string("", e.span),
        };
        match self.always_one_value(&t) {
            true => {
                let span = t.span;
                Term::new(TermKind::Set(vec![t]), span)
            }
            false => captured(self.names, t, e.with),
        }
    }
}

fn refused(span: Span, message: String) -> Diagnostic {
    compile_error("govc_template", (span, message))
}

fn call(mut items: Vec<Term>, span: Span) -> TermKind {
    if items.is_empty() {
        items.push(Term::string("", span));
    }
    let args = vec![Term::new(TermKind::Array(items), span)];
    let op = Operator { target: Target::Builtin(Arc::from("internal.template_string")) };
    TermKind::Call(Box::new(Call { op, args }))
}
