//! Full evaluation.

use crate::error::Error;
use crate::run::{Loaded, Surroundings, ended, frame, machine, names};
use crate::term::Term;
use govc_compile::{CheckOptions, Checked, rewritten};
use govc_stdlib::World;
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use std::rc::Rc;

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
    /// Bytes after which it ends with `govc_limit_memory`.
    pub memory: usize,
}

/// What a query gives.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One for each way in which the query holds.
    pub solutions: Vec<Solution>,
    /// Errors of builtins, which were taken for undefined.
    pub builtin_errors: Vec<Error>,
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
    let arena = Arena::new(request.memory);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let loaded = Loaded::new(heap, request.checked, request.options);
    let written = names(&request.query.rewritten);
    let surroundings = Surroundings {
        builtins: &request.options.builtins,
        data: heap.copy(request.data),
        input: request.input.map(|v| heap.copy(v)),
        world: request.world,
        written: &written,
        tracer: None,
        plug_locals: false,
        fuel: request.fuel,
    };
    let body = loaded.query(request.query);
    let (machine, input) = machine(&loaded, surroundings, None);
    let frame = frame(&machine, body, input);
    let mut outcome = Outcome::default();
    let flow = frame.run(&mut || {
        let plug = |var: &rewritten::Var| frame.plug(&Term::var(&var.name));
        let text = |t: Term<'_>| t.as_value().map_or("null".to_owned(), json::to_string);
        let shown = request
            .query
            .shown
            .iter()
            .map(|(_, var)| var.as_ref().map_or("true".to_owned(), |v| text(plug(v))));
        let bound = crate::bindings::all(heap, &machine.caller, None);
        let mut bindings: Vec<(String, String)> = bound
            .into_iter()
            .filter_map(|(k, v)| Some((written_name(k.as_var()?, &written)?, text(v))))
            .collect();
        bindings.sort();
        outcome.solutions.push(Solution { values: shown.collect(), bindings });
        Ok(())
    });
    outcome.builtin_errors = machine.errors.borrow().clone();
    ended(flow).map(|()| outcome)
}

/// The name of a variable of a query, if its author wrote it.
fn written_name(name: &Rc<str>, written: &std::collections::BTreeMap<String, String>) -> Option<String> {
    let name = written.get(&**name).map_or(&**name, String::as_str);
    let generated = name.starts_with('$') || name.starts_with("__local") || name == "_";
    (!generated).then(|| name.to_owned())
}
