//! A case through our whole front end, optimizer, emitter, VM and machine code, in one process.

use crate::cases::Case;
use crate::world::SuiteWorld;
use govc_compile::opt::Level;
use govc_compile::{CheckOptions, PlanRequest, QueryOptions};
use govc_syntax::{Diagnostic, ParseOptions, RegoVersion, Sources, parse_module, parse_query};
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What running gave: solutions as JSON objects, or errors.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The bindings of each solution.
    Solutions(Vec<String>),
    /// The stage that found them, codes and messages.
    Errors(&'static str, Vec<(String, String)>),
}

fn errors(stage: &'static str, diagnostics: &[Diagnostic]) -> Answer {
    let pairs = diagnostics.iter().map(|d| (d.opa_code.to_owned(), format!("{} {}", d.code, d.message)));
    Answer::Errors(stage, pairs.collect())
}

/// What is asked of which program.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The language, and keywords that are on without an import.
    pub options: ParseOptions,
    /// `not` of the query negates all that its operand expands to.
    pub wrapping_not: bool,
    /// The modules' texts.
    pub modules: Vec<String>,
    /// The base documents, as JSON.
    pub data: Option<String>,
    /// The input, as JSON; absent is undefined.
    pub input: Option<String>,
    /// What is asked.
    pub query: String,
    /// The first error of a builtin ends the query.
    pub strict: bool,
    /// The time, in nanoseconds since 1970; absent is that of the suites.
    pub now: Option<i64>,
}

/// Changes to what the compiler makes, between its stages.
pub struct Changes<'c> {
    /// After checking.
    pub unit: &'c dyn Fn(&mut govc_compile::hir::Unit),
    /// After planning, before optimization.
    pub policy: &'c dyn Fn(&mut govc_compile::ir::Policy),
}

impl Changes<'_> {
    /// None.
    pub const NONE: Changes<'static> = Changes { unit: &|_| {}, policy: &|_| {} };
}

/// Runs a case: parse, check, plan, optimize, emit, run; with optimization machine code runs it too.
pub fn answer(case: &Case, level: Level) -> Answer {
    answer_to(case, &case.text("query").unwrap_or_default(), level)
}

/// The same with another query.
pub fn answer_to(case: &Case, query: &str, level: Level) -> Answer {
    let mut subject = subject(case);
    subject.query = match case.text("input_term") {
        Some(term) => format!("{query} with input as {term}"),
        None => query.to_owned(),
    };
    answer_subject(&subject, level, &Changes::NONE)
}

/// A case as a subject.
pub fn subject(case: &Case) -> Subject {
    let version = if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
    let keywords: &[&str] = if case.flag("experimental_keywords") { &["and", "or", "not"] } else { &[] };
    let keywords = keywords.iter().map(|k| (*k).to_owned()).collect();
    let query = case.text("query").unwrap_or_default();
    let has_input = case.has("input") && case.json("input_term").is_none();
    Subject {
        options: ParseOptions { version, keywords, ..ParseOptions::default() },
        wrapping_not: case.flag("experimental_keywords"),
        modules: case.modules(),
        data: case.json("data").map(str::to_owned),
        input: has_input.then(|| case.json("input").unwrap_or("null").to_owned()),
        query: case.text("input_term").map_or(query.clone(), |term| format!("{query} with input as {term}")),
        strict: case.flag("strict_error"),
        now: None,
    }
}

/// Runs a subject as [`answer`] runs a case, with changes on the way.
pub fn answer_subject(subject: &Subject, level: Level, changes: &Changes<'_>) -> Answer {
    let mut sources = Sources::default();
    let mut modules = Vec::new();
    for (i, text) in subject.modules.iter().enumerate() {
        let file = sources.add(format!("test-{i}.rego"), text.clone());
        let parsed = parse_module(file, text, &subject.options);
        if !parsed.diagnostics.is_empty() {
            return errors("parse", &parsed.diagnostics);
        }
        modules.push(parsed.tree);
    }
    let file = sources.add("<query>", subject.query.clone());
    let parsed = parse_query(file, &subject.query, &subject.options);
    if !parsed.diagnostics.is_empty() {
        return errors("parse", &parsed.diagnostics);
    }
    let exists = |path: &[String]| subject.data.as_deref().is_some_and(|data| holds(data, path));
    let options = CheckOptions { data_exists: Some(&exists), ..CheckOptions::default() };
    let mut checked = govc_compile::check(&sources, &modules, &options);
    if !checked.is_ok() {
        return errors("check", &checked.diagnostics);
    }
    let query = QueryOptions { wrapping_not: subject.wrapping_not, ..QueryOptions::default() };
    let query = match govc_compile::check_query(&checked, &parsed.tree, &options, &query) {
        Ok(query) => query,
        Err(diagnostics) => return errors("check", &diagnostics),
    };
    (changes.unit)(&mut checked.unit);
    let queries = vec![("query".to_owned(), query)];
    let request = PlanRequest { queries, strict: subject.strict, ..PlanRequest::default() };
    let mut policy = match govc_compile::plan(&checked.unit, &request) {
        Ok(policy) => policy,
        Err(diagnostics) => return errors("plan", &diagnostics),
    };
    (changes.policy)(&mut policy);
    govc_compile::opt::run(&mut policy, level);
    policy.files = sources.iter().map(|(_, s)| s.name.clone()).collect();
    match govc_compile::emit_located(&policy, &sources) {
        Ok(program) => run(subject, program, matches!(level, Level::Full)),
        Err(error) => Answer::Errors("emit", vec![(String::new(), error.to_string())]),
    }
}

/// Whether a JSON document holds something at a path, or something that is no object on the way to it.
fn holds(document: &str, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let fields: Result<BTreeMap<String, Box<RawValue>>, _> = serde_json::from_str(document);
    fields.map_or(true, |fields| fields.get(first).is_some_and(|field| holds(field.get(), rest)))
}

/// With machine code too, if wanted: it must give the same answer.
fn run(subject: &Subject, program: govc_bytecode::Program, machine_code: bool) -> Answer {
    let data: Vec<(Vec<String>, Vec<u8>)> =
        subject.data.iter().map(|text| (Vec::new(), text.as_bytes().to_vec())).collect();
    let image = match Image::load(program, &data) {
        Ok(image) => image,
        Err(error) => return Answer::Errors("load", vec![(String::new(), error.to_string())]),
    };
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let mut input = Value::UNDEFINED;
    if let Some(text) = &subject.input {
        match json::read(heap, text.as_bytes(), &json::Limits::default()) {
            Ok(value) => input = value,
            Err(error) => return Answer::Errors("input", vec![(String::new(), format!("{error:?}"))]),
        }
    }
    let Some(entrypoint) = image.entrypoint("query") else {
        return Answer::Errors("emit", vec![(String::new(), "no entrypoint".to_owned())]);
    };
    let builtin_errors = if subject.strict { BuiltinErrors::Strict } else { BuiltinErrors::Undefined };
    let limits = Limits { fuel: 200_000_000, time: None, memory: 1 << 30 };
    let mut world = subject.now.map_or_else(SuiteWorld::default, SuiteWorld::at);
    let mut scratch = Scratch::default();
    let mut ask = || {
        let query = Query { entrypoint, input, world: &mut world, limits, builtin_errors, recorded: None };
        match govc_vm::run(&image, &mut scratch, &arena, query) {
            Ok(outcome) => Answer::Solutions(outcome.results.iter().map(|row| bindings(*row)).collect()),
            Err(error) => Answer::Errors("run", vec![(error.code.to_owned(), error.message)]),
        }
    };
    let answer = ask();
    if !machine_code {
        return answer;
    }
    let code = match govc_jit::compile(&image) {
        Ok(code) => code,
        Err(error) => return Answer::Errors("jit", vec![(String::new(), error.to_string())]),
    };
    assert!(image.install(Box::new(code)).is_ok(), "the image has no code yet");
    // Twice: the second run finds the positions of fields that the first one left.
    for again in [ask(), ask()] {
        if again != answer {
            return Answer::Errors(
                "jit",
                vec![(String::new(), format!("VM {answer:?}, machine code {again:?}"))],
            );
        }
    }
    answer
}

fn bindings(row: Value<'_>) -> String {
    row.entry(1).map(|(_, bindings)| json::to_string(bindings)).unwrap_or_default()
}

/// Whether the solutions are those of a field of the case, which lists them.
///
/// # Errors
/// Both, as texts.
pub fn compare(case: &Case, wanted: &str, got: &[String]) -> Result<(), String> {
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, govc_value::SymbolTable::empty());
    let read = |text: &str| json::read(heap, text.as_bytes(), &json::Limits::default());
    let (Ok(want_rows), Ok(got_rows)) = (read(wanted), read(&format!("[{}]", got.join(",")))) else {
        return Err("the result cannot be read".to_owned());
    };
    let rows = |value: Value<'_>| {
        let mut rows: Vec<String> = value.entries().map(|(_, row)| row_text(case, heap, row)).collect();
        rows.sort();
        rows
    };
    let (want, got_texts) = (rows(want_rows), rows(got_rows));
    // Suites hold numbers as floats, our results hold them with all their digits.
    let floats = |rows: &[String]| -> Vec<Option<serde_json::Value>> {
        rows.iter().map(|row| serde_json::from_str(row).ok()).collect()
    };
    if want == got_texts || floats(&want) == floats(&got_texts) && !floats(&want).contains(&None) {
        return Ok(());
    }
    Err(format!("got {}, wanted {}", got.join(" "), want.join(" ")))
}

/// One solution in a form in which equal ones are equal texts.
fn row_text<'q>(case: &Case, heap: Heap<'q>, row: Value<'_>) -> String {
    let keep = |key: Value<'_>| {
        !(case.flag("ignore_generated_vars") && key.as_str().is_some_and(|k| k.starts_with("__")))
    };
    let mut pairs = Vec::new();
    for (key, value) in row.entries().filter(|(k, _)| keep(*k)) {
        let mut value = heap.copy(value);
        if case.flag("sort_bindings") && value.as_array().is_some() {
            let mut items: Vec<Value<'q>> = value.entries().map(|(_, v)| v).collect();
            items.sort();
            value = heap.array(&items);
        }
        pairs.push((heap.copy(key), value));
    }
    let mut out = Vec::new();
    json::write_canonical(heap.object(&mut pairs), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
