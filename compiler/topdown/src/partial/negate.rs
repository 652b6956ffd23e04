//! Negations over what is unknown: inlined as complements where that stays small, else support rules.

use super::{Partial, copyprop};
use crate::error::{Flow, Then};
use crate::frame::Frame;
use crate::term::*;
use crate::visit::{self, Shown};
use govc_value::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

/// OPA's limit of the product of what is inlined.
const MOST_INLINED: usize = 16;

impl<'q> Frame<'_, 'q> {
    /// `not e`.
    pub(crate) fn save_negation(&self, e: &Rc<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        let inner: Body<'q> = Rc::from([Rc::new(e.complement_without_with())]);
        self.negate(e, inner, false, then)
    }

    /// `not { body }`.
    pub(crate) fn save_not_body(
        &self,
        e: &Rc<Expr<'q>>,
        body: &Body<'q>,
        explicit: bool,
        then: &mut Then<'_>,
    ) -> Flow {
        if !explicit || self.is_shallow() {
            return self.negate(e, body.clone(), true, then);
        }
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let queries = self.residuals(partial, body.clone(), None);
        if queries.is_empty() {
            return then();
        }
        let nots = queries.into_iter().map(|body| Expr::new(ExprKind::Not { body, explicit: true }));
        self.save_inlined(nots.collect(), then)
    }

    /// The residual queries of a body; errors there are no solutions.
    fn residuals(
        &self,
        partial: &Partial<'_, 'q>,
        body: Body<'q>,
        live: Option<&BTreeSet<Name>>,
    ) -> Vec<Body<'q>> {
        let child = self.closure(body);
        let mut queries = Vec::new();
        partial.push_query(Vec::new());
        let _ = child.eval(&mut || {
            let query = partial.residual(self.m.heap, &self.m.caller);
            if partial.passes(&query) {
                queries.push(match live {
                    Some(live) => copyprop::propagate(self.m, live, query, true),
                    None => query,
                });
            }
            Ok(())
        });
        partial.pop_query();
        queries
    }

    fn negate(&self, e: &Rc<Expr<'q>>, inner: Body<'q>, as_body: bool, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let unknowns = partial.vars(self.m.heap, &self.m.caller);
        let id = self.m.next_id.get();
        let queries = self.residuals(partial, inner, (!partial.shallow).then_some(&unknowns));
        if queries.is_empty() {
            return then();
        }
        if !can_inline(&unknowns, &queries) {
            return self.negate_by_support(e, id, as_body, &unknowns, queries, then);
        }
        self.product(&queries, &mut Vec::new(), as_body, then)
    }

    /// All ways to contradict each of the queries.
    fn product(
        &self,
        queries: &[Body<'q>],
        chosen: &mut Vec<Expr<'q>>,
        as_body: bool,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some((query, rest)) = queries.split_first() else {
            return self.save_inlined(chosen.clone(), then);
        };
        for e in query.iter() {
            let mark = chosen.len();
            chosen.extend(complement(e, as_body));
            self.product(rest, chosen, as_body, then)?;
            chosen.truncate(mark);
        }
        Ok(())
    }

    fn negate_by_support(
        &self,
        e: &Rc<Expr<'q>>,
        id: u64,
        as_body: bool,
        unknowns: &BTreeSet<Name>,
        queries: Vec<Body<'q>>,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let name = format!("__not{}_{}_{id}__", self.id, self.index.get());
        let name_term = Term::value(self.m.heap.string(&name));
        let path = vec![Term::var("data"), partial.namespace.clone(), name_term];
        let mut used = BTreeSet::new();
        queries.iter().for_each(|q| all_vars(q, &mut used));
        let args: Vec<Term<'q>> =
            unknowns.intersection(&used).map(|n| Term::new(Node::Var(n.clone()))).collect();
        for body in queries {
            let rule = super::support::SupportRule {
                path: vec![Term::var(&name)],
                args: (!args.is_empty()).then(|| args.clone()),
                key: None,
                value: Some(Term::value(Value::TRUE)),
                default: false,
                body,
            };
            partial.support.borrow_mut().insert(&path, rule);
        }
        let kind = match args.is_empty() {
            true => ExprKind::Term(Term::reference(path)),
            false => {
                let path: Rc<[Value<'q>]> = path[1..].iter().filter_map(Term::as_value).collect();
                ExprKind::Call(Callee::Function(path), args.into())
            }
        };
        let saved = match as_body {
            true => Expr::new(ExprKind::Not { body: Rc::from([Rc::new(Expr::new(kind))]), explicit: false }),
            false => Expr { kind, ..(**e).clone() },
        };
        self.save_inlined(vec![saved], then)
    }
}

fn complement<'q>(e: &Rc<Expr<'q>>, as_body: bool) -> Vec<Expr<'q>> {
    if e.negated {
        return vec![Expr { negated: false, ..(**e).clone() }];
    }
    if let ExprKind::Not { body, .. } = &e.kind {
        let with = |inner: &Rc<Expr<'q>>| Expr {
            with: inner.with.iter().chain(e.with.iter()).cloned().collect(),
            ..(**inner).clone()
        };
        return body.iter().map(with).collect();
    }
    match as_body {
        true => vec![Expr::new(ExprKind::Not { body: Rc::from([e.clone()]), explicit: false })],
        false => vec![Expr { negated: true, ..(**e).clone() }],
    }
}

/// Whether the complement of the queries is small, and safe where the unknown variables are.
fn can_inline(safe: &BTreeSet<Name>, queries: &[Body<'_>]) -> bool {
    let mut size = 1usize;
    for query in queries {
        size = size.saturating_mul(query.len());
        if size > MOST_INLINED {
            return false;
        }
        for e in query.iter() {
            if has_nested(e) {
                return false;
            }
            if !e.negated && !matches!(e.kind, ExprKind::Not { .. }) {
                let mut vars = BTreeSet::new();
                super::outputs::expr_vars(e, &mut vars);
                if vars.iter().any(|v| !safe.contains(v) && !crate::bindings::is_root(v)) {
                    return false;
                }
            }
        }
    }
    true
}

/// References and calls inside operands: their being undefined would be lost in a complement.
fn has_nested(e: &Expr<'_>) -> bool {
    match &e.kind {
        ExprKind::Unify(a, b) => nested_in(a) || nested_in(b),
        ExprKind::Call(_, args) => args.iter().any(holds_evaluated),
        ExprKind::Not { body, .. } => body.iter().any(|e| has_nested(e)),
        ExprKind::And(a, b) | ExprKind::Or(a, b) => a.iter().chain(b.iter()).any(|e| has_nested(e)),
        ExprKind::Term(t) => nested_in(t),
        ExprKind::Every(_) => true,
    }
}

fn nested_in(t: &Term<'_>) -> bool {
    match &t.node {
        Node::Ref(parts) => parts.iter().skip(1).any(holds_evaluated),
        _ => holds_evaluated(t),
    }
}

fn holds_evaluated(t: &Term<'_>) -> bool {
    let mut found = false;
    visit::term(t, &mut |shown| {
        match shown {
            Shown::Term(Term { node: Node::Ref(_) | Node::Call(..), .. }) => found = true,
            Shown::Expr(Expr { kind: ExprKind::Call(..) | ExprKind::Unify(..), .. }) => found = true,
            _ => {}
        }
        found
    });
    found
}

fn all_vars(body: &Body<'_>, out: &mut BTreeSet<Name>) {
    visit::body(body, &mut |shown| {
        if let Shown::Term(Term { node: Node::Var(name), .. }) = shown {
            out.insert(name.clone());
        }
        false
    });
}
