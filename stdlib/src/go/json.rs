//! What Go's `encoding/json` says about a text that is no JSON.
//!
//! The one surprising fact: characters are bytes here, so the first byte of `ß` is reported as `Ã`.

use super::quote_with;

type Check = Result<(), String>;

/// The fault of a text, if it has one.
pub(crate) fn fault(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    if scanner.peek().is_none() {
        return Some("EOF".to_owned());
    }
    scanner.document().err()
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The fault at the next byte.
    fn stop(&self, place: &str) -> Check {
        match self.peek() {
            None => Err("unexpected EOF".to_owned()),
            Some(byte) => {
                let shown = match byte {
                    b'\'' => "'\\''".to_owned(),
                    b'"' => "'\"'".to_owned(),
                    _ => quote_with(&char::from(byte).to_string(), '\'', false),
                };
                Err(format!("invalid character {shown} {place}"))
            }
        }
    }

    fn document(&mut self) -> Check {
        let mut open = Vec::new();
        loop {
            // A value begins here.
            self.space();
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                    } else {
                        self.key()?;
                        open.push(b'{');
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                    } else {
                        open.push(b'[');
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            if !self.next_value(&mut open)? {
                self.space();
                return self.end();
            }
        }
    }

    /// The first value is read; Go looks for another one before it complains.
    fn end(&self) -> Check {
        match self.peek() {
            None => Ok(()),
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9') => {
                self.stop("after top-level value").map_err(|text| format!("error: {text}"))
            }
            Some(_) => self.stop("looking for beginning of value"),
        }
    }

    /// What follows a value: true when another one begins.
    fn next_value(&mut self, open: &mut Vec<u8>) -> Result<bool, String> {
        loop {
            let Some(bracket) = open.last() else { return Ok(false) };
            let object = *bracket == b'{';
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                    if object {
                        self.key()?;
                    }
                    return Ok(true);
                }
                Some(b'}') if object => self.at += 1,
                Some(b']') if !object => self.at += 1,
                _ if object => self.stop("after object key:value pair")?,
                _ => self.stop("after array element")?,
            }
            open.pop();
        }
    }

    fn key(&mut self) -> Check {
        if self.peek() != Some(b'"') {
            return self.stop("looking for beginning of object key string");
        }
        self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.stop("after object key");
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) -> Check {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => self.stop("looking for beginning of value"),
        }
    }

    fn literal(&mut self, word: &str) -> Check {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return self.stop(&format!("in literal {word} (expecting '{}')", char::from(expected)));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Check {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                None | Some(0..0x20) => return self.stop("in string literal"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Check {
        match self.peek() {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return self.stop("in \\u hexadecimal character escape");
                    }
                    self.at += 1;
                }
            }
            _ => return self.stop("in string escape code"),
        }
        Ok(())
    }

    fn digits(&mut self, place: &str) -> Check {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return self.stop(place);
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Check {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }
}
