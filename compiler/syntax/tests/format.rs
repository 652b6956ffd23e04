//! Formats every policy and every module of OPA's cases, and compares with `opa fmt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use govc_syntax::format::{FormatOptions, FormatTarget, format_source};
use govc_syntax::{FileId, ParseOptions, parse_module};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("GOVC_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    [named, Some(beside)].into_iter().flatten().find(|p| p.join("opa/cases").is_dir())
}

fn files(root: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extensions, found);
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            found.push(path);
        }
    }
    found.sort();
}

/// Texts with names: policies of the repository and modules of the cases, in v0 or v1.
fn texts(v0: bool) -> Vec<(String, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(&here.join("tests/policies"), &["rego"], &mut paths);
    files(&here.join("../../examples"), &["rego"], &mut paths);
    if let Some(extra) = std::env::var_os("GOVC_FORMAT_EXTRA") {
        files(Path::new(&extra), &["rego"], &mut paths);
    }
    let is_v0 = |p: &Path| p.iter().any(|s| s == "v0");
    let mut texts: Vec<(String, String)> = paths
        .into_iter()
        .filter(|p| is_v0(p) == v0)
        .map(|p| (p.display().to_string(), std::fs::read_to_string(&p).expect("a policy is readable")))
        .collect();
    if let Some(shared) = shared() {
        let mut cases = Vec::new();
        files(&shared.join("opa/cases").join(if v0 { "v0" } else { "v1" }), &["yaml"], &mut cases);
        for path in cases {
            let text = std::fs::read_to_string(&path).expect("a case file is readable");
            let document: Value = yaml_serde::from_str(&text).expect("a case file is YAML");
            for case in document["cases"].as_array().into_iter().flatten() {
                for (i, module) in case["modules"].as_array().into_iter().flatten().enumerate() {
                    let name = format!("{} {} {i}", path.display(), case["note"]);
                    texts.push((name, module.as_str().unwrap_or_default().to_owned()));
                }
            }
        }
    }
    texts
}

fn options(target: FormatTarget) -> FormatOptions {
    FormatOptions { target, ..FormatOptions::default() }
}

/// A module as formatted, where the result parses: `opa fmt` refuses what it cannot read again.
fn checked(text: &str, target: FormatTarget) -> Result<String, String> {
    let formatted = format_source(text, options(target)).map_err(|error| error.to_string())?;
    let parse = ParseOptions { version: target.reads(), ..ParseOptions::default() };
    match parse_module(FileId(0), &formatted, &parse).diagnostics.first() {
        Some(first) => Err(format!("formatted: {}", first.message)),
        None => Ok(formatted),
    }
}

#[test]
fn formatting_twice_changes_nothing() {
    let mut unstable = Vec::new();
    for (v0, target) in [(false, FormatTarget::V1), (true, FormatTarget::V0)] {
        for (name, text) in texts(v0) {
            let Ok(once) = format_source(&text, options(target)) else { continue };
            match format_source(&once, options(target)) {
                Ok(twice) if twice == once => {}
                Ok(_) => unstable.push(name),
                Err(e) => unstable.push(format!("{name}: {e}")),
            }
        }
    }
    assert!(unstable.is_empty(), "{}", unstable.join("\n"));
}

/// What `opa fmt` makes of texts that it should accept: nothing where it refuses all the same.
fn formatted_by_opa(texts: &[&str], flags: &[&str]) -> Option<Vec<Option<String>>> {
    let folder = std::env::temp_dir().join(format!("govc-format-{}-{}", std::process::id(), flags.join("")));
    let mut refused = std::collections::BTreeSet::new();
    loop {
        std::fs::create_dir_all(&folder).ok()?;
        for (i, text) in texts.iter().enumerate().filter(|(i, _)| !refused.contains(i)) {
            std::fs::write(folder.join(format!("{i}.rego")), text).ok()?;
        }
        let output = Command::new("opa").arg("fmt").arg("-w").args(flags).arg(&folder).output().ok()?;
        if output.status.success() {
            break;
        }
        // A folder is formatted up to the first file that is refused, so that file is left out.
        let message =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        let prefix = format!("{}/", folder.display());
        let i: usize = message.split(&prefix).nth(1)?.split(".rego").next()?.parse().ok()?;
        assert!(refused.insert(i), "{message}");
        std::fs::remove_dir_all(&folder).ok()?;
    }
    let read = |i: usize| std::fs::read_to_string(folder.join(format!("{i}.rego"))).ok();
    let results = (0..texts.len()).map(read).collect();
    std::fs::remove_dir_all(&folder).ok()?;
    Some(results)
}

fn refused_by_opa(text: &str, flags: &[&str]) -> bool {
    let file = std::env::temp_dir().join(format!("govc-format-{}.rego", std::process::id()));
    std::fs::write(&file, text).expect("a temporary file can be written");
    let output = Command::new("opa").arg("fmt").args(flags).arg(&file).output();
    std::fs::remove_file(&file).expect("a temporary file can be removed");
    output.is_ok_and(|o| !o.status.success())
}

#[test]
fn prints_what_opa_fmt_prints() {
    let targets: [(bool, FormatTarget, &[&str]); 3] = [
        (false, FormatTarget::V1, &[]),
        (true, FormatTarget::V0, &["--v0-compatible"]),
        (true, FormatTarget::V0ToV1, &["--v0-v1"]),
    ];
    for (v0, target, flags) in targets {
        let texts = texts(v0);
        let mut ours = Vec::new();
        let mut wrong = Vec::new();
        for (name, text) in &texts {
            match checked(text, target) {
                Ok(formatted) => ours.push((name, text.as_str(), formatted)),
                Err(_) if refused_by_opa(text, flags) => {}
                Err(e) => wrong.push(format!("{name}: refused: {e}")),
            }
        }
        let accepted: Vec<&str> = ours.iter().map(|o| o.1).collect();
        let Some(theirs) = formatted_by_opa(&accepted, flags) else {
            println!("skipped: `opa` is not on PATH");
            return;
        };
        for ((name, _, ours), theirs) in ours.iter().zip(&theirs) {
            match theirs {
                Some(theirs) if theirs == ours => {}
                // Where OPA's own text does not survive a second run, ours need not be like it.
                Some(theirs) if format_source(theirs, options(target)).as_ref() != Ok(theirs) => {
                    println!("{name}: opa changes its own text");
                }
                Some(theirs) => wrong.push(format!("{name}\n{}", first_difference(ours, theirs))),
                None => wrong.push(format!("{name}: not refused")),
            }
        }
        println!("{target:?}: {} of {} as opa", texts.len() - wrong.len(), texts.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

fn first_difference(ours: &str, theirs: &str) -> String {
    let row = ours.lines().zip(theirs.lines()).position(|(a, b)| a != b).unwrap_or(0);
    let from = row.saturating_sub(1);
    let part = |t: &str| t.lines().skip(from).take(4).map(|l| format!("    {l}\n")).collect::<String>();
    format!("  ours:\n{}  theirs:\n{}", part(ours), part(theirs))
}
