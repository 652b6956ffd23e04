//! References and types as OPA prints them in the details of type errors.

use super::partial::Partial;
use crate::hir::{Const, Ref, RefHead, Scope, Term};
use crate::lower::print::push_field;
use govc_value::Type;

/// A reference: `input.a["b-c"][x]`.
pub(super) fn ref_text(reference: &Ref, scope: &Scope) -> String {
    prefix_text(reference, scope, reference.steps.len())
}

/// The head of a reference and its first steps.
pub(super) fn prefix_text(reference: &Ref, scope: &Scope, steps: usize) -> String {
    let mut out = match reference.head {
        RefHead::Input => "input".to_owned(),
        RefHead::Data => "data".to_owned(),
        RefHead::Var(var) => name(scope, var.0),
    };
    for step in reference.steps.iter().take(steps) {
        match step {
            Term::Const(Const::String(text)) => push_field(text, &mut out),
            _ => {
                out.push('[');
                out.push_str(&step_text(step, scope));
                out.push(']');
            }
        }
    }
    out
}

/// A step as it stands between brackets.
pub(super) fn step_text(step: &Term, scope: &Scope) -> String {
    match step {
        Term::Const(Const::Null) => "null".to_owned(),
        Term::Const(Const::Bool(b)) => b.to_string(),
        Term::Const(Const::Number(text)) => text.clone(),
        Term::Const(Const::String(text)) => quoted(text),
        Term::Var(var) => name(scope, var.0),
        Term::Ref(inner) => ref_text(inner, scope),
        Term::Array(items) => format!("[{}]", list(items, scope)),
        Term::Set(items) => format!("{{{}}}", list(items, scope)),
        Term::Object(entries) => {
            let pair = |(key, value): &(Term, Term)| [key, value].map(|t| step_text(t, scope)).join(": ");
            format!("{{{}}}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Term::Comprehension(_) => "_".to_owned(),
    }
}

fn list(items: &[Term], scope: &Scope) -> String {
    items.iter().map(|t| step_text(t, scope)).collect::<Vec<_>>().join(", ")
}

fn name(scope: &Scope, var: u32) -> String {
    scope.vars.get(var as usize).map_or_else(|| "_".to_owned(), |v| v.name.clone())
}

/// A string with quotes and JSON escapes.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// `(string, ???, number)`.
pub(super) fn arguments(types: &[Partial]) -> String {
    format!("({})", types.iter().map(Partial::to_string).collect::<Vec<_>>().join(", "))
}

/// Parameters and result as OPA writes what is wanted: with the names that builtins give their parameters.
pub(super) fn wanted(names: &[&str], types: &[Type]) -> String {
    let shown: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(i, ty)| match names.get(i) {
            Some(name) if !name.is_empty() => format!("{name}: {ty}"),
            _ => ty.to_string(),
        })
        .collect();
    format!("({})", shown.join(", "))
}

/// The names that a builtin gives its parameters, then that of its result.
pub(super) fn parameter_names(builtin: &str) -> Vec<&'static str> {
    let builtin = govc_stdlib::lookup(builtin);
    builtin.map_or_else(Vec::new, |b| {
        let parameters = b.args.iter().map(|(name, _)| *name);
        parameters.chain([super::results::name(b.name)]).collect()
    })
}
