//! Attacks on the audit log: on our own, as whoever remembers a checkpoint or has the public key sees it, and on
//! Agent-Safe's chain of lines, as whoever remembers a head sees it.

use super::support::{append, audit, event, govc, prepared};
use govc_audit::chain;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Checks `log` as whoever has seen it before.
const VERIFY: [&str; 6] = ["verify", "log", "--verification-key", "keys/public.pem", "--state", "seen"];

/// A folder with a log of ten entries that was seen, and the head of an equal chain in `chain.jsonl`.
fn seen() -> (TempDir, String) {
    let folder = prepared();
    append("log", "event", 10, folder.path());
    assert!(audit(&VERIFY, folder.path()).0);
    let (lines, head) = chain_of(&(0..10).collect::<Vec<_>>());
    put(folder.path(), &lines);
    assert!(audit(&with_head(&head), folder.path()).0);
    (folder, head)
}

/// The lines and the head of a chain of numbered events; whoever has no key can make one, for there is none.
fn chain_of(numbers: &[usize]) -> (Vec<String>, String) {
    let mut head: Option<String> = None;
    let mut lines = Vec::new();
    for number in numbers {
        let event = serde_json::json!({"event_type": "decision", "decision": "deny", "event_id": number});
        let (line, next) = chain::line(&event, head.as_deref()).unwrap();
        lines.push(line);
        head = Some(next);
    }
    (lines, head.unwrap())
}

fn put(folder: &Path, lines: &[String]) {
    std::fs::write(folder.join("chain.jsonl"), lines.join("\n") + "\n").unwrap();
}

fn with_head(head: &str) -> [&str; 4] {
    ["verify", "chain.jsonl", "--head", head]
}

fn assert_refused(words: &[&str], folder: &Path, code: &str) {
    let (good, told) = audit(words, folder);
    assert!(!good && told.contains(code), "{words:?}: {told}");
}

/// The chain with these lines is refused, for whoever remembers the head.
fn assert_chain_refused(folder: &Path, head: &str, lines: &[String]) {
    put(folder, lines);
    assert_refused(&with_head(head), folder, "govc_audit_fault");
}

/// Puts another log in the place of the one that was seen.
fn replace(folder: &Path, by: &str) {
    std::fs::remove_dir_all(folder.join("log")).unwrap();
    std::fs::rename(folder.join(by), folder.join("log")).unwrap();
}

#[test]
fn a01_a_log_whose_end_was_cut_off_is_refused() {
    let (folder, head) = seen();
    assert_chain_refused(folder.path(), &head, &chain_of(&(0..6).collect::<Vec<_>>()).0);
    // The same events, signed with the key of the log: a copy of it as it was earlier.
    append("earlier", "event", 6, folder.path());
    replace(folder.path(), "earlier");
    assert_refused(&VERIFY, folder.path(), "govc_audit_rollback");
}

#[test]
fn a02_a_log_that_is_empty_or_gone_is_refused() {
    let (folder, head) = seen();
    assert_chain_refused(folder.path(), &head, &[]);
    std::fs::remove_file(folder.path().join("chain.jsonl")).unwrap();
    assert_refused(&with_head(&head), folder.path(), "govc_file");
    // A new log with the key of the old one, and nothing in it.
    let made = govc(&["audit", "append", "none", "--signing-key", "keys/private.pem"], "", folder.path());
    assert!(made.status.success());
    replace(folder.path(), "none");
    assert_refused(&VERIFY, folder.path(), "govc_audit_");
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    assert_refused(&VERIFY, folder.path(), "\"valid\": false");
    std::fs::create_dir(folder.path().join("log")).unwrap();
    assert_refused(&VERIFY, folder.path(), "\"valid\": false");
}

#[test]
fn a03_a_chain_that_was_made_anew_is_refused() {
    let (folder, head) = seen();
    let edited = [0, 1, 2, 3, 77, 5, 6, 7, 8, 9];
    let deleted = [0, 1, 2, 3, 5, 6, 7, 8, 9];
    let inserted = [0, 1, 2, 3, 77, 4, 5, 6, 7, 8, 9];
    for numbers in [&edited[..], &deleted[..], &inserted[..]] {
        assert_chain_refused(folder.path(), &head, &chain_of(numbers).0);
    }
    // With a key of his own he makes a log of other events; as long as ours, and longer.
    for events in [10, 12] {
        assert!(govc(&["keygen", "his"], "", folder.path()).status.success());
        let lines: String = (0..events).map(|number| event("other", number) + "\n").collect();
        let made =
            govc(&["audit", "append", "his-log", "--signing-key", "his/private.pem"], &lines, folder.path());
        assert!(made.status.success());
        replace(folder.path(), "his-log");
        assert_refused(&VERIFY, folder.path(), "\"valid\": false");
        std::fs::remove_dir_all(folder.path().join("his")).unwrap();
    }
    // With the key of the log, too.
    append("forged", "other", 12, folder.path());
    replace(folder.path(), "forged");
    assert_refused(&VERIFY, folder.path(), "not those that were seen before");
}

#[test]
fn a04_a_log_without_its_beginning_is_refused() {
    let (folder, head) = seen();
    let (lines, _) = chain_of(&(0..10).collect::<Vec<_>>());
    assert_chain_refused(folder.path(), &head, &lines[4..]);
    append("later", "event", 300, folder.path());
    std::fs::remove_file(folder.path().join("later/tile/entries/000")).unwrap();
    replace(folder.path(), "later");
    assert_refused(&VERIFY, folder.path(), "\"valid\": false");
}

/// The place of a text in a folder's files.
fn file_with(folder: &Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(file_with(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}

fn replace_text(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a05_an_edited_entry_is_named() {
    let (folder, head) = seen();
    let (mut lines, _) = chain_of(&(0..10).collect::<Vec<_>>());
    lines[4] = lines[4].replace("deny", "allow");
    assert_chain_refused(folder.path(), &head, &lines);
    assert_refused(&["verify", "chain.jsonl"], folder.path(), "entry 4");
    // In every file that holds it, so that nothing but hashes tells.
    for path in file_with(&folder.path().join("log"), "event-4") {
        replace_text(&path, "event-4", "event-x");
    }
    assert_refused(&VERIFY, folder.path(), "entry 4");
}

#[test]
fn a06_a_member_that_stands_twice_is_refused_and_bytes_are_bound() {
    let (folder, head) = seen();
    let (mut lines, _) = chain_of(&(0..10).collect::<Vec<_>>());
    lines[4] = lines[4].replace("\"decision\": \"deny\"", "\"decision\": \"allow\", \"decision\": \"deny\"");
    assert_chain_refused(folder.path(), &head, &lines);
    let twice = event("twice", 0).replace("{\"verdict\"", "{\"verdict\":\"deny\",\"verdict\"");
    let appended =
        govc(&["audit", "append", "log", "--signing-key", "keys/private.pem"], &twice, folder.path());
    assert!(!appended.status.success());
    assert!(String::from_utf8_lossy(&appended.stderr).contains("govc_audit_event"));
    // The same event with its members in another order.
    for path in file_with(&folder.path().join("log"), "\"event-0\"") {
        replace_text(&path, "\"type\":\"tool_call\",\"version\":1", "\"version\":1,\"type\":\"tool_call\"");
    }
    assert_refused(&VERIFY, folder.path(), "entry 0");
}

#[test]
fn a07_a_line_that_is_no_entry_is_refused_by_its_place() {
    let (folder, head) = seen();
    for line in ["null", "1", "[]", "\"x\"", "{}", "{\"prev_hash\": null}", "\u{0}", "{"] {
        let (mut lines, _) = chain_of(&(0..10).collect::<Vec<_>>());
        lines.insert(4, line.to_owned());
        put(folder.path(), &lines);
        let output = govc(&["audit", "verify", "chain.jsonl", "--head", &head], "", folder.path());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!((output.status.code(), told.contains("entry 4")), (Some(1), true), "{line}: {told}");
        let appended =
            govc(&["audit", "append", "log", "--signing-key", "keys/private.pem"], line, folder.path());
        assert_eq!(appended.status.code(), Some(1), "{line}");
    }
    assert!(audit(&VERIFY, folder.path()).0, "nothing of it was recorded");
}

#[test]
fn a08_a_torn_last_write_costs_nothing_and_is_repaired() {
    let (folder, head) = seen();
    let (mut lines, _) = chain_of(&(0..11).collect::<Vec<_>>());
    let torn = lines[10].len() / 2;
    lines[10].truncate(torn);
    assert_chain_refused(folder.path(), &head, &lines);
    assert_refused(&["verify", "chain.jsonl"], folder.path(), "entry 10 cannot be read");
    // Half of a record behind the last one.
    let segment = folder.path().join("log/journal/0000000000000000");
    let mut bytes = std::fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap().next_multiple_of(512);
    bytes.copy_within(end - 512..end - 200, end);
    std::fs::write(&segment, bytes).unwrap();
    assert!(audit(&VERIFY, folder.path()).0);
    append("log", "more", 3, folder.path());
    let (good, told) = audit(&VERIFY, folder.path());
    assert!(good && told.contains("\"entries\": 13"), "{told}");
}

#[test]
fn a09_threads_write_one_chain() {
    let folder = prepared();
    let key = std::fs::read_to_string(folder.path().join("keys/private.pem")).unwrap();
    let signer = govc_audit::Signer::log_from_pem("govc/audit", &key).unwrap();
    let disk = govc_audit::FolderDisk::open(folder.path().join("log")).unwrap();
    let log = govc_audit::Log::open(disk, signer, govc_audit::Options::new("govc/audit")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..100 {
                    let _ = log.append(event(&format!("t{thread}"), number).as_bytes()).unwrap();
                }
            });
        }
    });
    log.close().unwrap();
    let (good, told) = audit(&VERIFY, folder.path());
    assert!(good && told.contains("\"entries\": 800"), "{told}");
}

#[test]
fn a10_processes_write_one_chain() {
    let folder = prepared();
    let folder = folder.path();
    for (word, entries) in [("a", 1), ("b", 2), ("a-again", 3)] {
        append("log", word, 1, folder);
        let (good, told) = audit(&VERIFY, folder);
        assert!(good && told.contains(&format!("\"entries\": {entries},")), "one after the other: {told}");
    }
    std::thread::scope(|scope| {
        for word in ["c", "d", "e", "f"] {
            scope.spawn(move || append("log", word, 100, folder));
        }
    });
    let (good, told) = audit(&VERIFY, folder);
    assert!(good && told.contains("\"entries\": 403"), "{told}");
}

/// What a shell that cannot write any file gets for a decision that is to be recorded.
fn decide(folder: &Path, shell: &str, log: &str) -> (Option<i32>, String) {
    let line = format!(
        "{shell} {} decide -b bundle.tar.gz --verification-key keys/public.pem -i input.json --audit {log}",
        env!("CARGO_BIN_EXE_govc")
    );
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(unix)]
#[test]
fn a24_what_cannot_be_recorded_is_not_allowed() {
    let folder = prepared();
    let folder = folder.path();
    for line in ["init .", "build policy data.json -e access/allow --signing-key keys/private.pem"] {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(govc(&words, "", folder).status.success(), "{line}");
    }
    let (code, told) = decide(folder, "", "log");
    assert!(code == Some(0) && told.contains("\"ALLOW\""), "{told}");
    // No place, a place that is no folder, and a disk that takes nothing more: for a new log, and for one that exists.
    let full = "trap '' XFSZ; ulimit -f 0;";
    for (shell, log) in
        [("", "/dev/full"), ("", "/proc/none/log"), ("", "input.json"), (full, "other"), (full, "log")]
    {
        let (code, told) = decide(folder, shell, log);
        assert!(code == Some(1) && told.contains("\"DENY\"") && !told.contains("ALLOW"), "{log}: {told}");
    }
    let (good, told) = audit(&["verify", "log"], folder);
    assert!(good && told.contains("\"entries\": 1"), "{told}");
}

#[test]
fn a33_what_was_acknowledged_survives_a_killed_writer() {
    let folder = prepared();
    let folder = folder.path();
    let mut acknowledged = 0;
    for round in 0..5 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_govc"))
            .args(["audit", "append", "log", "--signing-key", "keys/private.pem"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // It ends when the writer is dead.
        let feeder = std::thread::spawn(move || {
            (0..).take_while(|number| writeln!(input, "{}", event("event", *number)).is_ok()).count()
        });
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in told.by_ref().take(700 + 400 * round) {
            acknowledged = line.unwrap().parse::<u64>().unwrap() + 1;
        }
        child.kill().unwrap();
        // What it said before it died counts as well.
        for line in told.map_while(Result::ok) {
            acknowledged = line.parse::<u64>().map_or(acknowledged, |index| index + 1);
        }
        let _ = (child.wait().unwrap(), feeder.join().unwrap());
    }
    append("log", "after", 1, folder);
    let (good, told) = audit(&VERIFY, folder);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(good && told["entries"].as_u64().unwrap() > acknowledged, "{acknowledged}: {told}");
}
