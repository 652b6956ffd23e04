//! One function of a program as cranelift's intermediate form.
//!
//! Every instruction gets a block. The surprising fact: the registers stay in memory, where the VM has
//! them; that is what lets code stop anywhere and the VM go on.

use crate::reach::knows;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I32, I64};
use cranelift_codegen::ir::{Block, BlockArg, FuncRef, InstBuilder, JumpTableData, MemFlagsData, Value};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::FunctionBuilder;
use govc_bytecode::{Function, Op, Program};
use govc_value::{Number, View, layout, tag};
use govc_vm::Image;

/// Operations that code calls, in the order of [`crate::operations::all`].
#[derive(Clone, Copy)]
pub(crate) struct Callees {
    pub(crate) equal: FuncRef,
    pub(crate) compare: FuncRef,
    pub(crate) member: FuncRef,
    pub(crate) get: FuncRef,
    pub(crate) find: FuncRef,
}

/// What is known of a literal when code is made.
enum Fact {
    /// Equal to exactly the values with this tag word.
    Word(u32),
    Int(i64),
    Unknown,
}

pub(crate) struct Translator<'a, 'b> {
    b: FunctionBuilder<'b>,
    image: &'a Image,
    function: &'a Function,
    callees: Callees,
    /// One per instruction.
    blocks: Vec<Block>,
    registers: Value,
    literals: Value,
    hints: Value,
    slice: Value,
    /// Number of the next hint; all functions of an image share one table.
    next_hint: usize,
}

const FLAGS: MemFlagsData = MemFlagsData::trusted();

/// The function `(registers, literals, hints, slice, entry) -> instruction`. Gives the next free hint.
pub(crate) fn translate(
    mut b: FunctionBuilder<'_>,
    image: &Image,
    function: &Function,
    entries: &[u32],
    callees: Callees,
    next_hint: usize,
    config: TargetFrontendConfig,
) -> usize {
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let &[registers, literals, hints, slice, number] = b.block_params(entry) else { return next_hint };
    let blocks = (function.start..function.end).map(|_| b.create_block()).collect();
    let mut t =
        Translator { b, image, function, callees, blocks, registers, literals, hints, slice, next_hint };
    t.enter(entries, number);
    for at in function.start..function.end {
        t.b.switch_to_block(t.block(at));
        t.instruction(at);
    }
    t.b.seal_all_blocks();
    let next_hint = t.next_hint;
    t.b.finalize(config);
    next_hint
}

impl Translator<'_, '_> {
    fn program(&self) -> &Program {
        self.image.program()
    }

    fn block(&self, at: u32) -> Block {
        self.blocks[(at - self.function.start) as usize]
    }

    /// Goes to the entry of this number.
    fn enter(&mut self, entries: &[u32], number: Value) {
        let nowhere = self.b.create_block();
        let default = self.b.func.dfg.block_call(nowhere, &[]);
        let blocks: Vec<Block> = entries.iter().map(|&at| self.block(at)).collect();
        let calls: Vec<_> = blocks.iter().map(|&block| self.b.func.dfg.block_call(block, &[])).collect();
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(number, table);
        self.b.switch_to_block(nowhere);
        // No caller passes another number; the VM would go on at the function's start.
        self.leave(self.function.start);
    }

    /// Hands back to the VM.
    fn leave(&mut self, at: u32) {
        let at = self.b.ins().iconst(I32, i64::from(at));
        self.b.ins().return_(&[at]);
    }

    fn jump(&mut self, at: u32) {
        let block = self.block(at);
        self.b.ins().jump(block, &[]);
    }

    fn branch(&mut self, condition: Value, then: u32, otherwise: u32) {
        let (then, otherwise) = (self.block(then), self.block(otherwise));
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
    }

    /// Goes on in a new block where the condition holds, and to an instruction where not.
    fn require(&mut self, condition: Value, otherwise: u32) {
        let (then, otherwise) = (self.b.create_block(), self.block(otherwise));
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.switch_to_block(then);
    }

    /// Goes on in a new block where the condition holds, and hands `at` to the VM where not.
    fn require_or_leave(&mut self, condition: Value, at: u32) {
        let (then, otherwise) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.switch_to_block(otherwise);
        self.leave(at);
        self.b.switch_to_block(then);
    }

    fn instruction(&mut self, at: u32) {
        let op = self.program().code[at as usize];
        if !knows(&op) {
            return self.leave(at);
        }
        let next = at + 1;
        match op {
            Op::Move { dst, src } => {
                self.copy_register(dst, src);
                self.jump(next);
            }
            Op::MoveDefined { dst, src, fail } => {
                let defined = self.defined(src);
                self.copy_register(dst, src);
                self.branch(defined, next, fail);
            }
            Op::Load { dst, lit } => {
                let address = self.literal(lit);
                self.copy_to(dst, address);
                self.jump(next);
            }
            Op::Reset { dst } => {
                self.set_undefined(dst);
                self.jump(next);
            }
            Op::AssignOnce { dst, src, fail } => {
                let new = self.defined(src);
                self.require(new, fail);
                let old = self.defined(dst);
                let free = self.b.ins().icmp_imm_u(IntCC::Equal, old, 0);
                self.require_or_leave(free, at);
                self.copy_register(dst, src);
                self.jump(next);
            }
            Op::Jump { target } => self.jump(target),
            Op::IsDefined { src, fail } => {
                let defined = self.defined(src);
                self.branch(defined, next, fail);
            }
            Op::IsUndefined { src, fail } => {
                let defined = self.defined(src);
                self.branch(defined, fail, next);
            }
            Op::IsTruthy { src, fail } => {
                let truthy = self.truthy(src);
                self.branch(truthy, next, fail);
            }
            Op::IsFalsy { src, fail } => {
                let truthy = self.truthy(src);
                self.branch(truthy, fail, next);
            }
            Op::IsArray { src, fail } => self.is_tag(src, tag::ARRAY, next, fail),
            Op::IsObject { src, fail } => self.is_tag(src, tag::OBJECT, next, fail),
            Op::IsSet { src, fail } => self.is_tag(src, tag::SET, next, fail),
            Op::Equal { a, b, fail } => {
                let equal = self.equal_registers(a, b, fail);
                self.branch(equal, next, fail);
            }
            Op::NotEqual { a, b, fail } => {
                let equal = self.equal_registers(a, b, fail);
                self.branch(equal, fail, next);
            }
            Op::EqualLit { a, lit, fail } => {
                let address = self.register(a);
                let equal = self.equal_literal(address, lit);
                self.branch(equal, next, fail);
            }
            Op::NotEqualLit { a, lit, fail } => {
                let defined = self.defined(a);
                self.require(defined, fail);
                let address = self.register(a);
                let equal = self.equal_literal(address, lit);
                self.branch(equal, fail, next);
            }
            Op::Less { a, b, fail } => {
                let less = self.compare(IntCC::SignedLessThan, a, b, fail);
                self.branch(less, next, fail);
            }
            Op::LessEqual { a, b, fail } => {
                let less = self.compare(IntCC::SignedLessThanOrEqual, a, b, fail);
                self.branch(less, next, fail);
            }
            Op::Member { a, b, fail } => {
                let member = self.member(a, b, fail);
                self.branch(member, next, fail);
            }
            Op::ValueEqual { dst, a, b, fail } => {
                self.answer(dst, (a, b), next, fail, |t, fail| t.equal_registers(a, b, fail))
            }
            Op::ValueNotEqual { dst, a, b, fail } => self.answer(dst, (a, b), next, fail, |t, fail| {
                let equal = t.equal_registers(a, b, fail);
                t.b.ins().icmp_imm_u(IntCC::Equal, equal, 0)
            }),
            Op::ValueLess { dst, a, b, fail } => {
                self.answer(dst, (a, b), next, fail, |t, fail| t.compare(IntCC::SignedLessThan, a, b, fail))
            }
            Op::ValueLessEqual { dst, a, b, fail } => self.answer(dst, (a, b), next, fail, |t, fail| {
                t.compare(IntCC::SignedLessThanOrEqual, a, b, fail)
            }),
            Op::ValueMember { dst, a, b, fail } => {
                self.answer(dst, (a, b), next, fail, |t, fail| t.member(a, b, fail));
            }
            Op::Dot { dst, src, key, fail } => {
                let args = [self.register(src), self.register(key), self.register(dst)];
                let found = self.call(self.callees.get, &args);
                self.branch(found, next, fail);
            }
            Op::DotStr { dst, src, key, fail } => self.path(src, &[key], dst, next, fail),
            Op::Path { dst, src, keys, fail } => {
                let keys = self.program().lists[keys as usize].clone();
                self.path(src, &keys, dst, next, fail);
            }
            Op::PathEqualLit { src, keys, lit, fail } => {
                let keys = self.program().lists[keys as usize].clone();
                let missing = self.b.create_block();
                let found = self.walk(src, &keys, missing);
                let equal = self.equal_literal(found, lit);
                self.branch(equal, next, fail);
                self.b.switch_to_block(missing);
                self.jump(fail);
            }
            Op::PathTruthy { src, keys, fail } => self.path_truthy(src, keys, next, fail, fail),
            Op::PathFalsy { src, keys, fail } => self.path_truthy(src, keys, fail, next, next),
            Op::Len { dst, src, .. } | Op::Count { dst, src, .. } => {
                let address = self.register(src);
                let tag = self.tag(address);
                let collection =
                    self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, tag, i64::from(tag::ARRAY));
                self.require_or_leave(collection, at);
                let len = self.b.ins().uload32(FLAGS, address, layout::LEN as i32);
                self.set_int(dst, len);
                self.jump(next);
            }
            Op::ScanInit { state, src, fail } => {
                let address = self.register(src);
                let tag = self.tag(address);
                let collection =
                    self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, tag, i64::from(tag::ARRAY));
                self.copy_register(state, src);
                let zero = self.b.ins().iconst(I64, 0);
                self.set_int(state + 1, zero);
                self.branch(collection, next, fail);
            }
            Op::ScanNext { state, key, value, exit } => self.scan(at, state, Some(key), value, exit),
            Op::ScanValue { state, value, exit } => self.scan(at, state, None, value, exit),
            Op::Add { dst, a, b, .. } => {
                self.arithmetic(at, dst, a, b, |t, a, b| t.b.ins().sadd_overflow(a, b))
            }
            Op::Sub { dst, a, b, .. } => {
                self.arithmetic(at, dst, a, b, |t, a, b| t.b.ins().ssub_overflow(a, b))
            }
            Op::Mul { dst, a, b, .. } => {
                self.arithmetic(at, dst, a, b, |t, a, b| t.b.ins().smul_overflow(a, b))
            }
            _ => self.leave(at),
        }
    }
}

/// Registers and literals.
impl Translator<'_, '_> {
    /// The address of a register.
    fn register(&mut self, register: u32) -> Value {
        self.b.ins().iadd_imm_s(self.registers, i64::from(register) * layout::VALUE as i64)
    }

    /// The address of a literal.
    fn literal(&mut self, literal: u32) -> Value {
        self.b.ins().iadd_imm_s(self.literals, i64::from(literal) * layout::VALUE as i64)
    }

    fn load(&mut self, address: Value, offset: usize) -> Value {
        self.b.ins().load(I64, FLAGS, address, offset as i32)
    }

    fn store(&mut self, value: Value, address: Value, offset: usize) {
        self.b.ins().store(FLAGS, value, address, offset as i32);
    }

    /// Tag and symbol.
    fn tag_word(&mut self, address: Value) -> Value {
        self.b.ins().load(I32, FLAGS, address, layout::TAG as i32)
    }

    /// The tag alone. The layout is little-endian or not: the word is masked, not its first byte read.
    fn tag(&mut self, address: Value) -> Value {
        let word = self.tag_word(address);
        self.b.ins().band_imm_u(word, i64::from(tag::MASK))
    }

    /// The 16 bytes of a value.
    fn whole(&mut self, address: Value) -> [Value; 2] {
        [self.load(address, layout::TAG), self.load(address, layout::PAYLOAD)]
    }

    fn put(&mut self, register: u32, [head, payload]: [Value; 2]) {
        let address = self.register(register);
        self.store(head, address, layout::TAG);
        self.store(payload, address, layout::PAYLOAD);
    }

    fn copy_to(&mut self, dst: u32, address: Value) {
        let whole = self.whole(address);
        self.put(dst, whole);
    }

    fn copy_register(&mut self, dst: u32, src: u32) {
        let address = self.register(src);
        self.copy_to(dst, address);
    }

    fn set_undefined(&mut self, register: u32) {
        let zero = self.b.ins().iconst(I64, 0);
        self.put(register, [zero, zero]);
    }

    fn int(&mut self, int: Value) -> [Value; 2] {
        [self.b.ins().iconst(I64, head(tag::INT)), int]
    }

    fn set_int(&mut self, register: u32, int: Value) {
        let whole = self.int(int);
        self.put(register, whole);
    }

    fn set_bool(&mut self, register: u32, condition: Value) {
        let (yes, no) =
            (self.b.ins().iconst(I64, head(tag::TRUE)), self.b.ins().iconst(I64, head(tag::FALSE)));
        let head = self.b.ins().select(condition, yes, no);
        let payload = self.b.ins().iconst(I64, 0);
        self.put(register, [head, payload]);
    }

    fn call(&mut self, callee: FuncRef, args: &[Value]) -> Value {
        let call = self.b.ins().call(callee, args);
        self.b.inst_results(call)[0]
    }
}

/// The first 8 bytes of a value with this tag, no symbol and no length.
fn head(tag: u32) -> i64 {
    let mut bytes = [0; 8];
    bytes[layout::TAG..layout::TAG + 4].copy_from_slice(&tag.to_ne_bytes());
    i64::from_ne_bytes(bytes)
}

/// Tests.
impl Translator<'_, '_> {
    fn defined(&mut self, register: u32) -> Value {
        let address = self.register(register);
        let word = self.tag_word(address);
        self.b.ins().icmp_imm_u(IntCC::NotEqual, word, i64::from(tag::UNDEFINED))
    }

    fn truthy(&mut self, register: u32) -> Value {
        let address = self.register(register);
        self.truthy_at(address)
    }

    fn truthy_at(&mut self, address: Value) -> Value {
        let word = self.tag_word(address);
        self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, word, i64::from(tag::FALSE))
    }

    /// Where to go when what stands at the end of a path is truthy, is false, is not there.
    fn path_truthy(&mut self, src: u32, keys: u32, truthy: u32, falsy: u32, nothing: u32) {
        let keys = self.program().lists[keys as usize].clone();
        let missing = self.b.create_block();
        let found = self.walk(src, &keys, missing);
        let holds = self.truthy_at(found);
        self.branch(holds, truthy, falsy);
        self.b.switch_to_block(missing);
        self.jump(nothing);
    }

    fn is_tag(&mut self, register: u32, expected: u32, next: u32, fail: u32) {
        let address = self.register(register);
        let tag = self.tag(address);
        let is = self.b.ins().icmp_imm_u(IntCC::Equal, tag, i64::from(expected));
        self.branch(is, next, fail);
    }

    fn both_defined(&mut self, a: u32, b: u32, fail: u32) -> (Value, Value) {
        let (a_defined, b_defined) = (self.defined(a), self.defined(b));
        let both = self.b.ins().band(a_defined, b_defined);
        self.require(both, fail);
        (self.register(a), self.register(b))
    }

    /// Ends the block in one of three ways and gives the answer in a new one: known, or by an operation.
    fn known_or_called(&mut self, known: Value, answer: Value, callee: FuncRef, args: &[Value]) -> Value {
        let (slow, done) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(done, I8);
        self.b.ins().brif(known, done, &[BlockArg::Value(answer)], slow, &[]);
        self.b.switch_to_block(slow);
        let called = self.call(callee, args);
        let called = self.b.ins().icmp_imm_u(IntCC::NotEqual, called, 0);
        self.b.ins().jump(done, &[BlockArg::Value(called)]);
        self.b.switch_to_block(done);
        result
    }

    /// Equality of two registers; to `fail` when one is undefined.
    fn equal_registers(&mut self, a: u32, b: u32, fail: u32) -> Value {
        let (a, b) = self.both_defined(a, b, fail);
        let (a_word, b_word) = (self.tag_word(a), self.tag_word(b));
        let (a_int, b_int) = (self.load(a, layout::PAYLOAD), self.load(b, layout::PAYLOAD));
        // Strings of which one has a symbol are equal exactly when their words are.
        let a_string = self.string_or_int(a_word, tag::STRING);
        let b_string = self.string_or_int(b_word, tag::STRING);
        let strings = self.b.ins().band(a_string, b_string);
        let either = self.b.ins().bor(a_word, b_word);
        let symbols = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, either, i64::from(tag::MASK));
        let strings = self.b.ins().band(strings, symbols);
        let same_word = self.b.ins().icmp(IntCC::Equal, a_word, b_word);
        let is_int = self.b.ins().icmp_imm_u(IntCC::Equal, a_word, i64::from(tag::INT));
        let ints = self.b.ins().band(same_word, is_int);
        let same_int = self.b.ins().icmp(IntCC::Equal, a_int, b_int);
        let known = self.b.ins().bor(strings, ints);
        let answer = self.b.ins().select(ints, same_int, same_word);
        self.known_or_called(known, answer, self.callees.equal, &[a, b])
    }

    fn string_or_int(&mut self, word: Value, tag: u32) -> Value {
        let tag_of = self.b.ins().band_imm_u(word, i64::from(tag::MASK));
        self.b.ins().icmp_imm_u(IntCC::Equal, tag_of, i64::from(tag))
    }

    fn fact(&self, literal: u32) -> Fact {
        match self.image.literals().get(literal as usize).map(|value| (value.view(), value.symbol())) {
            Some((View::String(_), Some(symbol))) => {
                Fact::Word(tag::STRING | symbol.number() << tag::SYMBOL_SHIFT)
            }
            Some((View::Null, _)) => Fact::Word(tag::NULL),
            Some((View::Bool(b), _)) => Fact::Word(if b { tag::TRUE } else { tag::FALSE }),
            Some((View::Number(Number::Int(i)), _)) => Fact::Int(i),
            _ => Fact::Unknown,
        }
    }

    /// Equality with a literal; undefined equals none.
    fn equal_literal(&mut self, address: Value, literal: u32) -> Value {
        let fact = self.fact(literal);
        let literal = self.literal(literal);
        match fact {
            Fact::Word(expected) => {
                let word = self.tag_word(address);
                self.b.ins().icmp_imm_u(IntCC::Equal, word, i64::from(expected))
            }
            Fact::Int(expected) => {
                let word = self.tag_word(address);
                let payload = self.load(address, layout::PAYLOAD);
                let int = self.b.ins().icmp_imm_u(IntCC::Equal, word, i64::from(tag::INT));
                let expected = self.b.ins().iconst(I64, expected);
                let same = self.b.ins().icmp(IntCC::Equal, payload, expected);
                let answer = self.b.ins().band(int, same);
                // Only a number that is kept as text could still be equal.
                let known = self.b.ins().icmp_imm_u(IntCC::NotEqual, word, i64::from(tag::NUMBER));
                self.known_or_called(known, answer, self.callees.equal, &[address, literal])
            }
            Fact::Unknown => {
                let equal = self.call(self.callees.equal, &[address, literal]);
                self.b.ins().icmp_imm_u(IntCC::NotEqual, equal, 0)
            }
        }
    }

    /// An order of two registers; to `fail` when one is undefined.
    fn compare(&mut self, order: IntCC, a: u32, b: u32, fail: u32) -> Value {
        let (a, b) = self.both_defined(a, b, fail);
        let ints = self.both_ints(a, b);
        let (a_int, b_int) = (self.load(a, layout::PAYLOAD), self.load(b, layout::PAYLOAD));
        let answer = self.b.ins().icmp(order, a_int, b_int);
        let (slow, done) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(done, I8);
        self.b.ins().brif(ints, done, &[BlockArg::Value(answer)], slow, &[]);
        self.b.switch_to_block(slow);
        let ordering = self.call(self.callees.compare, &[a, b]);
        let answer = self.b.ins().icmp_imm_u(order, ordering, 0);
        self.b.ins().jump(done, &[BlockArg::Value(answer)]);
        self.b.switch_to_block(done);
        result
    }

    fn both_ints(&mut self, a: Value, b: Value) -> Value {
        let (a, b) = (self.tag_word(a), self.tag_word(b));
        let a = self.b.ins().icmp_imm_u(IntCC::Equal, a, i64::from(tag::INT));
        let b = self.b.ins().icmp_imm_u(IntCC::Equal, b, i64::from(tag::INT));
        self.b.ins().band(a, b)
    }

    fn member(&mut self, a: u32, b: u32, fail: u32) -> Value {
        let (a, b) = self.both_defined(a, b, fail);
        let member = self.call(self.callees.member, &[a, b]);
        self.b.ins().icmp_imm_u(IntCC::NotEqual, member, 0)
    }

    /// A test as a value: undefined, and to `fail`, when a side is undefined.
    fn answer(
        &mut self,
        dst: u32,
        (a, b): (u32, u32),
        next: u32,
        fail: u32,
        test: impl FnOnce(&mut Self, u32) -> Value,
    ) {
        let (a, b) = (self.defined(a), self.defined(b));
        let both = self.b.ins().band(a, b);
        let (defined, undefined) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(both, defined, &[], undefined, &[]);
        self.b.switch_to_block(undefined);
        self.set_undefined(dst);
        self.jump(fail);
        self.b.switch_to_block(defined);
        let answer = test(self, fail);
        self.set_bool(dst, answer);
        self.jump(next);
    }
}

/// Fields, iteration, arithmetic.
impl Translator<'_, '_> {
    fn path(&mut self, src: u32, keys: &[u32], dst: u32, next: u32, fail: u32) {
        let missing = self.b.create_block();
        let found = self.walk(src, keys, missing);
        self.copy_to(dst, found);
        self.jump(next);
        self.b.switch_to_block(missing);
        self.set_undefined(dst);
        self.jump(fail);
    }

    /// The address of the value at the end of a path of strings; to `missing` when there is none.
    fn walk(&mut self, src: u32, keys: &[u32], missing: Block) -> Value {
        let mut at = self.register(src);
        for &key in keys {
            at = self.field(at, key, missing);
        }
        if keys.is_empty() {
            let word = self.tag_word(at);
            let found = self.b.create_block();
            self.b.ins().brif(word, found, &[], missing, &[]);
            self.b.switch_to_block(found);
        }
        at
    }

    /// One step: first where the key was the last time, then by search.
    fn field(&mut self, at: Value, key: u32, missing: Block) -> Value {
        let hint = self.b.ins().iadd_imm_s(self.hints, self.next_hint as i64 * 4);
        self.next_hint += 1;
        let (slow, found) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(found, I64);
        if let Fact::Word(word) = self.fact(key) {
            self.guess(at, word >> tag::SYMBOL_SHIFT, hint, slow, found);
        } else {
            self.b.ins().jump(slow, &[]);
        }
        self.b.switch_to_block(slow);
        let literal = self.literal(key);
        let address = self.call(self.callees.find, &[at, literal, hint]);
        self.b.ins().brif(address, found, &[BlockArg::Value(address)], missing, &[]);
        self.b.switch_to_block(found);
        result
    }

    /// To `found` with the address when the value is an object whose key at the hinted position has the symbol.
    fn guess(&mut self, at: Value, symbol: u32, hint: Value, slow: Block, found: Block) {
        let tag = self.tag(at);
        let object = self.b.ins().icmp_imm_u(IntCC::Equal, tag, i64::from(tag::OBJECT));
        self.continue_if(object, slow);
        let start = self.load(at, layout::PAYLOAD);
        let len = self.b.ins().uload32(FLAGS, at, layout::LEN as i32);
        let position = self.b.ins().uload32(FLAGS, hint, 0);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, position, len);
        self.continue_if(inside, slow);
        let offset = self.b.ins().ishl_imm_u(position, 2);
        let word = self.b.ins().iadd(start, offset);
        let word = self.b.ins().load(I32, FLAGS, word, layout::OBJECT_SYMBOLS as i32);
        let same = self.b.ins().icmp_imm_u(IntCC::Equal, word, i64::from(symbol));
        self.continue_if(same, slow);
        let keys = self.object_keys(start, len);
        let values = self.element(keys, len);
        let value = self.element(values, position);
        self.b.ins().jump(found, &[BlockArg::Value(value)]);
    }

    fn continue_if(&mut self, condition: Value, otherwise: Block) {
        let then = self.b.create_block();
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.switch_to_block(then);
    }

    /// The address of an object's keys.
    fn object_keys(&mut self, start: Value, len: Value) -> Value {
        let words = self.b.ins().ishl_imm_u(len, 2);
        let rounded = self.b.ins().iadd_imm_s(words, 7);
        let rounded = self.b.ins().band_imm_s(rounded, !7);
        let keys = self.b.ins().iadd(start, rounded);
        self.b.ins().iadd_imm_s(keys, layout::object_keys(0) as i64)
    }

    /// The address of an element of a row of values.
    fn element(&mut self, start: Value, position: Value) -> Value {
        let offset = self.b.ins().ishl_imm_u(position, layout::VALUE.ilog2() as i64);
        self.b.ins().iadd(start, offset)
    }

    /// One step of an iteration. Limits, and states that no `scan_init` made, are for the VM.
    fn scan(&mut self, at: u32, state: u32, key: Option<u32>, value: u32, exit: u32) {
        let collection = self.register(state);
        let position = self.register(state + 1);
        let tag = self.tag(collection);
        let word = self.tag_word(position);
        let steps = self.b.ins().load(I32, FLAGS, self.slice, 0);
        let many = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, steps, 1);
        let is_collection =
            self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, tag, i64::from(tag::ARRAY));
        let is_int = self.b.ins().icmp_imm_u(IntCC::Equal, word, i64::from(tag::INT));
        let usual = self.b.ins().band(is_collection, is_int);
        let usual = self.b.ins().band(usual, many);
        self.require_or_leave(usual, at);
        let steps = self.b.ins().iadd_imm_s(steps, -1);
        self.store(steps, self.slice, 0);
        let len = self.b.ins().uload32(FLAGS, collection, layout::LEN as i32);
        let position = self.load(position, layout::PAYLOAD);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, position, len);
        self.require(inside, exit);
        let start = self.load(collection, layout::PAYLOAD);
        let (k, v) = self.entry(tag, start, len, position);
        let after = self.b.ins().iadd_imm_s(position, 1);
        self.set_int(state + 1, after);
        if let Some(key) = key {
            self.put(key, k);
        }
        self.put(value, v);
        self.jump(at + 1);
    }

    /// Key and value at a position of an array, object or set.
    fn entry(&mut self, tag: Value, start: Value, len: Value, position: Value) -> ([Value; 2], [Value; 2]) {
        let (array, other) = (self.b.create_block(), self.b.create_block());
        let (object, set, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let params = [(); 4].map(|()| self.b.append_block_param(done, I64));
        let is_array = self.b.ins().icmp_imm_u(IntCC::Equal, tag, i64::from(tag::ARRAY));
        self.b.ins().brif(is_array, array, &[], other, &[]);

        self.b.switch_to_block(array);
        let address = self.element(start, position);
        let (k, v) = (self.int(position), self.whole(address));
        self.give(done, k, v);

        self.b.switch_to_block(other);
        let is_object = self.b.ins().icmp_imm_u(IntCC::Equal, tag, i64::from(tag::OBJECT));
        self.b.ins().brif(is_object, object, &[], set, &[]);

        self.b.switch_to_block(object);
        let keys = self.object_keys(start, len);
        let address = self.element(keys, position);
        let k = self.whole(address);
        let address = self.element(address, len);
        let v = self.whole(address);
        self.give(done, k, v);

        self.b.switch_to_block(set);
        let elements = self.b.ins().iadd_imm_s(start, layout::SET_ELEMENTS as i64);
        let address = self.element(elements, position);
        let v = self.whole(address);
        self.give(done, v, v);

        self.b.switch_to_block(done);
        ([params[0], params[1]], [params[2], params[3]])
    }

    fn give(&mut self, done: Block, k: [Value; 2], v: [Value; 2]) {
        let args = [k[0], k[1], v[0], v[1]].map(BlockArg::Value);
        self.b.ins().jump(done, &args);
    }

    /// Integers that stay integers; everything else is for the VM.
    fn arithmetic(
        &mut self,
        at: u32,
        dst: u32,
        a: u32,
        b: u32,
        operation: impl FnOnce(&mut Self, Value, Value) -> (Value, Value),
    ) {
        let (a, b) = (self.register(a), self.register(b));
        let ints = self.both_ints(a, b);
        self.require_or_leave(ints, at);
        let (a, b) = (self.load(a, layout::PAYLOAD), self.load(b, layout::PAYLOAD));
        let (result, overflow) = operation(self, a, b);
        let fits = self.b.ins().icmp_imm_u(IntCC::Equal, overflow, 0);
        self.require_or_leave(fits, at);
        self.set_int(dst, result);
        self.jump(at + 1);
    }
}
