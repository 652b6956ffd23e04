//! Parses every module of OPA's evaluation cases, which lie beside the checkout and not in it.

use std::path::{Path, PathBuf};

use govc_syntax::{FileId, ParseOptions, RegoVersion, parse_module};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("GOVC_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    [named, Some(beside)].into_iter().flatten().find(|p| p.join("opa/cases").is_dir())
}

fn yaml_files(root: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
    found.sort();
}

/// Parses all modules of one version; returns their number and the first complaints.
fn parse_all(root: &Path, version: RegoVersion) -> (usize, Vec<String>) {
    let mut files = Vec::new();
    yaml_files(root, &mut files);
    let (mut count, mut failures) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a case file is readable");
        let document: Value = yaml_serde::from_str(&text).expect("a case file is YAML");
        for case in document["cases"].as_array().into_iter().flatten() {
            if case["want_error_code"] == "rego_parse_error" {
                continue;
            }
            let experimental = case["experimental_keywords"] == true;
            let keywords =
                if experimental { vec!["and".to_owned(), "or".to_owned(), "not".to_owned()] } else { vec![] };
            let options = ParseOptions { version, keywords, ..ParseOptions::default() };
            for module in case["modules"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                count += 1;
                let parsed = parse_module(FileId(0), module, &options);
                if let Some(first) = parsed.diagnostics.first() {
                    let row = module[..first.span.start as usize].matches('\n').count() + 1;
                    failures.push(format!(
                        "{} {}: row {row}: {}",
                        file.display(),
                        case["note"],
                        first.message
                    ));
                }
            }
        }
    }
    (count, failures)
}

#[test]
fn every_module_of_the_cases_parses() {
    let Some(shared) = shared() else {
        eprintln!("skipped: OPA's cases are not beside the checkout (set GOVC_SHARED)");
        return;
    };
    for (folder, version) in [("v0", RegoVersion::V0), ("v1", RegoVersion::V1)] {
        let (count, failures) = parse_all(&shared.join("opa/cases").join(folder), version);
        eprintln!("{folder}: {} of {count} modules parse", count - failures.len());
        assert!(count > 1000, "the cases of {folder} are there");
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
