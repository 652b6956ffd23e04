//! Statements on collections that are being made.

use super::function::{Emit, FunctionEmitter};
use crate::ir::{Local, Operand};
use govc_bytecode::Op;

impl FunctionEmitter<'_, '_> {
    pub(super) fn make(&mut self, target: Local, op: impl FnOnce(u32, u32) -> Op) -> Emit<()> {
        let place = self.changed(target)?;
        let builder = place.builder.ok_or("a local without a builder is made")?;
        self.push(op(builder, place.register));
        Ok(())
    }

    pub(super) fn append(&mut self, array: Local, value: Operand) -> Emit<()> {
        let (value, builder, fail) = (self.operand(value)?, self.changing(array)?, self.fail()?);
        self.push(Op::Append { builder, value, fail });
        Ok(())
    }

    pub(super) fn set_add(&mut self, value: Operand, set: Local) -> Emit<()> {
        let (value, builder, fail) = (self.operand(value)?, self.changing(set)?, self.fail()?);
        self.push(Op::SetAdd { builder, value, fail });
        Ok(())
    }

    pub(super) fn insert(&mut self, key: Operand, value: Operand, object: Local) -> Emit<()> {
        if let Operand::Local(local) = value
            && let place = self.variable(local)?
            && let Some(inner) = place.builder
        {
            let (key, builder, fail) = (self.operand(key)?, self.changing(object)?, self.fail()?);
            self.push(Op::InsertBuilder { builder, key, inner, value: place.register, fail });
            return Ok(());
        }
        let (key, value) = (self.operand(key)?, self.operand(value)?);
        let (builder, fail) = (self.changing(object)?, self.fail()?);
        self.push(Op::Insert { builder, key, value, fail });
        Ok(())
    }

    pub(super) fn insert_once(&mut self, key: Operand, value: Operand, object: Local) -> Emit<()> {
        let (key, value) = (self.operand(key)?, self.operand(value)?);
        let (builder, fail) = (self.changing(object)?, self.fail()?);
        self.push(Op::InsertOnce { builder, key, value, fail });
        Ok(())
    }

    /// Reads from a collection that may be unfinished. Where the target is changed in place later, both
    /// go on sharing it.
    pub(super) fn dot_builder(
        &mut self,
        source: Local,
        builder: u32,
        key: Operand,
        target: Local,
    ) -> Emit<()> {
        let (key, fail) = (self.operand(key)?, self.fail()?);
        let from = self.variable(source)?;
        if from.facts.assigned {
            self.push(Op::Thaw { builder, src: from.register });
        }
        let to = self.changed(target)?;
        self.push(match to.builder {
            Some(inner) => Op::DotBuilder { builder, key, inner, dst: to.register, fail },
            None => Op::DotFrozen { builder, key, dst: to.register, fail },
        });
        Ok(())
    }
}
