//! Asking a compiled query, with the memory that each thread keeps.
//!
//! The surprising fact: nothing here allocates for a small question. The arena and the machine's scratch memory belong
//! to the thread, and the answer is written as JSON before the next question takes them.

use super::Server;
use super::call::Call;
use super::reply::Reply;
use super::store::State;
use super::visit::Visit;
use crate::problem::Problem;
use crate::run::query::problem;
use crate::run::stepwise;
use govc_compile::rewritten;
use govc_topdown::{PartialOptions, Request, Residual};
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Outcome, Query, Scratch};
use std::cell::RefCell;

/// What one thread keeps from question to question.
struct Memory {
    arena: Arena,
    scratch: Scratch,
}

thread_local! {
    static MEMORY: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that a thread keeps; what one question needed beyond is given back.
const KEPT: usize = 64 << 20;

fn take() -> Memory {
    let kept = MEMORY.with(|kept| kept.borrow_mut().pop());
    kept.unwrap_or_else(|| Memory {
        arena: Arena::new(Limits::default().memory),
        scratch: Scratch::default(),
    })
}

fn give_back(mut memory: Memory) {
    if memory.arena.used() > KEPT {
        return;
    }
    memory.arena.reset();
    MEMORY.with(|kept| kept.borrow_mut().push(memory));
}

/// A question to an image.
pub(crate) struct Question<'a> {
    pub(crate) image: &'a Image,
    pub(crate) entrypoint: u32,
    pub(crate) strict: bool,
}

/// Why there is no answer.
pub(crate) enum Failed {
    /// The question itself is wrong.
    Reply(Reply),
    /// The evaluation ended with an error.
    Problem(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Asks, and hands the answer to `then`. `input` makes the input on the heap of the question.
pub(crate) fn ask<T, E: From<Problem>>(
    question: &Question<'_>,
    visit: &mut Visit<'_>,
    input: impl for<'q> FnOnce(Heap<'q>) -> Result<Value<'q>, E>,
    then: impl for<'q> FnOnce(Heap<'q>, &Outcome<'q>) -> T,
) -> Result<T, E> {
    let mut memory = take();
    let result = ask_in(question, visit, &memory.arena, &mut memory.scratch, input, then);
    give_back(memory);
    result
}

fn ask_in<T, E: From<Problem>>(
    question: &Question<'_>,
    visit: &mut Visit<'_>,
    arena: &Arena,
    scratch: &mut Scratch,
    input: impl for<'q> FnOnce(Heap<'q>) -> Result<Value<'q>, E>,
    then: impl for<'q> FnOnce(Heap<'q>, &Outcome<'q>) -> T,
) -> Result<T, E> {
    let image = question.image;
    let heap = Heap::new(arena, image.frozen.symbols());
    let query = Query {
        entrypoint: question.entrypoint,
        input: input(heap)?,
        world: visit,
        limits: Limits::default(),
        builtin_errors: if question.strict { BuiltinErrors::Strict } else { BuiltinErrors::Undefined },
        recorded: None,
    };
    let outcome = govc_vm::run(image, scratch, arena, query).map_err(|error| E::from(problem(error)))?;
    Ok(then(heap, &outcome))
}

/// Evaluates a query as far as what is known goes. The outer error is of the input, the inner of the evaluation.
pub(crate) fn partially(
    server: &Server,
    call: &Call,
    state: &State,
    (query, options): (&rewritten::Query, &PartialOptions),
    input: Option<&str>,
) -> Result<Result<Residual, govc_topdown::Error>, Reply> {
    let arena = Arena::new(stepwise::MEMORY);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let input = input.map(|text| json::read(heap, text.as_bytes(), &json::Limits::default()));
    let mut visit = Visit::new(&server.runtime);
    let request = Request {
        checked: state.policies.checked(),
        options: &state.policies.options(),
        query,
        data: state.data.value(heap),
        input: input.transpose().map_err(|error| Reply::invalid(&error.to_string()))?,
        world: &mut visit,
        fuel: stepwise::FUEL,
        time: None,
        memory: stepwise::MEMORY,
    };
    let residual = govc_topdown::partial(request, options);
    server.printed(call, &visit);
    Ok(residual)
}
