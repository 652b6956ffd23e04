//! Saving statements, and going on as if they held.

use super::{Partial, Saved};
use crate::bindings::{self, Shared};
use crate::error::{Flow, Then};
use crate::frame::Frame;
use crate::refs::Walk;
use crate::term::*;
use crate::trace::Op;
use crate::visit::{self, Shown};
use std::rc::Rc;

type Pair<'q> = (Name, Shared<'q>);

impl<'q> Partial<'_, 'q> {
    /// Saves a statement while the continuation runs.
    fn while_saved(&self, saved: Saved<'q>, vars: Vec<Pair<'q>>, then: &mut Then<'_>) -> Flow {
        let count = vars.len();
        vars.into_iter().for_each(|(name, of)| self.push_save(vec![name], &of));
        self.push_saved(saved);
        let flow = then();
        self.pop_saved();
        self.pop_saves(count);
        flow
    }
}

impl<'q> Frame<'_, 'q> {
    /// The statement with the modifiers and place of the one that is evaluated.
    fn under_query(&self, e: Expr<'q>) -> Rc<Expr<'q>> {
        let with = self.expr().map(|q| self.documents_of(&q.with)).unwrap_or_default();
        Rc::new(Expr { with: with.into(), at: self.place(), ..e })
    }

    /// Modifiers but for functions, which have been applied.
    pub(super) fn documents_of(&self, with: &[With<'q>]) -> Vec<With<'q>> {
        with.iter().filter(|w| matches!(w.target, Target::Document(_))).cloned().collect()
    }

    pub(crate) fn save_expr(&self, e: Expr<'q>, then: &mut Then<'_>) -> Flow {
        self.save_expr_of(e, &self.bindings, then)
    }

    pub(crate) fn save_expr_of(&self, e: Expr<'q>, of: &Shared<'q>, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let expr = self.under_query(e);
        self.trace_expr(Op::Save, &expr);
        partial.while_saved(Saved { expr, bindings: Some((of.clone(), of.clone())) }, Vec::new(), then)
    }

    /// Saves a statement whose variables are unknown from then on.
    pub(crate) fn save_marked(&self, e: &Rc<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let mut vars = Vec::new();
        match &e.kind {
            ExprKind::Term(t) => unbound(t, &self.bindings, &mut vars),
            ExprKind::Unify(a, b) => {
                unbound(a, &self.bindings, &mut vars);
                unbound(b, &self.bindings, &mut vars);
            }
            ExprKind::Call(callee, args) => {
                if self.m.arity(callee).is_some_and(|n| n + 1 == args.len())
                    && let Some(output) = args.last()
                {
                    unbound(output, &self.bindings, &mut vars);
                }
            }
            _ => {}
        }
        let expr = match partial.skip_namespace {
            true => e.clone(),
            false => self.under_query((**e).clone()),
        };
        self.trace_expr(Op::Save, &expr);
        let saved = Saved { expr, bindings: Some((self.bindings.clone(), self.bindings.clone())) };
        partial.while_saved(saved, vars, then)
    }

    pub(crate) fn save_unify(
        &self,
        a: Term<'q>,
        b: Term<'q>,
        b1: &Shared<'q>,
        b2: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let mut vars = Vec::new();
        unbound(&a, b1, &mut vars);
        unbound(&b, b2, &mut vars);
        let expr = self.under_query(Expr::unify(a, b));
        self.trace_expr(Op::Save, &expr);
        partial.while_saved(Saved { expr, bindings: Some((b1.clone(), b2.clone())) }, vars, then)
    }

    pub(crate) fn save_call(
        &self,
        callee: Callee<'q>,
        args: Rc<[Term<'q>]>,
        arity: usize,
        then: &mut Then<'_>,
    ) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let mut vars = Vec::new();
        if let Some(output) = args.last().filter(|_| arity + 1 == args.len()) {
            unbound(output, &self.bindings, &mut vars);
        }
        let expr = self.under_query(Expr::new(ExprKind::Call(callee, args)));
        self.trace_expr(Op::Save, &expr);
        let saved = Saved { expr, bindings: Some((self.bindings.clone(), self.bindings.clone())) };
        partial.while_saved(saved, vars, then)
    }

    /// Saves statements that are in the caller's names already, under the modifiers of the current one.
    pub(super) fn save_inlined(&self, exprs: Vec<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        let Some(partial) = &self.m.partial else { return Ok(()) };
        let with = self.expr().map(|q| self.documents_of(&q.with)).unwrap_or_default();
        let plug = |w: &With<'q>| With { target: w.target.clone(), value: self.plug_for_caller(&w.value) };
        let with: Rc<[With<'q>]> = with.iter().map(plug).collect();
        let count = exprs.len();
        for e in exprs {
            let expr = Rc::new(Expr { with: with.clone(), ..e });
            self.trace_expr(Op::Save, &expr);
            partial.push_saved(Saved { expr, bindings: None });
        }
        let flow = then();
        (0..count).for_each(|_| partial.pop_saved());
        flow
    }

    /// The rest of a reference into something unknown.
    pub(crate) fn save_walk(
        &self,
        walk: &Walk<'q>,
        pos: usize,
        term: &Term<'q>,
        of: &Shared<'q>,
        then: &mut Then<'_>,
    ) -> Flow {
        let number = self.m.next_var.get();
        self.m.next_var.set(number + 1);
        let head = self.generated_var(&format!("ref_{number}"));
        self.unify_in(term, &head, of, &walk.bindings, &mut || {
            let parts: Vec<Term<'q>> =
                std::iter::once(head.clone()).chain(walk.parts[pos..].iter().cloned()).collect();
            self.unify_in(&Term::reference(parts), &walk.result, &walk.bindings, &walk.result_bindings, then)
        })
    }

    /// The references whose rules `with` keeps from being inlined; none if a value of `with` is unknown.
    pub(crate) fn disabled_by(&self, e: &Rc<Expr<'q>>) -> Option<Vec<Rc<[Term<'q>]>>> {
        let mut refs = Vec::new();
        for with in e.with.iter() {
            match &with.target {
                // Rules that keep their paths are evaluated both with and without the replacement.
                Target::Function(_) if self.m.partial.as_ref().is_some_and(|p| p.skip_namespace) => {
                    return None;
                }
                Target::Function(_) => collect_refs(&with.value, &mut refs),
                Target::Document(parts) => {
                    if self.holds_saved(&with.value, &self.bindings) {
                        return None;
                    }
                    refs.push(ground_prefix(parts));
                    collect_refs(&with.value, &mut refs);
                }
            }
        }
        visit::expr(&e.without_with(), &mut |shown| {
            match shown {
                Shown::Term(Term { node: Node::Ref(parts), .. }) => refs.push(ground_prefix(parts)),
                Shown::Expr(Expr { kind: ExprKind::Call(callee, _), .. }) => {
                    refs.push(callee.reference(self.m.heap).into());
                }
                _ => {}
            }
            false
        });
        Some(refs)
    }

    /// Saves a statement as it is, with its variables replaced.
    pub(crate) fn save_plugged(&self, e: &Rc<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        let plugged = self.plugged_expr(e);
        self.save_expr(plugged, then)
    }

    fn plugged_body(&self, body: &Body<'q>) -> Body<'q> {
        body.iter().map(|e| Rc::new(self.plugged_expr(e))).collect()
    }

    fn plugged_expr(&self, e: &Expr<'q>) -> Expr<'q> {
        let plug = |t: &Term<'q>| match t.is_comprehension() {
            true => self.closed_comprehension(t, &self.bindings),
            false => self.plug_for_caller(t),
        };
        let kind = match &e.kind {
            ExprKind::Term(t) => ExprKind::Term(plug(t)),
            ExprKind::Unify(a, b) => ExprKind::Unify(plug(a), plug(b)),
            ExprKind::Call(callee, args) => ExprKind::Call(callee.clone(), args.iter().map(plug).collect()),
            ExprKind::Every(every) => ExprKind::Every(Rc::new(Every {
                key: self.plug_for_caller(&every.key),
                value: self.plug_for_caller(&every.value),
                domain: self.plug_for_caller(&every.domain),
                body: self.plugged_body(&every.body),
            })),
            ExprKind::Not { body, explicit } => {
                ExprKind::Not { body: self.plugged_body(body), explicit: *explicit }
            }
            ExprKind::And(a, b) => ExprKind::And(self.plugged_body(a), self.plugged_body(b)),
            ExprKind::Or(a, b) => ExprKind::Or(self.plugged_body(a), self.plugged_body(b)),
        };
        Expr { kind, ..e.clone() }
    }

    /// A comprehension with what is bound of its variables, in the caller's names.
    pub(crate) fn closed_comprehension(&self, t: &Term<'q>, of: &Shared<'q>) -> Term<'q> {
        let Node::Comprehension(c) = &t.node else { return t.clone() };
        let mut names = Vec::new();
        visit::term(t, &mut |shown| {
            if let Shown::Term(Term { node: Node::Var(name), .. }) = shown {
                names.push(name.clone());
            }
            false
        });
        let mut body: Vec<Rc<Expr<'q>>> = c.body.to_vec();
        let mut bound = bindings::all(self.m.heap, of, Some(&self.m.caller));
        bound.retain(|(k, _)| k.as_var().is_some_and(|n| names.contains(n)));
        bound.sort();
        let plugged: Vec<Rc<Expr<'q>>> =
            bound.iter().map(|(k, v)| Rc::new(Expr::unify(self.namespaced_term(k, of), v.clone()))).collect();
        body = body.iter().map(|e| Rc::new(self.namespaced_expr(e, of))).collect();
        body.extend(plugged);
        Term {
            node: Node::Comprehension(Rc::new(Comprehension {
                kind: c.kind,
                key: c.key.as_ref().map(|k| self.namespaced_term(k, of)),
                term: self.namespaced_term(&c.term, of),
                body: body.into(),
            })),
            at: t.at,
        }
    }

    fn namespaced_body(&self, body: &Body<'q>, of: &Shared<'q>) -> Body<'q> {
        body.iter().map(|e| Rc::new(self.namespaced_expr(e, of))).collect()
    }

    fn namespaced_expr(&self, e: &Expr<'q>, of: &Shared<'q>) -> Expr<'q> {
        let name = |t: &Term<'q>| self.namespaced_term(t, of);
        let kind = match &e.kind {
            ExprKind::Term(t) => ExprKind::Term(name(t)),
            ExprKind::Unify(a, b) => ExprKind::Unify(name(a), name(b)),
            ExprKind::Call(callee, args) => ExprKind::Call(callee.clone(), args.iter().map(name).collect()),
            ExprKind::Every(every) => ExprKind::Every(Rc::new(Every {
                key: name(&every.key),
                value: name(&every.value),
                domain: name(&every.domain),
                body: self.namespaced_body(&every.body, of),
            })),
            ExprKind::Not { body, explicit } => {
                ExprKind::Not { body: self.namespaced_body(body, of), explicit: *explicit }
            }
            ExprKind::And(a, b) => ExprKind::And(self.namespaced_body(a, of), self.namespaced_body(b, of)),
            ExprKind::Or(a, b) => ExprKind::Or(self.namespaced_body(a, of), self.namespaced_body(b, of)),
        };
        let with = e.with.iter().map(|w| With { target: w.target.clone(), value: name(&w.value) }).collect();
        Expr { kind, with, ..e.clone() }
    }

    /// A term whose variables get the number of their query, whether they are bound or not.
    fn namespaced_term(&self, t: &Term<'q>, of: &Shared<'q>) -> Term<'q> {
        let heap = self.m.heap;
        let each = |items: &[Term<'q>]| items.iter().map(|t| self.namespaced_term(t, of)).collect::<Vec<_>>();
        let node = match &t.node {
            Node::Var(_) => return bindings::namespaced(of, t, Some(&self.m.caller)),
            Node::Ref(parts) => Node::Ref(each(parts).into()),
            Node::Array(items) => array(heap, each(items)),
            Node::Set(items) => set(heap, each(items)),
            Node::Object(pairs) => {
                let pair = |(k, v): &(Term<'q>, Term<'q>)| {
                    (self.namespaced_term(k, of), self.namespaced_term(v, of))
                };
                object(heap, pairs.iter().map(pair).collect())
            }
            Node::Call(callee, args) => Node::Call(callee.clone(), each(args).into()),
            Node::Comprehension(c) => Node::Comprehension(Rc::new(Comprehension {
                kind: c.kind,
                key: c.key.as_ref().map(|k| self.namespaced_term(k, of)),
                term: self.namespaced_term(&c.term, of),
                body: self.namespaced_body(&c.body, of),
            })),
            _ => return t.clone(),
        };
        Term { node, at: t.at }
    }
}

/// The variables of a term that are not bound, with their bindings; those of closures and heads of
/// references do not count.
fn unbound<'q>(t: &Term<'q>, of: &Shared<'q>, out: &mut Vec<Pair<'q>>) {
    if let Some(name) = t.as_var() {
        out.push((name.clone(), of.clone()));
        return;
    }
    let mut names: Vec<Name> = Vec::new();
    outer_vars(t, &mut names);
    for name in names {
        let (end, end_of) = bindings::apply(of, &Term::new(Node::Var(name)));
        unbound(&end, &end_of, out);
    }
}

fn outer_vars<'q>(t: &Term<'q>, out: &mut Vec<Name>) {
    match &t.node {
        Node::Var(name) if !out.contains(name) => {
            out.push(name.clone());
        }
        Node::Ref(parts) => parts.iter().skip(1).for_each(|t| outer_vars(t, out)),
        Node::Array(items) | Node::Set(items) | Node::Call(_, items) => {
            items.iter().for_each(|t| outer_vars(t, out));
        }
        Node::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            outer_vars(k, out);
            outer_vars(v, out);
        }),
        _ => {}
    }
}

fn collect_refs<'q>(t: &Term<'q>, out: &mut Vec<Rc<[Term<'q>]>>) {
    visit::term(t, &mut |shown| {
        if let Shown::Term(Term { node: Node::Ref(parts), .. }) = shown {
            out.push(ground_prefix(parts));
        }
        false
    });
}

fn ground_prefix<'q>(parts: &[Term<'q>]) -> Rc<[Term<'q>]> {
    let ground = parts.iter().skip(1).take_while(|t| t.is_ground()).count();
    parts[..=ground.min(parts.len().saturating_sub(1))].into()
}
