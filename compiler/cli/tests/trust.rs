//! A bundle that two people must sign, and that cannot be taken back to an older one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::json;
use std::path::Path;
use std::process::{Command, Output};

fn govc(line: &str, folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_govc")).args(line.split(' ')).current_dir(folder).output().unwrap()
}

fn succeeds(line: &str, folder: &Path) {
    let output = govc(line, folder);
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "govc {line}\n{text}");
}

/// The code with which a line is refused.
fn refused(line: &str, folder: &Path) -> String {
    let output = govc(line, folder);
    assert_eq!(output.status.code(), Some(1), "govc {line}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let at = text.find("govc_bundle").unwrap_or_else(|| panic!("govc {line}\n{text}"));
    text[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

#[test]
fn two_keys_and_a_growing_version() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for line in ["init .", "keygen alice", "keygen bob"] {
        succeeds(line, folder);
    }
    let public = |who: &str| std::fs::read_to_string(folder.join(who).join("public.pem")).unwrap();
    let trust = json!({"threshold": 2, "keys": [
        {"id": "alice", "key": public("alice")}, {"id": "bob", "key": public("bob")},
    ]});
    std::fs::write(folder.join("trust.json"), trust.to_string()).unwrap();
    for (version, name) in [(1, "one"), (2, "two")] {
        let build = format!(
            "build policy data.json -e access/allow --bundle-version {version} --signing-key alice/private.pem -o {name}.tar.gz"
        );
        succeeds(&build, folder);
        let decide =
            format!("decide -b {name}.tar.gz --trust trust.json --version-memory seen -i input.json");
        assert_eq!(refused(&decide, folder), "govc_bundle_threshold");
        succeeds(&format!("cosign {name}.tar.gz --signing-key bob/private.pem"), folder);
        succeeds(&format!("verify {name}.tar.gz --trust trust.json"), folder);
        succeeds(&decide, folder);
    }
    let old = "decide -b one.tar.gz --trust trust.json --version-memory seen -i input.json";
    assert_eq!(refused(old, folder), "govc_bundle_rollback");
    std::fs::write(folder.join("trust.json"), r#"{"keys": [], "treshold": 2}"#).unwrap();
    let output = govc("verify two.tar.gz --trust trust.json", folder);
    assert!(String::from_utf8_lossy(&output.stdout).contains("unknown field `treshold`"));
}
