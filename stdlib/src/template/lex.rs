//! Tokens of Go templates.
//!
//! The one surprising fact: blanks between tokens are tokens, because `$x .y` and `$x.y` differ.

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Open,
    Close,
    Space,
    Bool,
    Char,
    Number,
    Quoted,
    Raw,
    Dot,
    /// `.name`
    Field,
    Name,
    Keyword,
    /// `$name`
    Variable,
    Pipe,
    Declare,
    Assign,
    LeftParen,
    RightParen,
    Comma,
    /// A mark that templates have no use for.
    Other,
    End,
    /// What is no token; its text says why.
    Fault,
}

/// A token with its place: bytes from the start, and line.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) at: usize,
    pub(super) line: usize,
}

impl Token {
    /// The token as faults name it.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Fault => self.text.clone(),
            Kind::Keyword => format!("<{}>", self.text),
            _ if self.text.chars().count() > 10 => {
                format!("{}...", crate::go::quote(&self.text.chars().take(10).collect::<String>()))
            }
            _ => crate::go::quote(&self.text),
        }
    }
}

const KEYWORDS: [&str; 11] =
    ["block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"];
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// All tokens of a template; the last is `End` or `Fault`.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, depth: 0, found: Vec::new() };
    let fault = lexer.run().err();
    let (kind, words) = fault.map_or((Kind::End, String::new()), |words| (Kind::Fault, words));
    lexer.push(kind, words, lexer.at);
    lexer.found
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    found: Vec<Token>,
}

type Lexed = Result<(), String>;

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, text: String, at: usize) {
        let line = 1 + self.text.get(..at).unwrap_or_default().matches('\n').count();
        self.found.push(Token { kind, text, at, line });
    }

    fn run(&mut self) -> Lexed {
        let mut trimmed = false;
        loop {
            let rest = self.rest();
            let Some(open) = rest.find("{{") else {
                self.plain(rest.len(), trimmed, false);
                return Ok(());
            };
            let after = rest.get(open + 2..).unwrap_or_default();
            let trims = after.strip_prefix('-').is_some_and(|rest| rest.starts_with(BLANKS));
            self.plain(open, trimmed, trims);
            let mark = 2 + if trims { 2 } else { 0 };
            let inner = self.rest().get(mark..).unwrap_or_default();
            if inner.starts_with("/*") {
                trimmed = self.comment(mark)?;
                continue;
            }
            self.push(Kind::Open, "{{".to_owned(), self.at);
            self.at += mark;
            self.depth = 0;
            trimmed = self.action()?;
        }
    }

    /// Text up to an action, without blanks that the action or the one before takes away.
    fn plain(&mut self, length: usize, trim_start: bool, trim_end: bool) {
        let text = self.rest().get(..length).unwrap_or_default();
        let mut kept = if trim_start { text.trim_start_matches(BLANKS) } else { text };
        let start = self.at + (text.len() - kept.len());
        if trim_end {
            kept = kept.trim_end_matches(BLANKS);
        }
        if !kept.is_empty() {
            self.push(Kind::Text, kept.to_owned(), start);
        }
        self.at += length;
    }

    /// Tells whether the text behind loses its blanks.
    fn comment(&mut self, mark: usize) -> Result<bool, String> {
        self.at += mark;
        let Some(end) = self.rest().find("*/") else { return Err("unclosed comment".to_owned()) };
        self.at += end + 2;
        self.close().ok_or_else(|| "comment ends before closing delimiter".to_owned())
    }

    /// Steps over a closing mark, and tells whether the text behind loses its blanks.
    fn close(&mut self) -> Option<bool> {
        let rest = self.rest();
        let trims = rest.starts_with(BLANKS) && rest.get(1..).is_some_and(|rest| rest.starts_with("-}}"));
        if trims {
            self.at += 4;
        } else if rest.starts_with("}}") {
            self.at += 2;
        } else {
            return None;
        }
        Some(trims)
    }

    fn action(&mut self) -> Result<bool, String> {
        loop {
            let at = self.at;
            if let Some(trims) = self.close() {
                if self.depth > 0 {
                    self.at = at;
                    return Err("unclosed left paren".to_owned());
                }
                self.push(Kind::Close, "}}".to_owned(), at);
                return Ok(trims);
            }
            let Some(first) = self.rest().chars().next() else { return Err("unclosed action".to_owned()) };
            self.token(first)?;
        }
    }

    fn token(&mut self, first: char) -> Lexed {
        let second = self.rest().chars().nth(1);
        let one = |kind| Ok((kind, first.len_utf8()));
        let (kind, length) = match first {
            ' ' | '\t' | '\r' | '\n' => Ok((Kind::Space, self.blanks())),
            '=' => one(Kind::Assign),
            ':' if second == Some('=') => Ok((Kind::Declare, 2)),
            ':' => Err("expected :=".to_owned()),
            '|' => one(Kind::Pipe),
            '"' => self.quoted().map(|length| (Kind::Quoted, length)),
            '`' => self.raw().map(|length| (Kind::Raw, length)),
            '\'' => self.character().map(|length| (Kind::Char, length)),
            '$' => self.word(1).map(|length| (Kind::Variable, length)),
            '.' if second.is_some_and(is_word) && !second.is_some_and(|c| c.is_ascii_digit()) => {
                self.word(1).map(|length| (Kind::Field, length))
            }
            '.' if !second.is_some_and(|c| c.is_ascii_digit()) => one(Kind::Dot),
            '+' | '-' | '.' | '0'..='9' => self.number().map(|length| (Kind::Number, length)),
            '(' => {
                self.depth += 1;
                one(Kind::LeftParen)
            }
            ')' if self.depth == 0 => Err("unexpected right paren".to_owned()),
            ')' => {
                self.depth -= 1;
                one(Kind::RightParen)
            }
            ',' => one(Kind::Comma),
            c if is_word(c) => {
                let length = self.word(0)?;
                Ok((self.word_kind(length), length))
            }
            c if c.is_ascii_graphic() => one(Kind::Other),
            c => Err(format!("unrecognized character in action: {}", unicode(c))),
        }?;
        let (text, at) = (self.rest().get(..length).unwrap_or_default().to_owned(), self.at);
        self.push(kind, text, at);
        self.at += length;
        Ok(())
    }

    fn word_kind(&self, length: usize) -> Kind {
        match self.rest().get(..length).unwrap_or_default() {
            "true" | "false" => Kind::Bool,
            word if KEYWORDS.contains(&word) => Kind::Keyword,
            _ => Kind::Name,
        }
    }

    /// Blanks, but for the one that belongs to a closing mark.
    fn blanks(&self) -> usize {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(BLANKS).len();
        let closing = rest.get(length..).is_some_and(|rest| rest.starts_with("-}}"));
        if closing && length > 1 { length - 1 } else { length }
    }

    fn word(&self, skip: usize) -> Result<usize, String> {
        let rest = self.rest().get(skip..).unwrap_or_default();
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        match rest.get(length..).and_then(|rest| rest.chars().next()) {
            Some(c) if !BLANKS.contains(&c) && !".,|:()".contains(c) && !self.closes_at(skip + length) => {
                Err(format!("bad character {}", unicode(c)))
            }
            _ => Ok(skip + length),
        }
    }

    fn closes_at(&self, offset: usize) -> bool {
        self.rest().get(offset..).is_some_and(|rest| rest.starts_with("}}"))
    }

    fn until(&self, quote: char, fault: &str) -> Result<usize, String> {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped && c != '\n' => escaped = false,
                '\\' => escaped = true,
                '\n' => break,
                c if c == quote => return Ok(at + 1),
                _ => {}
            }
        }
        Err(fault.to_owned())
    }

    fn quoted(&self) -> Result<usize, String> {
        self.until('"', "unterminated quoted string")
    }

    fn character(&self) -> Result<usize, String> {
        self.until('\'', "unterminated character constant")
    }

    fn raw(&self) -> Result<usize, String> {
        let end = self.rest().get(1..).and_then(|rest| rest.find('`'));
        end.map(|end| end + 2).ok_or_else(|| "unterminated raw quoted string".to_owned())
    }

    fn number(&self) -> Result<usize, String> {
        let rest = self.rest();
        let mut before = ' ';
        let part = |c: char, before: char| {
            is_word(c) || c == '.' || matches!(c, '+' | '-') && matches!(before, 'e' | 'E' | 'p' | 'P' | ' ')
        };
        let mut length = 0;
        for c in rest.chars() {
            if !part(c, before) {
                break;
            }
            before = c;
            length += c.len_utf8();
        }
        let text = rest.get(..length).unwrap_or_default();
        let fits = |c: char| c.is_ascii_hexdigit() || "+-._xXoObBpPeEi".contains(c);
        let digits = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
        let plain = ["0x", "0b", "0o"].iter().all(|prefix| !digits.starts_with(prefix));
        let stray = plain && digits.contains(['a', 'b', 'c', 'd', 'f', 'x', 'o', 'p']);
        if !stray && text.chars().all(fits) && text.contains(|c: char| c.is_ascii_digit()) {
            return Ok(length);
        }
        Err(format!("bad number syntax: {}", crate::go::quote(text)))
    }
}

/// A character as Go's `%#U` prints it.
fn unicode(c: char) -> String {
    let code = u32::from(c);
    if crate::go::is_printable(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}
