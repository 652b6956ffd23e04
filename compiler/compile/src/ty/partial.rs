//! Types of which parts are unknown: OPA prints `???` there, and `null` in JSON.

use super::json::{self, entry};
use govc_value::Type;
use govc_value::ty::Key;
use serde_json::{Value, json};
use std::fmt;

/// What is known of a term's type.
#[derive(Clone, Debug)]
pub(crate) enum Partial {
    /// Nothing.
    Unknown,
    /// Everything.
    Known(Type),
    /// The elements of an array, one by one.
    Array(Vec<Partial>),
    /// The properties of an object with constant keys, and one of the others.
    Object(Vec<(Key, Partial)>, Option<Box<(Partial, Partial)>>),
}

impl Partial {
    /// A part of it is unknown.
    pub(crate) fn is_unknown(&self) -> bool {
        !matches!(self, Partial::Known(_))
    }

    /// An array of these elements.
    pub(crate) fn array(items: Vec<Partial>) -> Self {
        if items.is_empty() {
            return Partial::Known(Type::Array(Vec::new(), Some(Box::new(Type::ANY))));
        }
        match items.iter().map(Partial::known).collect() {
            Some(known) => Partial::Known(Type::Array(known, None)),
            None => Partial::Array(items),
        }
    }

    /// The type, where all of it is known.
    pub(crate) fn known(&self) -> Option<Type> {
        match self {
            Partial::Known(ty) => Some(ty.clone()),
            _ => None,
        }
    }

    /// OPA's JSON form.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Partial::Unknown => Value::Null,
            Partial::Known(ty) => json::of(ty),
            Partial::Array(items) => {
                json!({"type": "array", "static": items.iter().map(Partial::to_json).collect::<Vec<_>>()})
            }
            Partial::Object(known, rest) => {
                let known = known.iter().map(|(key, value)| entry(json::key(key), value.to_json()));
                json::object(known.collect(), rest.as_ref().map(|r| entry(r.0.to_json(), r.1.to_json())))
            }
        }
    }
}

impl From<Option<Type>> for Partial {
    fn from(ty: Option<Type>) -> Self {
        ty.map_or(Partial::Unknown, Partial::Known)
    }
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Partial::Unknown => f.write_str("???"),
            Partial::Known(ty) => ty.fmt(f),
            Partial::Array(items) => write!(f, "array<{}>", list(items.iter().map(Partial::to_string))),
            Partial::Object(known, rest) => {
                f.write_str("object")?;
                if !known.is_empty() {
                    write!(f, "<{}>", list(known.iter().map(|(key, value)| format!("{key}: {value}"))))?;
                }
                rest.as_ref().map_or(Ok(()), |rest| write!(f, "[{}: {}]", rest.0, rest.1))
            }
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
