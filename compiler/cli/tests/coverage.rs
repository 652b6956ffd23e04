//! `govc test --coverage` beside `opa test --coverage`: the same lines, and the same places that are not covered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Output};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/coverage");

fn test(program: &str, flags: &[&str]) -> Output {
    Command::new(program).arg("test").args(flags).arg(".").current_dir(FOLDER).output().unwrap()
}

/// The real `opa`, from the path or from where Go installs it.
fn opa() -> Option<String> {
    let installed = std::env::var("HOME").map(|home| format!("{home}/go/bin/opa")).unwrap_or_default();
    let known = ["opa".to_owned(), installed];
    known.into_iter().find(|opa| Command::new(opa).arg("version").output().is_ok())
}

fn govc(flags: &[&str]) -> Output {
    test(env!("CARGO_BIN_EXE_govc"), flags)
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// Rows that the ranges of a list touch.
fn rows(ranges: &Value) -> BTreeSet<u64> {
    let row = |range: &Value, end: &str| range[end]["row"].as_u64().unwrap();
    let ranges = ranges.as_array().map(Vec::as_slice).unwrap_or_default();
    ranges.iter().flat_map(|range| row(range, "start")..=row(range, "end")).collect()
}

#[test]
fn reports_what_opa_reports() {
    let Some(opa) = opa() else { return eprintln!("skipped: there is no `opa` on the path") };
    for runs in ["index_excluded,early_exit", "index_excluded"] {
        let flags = ["--coverage", "--coverage-runs", runs];
        let (ours, theirs) = (report(&govc(&flags)), report(&test(&opa, &flags)));
        for total in ["covered_lines", "not_covered_lines", "coverage"] {
            assert_eq!(ours[total], theirs[total], "{total}");
        }
        let files = theirs["files"].as_object().unwrap();
        assert_eq!(files.len(), 2);
        for (name, theirs) in files {
            let ours = &ours["files"][name];
            assert_eq!(ours["not_covered"], theirs["not_covered"], "{name}");
            assert_eq!(rows(&ours["covered"]), rows(&theirs["covered"]), "{name}");
            assert_eq!(ours["coverage"], theirs["coverage"], "{name}");
        }
    }
}

#[test]
fn evaluation_reports_it_too() {
    let query = r#"data.access.allow with input as {"role": "editor"}"#;
    let eval = |program: &str| {
        let arguments = ["eval", "--coverage", "-d", "access.rego", query];
        report(&Command::new(program).args(arguments).current_dir(FOLDER).output().unwrap())
    };
    let ours = eval(env!("CARGO_BIN_EXE_govc"));
    assert_eq!(ours["result"][0]["expressions"][0]["value"], false);
    let Some(opa) = opa() else { return eprintln!("skipped: there is no `opa` on the path") };
    let theirs = eval(&opa);
    let file = |report: &Value| report["coverage"]["files"]["access.rego"]["not_covered"].clone();
    assert_eq!(file(&ours), file(&theirs));
    assert_eq!(ours["coverage"]["coverage"], theirs["coverage"]["coverage"]);
}

#[test]
fn refuses_what_is_below_the_threshold() {
    let low = govc(&["--threshold", "99", "--verbose"]);
    assert_eq!(low.status.code(), Some(2));
    let text = String::from_utf8(low.stderr).unwrap();
    assert!(text.starts_with("Code coverage threshold not met: got "), "{text}");
    assert!(text.contains("access.rego:44-46"), "{text}");
    assert_eq!(govc(&["--threshold", "50"]).status.code(), Some(0));
    assert_eq!(govc(&["--threshold", "101"]).status.code(), Some(1));
}
