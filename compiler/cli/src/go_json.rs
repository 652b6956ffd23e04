//! JSON as Go's decoder reads it: the first value of a text, and Go's words about what is wrong with it.
//!
//! The surprising fact: nothing but this scanner decides what is JSON here. Go takes bytes that are no UTF-8 and halves
//! of surrogate pairs, so these are mended before our own reader sees them.

use std::borrow::Cow;

/// What Go says of a text without a value.
pub(crate) const EOF: &str = "EOF";
const UNEXPECTED: &str = "unexpected EOF";

/// The first value of a text, and the place behind it.
///
/// # Errors
/// Go's words.
pub(crate) fn first(text: &[u8]) -> Result<(&[u8], usize), String> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    let start = scanner.at;
    if start == text.len() {
        return Err(EOF.to_owned());
    }
    scanner.value(0)?;
    Ok((&text[start..scanner.at], scanner.at))
}

/// The only value of a text, as OPA's `UnmarshalJSON` reads it.
///
/// # Errors
/// Go's words, and OPA's about what follows the value.
pub(crate) fn only(text: &[u8]) -> Result<&[u8], String> {
    let (value, end) = first(text)?;
    let mut rest = Scanner { text, at: end };
    rest.space();
    if rest.at == text.len() {
        return Ok(value);
    }
    match text[rest.at] {
        b @ (b'{' | b'[' | b']' | b'}') => {
            Err(format!("error: invalid character '{}' after top-level value", char::from(b)))
        }
        _ => {
            let at = rest.at;
            rest.value(0)?;
            let shown = String::from_utf8_lossy(&text[at..rest.at]);
            Err(format!("error: invalid character '{}' after top-level value", shown.trim_matches('"')))
        }
    }
}

/// A value with what Go mends mended: bytes that are no UTF-8, and lone halves of surrogate pairs.
pub(crate) fn mended(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if !text.contains("\\u") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let len = match (code(escape), code(escape.get(6..).unwrap_or_default())) {
            (Some(high), Some(low)) if is_high(high) && is_low(low) => 12,
            (Some(half), _) if is_high(half) || is_low(half) => {
                out.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => escape.char_indices().nth(2).map_or(escape.len(), |(i, _)| i),
        };
        out.push_str(&escape[..len]);
        rest = &escape[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn code(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

fn is_high(code: u32) -> bool {
    (0xd800..0xdc00).contains(&code)
}

fn is_low(code: u32) -> bool {
    (0xdc00..0xe000).contains(&code)
}

/// What Go calls the kind of a value.
pub(crate) fn kind(value: &[u8]) -> &'static str {
    match value.first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "bool",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// Go's limit of nesting.
const DEPTH: usize = 10_000;

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

type Scanned = Result<(), String>;

impl Scanner<'_> {
    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error at this place: what was not expected there.
    fn fault(&self, context: &str) -> String {
        match self.text.get(self.at) {
            None => UNEXPECTED.to_owned(),
            Some(&byte) => format!("invalid character {} {context}", quoted(byte)),
        }
    }

    fn value(&mut self, depth: usize) -> Scanned {
        self.space();
        match self.text.get(self.at) {
            Some(b'{' | b'[') if depth >= DEPTH => Err(self.fault("exceeded max depth")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.fault("looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Scanned {
        self.at += 1;
        self.space();
        if self.text.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            if self.text.get(self.at) != Some(&b'"') {
                return Err(self.fault("looking for beginning of object key string"));
            }
            self.string()?;
            self.space();
            if self.text.get(self.at) != Some(&b':') {
                return Err(self.fault("after object key"));
            }
            self.at += 1;
            self.value(depth + 1)?;
            self.space();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.fault("after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Scanned {
        self.at += 1;
        self.space();
        if self.text.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.space();
            match self.text.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.fault("after array element")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Scanned {
        for expected in word.chars() {
            if self.text.get(self.at) != Some(&(expected as u8)) {
                return Err(self.fault(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Scanned {
        self.at += 1;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(b) if *b >= b' ' => self.at += 1,
                _ => return Err(self.fault("in string literal")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Scanned {
        self.at += 1;
        match self.text.get(self.at) {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.text.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return Err(self.fault("in \\u hexadecimal character escape"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.fault("in string escape code")),
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, context: &str) -> Scanned {
        if !self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            return Err(self.fault(context));
        }
        self.digits();
        Ok(())
    }

    fn number(&mut self) -> Scanned {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.some_digits("in numeric literal")?,
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }
}

/// A byte as Go quotes it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0c => r"'\f'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x0b => r"'\v'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        b' '..=b'~' => format!("'{}'", char::from(byte)),
        0xa0 | 0xad => format!(r"'\u{byte:04x}'"),
        0x7f..=0x9f => format!(r"'\u{byte:04x}'"),
        byte if byte < b' ' => format!(r"'\x{byte:02x}'"),
        byte => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> String {
        first(text.as_bytes()).map_or_else(|e| e, |(value, _)| String::from_utf8_lossy(value).into_owned())
    }

    #[test]
    fn finds_the_first_value() {
        for text in ["{}", "[1, {\"a\": [true, null]}]", "-0.1e+5", "\"a\\u00e9\\n\"", "false"] {
            assert_eq!(says(text), text);
            assert_eq!(says(&format!(" {text} x")), text);
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
        }
    }

    #[test]
    fn says_what_go_says() {
        let cases = [
            ("", "EOF"),
            ("{\"input", "unexpected EOF"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"),
            ("{\"a\":01}", "invalid character '1' after object key:value pair"),
            ("1.", "unexpected EOF"),
            ("[1.]", "invalid character ']' after decimal point in numeric literal"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("[1 2]", "invalid character '2' after array element"),
            ("}", "invalid character '}' looking for beginning of value"),
        ];
        for (text, wanted) in cases {
            assert_eq!(says(text), wanted, "{text}");
        }
    }

    #[test]
    fn mends_what_go_mends() {
        assert_eq!(mended(br#""\ud800\u0041""#), r#""\ufffd\u0041""#);
        assert_eq!(mended(br#""\ud83d\ude00\\ud800""#), r#""\ud83d\ude00\\ud800""#);
        assert_eq!(mended(b"\"\xff\""), "\"\u{fffd}\"");
    }
}
