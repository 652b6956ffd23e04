//! Terms as Rego text, for messages: OPA's `String()` forms.

use crate::hir::Const;
use crate::lower::names::Names;
use crate::lower::tree::*;
use std::fmt::Write;

/// A reference: `data.a["b-c"][x]`.
pub(crate) fn reference(names: &Names, parts: &[Term]) -> String {
    let mut out = String::new();
    if let Some(head) = parts.first() {
        out.push_str(&term(names, head));
    }
    for step in parts.iter().skip(1) {
        push_step(names, step, &mut out);
    }
    out
}

fn push_step(names: &Names, step: &Term, out: &mut String) {
    match step.as_str() {
        Some(text) => push_field(text, out),
        None => {
            let _ = write!(out, "[{}]", term(names, step));
        }
    }
}

/// Words that OPA writes in brackets.
const KEYWORDS: [&str; 15] = [
    "not", "package", "import", "as", "default", "else", "with", "null", "true", "false", "some", "in",
    "every", "contains", "if",
];

/// A field as a step: with a dot where it is a word.
pub(crate) fn push_field(text: &str, out: &mut String) {
    if is_word(text) && !KEYWORDS.contains(&text) {
        let _ = write!(out, ".{text}");
    } else {
        let _ = write!(out, "[{}]", quoted(text));
    }
}

/// `data` and a path.
pub(crate) fn data_path(path: &[String]) -> String {
    let mut out = "data".to_owned();
    path.iter().for_each(|p| push_field(p, &mut out));
    out
}

fn is_word(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// A scalar.
pub(crate) fn constant(value: &Const) -> String {
    match value {
        Const::Null => "null".to_owned(),
        Const::Bool(b) => b.to_string(),
        Const::Number(n) => n.clone(),
        Const::String(s) => quoted(s),
    }
}

/// The text of an operator.
pub(crate) fn operator(names: &Names, target: &Target) -> String {
    match target {
        Target::Builtin(name) | Target::Other(name) => name.to_string(),
        Target::Function(path) => data_path(path),
        Target::Written(head, fields) => {
            let mut out = names.text(*head).to_owned();
            fields.iter().for_each(|f| push_field(f, &mut out));
            out
        }
    }
}

/// A term.
pub(crate) fn term(names: &Names, t: &Term) -> String {
    match &t.kind {
        TermKind::Const(value) => constant(value),
        TermKind::Var(name) => match names.subject(*name) {
            Some(subject) => term(names, subject),
            None => names.text(*name).to_owned(),
        },
        TermKind::Ref(parts) => reference(names, parts),
        TermKind::Call(c) => call(names, c),
        TermKind::Array(items) => format!("[{}]", list(names, items)),
        TermKind::Set(items) if items.is_empty() => "set()".to_owned(),
        TermKind::Set(items) => format!("{{{}}}", list(names, items)),
        TermKind::Object(pairs) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(k, v)| format!("{}: {}", term(names, k), term(names, v))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        TermKind::Comprehension(c) => comprehension(names, c),
        TermKind::Template(_) => "$\"...\"".to_owned(),
    }
}

/// A call as OPA prints it: `f(a, b)`, operators included.
pub(crate) fn call(names: &Names, call: &Call) -> String {
    format!("{}({})", operator(names, &call.op.target), list(names, &call.args))
}

fn list(names: &Names, items: &[Term]) -> String {
    items.iter().map(|i| term(names, i)).collect::<Vec<_>>().join(", ")
}

fn comprehension(names: &Names, c: &Comprehension) -> String {
    let body = c.body.iter().map(|e| statement(names, e)).collect::<Vec<_>>().join("; ");
    let value = term(names, &c.term);
    match (c.shape, &c.key) {
        (Shape::Array, _) => format!("[{value} | {body}]"),
        (Shape::Object, Some(key)) => format!("{{{}: {value} | {body}}}", term(names, key)),
        _ => format!("{{{value} | {body}}}"),
    }
}

fn statement(names: &Names, e: &Expr) -> String {
    let text = match &e.kind {
        ExprKind::Term(t) => term(names, t),
        ExprKind::Call(c) => call(names, c),
        ExprKind::Unify(a, b) => format!("{} = {}", term(names, a), term(names, b)),
        ExprKind::Assign(a, b) => format!("{} := {}", term(names, a), term(names, b)),
        _ => "...".to_owned(),
    };
    if e.negated { format!("not {text}") } else { text }
}
