//! Policies beside their HIR (`hir/*.rego`), and broken ones beside what is said of them (`findings/*.rego`).

use govc_compile::{CheckOptions, QueryOptions, Schemas, check, check_query, text};
use govc_syntax::{ParseOptions, RegoVersion, Sources, ast, parse_module, parse_query};
use std::fmt::Write;

fn module(sources: &mut Sources, name: &str, text: &str) -> ast::Module {
    let version = if text.starts_with("# v0") { RegoVersion::V0 } else { RegoVersion::V1 };
    let file = sources.add(name, text);
    let parsed = parse_module(file, text, &ParseOptions { version, ..ParseOptions::default() });
    assert_eq!(parsed.diagnostics, [], "{name} parses");
    parsed.tree
}

/// Modules are divided by lines of `=`; a line `# query: ...` is checked as a query, `# strict` and
/// `# print` are options, `# schema: {...}` is the schema of `input`, `# catalog: {...}` a catalog.
fn check_text(text: &str) -> (Sources, Result<String, String>) {
    let mut sources = Sources::default();
    let modules: Vec<ast::Module> = text
        .split("======\n")
        .enumerate()
        .map(|(i, text)| module(&mut sources, &format!("{i}.rego"), text))
        .collect();
    let option = |name: &str| text.lines().find_map(|l| l.strip_prefix(&format!("# {name}")));
    let mut schemas = Schemas::default();
    if let Some(schema) = option("schema: ") {
        let schema = serde_json::from_str(schema).expect("the schema of a test is JSON");
        schemas.by_name.insert("schema".to_owned(), schema);
    }
    if let Some(catalog) = option("catalog: ") {
        let document = serde_json::from_str(catalog).expect("the catalog of a test is JSON");
        let mut catalog = govc_compile::catalog::Catalog::default();
        catalog.read(&document).expect("it is a catalog");
        catalog.describe(&mut schemas);
    }
    let options = CheckOptions {
        strict: option("strict").is_some(),
        print: option("print").is_some(),
        schemas,
        ..CheckOptions::default()
    };
    let checked = check(&sources, &modules, &options);
    if !checked.is_ok() {
        let found = findings(&sources, &checked.diagnostics);
        return (sources, Err(found));
    }
    let mut out = text::unit(&checked.unit);
    for line in text.lines().filter_map(|l| l.strip_prefix("# query: ")) {
        let file = sources.add("query", line);
        let parsed = parse_query(file, line, &ParseOptions::default());
        assert_eq!(parsed.diagnostics, [], "{line} parses");
        match check_query(&checked, &parsed.tree, &options, &QueryOptions::default()) {
            Ok(query) => {
                let _ = write!(out, "query {line}\n{}\n", text::query(&query));
            }
            Err(found) => {
                let found = findings(&sources, &found);
                return (sources, Err(found));
            }
        }
    }
    (sources, Ok(out))
}

fn findings(sources: &Sources, found: &[govc_syntax::Diagnostic]) -> String {
    let mut out = String::new();
    for d in found {
        let (row, col) = sources.position(d.span);
        let file = &sources.get(d.span.file).name;
        let _ = writeln!(out, "{file}:{row}:{col}: {}: {} [{}]", d.opa_code, d.message, d.code);
        match d.opa_span().map(|span| sources.position(span)) {
            Some(place) if place == (row, col) => {}
            Some((row, col)) => out.push_str(&format!("\tOPA says {row}:{col}\n")),
            None => out.push_str("\tOPA says nowhere\n"),
        }
        d.notes.iter().for_each(|n| {
            let _ = writeln!(out, "\t{n}");
        });
    }
    out
}

#[test]
fn policies_lower_to_hir() {
    insta::glob!("hir/*.rego", |path| {
        let text = std::fs::read_to_string(path).expect("a test file is readable");
        let (_, result) = check_text(&text);
        insta::assert_snapshot!(result.expect("the policy has no errors"));
    });
}

#[test]
fn broken_policies_are_refused() {
    insta::glob!("findings/*.rego", |path| {
        let text = std::fs::read_to_string(path).expect("a test file is readable");
        let (_, result) = check_text(&text);
        insta::assert_snapshot!(result.expect_err("the policy has errors"));
    });
}
