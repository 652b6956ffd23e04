//! Events: what the evaluator does, as OPA's tracers see it.

use crate::bindings;
use crate::frame::Frame;
use crate::term::*;
use crate::visit::{self, Shown};
use govc_syntax::Span;
use govc_value::Value;
use std::rc::Rc;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Enter,
    Exit,
    Eval,
    Redo,
    Save,
    Fail,
    Duplicate,
    Note,
    Index,
    Unify,
    TestCase,
}

impl Op {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Enter => "Enter",
            Self::Exit => "Exit",
            Self::Eval => "Eval",
            Self::Redo => "Redo",
            Self::Save => "Save",
            Self::Fail => "Fail",
            Self::Duplicate => "Duplicate",
            Self::Note => "Note",
            Self::Index => "Index",
            Self::Unify => "Unify",
            Self::TestCase => "TestCase",
        }
    }
}

/// What an event is about.
#[derive(Clone, Debug)]
pub(crate) enum TraceNode<'q> {
    Body(Body<'q>),
    Expr(Rc<Expr<'q>>),
    Rule(Rc<Rule<'q>>),
}

/// What is told of a variable.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) name: Name,
    pub(crate) written: String,
    pub(crate) at: Option<Span>,
}

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct Event<'q> {
    pub(crate) op: Op,
    pub(crate) node: Option<TraceNode<'q>>,
    pub(crate) at: Option<Span>,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    /// The statement that is evaluated, by its position in its body.
    pub(crate) index: usize,
    pub(crate) message: String,
    pub(crate) reference: Option<Vec<Term<'q>>>,
    /// Bound variables and their values.
    pub(crate) locals: Vec<(Term<'q>, Term<'q>)>,
    pub(crate) metadata: Vec<Local>,
    /// Values of the references in the node, as far as they are known.
    pub(crate) known: Vec<(Vec<Term<'q>>, Term<'q>)>,
}

impl<'q> TraceNode<'q> {
    fn place(&self) -> Option<Span> {
        match self {
            Self::Body(body) => body.first().and_then(|e| e.at),
            Self::Expr(e) => e.at,
            Self::Rule(rule) => rule.at,
        }
    }

    /// Shows all terms.
    pub(crate) fn visit(&self, visit: &mut visit::Visitor<'_, 'q>) {
        match self {
            Self::Body(body) => visit::body(body, visit),
            Self::Expr(e) => visit::expr(e, visit),
            Self::Rule(rule) => {
                rule.head_terms().for_each(|t| visit::term(t, visit));
                visit::body(&rule.body, visit);
            }
        }
    }
}

impl<'q> Frame<'_, 'q> {
    pub(crate) fn trace(&self, op: Op, node: &TraceNode<'q>) {
        if self.m.is_traced() {
            let early = op == Op::Exit && self.find_one;
            self.trace_with(op, node, if early { "early" } else { "" }.to_owned(), None);
        }
    }

    pub(crate) fn trace_expr(&self, op: Op, expr: &Rc<Expr<'q>>) {
        if self.m.is_traced() {
            self.trace(op, &TraceNode::Expr(expr.clone()));
        }
    }

    pub(crate) fn trace_unify(&self, a: &Term<'q>, b: &Term<'q>) {
        if self.m.is_traced() {
            let expr = Rc::new(Expr::unify(a.clone(), b.clone()));
            self.trace(Op::Unify, &TraceNode::Expr(expr));
        }
    }

    pub(crate) fn note(&self, message: &str) {
        self.tell(|| Event { at: self.place(), message: message.to_owned(), ..self.event(Op::Note) });
    }

    /// A test has come to a case, which has the names of an array. As in OPA, the event has no place and no parent.
    pub(crate) fn trace_case(&self, callee: &Callee<'q>, names: Value<'q>) {
        self.tell(|| {
            let args = [Term::value(names)].into_iter().collect();
            let expr = Rc::new(Expr::new(ExprKind::Call(callee.clone(), args)));
            Event { node: Some(TraceNode::Expr(expr)), parent: 0, ..self.event(Op::TestCase) }
        });
    }

    fn tell(&self, event: impl FnOnce() -> Event<'q>) {
        if let Some(tracer) = &self.m.tracer {
            tracer.borrow_mut()(event());
        }
    }

    /// An event about nothing yet.
    fn event(&self, op: Op) -> Event<'q> {
        Event {
            op,
            node: None,
            at: None,
            id: self.id,
            parent: self.parent,
            index: self.index.get(),
            message: String::new(),
            reference: None,
            locals: Vec::new(),
            metadata: Vec::new(),
            known: Vec::new(),
        }
    }

    pub(crate) fn trace_with(
        &self,
        op: Op,
        node: &TraceNode<'q>,
        message: String,
        reference: Option<Vec<Term<'q>>>,
    ) {
        let Some(tracer) = &self.m.tracer else { return };
        let at = node.place().or(self.last_location.get());
        self.last_location.set(at);
        let mut event = Event { node: Some(node.clone()), at, message, reference, ..self.event(op) };
        if self.m.plug_locals {
            self.add_locals(node, &mut event);
        }
        tracer.borrow_mut()(event);
    }

    fn add_locals(&self, node: &TraceNode<'q>, event: &mut Event<'q>) {
        event.locals = bindings::all(self.m.heap, &self.bindings, None);
        for (key, _) in &event.locals {
            if let Some(name) = key.as_var() {
                let written = self.m.written.get(&**name).cloned().unwrap_or_else(|| name.to_string());
                event.metadata.push(Local { name: name.clone(), written, at: key.at });
            }
        }
        node.visit(&mut |shown| {
            let Shown::Term(t) = shown else { return false };
            match &t.node {
                Node::Var(name) => {
                    if let Some(written) = self.m.written.get(&**name)
                        && !event.metadata.iter().any(|m| m.name == *name)
                    {
                        event.metadata.push(Local { name: name.clone(), written: written.clone(), at: t.at });
                    }
                }
                Node::Ref(parts) => {
                    let ground = parts.iter().skip(1).take_while(|t| t.is_ground()).count() + 1;
                    let key = crate::memo::Key::plain(&parts[..ground.min(parts.len())]);
                    if let Some(Some(value)) = self.known(&key)
                        && !event.known.iter().any(|(k, _)| *k == key.parts)
                    {
                        event.known.push((key.parts, value));
                    }
                }
                _ => {}
            }
            false
        });
    }
}
