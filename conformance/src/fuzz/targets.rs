//! What reads bytes that others made, each as one function that must neither panic nor hang: for coverage-guided
//! fuzzing (`conformance/fuzz`), for `hostile`, which changes good bytes at random, and for the test of what was found.

use crate::pipeline::{StillWorld, compile};
use crate::plan;
use govc_compile::ir::{PlanJson, to_plan_json};
use govc_compile::opt::Level;
use govc_engine::{Bundle, BundleSpec, Trust, build_bundle};
use govc_syntax::lex::lex;
use govc_syntax::{FileId, ParseOptions, RegoVersion, parse_module, parse_query};
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};

/// A reader of bytes and good examples of them.
pub struct Target {
    /// Its name, which is also that of its fuzz target.
    pub name: &'static str,
    /// Reads bytes.
    pub read: fn(&[u8]),
    /// Good bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All readers.
pub const ALL: [Target; 6] = [
    Target { name: "lexer", read: lexer, seeds: modules },
    Target { name: "parser", read: parser, seeds: modules },
    Target { name: "json", read: json_reader, seeds: documents },
    Target { name: "bundle", read: bundle, seeds: bundles },
    Target { name: "plan", read: plan_loader, seeds: plans },
    Target { name: "bytecode", read: bytecode, seeds: programs },
];

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes)
        .unwrap_or_else(|e| std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or(""))
}

/// Words of a module.
pub fn lexer(bytes: &[u8]) {
    let tokens = lex(FileId(0), text(bytes), false).tokens;
    assert!(tokens.iter().all(|t| t.start <= t.end && t.end as usize <= bytes.len()));
}

/// A module in both versions, and a query.
pub fn parser(bytes: &[u8]) {
    for version in [RegoVersion::V0, RegoVersion::V1] {
        let options = ParseOptions { version, ..ParseOptions::default() };
        drop(parse_module(FileId(0), text(bytes), &options));
        drop(parse_query(FileId(0), text(bytes), &options));
    }
}

/// A JSON document; what is read is written and read again.
pub fn json_reader(bytes: &[u8]) {
    let arena = Arena::new(1 << 26);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let Ok(value) = json::read(heap, bytes, &json::Limits::default()) else { return };
    let written = json::to_string(value);
    let again = json::read(heap, written.as_bytes(), &json::Limits::default());
    assert!(again.is_ok_and(|again| again == value), "{written}");
}

/// A bundle, unsigned.
pub fn bundle(bytes: &[u8]) {
    // Most bundles are refused; only how matters here.
    let _ = Bundle::open(bytes, &Trust::unsigned());
}

/// A plan of OPA.
pub fn plan_loader(bytes: &[u8]) {
    let Ok(mut policy) = plan::read(text(bytes)) else { return };
    govc_compile::opt::run(&mut policy, Level::Full);
    if let Ok(program) = govc_compile::emit(&policy) {
        run(program);
    }
}

/// A compiled program; what the verifier accepts is run.
pub fn bytecode(bytes: &[u8]) {
    if let Ok(program) = govc_bytecode::decode(bytes) {
        run(program);
    }
}

fn run(program: govc_bytecode::Program) {
    let names: Vec<String> = program.entrypoints.iter().map(|e| e.name.clone()).collect();
    let Ok(image) = Image::load(program, &[]) else { return };
    for entrypoint in names.iter().filter_map(|name| image.entrypoint(name)) {
        let arena = Arena::new(1 << 24);
        let query = Query {
            entrypoint,
            input: Value::null(),
            world: &mut StillWorld,
            limits: Limits { fuel: 20_000, time: None, memory: 1 << 24 },
            builtin_errors: BuiltinErrors::Undefined,
            recorded: None,
        };
        // Any answer and any error will do.
        let _ = govc_vm::run(&image, &mut Scratch::default(), &arena, query);
    }
}

fn modules() -> Vec<Vec<u8>> {
    let files = crate::cases::files(&crate::repository().join("conformance/tests/found"), &["rego"]);
    files.iter().filter_map(|file| std::fs::read(file).ok()).collect()
}

fn documents() -> Vec<Vec<u8>> {
    let base = super::grammar::Base::new(&mut super::Random::new(1));
    let edges = r#"{"a": [1, -0.5, 1e3, "\u00e9\ud83d\ude00\n", null, true, {}], "": 123456789012345678901234567890}"#;
    vec![base.data.as_bytes().to_vec(), base.input.into_bytes(), edges.as_bytes().to_vec()]
}

const MODULE: &str = "package t\n\nimport rego.v1\n\np contains [k, v] if { some k, v in input; not q[k] == v }\n\n\
    q[k] := count(v) if some k, v in data.t.r\n\nr := {\"a\": [1, 2], \"b\": upper(\"x\")}\n\n\
    f(x) := 1 if x > 2 else := [y | y := x + 1]\n\ns := [f(3), f(input), every_one] \n\n\
    every_one if every x in [1, 2] { x > 0 }\n\nd := x if x := r with input as 3\n";

fn programs() -> Vec<Vec<u8>> {
    let entrypoints = ["t/p", "t/q", "t/r", "t/s", "t/d"];
    let levels = [Level::None, Level::Full].into_iter();
    levels
        .filter_map(|level| compile(&[("t.rego", MODULE)], RegoVersion::V1, &entrypoints, level).ok())
        .map(|program| govc_bytecode::encode(&program))
        .collect()
}

fn plans() -> Vec<Vec<u8>> {
    let plan = crate::pipeline::plan(&[("t.rego", MODULE)], RegoVersion::V1, &["t/p", "t/s"]);
    let given = PlanJson { declaration: &|_| serde_json::Value::Null, place: &|_| None };
    let json = plan.ok().and_then(|policy| to_plan_json(&policy, &given).ok());
    json.map(|json| json.to_string().into_bytes()).into_iter().collect()
}

fn bundles() -> Vec<Vec<u8>> {
    let mut spec = BundleSpec::default();
    spec.sources.insert("t/policy.rego".to_owned(), MODULE.as_bytes().to_vec());
    spec.data = Some(b"{\"a\": 1}".to_vec());
    build_bundle(&spec).into_iter().collect()
}
