//! The state of a running query: registers, frames, memo, limits.

use crate::builder::{Builders, NONE};
use crate::error::{Evaluated, OF_DOCUMENTS, error};
use crate::memo::Memo;
use crate::record::Record;
use crate::scratch::{recycle, recycle_pairs};
use crate::{BuiltinErrors, EvalError, Image, Limits, Outcome, Query, Scratch};
use govc_bytecode::{Function, NO_MEMO, Op};
use govc_stdlib::World;
use govc_value::{Heap, Value};
use std::time::Instant;

/// Calls within calls.
const MAX_DEPTH: usize = 10_000;

/// Registers of all frames together: 128 MiB.
const MAX_REGISTERS: usize = 1 << 23;

/// Steps between two looks at clock and memory.
const SLICE: u32 = 1 << 10;

/// Where evaluation goes on when the entrypoint has returned: no program has so much code.
pub(crate) const DONE: u32 = u32::MAX;

/// A call that has not returned.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    /// Window of the caller.
    base: u32,
    builder_base: u32,
    function: u32,
    /// Where the caller goes on, and where it goes when the result is undefined.
    next: u32,
    fail: u32,
    /// Register of the caller that takes the result.
    dst: u32,
    /// Builders in use when the call began, and `with` that were open.
    builders: u32,
    withs: u32,
}

/// See the module.
pub(crate) struct Machine<'q, 'w> {
    pub(crate) image: &'q Image,
    pub(crate) heap: Heap<'q>,
    pub(crate) registers: Vec<Value<'q>>,
    pub(crate) base: usize,
    pub(crate) builder_registers: Vec<u32>,
    pub(crate) builder_base: usize,
    pub(crate) function: u32,
    /// Frames, caches and whatever else holds no value of this query.
    pub(crate) scratch: &'w mut Scratch,
    /// Entries of an object while it is made.
    pub(crate) pairs: Vec<(Value<'q>, Value<'q>)>,
    pub(crate) builders: Builders<'q>,
    /// By literal: where the key was in the last object.
    pub(crate) key_hints: Vec<u32>,
    pub(crate) memo: Memo<'q>,
    pub(crate) results: Vec<Value<'q>>,
    pub(crate) world: &'w mut dyn World,
    pub(crate) builtin_mode: BuiltinErrors,
    pub(crate) builtin_errors: Vec<EvalError>,
    pub(crate) record: Record<'q>,
    limits: Limits,
    /// Steps left in this slice.
    pub(crate) slice: u32,
    fuel: u64,
    deadline: Option<Instant>,
}

impl<'q, 'w> Machine<'q, 'w> {
    pub(crate) fn new(
        image: &'q Image,
        heap: Heap<'q>,
        scratch: &'w mut Scratch,
        record: Record<'q>,
        query: Query<'q, 'w>,
    ) -> Self {
        scratch.frames.clear();
        let slots = std::mem::take(&mut scratch.slots);
        let values = std::mem::take(&mut scratch.memo_values);
        let limits = query.limits;
        let mut key_hints = std::mem::take(&mut scratch.key_hints);
        if key_hints.len() < image.literals().len() {
            key_hints.resize(image.literals().len(), 0);
        }
        let mut machine = Machine {
            image,
            heap,
            registers: std::mem::take(&mut scratch.registers),
            base: 0,
            builder_registers: std::mem::take(&mut scratch.builder_registers),
            builder_base: 0,
            function: query.entrypoint,
            pairs: std::mem::take(&mut scratch.pairs),
            builders: Builders::new(
                std::mem::take(&mut scratch.cells),
                std::mem::take(&mut scratch.spare_cells),
            ),
            key_hints,
            memo: Memo::new(slots, values, image.memo_slots()),
            results: Vec::new(),
            world: query.world,
            builtin_mode: query.builtin_errors,
            builtin_errors: Vec::new(),
            record,
            limits,
            scratch,
            slice: 0,
            fuel: limits.fuel,
            deadline: limits.time.and_then(|t| Instant::now().checked_add(t)),
        };
        machine.slice = machine.next_slice();
        machine
    }

    /// Gives memory back and takes the answer out.
    pub(crate) fn finish(self) -> Outcome<'q> {
        let scratch = self.scratch;
        let (slots, values) = self.memo.into_parts();
        scratch.slots = slots;
        scratch.memo_values = recycle(values);
        scratch.registers = recycle(self.registers);
        scratch.key_hints = self.key_hints;
        scratch.pairs = recycle_pairs(self.pairs);
        scratch.builder_registers = self.builder_registers;
        scratch.builder_registers.clear();
        (scratch.cells, scratch.spare_cells) = self.builders.recycle();
        let recorded = self.record.finish(self.heap);
        Outcome { results: self.results, builtin_errors: self.builtin_errors, recorded }
    }

    pub(crate) fn start(&mut self, function: u32, input: Value<'q>) -> Evaluated<u32> {
        let image = self.image;
        let f = &image.program.functions[function as usize];
        self.open_window(f, 0, 0)?;
        self.registers[0] = input;
        self.registers[1] = image.data();
        self.function = function;
        Ok(f.start)
    }

    /// Undefined registers and empty builder registers for a function.
    fn open_window(&mut self, f: &Function, base: usize, builder_base: usize) -> Evaluated<()> {
        let end = base + f.registers as usize;
        let builder_end = builder_base + f.builders as usize;
        if end.max(builder_end) > MAX_REGISTERS {
            return Err(error("govc_limit_depth", "calls need more registers than a query may have"));
        }
        self.registers.truncate(base);
        self.registers.resize(end, Value::UNDEFINED);
        self.builder_registers.truncate(builder_base);
        self.builder_registers.resize(builder_end, NONE);
        self.base = base;
        self.builder_base = builder_base;
        Ok(())
    }

    #[inline]
    pub(crate) fn get(&self, register: u32) -> Value<'q> {
        self.registers[self.base + register as usize]
    }

    #[inline]
    pub(crate) fn set(&mut self, register: u32, value: Value<'q>) {
        self.registers[self.base + register as usize] = value;
    }

    /// Writes, and tells whether the value is defined.
    #[inline]
    pub(crate) fn put(&mut self, register: u32, value: Value<'q>) -> bool {
        self.set(register, value);
        !value.is_undefined()
    }

    #[inline]
    pub(crate) fn list(&self, list: u32) -> &'q [u32] {
        &self.image.program.lists[list as usize]
    }

    /// Counts a step.
    #[inline]
    pub(crate) fn tick(&mut self) -> Evaluated<()> {
        self.slice -= 1;
        if self.slice == 0 { self.check_limits() } else { Ok(()) }
    }

    #[cold]
    fn check_limits(&mut self) -> Evaluated<()> {
        if self.fuel == 0 {
            let message = format!("query needs more than {} steps", self.limits.fuel);
            return Err(error("govc_limit_fuel", message));
        }
        self.slice = self.next_slice();
        if let (Some(deadline), Some(time)) = (self.deadline, self.limits.time)
            && Instant::now() >= deadline
        {
            return Err(error("govc_limit_time", format!("query took longer than {} ms", time.as_millis())));
        }
        self.check_memory()
    }

    /// Takes the next slice from the fuel; one step more, because the last one finds the tank empty.
    fn next_slice(&mut self) -> u32 {
        let take = self.fuel.min(u64::from(SLICE));
        self.fuel -= take;
        // Lossless: at most `SLICE`.
        take as u32 + 1
    }

    /// Is the memory of the query within its limit?
    pub(crate) fn check_memory(&self) -> Evaluated<()> {
        let used = self.heap.arena().used().saturating_add(self.builders.bytes());
        if !self.heap.exhausted() && used <= self.limits.memory {
            return Ok(());
        }
        let limit = self.limits.memory.min(self.heap.arena().limit());
        Err(error("govc_limit_memory", format!("query needs more than {limit} bytes")))
    }

    /// Calls a function with these registers of the caller as arguments. Where evaluation goes on.
    pub(crate) fn call(
        &mut self,
        function: u32,
        args: &[u32],
        dst: u32,
        next: u32,
        fail: u32,
    ) -> Evaluated<u32> {
        self.tick()?;
        let image = self.image;
        let f = &image.program.functions[function as usize];
        if f.memo != NO_MEMO
            && let Some(value) = self.memo.get(f.memo)
        {
            return Ok(if self.put(dst, value) { next } else { fail });
        }
        if self.scratch.frames.len() >= MAX_DEPTH {
            return Err(error("govc_limit_depth", format!("calls are nested deeper than {MAX_DEPTH}")));
        }
        self.scratch.frames.push(Frame {
            base: self.base as u32,
            builder_base: self.builder_base as u32,
            function: self.function,
            next,
            fail,
            dst,
            builders: self.builders.in_use(),
            withs: self.memo.depth(),
        });
        let base = self.base;
        self.open_window(f, self.registers.len(), self.builder_registers.len())?;
        for (at, &arg) in args.iter().enumerate() {
            self.registers[self.base + at] = self.registers[base + arg as usize];
        }
        self.function = function;
        Ok(f.start)
    }

    /// Returns to the caller; none when the entrypoint has ended.
    pub(crate) fn ret(&mut self, value: Value<'q>) -> Option<u32> {
        let frame = self.scratch.frames.pop()?;
        let memo = self.image.program.functions[self.function as usize].memo;
        if memo != NO_MEMO {
            self.memo.set(memo, value);
        }
        self.registers.truncate(self.base);
        self.builder_registers.truncate(self.builder_base);
        self.builders.release(frame.builders);
        self.base = frame.base as usize;
        self.builder_base = frame.builder_base as usize;
        self.function = frame.function;
        Some(if self.put(frame.dst, value) { frame.next } else { frame.fail })
    }

    /// What a look-up of keys calls: the whole document, or what makes the keys alone where one of them equals the
    /// position of an element but finds none: OPA takes `1e0` for no index, until it knows the whole document.
    pub(crate) fn whole_or_keyed<'a>(&self, whole: u32, keyed: u32, args: &'a [u32]) -> (u32, &'a [u32]) {
        let f = &self.image.program.functions[whole as usize];
        let (own, keys) = args.split_at(f.params as usize);
        let odd = |key: Value<'_>| {
            let number = key.as_number();
            number.is_some_and(|n| n.as_index().is_none() && n.as_int().is_some_and(|int| int >= 0))
        };
        let is_known = || f.memo != NO_MEMO && self.memo.get(f.memo).is_some();
        let alone = keys.iter().any(|&key| odd(self.get(key))) && !is_known();
        if alone { (keyed, args) } else { (whole, own) }
    }

    /// After an error: goes on with the innermost caller that asks for one key of a document, and makes the document
    /// for that key alone where there was an error elsewhere in it.
    #[cold]
    pub(crate) fn rescue(&mut self, error: Box<EvalError>) -> Evaluated<u32> {
        if !OF_DOCUMENTS.contains(&error.code) {
            return Err(error);
        }
        let program = &self.image.program;
        let mut callee = self.function;
        while let Some(frame) = self.scratch.frames.pop() {
            // A frame goes on behind its call.
            if let Op::CallKeyed { func, keyed, args, .. } = program.code[frame.next as usize - 1]
                && func == callee
            {
                self.unwind(&frame);
                return self.call(keyed, self.list(args), frame.dst, frame.next, frame.fail);
            }
            callee = frame.function;
        }
        Err(error)
    }

    /// Goes back to where a call began.
    fn unwind(&mut self, frame: &Frame) {
        let caller = &self.image.program.functions[frame.function as usize];
        (self.base, self.builder_base) = (frame.base as usize, frame.builder_base as usize);
        self.function = frame.function;
        self.registers.truncate(self.base + caller.registers as usize);
        self.builder_registers.truncate(self.builder_base + caller.builders as usize);
        self.builders.release(frame.builders);
        self.memo.pop_to(frame.withs);
    }

    /// An error with the position of an instruction.
    #[cold]
    pub(crate) fn error_at(&self, at: u32, code: &'static str, message: impl Into<String>) -> Box<EvalError> {
        let mut e = error(code, message);
        e.location = self.location(at);
        e
    }

    pub(crate) fn location(&self, at: u32) -> Option<(String, u32, u32)> {
        let location = self.image.program.location(at)?;
        let file = self.image.program.files.get(location.file as usize)?;
        Some((file.clone(), location.row, location.column))
    }
}
