//! The interpreter: runs a verified program over values. Safe Rust.

use govc_stdlib::World;
use govc_value::{Arena, Frozen, Value};
use std::time::Duration;

/// A verified program with its literals and base documents, ready to run. `Send + Sync`; share it in an `Arc`.
pub struct Image {
    /// Literals, and base documents (`data`).
    pub frozen: Frozen,
}

/// Bounds of one query. Reaching one is an error, never an answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Loop iterations and calls.
    pub fuel: u64,
    /// Wall time.
    pub time: Option<Duration>,
    /// Bytes of the arena.
    pub memory: usize,
}

/// How errors of builtins are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuiltinErrors {
    /// The call is undefined.
    #[default]
    Undefined,
    /// The first one ends the query (`--strict-builtin-errors`).
    Strict,
    /// Undefined, and all are reported beside the result (`--show-builtin-errors`).
    Collect,
}

/// An error that ends a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError {
    /// OPA's code (`eval_conflict_error`, ...) or ours for limits.
    pub code: &'static str,
    /// OPA's text.
    pub message: String,
    /// File name, row and column.
    pub location: Option<(String, u32, u32)>,
}

/// One query: what is asked of an image.
pub struct Query<'q, 'w> {
    /// Entrypoint, from `Image::entrypoint(name)`.
    pub entrypoint: u32,
    /// `input`, or undefined.
    pub input: Value<'q>,
    /// The outside world.
    pub world: &'w mut dyn World,
    /// Bounds.
    pub limits: Limits,
    /// What builtin errors do.
    pub builtin_errors: BuiltinErrors,
}

/// Registers, memo and caches of one thread, reused from query to query.
#[derive(Default)]
pub struct Scratch {}

/// The answer to a query.
pub struct Outcome<'q> {
    /// The result set of the plan: one value per solution.
    pub results: Vec<Value<'q>>,
    /// Errors of builtins under [`BuiltinErrors::Collect`].
    pub builtin_errors: Vec<EvalError>,
}

/// Runs a query.
///
/// # Errors
/// Conflicts, strict builtin errors, reached limits.
pub fn run<'q>(
    _image: &'q Image,
    _scratch: &mut Scratch,
    _arena: &'q Arena,
    _query: Query<'q, '_>,
) -> Result<Outcome<'q>, EvalError> {
    todo!()
}
