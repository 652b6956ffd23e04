//! Partial evaluation: what depends on unknown documents is saved instead of evaluated.
//!
//! The save set holds what is unknown: references given by the caller, and variables that stand for parts of
//! them. The save stack holds the statements of the residual query; support rules are queries of their own.

mod control;
mod copyprop;
mod negate;
mod outputs;
mod rules;
mod save;
pub(crate) mod support;
mod unknown;

pub(crate) use copyprop::propagate;

use crate::bindings::{self, Shared};
use crate::term::*;
use control::Disabled;
use govc_value::{Heap, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use support::Support;

/// Whether a body can be true as far as types go.
pub(crate) type TypeCheck<'m, 'q> = &'m dyn Fn(&Body<'q>) -> bool;

/// The state of a partial evaluation.
pub(crate) struct Partial<'m, 'q> {
    saves: RefCell<Vec<SaveElement<'q>>>,
    stack: RefCell<Vec<Vec<Saved<'q>>>>,
    pub(crate) support: RefCell<Support<'q>>,
    namespace: Term<'q>,
    control: RefCell<Vec<Disabled<'q>>>,
    /// Rules are not evaluated in the place of references to them.
    pub(crate) shallow: bool,
    nondeterministic: bool,
    /// Support rules keep their paths.
    skip_namespace: bool,
    /// Builtins that are never called, because `with` may replace them where the residual is evaluated.
    opaque: BTreeSet<String>,
    passes: TypeCheck<'m, 'q>,
}

#[derive(Debug)]
struct SaveElement<'q> {
    refs: Vec<Rc<[Term<'q>]>>,
    vars: Vec<Name>,
    of: Shared<'q>,
}

/// A statement of the residual with the bindings of its two sides; none: it is as it must be.
#[derive(Clone, Debug)]
struct Saved<'q> {
    expr: Rc<Expr<'q>>,
    bindings: Option<(Shared<'q>, Shared<'q>)>,
}

/// How to evaluate partially.
pub(crate) struct Settings<'m, 'q> {
    pub(crate) unknowns: Vec<Rc<[Term<'q>]>>,
    pub(crate) disable: Vec<Rc<[Term<'q>]>>,
    pub(crate) shallow: bool,
    pub(crate) nondeterministic: bool,
    pub(crate) namespace: Value<'q>,
    pub(crate) skip_namespace: bool,
    pub(crate) opaque: BTreeSet<String>,
    pub(crate) passes: TypeCheck<'m, 'q>,
}

impl<'m, 'q> Partial<'m, 'q> {
    pub(crate) fn new(settings: Settings<'m, 'q>, of: &Shared<'q>) -> Self {
        let partial = Self {
            saves: RefCell::new(vec![SaveElement {
                refs: settings.unknowns,
                vars: Vec::new(),
                of: of.clone(),
            }]),
            stack: RefCell::new(vec![Vec::new()]),
            support: RefCell::default(),
            namespace: Term::value(settings.namespace),
            control: RefCell::default(),
            shallow: settings.shallow,
            nondeterministic: settings.nondeterministic,
            skip_namespace: settings.skip_namespace,
            opaque: settings.opaque,
            passes: settings.passes,
        };
        if !settings.disable.is_empty() {
            partial.disable_refs(settings.disable, false);
        }
        partial
    }

    pub(crate) fn passes(&self, body: &Body<'q>) -> bool {
        (self.passes)(body)
    }

    fn push_query(&self, query: Vec<Saved<'q>>) {
        self.stack.borrow_mut().push(query);
    }

    fn pop_query(&self) -> Vec<Saved<'q>> {
        self.stack.borrow_mut().pop().unwrap_or_default()
    }

    fn push_saved(&self, saved: Saved<'q>) {
        if let Some(top) = self.stack.borrow_mut().last_mut() {
            top.push(saved);
        }
    }

    fn pop_saved(&self) {
        if let Some(top) = self.stack.borrow_mut().last_mut() {
            top.pop();
        }
    }

    /// The residual so far, in the names of the caller; `true` if there is none.
    pub(crate) fn residual(&self, heap: Heap<'q>, caller: &Shared<'q>) -> Body<'q> {
        let stack = self.stack.borrow();
        let top = stack.last().map_or(&[][..], Vec::as_slice);
        plugged(heap, top, caller)
    }

    /// The statements of the residual, none if there are none.
    pub(crate) fn statements(&self, heap: Heap<'q>, caller: &Shared<'q>) -> Vec<Rc<Expr<'q>>> {
        let stack = self.stack.borrow();
        stack.last().map_or(&[][..], Vec::as_slice).iter().map(|s| s.plug(heap, caller)).collect()
    }

    fn push_save(&self, vars: Vec<Name>, of: &Shared<'q>) {
        self.saves.borrow_mut().push(SaveElement { refs: Vec::new(), vars, of: of.clone() });
    }

    fn pop_saves(&self, count: usize) {
        let mut saves = self.saves.borrow_mut();
        let len = saves.len().saturating_sub(count);
        saves.truncate(len);
    }

    /// Whether a variable or reference is unknown as it stands.
    pub(crate) fn contains(&self, t: &Term<'q>, of: Option<&Shared<'q>>) -> bool {
        let saves = self.saves.borrow();
        match &t.node {
            Node::Var(_) => saves.iter().rev().any(|e| e.has_var(t, of)),
            Node::Ref(parts) => saves.iter().rev().any(|e| e.has_ref(parts, of)),
            _ => false,
        }
    }

    pub(crate) fn contains_ref(&self, parts: &[Term<'q>]) -> bool {
        self.saves.borrow().iter().rev().any(|e| e.has_ref(parts, None))
    }

    /// Whether a term is or holds a variable that is unknown.
    pub(crate) fn contains_recursively(&self, t: &Term<'q>, of: &Shared<'q>) -> bool {
        let mut found = false;
        crate::visit::term(t, &mut |shown| {
            if let crate::visit::Shown::Term(x) = shown
                && x.as_var().is_some()
                && !found
            {
                let (end, end_of) = bindings::apply(of, x);
                found = match end.as_var() {
                    Some(_) => self.contains(&end, Some(&end_of)),
                    None => self.contains_recursively(&end, &end_of),
                };
            }
            found
        });
        found
    }

    /// All unknown variables in the names of the caller.
    fn vars(&self, heap: Heap<'q>, caller: &Shared<'q>) -> BTreeSet<Name> {
        let mut out = BTreeSet::new();
        for element in self.saves.borrow().iter() {
            for name in &element.vars {
                let var = Term::new(Node::Var(name.clone()));
                let plugged = bindings::plug_for(heap, &element.of, &var, Some(caller));
                out.extend(plugged.as_var().cloned());
            }
        }
        out
    }
}

impl<'q> SaveElement<'q> {
    fn has_var(&self, t: &Term<'q>, of: Option<&Shared<'q>>) -> bool {
        let Some(name) = t.as_var() else { return false };
        of.is_some_and(|of| Rc::ptr_eq(of, &self.of)) && self.vars.contains(name)
    }

    fn has_ref(&self, parts: &[Term<'q>], of: Option<&Shared<'q>>) -> bool {
        self.refs.iter().any(|r| has_prefix(r, parts) || has_prefix(parts, r))
            || parts.first().is_some_and(|head| self.has_var(head, of))
    }
}

impl<'q> Saved<'q> {
    fn plug(&self, heap: Heap<'q>, caller: &Shared<'q>) -> Rc<Expr<'q>> {
        let Some((b1, b2)) = &self.bindings else { return self.expr.clone() };
        let plug = |b: &Shared<'q>, t: &Term<'q>| bindings::plug_for(heap, b, t, Some(caller));
        let kind = match &self.expr.kind {
            ExprKind::Unify(a, b) => ExprKind::Unify(plug(b1, a), plug(b2, b)),
            ExprKind::Call(callee, args) => {
                ExprKind::Call(callee.clone(), args.iter().map(|t| plug(b1, t)).collect())
            }
            ExprKind::Term(t) => ExprKind::Term(plug(b1, t)),
            other => other.clone(),
        };
        let with = self.expr.with.iter();
        let with = with.map(|w| With { target: w.target.clone(), value: plug(b1, &w.value) }).collect();
        Rc::new(Expr { kind, with, ..(*self.expr).clone() })
    }
}

fn plugged<'q>(heap: Heap<'q>, query: &[Saved<'q>], caller: &Shared<'q>) -> Body<'q> {
    if query.is_empty() {
        return Rc::from([Rc::new(Expr::new(ExprKind::Term(Term::value(Value::TRUE))))]);
    }
    query.iter().map(|s| s.plug(heap, caller)).collect()
}
