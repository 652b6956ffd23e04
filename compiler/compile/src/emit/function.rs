//! The emitter of one function: scopes, registers, labels. Statements are in `stmt` and its siblings.

use super::analysis::{self, Facts};
use super::build::{Emitted, ProgramBuilder};
use super::demand::Origins;
use super::literal;
use crate::ir::{Block, Local, Operand};
use govc_bytecode::{Literal, Op, OperandKind};
use govc_syntax::Span;
use rustc_hash::{FxHashMap, FxHashSet};

pub(super) type Emit<T> = Result<T, &'static str>;

/// A position in the code, known later.
pub(super) type Label = u32;

/// Where a variable lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) register: u32,
    /// Its builder register, if it has one.
    pub(super) builder: Option<u32>,
    pub(super) facts: Facts,
    /// Grows with every change in place.
    version: u32,
    /// How many blocks are open in its home.
    pub(super) depth: usize,
    /// It holds a part of `data` that a reference named.
    pub(super) data: bool,
}

/// An open block of the IR.
struct Scope {
    /// Where a statement that is undefined goes.
    exit: Label,
    /// How many `with` are open in it.
    withs: usize,
}

/// A `with` that is open: the register to restore and where its value is kept.
#[derive(Clone, Copy)]
pub(super) struct OpenWith {
    pub(super) local: u32,
    pub(super) saved: u32,
}

pub(super) struct FunctionEmitter<'a, 'p> {
    pub(super) out: &'a mut ProgramBuilder<'p>,
    homes: Vec<Vec<(Local, Facts)>>,
    places: FxHashMap<Local, Place>,
    next_block: usize,
    scopes: Vec<Scope>,
    pub(super) withs: Vec<OpenWith>,
    code: Vec<(Op, Span)>,
    labels: Vec<u32>,
    pub(super) tables: Vec<u32>,
    registers: Stack,
    builders: Stack,
    /// Registers that were written, and how many loops are open: what was never written is undefined.
    written: FxHashSet<u32>,
    loops: usize,
    /// What was looked up in what, see `demand`.
    pub(super) origins: Origins,
    /// Locals with a builder whose register holds the present value, by version.
    frozen: Vec<(Local, u32)>,
    pub(super) span: Span,
}

/// Registers in use, last in first out.
#[derive(Default)]
struct Stack {
    next: u32,
    most: u32,
}

impl Stack {
    fn take(&mut self, count: u32) -> u32 {
        let first = self.next;
        self.next = self.next.saturating_add(count);
        self.most = self.most.max(self.next);
        first
    }
}

/// What [`FunctionEmitter::enter`] hid, to be undone by `leave`.
pub(super) struct Entered {
    hidden: Vec<(Local, Option<Place>)>,
    registers: u32,
    builders: u32,
    frozen: Vec<(Local, u32)>,
}

impl<'a, 'p> FunctionEmitter<'a, 'p> {
    pub(super) fn new(
        out: &'a mut ProgramBuilder<'p>,
        params: &[Local],
        ret: Option<Local>,
        blocks: &[Block],
    ) -> Self {
        let analysis = analysis::analyze(params, ret, blocks);
        let mut emitter = Self {
            out,
            homes: analysis.homes,
            places: FxHashMap::default(),
            next_block: 0,
            scopes: Vec::new(),
            withs: Vec::new(),
            code: Vec::new(),
            labels: Vec::new(),
            tables: Vec::new(),
            registers: Stack::default(),
            builders: Stack::default(),
            written: FxHashSet::default(),
            loops: 0,
            origins: Origins::default(),
            frozen: Vec::new(),
            span: Span::default(),
        };
        emitter.parameters(params);
        emitter.written.extend(0..params.len() as u32);
        emitter
    }

    /// Parameters have the first registers, in order.
    fn parameters(&mut self, params: &[Local]) {
        let home = self.homes.first_mut().map(std::mem::take).unwrap_or_default();
        self.next_block = 1;
        for &param in params {
            let facts = home.iter().find(|(l, _)| *l == param).map(|&(_, f)| f).unwrap_or_default();
            self.place(param, Facts { assigned: true, ..facts }, 0);
        }
        for (local, facts) in home {
            if !params.contains(&local) {
                self.place(local, facts, 0);
            }
        }
    }

    fn place(&mut self, local: Local, facts: Facts, depth: usize) -> Option<Place> {
        let register = self.registers.take(1);
        let builder = facts.builds.then(|| self.builders.take(1));
        self.places.insert(local, Place { register, builder, facts, version: 0, depth, data: false })
    }

    pub(super) fn emit(mut self, blocks: &[Block]) -> Emit<Emitted> {
        for block in blocks {
            let end = self.label();
            self.block(block, end)?;
            self.bind(end);
        }
        self.push(Op::ReturnUndefined {});
        Ok(Emitted {
            code: self.code,
            labels: self.labels,
            tables: self.tables,
            registers: self.registers.most,
            builders: self.builders.most,
        })
    }

    /// Emits a block; what is undefined in it goes to `exit`.
    pub(super) fn block(&mut self, block: &Block, exit: Label) -> Emit<()> {
        let entered = self.enter(exit);
        let emitted = self.stmts(&block.stmts);
        self.leave(entered);
        emitted
    }

    /// Opens the next block in order: gives its variables their registers.
    pub(super) fn enter(&mut self, exit: Label) -> Entered {
        let mut entered = self.allocate();
        entered.frozen = self.frozen.clone();
        self.scopes.push(Scope { exit, withs: self.withs.len() });
        self.resets(&entered);
        entered
    }

    fn allocate(&mut self) -> Entered {
        let (registers, builders) = (self.registers.next, self.builders.next);
        let home = self.homes.get_mut(self.next_block).map(std::mem::take).unwrap_or_default();
        self.next_block += 1;
        let depth = self.scopes.len() + 1;
        let hidden = home.into_iter().map(|(l, f)| (l, self.place(l, f, depth))).collect();
        Entered { hidden, registers, builders, frozen: Vec::new() }
    }

    fn resets(&mut self, entered: &Entered) {
        let locals: Vec<Place> =
            entered.hidden.iter().filter_map(|(l, _)| self.places.get(l)).copied().collect();
        for place in locals.into_iter().filter(|p| p.facts.reset) {
            self.reset_register(place.register);
            if let Some(builder) = place.builder {
                self.push(Op::Unbuild { builder });
            }
        }
    }

    /// Opens the block of a loop. Its variables have registers before the loop begins, and nothing that
    /// was frozen before it counts inside.
    pub(super) fn enter_loop(&mut self) -> Entered {
        let mut entered = self.allocate();
        entered.frozen = std::mem::take(&mut self.frozen);
        entered
    }

    /// The part of [`enter_loop`](Self::enter_loop) that runs in each round.
    pub(super) fn begin_round(&mut self, entered: &Entered, exit: Label) {
        self.scopes.push(Scope { exit, withs: self.withs.len() });
        self.resets(entered);
    }

    pub(super) fn leave(&mut self, entered: Entered) {
        self.scopes.pop();
        for (local, outer) in entered.hidden {
            match outer {
                Some(place) => self.places.insert(local, place),
                None => self.places.remove(&local),
            };
        }
        self.registers.next = entered.registers;
        self.builders.next = entered.builders;
        self.frozen = entered.frozen;
        let places = &self.places;
        self.frozen.retain(|(l, version)| places.get(l).is_some_and(|p| p.version == *version));
    }

    /// Makes a register undefined, unless it still is as it was when the function was called.
    pub(super) fn reset_register(&mut self, dst: u32) {
        self.origins.forget(dst);
        if self.loops > 0 || self.written.contains(&dst) {
            self.push(Op::Reset { dst });
        }
    }

    pub(super) fn in_loop(&self) -> bool {
        self.loops > 0
    }

    /// A loop begins or ends: inside, anything may have been written in an earlier round.
    pub(super) fn count_loop(&mut self, begins: bool) {
        self.loops = if begins { self.loops + 1 } else { self.loops.saturating_sub(1) };
    }

    fn writes(&mut self, register: u32) {
        self.written.insert(register);
        self.origins.written(register);
    }

    pub(super) fn push(&mut self, op: Op) {
        for (kind, register) in op.typed_operands() {
            match kind {
                OperandKind::Dst => self.writes(register),
                OperandKind::State => {
                    self.writes(register);
                    self.writes(register.saturating_add(1));
                }
                _ => {}
            }
        }
        self.code.push((op, self.span));
    }

    /// The only instruction since there were `before`, if there is just one.
    pub(super) fn only_since(&mut self, before: usize) -> Option<&mut Op> {
        match self.code.get_mut(before..) {
            Some([(op, _)]) => Some(op),
            _ => None,
        }
    }

    pub(super) fn emitted(&self) -> usize {
        self.code.len()
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(0);
        self.labels.len() as u32 - 1
    }

    /// A label is here.
    pub(super) fn bind(&mut self, label: Label) {
        let here = self.code.len() as u32;
        if let Some(slot) = self.labels.get_mut(label as usize) {
            *slot = here;
        }
    }

    /// Where a statement of the innermost block goes when it is undefined.
    pub(super) fn fail(&self) -> Emit<Label> {
        self.scopes.last().map(|s| s.exit).ok_or("a statement outside of all blocks")
    }

    /// The exit of the block `index` levels outwards, and how many `with` are open there.
    pub(super) fn outer_exit(&self, index: u32) -> Emit<(Label, usize)> {
        let at = self.scopes.len().checked_sub(index as usize + 1);
        let scope = at.and_then(|at| self.scopes.get(at)).ok_or("a break leaves its function")?;
        Ok((scope.exit, scope.withs))
    }

    /// Registers that live until the end of the statement or block.
    pub(super) fn temporaries(&mut self, count: u32) -> u32 {
        self.registers.take(count)
    }

    /// The registers in use, for [`release`](Self::release).
    pub(super) fn mark(&self) -> (u32, u32) {
        (self.registers.next, self.builders.next)
    }

    pub(super) fn release(&mut self, (registers, builders): (u32, u32)) {
        self.registers.next = registers;
        self.builders.next = builders;
    }

    pub(super) fn variable(&self, local: Local) -> Emit<Place> {
        self.places.get(&local).copied().ok_or("a local that is in no block")
    }

    /// The register of a local that is only tested for its type or definedness, or written.
    pub(super) fn register(&self, local: Local) -> Emit<u32> {
        self.variable(local).map(|p| p.register)
    }

    /// The register of a local whose value is read.
    pub(super) fn value(&mut self, local: Local) -> Emit<u32> {
        let place = self.variable(local)?;
        if let Some(builder) = place.builder
            && !self.frozen.contains(&(local, place.version))
        {
            self.push(Op::Freeze { dst: place.register, builder });
            self.frozen.push((local, place.version));
        }
        Ok(place.register)
    }

    /// The register of an operand whose value is read.
    pub(super) fn operand(&mut self, operand: Operand) -> Emit<u32> {
        match self.operand_literal(operand)? {
            None => match operand {
                Operand::Local(local) => self.value(local),
                _ => Err("an operand without a value"),
            },
            Some(lit) => {
                let dst = self.temporaries(1);
                self.push(Op::Load { dst, lit });
                Ok(dst)
            }
        }
    }

    /// The literal of an operand that is one.
    pub(super) fn operand_literal(&mut self, operand: Operand) -> Emit<Option<u32>> {
        match operand {
            Operand::Local(_) => Ok(None),
            Operand::Bool(b) => Ok(Some(self.out.literal(Literal::Bool(b)))),
            Operand::Const(id) => self.constant(id).map(Some),
        }
    }

    pub(super) fn constant(&mut self, id: crate::ir::ConstId) -> Emit<u32> {
        let policy = self.out.policy;
        let constant = policy.consts.get(id.0 as usize).ok_or("no such constant")?;
        Ok(self.out.literal(literal(constant)))
    }

    /// The literal of an operand that is a string.
    pub(super) fn operand_string(&mut self, operand: Operand) -> Emit<Option<u32>> {
        let Some(lit) = self.operand_literal(operand)? else { return Ok(None) };
        let text = matches!(self.out.program.literals.get(lit as usize), Some(Literal::String(_)));
        Ok(text.then_some(lit))
    }

    /// A local was given another value than a collection that is being made.
    pub(super) fn assigned(&mut self, local: Local) -> Emit<()> {
        if let Some(builder) = self.changed(local)?.builder {
            self.push(Op::Unbuild { builder });
        }
        Ok(())
    }

    /// The builder register of a local that is changed in place.
    pub(super) fn changing(&mut self, local: Local) -> Emit<u32> {
        let place = self.changed(local)?;
        let builder = place.builder.ok_or("a local without a builder is changed in place")?;
        if place.facts.assigned {
            self.push(Op::Thaw { builder, src: place.register });
        }
        Ok(builder)
    }

    /// Is the innermost open block the home of this local?
    pub(super) fn at_home(&self, local: Local) -> bool {
        self.variable(local).is_ok_and(|p| p.depth == self.scopes.len())
    }

    /// From here on the local is one that has no builder. Its register.
    pub(super) fn finished(&mut self, local: Local) -> Emit<u32> {
        let place = self.places.get_mut(&local).ok_or("a local that is in no block")?;
        place.builder = None;
        Ok(place.register)
    }

    /// From here on the local holds a part of `data`.
    pub(super) fn mark_data(&mut self, local: Local) {
        if let Some(place) = self.places.get_mut(&local) {
            place.data = true;
        }
    }

    pub(super) fn changed(&mut self, local: Local) -> Emit<Place> {
        let place = self.places.get_mut(&local).ok_or("a local that is in no block")?;
        place.version += 1;
        Ok(*place)
    }
}
