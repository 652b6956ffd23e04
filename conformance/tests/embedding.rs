//! What an embedder gets: one crate with few dependencies, and a service that is built on it alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_conformance::fixtures::Fixture;
use govc_conformance::repository;
use govc_engine::{Effect, Engine, FunctionError, HostError, HostFunctions, Query, Scratch, Trust};
use serde_json::json;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::process::Command;

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Names of all crates that a package is built with, without those of its tests.
fn tree(package: &str) -> BTreeSet<String> {
    let output = cargo()
        .current_dir(repository())
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "-p",
            package,
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// An async runtime, HTTP, a command line, a compiler.
const UNWANTED: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "futures",
    "hyper",
    "h2",
    "reqwest",
    "ureq",
    "axum",
    "tower",
    "rustls",
    "clap",
    "lalrpop",
    "lalrpop-util",
    "logos",
    "codespan-reporting",
    "tower-lsp-server",
    "regorus",
    "cranelift-jit",
    "govc-syntax",
    "govc-compile",
    "govc-cli",
    "govc-lsp",
    "govc-governance",
];

#[test]
fn the_engine_brings_no_runtime_no_http_no_compiler() {
    let tree = tree("govc-engine");
    assert!(tree.contains("govc-vm") && tree.contains("sha2"), "{tree:?}");
    let found: Vec<&&str> = UNWANTED.iter().filter(|name| tree.contains(**name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn governance_brings_no_compiler_either() {
    let tree = tree("govc-governance");
    assert!(tree.contains("govc-engine"));
    assert!(
        !tree
            .iter()
            .any(|name| ["govc-syntax", "govc-compile", "clap", "tokio", "hyper"].contains(&name.as_str()))
    );
}

/// The example is a package outside the workspace, so its own tests are run here.
#[test]
fn the_embedded_service_passes_its_tests() {
    let folder = repository().join("examples/embedded-service");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split('[').next().unwrap();
    let names: Vec<&str> =
        dependencies.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert_eq!(names, ["govc-engine"], "it shows that one crate is enough");
    let lines = std::fs::read_to_string(folder.join("src/main.rs")).unwrap().lines().count();
    assert!(lines <= 60, "main has {lines} lines");
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let output = cargo()
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", target)
        .args(["test", "--quiet"])
        .output()
        .unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{text}");
}

/// Two builtins of a host: one fails for some arguments, one has none.
fn declarations() -> serde_json::Value {
    let text = json!({"type": "string"});
    json!({"builtins": [
        {"name": "geo.country", "decl": {"type": "function", "args": [text], "result": text}},
        {"name": "site.name", "decl": {"type": "function", "args": [], "result": text}},
    ]})
}

fn declared() -> HostFunctions {
    HostFunctions::new().declared(declarations().to_string().as_bytes()).unwrap()
}

/// Declared once, a builtin is known to the compiler and performed by a function of the service.
#[test]
fn an_embedder_performs_builtins_of_its_own() {
    let policy = "package access\n\ndefault allow := false\n\n\
        allow if {\n\tgeo.country(input.address) == \"NL\"\n\tsite.name() == \"harbour\"\n}\n\n\
        mocked := r if r := allow with geo.country as \"NL\" with site.name as \"harbour\"\n";
    let fixture = Fixture {
        sources: [("access.rego".to_owned(), policy.to_owned())].into(),
        entrypoints: vec!["access/allow".to_owned(), "access/mocked".to_owned()],
        declarations: Some(declarations()),
        ..Fixture::default()
    };
    let policy = Engine::load(&fixture.bundle(), &Trust::unsigned()).unwrap();
    let countries = HashMap::from([("192.0.2.1".to_owned(), "NL"), ("192.0.2.2".to_owned(), "SE")]);
    let host = declared()
        .function("geo.country", move |(address,): (String,)| {
            countries.get(&address).copied().ok_or_else(|| HostError::Failed("unknown address".to_owned()))
        })
        .and_then(|host| host.function("site.name", |(): ()| Ok("harbour")))
        .and_then(HostFunctions::complete)
        .unwrap();
    let decide = |entrypoint: &str, address: serde_json::Value| {
        let input = json!({ "address": address });
        let decision = policy.decide(&mut Scratch::new(), &Query::new(entrypoint).input(&input).host(&host));
        (decision.effect(), decision.answers().get("geo.country", &format!("[{address}]")).map(str::to_owned))
    };
    assert_eq!(decide("access/allow", json!("192.0.2.1")), (Effect::Allow, Some("\"NL\"".to_owned())));
    assert_eq!(decide("access/allow", json!("192.0.2.2")), (Effect::Deny, Some("\"SE\"".to_owned())));
    assert_eq!(decide("access/allow", json!("nowhere")), (Effect::Deny, None), "a failing call is undefined");
    assert_eq!(decide("access/allow", json!(7)), (Effect::Deny, None), "so is one with a wrong type");
    assert_eq!(decide("access/mocked", json!("nowhere")), (Effect::Allow, None));
    let sealed =
        policy.decide(&mut Scratch::new(), &Query::new("access/allow").input(&json!({"address": "a"})));
    assert_eq!(sealed.effect(), Effect::Deny);
    assert!(sealed.error().is_some(), "without the host there is no answer, only an error");
}

#[test]
fn functions_are_held_to_their_declarations() {
    let country = |(_,): (String,)| Ok("NL");
    let refused = |host: Result<HostFunctions, FunctionError>| host.expect_err("refused");
    assert_eq!(
        refused(declared().function("geo.city", country)),
        FunctionError::Undeclared("geo.city".to_owned())
    );
    let twice = declared().function("geo.country", country).and_then(|h| h.function("geo.country", country));
    assert_eq!(refused(twice), FunctionError::Twice("geo.country".to_owned()));
    assert_eq!(
        refused(HostFunctions::new().function("count", country)),
        FunctionError::Twice("count".to_owned())
    );
    let incomplete = declared().function("geo.country", country).and_then(HostFunctions::complete);
    assert_eq!(refused(incomplete), FunctionError::Missing(vec!["site.name".to_owned()]));
    for nonsense in
        ["", "[]", "{}", r#"{"builtins": [{}]}"#, r#"{"builtins": [{"name": "a", "decl": {"type": "any"}}]}"#]
    {
        let error = refused(HostFunctions::new().declared(nonsense.as_bytes()));
        assert!(matches!(error, FunctionError::Declarations(_)), "{nonsense}: {error}");
    }
}
