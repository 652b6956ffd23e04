//! The writers: compact, indented, canonical.
//!
//! The surprising fact: a key that is no string is written as the JSON text of the key, and then takes
//! its place among the other keys by that text, because OPA goes through a Go map.

use crate::number::{Number, shortest_digits};
use crate::{Value, View};
use std::borrow::Cow;

/// How to write.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Style {
    /// Spaces per level; 0 writes everything on one line.
    pub indent: usize,
    /// Write `<`, `>` and `&` as `\u003c`, `\u003e`, `\u0026`, as Go does by default.
    pub html: bool,
    /// RFC 8785: keys in the order of UTF-16, numbers as ECMAScript prints them, no needless escapes.
    pub canonical: bool,
}

impl Style {
    /// On one line.
    pub const COMPACT: Style = Style { indent: 0, html: false, canonical: false };
    /// Two spaces per level.
    pub const PRETTY: Style = Style { indent: 2, html: false, canonical: false };
    /// RFC 8785.
    pub const CANONICAL: Style = Style { indent: 0, html: false, canonical: true };
    /// On one line, with HTML's special characters escaped.
    pub const HTML: Style = Style { indent: 0, html: true, canonical: false };
}

/// Appends compact JSON as OPA prints it: sets as arrays, keys that are no strings as their JSON text, no HTML escapes.
pub fn write(value: Value<'_>, out: &mut Vec<u8>) {
    write_styled(value, Style::COMPACT, out);
}

/// Compact JSON as text.
pub fn to_string(value: Value<'_>) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    // The writer only appends whole UTF-8 texts.
    String::from_utf8(out).unwrap_or_default()
}

/// Indented by two spaces, as `opa eval` prints.
pub fn write_pretty(value: Value<'_>, out: &mut Vec<u8>) {
    write_styled(value, Style::PRETTY, out);
}

/// RFC 8785 canonical JSON.
///
/// The RFC knows floats only. A number that no float holds exactly keeps all its digits here, so that
/// two different inputs never have one canonical text.
pub fn write_canonical(value: Value<'_>, out: &mut Vec<u8>) {
    write_styled(value, Style::CANONICAL, out);
}

/// Appends JSON in a style. Undefined, which no collection holds, is written as `null`.
pub fn write_styled(value: Value<'_>, style: Style, out: &mut Vec<u8>) {
    let mut writer = Writer { out, style, open: Vec::new() };
    writer.begin(value);
    while let Some(mut open) = writer.open.pop() {
        if let Some(value) = writer.step(&mut open) {
            writer.open.push(open);
            writer.begin(value);
        }
    }
}

struct Writer<'a, 'o> {
    out: &'o mut Vec<u8>,
    style: Style,
    open: Vec<Open<'a>>,
}

/// A collection that has begun: its entries, and how many are written.
struct Open<'a> {
    entries: Entries<'a>,
    written: usize,
}

enum Entries<'a> {
    /// An array or set.
    Elements(&'a [Value<'a>]),
    /// An object whose keys are strings in the right order.
    Fields(Value<'a>),
    /// Any other object.
    Sorted(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Writer<'a, '_> {
    fn begin(&mut self, value: Value<'a>) {
        match value.view() {
            View::Undefined | View::Null => self.out.extend_from_slice(b"null"),
            View::Bool(true) => self.out.extend_from_slice(b"true"),
            View::Bool(false) => self.out.extend_from_slice(b"false"),
            View::Number(number) => self.number(number),
            View::String(text) => write_string(text, self.style, self.out),
            View::Array(array) => self.open(b'[', Entries::Elements(array.as_slice())),
            View::Set(set) => self.open(b'[', Entries::Elements(set.as_slice())),
            View::Object(_) => self.open(b'{', fields(value, self.style)),
        }
    }

    fn open(&mut self, bracket: u8, entries: Entries<'a>) {
        self.out.push(bracket);
        self.open.push(Open { entries, written: 0 });
    }

    /// Writes up to the next value of a collection, or its end.
    fn step(&mut self, open: &mut Open<'a>) -> Option<Value<'a>> {
        let position = open.written;
        let (key, value) = match &mut open.entries {
            Entries::Elements(elements) => (None, elements.get(position).copied()),
            Entries::Fields(object) => match object.entry(position) {
                Some((key, value)) => (key.as_str().map(Cow::Borrowed), Some(value)),
                None => (None, None),
            },
            Entries::Sorted(entries) => match entries.get_mut(position) {
                Some((key, value)) => (Some(std::mem::take(key)), Some(*value)),
                None => (None, None),
            },
        };
        if value.is_none() {
            self.close(open);
            return None;
        }
        if position > 0 {
            self.out.push(b',');
        }
        self.line(self.open.len() + 1);
        if let Some(key) = key {
            write_string(&key, self.style, self.out);
            self.out.extend_from_slice(if self.style.indent > 0 { b": " } else { b":" });
        }
        open.written += 1;
        value
    }

    fn close(&mut self, open: &Open<'a>) {
        if open.written > 0 {
            self.line(self.open.len());
        }
        self.out.push(if matches!(open.entries, Entries::Elements(_)) { b']' } else { b'}' });
    }

    fn line(&mut self, level: usize) {
        if self.style.indent > 0 {
            self.out.push(b'\n');
            self.out.extend(std::iter::repeat_n(b' ', self.style.indent * level));
        }
    }

    fn number(&mut self, number: Number<'_>) {
        let mut text = String::new();
        if self.style.canonical {
            write_canonical_number(number, &mut text);
        } else {
            number.write(&mut text);
        }
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// The entries of an object in the order in which they are written.
fn fields<'a>(value: Value<'a>, style: Style) -> Entries<'a> {
    let Some(object) = value.as_object() else { return Entries::Elements(&[]) };
    // Only characters beyond the basic plane sort differently in UTF-16, and only against U+E000 and up.
    let in_order = |key: &Value<'_>| match key.as_str() {
        Some(text) => !style.canonical || text.bytes().all(|b| b < 0xee),
        None => false,
    };
    if object.keys().iter().all(in_order) {
        return Entries::Fields(value);
    }
    let mut entries: Vec<_> = object.iter().map(|(key, value)| (key_text(key, style), value)).collect();
    if style.canonical {
        entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    } else {
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    // Of keys that are written alike the last wins, as in a Go map.
    entries.reverse();
    entries.dedup_by(|(a, _), (b, _)| a == b);
    entries.reverse();
    Entries::Sorted(entries)
}

fn key_text<'a>(key: Value<'a>, style: Style) -> Cow<'a, str> {
    match key.as_str() {
        Some(text) => Cow::Borrowed(text),
        None => {
            let mut text = Vec::new();
            write_styled(key, Style { indent: 0, ..style }, &mut text);
            Cow::Owned(String::from_utf8(text).unwrap_or_default())
        }
    }
}

/// Appends a JSON string with its quotes.
pub fn write_string(text: &str, style: Style, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &b) in bytes.iter().enumerate() {
        if is_plain(b) {
            continue;
        }
        let Some((escape, len)) = escape(&bytes[at..], style) else { continue };
        out.extend_from_slice(&bytes[start..at]);
        match escape {
            Escape::Short(short) => out.extend_from_slice(&[b'\\', short]),
            Escape::Long(code) => out.extend_from_slice(format!("\\u{code:04x}").as_bytes()),
        }
        start = at + len;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

enum Escape {
    Short(u8),
    Long(u32),
}

/// Never escaped in any style.
#[inline]
fn is_plain(b: u8) -> bool {
    b >= b' ' && !matches!(b, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2 | 0xf4)
}

/// The escape of the character that starts here and the bytes it takes, if it has one.
fn escape(bytes: &[u8], style: Style) -> Option<(Escape, usize)> {
    let short = |b| Some((Escape::Short(b), 1));
    match bytes {
        [b @ (b'"' | b'\\'), ..] => short(*b),
        [0x08, ..] => short(b'b'),
        [0x0c, ..] => short(b'f'),
        [b'\n', ..] => short(b'n'),
        [b'\r', ..] => short(b'r'),
        [b'\t', ..] => short(b't'),
        [b @ (0..0x20), ..] => Some((Escape::Long(u32::from(*b)), 1)),
        [b @ (b'<' | b'>' | b'&'), ..] if style.html => Some((Escape::Long(u32::from(*b)), 1)),
        // U+2028 and U+2029, which Go escapes always and RFC 8785 never.
        [0xe2, 0x80, b @ (0xa8 | 0xa9), ..] if !style.canonical => {
            Some((Escape::Long(0x2000 | u32::from(*b & 0x3f)), 3))
        }
        // What stands for a byte that is no text (`crate::bytes`).
        [0xf4, 0x8f, 0xbe | 0xbf, _, ..] => Some((Escape::Long(0xfffd), 4)),
        _ => None,
    }
}

/// ECMAScript's `Number::toString` where a float holds the number exactly as it prints; otherwise all digits.
fn write_canonical_number(number: Number<'_>, out: &mut String) {
    let f = number.to_f64();
    let mut text = String::new();
    write_ecmascript(f, &mut text);
    if f.is_finite() && crate::number::same_decimal(&text, number) {
        out.push_str(&text);
    } else {
        crate::number::write_normal(number, out);
    }
}

/// ECMA-262 `Number::toString` for finite floats.
fn write_ecmascript(f: f64, out: &mut String) {
    if f == 0.0 || !f.is_finite() {
        out.push('0');
        return;
    }
    if f < 0.0 {
        out.push('-');
    }
    let (digits, point) = shortest_digits(f);
    if (-5..=21).contains(&point) {
        return crate::number::write_plain(&digits, i64::from(point), out);
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    out.push_str(if point > 0 { "e+" } else { "e-" });
    out.push_str(&(point - 1).unsigned_abs().to_string());
}
