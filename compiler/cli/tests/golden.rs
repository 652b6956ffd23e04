//! Command lines with their expected output, one file a topic under `golden/`.
//!
//! A file has sections `-- path --` with the files to start from; the last section, `-- session --`, holds lines
//! `$ govc ..`, each followed by what it must print: standard output as it is, standard error after `! `, and
//! `(exit N)` unless it is 0. Times are shown as `TIME`, digests as `DD..`, ids as `ID`. An approval is shown as `APPROVAL`
//! and a ticket as `TICKET`, and a later line that says so means the one that was shown last. `GOVC_UPDATE=1` writes what was
//! printed into the files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use regex::Regex;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

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

/// What each run makes anew and later lines name, by how it is shown.
static NAMED: LazyLock<[(&str, Regex); 2]> = LazyLock::new(|| {
    let ticket = r"eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+";
    [("APPROVAL", Regex::new("apr-[0-9a-f]{12,}").unwrap()), ("TICKET", Regex::new(ticket).unwrap())]
});

/// What was shown last under each name.
type Seen = std::collections::BTreeMap<&'static str, String>;

/// Hides what has a name, and remembers it.
fn named(mut text: String, seen: &mut Seen) -> String {
    for (name, shape) in NAMED.iter() {
        if let Some(last) = shape.find_iter(&text).last() {
            seen.insert(name, last.as_str().to_owned());
        }
        text = shape.replace_all(&text, *name).into_owned();
    }
    text
}

fn run(line: &str, folder: &Path, seen: &mut Seen) -> String {
    let meant = seen.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value));
    let words = words(&meant);
    assert_eq!(words[0], "govc", "{line}");
    let output =
        Command::new(env!("CARGO_BIN_EXE_govc")).args(&words[1..]).current_dir(folder).output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        text.push_str(&format!("! {line}\n"));
    }
    match output.status.code() {
        Some(0) => {}
        code => text.push_str(&format!("(exit {})\n", code.unwrap_or(-1))),
    }
    format!("$ {line}\n{}", masked(&named(text, seen)))
}

/// What differs from run to run, and what is shown instead.
const MASKS: [(&str, &str); 11] = [
    (r#""\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ""#, r#""TIME""#),
    (r"\b1[0-9]{18}\b", "0"),
    (r"\([0-9.]+(ns|µs|ms|s)\)", "(TIME)"),
    (r#"time="[0-9.]+""#, r#"time="TIME""#),
    (r#"("duration"|"timer_[a-z_]+"): [0-9]+"#, "$1: 0"),
    (r#"("iat"|"nbf"|"exp"): [0-9]+"#, "$1: 0"),
    (r#"("decision_id"): "[0-9a-f-]{36}""#, r#"$1: "ID""#),
    (r"evt-[0-9a-f-]+", "evt-ID"),
    // The digest of a bundle is that of its program, which each change of the compiler changes.
    (r"\b[0-9a-f]{64}\b", DIGEST),
    (r"\b[0-9a-f]{32}\b", "ID"),
    // Keys are made anew in each run.
    (r#""[0-9A-Za-z_-]{43}""#, r#""KEY""#),
];

const DIGEST: &str = "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD";

/// Replaces what differs from run to run.
fn masked(text: &str) -> String {
    static SHAPES: LazyLock<Vec<Regex>> =
        LazyLock::new(|| MASKS.iter().map(|(shape, _)| Regex::new(shape).unwrap()).collect());
    let masks = SHAPES.iter().zip(MASKS.iter().map(|(_, shown)| *shown));
    masks.fold(text.to_owned(), |text, (shape, shown)| shape.replace_all(&text, shown).into_owned())
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
    let mut seen = Seen::new();
    let got: String = lines.map(|line| run(line, folder.path(), &mut seen)).collect();
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
    // Most of the time goes into waiting for the disk.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = files.iter().map(|path| scope.spawn(|| check(path))).collect();
        running.into_iter().filter_map(|thread| thread.join().unwrap().err()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
