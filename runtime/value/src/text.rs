//! The Rego text form of values, as OPA's `%v` and error messages print them.
//!
//! The surprising fact: strings are quoted as Go quotes them, which is neither JSON nor Rego: `\x7f`
//! and `\a` come out as such.

use crate::{Value, View};
use std::fmt::Write;

/// Appends the Rego text form: `{1, 2}`, `set()`, `{"k": [1, true]}`. Undefined gives `undefined`.
pub fn write_rego(value: Value<'_>, out: &mut String) {
    let mut open: Vec<(Value<'_>, usize)> = Vec::new();
    begin(value, out, &mut open);
    while let Some((collection, position)) = open.pop() {
        let Some((key, element)) = collection.entry(position) else {
            out.push_str(close(collection));
            continue;
        };
        if position > 0 {
            out.push_str(", ");
        }
        open.push((collection, position + 1));
        if collection.as_object().is_some() {
            // Keys nest only as deep as a program writes them.
            write_rego(key, out);
            out.push_str(": ");
        }
        begin(element, out, &mut open);
    }
}

/// The Rego text form of a value.
pub fn to_rego(value: Value<'_>) -> String {
    let mut text = String::new();
    write_rego(value, &mut text);
    text
}

/// Writes a scalar, or opens a collection.
fn begin<'a>(value: Value<'a>, out: &mut String, open: &mut Vec<(Value<'a>, usize)>) {
    match value.view() {
        View::Undefined => out.push_str("undefined"),
        View::Null => out.push_str("null"),
        View::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        View::Number(number) => number.write(out),
        View::String(text) => write_quoted(text, out),
        View::Set(set) if set.is_empty() => out.push_str("set()"),
        View::Array(_) => {
            out.push('[');
            open.push((value, 0));
        }
        View::Object(_) | View::Set(_) => {
            out.push('{');
            open.push((value, 0));
        }
    }
}

fn close(collection: Value<'_>) -> &'static str {
    if collection.as_array().is_some() { "]" } else { "}" }
}

/// Appends a string as Go's `strconv.Quote` prints it.
pub fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            _ => write_beyond_ascii(c, out),
        }
    }
    out.push('"');
}

fn write_beyond_ascii(c: char, out: &mut String) {
    // A byte that is no text is shown as such.
    let code = crate::bytes::byte_of(c).map_or(u32::from(c), u32::from);
    if code < 0x100 && code != u32::from(c) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{code:02x}");
        return;
    }
    // Writing to a string cannot fail.
    let _ = match code {
        0..0x80 => write!(out, "\\x{code:02x}"),
        _ if is_printable(c) => out.write_char(c),
        0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Letters, marks, numbers, punctuation and symbols, as Go's `unicode.IsPrint`.
fn is_printable(c: char) -> bool {
    // The standard library knows the same classes, but adds marks to what it escapes; only at the start
    // of a text, so a letter in front tells the two apart.
    let mut buffer = [0; 5];
    buffer[0] = b'a';
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    match std::str::from_utf8(&buffer[..len]) {
        Ok(pair) => pair.escape_debug().nth(1) == Some(c),
        Err(_) => false,
    }
}
