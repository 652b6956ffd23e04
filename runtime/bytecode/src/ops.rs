//! The instruction table: the one place where an instruction is named, described and given its operands.
//!
//! An operand is a `u32` whose meaning is its [`OperandKind`]. `fail` is where evaluation goes on when the
//! instruction is undefined. A value operand that holds undefined makes an instruction with `fail` undefined.

/// What an operand means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandKind {
    /// A value register that is written.
    Dst,
    /// A value register that is read.
    Src,
    /// The first of two adjacent value registers that hold the state of an iteration.
    State,
    /// A builder register: holds nothing or a collection that is being built.
    Builder,
    /// A literal.
    Lit,
    /// A literal that is a string.
    Str,
    /// A function.
    Func,
    /// A function with two parameters, called with registers 0 and 1.
    Rule,
    /// A builtin; `args` has its arity.
    Builtin,
    /// A list of value registers that are read.
    Regs,
    /// A list of literals that are strings.
    Strs,
    /// A switch table.
    Table,
    /// An instruction of the same function.
    Target,
}

/// The description of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// Name in the text form.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Names and kinds of the operands.
    pub operands: &'static [(&'static str, OperandKind)],
}

/// The most operands that an instruction has.
pub const MAX_OPERANDS: usize = 5;

macro_rules! ops {
    ($( $(#[doc = $doc:literal])+ $name:ident $text:literal { $($field:ident : $kind:ident),* $(,)? } )*) => {
        /// An instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Op {
            $( $(#[doc = $doc])+ $name { $(
                #[doc = concat!("Operand of kind [`OperandKind::", stringify!($kind), "`].")]
                $field: u32
            ),* }, )*
        }

        #[repr(u8)]
        enum Code { $( $name ),* }

        /// All instructions, by their code in the container.
        pub const OPS: &[OpInfo] = &[ $( OpInfo {
            name: $text,
            doc: concat!($($doc),+),
            operands: &[$( (stringify!($field), OperandKind::$kind) ),*],
        } ),* ];

        impl Op {
            /// The code in the container: the position in [`OPS`].
            pub fn code(&self) -> u8 {
                match self { $( Op::$name { .. } => Code::$name as u8, )* }
            }

            /// The operands in order; those beyond the instruction's own are 0.
            pub fn operands(&self) -> [u32; MAX_OPERANDS] {
                let mut all = [0; MAX_OPERANDS];
                match *self { $( Op::$name { $($field),* } => {
                    let own: &[u32] = &[$($field),*];
                    all[..own.len()].copy_from_slice(own);
                } )* }
                all
            }

            /// The instruction of a code with these operands.
            pub fn from_parts(code: u8, operands: [u32; MAX_OPERANDS]) -> Option<Op> {
                #[allow(unused_mut, reason = "instructions without operands")]
                let mut next = operands.into_iter();
                $( if code == Code::$name as u8 {
                    return Some(Op::$name { $( $field: next.next().unwrap_or(0) ),* });
                } )*
                let _ = &mut next;
                None
            }
        }
    };
}

ops! {
    /// Copies a register, undefined or not.
    Move "move" { dst: Dst, src: Src }
    /// Copies a register that must be defined.
    MoveDefined "move_defined" { dst: Dst, src: Src, fail: Target }
    /// Loads a literal.
    Load "load" { dst: Dst, lit: Lit }
    /// Makes a register undefined.
    Reset "reset" { dst: Dst }
    /// Copies into a register that is undefined or holds an equal value; otherwise a conflict error.
    AssignOnce "assign_once" { dst: Dst, src: Src, fail: Target }
    /// Goes on elsewhere.
    Jump "jump" { target: Target }
    /// Undefined unless the register is defined.
    IsDefined "is_defined" { src: Src, fail: Target }
    /// Undefined unless the register is undefined.
    IsUndefined "is_undefined" { src: Src, fail: Target }
    /// Undefined unless the register is defined and not `false`.
    IsTruthy "is_truthy" { src: Src, fail: Target }
    /// Undefined unless the register is undefined or `false`.
    IsFalsy "is_falsy" { src: Src, fail: Target }
    /// Undefined unless an array.
    IsArray "is_array" { src: Src, fail: Target }
    /// Undefined unless an object.
    IsObject "is_object" { src: Src, fail: Target }
    /// Undefined unless a set.
    IsSet "is_set" { src: Src, fail: Target }
    /// Undefined unless equal.
    Equal "equal" { a: Src, b: Src, fail: Target }
    /// Undefined unless both are defined and differ.
    NotEqual "not_equal" { a: Src, b: Src, fail: Target }
    /// Undefined unless equal to the literal.
    EqualLit "equal_lit" { a: Src, lit: Lit, fail: Target }
    /// Undefined unless defined and different from the literal.
    NotEqualLit "not_equal_lit" { a: Src, lit: Lit, fail: Target }
    /// Undefined unless `a < b`.
    Less "less" { a: Src, b: Src, fail: Target }
    /// Undefined unless `a <= b`.
    LessEqual "less_equal" { a: Src, b: Src, fail: Target }
    /// Undefined unless `a` is a member of `b`.
    Member "member" { a: Src, b: Src, fail: Target }
    /// The element of a collection at a key.
    Dot "dot" { dst: Dst, src: Src, key: Src, fail: Target }
    /// As `dot` in a base document: there OPA finds the key `"1"` also at the number 1.
    DotData "dot_data" { dst: Dst, src: Src, key: Src, fail: Target }
    /// The value of an object at a string.
    DotStr "dot_str" { dst: Dst, src: Src, key: Str, fail: Target }
    /// The value at the end of a path of strings through objects.
    Path "path" { dst: Dst, src: Src, keys: Strs, fail: Target }
    /// `path`, then equal to a literal.
    PathEqualLit "path_equal_lit" { src: Src, keys: Strs, lit: Lit, fail: Target }
    /// Undefined unless the value at the end of the path is defined and not `false`.
    PathTruthy "path_truthy" { src: Src, keys: Strs, fail: Target }
    /// Undefined if the value at the end of the path is defined and not `false`.
    PathFalsy "path_falsy" { src: Src, keys: Strs, fail: Target }
    /// The number of elements.
    Len "len" { dst: Dst, src: Src, fail: Target }
    /// Begins an iteration; undefined unless a collection.
    ScanInit "scan_init" { state: State, src: Src, fail: Target }
    /// The next key and value of an iteration; goes to `exit` when there is none. Costs fuel.
    ScanNext "scan_next" { state: State, key: Dst, value: Dst, exit: Target }
    /// The next value of an iteration whose keys nobody reads. Costs fuel.
    ScanValue "scan_value" { state: State, value: Dst, exit: Target }
    /// Begins a switch: chooses the blocks for a value.
    SwitchInit "switch_init" { state: Dst, src: Src, table: Table }
    /// Goes to the next block chosen, or to `exit`.
    SwitchNext "switch_next" { state: Src, table: Table, exit: Target }
    /// Calls a function; undefined when its result is. Costs fuel.
    Call "call" { dst: Dst, func: Func, args: Regs, fail: Target }
    /// Calls a function of two parameters with registers 0 and 1. Costs fuel.
    CallRule "call_rule" { dst: Dst, func: Rule, fail: Target }
    /// Calls the function whose path the registers spell; undefined when there is none. Costs fuel.
    CallDynamic "call_dynamic" { dst: Dst, path: Regs, args: Regs, fail: Target }
    /// Calls a builtin; undefined when its result is, unless it is declared to have none.
    Builtin "call_builtin" { dst: Dst, builtin: Builtin, args: Regs, fail: Target }
    /// Returns from the function; the result may be undefined.
    Return "return" { src: Src }
    /// Returns undefined.
    ReturnUndefined "return_undefined" {}
    /// Adds to the result set of the entrypoint.
    ResultAdd "result_add" { src: Src, fail: Target }
    /// The sum of two numbers.
    Add "add" { dst: Dst, a: Src, b: Src, fail: Target }
    /// The difference of two numbers or sets.
    Sub "sub" { dst: Dst, a: Src, b: Src, fail: Target }
    /// The product of two numbers.
    Mul "mul" { dst: Dst, a: Src, b: Src, fail: Target }
    /// The quotient of two numbers.
    Div "div" { dst: Dst, a: Src, b: Src, fail: Target }
    /// The remainder of two integers.
    Rem "rem" { dst: Dst, a: Src, b: Src, fail: Target }
    /// `a == b` as a Boolean.
    ValueEqual "value_equal" { dst: Dst, a: Src, b: Src, fail: Target }
    /// `a != b` as a Boolean.
    ValueNotEqual "value_not_equal" { dst: Dst, a: Src, b: Src, fail: Target }
    /// `a < b` as a Boolean.
    ValueLess "value_less" { dst: Dst, a: Src, b: Src, fail: Target }
    /// `a <= b` as a Boolean.
    ValueLessEqual "value_less_equal" { dst: Dst, a: Src, b: Src, fail: Target }
    /// Is `a` a member of `b`, as a Boolean.
    ValueMember "value_member" { dst: Dst, a: Src, b: Src, fail: Target }
    /// The number of elements of a collection or of characters of a string.
    Count "count" { dst: Dst, src: Src, fail: Target }
    /// An array of registers.
    NewArray "new_array" { dst: Dst, items: Regs, fail: Target }
    /// A set of registers.
    NewSet "new_set" { dst: Dst, items: Regs, fail: Target }
    /// An object with string keys and the values of registers, in the same order.
    NewObject "new_object" { dst: Dst, keys: Strs, values: Regs, fail: Target }
    /// Begins an array; `dst` tells its type until it is frozen.
    MakeArray "make_array" { builder: Builder, dst: Dst }
    /// Begins an object; `dst` tells its type until it is frozen.
    MakeObject "make_object" { builder: Builder, dst: Dst }
    /// Begins a set; `dst` tells its type until it is frozen.
    MakeSet "make_set" { builder: Builder, dst: Dst }
    /// Empties a builder register.
    Unbuild "unbuild" { builder: Builder }
    /// Makes two builder registers name the same collection.
    Alias "alias" { builder: Builder, from: Builder }
    /// Where the builder register is empty, fills it with a copy of a collection.
    Thaw "thaw" { builder: Builder, src: Src }
    /// Appends to an array.
    Append "append" { builder: Builder, value: Src, fail: Target }
    /// Adds to a set.
    SetAdd "set_add" { builder: Builder, value: Src, fail: Target }
    /// Inserts into an object; replaces.
    Insert "insert" { builder: Builder, key: Src, value: Src, fail: Target }
    /// Inserts into an object; a conflict error when the key holds another value.
    InsertOnce "insert_once" { builder: Builder, key: Src, value: Src, fail: Target }
    /// Inserts a collection that may still be being built; both go on sharing it.
    InsertBuilder "insert_builder" { builder: Builder, key: Src, inner: Builder, value: Src, fail: Target }
    /// The element of a collection that is being built; `inner` is to build it further.
    DotBuilder "dot_builder" { builder: Builder, key: Src, inner: Builder, dst: Dst, fail: Target }
    /// The element of a collection that is being built, as a value.
    DotFrozen "dot_frozen" { builder: Builder, key: Src, dst: Dst, fail: Target }
    /// Makes the value of what a builder holds; does nothing when it is empty.
    Freeze "freeze" { dst: Dst, builder: Builder }
    /// Merges two objects recursively; `a` wins. Where one is no object, `a`.
    Merge "merge" { dst: Dst, a: Src, b: Src, fail: Target }
    /// A copy of a document with another value at a path of keys; objects are made where they lack.
    Upsert "upsert" { dst: Dst, src: Src, path: Regs, value: Src, fail: Target }
    /// Begins a region with other documents: results kept for functions are set aside.
    WithPush "with_push" {}
    /// Ends the innermost such region.
    WithPop "with_pop" {}
    /// Calls `func` with as many of the arguments as it takes; where that ends in a conflict, `keyed` with all of them.
    /// Undefined when the result is. Costs fuel.
    CallKeyed "call_keyed" { dst: Dst, func: Func, keyed: Func, args: Regs, fail: Target }
}

impl Op {
    /// The description of this instruction.
    pub fn info(&self) -> &'static OpInfo {
        &OPS[self.code() as usize]
    }

    /// Operands with their kinds.
    pub fn typed_operands(&self) -> impl Iterator<Item = (OperandKind, u32)> {
        self.info().operands.iter().map(|&(_, kind)| kind).zip(self.operands())
    }

    /// The same instruction with every jump target replaced.
    #[must_use]
    pub fn map_targets(&self, mut new: impl FnMut(u32) -> u32) -> Op {
        let mut operands = self.operands();
        for (value, &(_, kind)) in operands.iter_mut().zip(self.info().operands) {
            if kind == OperandKind::Target {
                *value = new(*value);
            }
        }
        Op::from_parts(self.code(), operands).unwrap_or(*self)
    }

    /// Never goes on with the next instruction.
    pub fn ends_flow(&self) -> bool {
        matches!(self, Op::Jump { .. } | Op::Return { .. } | Op::ReturnUndefined {} | Op::SwitchNext { .. })
    }
}
