//! A case through the front end and the top-down evaluator: a third opinion beside VM and machine code.

use crate::cases::Case;
use crate::front::Answer;
use crate::world::SuiteWorld;
use govc_compile::{CheckOptions, Checked, QueryOptions, rewritten};
use govc_syntax::{Diagnostic, ParseOptions, RegoVersion, Sources, parse_module, parse_query};
use govc_topdown::Request;
use govc_value::{Arena, Heap, SymbolTable, Value, json};

/// A case that has been checked.
pub struct Checks {
    /// Its texts.
    pub sources: Sources,
    /// Its rules.
    pub checked: Checked,
    /// Its query.
    pub query: rewritten::Query,
}

fn errors(stage: &'static str, diagnostics: &[Diagnostic]) -> Answer {
    let pairs = diagnostics.iter().map(|d| (d.opa_code.to_owned(), format!("{} {}", d.code, d.message)));
    Answer::Errors(stage, pairs.collect())
}

/// The query of a case; a case may give its input as a term.
pub fn query_text(case: &Case) -> String {
    let query = case.text("query").unwrap_or_default();
    match case.text("input_term") {
        Some(term) => format!("{query} with input as {term}"),
        None => query,
    }
}

/// Checks a case with a query.
///
/// # Errors
/// What parser or checks find.
pub fn check(case: &Case, query: &str, options: &CheckOptions<'_>, capture: bool) -> Result<Checks, Answer> {
    let version = if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
    let keywords: &[&str] = if case.flag("experimental_keywords") { &["and", "or", "not"] } else { &[] };
    let keywords = keywords.iter().map(|k| (*k).to_owned()).collect();
    let parsing = ParseOptions { version, keywords, ..ParseOptions::default() };
    let mut sources = Sources::default();
    let mut modules = Vec::new();
    for (i, text) in case.modules().into_iter().enumerate() {
        let file = sources.add(format!("test-{i}.rego"), text.clone());
        let parsed = parse_module(file, &text, &parsing);
        if !parsed.diagnostics.is_empty() {
            return Err(errors("parse", &parsed.diagnostics));
        }
        modules.push(parsed.tree);
    }
    let file = sources.add("<query>", query);
    let parsed = parse_query(file, query, &parsing);
    if !parsed.diagnostics.is_empty() {
        return Err(errors("parse", &parsed.diagnostics));
    }
    let checked = govc_compile::check(&sources, &modules, options);
    if !checked.is_ok() {
        return Err(errors("check", &checked.diagnostics));
    }
    let wrapping_not = case.flag("experimental_keywords");
    let place = QueryOptions { wrapping_not, ..QueryOptions::default() };
    match rewritten::rewrite_query(&checked, &parsed.tree, options, &place, capture) {
        Ok(query) => Ok(Checks { sources, checked, query }),
        Err(diagnostics) => Err(errors("check", &diagnostics)),
    }
}

/// Evaluates a case partially; no input is given, and it is what is not known.
///
/// # Errors
/// What parser, checks or evaluation find.
pub fn residual(case: &Case) -> Result<(Checks, govc_topdown::Residual), Answer> {
    let options = CheckOptions::default();
    let checks = check(case, &query_text(case), &options, false)?;
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let data = json::read(heap, case.json("data").unwrap_or("{}").as_bytes(), &json::Limits::default())
        .map_err(|error| Answer::Errors("load", vec![(String::new(), error.to_string())]))?;
    let mut world = SuiteWorld::default();
    let request = Request {
        checked: &checks.checked,
        options: &options,
        query: &checks.query,
        data,
        input: None,
        world: &mut world,
        fuel: 5_000_000,
        time: None,
        memory: 1 << 30,
    };
    let settings = govc_topdown::PartialOptions { import_v1: case.version == "v0", ..Default::default() };
    let residual = govc_topdown::partial(request, &settings)
        .map_err(|e| Answer::Errors("run", vec![(e.code.to_owned(), e.message.clone())]))?;
    Ok((checks, residual))
}

/// Runs a case.
pub fn answer(case: &Case) -> Answer {
    let options = CheckOptions::default();
    let checks = match check(case, &query_text(case), &options, true) {
        Ok(checks) => checks,
        Err(answer) => return answer,
    };
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let read = |text: &str| json::read(heap, text.as_bytes(), &json::Limits::default());
    let data = match read(case.json("data").unwrap_or("{}")) {
        Ok(data) => data,
        Err(error) => return Answer::Errors("load", vec![(String::new(), error.to_string())]),
    };
    let mut input = None;
    if case.has("input") && case.json("input_term").is_none() {
        match read(case.json("input").unwrap_or("null")) {
            Ok(value) => input = Some(value),
            Err(error) => return Answer::Errors("input", vec![(String::new(), error.to_string())]),
        }
    }
    run(case, &options, &checks, data, input)
}

fn run(
    case: &Case,
    options: &CheckOptions<'_>,
    checks: &Checks,
    data: Value<'_>,
    input: Option<Value<'_>>,
) -> Answer {
    let mut world = SuiteWorld::default();
    let request = Request {
        checked: &checks.checked,
        options,
        query: &checks.query,
        data,
        input,
        world: &mut world,
        fuel: 50_000_000,
        time: None,
        memory: 1 << 30,
    };
    let failed =
        |e: &govc_topdown::Error| Answer::Errors("run", vec![(e.code.to_owned(), e.message.clone())]);
    match govc_topdown::eval(request) {
        Err(e) => failed(&e),
        Ok(outcome) => match outcome.builtin_errors.first().filter(|_| case.flag("strict_error")) {
            Some(e) => failed(e),
            None => Answer::Solutions(outcome.solutions.iter().map(|s| object(&s.bindings)).collect()),
        },
    }
}

fn object(bindings: &[(String, String)]) -> String {
    let pair = |(k, v): &(String, String)| format!("{}:{v}", serde_json::Value::String(k.clone()));
    format!("{{{}}}", bindings.iter().map(pair).collect::<Vec<_>>().join(","))
}
