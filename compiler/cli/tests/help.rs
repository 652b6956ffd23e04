//! Every example that `--help` shows is run, in one folder that holds what the examples name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn govc(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_govc")).args(words).current_dir(folder).output().unwrap()
}

fn succeed(line: &str, folder: &Path) {
    let words: Vec<&str> = line.split(' ').collect();
    let output = govc(&words, folder);
    assert!(output.status.success(), "govc {line}\n{}", String::from_utf8_lossy(&output.stdout));
}

/// Names of the commands, from the help of `govc` itself.
fn commands(folder: &Path) -> Vec<String> {
    let help = String::from_utf8(govc(&["--help"], folder).stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

fn examples(command: &str, folder: &Path) -> Vec<String> {
    let help = String::from_utf8(govc(&[command, "--help"], folder).stdout).unwrap();
    let shown = help.split("Examples:\n").nth(1).unwrap_or_default().replace('\n', " ");
    let lines = shown.split("  $ ").map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect()
}

fn example_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agent-promotion")
}

/// What the examples name: a policy, keys, bundles, proofs, a log, a request for promotion.
fn prepare(folder: &Path) {
    succeed("init .", folder);
    succeed("keygen keys", folder);
    succeed("build policy data.json -e access/allow --signing-key keys/private.pem", folder);
    succeed(
        "decide -b bundle.tar.gz --verification-key keys/public.pem -i input.json --proof proof.json \
         --signing-key keys/private.pem --audit audit",
        folder,
    );
    std::fs::create_dir_all(folder.join("inputs")).unwrap();
    std::fs::copy(example_folder().join("inputs/allow.json"), folder.join("inputs/allow.json")).unwrap();
    let from = example_folder();
    let build = format!(
        "build {0}/policy {0}/data -e promotion/result --signing-key keys/private.pem -o promotion.tar.gz",
        from.display()
    );
    succeed(&build, folder);
    succeed(
        "promote inputs/allow.json -b promotion.tar.gz --verification-key keys/public.pem \
         --signing-key keys/private.pem --proof promotion.json",
        folder,
    );
    prepare_world(folder);
}

/// A small world of Agent-Safe, with a request and a ticket.
fn prepare_world(folder: &Path) {
    let files = [
        (
            "world/actions/wait.yaml",
            "{name: wait, version: 1.0.0, description: x, risk_class: low, target_types: [t]}",
        ),
        ("world/policies/all.yaml", "rules: [{name: r, match: {}, decision: allow, reason: x}]"),
        ("world/inventory.yaml", "targets: [{id: a, type: t, environment: dev, sensitivity: public}]"),
        ("requests.jsonl", r#"{"id": 1, "request": {"action": "wait", "target": "a"}}"#),
        (
            "events.jsonl",
            concat!(
                r#"{"version": 1, "event_id": "e", "type": "decision", "time": "2026-01-02T03:04:05Z","#,
                r#" "correlation_id": "c", "outcome": {"verdict": "deny"}}"#
            ),
        ),
        ("tickets.jsonl", r#"{"name": "a", "key": "k", "token": "x"}"#),
    ];
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn examples_of_every_command_work() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let commands = commands(folder.path());
    assert!(commands.len() >= 20, "{commands:?}");
    for command in commands {
        let examples = examples(&command, folder.path());
        assert!(!examples.is_empty(), "`govc {command} --help` shows no example");
        for line in examples {
            let shown = line.replacen("govc", env!("CARGO_BIN_EXE_govc"), 1);
            let output =
                Command::new("sh").arg("-c").arg(&shown).current_dir(folder.path()).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "$ {line}\n{text}{errors}");
        }
    }
}
