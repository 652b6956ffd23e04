//! What OPA's formatter refuses to carry into v1: shadowed imports and root documents, deprecated
//! builtins. The checks are the compiler's, but OPA makes them here too.

use std::collections::BTreeMap;

use crate::Diagnostic;
use crate::opa::visit::{self, Node};
use crate::opa::{Import, Loc, Module, Terms, Value, operator};
use crate::source::{FileId, Span};

use super::imports;

/// The builtins that v1 does not have.
const DEPRECATED: [&str; 11] = [
    "all",
    "any",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "net.cidr_overlap",
    "re_match",
    "set_diff",
];

/// All findings, in OPA's order of checks.
pub(super) fn check(module: &Module) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    duplicate_imports(&module.imports, &mut findings);
    shadowed_roots(module, &mut findings);
    deprecated_builtins(module, &mut findings);
    keyword_names(module, &mut findings);
    findings
}

fn finding(opa_code: &'static str, loc: Loc, message: String) -> Diagnostic {
    let span = Span { file: FileId(0), start: loc.offset, end: loc.end.max(loc.offset) };
    Diagnostic::error("govc_v1", opa_code, span, message)
}

fn duplicate_imports(imports: &[Import], findings: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &Import> = BTreeMap::new();
    for import in imports {
        let names = imports::names(import);
        let Some(name) = import.alias.as_deref().or(names.last().copied()) else { continue };
        match seen.get(name) {
            Some(first) => {
                let alias = first.alias.as_ref().map(|a| format!(" as {a}")).unwrap_or_default();
                let path = imports::names(first).join(".");
                let message = format!("import must not shadow import {path}{alias}");
                findings.push(finding("rego_compile_error", import.loc, message));
            }
            None => {
                seen.insert(name, import);
            }
        }
    }
}

fn root(value: &Value) -> Option<&str> {
    match value {
        Value::Var(name) if name == "input" || name == "data" => Some(name),
        Value::Ref(path) if path.len() == 1 => path.first().and_then(|t| root(&t.value)),
        _ => None,
    }
}

fn shadowed_roots(module: &Module, findings: &mut Vec<Diagnostic>) {
    for rule in &module.rules {
        if let Some(name) = rule.head.reference.first().and_then(|t| root(&t.value)) {
            let message = format!("rules must not shadow {name} (use a different rule name)");
            findings.push(finding("rego_compile_error", rule.loc, message));
        }
        for arg in rule.head.args.iter().flatten() {
            if let Some(name) = root(&arg.value) {
                let message = format!("args must not shadow {name} (use a different variable name)");
                findings.push(finding("rego_compile_error", arg.loc, message));
            }
        }
    }
    visit::rules(module, &mut |node| {
        let Node::Expr(expr) = node else { return };
        let Terms::Call(call) = &expr.terms else { return };
        if let Some(name) = call.get(1).and_then(|t| root(&t.value)).filter(|_| operator(call) == "assign") {
            let message = format!("variables must not shadow {name} (use a different variable name)");
            findings.push(finding("rego_compile_error", expr.loc, message));
        }
    });
}

fn deprecated_builtins(module: &Module, findings: &mut Vec<Diagnostic>) {
    visit::rules(module, &mut |node| {
        let (name, loc) = match node {
            Node::Expr(expr) => match &expr.terms {
                Terms::Call(call) => (operator(call), expr.loc),
                _ => return,
            },
            Node::Term(term) => match &term.value {
                Value::Call(call) => (operator(call), term.loc),
                _ => return,
            },
        };
        if DEPRECATED.contains(&name.as_str()) {
            let message = format!("deprecated built-in function calls in expression: {name}");
            findings.push(finding("rego_type_error", loc, message));
        }
    });
}

fn keyword_names(module: &Module, findings: &mut Vec<Diagnostic>) {
    for rule in &module.rules {
        let [only] = &rule.head.reference[..] else { continue };
        let Value::Var(name) = &only.value else { continue };
        if matches!(name.as_str(), "if" | "contains" | "in" | "every") {
            let message = format!("{name} keyword cannot be used for rule name");
            findings.push(finding("rego_parse_error", rule.loc, message));
        }
    }
}
