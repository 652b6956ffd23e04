//! What all frames of an evaluation share: rules, documents, caches, and the stacks that `with` pushes to.

use crate::bindings::Shared;
use crate::error::{Error, Stop};
use crate::memo::Memo;
use crate::operations::Operations;
use crate::partial::Partial;
use crate::term::*;
use crate::trace::Event;
use crate::tree::RuleTree;
use govc_compile::Builtins;
use govc_stdlib::{Cache, World};
use govc_value::{Heap, Value};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

/// Functions replaced by `with`, by name: frames on frames; a replaced function starts a new group.
pub(crate) type Mocks<'q> = Vec<Vec<BTreeMap<String, Term<'q>>>>;

/// The clock is looked at once in so many steps.
const STEPS_PER_LOOK: u64 = 256;

/// Receives events.
pub(crate) type Tracer<'m, 'q> = &'m mut dyn FnMut(Event<'q>);

/// The shared part of an evaluation.
pub(crate) struct Machine<'m, 'q> {
    pub(crate) heap: Heap<'q>,
    pub(crate) tree: &'m RuleTree<'q>,
    pub(crate) builtins: &'m Builtins,
    pub(crate) base: Value<'q>,
    pub(crate) world: RefCell<&'m mut dyn World>,
    pub(crate) cache: RefCell<Cache>,
    pub(crate) recorded: RefCell<BTreeMap<(Name, Value<'q>), Value<'q>>>,
    pub(crate) memo: RefCell<Vec<Memo<'q>>>,
    pub(crate) targets: RefCell<Vec<Vec<Rc<[Term<'q>]>>>>,
    pub(crate) mocks: RefCell<Mocks<'q>>,
    pub(crate) next_id: Cell<u64>,
    pub(crate) next_var: Cell<u64>,
    pub(crate) errors: RefCell<Vec<Error>>,
    /// The bindings of the query itself.
    pub(crate) caller: Shared<'q>,
    pub(crate) partial: Option<Partial<'m, 'q>>,
    pub(crate) tracer: Option<RefCell<Tracer<'m, 'q>>>,
    pub(crate) plug_locals: bool,
    pub(crate) written: &'m BTreeMap<String, String>,
    /// Steps that may still be taken.
    pub(crate) fuel: Cell<u64>,
    /// When they must have been taken.
    pub(crate) deadline: Option<Instant>,
    /// What was done, if that is counted.
    pub(crate) operations: Option<RefCell<Operations>>,
    /// Early exit from rules whose values cannot differ.
    pub(crate) early_exit: bool,
    pub(crate) indexing: bool,
}

impl<'q> Machine<'_, 'q> {
    pub(crate) fn fresh_id(&self) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        id
    }

    pub(crate) fn fresh_bindings(&self, id: u64) -> Shared<'q> {
        self.caller.another(id)
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    pub(crate) fn is_traced(&self) -> bool {
        self.tracer.is_some()
    }

    /// Counts a step.
    pub(crate) fn tick(&self) -> Result<(), Stop> {
        if self.heap.exhausted() {
            return Err(Stop::error("govc_limit_memory", "memory limit of the query reached", None));
        }
        match self.fuel.get().checked_sub(1) {
            Some(left) => {
                self.fuel.set(left);
                if left % STEPS_PER_LOOK == 0 { self.look_at_the_clock() } else { Ok(()) }
            }
            None => Err(Stop::error("govc_limit_fuel", "step limit of the query reached", None)),
        }
    }

    fn look_at_the_clock(&self) -> Result<(), Stop> {
        match self.deadline {
            Some(end) if Instant::now() >= end => {
                Err(Stop::error("eval_cancel_error", "context deadline exceeded", None))
            }
            _ => Ok(()),
        }
    }

    /// Counts something.
    pub(crate) fn count(&self, what: &'static str) {
        if let Some(operations) = &self.operations {
            operations.borrow_mut().count(what);
        }
    }

    /// Does something, and remembers how long it took if that is counted.
    pub(crate) fn timed<T>(&self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let Some(operations) = &self.operations else { return work() };
        let started = Instant::now();
        let done = work();
        operations.borrow_mut().time(what, started.elapsed());
        done
    }

    /// Number of parameters of a function.
    pub(crate) fn arity(&self, callee: &Callee<'q>) -> Option<usize> {
        match callee {
            Callee::Builtin(name) => self.builtins.arity(name),
            Callee::Function(path) => {
                let node = self.tree.find(path.iter().copied())?;
                self.tree.rules(node).first().map(|r| r.arity())
            }
        }
    }

    /// The function that a term names, if it names one.
    pub(crate) fn as_function(&self, t: &Term<'q>) -> Option<Callee<'q>> {
        match &t.node {
            Node::Builtin(name) => Some(Callee::Builtin(name.clone())),
            Node::Ref(parts) if parts.first().and_then(Term::as_var).is_some_and(|n| &**n == "data") => {
                let path: Option<Vec<Value<'q>>> = parts[1..].iter().map(Term::as_value).collect();
                let path = path?;
                let node = self.tree.find(path.iter().copied())?;
                let is_function = self.tree.rules(node).iter().any(|r| r.args.is_some());
                is_function.then(|| Callee::Function(path.into()))
            }
            _ => None,
        }
    }

    /// Whether documents at a reference are replaced by `with`.
    pub(crate) fn is_replaced(&self, parts: &[Term<'q>]) -> bool {
        self.targets.borrow().iter().flatten().any(|target| has_prefix(parts, target))
    }

    pub(crate) fn mock(&self, name: &str) -> Option<Term<'q>> {
        let mocks = self.mocks.borrow();
        mocks.last()?.iter().rev().find_map(|frame| frame.get(name).cloned())
    }
}
