//! Every dependency has an allowed licence and comes from the registry: the two rules of `.cargo/deny.toml`
//! that need no advisory database, for machines without cargo-deny.

use govc_conformance::repository;
use serde_json::Value as Json;

fn rules() -> toml::Table {
    let path = repository().join(".cargo/deny.toml");
    let text = std::fs::read_to_string(&path).expect("the rules are part of the checkout");
    text.parse().expect("the rules are TOML")
}

fn strings(rules: &toml::Table, table: &str, key: &str) -> Vec<String> {
    let list = rules[table][key].as_array().expect("a list").iter();
    list.map(|v| v.as_str().expect("a string").to_owned()).collect()
}

/// An SPDX expression is satisfied when one side of each `OR` and both sides of each `AND` are allowed.
fn allowed(expression: &str, allow: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    let (mut depth, mut parts, mut operators, mut start) = (0usize, Vec::new(), Vec::new(), 0);
    let words: Vec<(usize, &str)> = words(&expression);
    for (at, word) in &words {
        depth += word.matches('(').count();
        depth = depth.saturating_sub(word.matches(')').count());
        if depth == 0 && matches!(*word, "OR" | "AND") {
            parts.push(expression[start..*at].trim().to_owned());
            operators.push(*word);
            start = at + word.len();
        }
    }
    parts.push(expression[start..].trim().to_owned());
    match parts.as_slice() {
        [one] => match one.strip_prefix('(').and_then(|o| o.strip_suffix(')')) {
            Some(inner) => allowed(inner, allow),
            None => allow.iter().any(|a| a == one),
        },
        _ => any_of_all(&parts, &operators, allow),
    }
}

fn words(text: &str) -> Vec<(usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split_whitespace().map(|w| (w.as_ptr() as usize - start, w)).collect()
}

/// `AND` binds more tightly than `OR`.
fn any_of_all(parts: &[String], operators: &[&str], allow: &[String]) -> bool {
    let mut group = allowed(&parts[0], allow);
    let mut any = false;
    for (part, operator) in parts[1..].iter().zip(operators) {
        if *operator == "AND" {
            group = group && allowed(part, allow);
        } else {
            any |= group;
            group = allowed(part, allow);
        }
    }
    any || group
}

#[test]
fn expressions_are_read_as_spdx_says() {
    let allow = ["MIT".to_owned(), "ISC".to_owned()];
    assert!(allowed("MIT OR GPL-3.0", &allow));
    assert!(allowed("MIT/Apache-2.0", &allow));
    assert!(!allowed("MIT AND GPL-3.0", &allow));
    assert!(allowed("(GPL-3.0 OR ISC) AND MIT", &allow));
    assert!(!allowed("(GPL-3.0 OR LGPL-2.1) AND MIT", &allow));
    assert!(!allowed("Apache-2.0 WITH LLVM-exception", &allow));
}

#[test]
fn dependencies_have_allowed_licences_and_sources() {
    let rules = rules();
    let licences = strings(&rules, "licenses", "allow");
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Json = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let (mut wrong, mut sources) = (Vec::new(), std::collections::BTreeSet::new());
    let packages = metadata["packages"].as_array().expect("packages");
    for package in packages {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or("none"));
        if !allowed(licence, &licences) {
            wrong.push(format!("{name}: licence {licence}"));
        }
        // Ours have no source; all others come from the one registry that cargo uses by default.
        if let Some(source) = package["source"].as_str() {
            sources.insert(source.to_owned());
            if !source.starts_with("registry+") {
                wrong.push(format!("{name}: source {source}"));
            }
        }
    }
    println!("{} packages checked", packages.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(sources.len(), 1, "one registry: {sources:?}");
}
