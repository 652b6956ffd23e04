//! The functions of templates.
//!
//! The one surprising fact: `and` and `or` are not here, because they do not look at all their arguments.

use super::data::{Data, print_all};
use crate::go::fmt::sprintf;
use std::cmp::Ordering;

/// A value, or the text that Go gives where there is none.
type Called = Result<Data, String>;

fn fault<T>(text: impl Into<String>) -> Result<T, String> {
    Err(text.into())
}

/// Calls a function.
///
/// # Errors
/// What Go says, without its words about where.
pub(super) fn call(name: &str, args: &[Data]) -> Called {
    match (name, args) {
        ("not", [value]) => Ok(Data::Bool(!value.is_true())),
        ("len", [value]) => length(value),
        ("index", [value, path @ ..]) => index(value, path),
        ("slice", [value, bounds @ ..]) => slice(value, bounds),
        ("print", values) => Ok(Data::Text(print_all(values, Data::text))),
        ("println", values) => {
            Ok(Data::Text(values.iter().map(Data::text).collect::<Vec<_>>().join(" ") + "\n"))
        }
        ("printf", [Data::Text(format), values @ ..]) => {
            let args: Vec<_> = values.iter().map(Data::argument).collect();
            Ok(Data::Text(sprintf(format, &args)))
        }
        ("html", values) => Ok(Data::Text(html(&print_all(values, Data::printed)))),
        ("js", values) => Ok(Data::Text(js(&print_all(values, Data::printed)))),
        ("urlquery", values) => {
            Ok(Data::Text(crate::go::url::query_escape(&print_all(values, Data::printed))))
        }
        ("eq", [first, rest @ ..]) => equal(first, rest),
        ("ne", [a, b]) => Ok(Data::Bool(!same(a, b)?)),
        ("lt", [a, b]) => Ok(Data::Bool(order(a, b)? == Ordering::Less)),
        ("le", [a, b]) => Ok(Data::Bool(order(a, b)? == Ordering::Less || same(a, b)?)),
        ("gt", [a, b]) => Ok(Data::Bool(!(order(a, b)? == Ordering::Less || same(a, b)?))),
        ("ge", [a, b]) => Ok(Data::Bool(order(a, b)? != Ordering::Less)),
        (name, _) => fault(format!("{name} cannot be called so")),
    }
}

/// How many arguments a function takes: the least, and the most where there is one.
pub(super) fn arity(name: &str) -> (usize, Option<usize>) {
    match name {
        "not" | "len" => (1, Some(1)),
        "ne" | "lt" | "le" | "gt" | "ge" => (2, Some(2)),
        "index" | "slice" | "printf" | "eq" | "and" | "or" | "call" => (1, None),
        _ => (0, None),
    }
}

fn count(length: usize) -> Data {
    Data::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

fn length(value: &Data) -> Called {
    match value {
        Data::Text(text) | Data::Number(text) => Ok(count(text.len())),
        Data::List(list) => Ok(count(list.len())),
        Data::Map(map) => Ok(count(map.len())),
        Data::Missing | Data::Null => fault("len of nil pointer"),
        other => fault(format!("len of type {}", other.type_name())),
    }
}

fn position(index: &Data, length: usize) -> Result<usize, String> {
    match index {
        Data::Int(index) => match usize::try_from(*index).ok().filter(|index| *index < length) {
            Some(index) => Ok(index),
            None => fault(format!("index out of range: {index}")),
        },
        Data::Missing | Data::Null => fault("cannot index slice/array with nil"),
        other => fault(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

fn index(value: &Data, path: &[Data]) -> Called {
    let mut value = value.clone();
    if matches!(value, Data::Missing | Data::Null) {
        return fault("index of untyped nil");
    }
    for step in path {
        value = match (&value, step) {
            (Data::List(list), step) => {
                list.get(position(step, list.len())?).cloned().unwrap_or(Data::Missing)
            }
            (Data::Text(text) | Data::Number(text), step) => {
                let byte = text.as_bytes().get(position(step, text.len())?).copied();
                Data::Int(i64::from(byte.unwrap_or_default()))
            }
            (Data::Map(map), Data::Text(key)) => map.get(key).cloned().unwrap_or(Data::Null),
            (Data::Map(_), Data::Missing | Data::Null) => {
                return fault("value is nil; should be of type string");
            }
            (Data::Map(_), other) => {
                return fault(format!("value has type {}; should be string", other.type_name()));
            }
            (Data::Missing | Data::Null, _) => return fault("index of nil pointer"),
            (other, _) => return fault(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn slice(value: &Data, bounds: &[Data]) -> Called {
    let length = match value {
        Data::Missing | Data::Null => return fault("slice of untyped nil"),
        _ if bounds.len() > 3 => return fault(format!("too many slice indexes: {}", bounds.len())),
        Data::Text(_) | Data::Number(_) if bounds.len() == 3 => {
            return fault("cannot 3-index slice a string");
        }
        Data::Text(text) | Data::Number(text) => text.len(),
        Data::List(list) => list.len(),
        other => return fault(format!("can't slice item of type {}", other.type_name())),
    };
    let mut ends = [0, length, length];
    for (end, bound) in ends.iter_mut().zip(bounds) {
        *end = position(bound, length + 1)?;
    }
    let [from, to, most] = ends;
    if from > to {
        return fault(format!("invalid slice index: {from} > {to}"));
    }
    if to > most {
        return fault(format!("invalid slice index: {to} > {most}"));
    }
    Ok(match value {
        Data::List(list) => Data::List(list.get(from..to).unwrap_or_default().to_vec().into()),
        Data::Text(text) | Data::Number(text) => {
            let bytes = text.as_bytes().get(from..to).unwrap_or_default();
            Data::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => Data::Missing,
    })
}

fn html(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c.is_ascii() || crate::go::is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    out
}

/// Kinds that may be compared with each other.
fn basic(value: &Data) -> Option<u8> {
    match value {
        Data::Bool(_) => Some(0),
        Data::Int(_) => Some(1),
        Data::Float(_) => Some(2),
        Data::Text(_) | Data::Number(_) => Some(3),
        _ => None,
    }
}

fn same(a: &Data, b: &Data) -> Result<bool, String> {
    let nothing = |value: &Data| matches!(value, Data::Missing | Data::Null);
    if basic(a) != basic(b) {
        if nothing(a) || nothing(b) {
            return Ok(false);
        }
        let (a, b) = (a.type_name(), b.type_name());
        return fault(format!("incompatible types for comparison: {a} and {b}"));
    }
    match (a, b) {
        (Data::Bool(a), Data::Bool(b)) => Ok(a == b),
        (Data::Int(a), Data::Int(b)) => Ok(a == b),
        (Data::Float(a), Data::Float(b)) => Ok(a.total_cmp(b).is_eq() || *a == *b),
        (Data::Text(a) | Data::Number(a), Data::Text(b) | Data::Number(b)) => Ok(a == b),
        (a, b) if nothing(a) || nothing(b) => Ok(nothing(a) && nothing(b)),
        (a, b) => {
            let (a_type, b_type) = (a.type_name(), b.type_name());
            if a_type == b_type {
                return fault(format!("non-comparable type {}: {b_type}", b.text()));
            }
            fault(format!("non-comparable types {}: {a_type}, {b_type}: {}", a.text(), b.text()))
        }
    }
}

fn equal(first: &Data, rest: &[Data]) -> Called {
    if rest.is_empty() {
        return fault("missing argument for comparison");
    }
    for other in rest {
        if same(first, other)? {
            return Ok(Data::Bool(true));
        }
    }
    Ok(Data::Bool(false))
}

fn order(a: &Data, b: &Data) -> Result<Ordering, String> {
    if basic(a).is_none() || basic(b).is_none() {
        return fault("invalid type for comparison");
    }
    match (a, b) {
        (Data::Int(a), Data::Int(b)) => Ok(a.cmp(b)),
        (Data::Float(a), Data::Float(b)) => Ok(a.partial_cmp(b).unwrap_or(Ordering::Greater)),
        (Data::Text(a) | Data::Number(a), Data::Text(b) | Data::Number(b)) => Ok(a.cmp(b)),
        (Data::Bool(_), Data::Bool(_)) => fault("invalid type for comparison"),
        (a, b) => {
            let (a, b) = (a.type_name(), b.type_name());
            fault(format!("incompatible types for comparison: {a} and {b}"))
        }
    }
}
