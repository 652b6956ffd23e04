//! What an embedder gets: one crate with few dependencies, and a service that is built on it alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_conformance::fixtures::Fixture;
use govc_conformance::{govc, repository};
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
        .args(["test", "--quiet", "--locked"])
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

/// Builds a bundle of one policy with the command.
fn built(policy: &str, flags: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.rego"), policy).unwrap();
    let mut build = Command::new(govc());
    build.current_dir(folder.path()).args(["build", "a.rego", "-e", "a/allow", "-e", "a/other"]);
    let output = build.args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    std::fs::read(folder.path().join("bundle.tar.gz")).unwrap()
}

const POLICY: &str = r#"package a

allow if {
	input.role == "admin"
	rand.intn("x", 1000) >= 0
}

allow if trusted

trusted if input.trusted

default other := 1

other := 2 if input.role == "admin"
"#;

#[test]
fn an_embedder_learns_which_rules_fired_and_which_would_have_had_to() {
    let policy = Engine::load(&built(POLICY, &["--explain"]), &Trust::unsigned()).unwrap();
    assert!(policy.tells());
    let host = govc_engine::SystemHost::new().with_clock().with_randomness();
    let mut scratch = Scratch::new();
    let mut ask = |entrypoint: &str, input: &str| {
        let query = Query::new(entrypoint).input_json(input.as_bytes()).host(&host);
        let quiet = policy.decide(&mut scratch, &query);
        assert!(quiet.rules().is_none() && !quiet.to_json().contains("\"rules\""), "only on request");
        let told = policy.decide(&mut scratch, &query.telling_rules());
        assert_eq!((told.effect(), told.result()), (quiet.effect(), quiet.result()));
        let rules = told.rules().unwrap().unwrap().clone();
        assert!(told.to_json().ends_with(&format!("\"rules\":{}}}", serde_json::to_string(&rules).unwrap())));
        let names = |rules: &[govc_engine::ToldRule]| {
            rules.iter().map(|rule| format!("{} {}", rule.rule, rule.at)).collect::<Vec<_>>().join(", ")
        };
        (names(&rules.fired), names(&rules.not_fired))
    };
    let rows = |fired: &str, not: &str| (fired.to_owned(), not.to_owned());
    let (one, two, trusted) = ("a.allow a.rego:3", "a.allow a.rego:8", "a.trusted a.rego:10");
    assert_eq!(ask("a/allow", r#"{"role": "admin"}"#), rows(one, &format!("{two}, {trusted}")));
    assert_eq!(ask("a/allow", r#"{"trusted": true}"#), rows(&format!("{two}, {trusted}"), one));
    assert_eq!(ask("a/allow", "{}"), rows("", &format!("{one}, {two}, {trusted}")));
    // Rules that the entrypoint cannot ask are not told.
    assert_eq!(ask("a/other", r#"{"role": "admin"}"#), rows("a.other a.rego:14", ""));
    assert_eq!(ask("a/other", "{}"), rows("", "a.other a.rego:14"));
}

#[test]
fn what_cannot_be_told_changes_no_decision() {
    let ask = |bundle: &[u8]| {
        let policy = Engine::load(bundle, &Trust::unsigned()).unwrap();
        let query = Query::new("a/allow").input_json(br#"{"trusted": true}"#).telling_rules();
        let decision = policy.decide(&mut Scratch::new(), &query);
        assert_eq!(decision.effect(), Effect::Allow);
        decision.rules().unwrap().map(|_| "").map_err(|error| error.code().to_owned())
    };
    let telling = built(POLICY, &["--explain"]);
    assert_eq!(ask(&telling), Ok(""));
    assert_eq!(built(POLICY, &["--explain"]), telling, "the same sources, the same bytes");
    assert_eq!(ask(&built(POLICY, &[])), Err("govc_decide_untold".to_owned()));
    // Another program tells: its rules are not those of the decision.
    let other = built(&POLICY.replace("if input.trusted", "if input.nobody"), &["--explain"]);
    let other = govc_engine::Bundle::open(&other, &Trust::unsigned()).unwrap();
    let opened = govc_engine::Bundle::open(&telling, &Trust::unsigned()).unwrap();
    let mut spec = govc_engine::BundleSpec::default();
    spec.program = opened.program().map(<[u8]>::to_vec);
    for name in ["explain.govc", "explain.json"] {
        spec.extra.insert(name.to_owned(), other.file(name).unwrap().to_vec());
    }
    assert_eq!(ask(&govc_engine::build_bundle(&spec).unwrap()), Err("govc_decide_sources".to_owned()));
    // What is no program at all is refused with the bundle.
    spec.extra.insert("explain.govc".to_owned(), b"no program".to_vec());
    let bundle = govc_engine::build_bundle(&spec).unwrap();
    assert!(Engine::load(&bundle, &Trust::unsigned()).is_err());
}
