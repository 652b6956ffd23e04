//! README's example is run as it stands: what a newcomer reads is what the command prints.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

/// The lines of the `console` blocks after the marker, up to the next headline.
fn session(readme: &str) -> String {
    let example = readme.split("<!-- example -->").nth(1).unwrap().split("\n## ").next().unwrap();
    let blocks = example.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect()
}

#[test]
fn the_example_prints_what_it_shows() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let session = session(&std::fs::read_to_string(readme).unwrap());
    let lines: Vec<&str> = session.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(lines.len() >= 8, "{lines:?}");
    let script: String = lines.iter().map(|line| format!("cat <<'LINE'\n$ {line}\nLINE\n{line}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_govc")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("exec 2>&1\n{script}"))
        .env("PATH", path)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), session);
}
