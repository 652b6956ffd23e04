//! The dispatch loop: which method an instruction is, and where evaluation goes on.

use crate::error::Evaluated;
use crate::machine::{DONE, Machine};
use govc_bytecode::Op;
use govc_value::Kind;
use std::cmp::Ordering;

/// The next instruction where it holds, otherwise `fail`.
macro_rules! go {
    ($holds:expr, $pc:expr, $fail:expr) => {
        if $holds { $pc + 1 } else { $fail }
    };
}

impl Machine<'_, '_> {
    /// Runs from an instruction until the entrypoint returns.
    pub(crate) fn run(&mut self, mut pc: u32) -> Evaluated<()> {
        if let Some(native) = self.image.native() {
            return self.run_native(native, pc);
        }
        // Kept out of `self`, so that the loop does not look it up again for each instruction.
        let code = &self.image.program.code[..];
        while pc != DONE {
            pc = match self.execute(code[pc as usize], pc) {
                Ok(next) => next,
                Err(error) => self.rescue(error)?,
            };
        }
        Ok(())
    }

    /// Runs one instruction; gives the next one, or [`DONE`] when the entrypoint has returned.
    pub(crate) fn step(&mut self, pc: u32) -> Evaluated<u32> {
        self.execute(self.image.program.code[pc as usize], pc)
    }

    #[inline(always)]
    fn execute(&mut self, op: Op, pc: u32) -> Evaluated<u32> {
        Ok(match op {
            Op::Move { dst, src } => {
                self.mov(dst, src);
                pc + 1
            }
            Op::MoveDefined { dst, src, fail } => go!(self.mov(dst, src), pc, fail),
            Op::Load { dst, lit } => {
                self.load(dst, lit);
                pc + 1
            }
            Op::Reset { dst } => {
                self.set(dst, govc_value::Value::UNDEFINED);
                pc + 1
            }
            Op::AssignOnce { dst, src, fail } => go!(self.assign_once(pc, dst, src)?, pc, fail),
            Op::Jump { target } => target,
            Op::IsDefined { src, fail } => go!(!self.get(src).is_undefined(), pc, fail),
            Op::IsUndefined { src, fail } => go!(self.get(src).is_undefined(), pc, fail),
            Op::IsTruthy { src, fail } => go!(self.get(src).is_truthy(), pc, fail),
            Op::IsFalsy { src, fail } => go!(!self.get(src).is_truthy(), pc, fail),
            Op::IsArray { src, fail } => go!(self.is_kind(src, Kind::Array), pc, fail),
            Op::IsObject { src, fail } => go!(self.is_kind(src, Kind::Object), pc, fail),
            Op::IsSet { src, fail } => go!(self.is_kind(src, Kind::Set), pc, fail),
            Op::Equal { a, b, fail } => go!(self.equal(a, b) == Some(true), pc, fail),
            Op::NotEqual { a, b, fail } => go!(self.equal(a, b) == Some(false), pc, fail),
            Op::EqualLit { a, lit, fail } => go!(self.equal_lit(a, lit) == Some(true), pc, fail),
            Op::NotEqualLit { a, lit, fail } => go!(self.equal_lit(a, lit) == Some(false), pc, fail),
            Op::Less { a, b, fail } => go!(self.compare(a, b) == Some(Ordering::Less), pc, fail),
            Op::LessEqual { a, b, fail } => go!(self.compare(a, b).is_some_and(Ordering::is_le), pc, fail),
            Op::Member { a, b, fail } => go!(self.member(a, b) == Some(true), pc, fail),
            Op::Dot { dst, src, key, fail } => go!(self.dot(dst, src, key), pc, fail),
            Op::DotData { dst, src, key, fail } => go!(self.dot_data(dst, src, key), pc, fail),
            Op::DotStr { dst, src, key, fail } => go!(self.dot_str(dst, src, key), pc, fail),
            Op::Path { dst, src, keys, fail } => go!(self.path(dst, src, keys), pc, fail),
            Op::PathEqualLit { src, keys, lit, fail } => go!(self.path_equal(src, keys, lit), pc, fail),
            Op::PathTruthy { src, keys, fail } => go!(self.walk(src, keys).is_truthy(), pc, fail),
            Op::PathFalsy { src, keys, fail } => go!(!self.walk(src, keys).is_truthy(), pc, fail),
            Op::Len { dst, src, fail } => go!(self.len(dst, src), pc, fail),
            Op::ScanInit { state, src, fail } => go!(self.scan_init(state, src), pc, fail),
            Op::ScanNext { state, key, value, exit } => {
                self.tick()?;
                go!(self.scan_next(state, key, value), pc, exit)
            }
            Op::ScanValue { state, value, exit } => {
                self.tick()?;
                go!(self.scan_value(state, value), pc, exit)
            }
            Op::SwitchInit { state, src, table } => {
                self.switch_init(state, src, table);
                pc + 1
            }
            Op::SwitchNext { state, table, exit } => {
                self.tick()?;
                self.switch_next(state, table).unwrap_or(exit)
            }
            Op::Call { dst, func, args, fail } => self.call(func, self.list(args), dst, pc + 1, fail)?,
            Op::CallRule { dst, func, fail } => self.call(func, &[0, 1], dst, pc + 1, fail)?,
            Op::CallKeyed { dst, func, keyed, args, fail } => {
                let (func, args) = self.whole_or_keyed(func, keyed, self.list(args));
                self.call(func, args, dst, pc + 1, fail)?
            }
            Op::CallDynamic { dst, path, args, fail } => match self.find_dynamic(path) {
                Some(func) => self.call(func, self.list(args), dst, pc + 1, fail)?,
                None => fail,
            },
            Op::Builtin { dst, builtin, args, fail } => go!(self.builtin(pc, dst, builtin, args)?, pc, fail),
            Op::Return { src } => self.ret(self.get(src)).unwrap_or(DONE),
            Op::ReturnUndefined {} => self.ret(govc_value::Value::UNDEFINED).unwrap_or(DONE),
            Op::ResultAdd { src, fail } => go!(self.result_add(src), pc, fail),
            Op::Add { dst, a, b, fail } => go!(self.add(pc, dst, a, b)?, pc, fail),
            Op::Sub { dst, a, b, fail } => go!(self.sub(pc, dst, a, b)?, pc, fail),
            Op::Mul { dst, a, b, fail } => go!(self.mul(pc, dst, a, b)?, pc, fail),
            Op::Div { dst, a, b, fail } => go!(self.div(pc, dst, a, b)?, pc, fail),
            Op::Rem { dst, a, b, fail } => go!(self.rem(pc, dst, a, b)?, pc, fail),
            Op::ValueEqual { dst, a, b, fail } => go!(self.answer(dst, self.equal(a, b)), pc, fail),
            Op::ValueNotEqual { dst, a, b, fail } => {
                go!(self.answer(dst, self.equal(a, b).map(|e| !e)), pc, fail)
            }
            Op::ValueLess { dst, a, b, fail } => {
                go!(self.answer(dst, self.compare(a, b).map(Ordering::is_lt)), pc, fail)
            }
            Op::ValueLessEqual { dst, a, b, fail } => {
                go!(self.answer(dst, self.compare(a, b).map(Ordering::is_le)), pc, fail)
            }
            Op::ValueMember { dst, a, b, fail } => go!(self.answer(dst, self.member(a, b)), pc, fail),
            Op::Count { dst, src, fail } => go!(self.count(pc, dst, src)?, pc, fail),
            Op::NewArray { dst, items, fail } => go!(self.new_array(dst, items), pc, fail),
            Op::NewSet { dst, items, fail } => go!(self.new_set(dst, items), pc, fail),
            Op::NewObject { dst, keys, values, fail } => go!(self.new_object(dst, keys, values), pc, fail),
            Op::MakeArray { builder, dst } => {
                self.make(builder, dst, Kind::Array);
                pc + 1
            }
            Op::MakeObject { builder, dst } => {
                self.make(builder, dst, Kind::Object);
                pc + 1
            }
            Op::MakeSet { builder, dst } => {
                self.make(builder, dst, Kind::Set);
                pc + 1
            }
            Op::Unbuild { builder } => {
                self.unbuild(builder);
                pc + 1
            }
            Op::Alias { builder, from } => {
                self.alias(builder, from);
                pc + 1
            }
            Op::Thaw { builder, src } => {
                self.thaw(builder, src);
                pc + 1
            }
            Op::Append { builder, value, fail } => go!(self.append(builder, value), pc, fail),
            Op::SetAdd { builder, value, fail } => go!(self.set_add(builder, value), pc, fail),
            Op::Insert { builder, key, value, fail } => go!(self.insert(builder, key, value), pc, fail),
            Op::InsertOnce { builder, key, value, fail } => {
                go!(self.insert_once(pc, builder, key, value)?, pc, fail)
            }
            Op::InsertBuilder { builder, key, inner, value, fail } => {
                go!(self.insert_builder(builder, key, inner, value), pc, fail)
            }
            Op::DotBuilder { builder, key, inner, dst, fail } => {
                go!(self.dot_builder(builder, key, inner, dst), pc, fail)
            }
            Op::DotFrozen { builder, key, dst, fail } => go!(self.dot_frozen(builder, key, dst), pc, fail),
            Op::Freeze { dst, builder } => {
                self.freeze(dst, builder);
                pc + 1
            }
            Op::Merge { dst, a, b, fail } => go!(self.merge(dst, a, b), pc, fail),
            Op::Upsert { dst, src, path, value, fail } => go!(self.upsert(dst, src, path, value), pc, fail),
            Op::WithPush {} => {
                self.memo.push();
                pc + 1
            }
            Op::WithPop {} => {
                self.memo.pop();
                pc + 1
            }
        })
    }
}
