//! The words of templates: numbers, quoted texts, names of functions.
//!
//! The one surprising fact: a number without a point or an exponent is an integer of 64 bits, and one in
//! quotes for one character is the number of that character.

use super::parse::TermKind;

const FUNCTIONS: [&str; 19] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "slice", "urlquery",
];

pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Reads a number.
///
/// # Errors
/// The text that Go gives.
pub(super) fn number(text: &str) -> Result<TermKind, String> {
    let quoted = || crate::go::quote(text);
    if text.starts_with('\'') {
        let character = unquote(text).filter(|inner| inner.chars().count() == 1);
        let code = character.and_then(|inner| inner.chars().next()).map(u32::from);
        return code
            .map(|code| TermKind::Int(i64::from(code)))
            .ok_or_else(|| format!("malformed character constant: {text}"));
    }
    if text.ends_with('i') {
        return Err(format!("illegal number syntax: {}", quoted()));
    }
    if let Some(integer) = integer(text) {
        return Ok(TermKind::Int(integer));
    }
    let plain = text.replace('_', "");
    match plain.parse::<f64>() {
        Ok(_) if !text.contains(['.', 'e', 'E', 'p', 'P']) => Err(format!("integer overflow: {}", quoted())),
        Ok(float) if float.is_finite() => Ok(TermKind::Float(float)),
        _ => Err(format!("illegal number syntax: {}", quoted())),
    }
}

fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "").to_ascii_lowercase();
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits.as_str()),
    };
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

/// The text that quotes of any of Go's three kinds hold.
pub(super) fn unquote(text: &str) -> Option<String> {
    let quote = text.chars().next()?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '`' {
        return Some(inner.replace('\r', ""));
    }
    let (mut out, mut chars) = (Vec::new(), inner.chars());
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let code = |chars: &mut std::str::Chars<'_>, length: usize| {
            let digits: String = chars.take(length).collect();
            u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == length)
        };
        let plain = match chars.next()? {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' => '\\',
            c if c == quote => c,
            'x' => {
                out.push(u8::try_from(code(&mut chars, 2)?).ok()?);
                continue;
            }
            'u' => char::from_u32(code(&mut chars, 4)?)?,
            'U' => char::from_u32(code(&mut chars, 8)?)?,
            first @ '0'..='7' => {
                let digits: String = std::iter::once(first).chain(chars.by_ref().take(2)).collect();
                out.push(u8::from_str_radix(&digits, 8).ok().filter(|_| digits.len() == 3)?);
                continue;
            }
            _ => return None,
        };
        out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
    }
    String::from_utf8(out).ok()
}
