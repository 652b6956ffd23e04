//! JSON as Go's `encoding/json` writes it.
//!
//! The one surprising fact: an object's keys that are no strings become the JSON text of the key, so
//! `{1: "a", "1": "b"}` has one key left.

use crate::{Answer, BuiltinError};
use govc_value::json::{ErrorKind, Limits};
use govc_value::{Heap, Object, Value, View};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Compact text of a value.
pub(crate) fn marshal(value: Value<'_>) -> String {
    let mut out = String::new();
    write(value, None, 0, &mut out);
    out
}

/// Text with line breaks; every line but the first begins with the prefix.
pub(super) fn marshal_indent(value: Value<'_>, prefix: &str, indent: &str) -> String {
    let mut out = String::new();
    write(value, Some((prefix, indent)), 0, &mut out);
    out
}

type Breaks<'b> = Option<(&'b str, &'b str)>;

fn line_break(breaks: Breaks<'_>, depth: usize, out: &mut String) {
    if let Some((prefix, indent)) = breaks {
        out.push('\n');
        out.push_str(prefix);
        out.push_str(&indent.repeat(depth));
    }
}

fn write(value: Value<'_>, breaks: Breaks<'_>, depth: usize, out: &mut String) {
    match value.view() {
        View::Undefined | View::Null => out.push_str("null"),
        View::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        View::Number(number) => number.write(out),
        View::String(text) => quote(text, out),
        View::Array(array) => write_list(array.as_slice(), breaks, depth, out),
        View::Set(set) => write_list(set.as_slice(), breaks, depth, out),
        View::Object(object) => write_object(object, breaks, depth, out),
    }
}

fn write_list(list: &[Value<'_>], breaks: Breaks<'_>, depth: usize, out: &mut String) {
    out.push('[');
    for (position, element) in list.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        line_break(breaks, depth + 1, out);
        write(*element, breaks, depth + 1, out);
    }
    if !list.is_empty() {
        line_break(breaks, depth, out);
    }
    out.push(']');
}

fn write_object(object: Object<'_>, breaks: Breaks<'_>, depth: usize, out: &mut String) {
    let entries: BTreeMap<String, Value<'_>> = object.iter().map(|(k, v)| (key_text(k), v)).collect();
    out.push('{');
    for (position, (key, value)) in entries.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        line_break(breaks, depth + 1, out);
        quote(key, out);
        out.push_str(if breaks.is_some() { ": " } else { ":" });
        write(*value, breaks, depth + 1, out);
    }
    if !entries.is_empty() {
        line_break(breaks, depth, out);
    }
    out.push('}');
}

/// A key of an object in JSON.
pub(super) fn key_text(key: Value<'_>) -> String {
    match key.as_str() {
        Some(text) => text.to_owned(),
        None => marshal(key),
    }
}

/// Appends a text in quotes, with Go's escapes.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            // A byte that is no text.
            _ if govc_value::bytes::byte_of(c).is_some() => out.push_str("\\ufffd"),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Reads a JSON text; half surrogate pairs become U+FFFD as in Go.
pub(crate) fn unmarshal<'q>(heap: Heap<'q>, text: &str) -> Answer<'q> {
    let read = |text: &str| govc_value::json::read(heap, text.as_bytes(), &Limits::default());
    let result = match read(text) {
        Err(error) if error.kind == ErrorKind::Surrogate => read(&without_half_pairs(text)),
        result => result,
    };
    result.map_err(|error| {
        let text = crate::go::json::fault(text.as_bytes());
        BuiltinError::Failed(text.unwrap_or_else(|| format!("{:?} at byte {}", error.kind, error.offset)))
    })
}

fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

fn without_half_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let follows = rest.get(6..).and_then(code_unit);
        let taken = match (code_unit(rest), follows) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                rest = rest.get(6..).unwrap_or_default();
                continue;
            }
            _ => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
        };
        out.push_str(rest.get(..taken).unwrap_or(rest));
        rest = rest.get(taken..).unwrap_or_default();
    }
    out + rest
}
