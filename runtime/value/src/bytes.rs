//! Strings that are not UTF-8, such as what `hex.decode("ff")` gives: in OPA strings are bytes, here they are text.
//!
//! A byte that starts no valid sequence is one character of the last private plane, so that such strings are told
//! apart, counted and sliced as in OPA, and can be made bytes again. Where they leave as JSON, each such character
//! is U+FFFD, as Go writes it. The surprising fact: a text that holds U+10FF80 to U+10FFFF itself is taken for bytes.

use std::borrow::Cow;

/// U+10FF00 and the byte; bytes below 0x80 are always valid.
const BASE: u32 = 0x0010_ff00;

/// The text for bytes.
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|b| char::from_u32(BASE + u32::from(*b))));
    }
    Cow::Owned(text)
}

/// The byte that a character stands for.
pub fn byte_of(c: char) -> Option<u8> {
    u32::from(c).checked_sub(BASE).and_then(|b| u8::try_from(b).ok()).filter(|b| *b >= 0x80)
}

/// The bytes of a text.
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(|c| byte_of(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}
