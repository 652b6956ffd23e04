//! Go's ways with text that OPA's answers show: quoting, formatting, layouts, escapes.
//!
//! The one surprising fact: nothing here knows Rego; each file follows one package of Go's library.

pub(crate) mod fmt;
pub(crate) mod json;
pub(crate) mod layout;
pub(crate) mod url;
pub(crate) mod zone_time;

use regex::Regex;
use std::fmt::Write;
use std::sync::LazyLock;

static PRINTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\pL\pM\pN\pP\pS]$").ok());

/// `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let mut buffer = [0; 4];
    PRINTABLE.as_ref().is_some_and(|re| re.is_match(c.encode_utf8(&mut buffer)))
}

/// `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// `strconv.Quote`, or `strconv.QuoteToASCII`, with a choice of quotes.
pub(crate) fn quote_with(text: &str, quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        escape(c, quote, ascii, &mut out);
    }
    out.push(quote);
    out
}

fn escape(c: char, quote: char, ascii: bool, out: &mut String) {
    if let Some(byte) = govc_value::bytes::byte_of(c) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
        return;
    }
    match c {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ if c == quote || c == '\\' => out.extend(['\\', c]),
        _ if is_printable(c) && (c.is_ascii() || !ascii) => out.push(c),
        _ => numeric_escape(u32::from(c), out),
    }
}

fn numeric_escape(code: u32, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match code {
        0..=0x1f | 0x7f => write!(out, "\\x{code:02x}"),
        0x20..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}
