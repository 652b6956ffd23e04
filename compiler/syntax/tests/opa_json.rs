//! Compares our JSON of modules with that of `opa parse`.

use std::path::{Path, PathBuf};
use std::process::Command;

use govc_syntax::opa_json::{JsonOptions, to_json};
use govc_syntax::{FileId, ParseOptions, RegoVersion, parse_module};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("GOVC_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    [named, Some(beside)].into_iter().flatten().find(|p| p.join("opa/cases").is_dir())
}

fn files(root: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
}

/// Every `step`-th module of the cases and all policies, without metadata, which another crate reads.
fn texts(v0: bool, step: usize) -> Vec<String> {
    let folder = if v0 { "v0" } else { "v1" };
    let mut policies = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies"), "rego", &mut policies);
    let is_v0 = |p: &PathBuf| p.iter().any(|s| s == "v0");
    let mut texts: Vec<String> = policies
        .iter()
        .filter(|p| is_v0(p) == v0)
        .map(|p| std::fs::read_to_string(p).expect("readable"))
        .collect();
    let mut cases = Vec::new();
    if let Some(shared) = shared() {
        files(&shared.join("opa/cases").join(folder), "yaml", &mut cases);
    }
    for path in cases.iter().step_by(step) {
        let text = std::fs::read_to_string(path).expect("readable");
        let document: Value = yaml_serde::from_str(&text).expect("a case file is YAML");
        for case in document["cases"].as_array().into_iter().flatten() {
            let modules = case["modules"].as_array().into_iter().flatten();
            texts.extend(modules.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    texts.retain(|t| !t.contains("METADATA"));
    texts
}

fn opa_parse(file: &Path, v0: bool, locations: bool) -> Option<String> {
    let mut command = Command::new("opa");
    command.args(["parse", "--format", "json"]);
    if locations {
        command.args(["--json-include", "locations,comments"]);
    }
    if v0 {
        command.arg("--v0-compatible");
    }
    let output = command.arg(file).output().ok()?;
    Some(if output.status.success() {
        String::from_utf8_lossy(&output.stdout).into_owned()
    } else {
        String::new()
    })
}

fn difference(ours: &str, theirs: &str) -> String {
    let row = ours.lines().zip(theirs.lines()).position(|(a, b)| a != b).unwrap_or(0);
    let part = |t: &str| {
        t.lines().skip(row.saturating_sub(6)).take(12).map(|l| format!("    {l}\n")).collect::<String>()
    };
    format!("  ours (line {row}):\n{}  theirs:\n{}", part(ours), part(theirs))
}

#[test]
fn prints_what_opa_parse_prints() {
    let step = std::env::var("GOVC_JSON_STEP").ok().and_then(|s| s.parse().ok()).unwrap_or(40);
    let file = std::env::temp_dir().join(format!("govc-json-{}.rego", std::process::id()));
    let name = file.display().to_string();
    let (mut count, mut wrong) = (0, Vec::new());
    for v0 in [false, true] {
        let version = if v0 { RegoVersion::V0 } else { RegoVersion::V1 };
        for text in texts(v0, step) {
            let parsed = parse_module(FileId(0), &text, &ParseOptions { version, ..ParseOptions::default() });
            for locations in [false, true] {
                std::fs::write(&file, &text).expect("a temporary file can be written");
                let Some(theirs) = opa_parse(&file, v0, locations) else {
                    println!("skipped: `opa` is not on PATH");
                    return;
                };
                if theirs.is_empty() {
                    continue;
                }
                count += 1;
                let options = JsonOptions { locations, ..JsonOptions::default() };
                let ours = to_json(&name, &text, &parsed.tree, &options);
                if ours != theirs {
                    wrong.push(format!(
                        "v0 {v0}, locations {locations}:\n{text}\n{}",
                        difference(&ours, &theirs)
                    ));
                }
            }
        }
    }
    std::fs::remove_file(&file).expect("a temporary file can be removed");
    println!("{} of {count} as opa", count - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
