//! Base64 as Go's `encoding/base64` reads it.
//!
//! The one surprising fact: line breaks are skipped, stray bits at the end are ignored, and faults are
//! named by the byte at which Go sees them.

/// Which two characters stand for 62 and 63.
#[derive(Clone, Copy)]
pub(crate) enum Alphabet {
    /// `+` and `/`.
    Standard,
    /// `-` and `_`.
    Url,
}

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Alphabet {
    fn letter(self, bits: u8) -> char {
        let last = match self {
            Self::Standard => ['+', '/'],
            Self::Url => ['-', '_'],
        };
        match LETTERS.get(usize::from(bits)) {
            Some(letter) => char::from(*letter),
            None => last[usize::from(bits & 1)],
        }
    }
    fn bits(self, letter: u8) -> Option<u8> {
        match (letter, self) {
            (b'A'..=b'Z', _) => Some(letter - b'A'),
            (b'a'..=b'z', _) => Some(letter - b'a' + 26),
            (b'0'..=b'9', _) => Some(letter - b'0' + 52),
            (b'+', Self::Standard) | (b'-', Self::Url) => Some(62),
            (b'/', Self::Standard) | (b'_', Self::Url) => Some(63),
            _ => None,
        }
    }
}

pub(crate) fn encode(bytes: &[u8], alphabet: Alphabet, pad: bool) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for position in 0..4 {
            if position <= group.len() {
                let bits = (word >> (18 - 6 * position)) & 63;
                out.push(alphabet.letter(u8::try_from(bits).unwrap_or(0)));
            } else if pad {
                out.push('=');
            }
        }
    }
    out
}

/// The bytes of a text.
///
/// # Errors
/// The byte offset of the fault, as in Go's `CorruptInputError`.
pub(crate) fn decode(text: &[u8], alphabet: Alphabet, padded: bool) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    loop {
        let (mut group, mut count) = ([0u8; 4], 0);
        let mut last = false;
        while count < 4 {
            let Some(byte) = text.get(at).copied() else {
                if count == 1 || count > 0 && padded {
                    return Err(at - count);
                }
                last = true;
                break;
            };
            at += 1;
            if let Some(bits) = alphabet.bits(byte) {
                group[count] = bits;
                count += 1;
            } else if byte == b'=' && padded {
                at = padding(text, at, count)?;
                last = true;
                break;
            } else if !matches!(byte, b'\n' | b'\r') {
                return Err(at - 1);
            }
        }
        let word = group.iter().fold(0u32, |word, bits| word << 6 | u32::from(*bits));
        let [_, a, b, c] = word.to_be_bytes();
        out.extend_from_slice(&[a, b, c][..count.saturating_sub(1)]);
        if last {
            return Ok(out);
        }
    }
}

fn skip_breaks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// What must follow the first `=` after so many letters of a group.
fn padding(text: &[u8], mut at: usize, count: usize) -> Result<usize, usize> {
    if count < 2 {
        return Err(at - 1);
    }
    if count == 2 {
        at = skip_breaks(text, at);
        match text.get(at) {
            None => return Err(text.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    at = skip_breaks(text, at);
    if at < text.len() { Err(at) } else { Ok(at) }
}
