//! Questions that need not be asked, because a later statement of the block ends it as well.
//!
//! The surprising fact: what stands between the question and that statement may run in vain then, so it
//! must be such that nobody can tell: tests, look-ups and collections that only this block sees.

use super::call::comparison;
use super::function::{Emit, FunctionEmitter};
use crate::ir::{Block, Callee, Local, Operand, Stmt, StmtKind};
use govc_bytecode::Op;
use rustc_hash::FxHashMap;

/// How many statements are looked at, so that long blocks stay linear.
const AHEAD: usize = 16;

/// How many look-ups within look-ups are followed.
const DEEP: u32 = 8;

/// The registers in which the value of a register was looked up: it is defined only where they are.
///
/// Only variables of the whole function that get a value in one place, outside of loops, are entered.
#[derive(Default)]
pub(super) struct Origins {
    settled: FxHashMap<u32, Vec<u32>>,
    /// The same of registers that are soon used for something else, until they are written.
    passing: FxHashMap<u32, Vec<u32>>,
}

impl Origins {
    /// A register was made undefined: what was found in it may still be there.
    pub(super) fn forget(&mut self, register: u32) {
        self.settled.retain(|&found, origins| found != register && !origins.contains(&register));
        self.passing.retain(|_, origins| !origins.contains(&register));
    }

    /// A register gets another value.
    pub(super) fn written(&mut self, register: u32) {
        self.passing.remove(&register);
    }

    /// Is `register` defined only where `origin` is?
    fn imply(&self, register: u32, origin: u32, deep: u32) -> bool {
        register == origin
            || deep > 0
                && self
                    .settled
                    .get(&register)
                    .is_some_and(|all| all.iter().any(|&r| self.imply(r, origin, deep - 1)))
    }
}

impl FunctionEmitter<'_, '_> {
    /// `IsDefined`, or a copy: nothing where it need not be asked; how many statements were emitted.
    pub(super) fn question(&mut self, stmts: &[Stmt], source: Local, copy: Option<Local>) -> Emit<usize> {
        if let Some(target) = copy {
            let place = self.variable(target)?;
            let parameter = matches!(target, Local::INPUT | Local::DATA);
            if parameter || place.facts.reads > 0 || place.builder.is_some() {
                return Ok(0);
            }
        }
        let place = self.variable(source)?;
        if place.builder.is_none() && self.asked_later(stmts, place.register) {
            return Ok(1);
        }
        let (src, fail) = (place.register, self.fail()?);
        self.push(Op::IsDefined { src, fail });
        Ok(1)
    }

    /// Does a statement after the first end the block where this register is undefined?
    fn asked_later(&self, stmts: &[Stmt], register: u32) -> bool {
        for stmt in stmts.iter().skip(1).take(AHEAD) {
            if self.needs(&stmt.kind, register) {
                return true;
            }
            if !self.runs_in_vain(&stmt.kind) {
                return false;
            }
        }
        false
    }

    /// Does the statement end its block, and do nothing else, where this register is undefined?
    fn needs(&self, kind: &StmtKind, register: u32) -> bool {
        let mut found = false;
        let mut need = |local: Local| {
            let place = self.variable(local).ok().filter(|p| p.builder.is_none());
            found |= place.is_some_and(|p| self.origins.imply(p.register, register, DEEP));
        };
        match kind {
            StmtKind::IsDefined { source } | StmtKind::Scan { source, .. } => need(*source),
            StmtKind::Dot { .. }
            | StmtKind::Equal { .. }
            | StmtKind::NotEqual { .. }
            | StmtKind::IsArray { .. }
            | StmtKind::IsObject { .. }
            | StmtKind::IsSet { .. }
            | StmtKind::IsTruthy { .. }
            | StmtKind::Len { .. }
            | StmtKind::AssignVar { .. }
            | StmtKind::ArrayAppend { .. }
            | StmtKind::SetAdd { .. }
            | StmtKind::ObjectInsert { .. }
            | StmtKind::Call { callee: Callee::Builtin(_), .. } => kind.operands(&mut |operand| {
                if let Operand::Local(local) = operand {
                    need(local);
                }
            }),
            _ => {}
        }
        found
    }

    /// Can nobody tell whether the statement was run, if its block ends?
    fn runs_in_vain(&self, kind: &StmtKind) -> bool {
        match kind {
            StmtKind::Nop
            | StmtKind::IsDefined { .. }
            | StmtKind::IsUndefined { .. }
            | StmtKind::IsArray { .. }
            | StmtKind::IsObject { .. }
            | StmtKind::IsSet { .. }
            | StmtKind::IsTruthy { .. }
            | StmtKind::Equal { .. }
            | StmtKind::NotEqual { .. } => true,
            StmtKind::Dot { target, .. }
            | StmtKind::Len { target, .. }
            | StmtKind::AssignVar { target, .. }
            | StmtKind::AssignInt { target, .. }
            | StmtKind::MakeNull { target }
            | StmtKind::MakeNumberInt { target, .. }
            | StmtKind::MakeNumberRef { target, .. }
            | StmtKind::MakeArray { target, .. }
            | StmtKind::MakeObject { target }
            | StmtKind::MakeSet { target }
            | StmtKind::ArrayAppend { array: target, .. }
            | StmtKind::SetAdd { set: target, .. }
            | StmtKind::ObjectInsert { object: target, .. } => self.only_here(*target),
            StmtKind::Call { callee: Callee::Builtin(id), result, .. } => {
                let builtin = self.out.policy.builtins.get(id.0 as usize);
                builtin.is_some_and(|b| comparison(&b.name).is_some()) && self.only_here(*result)
            }
            StmtKind::Not { block } => self.block_runs_in_vain(block),
            _ => false,
        }
    }

    fn block_runs_in_vain(&self, block: &Block) -> bool {
        block.stmts.iter().all(|s| self.runs_in_vain(&s.kind))
    }

    /// Is the local seen in the innermost open block only, or in one inside it that is not open yet?
    fn only_here(&self, local: Local) -> bool {
        self.at_home(local) || self.variable(local).is_err()
    }

    /// The target was looked up with these operands.
    pub(super) fn found_in(&mut self, target: Local, operands: &[Operand]) -> Emit<()> {
        if self.in_loop() {
            return Ok(());
        }
        let mut origins = Vec::new();
        for operand in operands {
            if let Operand::Local(local) = *operand {
                let register = self.register(local)?;
                match self.settled(local) {
                    Some(register) => origins.push(register),
                    None => origins.extend(self.origins.passing.get(&register).into_iter().flatten()),
                }
            }
        }
        match self.settled(target) {
            Some(register) => self.origins.settled.insert(register, origins),
            None => self.origins.passing.insert(self.register(target)?, origins),
        };
        Ok(())
    }

    /// The register of a variable of the whole function that gets a value in one place.
    fn settled(&self, local: Local) -> Option<u32> {
        let place = self.variable(local).ok()?;
        let once = place.facts.writes.checked_sub(place.facts.resets) == Some(1);
        (place.depth == 0 && once && place.builder.is_none()).then_some(place.register)
    }
}
