//! Editor features on small workspaces. `^` in a fixture is the cursor.

use govc_lsp::definition::definitions;
use govc_lsp::findings::findings;
use govc_lsp::hover::hover;
use govc_lsp::symbols::symbols;
use govc_lsp::text::Document;
use govc_lsp::workspace::{Snapshot, Workspace};

/// Files as `name: text`; the first `^` is removed and gives the file and offset of the cursor.
fn workspace(files: &[(&str, &str)]) -> (Snapshot, String, u32) {
    let mut workspace = Workspace::default();
    let mut cursor = (String::new(), 0);
    for (name, text) in files {
        if let Some(at) = text.find('^') {
            cursor = ((*name).to_owned(), u32::try_from(at).expect("fixtures are small"));
        }
        workspace.set(name, Document::new(text.replacen('^', "", 1)));
    }
    (workspace.snapshot(), cursor.0, cursor.1)
}

fn check_definition(files: &[(&str, &str)], expected: &[&str]) {
    let (snapshot, file, offset) = workspace(files);
    let found: Vec<String> = definitions(&snapshot, &file, offset)
        .iter()
        .map(|p| {
            let text = snapshot.file(&p.file).map(|f| f.document.text().to_owned()).unwrap_or_default();
            let row = text[..p.span.start as usize].matches('\n').count() + 1;
            format!("{}:{row}:{}", p.file, &text[p.span.start as usize..p.span.end as usize])
        })
        .collect();
    assert_eq!(found, expected);
}

const LIBRARY: (&str, &str) = ("lib.rego", "package lib\n\nlimit := 3\n\nover(x) if x > limit\n");

#[test]
fn a_local_leads_to_its_declaration() {
    let text = "package a\n\np if {\n\tx := input.n\n\t^x > 2\n}\n";
    check_definition(&[("a.rego", text)], &["a.rego:4:x"]);
}

#[test]
fn a_parameter_is_a_declaration() {
    check_definition(&[("a.rego", "package a\n\nf(x, y) := x + ^y\n")], &["a.rego:3:y"]);
}

#[test]
fn a_rule_of_the_same_package_is_found_in_other_files() {
    let files =
        [("a.rego", "package a\n\np if ^q\n"), ("b.rego", "package a\n\nq if input.x\n\nq if input.y\n")];
    check_definition(&files, &["b.rego:3:q", "b.rego:5:q"]);
}

#[test]
fn imports_are_followed() {
    let files = [("a.rego", "package a\n\nimport data.lib\n\np if lib.^over(3)\n"), LIBRARY];
    check_definition(&files, &["lib.rego:5:over"]);
    let files = [("a.rego", "package a\n\nimport data.^lib as l\n\np if l.over(3)\n"), LIBRARY];
    check_definition(&files, &["lib.rego:1:package lib"]);
    let files = [("a.rego", "package a\n\nimport data.lib as l\n\np if l.^limit > 1\n"), LIBRARY];
    check_definition(&files, &["lib.rego:3:limit"]);
}

#[test]
fn absolute_references_are_followed() {
    check_definition(&[("a.rego", "package a\n\np := data.lib.^limit\n"), LIBRARY], &["lib.rego:3:limit"]);
}

fn hover_text(files: &[(&str, &str)]) -> String {
    let (snapshot, file, offset) = workspace(files);
    hover(&snapshot, &file, offset).map(|card| card.text).unwrap_or_default()
}

#[test]
fn hover_shows_heads_and_metadata_of_rules() {
    let text = "package a\n\n# METADATA\n# title: Who may pass\nallow if input.user\n\nallow if input.admin\n\np if ^allow\n";
    let card = hover_text(&[("a.rego", text)]);
    assert!(card.contains("`data.a.allow`"), "{card}");
    assert!(card.contains("Who may pass"), "{card}");
}

#[test]
fn the_outline_names_kinds() {
    let text = "package a.b\n\nx := 1\n\nf(y) := y\n\ns contains 1\n\ntest_x if x == 1\n";
    let (snapshot, ..) = workspace(&[("a.rego", text)]);
    let file = snapshot.file("a.rego").expect("just added");
    let outline: Vec<String> = symbols(file).iter().map(|s| format!("{:?} {}", s.kind, s.name)).collect();
    assert_eq!(outline, ["Package a.b", "Rule x", "Function f/1", "Set s", "Test test_x"]);
}

#[test]
fn every_file_has_its_own_findings() {
    let (snapshot, ..) =
        workspace(&[("bad.rego", "package a\n\np if {\n\tinput.x ==\n}\n\nq := 1\n"), LIBRARY]);
    let found = findings(&snapshot);
    assert!(found["lib.rego"].is_empty(), "{found:?}");
    assert!(!found["bad.rego"].is_empty());
    assert_eq!(found["bad.rego"][0].opa_code, "rego_parse_error");
}

#[test]
fn meaning_is_checked_across_files() {
    let files = [("a.rego", "package a\n\nimport data.lib\n\np if lib.over(1, 2)\n\nq if x > 1\n"), LIBRARY];
    let (snapshot, ..) = workspace(&files);
    let found = findings(&snapshot);
    let codes: Vec<&str> = found["a.rego"].iter().map(|d| d.opa_code).collect();
    assert!(codes.contains(&"rego_unsafe_var_error") || codes.contains(&"rego_type_error"), "{found:?}");
}

/// What a folder declares is neither unknown nor of any type.
#[test]
fn builtins_of_the_host_are_known() {
    let declared = serde_json::json!({"builtins": [{"name": "geo.country", "decl": {"type": "function",
        "args": [{"type": "string"}], "result": {"type": "string"}}}]});
    let mut workspace = Workspace::default();
    let text = "package a\n\np := geo.country(input.address)\n\nq := geo.country(7)\n";
    workspace.set("a.rego", Document::new(text.to_owned()));
    let mut builtins = govc_compile::Builtins::default();
    builtins.declare(&declared, false).expect("declarations");
    let found = |workspace: &Workspace| findings(&workspace.snapshot()).remove("a.rego").unwrap_or_default();
    let unknown = found(&workspace);
    assert!(unknown.iter().any(|f| f.message.contains("geo.country")), "{unknown:?}");
    workspace.declare(builtins);
    let messages: Vec<String> = found(&workspace).into_iter().map(|f| f.message).collect();
    assert!(!messages.iter().any(|m| m.contains("undefined function geo.country")), "{messages:?}");
    assert!(messages.iter().any(|m| m.contains("geo.country: invalid argument")), "{messages:?}");
    let at = u32::try_from(text.find("country").expect("there")).expect("short");
    let card = hover(&workspace.snapshot(), "a.rego", at).expect("a card");
    assert!(card.text.contains("geo.country: (string) => string"), "{}", card.text);
}
