//! The house test: README's map says which crates there are, where they lie, what they may use and where
//! `unsafe` may stand; the page on security names the tests behind its promises. This test fails when the code says
//! otherwise, so both stay true.

use govc_conformance::repository;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A row of the map.
#[derive(Debug, PartialEq)]
struct Room {
    folder: String,
    uses: BTreeSet<String>,
}

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).expect("README is part of the checkout")
}

/// Lines between `<!-- NAME -->` and the next blank line.
fn section<'r>(readme: &'r str, name: &str) -> Vec<&'r str> {
    let marker = format!("<!-- {name} -->");
    let (_, after) = readme.split_once(&marker).unwrap_or_else(|| panic!("README has no {marker}"));
    after.lines().skip(1).take_while(|l| !l.trim().is_empty()).collect()
}

/// The names between backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn map(readme: &str) -> BTreeMap<String, Room> {
    let rows = section(readme, "map").into_iter().filter(|l| l.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, name, folder, uses, ..] = cells.as_slice() else { panic!("a row of the map: {row}") };
        let one = |cell: &str| quoted(cell).into_iter().next().unwrap_or_default();
        let uses = quoted(uses).into_iter().map(|u| format!("govc-{u}")).collect();
        (one(name), Room { folder: one(folder), uses })
    })
    .collect()
}

fn metadata() -> Json {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// The crates of the workspace as cargo sees them; dependencies of tests do not count.
fn built() -> BTreeMap<String, Room> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|p| (text(&p["name"]), Room { folder: folder(p), uses: uses(p) })).collect()
}

fn text(json: &Json) -> String {
    json.as_str().expect("a string").to_owned()
}

fn folder(package: &Json) -> String {
    let manifest = text(&package["manifest_path"]);
    let folder = Path::new(&manifest).parent().expect("manifests lie in folders");
    folder.strip_prefix(repository()).expect("in the checkout").display().to_string()
}

fn uses(package: &Json) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    let normal = dependencies.filter(|d| d["kind"].is_null());
    normal.map(|d| text(&d["name"])).filter(|n| n.starts_with("govc-")).collect()
}

#[test]
fn crates_and_edges_are_as_the_map_says() {
    let (said, built) = (map(&readme()), built());
    let said_names: Vec<&String> = said.keys().collect();
    assert_eq!(said_names, built.keys().collect::<Vec<_>>(), "the crates of README and of the workspace");
    for (name, room) in &built {
        assert_eq!(&said[name], room, "`{name}` in README (left) and in its manifest (right)");
    }
}

#[test]
fn the_top_level_holds_what_was_agreed() {
    let agreed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "compiler",
        "conformance",
        "examples",
        "lsp",
        "runtime",
        "stdlib",
    ];
    let output = std::process::Command::new("git")
        .args(["ls-tree", "--name-only", "HEAD"])
        .current_dir(repository())
        .output()
        .expect("git runs");
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<&str> = listing.lines().filter(|n| !n.starts_with('.')).collect();
    if found.is_empty() {
        println!("skipped: not a git checkout");
        return;
    }
    assert_eq!(found, agreed);
}

#[test]
fn promises_name_tests_that_exist() {
    let page = std::fs::read_to_string(repository().join(".github/SECURITY.md")).expect("a page on security");
    let rooms = built();
    let named: Vec<String> = quoted(&page).into_iter().filter(|name| name.contains("::")).collect();
    assert!(named.len() > 40, "{} tests are named", named.len());
    for name in named {
        let (file, test) = name.split_once("::").expect("the name has two colons");
        let (room, file) = file.split_once('/').unwrap_or_else(|| panic!("`{name}` names no crate"));
        let folder =
            &rooms.get(&format!("govc-{room}")).unwrap_or_else(|| panic!("`{name}`: no crate")).folder;
        let path = repository().join(folder).join("tests").join(format!("{file}.rs"));
        let source = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(source.contains(&format!("#[test]\nfn {test}()")), "`{name}` is no test");
    }
}

#[test]
fn unsafe_stands_only_where_the_map_says() {
    let readme = readme();
    let rooms: BTreeSet<String> = section(&readme, "unsafe").into_iter().flat_map(quoted).collect();
    let mut found = BTreeSet::new();
    for top in ["runtime", "compiler", "lsp", "stdlib", "conformance"] {
        for file in govc_conformance::cases::files(&repository().join(top), &["rs"]) {
            let source = std::fs::read_to_string(&file).expect("sources are text");
            if has_unsafe(&source) {
                found.insert(file.strip_prefix(repository()).expect("inside").display().to_string());
            }
        }
    }
    assert_eq!(rooms, found, "files with `unsafe` in README (left) and in the sources (right)");
}

/// `unsafe` as a keyword: outside comments and strings, followed by what it may stand before.
fn has_unsafe(source: &str) -> bool {
    const KEYWORD: &str = "unsafe";
    source.lines().any(|line| {
        let code = without_strings(line.split("//").next().unwrap_or_default());
        code.match_indices(KEYWORD).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let after = code[at + KEYWORD.len()..].trim_start();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
                && ["{", "fn ", "impl ", "impl<", "extern ", "trait "].iter().any(|k| after.starts_with(k))
        })
    })
}

/// The parts of a line outside double quotes; escaped quotes do not occur where it matters.
fn without_strings(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

#[test]
fn unsafe_is_seen_where_it_is() {
    // Spelt so that this file itself does not count.
    let seen = |text: &str| has_unsafe(&text.replace('~', "unsafe"));
    assert!(seen("let x = ~ { *p };"));
    assert!(seen("~ impl Send for X {}"));
    assert!(seen("pub ~ extern fn f() {}"));
    assert!(!seen("// ~ { here }\nlet ~_code = \"rego_~_var_error\";"));
    assert!(!seen("#![expect(~_code, reason = \"..\")]"));
}
