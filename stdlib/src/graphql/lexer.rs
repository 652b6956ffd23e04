//! Tokens of GraphQL.
//!
//! The one surprising fact: commas are blanks, columns count characters from 1, and what is no token is
//! told as an unexpected one, as OPA's library does, which keeps the reason to itself.

use super::node::Place;

/// The kinds of token, by the name that faults use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    Mark(&'static str),
    Name,
    Int,
    Float,
    Text,
    Block,
    Comment,
    Invalid,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::End => "<EOF>",
            Self::Mark(mark) => mark,
            Self::Name => "Name",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::Text => "String",
            Self::Block => "BlockString",
            Self::Comment => "Comment",
            Self::Invalid => "<Invalid>",
        }
    }
}

/// A token, with its text and place.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) place: Place,
}

impl Token {
    pub(super) fn shown(&self) -> String {
        if self.text.is_empty() {
            self.kind.name().to_owned()
        } else {
            format!("{} {}", self.kind.name(), crate::go::quote(&self.text))
        }
    }
}

/// A fault at a place.
pub(super) fn fault(text: &str, (line, column): Place) -> String {
    placed(&format!("input:{line}:{column}: {text}"))
}

/// The text of faults, with the place of the first one at its end where it has one.
pub(super) fn placed(faults: &str) -> String {
    let parts: Vec<_> = faults.splitn(4, ':').collect();
    if let [_, line, column, text] = parts.as_slice()
        && line.parse::<u64>().is_ok()
        && column.parse::<u64>().is_ok()
    {
        let text = text.trim_start_matches(' ');
        let text = text.strip_suffix(".\n").unwrap_or(text);
        return format!("{text} in GraphQL string at location {line}:{column}");
    }
    format!("GraphQL parse error: {faults}")
}

const MARKS: [&str; 14] = ["!", "$", "&", "(", ")", "...", ":", "=", "@", "[", "]", "{", "}", "|"];

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: i64,
    /// Characters since the start of the line.
    column: i64,
    /// Characters from the line of the last block's start to the line of its end.
    block_before: i64,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, line: 1, column: 0, block_before: 0 }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.column += 1;
        Some(c)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.bump();
        }
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.column = 0;
    }

    fn blanks(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '\t' | ' ' | ',' | '\u{feff}' => drop(self.bump()),
                '\n' => {
                    self.bump();
                    self.new_line();
                }
                '\r' => {
                    self.bump();
                    if self.peek() == Some('\n') {
                        self.bump();
                    }
                    self.new_line();
                }
                _ => return,
            }
        }
    }

    /// Reads the next token.
    pub(super) fn read(&mut self) -> Token {
        self.blanks();
        let start = self.column + 1;
        let (line, token) = (self.line, self.token());
        let Some((kind, text)) = token else {
            let place = (self.line, self.column + 1);
            return Token { kind: Kind::Invalid, text: String::new(), place };
        };
        // OPA's library puts texts behind their opening quotes, and blocks on the line of their closing ones.
        let place = match kind {
            Kind::Text => (line, start + 1),
            Kind::Block => (self.line, start + 3 - self.block_before),
            _ => (line, start),
        };
        Token { kind, text, place }
    }

    /// The token here; absent where there is none that is whole.
    fn token(&mut self) -> Option<(Kind, String)> {
        let Some(first) = self.peek() else { return Some((Kind::End, String::new())) };
        if let Some(mark) = MARKS.iter().find(|mark| self.rest().starts_with(**mark)) {
            self.skip(mark.len());
            return Some((Kind::Mark(mark), String::new()));
        }
        match first {
            '#' => Some((Kind::Comment, self.take(|c| c > '\x1f' || c == '\t'))),
            '_' | 'a'..='z' | 'A'..='Z' => {
                Some((Kind::Name, self.take(|c| c.is_ascii_alphanumeric() || c == '_')))
            }
            '-' | '0'..='9' => self.number(),
            '"' if self.rest().starts_with("\"\"\"") => self.block().map(|text| (Kind::Block, text)),
            '"' => self.string().map(|text| (Kind::Text, text)),
            _ => None,
        }
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    fn digits(&mut self) -> Option<()> {
        (!self.take(|c| c.is_ascii_digit()).is_empty()).then_some(())
    }

    fn number(&mut self) -> Option<(Kind, String)> {
        let start = self.at;
        let mut kind = Kind::Int;
        if self.peek() == Some('-') {
            self.bump();
        }
        if self.peek() == Some('0') {
            self.bump();
            if self.peek().is_some_and(|c| c.is_ascii_digit()) {
                return None;
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some('.') {
            kind = Kind::Float;
            self.bump();
            self.digits()?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            kind = Kind::Float;
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            self.digits()?;
        }
        Some((kind, self.text.get(start..self.at).unwrap_or_default().to_owned()))
    }

    fn string(&mut self) -> Option<String> {
        self.bump();
        let mut out = String::new();
        loop {
            match self.peek()? {
                '"' => {
                    self.bump();
                    return Some(out);
                }
                '\\' => out.push(self.escape()?),
                c if c < ' ' && c != '\t' => return None,
                c => {
                    self.bump();
                    out.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        self.bump();
        let plain = match self.peek()? {
            c @ ('"' | '/' | '\\') => c,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.rest().get(1..5).filter(|_| self.rest().len() > 5)?;
                let code = u32::from_str_radix(digits, 16).ok()?;
                self.skip(5);
                return Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return None,
        };
        self.bump();
        Some(plain)
    }

    fn block(&mut self) -> Option<String> {
        self.skip(3);
        self.block_before = 0;
        let mut raw = String::new();
        loop {
            if self.rest().starts_with("\"\"\"") {
                let quotes = self.rest().chars().take_while(|c| *c == '"').count();
                raw.push_str(&"\"".repeat(quotes - 3));
                self.skip(quotes);
                return Some(block_value(&raw));
            }
            if self.rest().starts_with("\\\"\"\"") {
                raw.push_str("\"\"\"");
                self.skip(4);
                continue;
            }
            match self.peek()? {
                c @ ('\n' | '\r') => {
                    self.bump();
                    if c == '\r' && self.peek() == Some('\n') {
                        self.bump();
                    }
                    self.block_before += self.column;
                    self.new_line();
                    raw.push('\n');
                }
                c if c < ' ' && c != '\t' => return None,
                c => {
                    self.bump();
                    raw.push(c);
                }
            }
        }
    }
}

/// A block without the indentation that its lines share, and without blank lines at both ends.
fn block_value(raw: &str) -> String {
    let mut lines: Vec<&str> = raw.split('\n').collect();
    let indent = |line: &str| line.chars().take_while(|c| matches!(c, ' ' | '\t')).count();
    let shared = lines.iter().filter(|line| indent(line) < line.len()).map(|line| indent(line)).min();
    if let Some(shared) = shared {
        for line in lines.iter_mut().skip(1) {
            *line = line.get(shared..).unwrap_or_default();
        }
    }
    let blank = |line: &&str| indent(line) == line.len();
    let start = lines.iter().take_while(|line| blank(line)).count();
    let end = lines.iter().rev().take_while(|line| blank(line)).count();
    lines.get(start..lines.len().saturating_sub(end).max(start)).unwrap_or_default().join("\n")
}
