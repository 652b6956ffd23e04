//! The builtin functions of Rego: one table (name, types, purity, doc), one file a family.
//!
//! Builtins that need the outside world are declared here and performed by a [`World`].

use govc_value::{Heap, Type, Value};

/// A builtin function.
pub struct Builtin {
    /// OPA's name.
    pub name: &'static str,
    /// Names and types of the parameters.
    pub args: &'static [(&'static str, &'static str)],
    /// Type of the result; absent for void builtins (`print`).
    pub result: Option<&'static str>,
    /// The operator that calls it.
    pub infix: Option<&'static str>,
    /// What it depends on.
    pub purity: Purity,
    /// OPA rejects it in v1.
    pub deprecated: bool,
    /// It has several results per call (`walk`): implementations return the array of all of them.
    pub relation: bool,
    /// One sentence.
    pub doc: &'static str,
    /// The implementation; absent where the compiler replaces the call or a `World` performs it.
    pub call: Option<Call>,
}

/// What a builtin depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purity {
    /// Its arguments only.
    Pure,
    /// The outside world: OPA's `nondeterministic`; the answer is recorded.
    Nondeterministic,
}

/// An implementation. Arguments are defined; `Ok(UNDEFINED)` means undefined without an error.
pub type Call = for<'q> fn(&mut Context<'_, 'q>, &[Value<'q>]) -> Result<Value<'q>, BuiltinError>;

/// What an implementation may use.
pub struct Context<'c, 'q> {
    /// Where results are made.
    pub heap: Heap<'q>,
    /// Things kept between calls.
    pub cache: &'c mut Cache,
    /// The outside world.
    pub world: &'c mut dyn World,
}

/// Compiled patterns and the like, kept between calls. Bounded.
#[derive(Default)]
pub struct Cache {}

/// The outside world of a query. Answers are constant within one query where OPA's are (`time.now_ns`).
pub trait World {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    fn now_ns(&mut self) -> i64;
    /// Performs a nondeterministic builtin, or one that the host has declared itself, on JSON-like values.
    ///
    /// # Errors
    /// `BuiltinError::Unsupported` when this world does not have it.
    fn call<'q>(&mut self, name: &str, heap: Heap<'q>, args: &[Value<'q>])
    -> Result<Value<'q>, BuiltinError>;
    /// Receives the text of a `print` call with the position of the call.
    fn print(&mut self, text: &str, file: &str, row: u32);
}

/// Why a builtin has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuiltinError {
    /// An operand of the wrong type: OPA's `eval_type_error`; text as OPA writes it after `name: `.
    Type(String),
    /// Anything else: OPA's `eval_builtin_error`; text as OPA writes it after `name: `.
    Failed(String),
    /// A conflict or other error that ends the query whatever the mode.
    Fatal(String),
    /// Declared, but not performed by this build or world.
    Unsupported(String),
    /// A limit of this query was reached.
    Limit(String),
}

/// The builtin of a name.
pub fn lookup(_name: &str) -> Option<&'static Builtin> {
    todo!()
}

/// All builtins, by name.
pub fn all() -> &'static [Builtin] {
    todo!()
}

impl Builtin {
    /// The declared function type.
    pub fn ty(&self) -> Type {
        todo!()
    }
}
