//! The audit log: chain, durability, several writers, torn writes, tampering.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_engine::audit::{AuditError, AuditLog, Event, FaultKind, FileLog, Receipt, verify_lines};
use govc_engine::{canonical_json, sha256_hex};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn event(n: u64) -> Event {
    Event::new(
        "DECISION",
        json!({"n": n, "text": "é \u{1F600} \"quoted\" \u{1f}", "x": 1.5, "z": null, "a": [1e21, 0.1]}),
    )
    .unwrap()
}

fn append(log: &FileLog, n: u64) -> Receipt {
    log.append(&event(n)).unwrap()
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    (folder, path)
}

/// A log of `count` entries, and its lines.
fn log_of(count: u64) -> (tempfile::TempDir, PathBuf, Vec<String>) {
    let (folder, path) = scratch();
    let log = FileLog::open(&path).unwrap();
    let lines = (0..count).map(|n| append(&log, n).line).collect();
    (folder, path, lines)
}

fn fault(text: &str, seen: Option<&str>) -> (u64, FaultKind) {
    match verify_lines(text.as_bytes(), seen) {
        Err(AuditError::Fault(fault)) => (fault.position, fault.kind),
        other => panic!("expected a fault, got {other:?}"),
    }
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[test]
fn an_entry_is_one_line_of_canonical_json_whose_hash_anyone_can_compute() {
    let (_folder, path, lines) = log_of(3);
    assert_eq!(fs::read_to_string(path).unwrap(), text(&lines));
    let mut prev = "0".repeat(64);
    for (seq, line) in lines.iter().enumerate() {
        assert_eq!(canonical_json(line.as_bytes()).unwrap(), line.as_bytes());
        let mut entry: Value = serde_json::from_str(line).unwrap();
        let fields: Vec<&String> = entry.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["body", "hash", "prev", "seq", "time", "type"]);
        assert_eq!(entry["seq"], json!(seq));
        assert_eq!(entry["prev"], json!(prev));
        let hash = entry.as_object_mut().unwrap().remove("hash").unwrap();
        let unhashed = canonical_json(entry.to_string().as_bytes()).unwrap();
        assert_eq!(hash, json!(sha256_hex(&unhashed)));
        prev = hash.as_str().unwrap().to_owned();
    }
}

#[test]
fn receipts_name_position_and_head() {
    let (_folder, path) = scratch();
    let log = FileLog::open(&path).unwrap();
    assert_eq!(log.head().unwrap().size, 0);
    for n in 0..5 {
        let receipt = append(&log, n);
        assert_eq!(receipt.position, n);
        let head = log.head().unwrap();
        assert_eq!((head.size, head.hash), (n + 1, receipt.head));
    }
}

#[test]
fn a_log_goes_on_where_it_was_left() {
    let (_folder, path, lines) = log_of(3);
    let log = FileLog::open(&path).unwrap();
    let receipt = append(&log, 3);
    assert_eq!(receipt.position, 3);
    let head = log.verify(Some(&receipt.head)).unwrap();
    assert_eq!(head.size, 4);
    let read = log.read(1, 2).unwrap();
    assert_eq!(read.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(read[0].line().unwrap(), lines[1]);
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let (_folder, _path, lines) = log_of(3);
    let whole = text(&lines);
    let last = verify_lines(whole.as_bytes(), None).unwrap().hash;
    let lengths: Vec<usize> = lines.iter().map(|line| line.len() + 1).collect();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Err(AuditError::Fault(fault)) = verify_lines(bytes.as_slice(), Some(&last)) else {
                panic!("bit {bit} of byte {at} was not noticed");
            };
            let mut end = 0;
            let entry = lengths.iter().position(|len| {
                end += len;
                at < end
            });
            assert_eq!(Some(fault.position as usize), entry, "byte {at}: {fault}");
        }
    }
}

#[test]
fn removed_swapped_doubled_and_cut_entries_are_found() {
    let (_folder, _path, lines) = log_of(5);
    let last = verify_lines(text(&lines).as_bytes(), None).unwrap().hash;
    let mut removed = lines.clone();
    removed.remove(2);
    assert_eq!(fault(&text(&removed), None), (2, FaultKind::Sequence { given: 3 }));
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    assert_eq!(fault(&text(&swapped), None), (1, FaultKind::Sequence { given: 2 }));
    let mut doubled = lines.clone();
    doubled.insert(3, lines[2].clone());
    assert_eq!(fault(&text(&doubled), None), (3, FaultKind::Sequence { given: 2 }));
    assert_eq!(fault(&text(&lines[1..]), None), (0, FaultKind::Sequence { given: 1 }));
    let missing = FaultKind::HeadMissing { head: last.clone() };
    assert_eq!(fault(&text(&lines[..4]), Some(&last)), (4, missing.clone()));
    assert_eq!(fault("", Some(&last)), (0, missing));
    let whole = text(&lines);
    assert_eq!(fault(&whole[..whole.len() - 1], None), (4, FaultKind::Torn));
    assert!(matches!(fault(&format!("{}null\n", whole), None), (5, FaultKind::Unreadable(_))));
    assert!(matches!(fault(&format!("{}\n", whole), None), (5, FaultKind::Unreadable(_))));
}

#[test]
fn a_chain_made_anew_lacks_the_head_that_was_seen() {
    let (_folder, _path, lines) = log_of(4);
    let seen = verify_lines(text(&lines).as_bytes(), None).unwrap().hash;
    let (_other_folder, _other, forged) = log_of(4);
    assert!(verify_lines(text(&forged).as_bytes(), None).is_ok());
    assert_eq!(fault(&text(&forged), Some(&seen)), (4, FaultKind::HeadMissing { head: seen.clone() }));
}

#[test]
fn other_spellings_of_the_same_entry_are_refused() {
    let (_folder, _path, lines) = log_of(1);
    let line = &lines[0];
    let doubled = line.replacen("{\"body\"", "{\"seq\":9,\"body\"", 1);
    let spaced = line.replacen("{\"body\"", "{ \"body\"", 1);
    let extra = line.replacen("\"seq\"", "\"note\":1,\"seq\"", 1);
    let escaped = line.replacen('é', "\\u00e9", 1);
    for changed in [doubled, spaced, extra, escaped] {
        assert_ne!(&changed, line);
        assert_eq!(fault(&format!("{changed}\n"), None).0, 0, "{changed}");
    }
}

#[test]
fn a_body_that_imitates_an_entry_does_not_confuse_the_hash() {
    let (_folder, path) = scratch();
    let log = FileLog::open(&path).unwrap();
    let inner = append(&log, 0).line;
    let body = json!({"line": inner, "hash": "x", "prev": "y", "nested": {"hash": "x", "prev": "y"}});
    for _ in 0..2 {
        let receipt = log.append(&Event::new("NOTE", &body).unwrap()).unwrap();
        log.verify(Some(&receipt.head)).unwrap();
    }
}

#[test]
fn a_torn_write_is_repaired_at_every_length_and_the_repair_is_recorded() {
    let (_folder, _path, lines) = log_of(3);
    let whole = text(&lines);
    let start = whole.len() - lines[2].len() - 1;
    for cut in start..=whole.len() {
        let (_folder, path) = scratch();
        fs::write(&path, &whole.as_bytes()[..cut]).unwrap();
        let log = FileLog::open(&path).unwrap();
        let entries = log.read(0, 9).unwrap();
        log.verify(None).unwrap();
        let kinds: Vec<&str> = entries.iter().map(|e| e.kind.as_str()).collect();
        let expected: &[&str] = match cut {
            _ if cut == start => &["DECISION", "DECISION"],
            _ if cut == whole.len() => &["DECISION", "DECISION", "DECISION"],
            _ if cut == whole.len() - 1 => &["DECISION", "DECISION", "DECISION", "AUDIT_REPAIR"],
            _ => &["DECISION", "DECISION", "AUDIT_REPAIR"],
        };
        assert_eq!(kinds, expected, "cut at {cut}");
        assert_eq!(append(&log, 7).position, expected.len() as u64);
    }
}

#[test]
fn holes_left_by_a_power_cut_are_taken_for_torn() {
    let (_folder, path, lines) = log_of(2);
    let mut bytes = text(&lines).into_bytes();
    let whole = bytes.clone();
    bytes.extend(std::iter::repeat_n(0, 300));
    for tail in [&b""[..], b"end of a line\n"] {
        let mut torn = bytes.clone();
        torn.extend(tail);
        fs::write(&path, &torn).unwrap();
        let log = FileLog::open(&path).unwrap();
        assert_eq!(log.head().unwrap().size, 3);
        log.verify(None).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(&whole));
    }
}

#[test]
fn a_writer_repairs_what_another_left_behind() {
    let (_folder, path, _lines) = log_of(2);
    let log = FileLog::open(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"{\"body\":{\"half\":");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(append(&log, 2).position, 3);
    let kinds: Vec<String> = log.read(0, 9).unwrap().into_iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["DECISION", "DECISION", "AUDIT_REPAIR", "DECISION"]);
    log.verify(None).unwrap();
}

#[test]
fn a_tampered_last_entry_is_no_torn_write() {
    let (_folder, path, lines) = log_of(3);
    let changed = text(&lines).replace("\"n\":2", "\"n\":3");
    fs::write(&path, &changed).unwrap();
    let Err(AuditError::Fault(fault)) = FileLog::open(&path) else { panic!("opened") };
    assert_eq!((fault.position, fault.kind), (2, FaultKind::Hash));
    assert_eq!(fs::read_to_string(&path).unwrap(), changed, "evidence is left as it is");
}

#[test]
fn entries_longer_than_the_window_are_found() {
    let (_folder, path) = scratch();
    let log = FileLog::open(&path).unwrap();
    for size in [70_000, 300_000, 10] {
        let event = Event::new("LONG", json!({"text": "x".repeat(size)})).unwrap();
        let receipt = log.append(&event).unwrap();
        let again = FileLog::open(&path).unwrap();
        assert_eq!(again.head().unwrap().hash, receipt.head);
    }
}

const THREADS: u64 = 4;
const EACH: u64 = 50;

fn write_from_threads(path: &Path) {
    let log = FileLog::open(path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || (0..EACH).for_each(|n| drop(append(log, thread * EACH + n))));
        }
    });
}

fn assert_each_once(path: &Path, times: u64) {
    let log = FileLog::open(path).unwrap();
    let total = THREADS * EACH * times;
    assert_eq!(log.verify(None).unwrap().size, total);
    let mut counts = vec![0; (THREADS * EACH) as usize];
    for entry in log.read(0, total).unwrap() {
        counts[entry.body["n"].as_u64().unwrap() as usize] += 1;
    }
    assert!(counts.iter().all(|&count| count == times));
}

#[test]
fn threads_keep_one_chain() {
    let (_folder, path) = scratch();
    write_from_threads(&path);
    assert_each_once(&path, 1);
}

/// Not a test of its own: the next one starts this binary again to have a second process.
#[test]
fn writer_process() {
    if let Some(path) = std::env::var_os("GOVC_AUDIT_TEST_LOG") {
        write_from_threads(Path::new(&path));
    }
}

#[test]
fn processes_keep_one_chain() {
    let (_folder, path) = scratch();
    let children: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "writer_process"])
                .env("GOVC_AUDIT_TEST_LOG", &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_each_once(&path, 4);
}

/// Writers that are killed lose nothing that they acknowledged, and never break the chain.
#[test]
fn killed_writers_lose_nothing_acknowledged() {
    let (folder, path) = scratch();
    for round in 0..10 {
        let acknowledged = folder.path().join("acknowledged");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "endless_writer_process"])
            .env("GOVC_AUDIT_TEST_ENDLESS", &path)
            .env("GOVC_AUDIT_TEST_ACKNOWLEDGED", &acknowledged)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let log = FileLog::open(&path).unwrap();
        let last = fs::read_to_string(&acknowledged).unwrap_or_default();
        let seen = last.lines().rfind(|line| line.len() == 64);
        log.verify(seen).unwrap();
    }
}

/// Not a test of its own, as above.
#[test]
fn endless_writer_process() {
    let Some(path) = std::env::var_os("GOVC_AUDIT_TEST_ENDLESS") else { return };
    let acknowledged = std::env::var_os("GOVC_AUDIT_TEST_ACKNOWLEDGED").unwrap();
    let log = FileLog::open(Path::new(&path)).unwrap();
    let mut heads = fs::OpenOptions::new().create(true).append(true).open(acknowledged).unwrap();
    for n in 0.. {
        use std::io::Write;
        writeln!(heads, "{}", append(&log, n).head).unwrap();
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let error = FileLog::open("/nowhere/at/all.jsonl").unwrap_err();
    assert_eq!(error.code(), "govc_audit_io");
}
