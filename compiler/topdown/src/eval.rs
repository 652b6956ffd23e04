//! Full evaluation.

use crate::error::Error;
use crate::explain::{Explain, Explainer};
use crate::operations::Operations;
use crate::profile::{LineProfile, Profiler};
use crate::run::{Loaded, Surroundings, ended, frame, machine, names};
use crate::term::Term;
use crate::trace::Event;
use govc_compile::{CheckOptions, Checked, rewritten};
use govc_stdlib::World;
use govc_syntax::Sources;
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A query to be evaluated.
pub struct Request<'a> {
    /// The rules.
    pub checked: &'a Checked,
    /// What they were checked with.
    pub options: &'a CheckOptions<'a>,
    /// The query, checked against the rules, with captured values.
    pub query: &'a rewritten::Query,
    /// The base documents.
    pub data: Value<'a>,
    /// The input.
    pub input: Option<Value<'a>>,
    /// The outside world.
    pub world: &'a mut dyn World,
    /// Steps after which evaluation ends with `govc_limit_fuel`.
    pub fuel: u64,
    /// Wall time after which it ends with `eval_cancel_error`.
    pub time: Option<Duration>,
    /// Bytes after which it ends with `govc_limit_memory`.
    pub memory: usize,
}

/// What is told of an evaluation beside its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    /// Events.
    pub explain: Option<Explain>,
    /// Lines of events tell the values of variables.
    pub values: bool,
    /// Blanks before every cell of these lines and before their ends, as OPA's test reports have them.
    pub indent: usize,
    /// How often statements were evaluated.
    pub profile: bool,
    /// What the evaluator does is counted and timed.
    pub operations: bool,
    /// Rules are not looked up by the values of documents.
    pub without_index: bool,
    /// Rules are evaluated to their end though their value cannot change.
    pub without_early_exit: bool,
}

/// What a query gives.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One for each way in which the query holds.
    pub solutions: Vec<Solution>,
    /// Errors of builtins, which were taken for undefined.
    pub builtin_errors: Vec<Error>,
    /// The error that ended the evaluation; what was watched until then is told.
    pub error: Option<Error>,
    /// Events as OPA's JSON.
    pub explanation: Vec<String>,
    /// Events as lines for people.
    pub trace: String,
    /// Statements by line.
    pub profile: Vec<LineProfile>,
    /// What the evaluator did, if that was counted.
    pub operations: Operations,
}

/// One way in which a query holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solution {
    /// The value of each statement, as JSON.
    pub values: Vec<String>,
    /// The value of each variable that the author wrote, as JSON, by name.
    pub bindings: Vec<(String, String)>,
}

/// Evaluates a query.
///
/// # Errors
/// OPA's evaluation errors, and limits.
pub fn eval(request: Request<'_>) -> Result<Outcome, Error> {
    let outcome = eval_watched(request, Watch::default(), &Sources::default());
    match outcome.error {
        Some(error) => Err(error),
        None => Ok(outcome),
    }
}

/// Evaluates a query and tells how; places are those of `sources`.
pub fn eval_watched(request: Request<'_>, watch: Watch, sources: &Sources) -> Outcome {
    let arena = Arena::new(request.memory);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let loaded = Loaded::new(heap, request.checked, request.options);
    watched(&loaded, request, watch, sources)
}

fn watched<'q>(loaded: &Loaded<'q>, request: Request<'_>, watch: Watch, sources: &Sources) -> Outcome {
    let mut events: Vec<Event<'q>> = Vec::new();
    let mut profiler = Profiler::new();
    let mut observe = |event: Event<'q>| {
        if watch.profile {
            profiler.add(&event, sources);
        }
        if watch.explain.is_some() {
            events.push(event);
        }
    };
    let observed = watch.explain.is_some() || watch.profile;
    let mut outcome = answer(loaded, request, watch, observed.then_some(&mut observe));
    if let Some(explain) = watch.explain {
        let events = explain.select(events);
        let explainer = Explainer { heap: loaded.heap, sources };
        outcome.explanation = events.iter().map(|e| explainer.json(e)).collect();
        outcome.trace = explainer.lines(&events, watch.values, watch.indent);
    }
    if watch.profile {
        outcome.profile = profiler.finish();
    }
    outcome
}

fn answer<'q>(
    loaded: &Loaded<'q>,
    request: Request<'_>,
    watch: Watch,
    tracer: Option<&mut dyn FnMut(Event<'q>)>,
) -> Outcome {
    let heap = loaded.heap;
    let written = names(&request.query.rewritten);
    let surroundings = Surroundings {
        builtins: &request.options.builtins,
        data: heap.copy(request.data),
        input: request.input.map(|v| heap.copy(v)),
        world: request.world,
        written: &written,
        tracer: match tracer {
            // Not `map`: only here the lifetime of the closure can be shortened.
            Some(tracer) => Some(tracer),
            None => None,
        },
        plug_locals: watch.explain.is_some(),
        fuel: request.fuel,
        time: request.time,
    };
    let body = loaded.query(request.query);
    let (mut machine, input) = machine(loaded, surroundings, None);
    machine.indexing = !watch.without_index;
    machine.early_exit = !watch.without_early_exit;
    machine.operations = watch.operations.then(RefCell::default);
    let frame = frame(&machine, body, input);
    let mut outcome = Outcome::default();
    let flow = frame.run(&mut || {
        let text = |t: Term<'_>| t.as_value().map_or("null".to_owned(), json::to_string);
        let value = |var: &Option<rewritten::Var>| match var {
            Some(var) => text(frame.plug(&Term::var(&var.name))),
            None => "true".to_owned(),
        };
        let values = request.query.shown.iter().map(|(_, var)| value(var)).collect();
        let bound = crate::bindings::all(heap, &machine.caller, None);
        let written = |(k, v): (Term<'_>, Term<'_>)| Some((written_name(k.as_var()?, &written)?, text(v)));
        let mut bindings: Vec<(String, String)> = bound.into_iter().filter_map(written).collect();
        bindings.sort();
        outcome.solutions.push(Solution { values, bindings });
        Ok(())
    });
    outcome.operations = machine.operations.as_ref().map(RefCell::take).unwrap_or_default();
    outcome.builtin_errors = machine.errors.borrow().clone();
    outcome.error = ended(flow).err();
    outcome
}

/// The name of a variable of a query, if its author wrote it.
fn written_name(name: &Rc<str>, written: &std::collections::BTreeMap<String, String>) -> Option<String> {
    let name = written.get(&**name).map_or(&**name, String::as_str);
    let generated = name.starts_with('$') || name.starts_with("__local") || name == "_";
    (!generated).then(|| name.to_owned())
}
