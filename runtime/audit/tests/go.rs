//! Go's implementation of transparency logs (`golang.org/x/mod/sumdb`) reads what we write, and we read its notes.
//!
//! Skipped with a reason where there is no `go` or its module cannot be had.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use govc_audit::{FolderDisk, Log, Options, Reader, SignedCheckpoint, Signer, Verifier};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const ORIGIN: &str = "example.com/audit";

/// Makes the program; the reason why not where that fails.
fn program(folder: &Path) -> Result<(), String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/main.go");
    std::fs::copy(source, folder.join("main.go")).map_err(|error| error.to_string())?;
    std::fs::write(folder.join("go.mod"), "module check\n\ngo 1.24\n").map_err(|error| error.to_string())?;
    go(folder, &["get", "golang.org/x/mod@v0.42.0"])?;
    go(folder, &["build", "-o", "check", "."]).expect("the program is right");
    Ok(())
}

fn go(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("go").args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("no go: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn go_reads_tiles_checkpoints_and_proofs() {
    let folder = tempfile::tempdir().expect("a folder");
    if let Err(reason) = program(folder.path()) {
        println!("skipped: {reason}");
        return;
    }
    let log_folder = folder.path().join("log");
    let signer = Signer::log(ORIGIN, &[7; 32]).expect("a key");
    let verifier = signer.verifier();
    let disk = || FolderDisk::open(&log_folder).expect("a folder");
    let log = Log::open(disk(), signer, Options::new(ORIGIN)).expect("a log");
    let mut done = 0;
    // A small log, one at the edge of a tile, one beyond, and one that fills a tile of the second level.
    for size in [1, 255, 256, 257, 1000, 65_536 + 300] {
        let pending: Vec<_> =
            (done..size).map(|n| log.submit(format!("event {n}").as_bytes()).expect("handed in")).collect();
        pending.into_iter().for_each(|pending| drop(pending.wait().expect("acknowledged")));
        log.publish().expect("published");
        let said = check(folder.path(), &log_folder, &verifier, done);
        assert!(said.ends_with(&format!("OK {size}\n")), "at {size}: {said}");
        let (reader, signed) =
            Reader::newest(Arc::new(disk()), ORIGIN, &verifier).expect("readable").expect("a checkpoint");
        if done > 0 {
            assert_eq!(path(&said), reader.consistency(done).expect("a proof"), "from {done} to {size}");
        }
        its_note_is_read(&said, &signed);
        done = size;
    }
}

fn check(folder: &Path, log: &Path, verifier: &Verifier, old: u64) -> String {
    let mut command = Command::new(folder.join("check"));
    command.arg(log).arg(verifier.text());
    if old > 0 {
        command.arg(old.to_string());
    }
    String::from_utf8(command.output().expect("it runs").stdout).expect("text")
}

/// The consistency proof that it printed.
fn path(said: &str) -> Vec<[u8; 32]> {
    let lines = said.lines().take_while(|line| !line.starts_with("OLD"));
    lines.map(|line| STANDARD.decode(line).expect("base64").try_into().expect("a hash")).collect()
}

fn its_note_is_read(said: &str, signed: &SignedCheckpoint) {
    let after = |word| said.lines().find_map(|line: &str| line.strip_prefix(word)).expect("it is there");
    let key = Verifier::parse(after("KEY ")).expect("a key");
    let note = String::from_utf8(STANDARD.decode(after("NOTE ")).expect("base64")).expect("text");
    let opened = SignedCheckpoint::open(&note, &key).expect("signed");
    assert_eq!(opened.checkpoint, signed.checkpoint);
    assert_eq!(key.text(), after("KEY "));
}
