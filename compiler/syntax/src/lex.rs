//! Source text to raw tokens: what stands there, before any context has a say.
//!
//! Every reserved word is lexed as a keyword here, whatever the language version; line ends and blanks
//! are flags on the token that follows them; comments go to a list of their own. Template strings are
//! the one place where the lexer must count brackets: a `}` that closes `{expr}` resumes the text.

use logos::Logos;

use crate::ast::Comment;
use crate::source::{FileId, Span};

/// What is wrong inside one token. The messages are OPA's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LexFault {
    /// A character that begins no token.
    #[default]
    Illegal,
    /// `!` that is not `!=`.
    Bang,
    /// `$` before neither `"` nor a backquote.
    Dollar,
    /// A string without its closing quote.
    Unterminated,
    /// A backslash before a character that it cannot escape.
    Escape,
    /// `\u` without four hexadecimal digits.
    Unicode,
    /// `1.` without digits.
    Fraction,
    /// `1e` without digits.
    Exponent,
    /// Letters that touch a number.
    Number,
    /// `007`.
    LeadingZero,
    /// A number beyond the exponent that OPA admits.
    TooBig,
    /// U+0000.
    Nul,
    /// U+FEFF elsewhere than at the start.
    ByteOrderMark,
}

impl LexFault {
    /// OPA's text for the fault.
    pub fn message(self) -> &'static str {
        match self {
            Self::Illegal => "illegal token",
            Self::Bang => "illegal ! character",
            Self::Dollar => "illegal $ character",
            Self::Unterminated => "non-terminated string",
            Self::Escape => "illegal escape sequence",
            Self::Unicode => "illegal string literal",
            Self::Fraction => "expected fraction",
            Self::Exponent => "expected exponent",
            Self::Number => "illegal number format",
            Self::LeadingZero => "unexpected number token: expected number without leading zero",
            Self::TooBig => "number too big",
            Self::Nul => "illegal null character",
            Self::ByteOrderMark => "illegal byte-order mark",
        }
    }
}

/// The kinds of raw tokens.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(error = LexFault, skip r"[ \t\r]+")]
pub enum Raw {
    /// A line end; never leaves the lexer.
    #[token("\n")]
    Newline,
    /// From `#` to before the line end; never leaves the lexer.
    #[regex(r"#[^\n]*", allow_greedy = true)]
    Comment,
    /// A name.
    #[regex(r"[A-Za-z_][A-Za-z0-9_\p{Nd}]*")]
    Ident,
    /// A number without its sign; the text is checked by [`number_fault`].
    #[regex(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]*)?([A-Za-z_][A-Za-z0-9_]*)?")]
    Number,
    /// `"..."`.
    #[token("\"", string)]
    Str,
    /// A string between backquotes.
    #[token("`", raw_string)]
    RawStr,
    /// A whole template string without expressions.
    TplWhole,
    /// The text of a template string up to and with its first `{`.
    #[token("$\"", |lex| template(lex, false))]
    #[token("$`", |lex| template(lex, true))]
    TplStart,
    /// The text of a template string from a `}` up to and with the next `{`.
    TplMid,
    /// The text of a template string from a `}` to the closing quote.
    TplEnd,
    /// `package`
    #[token("package")]
    Package,
    /// `import`
    #[token("import")]
    Import,
    /// `as`
    #[token("as")]
    As,
    /// `default`
    #[token("default")]
    Default,
    /// `else`
    #[token("else")]
    Else,
    /// `not`
    #[token("not")]
    Not,
    /// `some`
    #[token("some")]
    Some,
    /// `with`
    #[token("with")]
    With,
    /// `null`
    #[token("null")]
    Null,
    /// `true`
    #[token("true")]
    True,
    /// `false`
    #[token("false")]
    False,
    /// `if`
    #[token("if")]
    If,
    /// `contains`
    #[token("contains")]
    Contains,
    /// `in`
    #[token("in")]
    In,
    /// `every`
    #[token("every")]
    Every,
    /// `and`
    #[token("and")]
    AndWord,
    /// `or`
    #[token("or")]
    OrWord,
    /// `[`
    #[token("[")]
    LBrack,
    /// `]`
    #[token("]")]
    RBrack,
    /// `{`
    #[token("{")]
    LBrace,
    /// `}`
    #[token("}")]
    RBrace,
    /// `(`
    #[token("(")]
    LParen,
    /// `)`
    #[token(")")]
    RParen,
    /// `,`
    #[token(",")]
    Comma,
    /// `:`
    #[token(":")]
    Colon,
    /// `;`
    #[token(";")]
    Semi,
    /// `.`
    #[token(".")]
    Dot,
    /// `:=`
    #[token(":=")]
    Assign,
    /// `=`
    #[token("=")]
    Unify,
    /// `==`
    #[token("==")]
    EqEq,
    /// `!=`
    #[token("!=")]
    NotEq,
    /// `<`
    #[token("<")]
    Lt,
    /// `<=`
    #[token("<=")]
    Le,
    /// `>`
    #[token(">")]
    Gt,
    /// `>=`
    #[token(">=")]
    Ge,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `&`
    #[token("&")]
    Amp,
    /// `|`
    #[token("|")]
    Bar,
    /// `!` alone.
    #[token("!", bang)]
    Bang,
    /// `$` alone.
    #[token("$", dollar)]
    Dollar,
    /// Anything that is no token; the fault is beside it.
    Illegal,
}

/// A raw token with what stood before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawToken {
    /// The kind.
    pub kind: Raw,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
    /// A line end stands between the token before and this one.
    pub newline: bool,
    /// A blank, comment or line end stands between the token before and this one.
    pub space: bool,
    /// What is wrong with the token.
    pub fault: Option<LexFault>,
}

/// The raw tokens of a text and its comments.
#[derive(Clone, Debug, Default)]
pub struct Lexed {
    /// Tokens without line ends and comments.
    pub tokens: Vec<RawToken>,
    /// Comments in source order.
    pub comments: Vec<Comment>,
    /// Places of NUL characters and stray byte-order marks, which no token may hold.
    pub stray: Vec<(u32, LexFault)>,
}

/// Splits a text into raw tokens. Never fails: faults lie beside the tokens.
///
/// `tolerant`: a name in column 0 ends every open template string.
pub fn lex(file: FileId, text: &str, tolerant: bool) -> Lexed {
    Lexing::new(file, text, tolerant).run()
}

struct Lexing<'t> {
    file: FileId,
    text: &'t str,
    tolerant: bool,
    lexer: logos::Lexer<'t, Raw>,
    out: Lexed,
    newline: bool,
    space: bool,
    /// For each open template expression: its quote and the braces open inside it.
    templates: Vec<(bool, u32)>,
}

impl<'t> Lexing<'t> {
    fn new(file: FileId, text: &'t str, tolerant: bool) -> Self {
        let mut lexer = Raw::lexer(text);
        if text.starts_with('\u{feff}') {
            lexer.bump('\u{feff}'.len_utf8());
        }
        let mut out = Lexed::default();
        out.tokens.reserve(text.len() / 5);
        Self { file, text, tolerant, lexer, out, newline: false, space: false, templates: Vec::new() }
    }

    fn run(mut self) -> Lexed {
        let mut last = self.lexer.span().end;
        while let Some(next) = self.lexer.next() {
            let span = self.lexer.span();
            self.space |= span.start > last;
            if self.tolerant && next == Ok(Raw::Ident) && self.column_zero(span.start) {
                self.templates.clear();
            }
            match next {
                Ok(Raw::Newline) => (self.newline, self.space) = (true, true),
                Ok(Raw::Comment) => self.comment(span.start, span.end),
                Ok(kind) => self.token(kind, span.start, span.end),
                Err(fault) => self.illegal(fault, span.start, span.end),
            }
            last = self.lexer.span().end;
        }
        self.out.stray = stray_characters(self.text);
        self.out
    }

    fn column_zero(&self, at: usize) -> bool {
        at == 0 || self.text.as_bytes()[at - 1] == b'\n'
    }

    fn illegal(&mut self, fault: LexFault, start: usize, end: usize) {
        if fault == LexFault::Unterminated {
            self.templates.pop();
        }
        self.push(Raw::Illegal, start, end, Some(fault));
    }

    fn comment(&mut self, start: usize, end: usize) {
        let text = self.text[start + 1..end].trim_end_matches('\r');
        let end = start + 1 + text.len();
        self.space = true;
        self.out.comments.push(Comment { text: text.to_owned(), span: self.span(start, end) });
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end as u32 }
    }

    fn token(&mut self, kind: Raw, start: usize, end: usize) {
        match kind {
            Raw::TplStart => self.template_start(start, end),
            Raw::LBrace => {
                if let Some((_, depth)) = self.templates.last_mut() {
                    *depth += 1;
                }
                self.push(kind, start, end, None);
            }
            Raw::RBrace => self.close_brace(start, end),
            Raw::Number => self.push(kind, start, end, number_fault(&self.text[start..end])),
            Raw::Str => self.push(kind, start, end, unicode_fault(&self.text[start..end])),
            _ => self.push(kind, start, end, None),
        }
    }

    fn template_start(&mut self, start: usize, end: usize) {
        let raw = self.text.as_bytes()[start + 1] == b'`';
        if self.text[..end].ends_with('{') && end > start + 2 {
            self.templates.push((raw, 0));
            self.push(Raw::TplStart, start, end, None);
        } else {
            self.push(Raw::TplWhole, start, end, None);
        }
    }

    fn close_brace(&mut self, start: usize, end: usize) {
        match self.templates.last_mut() {
            Some((_, depth)) if *depth > 0 => *depth -= 1,
            Some(&mut (raw, _)) => return self.template_rest(raw, start),
            None => {}
        }
        self.push(Raw::RBrace, start, end, None);
    }

    fn template_rest(&mut self, raw: bool, start: usize) {
        let rest = self.lexer.remainder();
        match scan_template(rest, raw) {
            Ok((len, opens)) => {
                self.lexer.bump(len);
                if !opens {
                    self.templates.pop();
                }
                let kind = if opens { Raw::TplMid } else { Raw::TplEnd };
                self.push(kind, start, start + 1 + len, None);
            }
            Err((len, fault)) => {
                self.lexer.bump(len);
                self.templates.pop();
                self.push(Raw::Illegal, start, start + 1 + len, Some(fault));
            }
        }
    }

    fn push(&mut self, kind: Raw, start: usize, end: usize, fault: Option<LexFault>) {
        let kind =
            if fault.is_some() && !matches!(kind, Raw::Number | Raw::Str) { Raw::Illegal } else { kind };
        let (newline, space) = (self.newline, self.space);
        (self.newline, self.space) = (false, false);
        self.out.tokens.push(RawToken { kind, start: start as u32, end: end as u32, newline, space, fault });
    }
}

fn stray_characters(text: &str) -> Vec<(u32, LexFault)> {
    let nul = text.match_indices('\0').map(|(i, _)| (i as u32, LexFault::Nul));
    let bom = text
        .match_indices('\u{feff}')
        .filter(|&(i, _)| i > 0)
        .map(|(i, _)| (i as u32, LexFault::ByteOrderMark));
    let mut all: Vec<_> = nul.chain(bom).collect();
    all.sort_by_key(|&(at, _)| at);
    all
}

fn bang(_: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    Err(LexFault::Bang)
}

fn dollar(_: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    Err(LexFault::Dollar)
}

/// Scans to the closing quote; the opening one is consumed.
fn string(lex: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    let (len, fault) = scan_quoted(lex.remainder().as_bytes());
    lex.bump(floor_boundary(lex.remainder(), len));
    fault.map_or(Ok(()), Err)
}

/// Length of the string's rest with its quote, and the first fault in it.
fn scan_quoted(rest: &[u8]) -> (usize, Option<LexFault>) {
    let mut fault = None;
    let mut i = 0;
    loop {
        match rest.get(i) {
            None | Some(b'\n') => return (i, Some(fault.unwrap_or(LexFault::Unterminated))),
            Some(b'"') => return (i + 1, fault),
            Some(b'\\') => match rest.get(i + 1) {
                Some(b'\\' | b'"' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') => i += 2,
                _ => {
                    fault = fault.or(Some(LexFault::Escape));
                    i += 1;
                }
            },
            Some(_) => i += 1,
        }
    }
}

fn raw_string(lex: &mut logos::Lexer<'_, Raw>) -> Result<(), LexFault> {
    match lex.remainder().find('`') {
        Some(at) => {
            lex.bump(at + 1);
            Ok(())
        }
        None => {
            lex.bump(lex.remainder().len());
            Err(LexFault::Unterminated)
        }
    }
}

fn template(lex: &mut logos::Lexer<'_, Raw>, raw: bool) -> Result<(), LexFault> {
    match scan_template(lex.remainder(), raw) {
        Ok((len, _)) => {
            lex.bump(len);
            Ok(())
        }
        Err((len, fault)) => {
            lex.bump(len);
            Err(fault)
        }
    }
}

/// Scans template text up to and with the next `{` (true) or the closing quote (false).
pub(crate) fn scan_template(rest: &str, raw: bool) -> Result<(usize, bool), (usize, LexFault)> {
    let bytes = rest.as_bytes();
    let quote = if raw { b'`' } else { b'"' };
    let mut fault = None;
    let mut i = 0;
    loop {
        match bytes.get(i) {
            None => return Err((i, fault.unwrap_or(LexFault::Unterminated))),
            Some(b'\n') if !raw => return Err((i, fault.unwrap_or(LexFault::Unterminated))),
            Some(&b) if b == quote || b == b'{' => {
                return match fault {
                    Some(fault) => Err((i + 1, fault)),
                    None => Ok((i + 1, b == b'{')),
                };
            }
            Some(b'\\') if raw => i += if bytes.get(i + 1) == Some(&b'{') { 2 } else { 1 },
            Some(b'\\') => match bytes.get(i + 1) {
                Some(b'\\' | b'"' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u' | b'{') => i += 2,
                _ => {
                    fault = fault.or(Some(LexFault::Escape));
                    i += 1;
                }
            },
            Some(_) => i += 1,
        }
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What is wrong with `\u` escapes in a string literal, or with raw control characters beside an escape.
///
/// OPA unescapes a literal only if it holds a backslash, and then with JSON's rules: an unescaped tab is
/// fine in a literal without escapes, and an error in one with.
fn unicode_fault(literal: &str) -> Option<LexFault> {
    if !literal.contains('\\') {
        return None;
    }
    crate::literal::unescape(&literal[1..literal.len() - 1]).is_none().then_some(LexFault::Unicode)
}

/// Whether a text has the form of a name, reserved or not: what may follow a dot.
pub fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What is wrong with a number's text.
pub fn number_fault(text: &str) -> Option<LexFault> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.') {
        let n = digits(at + 1);
        if n == 0 {
            return Some(LexFault::Fraction);
        }
        at += 1 + n;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let n = digits(at + 1 + sign);
        if n == 0 {
            return Some(LexFault::Exponent);
        }
        at += 1 + sign + n;
    }
    if at < bytes.len() {
        return Some(LexFault::Number);
    }
    if bytes.len() > 1 && bytes[0] == b'0' && !matches!(bytes[1], b'.' | b'e' | b'E') {
        return Some(LexFault::LeadingZero);
    }
    too_big(text).then_some(LexFault::TooBig)
}

/// OPA refuses numbers whose binary exponent exceeds 100,000 either way.
fn too_big(text: &str) -> bool {
    const LIMIT: f64 = 1e5;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let Ok(exponent) = exponent.parse::<f64>() else { return true };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let leading = if whole.is_empty() {
        let trimmed = fraction.trim_start_matches('0');
        if trimmed.is_empty() {
            return false;
        }
        trimmed.len() as f64 - fraction.len() as f64
    } else {
        whole.len() as f64
    };
    ((exponent + leading) * std::f64::consts::LOG2_10).abs() > LIMIT
}
