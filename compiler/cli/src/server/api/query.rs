//! Queries that are sent: `/v1/query`.

use crate::go_json;
use crate::problem::Problem;
use crate::server::Server;
use crate::server::api::data::{Given, input};
use crate::server::api::explain;
use crate::server::call::Call;
use crate::server::decisions::Decision;
use crate::server::evaluate::{self, Failed, Question};
use crate::server::reply::Reply;
use crate::server::store::State;
use crate::server::timers::Timers;
use crate::server::visit::Visit;
use govc_syntax::{Span, ast};
use govc_value::json::{self, Style};
use std::sync::Arc;

/// Builtins that no query may call that comes from outside.
const REFUSED: &[&str] = &["http.send"];

/// `GET /v1/query?q=`
pub(crate) fn get(server: &Server, call: &Call) -> Reply {
    match call.values("q").last() {
        Some(query) => run(server, call, query, &Given::None, false),
        None => Reply::invalid("missing parameter 'q'"),
    }
}

/// `POST /v1/query`
pub(crate) fn post(server: &Server, call: &Call) -> Reply {
    let (query, body) = match request(call) {
        Ok(request) => request,
        Err(error) => return Reply::invalid(&format!("error(s) occurred while decoding request: {error}")),
    };
    run(server, call, &query, &Given::Member(body.as_bytes()), true)
}

/// The query, and the whole body as JSON.
fn request(call: &Call) -> Result<(String, String), String> {
    if let Some(fault) = &call.body_fault {
        return Err(fault.clone());
    }
    let (value, _) = go_json::first(&call.body)?;
    let text = go_json::mended(value).into_owned();
    match go_json::kind(value) {
        "object" => {}
        "null" => return Ok((String::new(), "{}".to_owned())),
        kind => {
            return Err(format!("json: cannot unmarshal {kind} into Go value of type types.QueryRequestV1"));
        }
    }
    let fields: std::collections::BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let named = |(key, _): &(&String, &serde_json::Value)| key.eq_ignore_ascii_case("query");
    match fields.get("query").or_else(|| fields.iter().find(named).map(|(_, value)| value)) {
        None | Some(serde_json::Value::Null) => Ok((String::new(), text)),
        Some(serde_json::Value::String(query)) => Ok((query.clone(), text)),
        Some(other) => {
            let kind = go_json::kind(other.to_string().as_bytes());
            let field = "Go struct field QueryRequestV1.query of type string";
            Err(format!("json: cannot unmarshal {kind} into {field}"))
        }
    }
}

fn run(server: &Server, call: &Call, query: &str, given: &Given<'_>, whole: bool) -> Reply {
    let state = server.store.state();
    let measured = call.switch("metrics") || call.switch("instrument");
    let mut decision = server.begins(call);
    let mut timers = Timers::new(measured || decision.is_some());
    let done = server.heavy(|| ask(server, call, &state, query, given, &mut timers));
    if whole {
        timers.since("timer_server_handler_ns", call.started);
    }
    if let Some(decision) = &mut decision
        && let Err(reply) = log(server, call, &state, query, given, &timers, &done, decision)
    {
        return reply;
    }
    let rows = match done {
        Ok(rows) => rows,
        Err(reply) => return reply,
    };
    let mut fields = Vec::new();
    if let Some(mode) = explain::mode(call) {
        let told = || explain::explanation(server, call, &state, query, mode, |heap| input(heap, given));
        match server.heavy(told) {
            Ok(told) => fields.push(format!("\"explanation\":{told}")),
            Err(reply) => return reply,
        }
    }
    if measured {
        fields.push(format!("\"metrics\":{}", timers.json()));
    }
    if !rows.is_empty() {
        fields.push(format!("\"result\":[{}]", rows.join(",")));
    }
    Reply::json(format!("{{{}}}", fields.join(",")).into_bytes(), call.pretty())
}

#[expect(clippy::too_many_arguments, reason = "all of a decision")]
fn log(
    server: &Server,
    call: &Call,
    state: &Arc<State>,
    query: &str,
    given: &Given<'_>,
    timers: &Timers,
    done: &Result<Vec<String>, Reply>,
    decision: &mut Decision,
) -> Result<(), Reply> {
    decision.give(given);
    decision.query = query.to_owned();
    decision.metrics = timers.json();
    match done {
        Ok(rows) => decision.result = Some(format!("[{}]", rows.join(","))),
        Err(reply) => decision.error = Some(String::from_utf8_lossy(&reply.body).trim().to_owned()),
    }
    server.decided(state, call, decision)
}

/// The bindings of every solution, each as JSON.
fn ask(
    server: &Server,
    call: &Call,
    state: &State,
    query: &str,
    given: &Given<'_>,
    timers: &mut Timers,
) -> Result<Vec<String>, Reply> {
    let empty = || Reply::error(500, "internal_error", "cannot evaluate empty query");
    if query.trim().is_empty() {
        return Err(empty());
    }
    let invalid = |what: &str, problems: &[Problem]| {
        Reply::errors(400, "invalid_parameter", &format!("error(s) occurred while {what} query"), problems)
    };
    let (body, sources) = state.policies.parse_query(query).map_err(|found| invalid("parsing", &found))?;
    if body.literals.is_empty() {
        return Err(empty());
    }
    let refused = refused(&body, &sources);
    if !refused.is_empty() {
        return Err(invalid("compiling", &refused));
    }
    let compiled =
        timers.time("timer_rego_query_compile_ns", || state.policies.compile(&body, &sources, false));
    let compiled = compiled.map_err(|found| invalid("compiling", &found))?;
    let ready = state.once(&compiled).map_err(|problem| Reply::evaluation(&problem))?;
    let mut visit = Visit::new(&server.runtime);
    let question = Question { image: &ready.image, entrypoint: ready.entrypoint, strict: false };
    let rows = timers.time("timer_rego_query_eval_ns", || {
        evaluate::ask(
            &question,
            &mut visit,
            |heap| input(heap, given).map_err(Failed::Reply),
            |_, outcome| outcome.results.iter().map(|row| bindings(*row)).collect(),
        )
    });
    server.printed(call, &visit);
    rows.map_err(|failed| match failed {
        Failed::Reply(reply) => reply,
        Failed::Problem(problem) => Reply::evaluation(&problem),
    })
}

/// The variables of a solution `[values, variables]`.
fn bindings(row: govc_value::Value<'_>) -> String {
    let variables = row.as_array().map_or(govc_value::Value::UNDEFINED, |row| row.at(1));
    let mut out = Vec::new();
    json::write_styled(variables, Style::HTML, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Calls of builtins that a query from outside must not make.
fn refused(body: &ast::Body, sources: &govc_syntax::Sources) -> Vec<Problem> {
    let mut found = Vec::new();
    for expression in &body.literals {
        let text = sources.slice(expression.span);
        for name in REFUSED {
            let Some(at) = call_of(text, name) else { continue };
            let start = expression.span.start + at;
            let (row, col) = sources.position(Span { start, ..expression.span });
            found.push(Problem {
                message: format!("unsafe built-in function calls in expression: {name}"),
                code: "rego_type_error".to_owned(),
                location: Some(crate::problem::Location { file: String::new(), row, col }),
                ..Problem::default()
            });
        }
    }
    found
}

/// The byte at which a text calls a function, by its tokens.
fn call_of(text: &str, name: &str) -> Option<u32> {
    let tokens = govc_syntax::lex::lex(govc_syntax::FileId(0), text, true).tokens;
    let wanted: Vec<&str> = name.split('.').flat_map(|part| [".", part]).skip(1).chain(["("]).collect();
    let called = tokens.windows(wanted.len()).find(|window| {
        let words = window.iter().map(|t| text.get(t.start as usize..t.end as usize).unwrap_or_default());
        words.eq(wanted.iter().copied())
    });
    called.and_then(|window| window.first()).map(|token| token.start)
}
