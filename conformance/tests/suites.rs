//! Two smaller suites of OPA: what its compiler says of unsafe variables, and what its WebAssembly once had to answer.

use govc_compile::CheckOptions;
use govc_compile::opt::Level;
use govc_conformance::cases::{self, Case};
use govc_conformance::front::{self, Answer};
use govc_conformance::{gaps, shared, skip};
use govc_syntax::{ParseOptions, RegoVersion, Sources, parse_module};
use serde::Deserialize;

#[test]
fn wasm() {
    let Some(folder) = shared("opa/cases-wasm") else { skip!("the reference data is not there") };
    let all = cases::load_version(&folder, "v0");
    let judged = gaps::judge("wasm", &all, true, wasm_case);
    println!("wasm: {} of {} pass", judged.passed, all.len());
    assert!(judged.untrue.is_empty(), "{:#?}", judged.untrue);
    assert_eq!((judged.missing.len(), all.len()), (0, 369), "{:#?}", judged.missing);
}

fn wasm_case(case: &Case, opa: Option<&str>) -> Result<(), String> {
    let plain = wasm_answer(case, opa, Level::None)?;
    let optimized = wasm_answer(case, opa, Level::Full)?;
    if plain == optimized { Ok(()) } else { Err(format!("{plain:?}, optimized {optimized:?}")) }
}

fn wasm_answer(case: &Case, opa: Option<&str>, level: Level) -> Result<Answer, String> {
    // A query of one expression may be false in OPA's command line; here it then has no solution.
    let query = format!("{}; true", case.text("query").unwrap_or_default().trim_end());
    let answer = front::answer_to(case, &query, level);
    // What opa answers is a list of solutions, or the text of an error.
    let outdated = opa.filter(|opa| !opa.starts_with('[')).map(str::to_owned);
    let wanted_error = outdated.or(case.text("want_error"));
    match (&answer, wanted_error) {
        (Answer::Errors(_, errors), Some(text)) if errors.iter().any(|(_, got)| got.contains(&text)) => {}
        (Answer::Errors(stage, errors), wanted) => {
            return Err(format!("{stage}: {errors:?}, wanted {wanted:?}"));
        }
        (Answer::Solutions(got), Some(text)) => return Err(format!("{got:?}, wanted the error {text}")),
        (Answer::Solutions(got), None) => {
            if let Some(wanted) = opa.or(case.json("want_result")) {
                front::compare(case, wanted, got)?;
            }
            if case.json("want_defined").is_some_and(|wanted| (wanted == "true") == got.is_empty()) {
                return Err(format!("{} solutions", got.len()));
            }
        }
    }
    Ok(answer)
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    row: usize,
    col: usize,
    code: String,
    message: String,
}

#[test]
fn compile() {
    let Some(folder) = shared("opa/cases-compile") else { skip!("the reference data is not there") };
    let all = cases::load(&folder);
    let judged = gaps::judge("compile", &all, true, |case, _| compile_case(case));
    println!("compile: {} of {} pass", judged.passed, all.len());
    assert!(judged.untrue.is_empty(), "{:#?}", judged.untrue);
    assert_eq!((judged.missing.len(), all.len()), (0, 14), "{:#?}", judged.missing);
}

fn compile_case(case: &Case) -> Result<(), String> {
    let v0 = case.version == "v0" || case.json("rego_version") == Some("0");
    let version = if v0 { RegoVersion::V0 } else { RegoVersion::V1 };
    let options = ParseOptions { version, ..ParseOptions::default() };
    let (mut sources, mut modules) = (Sources::default(), Vec::new());
    for (at, text) in case.modules().into_iter().enumerate() {
        let file = sources.add(format!("test-{at}.rego"), text.clone());
        let parsed = parse_module(file, &text, &options);
        if let Some(first) = parsed.diagnostics.first() {
            return Err(format!("is not parsed: {}", first.message));
        }
        modules.push(parsed.tree);
    }
    let check = CheckOptions { print: case.flag("print_statements"), ..CheckOptions::default() };
    let checked = govc_compile::check(&sources, &modules, &check);
    let mut found: Vec<Finding> = checked
        .diagnostics
        .iter()
        .map(|d| {
            let (row, col) = sources.position(d.span);
            Finding { row, col, code: d.opa_code.to_owned(), message: d.message.clone() }
        })
        .collect();
    found.sort();
    let wanted = case.json("want_errors").unwrap_or("[]");
    let mut wanted: Vec<Finding> = serde_json::from_str(wanted).map_err(|e| e.to_string())?;
    wanted.sort();
    let all_found = wanted.iter().all(|one| found.contains(one));
    let fits = if case.flag("exhaustive") { found == wanted } else { all_found };
    if fits { Ok(()) } else { Err(format!("found {found:#?}, wanted {wanted:#?}")) }
}
