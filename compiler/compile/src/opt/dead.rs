//! Dead code: copies and collections that nothing reads, and what follows a statement that never holds.

use super::lost;
use super::share::{changes, written_inside};
use crate::ir::{Block, Local, Operand, Policy, Stmt, StmtKind};
use rustc_hash::{FxHashMap, FxHashSet};

/// Removes dead statements from every plan and function.
pub(super) fn run(policy: &mut Policy) {
    for plan in &mut policy.plans {
        remove(&mut plan.blocks, None, &[Local::INPUT, Local::DATA]);
    }
    for func in &mut policy.funcs {
        remove(&mut func.blocks, Some(func.ret), &func.params);
    }
}

fn remove(blocks: &mut [Block], ret: Option<Local>, params: &[Local]) {
    let mut lost = FxHashSet::default();
    Dead::new(blocks, ret).blocks(blocks, &mut lost);
    let given: Vec<Local> = params.iter().copied().chain(ret).collect();
    lost::restore(blocks, &given, &lost);
}

struct Dead {
    reads: FxHashMap<Local, u32>,
    /// Locals that may be undefined where they are read.
    unsure: FxHashSet<Local>,
}

impl Dead {
    fn new(blocks: &[Block], ret: Option<Local>) -> Self {
        let mut dead = Dead {
            reads: FxHashMap::default(),
            unsure: FxHashSet::from_iter([Local::INPUT, Local::DATA].into_iter().chain(ret)),
        };
        let mut work: Vec<&Block> = blocks.iter().collect();
        let mut changes = Vec::new();
        while let Some(block) = work.pop() {
            for stmt in &block.stmts {
                dead.count(&stmt.kind);
                work.extend(stmt.kind.blocks());
                changes.extend(in_place(&stmt.kind).then_some(&stmt.kind));
            }
        }
        // A collection that stays can make another one stay, in which it is put.
        loop {
            let pinned = dead.unsure.len();
            changes.iter().for_each(|kind| dead.pin(kind));
            if dead.unsure.len() == pinned {
                return dead;
            }
        }
    }

    /// What is put into a collection must be defined, even if nothing reads the collection: then that
    /// statement stays, and so does what makes the collection.
    fn pin(&mut self, kind: &StmtKind) {
        let mut sure = true;
        kind.operands(&mut |o| sure &= self.sure(o));
        if !sure {
            changes(kind, &mut |l| {
                self.unsure.insert(l);
            });
        }
    }

    fn count(&mut self, kind: &StmtKind) {
        match kind {
            StmtKind::ResetLocal { target } | StmtKind::AssignVarOnce { target, .. } => {
                self.unsure.insert(*target);
            }
            _ => {}
        }
        kind.operands(&mut |o| {
            if let Operand::Local(l) = o {
                *self.reads.entry(l).or_default() += 1;
            }
        });
        if !in_place(kind) {
            kind.used_locals(&mut |l| *self.reads.entry(l).or_default() += 1);
        }
    }

    /// `lost` is given what was written only where nothing comes to.
    fn blocks(&self, blocks: &mut [Block], lost: &mut FxHashSet<Local>) {
        blocks.iter_mut().for_each(|b| self.block(b, lost));
    }

    fn block(&self, block: &mut Block, lost: &mut FxHashSet<Local>) {
        for stmt in &mut block.stmts {
            stmt.kind.blocks_mut().iter_mut().for_each(|b| self.block(b, lost));
            self.weaken(&mut stmt.kind);
        }
        if let Some(end) = block.stmts.iter().position(|s| never(&s.kind)) {
            let gone = block.stmts.drain(end + 1..);
            lost.extend(gone.flat_map(|stmt| written_inside(&stmt.kind)));
        }
        block.stmts.retain(|s| !self.is_dead(s));
    }

    /// A copy that nothing reads only asks whether its source is defined.
    fn weaken(&self, kind: &mut StmtKind) {
        if let StmtKind::AssignVar { source: Operand::Local(source), target } = *kind
            && !self.is_read(target)
            && !self.unsure.contains(&target)
            && self.unsure.contains(&source)
        {
            *kind = StmtKind::IsDefined { source };
        }
    }

    fn is_read(&self, local: Local) -> bool {
        self.reads.get(&local).is_some_and(|&n| n > 0)
    }

    fn is_dead(&self, stmt: &Stmt) -> bool {
        match &stmt.kind {
            StmtKind::Nop => true,
            StmtKind::IsTruthy { source: Operand::Bool(true) | Operand::Const(_) } => true,
            StmtKind::AssignVar { source: Operand::Local(source), target } => {
                !self.unsure.contains(source) && self.unread(*target)
            }
            StmtKind::AssignVar { target, .. }
            | StmtKind::MakeArray { target, .. }
            | StmtKind::MakeObject { target }
            | StmtKind::MakeSet { target }
            | StmtKind::MakeNull { target }
            | StmtKind::MakeNumberInt { target, .. }
            | StmtKind::MakeNumberRef { target, .. }
            | StmtKind::ResetLocal { target } => self.unread(*target),
            StmtKind::ArrayAppend { array: l, value } | StmtKind::SetAdd { set: l, value } => {
                self.unread(*l) && self.sure(*value)
            }
            StmtKind::ObjectInsert { object, key, value } => {
                self.unread(*object) && self.sure(*key) && self.sure(*value)
            }
            StmtKind::Block { blocks } => blocks.iter().all(|b| b.stmts.is_empty()),
            _ => false,
        }
    }

    /// Nothing reads it, and no conflict can be seen in it.
    fn unread(&self, local: Local) -> bool {
        !self.is_read(local) && !self.unsure.contains(&local)
    }

    fn sure(&self, operand: Operand) -> bool {
        !matches!(operand, Operand::Local(l) if self.unsure.contains(&l))
    }
}

/// Changes a collection without being a use of it.
fn in_place(kind: &StmtKind) -> bool {
    let mut changed = false;
    if let StmtKind::ArrayAppend { .. } | StmtKind::ObjectInsert { .. } | StmtKind::SetAdd { .. } = kind {
        changes(kind, &mut |_| changed = true);
    }
    changed
}

/// Nothing behind it in its block is reached.
fn never(kind: &StmtKind) -> bool {
    match kind {
        StmtKind::IsTruthy { source: Operand::Bool(false) }
        | StmtKind::Break { .. }
        | StmtKind::ReturnLocal { .. } => true,
        StmtKind::With { block, .. } | StmtKind::WithDynamic { block, .. } => {
            block.stmts.last().is_some_and(|s| never(&s.kind))
        }
        _ => false,
    }
}
