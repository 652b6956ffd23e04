//! What tests of audit logs share: the command in a folder with keys, and events to record.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "part of several test binaries")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub fn govc(words: &[&str], input: &str, folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_govc"));
    command
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads no input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn audit(words: &[&str], folder: &Path) -> (bool, String) {
    let words: Vec<&str> = ["audit"].iter().chain(words).copied().collect();
    let output = govc(&words, "", folder);
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// An event in the form of the log: compact, with sorted members.
pub fn event(word: &str, number: usize) -> String {
    format!(
        "{{\"correlation_id\":\"c\",\"event_id\":\"{word}-{number}\",\"outcome\":{{\"verdict\":\"success\"}},\
         \"time\":\"2026-01-02T03:04:05Z\",\"type\":\"tool_call\",\"version\":1}}"
    )
}

pub fn append(log: &str, word: &str, events: usize, folder: &Path) {
    let lines: String = (0..events).map(|number| event(word, number) + "\n").collect();
    let output = govc(&["audit", "append", log, "--signing-key", "keys/private.pem"], &lines, folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), events);
}

pub fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(govc(&["keygen", "keys"], "", folder.path()).status.success());
    folder
}
