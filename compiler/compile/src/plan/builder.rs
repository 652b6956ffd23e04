//! The function or plan that is being written: its open blocks, its variables, its locals.
//!
//! What follows a loop in a body is written inside that loop, so blocks are kept on a stack of open
//! frames instead of in nested calls: a body of any length needs no deeper a call stack.

use super::shadow::{CalleeKey, ShadowId};
use crate::hir::Var;
use crate::ir::{Block, Local, Operand, Stmt, StmtKind};
use govc_syntax::Span;
use rustc_hash::FxHashMap;

/// More loops in one another than any policy needs; the limit keeps later passes off the stack's end.
pub(super) const MAX_NESTING: usize = 200;

/// An open block.
struct Frame {
    stmts: Vec<Stmt>,
    /// The loop whose block this is; none for the outermost block of a [`Builder::block`].
    scan: Option<(Local, Local, Local, Span)>,
}

/// See the module.
pub(super) struct Builder {
    frames: Vec<Frame>,
    bound: Vec<Option<Operand>>,
    trail: Vec<Var>,
    next: u32,
    /// Where the statements that are written come from.
    pub(super) span: Span,
    /// What is replaced where this is written.
    pub(super) shadow: ShadowId,
    /// What the value mocks of `shadow` are.
    pub(super) mocks: FxHashMap<CalleeKey, Operand>,
    /// The elements of sets that were written element by element.
    pub(super) members: FxHashMap<Local, Vec<Operand>>,
    /// The nesting limit was reached.
    pub(super) too_deep: bool,
}

/// A place to which bindings can be taken back.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl Builder {
    /// A builder whose first free local is `next`.
    pub(super) fn new(next: u32, vars: usize, span: Span, shadow: ShadowId) -> Self {
        Builder {
            frames: Vec::new(),
            bound: vec![None; vars],
            trail: Vec::new(),
            next,
            span,
            shadow,
            mocks: FxHashMap::default(),
            members: FxHashMap::default(),
            too_deep: false,
        }
    }

    /// A new scope for another rule: no variable is bound.
    pub(super) fn restart(&mut self, vars: usize) {
        self.trail.clear();
        self.bound.clear();
        self.bound.resize(vars, None);
    }

    /// A local of its own.
    pub(super) fn local(&mut self) -> Local {
        self.next += 1;
        Local(self.next - 1)
    }

    /// Writes a statement.
    pub(super) fn emit(&mut self, kind: StmtKind) {
        let span = self.span;
        if let Some(frame) = self.frames.last_mut() {
            frame.stmts.push(Stmt { kind, span });
        }
    }

    /// Opens a loop: what follows is written inside it.
    pub(super) fn scan(&mut self, source: Local) -> (Local, Local) {
        let (key, value) = (self.local(), self.local());
        self.too_deep |= self.frames.len() >= MAX_NESTING;
        let scan = Some((source, key, value, self.span));
        self.frames.push(Frame { stmts: Vec::new(), scan });
        (key, value)
    }

    /// Starts a block of its own.
    pub(super) fn open(&mut self) {
        self.too_deep |= self.frames.len() >= MAX_NESTING;
        self.frames.push(Frame { stmts: Vec::new(), scan: None });
    }

    /// How many loops are open in the innermost block of its own.
    pub(super) fn open_scans(&self) -> u32 {
        self.frames.iter().rev().take_while(|f| f.scan.is_some()).count() as u32
    }

    /// Ends the innermost block of its own, with all loops that are open in it.
    pub(super) fn close(&mut self) -> Block {
        let mut stmts = Vec::new();
        while let Some(frame) = self.frames.pop() {
            let Some((source, key, value, span)) = frame.scan else {
                stmts = frame.stmts;
                break;
            };
            let kind = StmtKind::Scan { source, key, value, block: Block { stmts: frame.stmts } };
            if let Some(outer) = self.frames.last_mut() {
                outer.stmts.push(Stmt { kind, span });
            }
        }
        Block { stmts }
    }

    /// What a variable stands for.
    pub(super) fn value(&self, var: Var) -> Option<Operand> {
        self.bound.get(var.0 as usize).copied().flatten()
    }

    /// Binds a variable.
    pub(super) fn bind(&mut self, var: Var, value: Operand) {
        let at = var.0 as usize;
        if at >= self.bound.len() {
            self.bound.resize(at + 1, None);
        }
        self.bound[at] = Some(value);
        self.trail.push(var);
    }

    /// The present bindings.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.trail.len())
    }

    /// The variables that were bound since.
    pub(super) fn bound_since(&self, mark: Mark) -> Vec<Var> {
        self.trail.get(mark.0..).unwrap_or_default().to_vec()
    }

    /// Takes bindings back.
    pub(super) fn unbind(&mut self, mark: Mark) {
        for var in self.trail.drain(mark.0.min(self.trail.len())..) {
            if let Some(slot) = self.bound.get_mut(var.0 as usize) {
                *slot = None;
            }
        }
    }
}
