//! Partial evaluation: `/v1/compile`.

use crate::go_json;
use crate::problem::Problem;
use crate::run::stepwise;
use crate::server::Server;
use crate::server::call::Call;
use crate::server::evaluate;
use crate::server::reply::Reply;
use crate::server::store::State;
use crate::server::timers::Timers;
use govc_compile::{QueryOptions, rewritten};
use govc_topdown::{PartialOptions, Residual};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is asked for.
#[derive(Debug, Default)]
struct Wanted {
    query: String,
    input: Option<String>,
    unknowns: Option<Vec<String>>,
    disable_inlining: Vec<String>,
    nondeterministic: bool,
}

/// `POST /v1/compile`
pub(crate) fn post(server: &Server, call: &Call) -> Reply {
    if call.explain().is_some() {
        return Reply::not_yet("`explain`");
    }
    let wanted = match request(call) {
        Ok(wanted) => wanted,
        Err(error) => return Reply::invalid(&error),
    };
    let measured = call.switch("metrics") || call.switch("instrument");
    let mut timers = Timers::new(measured);
    timers.since("timer_rego_query_parse_ns", call.started);
    let state = server.store.state();
    let residual = server.heavy(|| answer(server, call, &state, &wanted, &mut timers));
    timers.since("timer_server_handler_ns", call.started);
    let residual = match residual {
        Ok(residual) => residual,
        Err(reply) => return reply,
    };
    let mut body = format!("{{\"result\":{}", shown(&residual));
    if measured {
        body.push_str(&format!(",\"metrics\":{}", timers.json()));
    }
    body.push('}');
    Reply::json(body.into_bytes(), call.pretty())
}

/// Operators as OPA's JSON has them.
const EQUAL: &str = r#"{"type":"ref","value":[{"type":"var","value":"equal"}]}"#;
const EQ: &str = r#"{"type":"ref","value":[{"type":"var","value":"eq"}]}"#;

/// OPA's object: queries and supporting modules, each only if there are some.
fn shown(residual: &Residual) -> String {
    let mut fields = Vec::new();
    // What the query compares OPA's compiler unifies.
    let queries: Vec<String> = residual.queries.iter().map(|query| query.replace(EQUAL, EQ)).collect();
    for (name, list) in [("queries", &queries), ("support", &residual.support)] {
        if !list.is_empty() {
            fields.push(format!("\"{name}\":[{}]", list.join(",")));
        }
    }
    format!("{{{}}}", fields.join(","))
}

fn request(call: &Call) -> Result<Wanted, String> {
    let body = call.plain_body().map_err(|_| "could not decompress the body".to_owned())?;
    let decoding = |error: String| format!("error(s) occurred while decoding request: {error}");
    let (value, _) = go_json::first(&body).map_err(decoding)?;
    match go_json::kind(value) {
        "object" => {}
        "null" => return Ok(Wanted::default()),
        kind => {
            let wanted = "Go value of type types.CompileRequestV1";
            return Err(decoding(format!("json: cannot unmarshal {kind} into {wanted}")));
        }
    }
    let fields: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&go_json::mended(value)).map_err(|error| decoding(error.to_string()))?;
    read(&fields).map_err(decoding)
}

fn wrong(value: &Json, name: &str, wanted: &str) -> String {
    let kind = go_json::kind(value.to_string().as_bytes());
    format!("json: cannot unmarshal {kind} into Go struct field CompileRequestV1.{name} of type {wanted}")
}

/// A list of texts, if it is there.
fn texts(value: Option<Json>, name: &str) -> Result<Option<Vec<String>>, String> {
    let items = match value {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Array(items)) => items,
        Some(other) => return Err(wrong(&other, name, "[]string")),
    };
    let text = |item: Json| match item {
        Json::String(text) => Ok(text),
        other => Err(wrong(&other, name, "string")),
    };
    items.into_iter().map(text).collect::<Result<Vec<_>, _>>().map(Some)
}

fn read(fields: &BTreeMap<String, Box<RawValue>>) -> Result<Wanted, String> {
    let json = |name: &str| fields.get(name).and_then(|raw| serde_json::from_str::<Json>(raw.get()).ok());
    let query = match json("query") {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text,
        Some(other) => return Err(wrong(&other, "query", "string")),
    };
    let options = json("options").unwrap_or(Json::Null);
    let option = |name: &str| options.get(name).cloned();
    let input = fields.get("input").map(|raw| raw.get().to_owned());
    Ok(Wanted {
        query,
        input: input.filter(|text| text != "null"),
        unknowns: texts(json("unknowns"), "unknowns")?,
        disable_inlining: texts(option("disableInlining"), "options.disableInlining")?.unwrap_or_default(),
        nondeterministic: option("nondeterministicBuiltins").and_then(|v| v.as_bool()).unwrap_or(false),
    })
}

fn answer(
    server: &Server,
    call: &Call,
    state: &State,
    wanted: &Wanted,
    timers: &mut Timers,
) -> Result<Residual, Reply> {
    let missing = || Reply::invalid("missing required 'query' value");
    if wanted.query.trim().is_empty() {
        return Err(missing());
    }
    let invalid = |what: &str, problems: &[Problem]| {
        Reply::errors(400, "invalid_parameter", &format!("error(s) occurred while {what}"), problems)
    };
    let parsed = state.policies.parse_query(&wanted.query);
    let (body, sources) = parsed.map_err(|found| invalid("parsing query", &found))?;
    if body.literals.is_empty() {
        return Err(missing());
    }
    let refs = |refs: &[String]| {
        let paths = refs.iter().map(|text| stepwise::path(text, &sources)).collect::<Result<Vec<_>, _>>();
        paths.map_err(|found| {
            let why = crate::problem::summary(&found);
            Reply::invalid(&format!("error(s) occurred while parsing unknowns: failed to parse term: {why}"))
        })
    };
    let unknowns = match &wanted.unknowns {
        Some(unknowns) => refs(unknowns)?,
        None => vec![vec!["input".to_owned()]],
    };
    let options = PartialOptions {
        unknowns,
        disable_inlining: refs(&wanted.disable_inlining)?,
        nondeterministic_builtins: wanted.nondeterministic,
        ..PartialOptions::default()
    };
    let (check, checked) = (state.policies.options(), state.policies.checked());
    let query = timers.time("timer_rego_query_compile_ns", || {
        rewritten::rewrite_query(checked, &body, &check, &QueryOptions::default(), false)
    });
    let query =
        query.map_err(|found| invalid("compiling module(s)", &crate::run::problems(&found, &sources)))?;
    let input = wanted.input.as_deref();
    let residual = timers.time("timer_rego_partial_eval_ns", || {
        evaluate::partially(server, call, state, (&query, &options), input)
    })?;
    residual.map_err(|error| {
        let found = stepwise::problems(std::slice::from_ref(&error), &sources);
        Reply::evaluation(&found.into_iter().next().unwrap_or_default())
    })
}
