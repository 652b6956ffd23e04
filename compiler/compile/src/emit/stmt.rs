//! One method per statement.

use super::function::{Emit, FunctionEmitter, Label, OpenWith};
use crate::ir::{Block, ConstId, Local, Operand, Stmt, StmtKind};
use govc_bytecode::{Case, Literal, Op, SwitchTable};

impl FunctionEmitter<'_, '_> {
    pub(super) fn stmts(&mut self, mut stmts: &[Stmt]) -> Emit<()> {
        while let Some(first) = stmts.first() {
            self.span = first.span;
            let mark = self.mark();
            let taken = self.fused(stmts)?;
            if taken == 0 {
                self.stmt(&first.kind)?;
            }
            self.release(mark);
            stmts = stmts.get(taken.max(1)..).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn stmt(&mut self, kind: &StmtKind) -> Emit<()> {
        use StmtKind as S;
        match kind {
            S::Nop => Ok(()),
            S::ArrayAppend { array, value } => self.append(*array, *value),
            S::SetAdd { value, set } => self.set_add(*value, *set),
            S::ObjectInsert { key, value, object } => self.insert(*key, *value, *object),
            S::ObjectInsertOnce { key, value, object } => self.insert_once(*key, *value, *object),
            S::MakeArray { target, .. } => self.make(*target, |builder, dst| Op::MakeArray { builder, dst }),
            S::MakeObject { target } => self.make(*target, |builder, dst| Op::MakeObject { builder, dst }),
            S::MakeSet { target } => self.make(*target, |builder, dst| Op::MakeSet { builder, dst }),
            S::AssignInt { value, target } | S::MakeNumberInt { value, target } => {
                let lit = self.out.literal(Literal::Number(value.to_string()));
                self.load(lit, *target)
            }
            S::MakeNull { target } => {
                let lit = self.out.literal(Literal::Null);
                self.load(lit, *target)
            }
            S::MakeNumberRef { index, target } => self.number_ref(*index, *target),
            S::AssignVar { source, target } => self.assign(*source, *target),
            S::AssignVarOnce { source, target } => self.assign_once(*source, *target),
            S::ResetLocal { target } => self.reset(*target),
            S::Block { blocks } => self.blocks(blocks),
            S::Break { index } => self.leave_blocks(*index),
            S::Not { block } => self.not(block),
            S::Scan { source, key, value, block } => self.scan(*source, *key, *value, block),
            S::With { local, path, value, block } => {
                let path: Vec<Operand> = path.iter().map(|&id| Operand::Const(id)).collect();
                self.with(*local, &path, *value, block)
            }
            S::WithDynamic { local, path, value, block } => self.with(*local, path, *value, block),
            S::Switch { source, cases, default, blocks } => self.switch(*source, cases, default, blocks),
            S::Call { callee, args, result } => self.call(*callee, args, *result),
            S::CallKeyed { whole, keyed, args, result } => self.call_keyed(*whole, *keyed, args, *result),
            S::CallDynamic { path, args, result } => self.call_dynamic(path, args, *result),
            S::Dot { source, key, target } => self.dot(*source, *key, *target),
            S::Equal { a, b } => self.equal(*a, *b),
            S::NotEqual { a, b } => self.not_equal(*a, *b),
            S::IsArray { source } => self.test(*source, |src, fail| Op::IsArray { src, fail }),
            S::IsObject { source } => self.test(*source, |src, fail| Op::IsObject { src, fail }),
            S::IsSet { source } => self.test(*source, |src, fail| Op::IsSet { src, fail }),
            S::IsTruthy { source } => self.test(*source, |src, fail| Op::IsTruthy { src, fail }),
            S::IsDefined { source } => self.test((*source).into(), |src, fail| Op::IsDefined { src, fail }),
            S::IsUndefined { source } => {
                self.test((*source).into(), |src, fail| Op::IsUndefined { src, fail })
            }
            S::Len { source, target } => {
                let (src, fail) = (self.operand(*source)?, self.fail()?);
                self.write(*target, |dst| Op::Len { dst, src, fail })
            }
            S::ObjectMerge { a, b, target } => {
                let (a, b, fail) = (self.value(*a)?, self.value(*b)?, self.fail()?);
                self.write(*target, |dst| Op::Merge { dst, a, b, fail })
            }
            S::ResultSetAdd { value } => {
                let (src, fail) = (self.value(*value)?, self.fail()?);
                self.push(Op::ResultAdd { src, fail });
                Ok(())
            }
            S::ReturnLocal { source } => self.return_local(*source),
        }
    }

    /// Emits an instruction that writes a variable.
    pub(super) fn write(&mut self, target: Local, op: impl FnOnce(u32) -> Op) -> Emit<()> {
        let dst = self.register(target)?;
        self.push(op(dst));
        self.assigned(target)
    }

    pub(super) fn load(&mut self, lit: u32, target: Local) -> Emit<()> {
        self.write(target, |dst| Op::Load { dst, lit })
    }

    fn number_ref(&mut self, index: ConstId, target: Local) -> Emit<()> {
        let lit = self.constant(index)?;
        let number = match self.out.program.literals.get(lit as usize) {
            // A static string of OPA's plan holds the text of the number.
            Some(Literal::String(text)) => Some(Literal::Number(text.clone())),
            _ => None,
        };
        let lit = number.map_or(lit, |n| self.out.literal(n));
        self.load(lit, target)
    }

    fn assign(&mut self, source: Operand, target: Local) -> Emit<()> {
        if let Some(lit) = self.operand_literal(source)? {
            return self.load(lit, target);
        }
        if let Operand::Local(source) = source
            && let (Some(from), Some(builder)) =
                (self.variable(source)?.builder, self.variable(target)?.builder)
        {
            let (src, dst) = (self.register(source)?, self.changed(target)?.register);
            let fail = self.fail()?;
            self.push(Op::MoveDefined { dst, src, fail });
            self.push(Op::Alias { builder, from });
            return Ok(());
        }
        let (src, fail) = (self.operand(source)?, self.fail()?);
        self.write(target, |dst| Op::MoveDefined { dst, src, fail })
    }

    fn assign_once(&mut self, source: Operand, target: Local) -> Emit<()> {
        let (src, fail) = (self.operand(source)?, self.fail()?);
        let dst = self.value(target)?;
        self.push(Op::AssignOnce { dst, src, fail });
        self.assigned(target)
    }

    fn reset(&mut self, target: Local) -> Emit<()> {
        let dst = self.register(target)?;
        self.reset_register(dst);
        self.assigned(target)
    }

    fn blocks(&mut self, blocks: &[Block]) -> Emit<()> {
        for block in blocks {
            let end = self.label();
            self.block(block, end)?;
            self.bind(end);
        }
        Ok(())
    }

    fn leave_blocks(&mut self, index: u32) -> Emit<()> {
        let (target, withs) = self.outer_exit(index)?;
        self.restore(withs);
        self.push(Op::Jump { target });
        Ok(())
    }

    /// Ends all `with` beyond the first `keep` on the way out.
    fn restore(&mut self, keep: usize) {
        let open: Vec<OpenWith> = self.withs.iter().skip(keep).rev().copied().collect();
        for with in open {
            self.end_with(with);
        }
    }

    fn end_with(&mut self, with: OpenWith) {
        self.push(Op::Move { dst: with.local, src: with.saved });
        self.push(Op::WithPop {});
    }

    fn return_local(&mut self, source: Local) -> Emit<()> {
        let src = self.value(source)?;
        for _ in 0..self.withs.len() {
            self.push(Op::WithPop {});
        }
        self.push(Op::Return { src });
        Ok(())
    }

    fn not(&mut self, block: &Block) -> Emit<()> {
        let (outer, end, before) = (self.fail()?, self.label(), self.emitted());
        self.block(block, end)?;
        match self.only_since(before) {
            Some(op) if opposite(*op, outer).is_some() => *op = opposite(*op, outer).unwrap_or(*op),
            _ => self.push(Op::Jump { target: outer }),
        }
        self.bind(end);
        Ok(())
    }

    fn scan(&mut self, source: Local, key: Local, value: Local, block: &Block) -> Emit<()> {
        let (src, fail) = (self.value(source)?, self.fail()?);
        let state = self.temporaries(2);
        self.push(Op::ScanInit { state, src, fail });
        let (next, exit) = (self.label(), self.label());
        self.count_loop(true);
        let entered = self.enter_loop();
        self.bind(next);
        self.scan_next(state, key, value, exit)?;
        self.begin_round(&entered, next);
        let emitted = self.stmts(&block.stmts);
        self.leave(entered);
        self.count_loop(false);
        emitted?;
        self.push(Op::Jump { target: next });
        self.bind(exit);
        Ok(())
    }

    fn scan_next(&mut self, state: u32, key: Local, value: Local, exit: Label) -> Emit<()> {
        let key_read = self.variable(key)?.facts.reads > 0;
        let (k, v) = (self.register(key)?, self.register(value)?);
        self.push(match key_read {
            true => Op::ScanNext { state, key: k, value: v, exit },
            false => Op::ScanValue { state, value: v, exit },
        });
        self.assigned(key)?;
        self.assigned(value)
    }

    fn with(&mut self, local: Local, path: &[Operand], value: Operand, block: &Block) -> Emit<()> {
        let value = self.operand(value)?;
        let path = path.iter().map(|&p| self.operand(p)).collect::<Emit<Vec<u32>>>()?;
        let (local, fail) = (self.register(local)?, self.fail()?);
        let saved = self.temporaries(1);
        self.push(Op::Move { dst: saved, src: local });
        self.replace(local, saved, path, value, fail);
        self.push(Op::WithPush {});
        let with = OpenWith { local, saved };
        self.withs.push(with);
        let (undefined, end) = (self.label(), self.label());
        let emitted = self.block(block, undefined);
        self.withs.pop();
        emitted?;
        self.end_with(with);
        self.push(Op::Jump { target: end });
        self.bind(undefined);
        self.end_with(with);
        self.push(Op::Jump { target: fail });
        self.bind(end);
        Ok(())
    }

    fn replace(&mut self, local: u32, saved: u32, path: Vec<u32>, value: u32, fail: Label) {
        if path.is_empty() {
            return self.push(Op::MoveDefined { dst: local, src: value, fail });
        }
        let path = self.out.list(path);
        self.push(Op::Upsert { dst: local, src: saved, path, value, fail });
    }

    fn switch(
        &mut self,
        source: Operand,
        cases: &[(ConstId, Vec<u32>)],
        default: &[u32],
        blocks: &[Block],
    ) -> Emit<()> {
        let src = self.operand(source)?;
        let state = self.temporaries(1);
        let (next, exit) = (self.label(), self.label());
        let starts: Vec<Label> = blocks.iter().map(|_| self.label()).collect();
        let table = self.switch_table(cases, default, &starts)?;
        self.push(Op::SwitchInit { state, src, table });
        self.bind(next);
        self.push(Op::SwitchNext { state, table, exit });
        self.count_loop(true);
        for (block, &start) in blocks.iter().zip(&starts) {
            self.bind(start);
            self.block(block, next)?;
            self.push(Op::Jump { target: next });
        }
        self.count_loop(false);
        self.bind(exit);
        Ok(())
    }

    fn switch_table(
        &mut self,
        cases: &[(ConstId, Vec<u32>)],
        default: &[u32],
        starts: &[Label],
    ) -> Emit<u32> {
        let labels = |list: &[u32]| -> Emit<Vec<u32>> {
            let label =
                |&b: &u32| starts.get(b as usize).copied().ok_or("a switch names a block that it lacks");
            list.iter().map(label).collect()
        };
        let mut table = SwitchTable { cases: Vec::with_capacity(cases.len()), default: labels(default)? };
        for (value, list) in cases {
            let blocks = labels(list)?;
            table.cases.push(Case { literal: self.constant(*value)?, blocks });
        }
        let table = self.out.table(table);
        self.tables.push(table);
        Ok(table)
    }

    fn dot(&mut self, source: Operand, key: Operand, target: Local) -> Emit<()> {
        if let Operand::Local(local) = source
            && let Some(builder) = self.variable(local)?.builder
        {
            return self.dot_builder(local, builder, key, target);
        }
        let src = self.operand(source)?;
        let fail = self.fail()?;
        if self.is_data(source) {
            self.mark_data(target);
        }
        let operands = [source, key];
        if let Some(key) = self.operand_string(key)? {
            self.write(target, |dst| Op::DotStr { dst, src, key, fail })?;
            return self.found_in(target, &[source]);
        }
        // Our planner asks for both keys itself where it knows the number; OPA's plans hold it in a local.
        let in_store = self.is_data(source) && matches!(key, Operand::Local(_));
        let key = self.operand(key)?;
        match in_store {
            true => self.write(target, |dst| Op::DotData { dst, src, key, fail })?,
            false => self.write(target, |dst| Op::Dot { dst, src, key, fail })?,
        }
        self.found_in(target, &operands)
    }

    /// Is the operand a part of `data` that is named by a reference?
    fn is_data(&self, operand: Operand) -> bool {
        matches!(operand, Operand::Local(l) if l == Local::DATA || self.variable(l).is_ok_and(|p| p.data))
    }

    fn equal(&mut self, a: Operand, b: Operand) -> Emit<()> {
        let fail = self.fail()?;
        let (a, b) = literal_last(a, b);
        if let Some(lit) = self.operand_literal(b)? {
            let a = self.operand(a)?;
            self.push(Op::EqualLit { a, lit, fail });
            return Ok(());
        }
        let (a, b) = (self.operand(a)?, self.operand(b)?);
        self.push(Op::Equal { a, b, fail });
        Ok(())
    }

    fn not_equal(&mut self, a: Operand, b: Operand) -> Emit<()> {
        let fail = self.fail()?;
        let (a, b) = literal_last(a, b);
        match (self.operand(a)?, b) {
            (src, Operand::Bool(false)) => self.push(Op::IsTruthy { src, fail }),
            (a, b) => match self.operand_literal(b)? {
                Some(lit) => self.push(Op::NotEqualLit { a, lit, fail }),
                None => {
                    let b = self.operand(b)?;
                    self.push(Op::NotEqual { a, b, fail });
                }
            },
        }
        Ok(())
    }

    /// A test that a frozen and an unfrozen collection answer alike.
    fn test(&mut self, source: Operand, op: impl FnOnce(u32, Label) -> Op) -> Emit<()> {
        let fail = self.fail()?;
        let src = match source {
            Operand::Local(local) => self.register(local)?,
            other => self.operand(other)?,
        };
        self.push(op(src, fail));
        Ok(())
    }
}

/// The test that holds where this one does not.
fn opposite(op: Op, fail: Label) -> Option<Op> {
    Some(match op {
        Op::IsDefined { src, .. } => Op::IsUndefined { src, fail },
        Op::IsUndefined { src, .. } => Op::IsDefined { src, fail },
        Op::IsTruthy { src, .. } => Op::IsFalsy { src, fail },
        Op::IsFalsy { src, .. } => Op::IsTruthy { src, fail },
        Op::PathTruthy { src, keys, .. } => Op::PathFalsy { src, keys, fail },
        Op::PathFalsy { src, keys, .. } => Op::PathTruthy { src, keys, fail },
        _ => return None,
    })
}

fn literal_last(a: Operand, b: Operand) -> (Operand, Operand) {
    if matches!(a, Operand::Local(_)) { (a, b) } else { (b, a) }
}

impl From<Local> for Operand {
    fn from(local: Local) -> Self {
        Operand::Local(local)
    }
}
