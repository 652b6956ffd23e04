//! Decisions: `GET` and `POST` of `/v1/data`, `POST` of `/v0/data` and of `/`.
//!
//! The surprising fact: an input that is `null` in a `POST` of `/v1/data` is no input at all, and one of `/v0/data` is
//! `null` even where nothing was sent.

use crate::go_json;
use crate::problem::Problem;
use crate::server::Server;
use crate::server::api::explain;
use crate::server::call::{self, Call};
use crate::server::decisions::Decision;
use crate::server::evaluate::{self, Failed, Question};
use crate::server::path;
use crate::server::reply::Reply;
use crate::server::store::{Ready, Refused, State};
use crate::server::timers::Timers;
use crate::server::visit::Visit;
use govc_topdown::Explain;
use govc_value::json::{self, Style};
use govc_value::{Heap, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Ways to ask, each with compiled queries of its own, as OPA counts them.
const GET: usize = 0;
const GET_STRICT: usize = 1;
const POST: usize = 2;
const POST_STRICT: usize = 3;
const V0: usize = 4;

/// A question that takes longer is asked beside the threads that serve connections from then on.
const SLOW: Duration = Duration::from_millis(2);

/// Where an input is found.
pub(crate) enum Given<'c> {
    /// Nowhere.
    None,
    /// The whole text.
    Whole(&'c [u8]),
    /// Under the key `input` of an object.
    Member(&'c [u8]),
}

/// What was asked and what came of it.
struct Asked<'s> {
    server: &'s Server,
    call: &'s Call,
    state: Arc<State>,
    path: &'s str,
    timers: Timers,
    decision: Option<Decision>,
}

/// The value of a document, or nothing where it is undefined.
struct Answer {
    result: Option<Vec<u8>>,
    had_input: bool,
    /// Answers of the outside world, where decisions are logged with them.
    recorded: Option<String>,
}

/// `GET /v1/data/{path}`
pub(crate) fn get(server: &Server, call: &Call) -> Reply {
    let path = call.rest("/v1/data");
    let input = call.values("input").last();
    let strict = call.switch("strict-builtin-errors");
    let mut asked = Asked::new(server, call, &path);
    let text = match input.map(|text| go_json::only(text.as_bytes())).transpose() {
        Ok(text) => text,
        Err(error) => {
            return Reply::invalid(&format!("parameter contains malformed input document: {error}"));
        }
    };
    asked.timers.since("timer_rego_input_parse_ns", call.started);
    let given = text.map_or(Given::None, Given::Whole);
    let answer = asked.ask(if strict { GET_STRICT } else { GET }, strict, &given);
    asked.finish(answer, &given, false)
}

/// `POST /v1/data/{path}`
pub(crate) fn post(server: &Server, call: &Call) -> Reply {
    let path = call.rest("/v1/data");
    let strict = call.switch("strict-builtin-errors");
    let mut asked = Asked::new(server, call, &path);
    let body = match posted(call) {
        Ok(body) => body,
        Err(error) => return Reply::invalid(&error),
    };
    asked.timers.since("timer_rego_input_parse_ns", call.started);
    let given = match body.trim_ascii_start().first() {
        Some(b'{') => Given::Member(&body),
        _ => Given::None,
    };
    let answer = asked.ask(if strict { POST_STRICT } else { POST }, strict, &given);
    asked.finish(answer, &given, true)
}

/// `POST /v0/data/{path}` and `POST /`: the input is the body and the result is the answer.
pub(crate) fn v0(server: &Server, call: &Call, default: bool) -> Reply {
    let path = call.rest("/v0/data");
    let path = if default { server.default_decision() } else { path.into_owned() };
    let mut asked = Asked::new(server, call, path.trim_start_matches('/'));
    let body = match posted_v0(call) {
        Ok(body) => body,
        Err(error) => return Reply::invalid(&format!("unexpected parse error for input: {error}")),
    };
    match asked.ask(V0, false, &Given::Whole(&body)) {
        Ok(Answer { result: Some(result), .. }) => match asked.log(Some(&result)) {
            Ok(()) => Reply::json(result, call.pretty()),
            Err(reply) => reply,
        },
        Ok(_) => asked.undefined(),
        Err(failed) => asked.failed(failed),
    }
}

/// The body of a `POST` of `/v1/data`: JSON that is an object, or nothing.
fn posted(call: &Call) -> Result<std::borrow::Cow<'_, [u8]>, String> {
    let malformed = |error: String| format!("body contains malformed input document: {error}");
    if let Some(body) = &call.authorized_body {
        return Ok(body.as_bytes().into());
    }
    let body = call.plain_body().map_err(|error| format!("could not decompress the body: {error}"))?;
    if call.is_yaml() {
        return match body.is_empty() {
            true => Ok(body),
            false => call::any_document(&body).map(|text| text.into_bytes().into()).map_err(malformed),
        };
    }
    // What our own reader takes, Go takes too; so Go's scanner looks only where there may be a fault.
    match body.trim_ascii_start().first() {
        None | Some(b'{') => Ok(body),
        _ => {
            let (value, _) = go_json::first(&body).map_err(malformed)?;
            match go_json::kind(value) {
                "null" => Ok(Vec::new().into()),
                kind => {
                    Err(malformed(format!("json: cannot unmarshal {kind} into Go value of type types.alias")))
                }
            }
        }
    }
}

fn posted_v0(call: &Call) -> Result<std::borrow::Cow<'_, [u8]>, String> {
    let malformed = |error: String| format!("body contains malformed input document: {error}");
    if let Some(body) = &call.authorized_body {
        return Ok(body.as_bytes().into());
    }
    let body = call.plain_body().map_err(|error| format!("could not decompress the body: {error}"))?;
    if body.trim_ascii().is_empty() {
        return Ok(b"null".as_slice().into());
    }
    if call.is_yaml() {
        return call::any_document(&body).map(|text| text.into_bytes().into()).map_err(malformed);
    }
    go_json::first(&body).map_err(malformed)?;
    Ok(body)
}

/// Reads a JSON text that Go takes; where our reader does not, Go's first value of it.
fn read<'q>(heap: Heap<'q>, text: &[u8]) -> Result<Value<'q>, Failed> {
    let limits = json::Limits::default();
    if let Ok(value) = json::read(heap, text, &limits) {
        return Ok(value);
    }
    let malformed = |error: &dyn std::fmt::Display| {
        Failed::Reply(Reply::invalid(&format!("body contains malformed input document: {error}")))
    };
    let (value, _) = go_json::first(text).map_err(|error| malformed(&error))?;
    json::read(heap, go_json::mended(value).as_bytes(), &limits).map_err(|error| malformed(&error))
}

/// The input as a value; undefined where there is none.
pub(crate) fn input<'q>(heap: Heap<'q>, given: &Given<'_>) -> Result<Value<'q>, Reply> {
    let value = match given {
        Given::None => Ok(Value::UNDEFINED),
        Given::Whole(text) => read(heap, text),
        Given::Member(text) => read(heap, text).map(member),
    };
    value.map_err(|failed| match failed {
        Failed::Reply(reply) => reply,
        Failed::Problem(problem) => Reply::evaluation(&problem),
    })
}

/// The member `input`, in any case of letters as Go reads it; `null` is none.
fn member(value: Value<'_>) -> Value<'_> {
    let Some(object) = value.as_object() else { return Value::UNDEFINED };
    let mut found = object.get_str("input");
    if found.is_undefined() {
        let named = |(key, _): &(Value<'_>, Value<'_>)| {
            key.as_str().is_some_and(|key| key.eq_ignore_ascii_case("input"))
        };
        found = object.iter().find(named).map_or(Value::UNDEFINED, |(_, value)| value);
    }
    if found.is_null() { Value::UNDEFINED } else { found }
}

impl<'s> Asked<'s> {
    fn new(server: &'s Server, call: &'s Call, path: &'s str) -> Self {
        let measured = !call.query.is_empty() && (call.switch("metrics") || call.switch("instrument"));
        let decision = server.begins(call);
        let state = server.store.state();
        Self { server, call, state, path, timers: Timers::new(measured || decision.is_some()), decision }
    }

    fn ready(&mut self, door: usize, strict: bool) -> Result<Arc<Ready>, Failed> {
        let (state, path, server) = (&self.state, self.path, self.server);
        let started = Instant::now();
        let found = match state.known(path, strict) {
            Some(ready) => Ok(ready),
            None => server.heavy(|| state.document(path, strict)),
        };
        let ready = found.map_err(|refused| match refused {
            Refused::Path(error) => {
                let message = format!("invalid_parameter: invalid path: {error}");
                Failed::Reply(Reply::error(500, "internal_error", &message))
            }
            Refused::Policies(problems) => Failed::Reply(self.not_compiled(&problems)),
        })?;
        let hit = ready.was_asked_by(door);
        self.timers.count("counter_server_query_cache_hit", u64::from(hit));
        if !hit {
            self.timers.since("timer_rego_query_compile_ns", started);
        }
        Ok(ready)
    }

    /// What the compiler says of a path, told of the reference as OPA writes it.
    fn not_compiled(&self, problems: &[Problem]) -> Reply {
        let steps = path::steps(self.path).unwrap_or_default();
        let told = self.state.policies.query(&path::shown(&steps), false).err();
        let problems = told.as_deref().unwrap_or(problems);
        Reply::error(500, "internal_error", &crate::problem::summary(problems))
    }

    fn ask(&mut self, door: usize, strict: bool, given: &Given<'_>) -> Result<Answer, Failed> {
        if let Some(decision) = &mut self.decision {
            decision.give(given);
        }
        let ready = self.ready(door, strict)?;
        let started = Instant::now();
        let answer = match ready.slow.load(Relaxed) {
            true => self.server.heavy(|| self.run(&ready, strict, given)),
            false => self.run(&ready, strict, given),
        };
        if started.elapsed() > SLOW {
            ready.slow.store(true, Relaxed);
        }
        ready.count();
        self.timers.since("timer_rego_query_eval_ns", started);
        self.timers.since("timer_server_handler_ns", self.call.started);
        if let (Some(decision), Ok(answer)) = (&mut self.decision, &answer) {
            decision.recorded.clone_from(&answer.recorded);
        }
        answer
    }

    fn run(&self, ready: &Ready, strict: bool, given: &Given<'_>) -> Result<Answer, Failed> {
        let mut visit = Visit::new(&self.server.runtime);
        let question = Question { image: &ready.image, entrypoint: ready.entrypoint, strict };
        let mut had_input = true;
        let records = self.decision.is_some() && self.server.records();
        let result: Result<_, Failed> = evaluate::ask(
            &question,
            &mut visit,
            |heap| {
                let input = input(heap, given).map_err(Failed::Reply)?;
                had_input = !input.is_undefined();
                Ok(input)
            },
            |_, outcome| {
                let recorded = records.then(|| match outcome.recorded.is_undefined() {
                    true => "{}".to_owned(),
                    false => json::to_string(outcome.recorded),
                });
                (outcome.results.first().map(|row| first_value(*row)), recorded)
            },
        );
        self.server.printed(self.call, &visit);
        let (result, recorded) = result?;
        Ok(Answer { result, had_input, recorded })
    }

    /// The answer of `/v1/data`.
    fn finish(&mut self, answer: Result<Answer, Failed>, given: &Given<'_>, warn: bool) -> Reply {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failed) => return self.failed(failed),
        };
        if let Err(reply) = self.log(answer.result.as_deref()) {
            return reply;
        }
        let explanation = match self.explained(&answer, given) {
            Ok(explanation) => explanation,
            Err(reply) => return reply,
        };
        let mut body = Vec::with_capacity(answer.result.as_ref().map_or(0, Vec::len) + 64);
        let mut fields = 0;
        let mut field = |body: &mut Vec<u8>, name: &str, json: &[u8]| {
            body.extend_from_slice(if fields == 0 { b"{\"" } else { b",\"" });
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(b"\":");
            body.extend_from_slice(json);
            fields += 1;
        };
        if let Some(decision) = &self.decision {
            field(&mut body, "decision_id", crate::output::quote(&decision.id).as_bytes());
        }
        let asks = |name: &str| !self.call.query.is_empty() && self.call.switch(name);
        if asks("provenance") {
            field(&mut body, "provenance", self.server.provenance(&self.state).as_bytes());
        }
        if let Some(json) = &explanation {
            field(&mut body, "explanation", json.as_bytes());
        }
        if asks("metrics") || asks("instrument") {
            field(&mut body, "metrics", self.timers.json().as_bytes());
        }
        if let Some(result) = &answer.result {
            field(&mut body, "result", result);
        }
        if warn && !answer.had_input {
            field(&mut body, "warning", WARNING.as_bytes());
        }
        body.extend_from_slice(if fields == 0 { b"{}" } else { b"}" });
        Reply::json(body, self.call.pretty())
    }

    /// How the answer was come by, where the caller asks for it. Where there is no answer, OPA tells of all or nothing.
    fn explained(&self, answer: &Answer, given: &Given<'_>) -> Result<Option<String>, Reply> {
        let mode = if self.call.query.is_empty() { None } else { explain::mode(self.call) };
        let Some(mode) = mode.filter(|mode| answer.result.is_some() || *mode == Explain::Full) else {
            return Ok(None);
        };
        let query = path::shown(&path::steps(self.path).unwrap_or_default());
        let told = || {
            explain::explanation(self.server, self.call, &self.state, &query, mode, |heap| input(heap, given))
        };
        self.server.heavy(told).map(Some)
    }

    fn undefined(&mut self) -> Reply {
        let steps = path::steps(self.path).unwrap_or_default();
        let missing = match self.state.policies.has_rules(&path::as_keys(&steps)) {
            true => "document undefined",
            false => "document missing",
        };
        let message = format!("{missing}: {}", path::shown(&steps));
        if let Some(decision) = &mut self.decision {
            let message = crate::output::quote(&message);
            decision.error = Some(format!("{{\"code\":\"undefined_document\",\"message\":{message}}}"));
            decision.error_line = Some(format!("undefined_document: {message}"));
        }
        match self.log(None) {
            Ok(()) => Reply::error(404, "undefined_document", &message),
            Err(reply) => reply,
        }
    }

    fn failed(&mut self, failed: Failed) -> Reply {
        match failed {
            Failed::Reply(reply) => reply,
            Failed::Problem(problem) => {
                if let Some(decision) = &mut self.decision {
                    decision.error = Some(problem.to_node().compact());
                    decision.error_line = Some(problem.line());
                }
                let _ = self.log(None);
                Reply::evaluation(&problem)
            }
        }
    }

    /// Hands the decision to the log.
    fn log(&mut self, result: Option<&[u8]>) -> Result<(), Reply> {
        let Some(decision) = &mut self.decision else { return Ok(()) };
        decision.path = self.path.to_owned();
        decision.result = result.map(|json| String::from_utf8_lossy(json).into_owned());
        decision.metrics = self.timers.json();
        self.server.decided(&self.state, self.call, decision)
    }
}

const WARNING: &str = "{\"code\":\"api_usage_warning\",\"message\":\"'input' key missing from the request\"}";

/// The value of the only expression of a solution, as JSON.
fn first_value(row: Value<'_>) -> Vec<u8> {
    let values = row.as_array().map_or(Value::UNDEFINED, |row| row.at(0));
    let value = values.as_array().map_or(Value::UNDEFINED, |values| values.at(0));
    let mut out = Vec::new();
    json::write_styled(value, Style::HTML, &mut out);
    out
}
