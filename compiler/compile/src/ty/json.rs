//! Types in OPA's JSON form, as capabilities and the details of type errors show them.

use govc_value::Type;
use govc_value::ty::Key;
use serde_json::{Map, Value, json};

/// OPA's JSON form of a type; its keys stand in their order.
pub fn of(ty: &Type) -> Value {
    match ty {
        Type::Null => json!({"type": "null"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Number => json!({"type": "number"}),
        Type::String => json!({"type": "string"}),
        Type::Set(of) => json!({"type": "set", "of": self::of(of)}),
        Type::Any(of) if of.is_empty() => json!({"type": "any"}),
        Type::Any(of) => json!({"type": "any", "of": all(of)}),
        Type::Array(first, rest) => {
            let parts = [("static", non_empty(all(first))), ("dynamic", rest.as_deref().map(of))];
            with_parts("array", parts)
        }
        Type::Object(known, rest) => {
            let known = known.iter().map(|(name, value)| entry(key(name), of(value)));
            object(known.collect(), rest.as_ref().map(|rest| entry(of(&rest.0), of(&rest.1))))
        }
        Type::Function(args, variadic, result) => {
            let [variadic, result] = [variadic, result].map(|ty| ty.as_deref().map(of));
            with_parts(
                "function",
                [("args", non_empty(all(args))), ("variadic", variadic), ("result", result)],
            )
        }
    }
}

/// The JSON form of an object with these known and other properties.
pub(super) fn object(known: Vec<Value>, rest: Option<Value>) -> Value {
    with_parts("object", [("static", non_empty(known)), ("dynamic", rest)])
}

/// A property: its key or the type of its keys, and the type of its value.
pub(super) fn entry(key: Value, value: Value) -> Value {
    json!({"key": key, "value": value})
}

/// A known key; to JSON, keys of another kind than scalars are collections of their parts.
pub(super) fn key(given: &Key) -> Value {
    match given {
        Key::Null => Value::Null,
        Key::Bool(value) => Value::Bool(*value),
        Key::Number(text) => number(text),
        Key::String(text) => Value::String(text.clone()),
        Key::Array(items) => items.iter().map(key).collect(),
        Key::Object(entries) => {
            entries.iter().map(|(name, value)| (name.to_string(), key(value))).collect::<Map<_, _>>().into()
        }
    }
}

/// A number as it is written.
pub(super) fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn all(types: &[Type]) -> Vec<Value> {
    types.iter().map(of).collect()
}

fn non_empty(items: Vec<Value>) -> Option<Value> {
    (!items.is_empty()).then_some(Value::Array(items))
}

fn with_parts<const N: usize>(kind: &str, parts: [(&str, Option<Value>); N]) -> Value {
    let kind = [("type".to_owned(), json!(kind))];
    let parts = parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    parts.chain(kind).collect::<Map<_, _>>().into()
}
