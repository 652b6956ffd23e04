//! The builtin functions of Rego: one table (name, types, purity, doc), one file a family.
//!
//! Builtins that need the outside world are declared here and performed by a [`World`].
//! The one surprising fact: a declaration lies beside its implementation and types are written as
//! OPA prints them, so that what the compiler checks is the text a person reads.

mod aggregates;
mod arithmetic;
mod arrays;
mod aws;
mod bigfloat;
mod bits;
mod cache;
mod comparison;
mod conversions;
mod decl;
mod digest;
mod encoding;
mod glob;
mod go;
mod graph;
mod graphql;
mod http;
mod internal;
mod json_edit;
mod jwt;
mod net;
#[cfg(feature = "network")]
pub mod network;
mod numbers;
mod objects;
mod operand;

mod patterns;
mod plain_format;
mod schema;
mod semver;
mod sets;
mod strings;
mod template;
mod time;
mod types;
mod units;
mod uri;
mod uuid;
mod x509;

pub use cache::Cache;
pub use decl::{TypeSyntax, type_from_text, type_to_json};
pub use encoding::yaml::{
    deepened, to_json as yaml_to_json, to_json_of_unique_keys as yaml_of_unique_keys_to_json,
};
pub use internal::print_lines;

use govc_value::{Heap, Type, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A builtin function.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// OPA's name.
    pub name: &'static str,
    /// Names and types of the parameters; a last type that ends in `...` stands for any number of arguments.
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
pub type Call = for<'q> fn(&mut Context<'_, 'q>, &[Value<'q>]) -> Answer<'q>;

/// What an implementation answers.
pub type Answer<'q> = Result<Value<'q>, BuiltinError>;

/// What an implementation may use.
pub struct Context<'c, 'q> {
    /// Where results are made.
    pub heap: Heap<'q>,
    /// Things kept between calls.
    pub cache: &'c mut Cache,
    /// The outside world.
    pub world: &'c mut dyn World,
}

impl Context<'_, '_> {
    /// Called by loops that make many values.
    ///
    /// # Errors
    /// `BuiltinError::Limit` when the memory of the query is exhausted.
    pub(crate) fn check(&self) -> Result<(), BuiltinError> {
        if self.heap.exhausted() {
            return Err(BuiltinError::Limit("memory limit of the query reached".to_owned()));
        }
        Ok(())
    }
}

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
    /// Is told that a marked place of the program is evaluated, in programs made to report coverage.
    fn mark(&mut self, _place: u32) {}
    /// Learns which case a test has come to: the array of the steps after its name.
    fn test_case(&mut self, _path: Value<'_>) {}
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

impl BuiltinError {
    /// The text of an OPA error, without the name of the builtin.
    pub fn text(&self) -> &str {
        match self {
            Self::Type(text)
            | Self::Failed(text)
            | Self::Fatal(text)
            | Self::Unsupported(text)
            | Self::Limit(text) => text,
        }
    }
    /// OPA's code of this error, or ours where OPA has none.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Type(_) => "eval_type_error",
            Self::Failed(_) => "eval_builtin_error",
            Self::Fatal(_) => "eval_conflict_error",
            Self::Unsupported(_) => "govc_not_yet",
            Self::Limit(_) => "eval_cancel_error",
        }
    }
}

impl std::fmt::Display for BuiltinError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for BuiltinError {}

const FAMILIES: &[&[Builtin]] = &[
    aggregates::TABLE,
    arithmetic::TABLE,
    arrays::TABLE,
    aws::TABLE,
    bits::TABLE,
    comparison::TABLE,
    conversions::TABLE,
    digest::TABLE,
    encoding::TABLE,
    glob::TABLE,
    graph::TABLE,
    graphql::TABLE,
    http::TABLE,
    internal::TABLE,
    json_edit::TABLE,
    jwt::TABLE,
    net::TABLE,
    numbers::TABLE,
    objects::TABLE,
    patterns::TABLE,
    schema::TABLE,
    semver::TABLE,
    sets::TABLE,
    strings::TABLE,
    time::TABLE,
    types::TABLE,
    units::TABLE,
    uri::TABLE,
    uuid::TABLE,
    x509::TABLE,
];

static SORTED: LazyLock<Vec<Builtin>> = LazyLock::new(|| {
    let mut all: Vec<Builtin> = FAMILIES.iter().flat_map(|family| family.iter().copied()).collect();
    all.sort_by_key(|builtin| builtin.name);
    all
});

static BY_NAME: LazyLock<HashMap<&'static str, &'static Builtin>> =
    LazyLock::new(|| all().iter().map(|builtin| (builtin.name, builtin)).collect());

/// The builtin of a name.
///
/// ```
/// assert_eq!(govc_stdlib::lookup("count").map(|b| b.args.len()), Some(1));
/// assert!(govc_stdlib::lookup("nope").is_none());
/// ```
pub fn lookup(name: &str) -> Option<&'static Builtin> {
    BY_NAME.get(name).copied()
}

/// All builtins, by name.
pub fn all() -> &'static [Builtin] {
    &SORTED
}

impl Builtin {
    /// The declared function type.
    pub fn ty(&self) -> Type {
        decl::function_type(self)
    }

    /// Performs a call: the implementation where there is one, else the world.
    ///
    /// # Errors
    /// Those of the implementation, or of the world.
    pub fn perform<'q>(&self, context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
        match self.call {
            Some(call) => call(context, args),
            None => context.world.call(self.name, context.heap, args),
        }
    }
}
