//! `?explain=`: how an answer was come by, as OPA tells it.
//!
//! The surprising fact: the answer itself is not from here. The machine gives it as always; the steps are those of a
//! second evaluation, which works as OPA's does.

use crate::output::quote;
use crate::run::stepwise::{self, FUEL, MEMORY};
use crate::server::Server;
use crate::server::call::Call;
use crate::server::reply::Reply;
use crate::server::store::State;
use crate::server::visit::Visit;
use govc_compile::{QueryOptions, rewritten};
use govc_topdown::{Explain, Request, Watch};
use govc_value::{Arena, Heap, SymbolTable, Value};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The mode that is asked for.
pub(crate) fn mode(call: &Call) -> Option<Explain> {
    match call.explain()? {
        "full" => Some(Explain::Full),
        "notes" => Some(Explain::Notes),
        "fails" => Some(Explain::Fails),
        _ => Some(Explain::Debug),
    }
}

/// The explanation of a query as JSON: lines where the answer is to be pretty, else events.
///
/// # Errors
/// The answer to a query that cannot be evaluated.
pub(crate) fn explanation(
    server: &Server,
    call: &Call,
    state: &State,
    query: &str,
    mode: Explain,
    input: impl for<'q> FnOnce(Heap<'q>) -> Result<Value<'q>, Reply>,
) -> Result<String, Reply> {
    let refused = |found: &[crate::problem::Problem]| {
        Reply::error(500, "internal_error", &crate::problem::summary(found))
    };
    let (body, sources) = state.policies.parse_query(query).map_err(|found| refused(&found))?;
    let (check, checked) = (state.policies.options(), state.policies.checked());
    let rewritten = rewritten::rewrite_query(checked, &body, &check, &QueryOptions::default(), true);
    let rewritten = rewritten.map_err(|found| refused(&crate::run::problems(&found, &sources)))?;
    let arena = Arena::new(MEMORY);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let input = input(heap)?;
    let mut visit = Visit::new(&server.runtime);
    let request = Request {
        checked,
        options: &check,
        query: &rewritten,
        data: state.data.value(heap),
        input: (!input.is_undefined()).then_some(input),
        world: &mut visit,
        fuel: FUEL,
        time: None,
        memory: MEMORY,
    };
    let watch = Watch { explain: Some(mode), ..Watch::default() };
    let outcome = govc_topdown::eval_watched(request, watch, &sources);
    if let Some(error) = &outcome.error {
        let found = stepwise::problems(std::slice::from_ref(error), &sources);
        return Err(Reply::evaluation(&found.into_iter().next().unwrap_or_default()));
    }
    if call.pretty() {
        let lines: Vec<String> = outcome.trace.trim_matches('\n').split('\n').map(quote).collect();
        return Ok(format!("[{}]", lines.join(",")));
    }
    let events: Vec<String> = outcome.explanation.iter().filter_map(|event| shown(event)).collect();
    Ok(format!("[{}]", events.join(",")))
}

type Fields = BTreeMap<String, Box<RawValue>>;

/// An event of `opa eval` as an event of the API.
fn shown(event: &str) -> Option<String> {
    let fields: Fields = serde_json::from_str(event).ok()?;
    let raw = |name: &str| fields.get(name).map_or("null", |raw| raw.get());
    let text = |name: &str| serde_json::from_str::<String>(raw(name)).unwrap_or_default();
    let node = raw("Node");
    let kind = match node.as_bytes().first() {
        Some(b'[') => "body",
        Some(b'n') => "",
        _ if has_head(node) => "rule",
        _ => "expr",
    };
    let locals: Vec<Fields> = serde_json::from_str(raw("Locals")).unwrap_or_default();
    let locals: Vec<String> = locals.into_iter().map(local).collect();
    let message = text("Message");
    let message =
        if message.is_empty() { String::new() } else { format!(",\"message\":{}", quote(&message)) };
    Some(format!(
        "{{\"op\":{},\"query_id\":{},\"parent_id\":{},\"type\":{},\"node\":{node},\"locals\":[{}]{message}}}",
        quote(&text("Op").to_lowercase()),
        raw("QueryID"),
        raw("ParentID"),
        quote(kind),
        locals.join(",")
    ))
}

fn has_head(node: &str) -> bool {
    serde_json::from_str::<Fields>(node).is_ok_and(|fields| fields.contains_key("head"))
}

/// A variable with its value.
fn local(mut fields: Fields) -> String {
    let name = fields.remove("name").map_or_else(|| "\"\"".to_owned(), |raw| raw.get().to_owned());
    // The variable that holds the value of the query, which `opa eval` shows as a wildcard.
    let name = if name == "\"_\"" { "\"$term1\"".to_owned() } else { name };
    let raw = |name: &str| fields.get(name).map_or("null", |raw| raw.get()).to_owned();
    format!(
        "{{\"key\":{{\"type\":\"var\",\"value\":{name}}},\"value\":{{\"type\":{},\"value\":{}}}}}",
        raw("type"),
        raw("value")
    )
}
