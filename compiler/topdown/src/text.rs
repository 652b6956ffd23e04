//! Terms and statements as text: what OPA's `String()` gives.

use crate::term::*;
use govc_compile::rewritten::ComprehensionKind;
use govc_syntax::lex::is_identifier;
use govc_value::text::{to_rego, write_quoted};
use std::rc::Rc;

/// Words that OPA writes in brackets.
const KEYWORDS: [&str; 15] = [
    "not", "package", "import", "as", "default", "else", "with", "null", "true", "false", "some", "in",
    "every", "contains", "if",
];

/// Whether a text is a word of the language.
pub(crate) fn is_keyword(text: &str) -> bool {
    KEYWORDS.contains(&text)
}

/// A step of a reference.
pub(crate) fn step(t: &Term<'_>, out: &mut String) {
    match t.as_value().and_then(|v| v.as_str()) {
        Some(text) if is_identifier(text) && !is_keyword(text) => {
            out.push('.');
            out.push_str(text);
        }
        Some(text) => {
            out.push('[');
            write_quoted(text, out);
            out.push(']');
        }
        None => {
            out.push('[');
            out.push_str(&term(t));
            out.push(']');
        }
    }
}

/// A reference.
pub(crate) fn reference(parts: &[Term<'_>]) -> String {
    let Some((head, steps)) = parts.split_first() else { return String::new() };
    let mut out = match head.as_value().and_then(|v| v.as_str()) {
        Some(text) => text.to_owned(),
        None => term(head),
    };
    steps.iter().for_each(|s| step(s, &mut out));
    out
}

fn list(items: &[Term<'_>]) -> String {
    items.iter().map(term).collect::<Vec<_>>().join(", ")
}

/// A term.
pub(crate) fn term(t: &Term<'_>) -> String {
    match &t.node {
        Node::Value(v) => to_rego(*v),
        Node::Var(name) if name.starts_with('$') => "_".to_owned(),
        Node::Var(name) | Node::Builtin(name) => name.to_string(),
        Node::Ref(parts) => reference(parts),
        Node::Array(items) => format!("[{}]", list(items)),
        Node::Set(items) => format!("{{{}}}", list(items)),
        Node::Object(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{}: {}", term(k), term(v))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Node::Call(callee, args) => format!("{}({})", callee.text(), list(args)),
        Node::Comprehension(c) => comprehension(c),
    }
}

fn comprehension(c: &Comprehension<'_>) -> String {
    let value = inner(&c.term);
    let body = body(&c.body);
    match (c.kind, &c.key) {
        (ComprehensionKind::Array, _) => format!("[{value} | {body}]"),
        (ComprehensionKind::Object, Some(key)) => format!("{{{}: {value} | {body}}}", inner(key)),
        _ => format!("{{{value} | {body}}}"),
    }
}

/// The element of a comprehension: operators stand between their operands.
fn inner(t: &Term<'_>) -> String {
    let Node::Call(Callee::Builtin(name), args) = &t.node else { return term(t) };
    let infix = govc_stdlib::lookup(name).and_then(|b| b.infix).filter(|i| *i != "in");
    match (infix, args.as_ref()) {
        (Some(infix), [a, b]) => format!("({} {infix} {})", inner(a), inner(b)),
        _ => term(t),
    }
}

/// Statements.
pub(crate) fn body(body: &[Rc<Expr<'_>>]) -> String {
    body.iter().map(|e| expr(e)).collect::<Vec<_>>().join("; ")
}

/// A statement.
pub(crate) fn expr(e: &Expr<'_>) -> String {
    let mut out = if e.negated { "not ".to_owned() } else { String::new() };
    out.push_str(&kind(&e.kind));
    out.push_str(&withs(&e.with));
    out
}

fn kind(kind: &ExprKind<'_>) -> String {
    match kind {
        ExprKind::Term(t) => term(t),
        ExprKind::Unify(a, b) => format!("{} = {}", term(a), term(b)),
        ExprKind::Call(callee, args) => format!("{}({})", callee.text(), list(args)),
        ExprKind::Every(every) => {
            let (value, domain) = (term(&every.value), term(&every.domain));
            format!("every {}, {value} in {domain} {{ {} }}", term(&every.key), body(&every.body))
        }
        ExprKind::Not { body: b, explicit: false } if b.len() == 1 => format!("not {}", body(b)),
        ExprKind::Not { body: b, .. } => format!("not {{{}}}", body(b)),
        ExprKind::And(a, b) => format!("{} and {}", operand(a), operand(b)),
        ExprKind::Or(a, b) => format!("{} or {}", operand(a), operand(b)),
    }
}

/// `every` whose key the author did not name.
pub(crate) fn every_without_key(e: &Expr<'_>) -> String {
    let ExprKind::Every(every) = &e.kind else { return expr(e) };
    let (value, domain) = (term(&every.value), term(&every.domain));
    format!("every {value} in {domain} {{ {} }}{}", body(&every.body), withs(&e.with))
}

fn operand(b: &Body<'_>) -> String {
    if b.len() == 1 { body(b) } else { format!("{{ {} }}", body(b)) }
}

/// Modifiers, each after a blank.
pub(crate) fn withs(withs: &[With<'_>]) -> String {
    withs.iter().map(|w| format!(" with {} as {}", target(&w.target), term(&w.value))).collect()
}

fn target(target: &Target<'_>) -> String {
    match target {
        Target::Document(parts) => reference(parts),
        Target::Function(callee) => callee.text(),
    }
}
