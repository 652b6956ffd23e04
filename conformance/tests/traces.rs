//! Our traces and profiles beside opa's: the same events in the same order at the same places, and the same
//! counts. Programs lie in `traces`; each names its queries and its input. Numbers of generated variables may
//! differ.

use govc_compile::{CheckOptions, QueryOptions, rewritten};
use govc_conformance::world::SuiteWorld;
use govc_conformance::{opa, repository, skip};
use govc_syntax::{ParseOptions, Sources, parse_module, parse_query};
use govc_topdown::{Explain, Outcome, Request, Watch};
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use std::path::Path;
use std::process::Command;

/// A program with what is asked of it.
struct Program {
    text: String,
    queries: Vec<String>,
    input: String,
}

fn read(file: &Path) -> Program {
    let text = std::fs::read_to_string(file).expect("the program can be read");
    let header = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(&format!("# {name}: ")));
        line.unwrap_or_default().to_owned()
    };
    Program {
        queries: header("queries").split("; ").map(str::to_owned).collect(),
        input: header("input"),
        text: text.clone(),
    }
}

fn ours(program: &Program, query: &str, watch: Watch) -> Outcome {
    let mut sources = Sources::default();
    let file = sources.add("p.rego", &program.text);
    let module = parse_module(file, &program.text, &ParseOptions::default());
    assert!(module.diagnostics.is_empty(), "{:?}", module.diagnostics);
    let file = sources.add("", query);
    let body = parse_query(file, query, &ParseOptions::default());
    assert!(body.diagnostics.is_empty(), "{:?}", body.diagnostics);
    let options = CheckOptions { print: true, ..CheckOptions::default() };
    let checked = govc_compile::check(&sources, &[module.tree], &options);
    assert!(checked.is_ok(), "{:?}", checked.diagnostics);
    let query = rewritten::rewrite_query(&checked, &body.tree, &options, &QueryOptions::default(), true)
        .expect("the query is sound");
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let input = json::read(heap, program.input.as_bytes(), &json::Limits::default()).expect("JSON");
    let mut world = SuiteWorld::default();
    let request = Request {
        checked: &checked,
        options: &options,
        query: &query,
        data: heap.object(&mut Vec::<(Value<'_>, Value<'_>)>::new()),
        input: Some(input),
        world: &mut world,
        fuel: 1_000_000,
        time: None,
        memory: 1 << 30,
    };
    govc_topdown::eval_watched(request, watch, &sources)
}

fn opas(opa: &Path, folder: &Path, program: &Program, query: &str, flags: &[&str]) -> String {
    std::fs::write(folder.join("p.rego"), &program.text).expect("the folder can be written to");
    std::fs::write(folder.join("input.json"), &program.input).expect("the folder can be written to");
    let output = Command::new(opa)
        .current_dir(folder)
        .args(["eval", "-d", "p.rego", "-i", "input.json"])
        .args(flags)
        .arg(query)
        .output()
        .expect("opa runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A line without the numbers of generated variables and the width of columns.
fn masked(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("__local") {
        out.push_str(&rest[..at]);
        out.push_str("__local");
        rest = rest[at + 7..].trim_start_matches('q').trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out.push_str(rest);
    // Several generated variables are sorted by their numbers.
    if out.matches("__local__: ").count() > 1
        && let Some(at) = out.rfind("{__local__: ")
    {
        out.truncate(at);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn events(text: &str) -> Vec<String> {
    let is_event = |l: &&str| l.starts_with("query:") || l.starts_with("p.rego:");
    text.lines().filter(is_event).map(masked).collect()
}

fn programs() -> Vec<Program> {
    let folder = repository().join("conformance/traces");
    govc_conformance::cases::files(&folder, &["rego"]).iter().map(|f| read(f)).collect()
}

#[test]
fn events_are_those_of_opa() {
    let Some(opa) = opa() else { skip!("no opa") };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let modes = [("full", Explain::Full), ("fails", Explain::Fails), ("notes", Explain::Notes)];
    let mut count = 0;
    for program in programs() {
        for query in &program.queries {
            for (name, explain) in modes {
                let watch = Watch { explain: Some(explain), values: true, ..Watch::default() };
                let flags = ["--explain", name, "--var-values", "-f", "pretty"];
                let want = events(&opas(&opa, folder.path(), &program, query, &flags));
                let got = events(&ours(&program, query, watch).trace);
                let differ = want.iter().zip(&got).position(|(a, b)| a != b);
                assert_eq!(want, got, "`{query}` {name}, first at {differ:?}");
                count += got.len();
            }
        }
    }
    println!("{count} events as opa's");
}

#[test]
fn profiles_are_those_of_opa() {
    let Some(opa) = opa() else { skip!("no opa") };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut count = 0;
    for program in programs() {
        for query in &program.queries {
            let flags = ["--profile", "--profile-limit", "0", "-f", "json"];
            let text = opas(&opa, folder.path(), &program, query, &flags);
            let json: serde_json::Value = serde_json::from_str(&text).expect("opa prints JSON");
            let line = |l: &serde_json::Value| {
                let number = |name: &str| l[name].as_u64().unwrap_or_default();
                let place = &l["location"];
                let row = place["row"].as_u64().unwrap_or_default();
                let file = place["file"].as_str().unwrap_or_default().to_owned();
                (file, row, number("num_eval"), number("num_redo"), number("num_gen_expr"))
            };
            let mut want: Vec<_> = json["profile"].as_array().into_iter().flatten().map(line).collect();
            want.sort();
            let watch = Watch { profile: true, ..Watch::default() };
            let got = ours(&program, query, watch).profile;
            let own = |l: &govc_topdown::LineProfile| {
                (l.file.clone(), l.row as u64, l.num_eval, l.num_redo, l.num_gen_expr)
            };
            let mut got: Vec<_> = got.iter().map(own).collect();
            got.sort();
            assert_eq!(want, got, "`{query}`");
            count += got.len();
        }
    }
    println!("{count} lines of profiles as opa's");
}
