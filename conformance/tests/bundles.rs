//! The bundles that the runtime's tests load are those that the sources give, byte for byte.
//!
//! `GOVC_UPDATE=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_conformance::fixtures::Fixture;
use govc_conformance::repository;
use serde_json::json;
use std::fs;

const VERDICTS: &[&str] = &[
    "yes",
    "no",
    "maybe",
    "number",
    "text",
    "empty",
    "says",
    "allow",
    "deny",
    "objects",
    "approve",
    "lower",
    "spelled",
    "unknown",
    "contradicts",
    "disagrees",
    "text_allow",
    "null_allow",
    "conflict",
    "endless",
    "large",
    "echo",
    "now",
    "dice",
    "limit",
    "printed",
];

fn check(name: &str, fixture: &Fixture) {
    let path = repository().join("runtime/engine/tests/bundles").join(format!("{name}.tar.gz"));
    let made = fixture.bundle();
    if std::env::var_os("GOVC_UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read(&path).unwrap_or_default();
    assert!(kept == made, "{} is not what the sources give; run with GOVC_UPDATE=1", path.display());
}

#[test]
fn promotion() {
    check(
        "agent-promotion",
        &Fixture::example(&repository().join("examples/agent-promotion"), "promotion/result"),
    );
}

#[test]
fn library_of_promotion() {
    let source = repository().join("stdlib/rego/promotion/promotion.rego");
    let mut fixture = Fixture::default();
    fixture.sources.insert("promotion.rego".to_owned(), fs::read_to_string(source).unwrap());
    fixture.entrypoints = vec!["govc/promotion/result".to_owned()];
    check("promotion-library", &fixture);
}

#[test]
fn tool_access() {
    check("tool-access", &Fixture::example(&repository().join("examples/tool-access"), "access/result"));
}

#[test]
fn verdicts() {
    let source = repository().join("runtime/engine/tests/policies/verdicts.rego");
    let mut fixture = Fixture::default();
    fixture.sources.insert("verdicts.rego".to_owned(), fs::read_to_string(source).unwrap());
    fixture.data.insert("limits".to_owned(), json!({"max": 3}));
    fixture.entrypoints = VERDICTS.iter().map(|name| format!("verdicts/{name}")).collect();
    check("verdicts", &fixture);
}
