//! Deletes each token of each policy in turn: whatever is left is read without panic, everything that
//! OPA refuses has a diagnostic, and every other rule that begins in column 0 is still there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use govc_syntax::ast::Module;
use govc_syntax::lex::lex;
use govc_syntax::{FileId, ParseOptions, RegoVersion, parse_module};
use serde_json::Value;

struct Policy {
    path: PathBuf,
    version: RegoVersion,
    text: String,
}

/// A policy without one token.
struct Deletion<'p> {
    policy: &'p Policy,
    start: usize,
    end: usize,
    text: String,
}

impl Deletion<'_> {
    /// A backquote without its partner: it may take the rest of the text.
    fn leaves_raw_string_open(&self) -> bool {
        self.text.matches('`').count() % 2 == 1
    }

    fn name(&self) -> String {
        let row = self.policy.text[..self.start].matches('\n').count() + 1;
        format!("{}:{row} without `{}`", self.policy.path.display(), &self.policy.text[self.start..self.end])
    }
}

fn rego_files(root: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rego_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rego") {
            found.push(path);
        }
    }
    found.sort();
}

fn policies() -> Vec<Policy> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    rego_files(&here.join("tests/policies"), &mut paths);
    rego_files(&here.join("../../examples"), &mut paths);
    let is_old = |p: &Path| p.iter().any(|folder| folder == "v0" || folder == "legacy");
    let version = |p: &Path| if is_old(p) { RegoVersion::V0 } else { RegoVersion::V1 };
    paths
        .into_iter()
        .map(|path| Policy {
            version: version(&path),
            text: std::fs::read_to_string(&path).expect("a policy is readable"),
            path,
        })
        .collect()
}

fn parse(text: &str, version: RegoVersion) -> (Module, usize) {
    let parsed = parse_module(FileId(0), text, &ParseOptions { version, ..ParseOptions::default() });
    (parsed.tree, parsed.diagnostics.len())
}

fn deletions(policy: &Policy) -> Vec<Deletion<'_>> {
    let tokens = lex(FileId(0), &policy.text, false).tokens;
    let without = |start: usize, end: usize| format!("{}{}", &policy.text[..start], &policy.text[end..]);
    tokens
        .iter()
        .map(|t| (t.start as usize, t.end as usize))
        .map(|(start, end)| Deletion { policy, start, end, text: without(start, end) })
        .collect()
}

/// The texts of the rules that begin in column 0 and do not hold the place.
fn rules(module: &Module, text: &str, hole: Option<(usize, usize)>) -> Vec<String> {
    let at_line_start = |s: usize| s == 0 || text.as_bytes()[s - 1] == b'\n';
    module
        .rules
        .iter()
        .map(|r| (r.span.start as usize, r.span.end as usize))
        .filter(|&(start, _)| at_line_start(start))
        .filter(|&(start, end)| hole.is_none_or(|(from, to)| to <= start || from >= end))
        .map(|(start, end)| text[start..end].to_owned())
        .collect()
}

#[test]
fn every_other_rule_survives_a_deleted_token() {
    let (mut count, mut refused, mut lost) = (0, 0, Vec::new());
    for policy in policies() {
        let (whole, complaints) = parse(&policy.text, policy.version);
        assert_eq!(complaints, 0, "{} parses", policy.path.display());
        for deletion in deletions(&policy) {
            count += 1;
            let (tree, complaints) = parse(&deletion.text, policy.version);
            if complaints == 0 {
                continue;
            }
            refused += 1;
            if deletion.leaves_raw_string_open() {
                continue;
            }
            let there: BTreeSet<String> = rules(&tree, &deletion.text, None).into_iter().collect();
            for rule in rules(&whole, &policy.text, Some((deletion.start, deletion.end))) {
                if !there.contains(&rule) {
                    lost.push(format!(
                        "{} loses `{}`",
                        deletion.name(),
                        rule.lines().next().unwrap_or_default()
                    ));
                }
            }
        }
    }
    eprintln!("{count} deletions, {refused} refused, {} rules lost", lost.len());
    assert!(count > 1000);
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn whatever_opa_refuses_has_a_diagnostic() {
    let policies = policies();
    let all: Vec<Deletion<'_>> = policies.iter().flat_map(deletions).collect();
    let (mut missed, mut refused) = (Vec::new(), 0);
    for version in [RegoVersion::V0, RegoVersion::V1] {
        let of_version: Vec<&Deletion<'_>> = all.iter().filter(|d| d.policy.version == version).collect();
        let Some(by_opa) = refused_by_opa(&of_version, version) else {
            eprintln!("skipped: `opa` is not on PATH");
            return;
        };
        refused += by_opa.len();
        for i in by_opa {
            let deletion = of_version[i];
            if parse(&deletion.text, version).1 == 0 {
                missed.push(deletion.name());
            }
        }
    }
    eprintln!("opa refuses {refused} of {} deletions", all.len());
    assert!(refused > 0, "opa refuses some");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The indices of the texts that OPA cannot parse: it names every such file of a folder in one go, and a
/// file that is always broken keeps it from compiling the rest.
fn refused_by_opa(deletions: &[&Deletion<'_>], version: RegoVersion) -> Option<BTreeSet<usize>> {
    let folder = std::env::temp_dir().join(format!("govc-deletions-{}-{version:?}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    std::fs::write(folder.join("broken.rego"), "package\n").ok()?;
    for (i, deletion) in deletions.iter().enumerate() {
        std::fs::write(folder.join(format!("{i}.rego")), &deletion.text).ok()?;
    }
    let mut command = Command::new("opa");
    command.args(["check", "--format", "json"]);
    if version == RegoVersion::V0 {
        command.arg("--v0-compatible");
    }
    let output = command.arg(&folder).output();
    std::fs::remove_dir_all(&folder).ok()?;
    let output = output.ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let document: Value = serde_json::from_slice(&text).expect("opa answers in JSON");
    let files =
        document["errors"].as_array().into_iter().flatten().filter_map(|e| e["location"]["file"].as_str());
    Some(files.filter_map(|f| Path::new(f).file_stem()?.to_str()?.parse().ok()).collect())
}
