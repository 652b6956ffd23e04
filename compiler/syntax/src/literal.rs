//! Literals: the values that escapes in string texts stand for.
//!
//! Strings follow JSON, except that a lone surrogate becomes U+FFFD, as Go's JSON reader has it.

/// The value of the text between two quotes; nothing if an escape is malformed or, as in JSON, a
/// control character stands unescaped.
pub fn unescape(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        push_plain(&mut out, &rest[..at])?;
        rest = escape(&rest[at + 1..], &mut out)?;
    }
    push_plain(&mut out, rest)?;
    Some(out)
}

fn push_plain(out: &mut String, text: &str) -> Option<()> {
    if text.bytes().any(|b| b < 0x20) {
        return None;
    }
    out.push_str(text);
    Some(())
}

/// Reads what follows a backslash and returns the text after it.
fn escape<'t>(rest: &'t str, out: &mut String) -> Option<&'t str> {
    let plain = match rest.as_bytes().first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(&rest[1..], out),
        _ => return None,
    };
    out.push(plain);
    Some(&rest[1..])
}

fn unicode<'t>(rest: &'t str, out: &mut String) -> Option<&'t str> {
    let first = hex4(rest)?;
    let rest = &rest[4..];
    if let Some(c) = char::from_u32(first) {
        out.push(c);
        return Some(rest);
    }
    if let Some(second) = rest.strip_prefix("\\u").and_then(hex4)
        && let Some(c) = pair(first, second)
    {
        out.push(c);
        return Some(&rest[6..]);
    }
    out.push(char::REPLACEMENT_CHARACTER);
    Some(rest)
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

fn pair(high: u32, low: u32) -> Option<char> {
    if !(0xd800..0xdc00).contains(&high) || !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

/// The value of a piece of a template string: `\{` stands for `{`, and only texts between double
/// quotes know the other escapes.
pub fn unescape_template(piece: &str, raw: bool) -> Option<String> {
    let plain = piece.replace("\\{", "{");
    if raw || !plain.contains('\\') {
        return Some(plain);
    }
    unescape(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_json_on_escapes() {
        for text in [r"a\n\t\u0041", r"\ud83d\ude00", r"\u00e9", r"plain", r"\/\\\b\f\r\u000a"] {
            let json: String = serde_json::from_str(&format!("\"{text}\"")).unwrap_or_default();
            assert_eq!(unescape(text).as_deref(), Some(json.as_str()), "{text}");
        }
    }

    #[test]
    fn replaces_lone_surrogates() {
        assert_eq!(unescape(r"a\ud83dz").as_deref(), Some("a\u{fffd}z"));
        assert_eq!(unescape(r"\ude00\ud83d\ude00").as_deref(), Some("\u{fffd}\u{1f600}"));
    }

    #[test]
    fn refuses_malformed_escapes() {
        for text in [r"\u12", r"\u12g4", r"\x", "\\", "a\tb\\n"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
