//! The tour, and that what it shows can be typed by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn govc(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_govc")).args(words).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn tour(words: &[&str], folder: &Path) -> String {
    let output = govc(words, folder);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The lines that the tour shows, each with what it printed.
fn steps(text: &str) -> Vec<(String, String)> {
    let parts = text.split("\n$ ").skip(1).map(|part| part.split_once('\n').unwrap_or((part, "")));
    let printed = |rest: &str| format!("\n{rest}").split("\n# ").next().unwrap().trim().to_owned();
    parts.map(|(line, rest)| (line.to_owned(), printed(rest))).collect()
}

#[test]
fn takes_one_policy_through_its_whole_life() {
    let folder = tempfile::tempdir().unwrap();
    let text = tour(&["tour", "--keep", "kept"], folder.path());
    for wanted in [
        "\"decision\": \"ALLOW\"",
        "\"decision\": \"DENY\"",
        "may not promote agents",
        "\"valid\": true",
        "PROMOTION_SUCCESS",
        "ADMISSION_ALLOW",
        "\"entries\": 5",
        "govc_bundle_changed_file",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
}

/// Lines that only read can be typed again in the folder that was kept.
#[test]
fn its_lines_give_the_same_when_typed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let text = tour(&["tour", "--keep", "kept"], folder.path());
    let kept = folder.path().join("kept");
    let reading = ["verify", "test", "check", "proof", "audit"];
    let mut typed = 0;
    for (line, printed) in steps(&text) {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "govc" && reading.contains(&words[1]) {
            let output = govc(&words[1..], &kept);
            let code = output.status.code().unwrap_or(-1);
            let mut again = stdout(&output).trim().to_owned();
            if code != 0 {
                again.push_str(&format!("\n(exit code {code})"));
            }
            assert_eq!(again.trim(), printed, "$ {line}");
            typed += 1;
        }
    }
    assert!(typed >= 6, "{typed} lines were typed again");
}

#[test]
fn a_changed_input_changes_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let _ = tour(&["tour", "--keep", "kept"], folder.path());
    let kept = folder.path().join("kept");
    let input = std::fs::read_to_string(kept.join("inputs/allow.json")).unwrap();
    std::fs::write(kept.join("changed.json"), input.replace("agent_admin", "viewer")).unwrap();
    let words =
        "decide -b bundle.tar.gz --verification-key keys/public.pem -e promotion/result -i changed.json";
    let output = govc(&words.split(' ').collect::<Vec<_>>(), &kept);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("role `viewer` may not promote agents"));
}

#[test]
fn opa_gives_the_same_result_with_the_kept_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let _ = tour(&["tour", "--keep", "kept"], folder.path());
    let kept = folder.path().join("kept");
    let words = ["eval", "-b", "bundle.tar.gz", "-i", "inputs/deny.json", "data.promotion.result"];
    let Ok(theirs) = Command::new("opa").args(words).current_dir(&kept).output() else {
        eprintln!("skipped: no `opa` on the path");
        return;
    };
    assert_eq!(stdout(&govc(&words, &kept)), stdout(&theirs));
}

#[test]
fn takes_any_folder_of_that_shape() {
    let folder = tempfile::tempdir().unwrap();
    let example = examples().join("tool-access");
    let text = tour(&["tour", &example.display().to_string(), "--keep", "kept"], folder.path());
    assert!(text.contains("\"decision\": \"REQUIRE_APPROVAL\""), "{text}");
}
