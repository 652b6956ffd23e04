//! Statements with other names for their variables.

use crate::term::*;
use govc_value::Heap;
use std::rc::Rc;

/// Gives each variable the name that a function tells.
pub(crate) struct Renamer<'r, 'q> {
    pub(crate) heap: Heap<'q>,
    pub(crate) name: &'r dyn Fn(&str) -> Option<String>,
}

impl<'q> Renamer<'_, 'q> {
    fn terms(&self, items: &[Term<'q>]) -> Vec<Term<'q>> {
        items.iter().map(|t| self.term(t)).collect()
    }

    pub(crate) fn term(&self, t: &Term<'q>) -> Term<'q> {
        let node = match &t.node {
            Node::Var(name) => match (self.name)(name) {
                Some(other) => Node::Var(Rc::from(other)),
                None => return t.clone(),
            },
            Node::Ref(parts) => Node::Ref(self.terms(parts).into()),
            Node::Array(items) => array(self.heap, self.terms(items)),
            Node::Set(items) => set(self.heap, self.terms(items)),
            Node::Object(pairs) => {
                object(self.heap, pairs.iter().map(|(k, v)| (self.term(k), self.term(v))).collect())
            }
            Node::Call(callee, args) => Node::Call(callee.clone(), self.terms(args).into()),
            Node::Comprehension(c) => Node::Comprehension(Rc::new(Comprehension {
                kind: c.kind,
                key: c.key.as_ref().map(|k| self.term(k)),
                term: self.term(&c.term),
                body: self.body(&c.body),
            })),
            _ => return t.clone(),
        };
        Term { node, at: t.at }
    }

    pub(crate) fn body(&self, body: &[Rc<Expr<'q>>]) -> Body<'q> {
        body.iter().map(|e| Rc::new(self.expr(e))).collect()
    }

    pub(crate) fn expr(&self, e: &Expr<'q>) -> Expr<'q> {
        let kind = match &e.kind {
            ExprKind::Term(t) => ExprKind::Term(self.term(t)),
            ExprKind::Unify(a, b) => ExprKind::Unify(self.term(a), self.term(b)),
            ExprKind::Call(callee, args) => ExprKind::Call(callee.clone(), self.terms(args).into()),
            ExprKind::Every(every) => ExprKind::Every(Rc::new(Every {
                key: self.term(&every.key),
                value: self.term(&every.value),
                domain: self.term(&every.domain),
                body: self.body(&every.body),
            })),
            ExprKind::Not { body, explicit } => ExprKind::Not { body: self.body(body), explicit: *explicit },
            ExprKind::And(a, b) => ExprKind::And(self.body(a), self.body(b)),
            ExprKind::Or(a, b) => ExprKind::Or(self.body(a), self.body(b)),
        };
        let with = e.with.iter();
        let with = with.map(|w| With { target: w.target.clone(), value: self.term(&w.value) }).collect();
        Expr { kind, with, ..e.clone() }
    }
}
