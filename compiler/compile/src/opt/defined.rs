//! Questions whose answer is known: what has been read was defined.

use crate::ir::{Block, Local, Policy, StmtKind};
use rustc_hash::FxHashSet;

/// Removes `IsDefined` of locals that are defined wherever it is reached.
pub(super) fn run(policy: &mut Policy) {
    let plans = policy.plans.iter_mut().map(|p| &mut p.blocks);
    let funcs = policy.funcs.iter_mut().map(|f| &mut f.blocks);
    for blocks in plans.chain(funcs) {
        let mut pass = Defined::default();
        blocks.iter_mut().for_each(|b| pass.scoped(b));
    }
}

#[derive(Default)]
struct Defined {
    known: FxHashSet<Local>,
    /// What became known, so that it can be forgotten.
    trail: Vec<Local>,
}

impl Defined {
    /// A block may be left half-way, so what it has learned ends with it.
    fn scoped(&mut self, block: &mut Block) {
        let mark = self.trail.len();
        self.block(block);
        for local in self.trail.drain(mark..) {
            self.known.remove(&local);
        }
    }

    fn block(&mut self, block: &mut Block) {
        for stmt in &mut block.stmts {
            self.stmt(&mut stmt.kind);
        }
    }

    fn stmt(&mut self, kind: &mut StmtKind) {
        if let StmtKind::IsDefined { source } = *kind
            && self.known.contains(&source)
        {
            *kind = StmtKind::Nop;
            return;
        }
        self.read(kind);
        match kind {
            StmtKind::With { local, block, .. } | StmtKind::WithDynamic { local, block, .. } => {
                self.known.remove(local);
                self.block(block);
                self.known.remove(local);
            }
            _ => {
                if !kind.blocks().is_empty() {
                    self.forget_resets(kind);
                }
                kind.blocks_mut().iter_mut().for_each(|b| self.scoped(b));
            }
        }
        self.written(kind);
    }

    /// A read of an undefined local ends the block; only the questions themselves do not.
    fn read(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::IsUndefined { .. } | StmtKind::Switch { .. } | StmtKind::ReturnLocal { .. } => {}
            StmtKind::AssignVarOnce { source: crate::ir::Operand::Local(l), .. } => self.learn(*l),
            StmtKind::AssignVarOnce { .. } => {}
            _ => kind.reads(&mut |l| self.learn(l)),
        }
    }

    fn written(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::ResetLocal { target } => {
                self.known.remove(target);
            }
            StmtKind::Scan { .. } => {}
            _ => kind.targets(&mut |l| self.learn(l)),
        }
    }

    /// Calls pass `input` and `data` on whether they are defined or not, so nothing is learned of them.
    fn learn(&mut self, local: Local) {
        if !matches!(local, Local::INPUT | Local::DATA) && self.known.insert(local) {
            self.trail.push(local);
        }
    }

    /// What is made undefined somewhere inside may be so at any place inside, and after it.
    fn forget_resets(&mut self, kind: &StmtKind) {
        let mut work: Vec<&Block> = kind.blocks().iter().collect();
        while let Some(block) = work.pop() {
            for stmt in &block.stmts {
                if let StmtKind::ResetLocal { target } = &stmt.kind {
                    self.known.remove(target);
                }
                work.extend(stmt.kind.blocks());
            }
        }
    }
}
