//! Filters: `POST /v1/compile/{path}` turns what is left of a policy into conditions for a database.
//!
//! The surprising fact: a policy that says more than a target can say is refused, never widened.

mod annotated;
mod check;
mod condition;
mod hints;
mod names;
mod sql;
mod target;
mod ucast;

use crate::go_json;
use crate::output::{self, quote};
use crate::problem::{self, Problem};
use crate::run::stepwise;
use crate::server::Server;
use crate::server::call::Call;
use crate::server::evaluate::{self, Question};
use crate::server::path;
use crate::server::reply::Reply;
use crate::server::store::State;
use crate::server::timers::Timers;
use crate::server::visit::Visit;
use check::Check;
use govc_compile::{QueryOptions, rewritten};
use govc_syntax::Sources;
use govc_topdown::{PartialOptions, Residual};
use govc_value::json;
use names::Names;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use sql::Dialect;
use target::{Constraint, Target};

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    input: Option<Box<RawValue>>,
    unknowns: Option<Vec<String>>,
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Options {
    disable_inlining: Vec<String>,
    #[serde(rename = "targetSQLTableMappings")]
    mappings: Option<Json>,
    target_dialects: Vec<String>,
    mask_rule: String,
}

/// The targets of a request, and whether there may be several.
struct Targets {
    all: Vec<Target>,
    several: bool,
}

/// `POST` and `GET /v1/compile/{path}`
pub(crate) fn post(server: &Server, call: &Call) -> Reply {
    let measured = call.switch("metrics") || call.switch("instrument");
    let mut decision = server.begins(call);
    let mut timers = Timers::new(measured || decision.is_some());
    let given = call.rest("/v1/compile");
    let state = server.store.state();
    let done = server.heavy(|| answer(server, call, &state, &given, &mut timers));
    timers.since("timer_server_handler_ns", call.started);
    let answer = match done {
        Ok(answer) => answer,
        Err(reply) => return reply,
    };
    let mut fields = Vec::new();
    fields.extend(answer.result.as_ref().map(|result| format!("\"result\":{result}")));
    if measured {
        fields.push(format!("\"metrics\":{}", timers.json()));
    }
    if !answer.hints.is_empty() {
        fields.push(format!("\"hints\":[{}]", answer.hints.join(",")));
    }
    if let Some(decision) = &mut decision {
        decision.path = given.trim_matches('/').to_owned();
        decision.input = answer.input;
        decision.result = answer.result;
        decision.metrics = timers.json();
        if let Err(reply) = server.decided(&state, call, decision) {
            return reply;
        }
    }
    let body = output::compact(&format!("{{{}}}", fields.join(",")));
    let reply = Reply::json(body.into_bytes(), call.pretty());
    Reply { headers: vec![("content-type", call.header("accept").to_owned())], ..reply }
}

/// What a request is answered with.
struct Answer {
    input: Option<String>,
    /// Absent where no row is let through.
    result: Option<String>,
    hints: Vec<String>,
}

fn answer(
    server: &Server,
    call: &Call,
    state: &State,
    given: &str,
    timers: &mut Timers,
) -> Result<Answer, Reply> {
    let wanted = timers.time("timer_rego_query_parse_ns", || request(call))?;
    let steps = path::steps(given).map_err(|why| Reply::invalid(&format!("invalid path: {why}")))?;
    let reference = path::shown(&steps);
    let keys = path::as_keys(&steps);
    let said = annotated::of_rule(state, &keys).map_err(|found| refused(&[found]))?;
    let sources = Sources::default();
    let asked = wanted.unknowns.as_deref().filter(|unknowns| !unknowns.is_empty());
    let unknowns = references(asked.unwrap_or(&said.unknowns), &sources)?;
    let mask = mask_rule(&wanted.options.mask_rule, &keys, &sources)?.or(said.mask_rule);
    let accept = call.header("accept");
    let invalid = |why: String| Reply::invalid(&format!("Accept header: {why}"));
    let targets = targets(Target::of_media_type(accept).map_err(invalid)?, &wanted.options);
    let failed = |why: String| Reply::error(500, "internal_error", &why);
    let constraints: Vec<Constraint> =
        targets.all.iter().map(Target::constraint).collect::<Result<_, _>>().map_err(failed)?;
    let input = wanted.input.as_ref().map(|raw| raw.get().to_owned()).filter(|text| text != "null");
    let masks = match &mask {
        Some(rule) => timers
            .time("timer_compile_eval_mask_rule_ns", || masks(server, call, state, rule, input.as_deref()))?,
        None => None,
    };
    let (residual, sources) = timers.time("timer_rego_partial_eval_ns", || {
        residual(server, call, state, (&reference, &unknowns), &wanted.options, input.as_deref())
    })?;
    let columns = names::columns(wanted.options.mappings.as_ref());
    let check = Check { constraints: &constraints, columns: &columns, sources: &sources };
    let complaints = check.run(&residual);
    if !complaints.is_empty() {
        return Err(refused(&complaints));
    }
    let mappings = wanted.options.mappings.as_ref();
    let result = timers
        .time("timer_compile_translate_queries_ns", || {
            translated(&residual, &targets, mappings, masks.as_deref())
        })
        .map_err(failed)?;
    let hints = hints::of(&residual.failed, &unknowns, &sources);
    Ok(Answer { input, result, hints })
}

fn refused(found: &[Problem]) -> Reply {
    Reply::errors(400, "evaluation_error", "error(s) occurred while evaluating query", found)
}

fn request(call: &Call) -> Result<Wanted, Reply> {
    let decoding = |why: String| Reply::invalid(&format!("error(s) occurred while decoding request: {why}"));
    let body = call.plain_body().map_err(|_| Reply::invalid("could not decompress the body"))?;
    if body.is_empty() {
        return Ok(Wanted::default());
    }
    let (value, _) = go_json::first(&body).map_err(decoding)?;
    if go_json::kind(value) == "null" {
        return Ok(Wanted::default());
    }
    serde_json::from_str(&go_json::mended(value)).map_err(|error| decoding(error.to_string()))
}

fn references(texts: &[String], sources: &Sources) -> Result<Vec<Vec<String>>, Reply> {
    let paths = texts.iter().map(|text| stepwise::path(text, sources)).collect::<Result<_, _>>();
    paths.map_err(|found| {
        let why = problem::summary(&found);
        Reply::invalid(&format!(
            "error(s) occurred while parsing unknowns: failed to parse ref: failed to parse term: {why}"
        ))
    })
}

/// The rule that says what is masked; its name alone means a rule of the package of the filter.
fn mask_rule(given: &str, path: &[String], sources: &Sources) -> Result<Option<String>, Reply> {
    let rule = match given {
        "" => return Ok(None),
        whole if whole.starts_with("data.") => whole.to_owned(),
        name => annotated::beside(path, name),
    };
    match stepwise::path(&rule, sources) {
        Ok(_) => Ok(Some(rule)),
        Err(_) => {
            Err(Reply::invalid(&format!("error(s) occurred while parsing mask_rule name: {given} undefined")))
        }
    }
}

fn targets(asked: Option<Target>, options: &Options) -> Targets {
    match asked {
        Some(one) => Targets { all: vec![one], several: false },
        None => Targets {
            all: options.target_dialects.iter().map(|text| Target::named(text)).collect(),
            several: true,
        },
    }
}

/// The value of the rule that says what is masked, as JSON.
fn masks(
    server: &Server,
    call: &Call,
    state: &State,
    rule: &str,
    input: Option<&str>,
) -> Result<Option<String>, Reply> {
    let failed = |why: &str| Reply::error(500, "internal_error", &format!("evaluate masks: {why}"));
    let compiled = state.policies.query(&format!("x = {rule}"), false);
    let compiled = compiled.map_err(|found| failed(&problem::summary(&found)))?;
    let ready = state.once(&compiled).map_err(|problem| failed(&problem.line()))?;
    let mut visit = Visit::new(&server.runtime);
    let question = Question { image: &ready.image, entrypoint: ready.entrypoint, strict: false };
    let found: Result<Option<String>, Problem> = evaluate::ask(
        &question,
        &mut visit,
        |heap| match input {
            None => Ok(govc_value::Value::UNDEFINED),
            Some(text) => json::read(heap, text.as_bytes(), &json::Limits::default())
                .map_err(|error| Problem::plain(error.to_string())),
        },
        |_, outcome| {
            let row = outcome.results.first().and_then(|row| row.as_array())?;
            let value = row.at(1).as_object()?.iter().next().map(|(_, value)| value)?;
            Some(json::to_string(value))
        },
    );
    server.printed(call, &visit);
    let found = found.map_err(|problem| failed(&problem.line()))?;
    Ok(found.filter(|masks| masks != "{}"))
}

/// What is left of a policy, and the sources that it tells places of.
fn residual(
    server: &Server,
    call: &Call,
    state: &State,
    (reference, unknowns): (&str, &[Vec<String>]),
    options: &Options,
    input: Option<&str>,
) -> Result<(Residual, Sources), Reply> {
    let compiling = |found: &[Problem]| {
        Reply::errors(400, "invalid_parameter", "error(s) occurred while compiling module(s)", found)
    };
    let (body, sources) = state.policies.parse_query(reference).map_err(|found| compiling(&found))?;
    let (check, checked) = (state.policies.options(), state.policies.checked());
    let query = rewritten::rewrite_query(checked, &body, &check, &QueryOptions::default(), false)
        .map_err(|found| compiling(&crate::run::problems(&found, &sources)))?;
    let options = PartialOptions {
        unknowns: unknowns.to_vec(),
        disable_inlining: references(&options.disable_inlining, &sources)?,
        nondeterministic_builtins: true,
        without_index: true,
        tell_statements: true,
        ..PartialOptions::default()
    };
    let residual = evaluate::partially(server, call, state, (&query, &options), input)?;
    let residual = residual.map_err(|error| {
        let found = stepwise::problems(std::slice::from_ref(&error), &sources);
        let why = found.first().map(Problem::line).unwrap_or_default();
        Reply::error(500, "internal_error", &format!("partial eval: {why}"))
    })?;
    Ok((residual, sources))
}

/// OPA's names of filters where there are several, in its order.
const SEVERAL: [&str; 5] = ["ucast", "postgresql", "mysql", "sqlserver", "sqlite"];

/// The filters as JSON; nothing where a single one lets no row through.
fn translated(
    residual: &Residual,
    targets: &Targets,
    mappings: Option<&Json>,
    masks: Option<&str>,
) -> Result<Option<String>, String> {
    let mut found: Vec<(&str, Option<String>)> = Vec::new();
    for target in &targets.all {
        let name = if target.language == "ucast" { "ucast" } else { target.dialect.as_str() };
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, filter(residual, target, mappings, masks)?));
        }
    }
    if !targets.several {
        return Ok(found.pop().and_then(|(_, filter)| filter));
    }
    let filter = |name: &&str| found.iter().find(|(known, _)| known == name)?.1.clone();
    let all = SEVERAL.iter().filter_map(|name| Some(format!("\"{name}\":{}", filter(name)?)));
    Ok(Some(format!("{{{}}}", all.collect::<Vec<_>>().join(","))))
}

fn filter(
    residual: &Residual,
    target: &Target,
    mappings: Option<&Json>,
    masks: Option<&str>,
) -> Result<Option<String>, String> {
    if residual.conditions.is_empty() {
        return Ok(None);
    }
    let names =
        Names::new(mappings, &target.language, &target.dialect).map_err(|why| format!("mappings: {why}"))?;
    let converting = |why: String| format!("convert to queries: {why}");
    let condition = condition::of_queries(&residual.conditions, &names).map_err(converting)?;
    let query = match target.language.as_str() {
        "ucast" => ucast::write(condition.as_ref()),
        _ => quote(&Dialect::named(&target.dialect).write(condition.as_ref()).map_err(converting)?),
    };
    let masks = masks.map(|masks| format!(",\"masks\":{masks}")).unwrap_or_default();
    Ok(Some(format!("{{\"query\":{query}{masks}}}")))
}
