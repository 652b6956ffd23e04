//! Command lines with their expected output, one file a topic under `golden/`.
//!
//! A file has sections `-- path --` with the files to start from; the last section, `-- session --`, holds lines
//! `$ govc ..`, each followed by what it must print: standard output as it is, standard error after `! `, and
//! `(exit N)` unless it is 0. Times are shown as `TIME`, digests as `DD..`, ids as `ID`. `GOVC_UPDATE=1` writes what was printed into the files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Sections of a file by name.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            found.push((name.to_owned(), String::new()));
        } else if let Some((_, content)) = found.last_mut() {
            content.push_str(line);
            content.push('\n');
        }
    }
    found
}

/// Words of a line as a shell splits them: single quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn run(line: &str, folder: &Path) -> String {
    let words = words(line);
    assert_eq!(words[0], "govc", "{line}");
    let output =
        Command::new(env!("CARGO_BIN_EXE_govc")).args(&words[1..]).current_dir(folder).output().unwrap();
    let mut text = format!("$ {line}\n{}", String::from_utf8(output.stdout).unwrap());
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        text.push_str(&format!("! {line}\n"));
    }
    match output.status.code() {
        Some(0) => {}
        code => text.push_str(&format!("(exit {})\n", code.unwrap_or(-1))),
    }
    masked(&text)
}

/// Replaces what differs from run to run.
fn masked(text: &str) -> String {
    let time = regex::Regex::new(r"\([0-9.]+(ns|µs|ms|s)\)").unwrap();
    let duration = regex::Regex::new(r#"("duration"|"timer_\w+"): [0-9]+"#).unwrap();
    let seconds = regex::Regex::new(r#"time="[0-9.]+""#).unwrap();
    let stamp = regex::Regex::new(r#""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ""#).unwrap();
    // The digest of a bundle is that of its program, which each change of the compiler changes.
    let digest = regex::Regex::new(r"\b[0-9a-f]{64}\b").unwrap();
    let id = regex::Regex::new(r#"("decision_id"): "[0-9a-f-]{36}""#).unwrap();
    let text = stamp.replace_all(text, r#""TIME""#);
    let text = time.replace_all(&text, "(TIME)");
    let text = id.replace_all(&text, r#"$1: "ID""#);
    let text = seconds.replace_all(&text, r#"time="TIME""#);
    let text = digest.replace_all(&text, "D".repeat(64).as_str()).into_owned();
    duration.replace_all(&text, "$1: 0").into_owned()
}

fn check(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).unwrap();
    let sections = sections(&text);
    let folder = tempfile::tempdir().unwrap();
    let (session, files) = sections.split_last().unwrap();
    assert_eq!(session.0, "session", "{}", path.display());
    for (name, content) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
    let lines = session.1.lines().filter_map(|line| line.strip_prefix("$ "));
    let got: String = lines.map(|line| run(line, folder.path())).collect();
    if got == session.1 {
        return Ok(());
    }
    if std::env::var_os("GOVC_UPDATE").is_some() {
        let head = text.split_once("-- session --\n").unwrap().0;
        std::fs::write(path, format!("{head}-- session --\n{got}")).unwrap();
        return Ok(());
    }
    Err(format!("{}\n--- wanted\n{}\n--- got\n{got}", path.display(), session.1))
}

#[test]
fn sessions_print_what_their_files_say() {
    let files = files();
    assert!(files.len() >= 5, "the golden files are part of the checkout");
    let wrong: Vec<String> = files.iter().filter_map(|path| check(path).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
