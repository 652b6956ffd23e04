//! One question to a compiled program, and the answer as JSON text.

use crate::problem::{Location, Problem};
use crate::world::Terminal;
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, EvalError, Image, Limits, Query, Scratch};
use std::time::Duration;

/// How a question is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    /// `input` as JSON text.
    pub(crate) input: Option<String>,
    /// What errors of builtins do.
    pub(crate) builtin_errors: BuiltinErrors,
    /// Wall time; absent: no bound.
    pub(crate) timeout: Option<Duration>,
    /// What the outside world answered before, as JSON; these answers are given again.
    pub(crate) recorded: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The result set of the plan, each as JSON text.
    pub(crate) results: Vec<String>,
    /// Errors of builtins that did not end the query.
    pub(crate) builtin_errors: Vec<Problem>,
}

/// Asks entrypoints of images, and keeps from question to question what is costly to make: memory, and
/// compiled patterns.
#[derive(Debug)]
pub(crate) struct Asker {
    arena: Arena,
    scratch: Scratch,
}

impl Default for Asker {
    fn default() -> Self {
        Self { arena: Arena::new(Limits::default().memory), scratch: Scratch::default() }
    }
}

impl Asker {
    /// Asks an entrypoint of an image.
    pub(crate) fn ask(
        &mut self,
        image: &Image,
        entrypoint: &str,
        ask: &Ask,
        world: &mut Terminal,
    ) -> Result<Answer, Problem> {
        self.arena.reset();
        answer((image, entrypoint), ask, world, &self.arena, &mut self.scratch)
    }
}

fn answer(
    (image, entrypoint): (&Image, &str),
    ask: &Ask,
    world: &mut Terminal,
    arena: &Arena,
    scratch: &mut Scratch,
) -> Result<Answer, Problem> {
    let limits = Limits { time: ask.timeout, ..Limits::default() };
    let heap = Heap::new(arena, image.frozen.symbols());
    let input = read_input(heap, ask.input.as_deref())?;
    let recorded = ask.recorded.as_deref().map(|text| read_input(heap, Some(text))).transpose()?;
    let handle = image.entrypoint(entrypoint);
    let handle = handle.ok_or_else(|| Problem::plain(format!("no entrypoint `{entrypoint}`")))?;
    let query =
        Query { entrypoint: handle, input, world, limits, builtin_errors: ask.builtin_errors, recorded };
    let outcome = govc_vm::run(image, scratch, arena, query).map_err(problem)?;
    Ok(Answer {
        results: outcome.results.iter().map(|value| json::to_string(*value)).collect(),
        builtin_errors: outcome.builtin_errors.into_iter().map(problem).collect(),
    })
}

fn read_input<'q>(heap: Heap<'q>, text: Option<&str>) -> Result<Value<'q>, Problem> {
    match text {
        None => Ok(Value::UNDEFINED),
        Some(text) => json::read(heap, text.as_bytes(), &json::Limits::default())
            .map_err(|error| Problem::plain(format!("unable to parse input: {error}"))),
    }
}

/// An error of the machine in OPA's shape.
pub(crate) fn problem(error: EvalError) -> Problem {
    let location =
        error.location.map(|(file, row, col)| Location { file, row: row as usize, col: col as usize });
    let ours = error.code.starts_with("govc_");
    Problem {
        govc_code: if ours { error.code.to_owned() } else { String::new() },
        code: error.code.to_owned(),
        message: error.message,
        location,
        ..Problem::default()
    }
}
