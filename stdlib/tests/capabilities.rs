//! Our declarations against OPA's `capabilities.json`, name by name.

mod support;

use govc_stdlib::{Purity, all, lookup, type_to_json};
use serde_json::Value;

#[test]
fn declarations_equal_those_of_opa() {
    let Some(shared) = support::shared() else {
        println!("skipped: no shared material");
        return;
    };
    let text = std::fs::read_to_string(shared.join("opa/capabilities.json")).expect("capabilities");
    let capabilities: Value = serde_json::from_str(&text).expect("JSON");
    let theirs = capabilities["builtins"].as_array().expect("builtins");
    for entry in theirs {
        let name = entry["name"].as_str().expect("name");
        let ours = lookup(name).unwrap_or_else(|| panic!("`{name}` is not declared"));
        let mut declaration = String::new();
        type_to_json(&ours.ty(), &mut declaration);
        let declaration: Value = serde_json::from_str(&declaration).expect("JSON");
        assert_eq!(declaration, entry["decl"], "{name}");
        assert_eq!(ours.infix, entry["infix"].as_str(), "{name}");
        assert_eq!(ours.deprecated, entry["deprecated"] == true, "{name}");
        assert_eq!(ours.relation, entry["relation"] == true, "{name}");
        let nondeterministic = ours.purity == Purity::Nondeterministic;
        assert_eq!(nondeterministic, entry["nondeterministic"] == true, "{name}");
        assert!(!ours.doc.is_empty() && ours.doc.ends_with('.'), "{name}");
    }
    assert_eq!(all().len(), theirs.len());
}

#[test]
fn every_declared_type_reads() {
    for builtin in all() {
        for (_, text) in builtin.args {
            let text = text.strip_suffix("...").unwrap_or(text);
            govc_stdlib::type_from_text(text).unwrap_or_else(|e| panic!("{}: {e}", builtin.name));
        }
        if let Some(text) = builtin.result {
            govc_stdlib::type_from_text(text).unwrap_or_else(|e| panic!("{}: {e}", builtin.name));
        }
    }
}
