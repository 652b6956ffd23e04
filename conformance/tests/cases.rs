//! OPA's evaluation cases, in one process: parse, check, plan, optimize, emit, run.
//!
//! Every case runs without and with optimization, and both must give the same. A panic is a failure of its
//! case only. The counts by cause are printed. `GOVC_CASES=TEXT` runs the cases whose name holds the text;
//! `GOVC_CASES_DIR=DIR` reads cases of the same form from elsewhere.

use govc_compile::opt::Level;
use govc_compile::{CheckOptions, PlanRequest, QueryOptions};
use govc_conformance::cases::{self, Case};
use govc_conformance::{shared, skip};
use govc_stdlib::{BuiltinError, World};
use govc_syntax::{Diagnostic, ParseOptions, RegoVersion, Sources};
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// These need OPA's test binary: a builtin of the tests, an environment, a store without conflict check.
const HARNESS_ONLY: [&str; 3] =
    ["test-time-0947.yaml#0", "test-with-builtin-mock.yaml#24", "test-baseandvirtualdocs-0704.yaml#0"];

/// What became of a case.
#[derive(Debug, PartialEq)]
enum Outcome {
    Pass,
    /// Where it went wrong, and how.
    Fail(&'static str, String),
}

impl Outcome {
    /// What is not there yet may be missing; a wrong answer may not be given.
    fn is_honest(&self) -> bool {
        match self {
            Outcome::Pass => true,
            Outcome::Fail(_, how) => how.contains("govc_not_yet"),
        }
    }
}

/// What running gave: solutions as JSON objects, or errors.
#[derive(Debug, PartialEq)]
enum Answer {
    Solutions(Vec<String>),
    /// Codes and messages.
    Errors(&'static str, Vec<(String, String)>),
}

#[test]
fn opa_cases() {
    let own = std::env::var_os("GOVC_CASES_DIR").map(std::path::PathBuf::from);
    let Some(folder) = own.or_else(|| shared("opa/cases")) else { skip!("no opa/cases") };
    let filter = std::env::var("GOVC_CASES").unwrap_or_default();
    let cases: Vec<Case> = cases::load(&folder)
        .into_iter()
        .filter(|c| !HARNESS_ONLY.iter().any(|h| c.name.contains(h)))
        .filter(|c| format!("{} {}", c.version, c.name).contains(&filter))
        .collect();
    std::panic::set_hook(Box::new(|_| {}));
    let plain = outcomes(Level::None, &cases);
    let optimized = outcomes(Level::Full, &cases);
    drop(std::panic::take_hook());
    report("without optimization", &plain);
    report("optimized", &optimized);
    let differ = cases.iter().zip(plain.iter().zip(&optimized)).filter(|(_, (a, b))| a != b);
    let differ: Vec<String> =
        differ.map(|(c, (a, b))| format!("{} {}: {a:?} {b:?}", c.version, c.name)).collect();
    assert!(differ.is_empty(), "optimization changes answers: {differ:#?}");
    let wrong = cases.iter().zip(&optimized).filter(|(_, outcome)| !outcome.is_honest());
    let wrong: Vec<String> = wrong.map(|(c, o)| format!("{} {}: {o:?}", c.version, c.name)).collect();
    assert!(wrong.is_empty(), "{} cases fail without `govc_not_yet`: {wrong:#?}", wrong.len());
}

fn outcomes(level: Level, cases: &[Case]) -> Vec<Outcome> {
    let one = |case: &Case| {
        let outcome = catch_unwind(AssertUnwindSafe(|| outcome(case, level)));
        outcome.unwrap_or_else(|panic| Outcome::Fail("panic", panic_text(&*panic)))
    };
    cases.iter().map(one).collect()
}

fn report(how: &str, outcomes: &[Outcome]) {
    let mut causes: BTreeMap<&'static str, usize> = BTreeMap::new();
    for outcome in outcomes {
        if let Outcome::Fail(cause, _) = outcome {
            *causes.entry(cause).or_default() += 1;
        }
    }
    let passed = outcomes.iter().filter(|o| **o == Outcome::Pass).count();
    println!("{how}: {passed} of {} cases pass; failures by cause: {causes:?}", outcomes.len());
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned()
}

fn outcome(case: &Case, level: Level) -> Outcome {
    let answer = answer(case, level);
    let (code, text) = (case.text("want_error_code"), case.text("want_error"));
    match (answer, code.is_some() || text.is_some()) {
        (Answer::Solutions(got), false) => compare(case, &got),
        (Answer::Solutions(got), true) => {
            Outcome::Fail("no error", format!("wanted {code:?} {text:?}, got {}", got.join(" ")))
        }
        (Answer::Errors(stage, errors), false) => Outcome::Fail(stage, format!("{errors:?}")),
        (Answer::Errors(_, errors), true) => {
            match code.is_none_or(|c| errors.iter().any(|(got, _)| *got == c)) {
                true => Outcome::Pass,
                false => Outcome::Fail(
                    "other error",
                    format!("got {errors:?}, wanted {:?}", case.text("want_error_code")),
                ),
            }
        }
    }
}

fn compare(case: &Case, got: &[String]) -> Outcome {
    let Some(want) = case.json("want_result") else { return Outcome::Pass };
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, govc_value::SymbolTable::empty());
    let read = |text: &str| json::read(heap, text.as_bytes(), &json::Limits::default());
    let (Ok(want_rows), Ok(got_rows)) = (read(want), read(&format!("[{}]", got.join(",")))) else {
        return Outcome::Fail("wrong result", "the result cannot be read".to_owned());
    };
    let rows = |value: Value<'_>| {
        let mut rows: Vec<String> = value.entries().map(|(_, row)| row_text(case, heap, row)).collect();
        rows.sort();
        rows
    };
    let (want, got) = (rows(want_rows), rows(got_rows));
    match want == got {
        true => Outcome::Pass,
        false => Outcome::Fail("wrong result", format!("got {}, wanted {}", got.join(" "), want.join(" "))),
    }
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

fn errors(stage: &'static str, diagnostics: &[Diagnostic]) -> Answer {
    let pairs = diagnostics.iter().map(|d| (d.opa_code.to_owned(), format!("{} {}", d.code, d.message)));
    Answer::Errors(stage, pairs.collect())
}

fn answer(case: &Case, level: Level) -> Answer {
    let version = if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
    let keywords: &[&str] = if case.flag("experimental_keywords") { &["and", "or", "not"] } else { &[] };
    let options = ParseOptions {
        version,
        keywords: keywords.iter().map(|k| (*k).to_owned()).collect(),
        ..ParseOptions::default()
    };
    let mut sources = Sources::default();
    let mut modules = Vec::new();
    for (i, text) in case.modules().into_iter().enumerate() {
        let file = sources.add(format!("test-{i}.rego"), text.clone());
        let parsed = govc_syntax::parse_module(file, &text, &options);
        if !parsed.diagnostics.is_empty() {
            return errors("parse", &parsed.diagnostics);
        }
        modules.push(parsed.tree);
    }
    let mut query = case.text("query").unwrap_or_default();
    if let Some(term) = case.text("input_term") {
        query = format!("{query} with input as {term}");
    }
    let file = sources.add("<query>", query.clone());
    let parsed = govc_syntax::parse_query(file, &query, &options);
    if !parsed.diagnostics.is_empty() {
        return errors("parse", &parsed.diagnostics);
    }
    let options = CheckOptions::default();
    let checked = govc_compile::check(&sources, &modules, &options);
    if !checked.is_ok() {
        return errors("check", &checked.diagnostics);
    }
    let wrapping_not = case.flag("experimental_keywords");
    let query = QueryOptions { wrapping_not, ..QueryOptions::default() };
    let query = match govc_compile::check_query(&checked, &parsed.tree, &options, &query) {
        Ok(query) => query,
        Err(diagnostics) => return errors("check", &diagnostics),
    };
    let request = PlanRequest { queries: vec![("query".to_owned(), query)], ..PlanRequest::default() };
    let mut policy = match govc_compile::plan(&checked.unit, &request) {
        Ok(policy) => policy,
        Err(diagnostics) => return errors("plan", &diagnostics),
    };
    govc_compile::opt::run(&mut policy, level);
    policy.files = sources.iter().map(|(_, s)| s.name.clone()).collect();
    match govc_compile::emit_located(&policy, &sources) {
        Ok(program) => run(case, program, matches!(level, Level::Full)),
        Err(error) => Answer::Errors("emit", vec![(String::new(), error.to_string())]),
    }
}

/// With machine code too, if wanted: it must give the same answer.
fn run(case: &Case, program: govc_bytecode::Program, machine_code: bool) -> Answer {
    let data: Vec<(Vec<String>, Vec<u8>)> =
        case.json("data").map(|text| (Vec::new(), text.as_bytes().to_vec())).into_iter().collect();
    let image = match Image::load(program, &data) {
        Ok(image) => image,
        Err(error) => return Answer::Errors("load", vec![(String::new(), error.to_string())]),
    };
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let mut input = Value::UNDEFINED;
    if case.has("input") && case.json("input_term").is_none() {
        let text = case.json("input").unwrap_or("null");
        match json::read(heap, text.as_bytes(), &json::Limits::default()) {
            Ok(value) => input = value,
            Err(error) => return Answer::Errors("input", vec![(String::new(), format!("{error:?}"))]),
        }
    }
    let Some(entrypoint) = image.entrypoint("query") else {
        return Answer::Errors("emit", vec![(String::new(), "no entrypoint".to_owned())]);
    };
    let builtin_errors =
        if case.flag("strict_error") { BuiltinErrors::Strict } else { BuiltinErrors::Undefined };
    let limits = Limits { fuel: 200_000_000, time: None, memory: 1 << 30 };
    let mut world = TestWorld { now: 1_700_000_000_000_000_000 };
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

/// A world with a clock and nothing else.
struct TestWorld {
    now: i64,
}

impl World for TestWorld {
    fn now_ns(&mut self) -> i64 {
        self.now
    }
    fn call<'q>(&mut self, name: &str, _: Heap<'q>, _: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
        Err(BuiltinError::Unsupported(name.to_owned()))
    }
    fn print(&mut self, _: &str, _: &str, _: u32) {}
}
