//! A query or body in evaluation: its statements one after another, each with what follows as continuation.

use crate::bindings::{self, Shared};
use crate::error::{Flow, Stop, Then};
use crate::machine::Machine;
use crate::term::*;
use crate::trace::{Op, TraceNode};
use govc_compile::rewritten::ComprehensionKind;
use std::cell::Cell;
use std::rc::Rc;

/// A query in evaluation.
#[derive(Clone)]
pub(crate) struct Frame<'m, 'q> {
    pub(crate) m: &'m Machine<'m, 'q>,
    pub(crate) query: Body<'q>,
    /// The statement that is evaluated.
    pub(crate) index: Cell<usize>,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) bindings: Shared<'q>,
    pub(crate) input: Option<Term<'q>>,
    /// What `with` put below `data`.
    pub(crate) data: Option<Term<'q>>,
    /// One solution is enough.
    pub(crate) find_one: bool,
    /// Where the last event with a place was.
    pub(crate) last_location: Cell<Option<govc_syntax::Span>>,
}

/// Stack that must be left, and stack that is added where it is not.
const RED_ZONE: usize = 256 << 10;
const SEGMENT: usize = 8 << 20;

impl<'m, 'q> Frame<'m, 'q> {
    /// A query that sees the variables of this one.
    pub(crate) fn closure(&self, query: Body<'q>) -> Self {
        let id = self.m.fresh_id();
        Self { query, index: Cell::new(0), id, parent: self.id, find_one: false, ..self.clone() }
    }

    /// A query with variables of its own.
    pub(crate) fn child(&self, query: Body<'q>) -> Self {
        let mut child = self.closure(query);
        child.bindings = self.m.fresh_bindings(child.id);
        child
    }

    /// The statement that is evaluated.
    pub(crate) fn expr(&self) -> Option<Rc<Expr<'q>>> {
        self.query.get(self.index.get()).cloned()
    }

    pub(crate) fn place(&self) -> Option<govc_syntax::Span> {
        self.query.get(self.index.get()).and_then(|e| e.at)
    }

    /// A query from its first statement, with events around it.
    pub(crate) fn run(&self, then: &mut Then<'_>) -> Flow {
        let node = TraceNode::Body(self.query.clone());
        self.trace(Op::Enter, &node);
        self.eval(&mut || {
            self.trace(Op::Exit, &node);
            let flow = then();
            self.trace(Op::Redo, &node);
            flow
        })
    }

    /// The statements from the current one on.
    pub(crate) fn eval(&self, then: &mut Then<'_>) -> Flow {
        self.m.tick()?;
        stacker::maybe_grow(RED_ZONE, SEGMENT, || self.eval_grown(then))
    }

    fn eval_grown(&self, then: &mut Then<'_>) -> Flow {
        let Some(expr) = self.expr() else { return self.solved(then) };
        self.trace_expr(Op::Eval, &expr);
        if !expr.with.is_empty() {
            return self.eval_with(&expr, then);
        }
        self.step(&expr, &mut || self.next(then))
    }

    fn solved(&self, then: &mut Then<'_>) -> Flow {
        match then() {
            Err(Stop::Exit(mut passed)) => {
                passed.push(!self.find_one);
                return Err(Stop::Exit(passed));
            }
            other => other?,
        }
        if self.find_one && !self.m.is_partial() {
            return Err(Stop::Exit(vec![false]));
        }
        Ok(())
    }

    /// The statements after the current one.
    pub(crate) fn next(&self, then: &mut Then<'_>) -> Flow {
        self.index.set(self.index.get() + 1);
        let flow = self.eval(then);
        self.index.set(self.index.get() - 1);
        flow
    }

    /// One statement, without its modifiers.
    pub(crate) fn step(&self, expr: &Rc<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        if expr.negated {
            return self.eval_not(expr, then);
        }
        let defined = Cell::new(false);
        let mut done = || {
            defined.set(true);
            let flow = then();
            self.trace_expr(Op::Redo, expr);
            flow
        };
        match &expr.kind {
            ExprKind::Unify(a, b) => self.unify(a, b, &mut done),
            ExprKind::Call(callee, args) => self.eval_call(callee, args, &mut done),
            ExprKind::Every(every) => self.eval_every(expr, every, &mut done),
            ExprKind::Not { body, explicit } => self.eval_not_body(expr, body, *explicit, &mut done),
            ExprKind::And(a, b) => self.eval_and(expr, a, b, &mut done),
            ExprKind::Or(a, b) => self.eval_or(expr, a, b, &mut done),
            ExprKind::Term(t) => self.eval_term_statement(t, &defined, expr, then),
        }?;
        if !defined.get() {
            self.trace_expr(Op::Fail, expr);
        }
        Ok(())
    }

    fn eval_term_statement(
        &self,
        t: &Term<'q>,
        defined: &Cell<bool>,
        expr: &Rc<Expr<'q>>,
        then: &mut Then<'_>,
    ) -> Flow {
        let result = Term::var(&format!("$_term_{}_{}", self.id, self.index.get()));
        // OPA does so only where it is traced, and then makes less support.
        let disabling = self.m.partial.as_ref().filter(|_| self.m.is_traced());
        if let Some(partial) = disabling {
            partial.disable_var(&result);
        }
        let flow = self.unify(t, &result, &mut || {
            if self.is_saved(&result, &self.bindings) {
                return self.save_expr(Expr::new(ExprKind::Term(result.clone())), then);
            }
            if self.plug(&result).is_false() {
                return Ok(());
            }
            defined.set(true);
            let flow = then();
            self.trace_expr(Op::Redo, expr);
            flow
        });
        if let Some(partial) = disabling {
            partial.enable();
        }
        flow
    }

    pub(crate) fn plug(&self, t: &Term<'q>) -> Term<'q> {
        bindings::plug(self.m.heap, &self.bindings, t)
    }

    /// Replaces variables for the query itself: those of other bodies get their number.
    pub(crate) fn plug_for_caller(&self, t: &Term<'q>) -> Term<'q> {
        bindings::plug_for(self.m.heap, &self.bindings, t, Some(&self.m.caller))
    }

    /// Whether a body has a solution, with events.
    fn holds(&self, child: &Frame<'m, 'q>) -> Result<bool, Stop> {
        let node = TraceNode::Body(child.query.clone());
        let defined = Cell::new(false);
        child.trace(Op::Enter, &node);
        let flow = child.eval(&mut || {
            child.trace(Op::Exit, &node);
            child.trace(Op::Redo, &node);
            defined.set(true);
            Ok(())
        });
        match child.find_one {
            true => crate::error::suppress(flow)?,
            false => flow?,
        }
        Ok(defined.get())
    }

    fn eval_not(&self, expr: &Rc<Expr<'q>>, then: &mut Then<'_>) -> Flow {
        if self.is_unknown_expr(expr) {
            return self.save_negation(expr, then);
        }
        let child = self.closure(Rc::from([Rc::new(expr.complement_without_with())]));
        if !self.holds(&child)? {
            return then();
        }
        self.trace_expr(Op::Fail, expr);
        Ok(())
    }

    fn eval_not_body(
        &self,
        expr: &Rc<Expr<'q>>,
        body: &Body<'q>,
        explicit: bool,
        then: &mut Then<'_>,
    ) -> Flow {
        if self.is_unknown_body(body) {
            return self.save_not_body(expr, body, explicit, then);
        }
        match self.holds(&self.closure(body.clone()))? {
            true => Ok(()),
            false => then(),
        }
    }

    fn operand(&self, body: &Body<'q>) -> Result<bool, Stop> {
        let mut child = self.closure(body.clone());
        child.find_one = true;
        self.holds(&child)
    }

    fn eval_and(&self, expr: &Rc<Expr<'q>>, a: &Body<'q>, b: &Body<'q>, then: &mut Then<'_>) -> Flow {
        if self.is_unknown_body(a) || self.is_unknown_body(b) {
            return self.save_plugged(expr, then);
        }
        if self.operand(a)? && self.operand(b)? { then() } else { Ok(()) }
    }

    fn eval_or(&self, expr: &Rc<Expr<'q>>, a: &Body<'q>, b: &Body<'q>, then: &mut Then<'_>) -> Flow {
        if self.is_unknown_body(a) || self.is_unknown_body(b) {
            return self.save_plugged(expr, then);
        }
        if self.operand(a)? || self.operand(b)? { then() } else { Ok(()) }
    }

    fn eval_every(&self, expr: &Rc<Expr<'q>>, every: &Rc<Every<'q>>, then: &mut Then<'_>) -> Flow {
        if self.m.is_partial() && (self.is_unknown(&every.domain) || self.is_unknown_body(&every.body)) {
            return self.save_plugged(expr, then);
        }
        let domain = self.plug(&every.domain);
        let iterable = domain.array_items().is_some() || domain.object_pairs().is_some() || domain.is_set();
        if !iterable {
            self.trace_expr(Op::Fail, expr);
            return Ok(());
        }
        let element = Term::reference(vec![every.domain.clone(), every.key.clone()]).at(every.domain.at);
        let generator = Expr { at: every.domain.at, ..Expr::unify(element, every.value.clone()) };
        let outer = self.closure(Rc::from([Rc::new(generator)]));
        let all = Cell::new(true);
        outer.trace_expr(Op::Enter, expr);
        outer.eval(&mut || {
            if !all.get() {
                return Ok(());
            }
            let mut body = outer.closure(every.body.clone());
            body.find_one = true;
            if !outer.holds(&body)? {
                all.set(false);
            }
            outer.trace_expr(Op::Redo, expr);
            Ok(())
        })?;
        if all.get() {
            let flow = then();
            outer.trace_expr(Op::Exit, expr);
            return flow;
        }
        outer.trace_expr(Op::Fail, expr);
        Ok(())
    }

    /// The value of a comprehension.
    pub(crate) fn comprehension(&self, c: &Comprehension<'q>) -> Result<Term<'q>, Stop> {
        let heap = self.m.heap;
        let child = self.closure(c.body.clone());
        let mut items = Vec::new();
        let mut pairs: std::collections::BTreeMap<Term<'q>, Term<'q>> = std::collections::BTreeMap::new();
        child.run(&mut || {
            let value = child.plug(&c.term);
            match &c.key {
                None => items.push(value),
                Some(key) => {
                    let plugged = child.plug(key);
                    if pairs.get(&plugged).is_some_and(|old| *old != value) {
                        return Err(Stop::conflict("object keys must be unique", key.at));
                    }
                    pairs.insert(plugged, value);
                }
            }
            Ok(())
        })?;
        Ok(Term::new(match c.kind {
            ComprehensionKind::Array => array(heap, items),
            ComprehensionKind::Set => set(heap, items),
            ComprehensionKind::Object => object(heap, pairs.into_iter().collect()),
        }))
    }

    /// A new variable that stands for nothing the author named.
    pub(crate) fn generated_var(&self, suffix: &str) -> Term<'q> {
        Term::var(&format!("$_{suffix}"))
    }
}
