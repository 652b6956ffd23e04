//! Locals whose only writes were dead code, and which are still read: they are made undefined where a function begins,
//! as they always were, so that every read has a write before it in the text.

use crate::ir::{Block, Local, Stmt, StmtKind};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;

/// Makes `lost` locals that are read before they are written undefined from the start. `given` are those that a function
/// is called with.
pub(super) fn restore(blocks: &mut [Block], given: &[Local], lost: &FxHashSet<Local>) {
    if lost.is_empty() {
        return;
    }
    let mut walk = Walk { written: given.iter().copied().collect(), lost, bare: BTreeSet::new() };
    blocks.iter().for_each(|block| walk.block(block));
    if let Some(first) = blocks.first_mut() {
        let span = first.stmts.first().map_or_else(Default::default, |stmt| stmt.span);
        let resets = walk.bare.into_iter().map(|target| Stmt { kind: StmtKind::ResetLocal { target }, span });
        first.stmts.splice(0..0, resets);
    }
}

struct Walk<'l> {
    written: FxHashSet<Local>,
    lost: &'l FxHashSet<Local>,
    /// Lost locals that are read before they are written.
    bare: BTreeSet<Local>,
}

impl Walk<'_> {
    fn block(&mut self, block: &Block) {
        for stmt in &block.stmts {
            stmt.kind.reads(&mut |local| {
                if self.lost.contains(&local) && !self.written.contains(&local) {
                    self.bare.insert(local);
                }
            });
            stmt.kind.targets(&mut |local| {
                self.written.insert(local);
            });
            stmt.kind.blocks().iter().for_each(|inner| self.block(inner));
        }
    }
}
