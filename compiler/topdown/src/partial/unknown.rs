//! Whether something depends on what is unknown, directly or by the rules that it refers to.

use super::Partial;
use crate::bindings::{self, Shared};
use crate::frame::Frame;
use crate::term::*;
use crate::visit::{self, Shown};
use govc_stdlib::Purity;
use std::rc::Rc;

struct Search<'s, 'm, 'q> {
    frame: &'s Frame<'m, 'q>,
    partial: &'s Partial<'m, 'q>,
    of: &'s Shared<'q>,
    /// Rules that depend on nothing unknown.
    seen: Vec<*const Rule<'q>>,
}

impl<'q> Search<'_, '_, 'q> {
    fn term(&mut self, t: &Term<'q>, in_rule: bool) -> bool {
        let mut found = false;
        visit::term(t, &mut |shown| {
            found = found || self.shown(shown, in_rule);
            found
        });
        found
    }

    fn expr(&mut self, e: &Expr<'q>, in_rule: bool) -> bool {
        let mut found = false;
        visit::expr(e, &mut |shown| {
            found = found || self.shown(shown, in_rule);
            found
        });
        found
    }

    fn shown(&mut self, shown: Shown<'_, 'q>, in_rule: bool) -> bool {
        match shown {
            Shown::Expr(e) => !e.with.is_empty() || self.operator(e, in_rule),
            Shown::Term(t) => match &t.node {
                Node::Var(_) => !in_rule && self.partial.contains_recursively(t, self.of),
                Node::Ref(parts) => self.partial.contains(t, Some(self.of)) || self.reference(parts, in_rule),
                _ => false,
            },
        }
    }

    fn operator(&mut self, e: &Expr<'q>, in_rule: bool) -> bool {
        match &e.kind {
            ExprKind::Call(Callee::Builtin(name), _) => {
                (!self.partial.nondeterministic && is_nondeterministic(name))
                    || self.partial.opaque.contains(&**name)
            }
            ExprKind::Call(callee @ Callee::Function(_), _) => {
                let parts = callee.reference(self.frame.m.heap);
                self.partial.contains_ref(&parts) || self.reference(&parts, in_rule)
            }
            _ => false,
        }
    }

    fn reference(&mut self, parts: &[Term<'q>], in_rule: bool) -> bool {
        let constant = parts.iter().skip(1).take_while(|t| t.as_value().is_some()).count() + 1;
        if self.partial.disabled(&parts[..constant.min(parts.len())], true) {
            return true;
        }
        let heap = self.frame.m.heap;
        let plug = |t: &Term<'q>| {
            let plugged = bindings::plug(heap, self.of, t);
            if plugged.is_scalar() { plugged } else { t.clone() }
        };
        let lookup: Vec<Term<'q>> = match in_rule {
            true => parts.to_vec(),
            false => {
                parts.iter().enumerate().map(|(i, t)| if i == 0 { t.clone() } else { plug(t) }).collect()
            }
        };
        let tree = self.frame.m.tree;
        tree.any_rule(&lookup, &mut |rule| self.rule(rule))
    }

    fn rule(&mut self, rule: &Rc<Rule<'q>>) -> bool {
        if self.seen.contains(&Rc::as_ptr(rule)) {
            return false;
        }
        self.seen.push(Rc::as_ptr(rule));
        let head = rule.args.iter().flatten().chain(&rule.key).chain(&rule.value);
        head.into_iter().any(|t| self.term(t, true))
            || rule.path.iter().skip(rule.package).any(|t| self.term(t, true))
            || rule.body.iter().any(|e| self.expr(e, true))
            || rule.elses.iter().any(|r| self.rule(r))
    }
}

/// Builtins that partial evaluation leaves alone.
fn is_nondeterministic(name: &str) -> bool {
    govc_stdlib::lookup(name).is_some_and(|b| b.purity == Purity::Nondeterministic)
        || matches!(name, "io.jwt.decode_verify" | "io.jwt.encode_sign" | "io.jwt.encode_sign_raw")
}

impl<'q> Frame<'_, 'q> {
    fn search<T>(&self, of: &Shared<'q>, f: impl FnOnce(&mut Search<'_, '_, 'q>) -> T, none: T) -> T {
        match &self.m.partial {
            Some(partial) => f(&mut Search { frame: self, partial, of, seen: Vec::new() }),
            None => none,
        }
    }

    /// A term of this query depends on what is unknown.
    pub(crate) fn is_unknown(&self, t: &Term<'q>) -> bool {
        self.is_unknown_in(t, &self.bindings)
    }

    pub(crate) fn is_unknown_in(&self, t: &Term<'q>, of: &Shared<'q>) -> bool {
        self.search(of, |s| s.term(t, false), false)
    }

    pub(crate) fn is_unknown_parts(&self, parts: &[Term<'q>], of: &Shared<'q>) -> bool {
        self.m.is_partial() && self.is_unknown_in(&Term::reference(parts.to_vec()), of)
    }

    pub(crate) fn is_unknown_expr(&self, e: &Expr<'q>) -> bool {
        self.search(&self.bindings, |s| s.expr(e, false), false)
    }

    pub(crate) fn is_unknown_body(&self, body: &Body<'q>) -> bool {
        self.search(&self.bindings, |s| body.iter().any(|e| s.expr(e, false)), false)
    }

    /// A variable or reference is unknown as it stands.
    pub(crate) fn is_saved(&self, t: &Term<'q>, of: &Shared<'q>) -> bool {
        self.m.partial.as_ref().is_some_and(|p| p.contains(t, Some(of)))
    }

    pub(crate) fn is_saved_ref(&self, parts: &[Term<'q>]) -> bool {
        self.m.partial.as_ref().is_some_and(|p| p.contains_ref(parts))
    }

    /// A term is or holds something unknown.
    pub(crate) fn holds_saved(&self, t: &Term<'q>, of: &Shared<'q>) -> bool {
        self.m.partial.as_ref().is_some_and(|p| p.contains_recursively(t, of))
    }
}
