//! One query: what is asked, within which bounds, and what comes back.

use crate::error::error;
use crate::machine::Machine;
use crate::record::Record;
use crate::{EvalError, Image, Scratch};
use govc_stdlib::World;
use govc_value::{Arena, Heap, Value};
use std::time::Duration;

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

impl Default for Limits {
    /// 10^12 steps, no wall time, 4 GiB.
    fn default() -> Self {
        Self { fuel: 1_000_000_000_000, time: None, memory: 4 << 30 }
    }
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

/// One query: what is asked of an image.
pub struct Query<'q, 'w> {
    /// Entrypoint, from [`Image::entrypoint`].
    pub entrypoint: u32,
    /// `input`, or undefined.
    pub input: Value<'q>,
    /// The outside world.
    pub world: &'w mut dyn World,
    /// Bounds.
    pub limits: Limits,
    /// What builtin errors do.
    pub builtin_errors: BuiltinErrors,
    /// Recorded answers of the outside world, in the form of [`Outcome::recorded`]; they come before `world`.
    pub recorded: Option<Value<'q>>,
}

/// The answer to a query.
#[derive(Debug)]
pub struct Outcome<'q> {
    /// The result set of the plan: one value per solution, in the order found.
    pub results: Vec<Value<'q>>,
    /// Errors of builtins under [`BuiltinErrors::Collect`].
    pub builtin_errors: Vec<EvalError>,
    /// Answers of the outside world as OPA's `nd_builtin_cache`, `{name: {arguments as JSON: answer}}`;
    /// undefined when there were none.
    pub recorded: Value<'q>,
}

/// Runs a query. The values of the answer live in `arena`.
///
/// # Errors
/// Conflicts, strict builtin errors, reached limits.
pub fn run<'q>(
    image: &'q Image,
    scratch: &mut Scratch,
    arena: &'q Arena,
    query: Query<'q, '_>,
) -> Result<Outcome<'q>, EvalError> {
    let heap = Heap::new(arena, image.frozen.symbols());
    let input = query.input;
    let function = query.entrypoint;
    if image.program.functions.get(function as usize).is_none_or(|f| f.params != 2) {
        return Err(*error("govc_unknown_entrypoint", "no such entrypoint"));
    }
    let record = Record::new(query.recorded);
    // Both loans of this call have one name in the machine.
    let query = Query { world: &mut *query.world, ..query };
    let mut machine = Machine::new(image, heap, scratch, record, query);
    let ran = machine.start(function, input).and_then(|pc| machine.run(pc));
    let finished = ran.and_then(|()| machine.check_memory());
    let outcome = machine.finish();
    finished.map(|()| outcome).map_err(|e| *e)
}
