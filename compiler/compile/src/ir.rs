//! The intermediate representation that is optimized: OPA's plan, with its words and its meaning.
//!
//! A block stops at its first undefined statement and evaluation goes on behind the block. Locals 0 and
//! 1 are `input` and `data`; every function takes them as its first two parameters. A statement that this
//! file adds to OPA's thirty-four says so.
//!
//! `Make*` statements create collections that later statements of the same function fill in place.

use govc_syntax::Span;

mod check;
mod json;
mod text;
mod walk;

pub use check::check;
pub use json::{PlanJson, to_plan_json};

/// A local variable of a plan or function. 0 is `input`, 1 is `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Local(pub u32);

impl Local {
    /// `input`.
    pub const INPUT: Local = Local(0);
    /// `data`.
    pub const DATA: Local = Local(1);
}

/// An entry of [`Policy::consts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstId(pub u32);

/// An entry of [`Policy::funcs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncId(pub u32);

/// An entry of [`Policy::builtins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuiltinId(pub u32);

/// A whole program.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Ground values; OPA's static strings among them.
    pub consts: Vec<Const>,
    /// Builtins that are called: name and number of arguments.
    pub builtins: Vec<Builtin>,
    /// Names of source files, for positions at run time; by `FileId` of the compilation.
    pub files: Vec<String>,
    /// What can be asked for.
    pub plans: Vec<Plan>,
    /// Functions.
    pub funcs: Vec<Func>,
    /// What the numbers of `internal.mark` stand for, where [`crate::PlanRequest::marks`] asked for them.
    pub marks: Vec<Span>,
}

/// A ground value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Const {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number as its decimal text.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Const>),
    /// An object; keys need not be sorted.
    Object(Vec<(Const, Const)>),
    /// A set; elements need not be sorted or distinct.
    Set(Vec<Const>),
}

/// A builtin that the program calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Builtin {
    /// OPA's name, such as `plus` or `json.marshal`, or that of a builtin the host declares.
    pub name: String,
    /// Number of arguments.
    pub arity: u32,
}

/// An entrypoint: its result is a set of objects.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The entrypoint, such as `agent/promotion/decision`.
    pub name: String,
    /// Blocks, evaluated one after the other; they add to the result with `ResultSetAdd`.
    pub blocks: Vec<Block>,
}

/// A function: a rule (two parameters) or a function of the policy.
#[derive(Clone, Debug)]
pub struct Func {
    /// Unique name, such as `g0.data.a.b`.
    pub name: String,
    /// Path of the rule without generation, such as `["g0", "a", "b"]`: what `CallDynamic` looks up.
    pub path: Vec<String>,
    /// Parameters; the first two are `input` and `data`.
    pub params: Vec<Local>,
    /// Where the result is.
    pub ret: Local,
    /// Blocks, evaluated one after the other.
    pub blocks: Vec<Block>,
    /// The result depends on the arguments only (`input` and `data` among them) and may be kept for the
    /// query. Only functions without further parameters are marked.
    pub memoize: bool,
    /// What defined it.
    pub span: Span,
}

/// Statements that are evaluated until one is undefined.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
}

/// A statement and the source that it comes from.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it comes from.
    pub span: Span,
}

/// What a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A local. Reading an undefined local makes the statement undefined.
    Local(Local),
    /// `true` or `false`.
    Bool(bool),
    /// A ground value (OPA: a static string).
    Const(ConstId),
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A function of the program; its first two arguments are `input` and `data`.
    Func(FuncId),
    /// A builtin.
    Builtin(BuiltinId),
}

/// The statements. Undefined where said; otherwise they go on with the next statement.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the sentence on each statement names its fields")]
pub enum StmtKind {
    /// Appends to an array made in this function.
    ArrayAppend { array: Local, value: Operand },
    /// Sets an integer.
    AssignInt { value: i64, target: Local },
    /// Copies.
    AssignVar { source: Operand, target: Local },
    /// Copies; `eval_conflict_error` when the target holds another value.
    AssignVarOnce { source: Operand, target: Local },
    /// Evaluates blocks one after the other; never undefined.
    Block { blocks: Vec<Block> },
    /// Leaves `index` + 1 blocks; 0 is the current one.
    Break { index: u32 },
    /// Calls; undefined when the result is.
    Call { callee: Callee, args: Vec<Operand>, result: Local },
    /// Ours: calls `whole` with as many of `args` as it takes; where that is a conflict, `keyed` with all of them.
    /// Undefined when the result is.
    CallKeyed { whole: FuncId, keyed: FuncId, args: Vec<Operand>, result: Local },
    /// Calls the function whose path these operands spell; undefined when there is none. `args` holds locals.
    CallDynamic { path: Vec<Operand>, args: Vec<Local>, result: Local },
    /// Looks up; undefined when absent.
    Dot { source: Operand, key: Operand, target: Local },
    /// Undefined unless equal.
    Equal { a: Operand, b: Operand },
    /// Undefined unless different.
    NotEqual { a: Operand, b: Operand },
    /// Undefined unless an array.
    IsArray { source: Operand },
    /// Undefined unless an object.
    IsObject { source: Operand },
    /// Undefined unless a set.
    IsSet { source: Operand },
    /// Undefined unless the local is defined.
    IsDefined { source: Local },
    /// Undefined unless the local is undefined.
    IsUndefined { source: Local },
    /// Number of elements.
    Len { source: Operand, target: Local },
    /// A new array.
    MakeArray { capacity: u32, target: Local },
    /// `null`.
    MakeNull { target: Local },
    /// An integer.
    MakeNumberInt { value: i64, target: Local },
    /// A number from its text (OPA: a static string; here any ground value).
    MakeNumberRef { index: ConstId, target: Local },
    /// A new object.
    MakeObject { target: Local },
    /// A new set.
    MakeSet { target: Local },
    /// Nothing.
    Nop,
    /// Undefined if the block reaches its end.
    Not { block: Block },
    /// Inserts into an object made in this function; replaces.
    ObjectInsert { key: Operand, value: Operand, object: Local },
    /// Inserts; `eval_conflict_error` when the key holds another value.
    ObjectInsertOnce { key: Operand, value: Operand, object: Local },
    /// Merges two objects recursively; `a` wins.
    ObjectMerge { a: Local, b: Local, target: Local },
    /// Makes a local undefined.
    ResetLocal { target: Local },
    /// Adds to the result of the plan.
    ResultSetAdd { value: Local },
    /// Returns.
    ReturnLocal { source: Local },
    /// Evaluates the block for each key and value; undefined when the source is no collection.
    Scan { source: Local, key: Local, value: Local, block: Block },
    /// Adds to a set made in this function.
    SetAdd { value: Operand, set: Local },
    /// Evaluates the block with `local` changed at `path` (constants); undefined when the block is.
    With { local: Local, path: Vec<ConstId>, value: Operand, block: Block },
    /// Ours: `With` whose path is made of operands.
    WithDynamic { local: Local, path: Vec<Operand>, value: Operand, block: Block },
    /// Ours: the first rule index. Evaluates, in order, those of `blocks` that `cases` lists for the value of
    /// `source`, or `default` where it is undefined or no case. Never undefined itself. All other blocks
    /// are known to be undefined for that value.
    Switch { source: Operand, cases: Vec<(ConstId, Vec<u32>)>, default: Vec<u32>, blocks: Vec<Block> },
    /// Ours: undefined unless defined and not `false` (OPA spells it `NotEqual x, false` on a defined local).
    IsTruthy { source: Operand },
}
