//! What an embedder gets: one crate with few dependencies, and a service that is built on it alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_conformance::repository;
use std::collections::BTreeSet;
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
