//! Runs the examples exactly as their READMEs tell a person to, and compares what they print.
//!
//! In a `console` block, a line that begins with `$ ` is a command and the lines after it are its output. A line `...` stands
//! for any lines. Commands run in a copy of the example's folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Commands of a README, each with the output that it must have.
fn commands(readme: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap_or_default().lines() {
            match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push((command.to_owned(), Vec::new())),
                (None, Some((_, output))) => output.push(line.to_owned()),
                (None, None) => panic!("output before any command: {line}"),
            }
        }
    }
    found
}

/// Do the lines match, `...` standing for any?
fn matches(expected: &[String], given: &[&str]) -> bool {
    match expected.split_first() {
        None => given.is_empty(),
        Some((line, rest)) if line == "..." => (0..=given.len()).any(|skip| matches(rest, &given[skip..])),
        Some((line, rest)) => {
            given.split_first().is_some_and(|(first, more)| first == line && matches(rest, more))
        }
    }
}

fn run_readme(example: &str) {
    let scratch = tempfile::tempdir().unwrap();
    copy(&examples().join(example), scratch.path());
    let bin = Path::new(env!("CARGO_BIN_EXE_govc")).parent().unwrap();
    let path = std::env::join_paths(
        [bin.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .unwrap();
    let readme = fs::read_to_string(scratch.path().join("README.md")).unwrap();
    let commands = commands(&readme);
    assert!(commands.len() >= 5, "{example} shows nothing");
    for (command, expected) in commands {
        let output = Command::new("bash")
            .args(["-c", &command])
            .current_dir(scratch.path())
            .env("PATH", &path)
            .env_remove("GOVC_SIGNING_KEY")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<&str> = printed.lines().collect();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches(&expected, &lines),
            "{example}: $ {command}\n{printed}{errors}\nexpected:\n{}",
            expected.join("\n")
        );
    }
}

#[test]
fn agent_promotion() {
    run_readme("agent-promotion");
}

#[test]
fn coming_from_opa() {
    run_readme("coming-from-opa");
}

#[test]
fn tool_access() {
    run_readme("tool-access");
}

/// The library of policies is tested like any policy.
#[test]
fn library_policies() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib/rego");
    let output = Command::new(env!("CARGO_BIN_EXE_govc")).arg("test").arg(&folder).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("PASS: 19/19"), "{printed}");
}
