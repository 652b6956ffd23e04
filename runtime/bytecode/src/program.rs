//! A decoded program. Everything that an instruction names is an index into one of these tables.

use crate::{Literal, Op};

/// A whole program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Ground values.
    pub literals: Vec<Literal>,
    /// Builtins that are called.
    pub builtins: Vec<BuiltinRef>,
    /// Names of source files, for positions of errors.
    pub files: Vec<String>,
    /// Operand lists of instructions with many operands.
    pub lists: Vec<Vec<u32>>,
    /// Tables of `switch`.
    pub tables: Vec<SwitchTable>,
    /// Functions; each owns a range of `code`, one after the other.
    pub functions: Vec<Function>,
    /// What can be asked for.
    pub entrypoints: Vec<Entrypoint>,
    /// Instructions of all functions. Jump targets are positions in this vector.
    pub code: Vec<Op>,
    /// Source positions, sorted by instruction.
    pub locations: Vec<Location>,
}

/// A builtin that the program calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuiltinRef {
    /// OPA's name, or that of a builtin the host declares.
    pub name: String,
    /// Number of arguments.
    pub arity: u32,
}

/// `Function::memo` of a function whose result is not kept.
pub const NO_MEMO: u32 = u32::MAX;

/// A function: registers `0..params` hold its arguments, the first two are `input` and `data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Unique name, such as `g0.data.a.b`.
    pub name: String,
    /// What `call_dynamic` looks up.
    pub path: Vec<String>,
    /// Number of parameters.
    pub params: u32,
    /// Number of value registers.
    pub registers: u32,
    /// Number of builder registers.
    pub builders: u32,
    /// Memo slot of the result, or [`NO_MEMO`].
    pub memo: u32,
    /// First instruction.
    pub start: u32,
    /// Instruction behind the last.
    pub end: u32,
}

/// A name that can be asked for. Its function has two parameters and adds to the result set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrypoint {
    /// The name, such as `agent/promotion/decision`.
    pub name: String,
    /// The function.
    pub function: u32,
}

/// A `switch`: which blocks run for which value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchTable {
    /// Cases; their literals are distinct scalars.
    pub cases: Vec<Case>,
    /// Starts of the blocks that run for every other value and for undefined.
    pub default: Vec<u32>,
}

/// One case of a `switch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The value: an index of `literals`.
    pub literal: u32,
    /// Starts of the blocks that run, in order.
    pub blocks: Vec<u32>,
}

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The instruction.
    pub at: u32,
    /// The file: an index of `files`.
    pub file: u32,
    /// Row, from 1.
    pub row: u32,
    /// Column in bytes, from 1.
    pub column: u32,
}

impl Program {
    /// The position of an instruction: that of the instruction itself, or none.
    pub fn location(&self, at: u32) -> Option<Location> {
        let found = self.locations.binary_search_by_key(&at, |l| l.at).ok()?;
        self.locations.get(found).copied()
    }

    /// Number of memo slots that the functions use.
    pub fn memo_slots(&self) -> u32 {
        self.functions
            .iter()
            .filter(|f| f.memo != NO_MEMO)
            .map(|f| f.memo.saturating_add(1))
            .max()
            .unwrap_or(0)
    }
}
