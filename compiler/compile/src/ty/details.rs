//! What a type error tells beside its message: types and references, as lines of text for people and as OPA's JSON
//! (`details`) for programs.
//!
//! OPA's JSON also describes the parameters of builtins in words; ours has their names and types.

use super::json;
use super::partial::Partial;
use super::text::{arguments, parameter_names, ref_text, wanted};
use crate::hir::{Const, Ref, RefHead, Scope, Term};
use govc_syntax::Diagnostic;
use govc_value::Type;
use govc_value::ty::Key;
use serde_json::{Map, Value, json};

/// Says what arguments are there and what a function wants.
pub(crate) fn with_arguments(
    found: Diagnostic,
    have: &[Partial],
    function: &str,
    want: &[Type],
) -> Diagnostic {
    let names = parameter_names(function);
    let shown: Vec<Value> = have.iter().map(Partial::to_json).collect();
    let args =
        want.iter().enumerate().map(|(i, ty)| parameter(names.get(i).copied().unwrap_or_default(), ty));
    let want_json = json!({"args": args.collect::<Vec<_>>()});
    let details = fields(&[("have", Value::Array(shown)), ("want", want_json)]);
    found
        .with_details(details)
        .with_note(format!("have: {}", arguments(have)))
        .with_note(format!("want: {}", wanted(&names, want)))
}

fn parameter(name: &str, ty: &Type) -> Value {
    let mut shown = json::of(ty);
    if !name.is_empty() {
        shown["name"] = json!(name);
    }
    shown
}

/// Says which two types do not match.
pub(super) fn with_sides(found: Diagnostic, left: &Partial, right: &Partial) -> Diagnostic {
    found
        .with_details(fields(&[("a", left.to_json()), ("b", right.to_json())]))
        .with_note(format!("left  : {left}"))
        .with_note(format!("right : {right}"))
}

/// The details of a reference into something that has no parts, whose step at a position has a type.
pub(super) fn no_parts(reference: &Ref, scope: &Scope, position: usize, have: &Type) -> Option<String> {
    let shown = reference_json(reference, scope)?;
    Some(fields(&[("ref", shown), ("pos", json!(position)), ("have", json::of(have))]))
}

/// What is wrong with the step of a reference.
pub(super) struct WrongKey<'a> {
    /// Its type, where it is no constant.
    pub(super) have: Option<Partial>,
    /// The type of the keys that there are.
    pub(super) want: &'a Type,
    /// The keys that there are, where they are known.
    pub(super) known: &'a [Key],
}

impl WrongKey<'_> {
    /// The details of a reference with such a step at a position.
    pub(super) fn details(&self, reference: &Ref, scope: &Scope, position: usize) -> Option<String> {
        let known: Vec<Value> = self.known.iter().map(json::key).collect();
        let mut all = vec![("ref", reference_json(reference, scope)?), ("pos", json!(position))];
        all.extend(self.have.as_ref().map(|have| ("have", have.to_json())));
        all.push(("want", json::of(self.want)));
        all.push(("oneOf", if known.is_empty() { Value::Null } else { Value::Array(known) }));
        Some(fields(&all))
    }
}

/// An object whose keys keep their order, as OPA prints it.
fn fields(all: &[(&str, Value)]) -> String {
    let all: Vec<String> = all.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", all.join(","))
}

/// OPA's JSON form of a reference; nothing where it holds a comprehension.
fn reference_json(reference: &Ref, scope: &Scope) -> Option<Value> {
    let head = match reference.head {
        RefHead::Input => "input".to_owned(),
        RefHead::Data => "data".to_owned(),
        RefHead::Var(var) => {
            ref_text(&Ref { steps: Vec::new(), head: RefHead::Var(var), ..reference.clone() }, scope)
        }
    };
    let head = Some(typed("var", Value::String(head)));
    [head].into_iter().chain(reference.steps.iter().map(|step| term_json(step, scope))).collect()
}

fn term_json(term: &Term, scope: &Scope) -> Option<Value> {
    let all = |terms: &[Term]| terms.iter().map(|t| term_json(t, scope)).collect::<Option<Vec<Value>>>();
    Some(match term {
        Term::Const(Const::Null) => typed("null", json!({})),
        Term::Const(Const::Bool(value)) => typed("boolean", json!(value)),
        Term::Const(Const::Number(text)) => typed("number", json::number(text)),
        Term::Const(Const::String(text)) => typed("string", json!(text)),
        Term::Var(var) => {
            typed("var", json!(scope.vars.get(var.0 as usize).map(|var| var.name.as_str()).unwrap_or("_")))
        }
        Term::Ref(reference) => typed("ref", reference_json(reference, scope)?),
        Term::Array(items) => typed("array", Value::Array(all(items)?)),
        Term::Set(items) => typed("set", Value::Array(all(items)?)),
        Term::Object(entries) => {
            let pair =
                |(key, value): &(Term, Term)| Some(json!([term_json(key, scope)?, term_json(value, scope)?]));
            typed("object", entries.iter().map(pair).collect::<Option<Vec<Value>>>()?.into())
        }
        Term::Comprehension(_) => return None,
    })
}

fn typed(kind: &str, value: Value) -> Value {
    Map::from_iter([("type".to_owned(), json!(kind)), ("value".to_owned(), value)]).into()
}
