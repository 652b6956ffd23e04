//! Agent-Safe's own data: what it has written and decided, read and decided by us.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_engine::audit::{agent_safe_line, verify_agent_safe_lines};
use serde_json::Value;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let folder = govc_conformance::shared("agent-safe");
    if folder.is_none() {
        println!("skipped: this needs Agent-Safe's data beside the checkout (or GOVC_SHARED)");
    }
    folder
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
        let verdict = verify_agent_safe_lines(bytes.as_slice(), log["head_of_good_log"].as_str());
        let tampered = log["tampered"].as_bool().unwrap();
        assert_eq!(verdict.is_err(), tampered, "{name}: {verdict:?}");
        caught += usize::from(tampered && log["agent_safe_valid"].as_bool().unwrap());
        // Without a head nobody can tell more than Agent-Safe does, but for members that stand twice.
        let alone = verify_agent_safe_lines(bytes.as_slice(), None);
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
        let (written, hash) = agent_safe_line(&event, head.as_deref()).unwrap();
        assert_eq!(written, line);
        head = Some(hash);
    }
    assert!(head.is_some());
}
