//! OPA's cases through the front end alone: what OPA refuses is refused with its code and text, and all
//! else is lowered to HIR. Nothing is evaluated.

use govc_compile::{CheckOptions, QueryOptions, check, check_query};
use govc_conformance::cases::{Case, load};
use govc_conformance::shared;
use govc_syntax::{Diagnostic, ParseOptions, RegoVersion, Sources, ast, parse_module, parse_query};

/// Findings on modules and query, in order; empty where both are accepted.
fn findings(case: &Case) -> Vec<Diagnostic> {
    let version = if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
    let options = ParseOptions { version, ..ParseOptions::default() };
    let mut sources = Sources::default();
    let mut modules: Vec<ast::Module> = Vec::new();
    for (i, text) in case.modules().iter().enumerate() {
        let file = sources.add(format!("test-{i}.rego"), text.clone());
        let parsed = parse_module(file, text, &options);
        if !parsed.diagnostics.is_empty() {
            return parsed.diagnostics;
        }
        modules.push(parsed.tree);
    }
    let options_of_check = CheckOptions::default();
    let checked = check(&sources, &modules, &options_of_check);
    if !checked.is_ok() {
        return checked.diagnostics;
    }
    let Some(text) = case.text("query") else { return Vec::new() };
    let file = sources.add("query", text.clone());
    let parsed = parse_query(file, &text, &options);
    if !parsed.diagnostics.is_empty() {
        return parsed.diagnostics;
    }
    match check_query(&checked, &parsed.tree, &options_of_check, &QueryOptions::default()) {
        Ok(_) => Vec::new(),
        Err(found) => found,
    }
}

/// Why a case fails here.
fn failure(case: &Case) -> Option<String> {
    let wanted = case.text("want_error_code").filter(|code| code.starts_with("rego_"));
    let found = findings(case);
    let Some(code) = wanted else {
        let first = found.first()?;
        return Some(format!("refused: {}: {}", first.opa_code, first.message));
    };
    if !found.iter().any(|d| d.opa_code == code) {
        return Some(format!("wanted {code}, found {:?}", found.first().map(|d| (d.opa_code, &d.message))));
    }
    let text = case.text("want_error").unwrap_or_default();
    let text = text.rsplit("_error: ").next().unwrap_or_default();
    let given: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
    (!given.join("\n").contains(text)).then(|| format!("wanted {text:?}, found {given:?}"))
}

#[test]
fn opa_cases_are_accepted_or_refused_as_by_opa() {
    let Some(folder) = shared("opa/cases") else {
        println!("skipped: OPA's cases are not here");
        return;
    };
    let cases: Vec<Case> = load(&folder).into_iter().filter(|c| !c.flag("experimental_keywords")).collect();
    let filter = std::env::var("GOVC_CASES").unwrap_or_default();
    let mut failures = Vec::new();
    for case in cases.iter().filter(|c| c.name.contains(&filter)) {
        let result = std::panic::catch_unwind(|| failure(case)).unwrap_or(Some("panic".to_owned()));
        if let Some(why) = result {
            failures.push(format!("{} {}: {why}", case.version, case.name));
        }
    }
    println!("{}", failures.join("\n"));
    println!("{} of {} cases as OPA", cases.len() - failures.len(), cases.len());
    assert!(failures.len() <= 2, "{} cases differ", failures.len());
}
