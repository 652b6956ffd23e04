//! Loops over small constant collections become one block for each element.
//!
//! A block of a `Block` statement ends as a turn of a loop does: what breaks or fails in it goes on with the
//! next one, so the body is copied as it is.

use super::share::changes;
use crate::ir::{Block, Const, ConstId, Local, Operand, Policy, Stmt, StmtKind};
use rustc_hash::FxHashMap;

/// Elements of a collection that is unrolled.
const MAX_ELEMENTS: usize = 16;

/// Statements after unrolling one loop.
const MAX_STMTS: usize = 256;

/// Unrolls loops in every plan and function.
pub(super) fn run(policy: &mut Policy) {
    let ids = policy.consts.iter().cloned().zip((0..).map(ConstId)).collect();
    let mut pass = Unroll { ids, consts: &mut policy.consts };
    let plans = policy.plans.iter_mut().map(|p| &mut p.blocks);
    let funcs = policy.funcs.iter_mut().map(|f| &mut f.blocks);
    for blocks in plans.chain(funcs) {
        let constants = constants(blocks);
        if !constants.is_empty() {
            blocks.iter_mut().for_each(|b| pass.block(b, &constants));
        }
    }
}

struct Unroll<'p> {
    ids: FxHashMap<Const, ConstId>,
    consts: &'p mut Vec<Const>,
}

impl Unroll<'_> {
    fn block(&mut self, block: &mut Block, constants: &FxHashMap<Local, ConstId>) {
        for stmt in &mut block.stmts {
            stmt.kind.blocks_mut().iter_mut().for_each(|b| self.block(b, constants));
            self.stmt(stmt, constants);
        }
    }

    fn stmt(&mut self, stmt: &mut Stmt, constants: &FxHashMap<Local, ConstId>) {
        let StmtKind::Scan { source, key, value, block } = &stmt.kind else { return };
        let Some(entries) = constants.get(source).and_then(|id| self.entries(*id)) else { return };
        if entries.len() * size(block) > MAX_STMTS {
            return;
        }
        let (key, value, span) = (*key, *value, stmt.span);
        let assign = |source, target| Stmt { kind: StmtKind::AssignVar { source, target }, span };
        let mut blocks = Vec::with_capacity(entries.len());
        for (k, v) in entries {
            let mut stmts = vec![assign(self.operand(k), key), assign(self.operand(v), value)];
            stmts.extend(block.stmts.iter().cloned());
            blocks.push(Block { stmts });
        }
        stmt.kind = StmtKind::Block { blocks };
    }

    /// Keys and values in OPA's order of iteration, of collections for which it is plain to see.
    fn entries(&self, id: ConstId) -> Option<Vec<(Const, Const)>> {
        match self.consts.get(id.0 as usize)? {
            Const::Array(items) if items.len() <= MAX_ELEMENTS => {
                let index = |i: usize| Const::Number(i.to_string());
                Some(items.iter().enumerate().map(|(i, v)| (index(i), v.clone())).collect())
            }
            Const::Set(items) if items.len() <= MAX_ELEMENTS && items.iter().all(is_string) => {
                let mut items = items.clone();
                items.sort();
                items.dedup();
                Some(items.into_iter().map(|v| (v.clone(), v)).collect())
            }
            Const::Object(pairs)
                if pairs.len() <= MAX_ELEMENTS && pairs.iter().all(|(k, _)| is_string(k)) =>
            {
                let mut pairs = pairs.clone();
                pairs.sort();
                Some(pairs)
            }
            _ => None,
        }
    }

    fn operand(&mut self, value: Const) -> Operand {
        if let Const::Bool(b) = value {
            return Operand::Bool(b);
        }
        let next = ConstId(self.consts.len() as u32);
        let id = *self.ids.entry(value).or_insert_with_key(|value| {
            self.consts.push(value.clone());
            next
        });
        Operand::Const(id)
    }
}

/// Locals that are written once, and then with a constant.
fn constants(blocks: &[Block]) -> FxHashMap<Local, ConstId> {
    let mut writes: FxHashMap<Local, u32> = FxHashMap::default();
    let mut found = FxHashMap::default();
    let mut work: Vec<&Block> = blocks.iter().collect();
    while let Some(block) = work.pop() {
        for stmt in &block.stmts {
            changes(&stmt.kind, &mut |l| *writes.entry(l).or_default() += 1);
            if let StmtKind::AssignVar { source: Operand::Const(id), target } = stmt.kind {
                found.insert(target, id);
            }
            work.extend(stmt.kind.blocks());
        }
    }
    found.retain(|l, _| writes.get(l) == Some(&1));
    found
}

fn is_string(value: &Const) -> bool {
    matches!(value, Const::String(_))
}

fn size(block: &Block) -> usize {
    block.stmts.iter().map(|s| 1 + s.kind.blocks().iter().map(size).sum::<usize>()).sum()
}
