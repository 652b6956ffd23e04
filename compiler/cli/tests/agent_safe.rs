//! Agent-Safe's own data: what it has written and decided, read and decided by us.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_audit::chain;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The reference data: `GOVC_SHARED`, else `../shared` beside the checkout.
fn folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("GOVC_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("agent-safe");
    if !folder.is_dir() {
        println!("skipped: this needs Agent-Safe's data beside the checkout (or GOVC_SHARED)");
        return None;
    }
    Some(folder)
}

/// Who remembers the head of the good log refuses every log with other content, also those that Agent-Safe calls valid.
#[test]
fn audit_chains_get_their_verdicts() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("audit-chains");
    let index: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let mut caught = 0;
    for log in &index {
        let name = log["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let verdict = chain::verify(bytes.as_slice(), log["head_of_good_log"].as_str());
        let tampered = log["tampered"].as_bool().unwrap();
        assert_eq!(verdict.is_err(), tampered, "{name}: {verdict:?}");
        caught += usize::from(tampered && log["agent_safe_valid"].as_bool().unwrap());
        // Without a head nobody can tell more than Agent-Safe does, but for members that stand twice.
        let alone = chain::verify(bytes.as_slice(), None);
        let twice = name == "duplicate-json-key.jsonl";
        assert_eq!(alone.is_ok(), log["agent_safe_valid"].as_bool().unwrap() && !twice, "{name}: {alone:?}");
    }
    println!(
        "{} logs have their verdict; {caught} of them Agent-Safe calls valid though they are not",
        index.len()
    );
    assert_eq!((index.len(), caught), (32, 8));
}

/// Its good log, written again by us, is the same to the byte.
#[test]
fn audit_chains_are_written_as_agent_safe_writes_them() {
    let Some(folder) = folder() else { return };
    let good = std::fs::read_to_string(folder.join("audit-chains/good.jsonl")).unwrap();
    let mut head: Option<String> = None;
    for line in good.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let (written, hash) = chain::line(&event, head.as_deref()).unwrap();
        assert_eq!(written, line);
        head = Some(hash);
    }
    assert!(head.is_some());
}

/// The key under which all tokens of the data are made.
const KEY: &str = "govc-vector-key-0123456789abcdef0123456789abcdef";

fn govc(args: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_govc"))
        .env("GOVC_IDENTITY_KEY", KEY)
        .args(args)
        .output()
        .unwrap()
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn vectors(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The folder of a configuration, assembled as the data's README says.
fn world(data: &Path, config: &str, into: &Path) -> PathBuf {
    let world = into.join(config);
    std::fs::create_dir_all(&world).unwrap();
    let (base, policies) = match config {
        "shipped" => (data.to_owned(), data.join("policies")),
        "init" => (data.join("init-scaffold"), data.join("init-scaffold/policies")),
        other => (data.to_owned(), data.join("extra").join(other)),
    };
    copy(&base.join("actions"), &world.join("actions"));
    copy(&policies, &world.join("policies"));
    std::fs::copy(base.join("inventory.yaml"), world.join("inventory.yaml")).unwrap();
    world
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// The vectors of each configuration in a file of their own, and its world.
fn by_config(data: &Path, name: &str, into: &Path) -> Vec<(PathBuf, PathBuf, Vec<Value>)> {
    let mut groups: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for vector in vectors(&data.join(name)) {
        groups.entry(vector["config"].as_str().unwrap().to_owned()).or_default().push(vector);
    }
    let groups = groups.into_iter().map(|(config, group)| {
        let file = into.join(format!("{config}-{name}"));
        let text: Vec<String> = group.iter().map(Value::to_string).collect();
        std::fs::write(&file, text.join("\n")).unwrap();
        (world(data, &config, into), file, group)
    });
    groups.collect()
}

/// Every decision, its reason included, is the one that Agent-Safe makes.
#[test]
fn decisions_are_those_of_agent_safe() {
    let Some(data) = folder() else { return };
    let work = tempfile::tempdir().unwrap();
    let mut same = 0;
    for (world, file, group) in by_config(&data, "decisions.jsonl", work.path()) {
        let (world, file) = (world.display().to_string(), file.display().to_string());
        let ours =
            lines(&govc(&["decide", "--world", &world, "--requests", &file, "--compat", "agent-safe"]));
        for (vector, ours) in group.iter().zip(&ours) {
            assert_eq!(
                (&vector["id"], &vector["decision"]),
                (&ours["id"], &ours["decision"]),
                "{}",
                vector["request"]
            );
            same += 1;
        }
    }
    println!("{same} of 752 decisions are the same");
    assert_eq!(same, 752);
}

/// A denial of what Agent-Safe lets pass and its vectors do not mark: parameters that lead out of the target's environment
/// (the test `a18_...` of `attacks.rs`), and the sterner of two equal rules (`a35_...`).
fn is_sterner(decision: &Value) -> bool {
    let reason = decision["reason"].as_str().unwrap();
    decision["result"] == "deny" && (reason.starts_with("Parameter '") || reason == "b-second equal 10")
}

/// What Agent-Safe lets pass unsafely is denied unless its ways are asked for.
#[test]
fn strict_mode_denies_what_is_unsafe() {
    let Some(data) = folder() else { return };
    let work = tempfile::tempdir().unwrap();
    let (mut denied, mut same, mut sterner) = (0, 0, 0);
    for (world, file, group) in by_config(&data, "decisions.jsonl", work.path()) {
        let ours = lines(&govc(&[
            "decide",
            "--world",
            &world.display().to_string(),
            "--requests",
            &file.display().to_string(),
        ]));
        for (vector, ours) in group.iter().zip(&ours) {
            if !vector["quirks"].as_array().unwrap().is_empty() {
                assert_eq!(ours["decision"]["result"], "deny", "{vector}");
                denied += 1;
            } else if vector["decision"]["result"] == ours["decision"]["result"] {
                same += 1;
            } else {
                assert!(is_sterner(&ours["decision"]), "{vector}\n{ours}");
                sterner += 1;
            }
        }
    }
    println!("{denied} unsafe lines are denied, {same} others are decided alike, {sterner} more sternly");
    assert_eq!((denied, same + sterner), (295, 457));
    assert!(sterner < 50);
}

#[test]
fn sequences_are_decided_as_agent_safe_decides_them() {
    let Some(data) = folder() else { return };
    let work = tempfile::tempdir().unwrap();
    let mut same = 0;
    for (world, file, group) in by_config(&data, "sequences.jsonl", work.path()) {
        let ours = lines(&govc(&[
            "decide",
            "--world",
            &world.display().to_string(),
            "--sequences",
            &file.display().to_string(),
            "--compat",
            "agent-safe",
        ]));
        for (vector, ours) in group.iter().zip(&ours) {
            let steps = vector["steps"].as_array().unwrap();
            assert_eq!(steps.len(), ours["decisions"].as_array().unwrap().len());
            for (step, decision) in steps.iter().zip(ours["decisions"].as_array().unwrap()) {
                assert_eq!(&step["decision"], decision, "{} at {}", vector["name"], step["t"]);
                same += 1;
            }
        }
    }
    println!("{same} of 393 steps are the same");
    assert_eq!(same, 393);
}

#[test]
fn tickets_get_their_verdicts() {
    let Some(data) = folder() else { return };
    let file = data.join("tickets.jsonl");
    let ours = lines(&govc(&["ticket", "verify", "--cases", &file.display().to_string()]));
    let theirs = vectors(&file);
    for (vector, ours) in theirs.iter().zip(&ours) {
        for name in ["name", "valid", "reason"] {
            assert_eq!(vector[name], ours[name], "{}", vector["name"]);
        }
        let verdicts = |value: &Value| -> Vec<(Value, Value)> {
            let uses = value["sequence"].as_array().into_iter().flatten();
            uses.map(|used| (used["valid"].clone(), used["reason"].clone())).collect()
        };
        assert_eq!(verdicts(vector), verdicts(ours), "{}", vector["name"]);
    }
    println!("{} of 30 tickets have their verdict", ours.len());
    assert_eq!((ours.len(), theirs.len()), (30, 30));
}

#[test]
fn policy_tests_pass() {
    let Some(data) = folder() else { return };
    let work = tempfile::tempdir().unwrap();
    let world = world(&data, "shipped", work.path());
    let tests = data.join("tests/policy_tests");
    let output = govc(&[
        "test",
        "--world",
        &world.display().to_string(),
        "--compat",
        "agent-safe",
        &tests.display().to_string(),
    ]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PASS: 13/13\n");
}

/// A misspelt selector selects everything in Agent-Safe; strict mode does not take the rule.
#[test]
fn strict_mode_refuses_rules_that_say_what_nobody_reads() {
    let Some(data) = folder() else { return };
    let work = tempfile::tempdir().unwrap();
    let world = world(&data, "shipped", work.path());
    let rule = "rules:\n- {name: r, priority: 1, match: {targets: {enviroments: [dev]}}, decision: allow, reason: x}\n";
    std::fs::write(world.join("policies/slip.yaml"), rule).unwrap();
    std::fs::write(work.path().join("none.jsonl"), "").unwrap();
    let requests = work.path().join("none.jsonl").display().to_string();
    let world = world.display().to_string();
    let strict = govc(&["decide", "--world", &world, "--requests", &requests]);
    assert_eq!(strict.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&strict.stderr).contains("rule `r`: unknown field `enviroments`"));
    assert!(
        govc(&["decide", "--world", &world, "--requests", &requests, "--compat", "agent-safe"])
            .status
            .success()
    );
}
