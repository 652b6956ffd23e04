//! Upper and lower case, one character for one character as in Go.
//!
//! The one surprising fact: `ß` has no upper case here, because Go never makes a text longer. Bytes that are no text
//! become U+FFFD.

use govc_value::bytes::byte_of;

pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

fn lower_char(c: char) -> char {
    match c {
        'İ' => 'i',
        _ if byte_of(c).is_some() => char::REPLACEMENT_CHARACTER,
        _ => only(c.to_lowercase()).unwrap_or(c),
    }
}

fn upper_char(c: char) -> char {
    if byte_of(c).is_some() {
        return char::REPLACEMENT_CHARACTER;
    }
    only(c.to_uppercase()).unwrap_or_else(|| with_iota(c))
}

/// Greek letters with iota below have a title form that stands for their upper case.
fn with_iota(c: char) -> char {
    let distance = match c {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        _ => 0,
    };
    char::from_u32(u32::from(c) + distance).unwrap_or(c)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_none() { first } else { None }
}
