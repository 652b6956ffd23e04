//! The reader: RFC 8259 to the letter, duplicate keys: last wins, as in OPA.
//!
//! Values wait on one stack until their array or object closes. Text is validated as UTF-8 once, in
//! front; after that strings are slices of it.

use super::{Error, ErrorKind, Limits};
use crate::{Arena, FrozenBuilder, Heap, NumberError, SymbolTable, Value};

/// Reads one JSON text. Of duplicate keys the last wins, as in OPA.
///
/// # Errors
/// When the text is not exactly one JSON value within the limits, or the arena is exhausted.
pub fn read<'q>(heap: Heap<'q>, text: &[u8], limits: &Limits) -> Result<Value<'q>, Error> {
    if text.len() > limits.bytes {
        return Err(Error { kind: ErrorKind::Size { given: text.len(), limit: limits.bytes }, offset: 0 });
    }
    let text = match simdutf8::basic::from_utf8(text) {
        Ok(text) => text,
        Err(_) => {
            let offset = std::str::from_utf8(text).map_or_else(|e| e.valid_up_to(), str::len);
            return Err(Error { kind: ErrorKind::Utf8, offset });
        }
    };
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        heap,
        limits,
        values: Vec::with_capacity(64),
        open: Vec::with_capacity(16),
        unescaped: String::new(),
    };
    let value = reader.document()?;
    if heap.exhausted() {
        return Err(reader.error(ErrorKind::Memory { limit: heap.arena().limit() }));
    }
    Ok(value)
}

/// Strings up to this length get a symbol when data is interned; longer ones are rarely compared.
const SHORT: usize = 64;

/// Gives every key and every short string of a JSON text a symbol.
///
/// # Errors
/// As [`read`].
pub fn intern(builder: &mut FrozenBuilder, text: &[u8], limits: &Limits) -> Result<(), Error> {
    let arena = Arena::new(usize::MAX);
    let value = read(Heap::new(&arena, SymbolTable::empty()), text, limits)?;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if let Some(text) = value.as_str().filter(|text| text.len() <= SHORT) {
            builder.intern(text);
        }
        for (key, element) in value.entries() {
            if let Some(key) = key.as_str() {
                builder.intern(key);
            }
            open.push(element);
        }
    }
    Ok(())
}

struct Reader<'t, 'q> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    heap: Heap<'q>,
    limits: &'t Limits,
    /// Finished values whose collection is still open; keys and values of objects alternate.
    values: Vec<Value<'q>>,
    open: Vec<Open>,
    unescaped: String,
}

/// A collection that has begun: where its values start on the stack.
#[derive(Clone, Copy)]
enum Open {
    Array(usize),
    Object(usize),
}

impl<'q> Reader<'_, 'q> {
    fn document(&mut self) -> Result<Value<'q>, Error> {
        while !(self.begin()? && self.finish()?) {}
        self.space();
        match self.peek() {
            None => Ok(self.values.pop().unwrap_or_default()),
            Some(_) => Err(self.expected("the end of the text")),
        }
    }

    /// Reads a scalar or an empty collection (true: it is on the stack), or opens a collection up to its
    /// first value (false).
    #[inline]
    fn begin(&mut self) -> Result<bool, Error> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => {
                self.enter(Open::Object(self.values.len()))?;
                if !self.take_after_space(b'}') {
                    self.key()?;
                    return Ok(false);
                }
                self.close();
            }
            Some(b'[') => {
                self.enter(Open::Array(self.values.len()))?;
                if !self.take_after_space(b']') {
                    return Ok(false);
                }
                self.close();
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::TRUE)?,
            Some(b'f') => self.word("false", Value::FALSE)?,
            Some(b'n') => self.word("null", Value::NULL)?,
            _ => return Err(self.expected("a value")),
        }
        Ok(true)
    }

    /// Closes all collections that end with the value on top of the stack. True when none is open.
    #[inline]
    fn finish(&mut self) -> Result<bool, Error> {
        loop {
            let Some(&open) = self.open.last() else { return Ok(true) };
            self.space();
            match (open, self.peek()) {
                (Open::Array(_), Some(b',')) => {
                    self.at += 1;
                    return Ok(false);
                }
                (Open::Object(_), Some(b',')) => {
                    self.at += 1;
                    return self.key().map(|()| false);
                }
                (Open::Array(_), Some(b']')) | (Open::Object(_), Some(b'}')) => {
                    self.at += 1;
                    self.close();
                }
                (Open::Array(_), _) => return Err(self.expected("`,` or `]`")),
                (Open::Object(_), _) => return Err(self.expected("`,` or `}`")),
            }
        }
    }

    fn enter(&mut self, open: Open) -> Result<(), Error> {
        if self.open.len() >= self.limits.depth as usize {
            return Err(self.error(ErrorKind::Depth { limit: self.limits.depth }));
        }
        self.at += 1;
        self.open.push(open);
        Ok(())
    }

    /// Puts the innermost collection in the place of the values that belong to it.
    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Array(start)) => {
                let value = self.heap.array(&self.values[start..]);
                self.values.truncate(start);
                self.values.push(value);
            }
            Some(Open::Object(start)) => {
                // Keys and values alternate, so nothing remains.
                let (pairs, _) = self.values[start..].as_chunks_mut::<2>();
                let value = self.heap.object_from_pairs(pairs);
                self.values.truncate(start);
                self.values.push(value);
            }
            None => {}
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(), Error> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        self.string()?;
        if !self.take_after_space(b':') {
            return Err(self.expected("`:`"));
        }
        Ok(())
    }

    fn word(&mut self, word: &'static str, value: Value<'q>) -> Result<(), Error> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        self.values.push(value);
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Result<(), Error> {
        let start = self.at + 1;
        let end = plain_end(self.bytes, start);
        self.check_length(start, end - start)?;
        match self.bytes.get(end) {
            Some(b'"') => {
                self.at = end + 1;
                // Both ends touch a quote, so they are boundaries of characters.
                self.values.push(self.heap.string(&self.text[start..end]));
                Ok(())
            }
            Some(b'\\') => self.escaped(start, end),
            Some(_) => Err(self.error_at(ErrorKind::Syntax("an escape instead of a control character"), end)),
            None => Err(self.error_at(ErrorKind::Syntax("a closing quote"), end)),
        }
    }

    /// A string with escapes, the first of which is at `end`.
    fn escaped(&mut self, start: usize, end: usize) -> Result<(), Error> {
        let mut unescaped = std::mem::take(&mut self.unescaped);
        unescaped.clear();
        unescaped.push_str(&self.text[start..end]);
        self.at = end;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.values.push(self.heap.string(&unescaped));
                    self.unescaped = unescaped;
                    return Ok(());
                }
                Some(b'\\') => unescaped.push(self.escape()?),
                Some(b) if b < b' ' => {
                    return Err(self.expected("an escape instead of a control character"));
                }
                Some(_) => {
                    let end = plain_end(self.bytes, self.at);
                    unescaped.push_str(&self.text[self.at..end]);
                    self.at = end;
                }
                None => return Err(self.expected("a closing quote")),
            }
            self.check_length(start, unescaped.len())?;
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let c = match self.bytes.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.error_at(ErrorKind::Syntax("an escape of JSON"), self.at + 1)),
        };
        self.at += 2;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        let first = self.hex()?;
        if !(0xd800..0xe000).contains(&first) {
            // Only surrogates are no characters below 0x10000.
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let half = self.error_at(ErrorKind::Surrogate, start);
        if first >= 0xdc00 || !self.bytes[self.at..].starts_with(b"\\u") {
            return Err(half);
        }
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(half);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(half)
    }

    /// `\uXXXX`
    fn hex(&mut self) -> Result<u32, Error> {
        let digits = self.bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
        let code = digits.iter().try_fold(0, |code, &b| Some(code << 4 | char::from(b).to_digit(16)?));
        match code {
            Some(code) if digits.len() == 4 => {
                self.at += 6;
                Ok(code)
            }
            _ => Err(self.error_at(ErrorKind::Syntax("four hexadecimal digits"), self.at + 2)),
        }
    }

    #[inline]
    fn number(&mut self) -> Result<(), Error> {
        let start = self.at;
        let negative = self.bytes[start] == b'-';
        let first = start + usize::from(negative);
        let mut at = first;
        let mut int = 0i64;
        while let Some(digit) = self.bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            int = int.wrapping_mul(10).wrapping_add(i64::from(digit));
            at += 1;
        }
        let digits = at - first;
        let plain = (1..=18).contains(&digits)
            && (self.bytes[first] != b'0' || digits == 1 && !negative)
            && !matches!(self.bytes.get(at), Some(b'.' | b'e' | b'E'));
        if plain {
            self.at = at;
            self.values.push(Value::int(if negative { -int } else { int }));
            return Ok(());
        }
        self.long_number(start)
    }

    fn long_number(&mut self, start: usize) -> Result<(), Error> {
        let len = self.bytes[start..]
            .iter()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        match self.heap.number(&self.text[start..start + len]) {
            Ok(value) => {
                self.at = start + len;
                self.values.push(value);
                Ok(())
            }
            Err(NumberError::Range) => Err(self.error_at(ErrorKind::NumberRange, start)),
            Err(_) => Err(self.error_at(ErrorKind::Syntax("a number"), start)),
        }
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn take_after_space(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn check_length(&self, offset: usize, given: usize) -> Result<(), Error> {
        if given > self.limits.string {
            return Err(self.error_at(ErrorKind::Size { given, limit: self.limits.string }, offset));
        }
        Ok(())
    }

    #[cold]
    fn expected(&self, what: &'static str) -> Error {
        self.error(ErrorKind::Syntax(what))
    }

    #[cold]
    fn error(&self, kind: ErrorKind) -> Error {
        self.error_at(kind, self.at)
    }

    fn error_at(&self, kind: ErrorKind, offset: usize) -> Error {
        Error { kind, offset }
    }
}

/// The first quote, backslash or control character from `at` on, or the end of the text.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = special_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&b) = bytes.get(at) {
        if b == b'"' || b == b'\\' || b < b' ' {
            break;
        }
        at += 1;
    }
    at
}

/// Sets the top bit of (at least) the first byte that is a quote, a backslash or below a space; bytes
/// after it may be wrong, bytes before it are not.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let below_space = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
    zero(word ^ (LOW * 0x22)) | zero(word ^ (LOW * 0x5c)) | below_space
}
