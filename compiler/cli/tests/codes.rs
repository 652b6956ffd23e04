//! Every code that the sources can give has a page for `govc explain`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

#[path = "support/sources.rs"]
mod sources;

/// Codes in quotes in a source text.
fn codes(text: &str) -> BTreeSet<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    // `govc_key` and `govc_cosignatures` are members of signatures.
    let shaped = |code: &&str| {
        let prefix = ["govc_", "rego_", "eval_"].iter().any(|prefix| code.starts_with(prefix));
        let plain = code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let error = code.starts_with("govc_") || code.ends_with("_error");
        // What ends so begins many codes.
        let whole = !code.ends_with('_');
        prefix && plain && error && whole && !matches!(*code, "govc_code" | "govc_key" | "govc_cosignatures")
    };
    quoted.filter(shaped).map(str::to_owned).collect()
}

#[test]
fn every_code_has_a_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_govc")).args(["explain", "--all"]).output();
    let listed = String::from_utf8_lossy(&output.expect("govc runs").stdout).into_owned();
    let pages: BTreeSet<&str> = listed.lines().filter_map(|line| line.split(':').next()).collect();
    let mut found = BTreeSet::new();
    for folder in ["compiler/syntax/src", "compiler/compile/src", "compiler/cli/src", "runtime", "lsp/src"] {
        sources::each(&root.join(folder), &mut |text| found.extend(codes(text)));
    }
    assert!(found.len() > 80, "{found:?}");
    let missing: Vec<&String> = found.iter().filter(|code| !pages.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "codes without a page: {missing:?}");
}
