//! What OPA says about a text that it refuses, found by going OPA's way through it.
//!
//! OPA's parser tries one reading, forgets its complaint where that fails, and complains about the next: in
//! `{"a": 1, "b" 2}` it comes to grief at `2`, goes back to `1` and calls the object non-terminated. Our parser never
//! goes back, so its own complaint often stands elsewhere. This walk reads refused texts only, builds no tree, keeps
//! OPA's order of attempts, and gives up (for our own complaint to stand) where a text is deep or costly.

mod collections;
mod literals;
mod logical;
mod rules;
mod scan;
mod shape;
mod statements;
mod templates;
mod terms;

use std::rc::Rc;

use crate::lex::Raw;
use crate::{ParseOptions, RegoVersion};
use scan::{Keywords, Token};
use shape::Term;

/// OPA's message at a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The first byte that it is about; the end of a line counts as the beginning of the next.
    pub(crate) at: usize,
    /// The byte after the token that it is about.
    pub(crate) end: usize,
    /// The text with OPA's hints.
    pub(crate) message: String,
}

/// Why OPA refuses a text.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// In OPA's order; none where it refuses nothing, or where the walk gave up.
    pub(crate) complaints: Vec<Complaint>,
    /// The text cannot be read, as against statements that cannot stand where they do.
    pub(crate) of_text: bool,
}

/// What OPA says about a module's text.
pub(crate) fn of_module(text: &str, options: &ParseOptions) -> Refusal {
    let mut walk = Walk::new(text, options);
    let statements = walk.all_statements(true);
    let of_text = walk.has_errors();
    if !of_text {
        walk.refuse_statements(&statements);
    }
    Refusal { complaints: walk.complaints(), of_text }
}

/// What OPA says about a query's text.
pub(crate) fn of_query(text: &str, options: &ParseOptions) -> Vec<Complaint> {
    let mut walk = Walk::new(text, options);
    walk.all_statements(false);
    walk.complaints()
}

/// Brackets and bodies that may nest.
const DEPTH: usize = 64;

/// Tokens read for each byte of the text, and for any text.
const READS: (usize, usize) = (16, 10_000);

/// A list that is shared by all who saw its beginning.
type Trail<T> = Option<Rc<Link<T>>>;

#[derive(Debug)]
struct Link<T> {
    item: T,
    before: Trail<T>,
}

/// Where the walk stands; a copy of it is what OPA goes back to.
#[derive(Clone, Debug)]
struct State {
    token: Token,
    start: usize,
    end: usize,
    /// End of the last token that was no blank.
    last_end: usize,
    skipped_line_end: bool,
    errors: Trail<Complaint>,
    hints: Trail<String>,
}

/// A term that was read at a place, and where that led.
#[derive(Clone, Debug)]
struct Known {
    at: usize,
    term: Option<Term>,
    after: State,
}

struct Walk<'t> {
    text: &'t str,
    version: RegoVersion,
    keywords: Keywords,
    /// `not` takes a body in braces.
    not_bodies: bool,
    s: State,
    known: Vec<Known>,
    depth: usize,
    reads_left: usize,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, options: &ParseOptions) -> Self {
        let v1 = options.version == RegoVersion::V1;
        let mut keywords = if v1 { Keywords::V1 } else { Keywords::ALWAYS };
        options.keywords.iter().filter_map(|k| scan::importable(k)).for_each(|word| keywords.add(word));
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let s = State {
            token: Token::Space,
            start,
            end: start,
            last_end: start,
            skipped_line_end: false,
            errors: None,
            hints: None,
        };
        Self {
            text,
            version: options.version,
            keywords,
            not_bodies: options.keywords.iter().any(|k| k == "not"),
            s,
            known: Vec::new(),
            depth: 0,
            reads_left: text.len().saturating_mul(READS.0) + READS.1,
        }
    }

    fn complaints(&self) -> Vec<Complaint> {
        if self.gave_up() {
            return Vec::new();
        }
        let mut all = listed(&self.s.errors);
        for complaint in &mut all {
            let at_line_end = self.text.as_bytes().get(complaint.at) == Some(&b'\n');
            complaint.at += usize::from(at_line_end);
            complaint.end = complaint.end.max(complaint.at);
        }
        all
    }

    // --- moving ---

    fn gave_up(&self) -> bool {
        self.reads_left == 0
    }

    fn give_up<T>(&mut self) -> Option<T> {
        self.reads_left = 0;
        None
    }

    /// Goes to the next token that is no blank.
    fn scan(&mut self) {
        self.leave_token();
        while self.read(scan::token(self.text, self.s.end, self.keywords)) == Token::Space {}
    }

    /// Goes to the next token, which may be a blank.
    fn scan_blank(&mut self) {
        self.leave_token();
        self.read(scan::token(self.text, self.s.end, self.keywords));
    }

    /// Goes to the next piece of a template string.
    fn scan_template(&mut self, raw: bool) {
        self.leave_token();
        self.read(scan::template_rest(self.text, self.s.end, raw));
    }

    fn leave_token(&mut self) {
        if self.s.token != Token::Space {
            (self.s.last_end, self.s.skipped_line_end) = (self.s.end, false);
        }
    }

    /// Takes a token, and those after it as long as it is a comment.
    fn read(&mut self, mut scanned: scan::Scanned) -> Token {
        loop {
            let (token, end, fault) = scanned;
            self.reads_left = self.reads_left.saturating_sub(1);
            (self.s.start, self.s.end, self.s.token) = (self.s.end, end, token);
            if self.gave_up() {
                self.s.token = Token::End;
            }
            if let Some(fault) = fault {
                self.error_here(fault.message());
                self.s.token = Token::Illegal;
            }
            self.s.skipped_line_end |= token == Token::Space && self.piece() == "\n";
            if self.s.token != Token::Comment {
                return self.s.token;
            }
            scanned = scan::token(self.text, self.s.end, self.keywords);
        }
    }

    /// Whether the token after a blank or none begins a reference's next step.
    fn steps_on(&mut self) -> bool {
        let next = self.peek();
        next == sign!(Dot) || next == sign!(LBrack)
    }

    /// The next token, which may be a blank.
    fn peek(&mut self) -> Token {
        let here = self.s.clone();
        self.scan_blank();
        std::mem::replace(&mut self.s, here).token
    }

    // --- looking ---

    /// The text of the token.
    fn piece(&self) -> &'t str {
        self.slice(self.s.start, self.s.end)
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn is(&self, token: Token) -> bool {
        self.s.token == token
    }

    fn is_word(&self, word: Raw) -> bool {
        self.s.token == Token::Word(word)
    }

    /// Whether the token is a name, or a keyword that may stand for one in a reference.
    fn names_a_step(&self) -> bool {
        self.is(Token::Ident) || self.is_step_keyword()
    }

    fn is_step_keyword(&self) -> bool {
        let name = self.s.token.name();
        let by_version = match self.version {
            RegoVersion::V0 => crate::parse::is_v0_keyword(name),
            RegoVersion::V1 => crate::parse::is_v1_keyword(name),
        };
        by_version || self.keywords.has_text(name)
    }

    /// Takes a keyword before `.` or `[` for a name.
    fn keyword_as_name(&mut self) -> bool {
        let begins = self.is_step_keyword() && self.steps_on();
        if begins {
            self.s.token = Token::Ident;
        }
        begins
    }

    // --- complaining ---

    fn error(&mut self, at: usize, end: usize, reason: &str) {
        let hints = listed(&self.s.hints.take());
        let message = match &hints[..] {
            [] => reason.to_owned(),
            [hint] => format!("{reason} (hint: {hint})"),
            _ => format!("{reason} (hints: {})", hints.join(", ")),
        };
        let item = Complaint { at, end, message };
        self.s.errors = Some(Rc::new(Link { item, before: self.s.errors.take() }));
    }

    fn error_here(&mut self, reason: &str) {
        self.error(self.s.start, self.s.end, reason);
    }

    /// Complains about the token.
    fn illegal<T>(&mut self, note: &str) -> Option<T> {
        let message = match (self.s.token, note) {
            (Token::Illegal, _) => "illegal token".to_owned(),
            (token, "") => format!("unexpected {}", token.described()),
            (token, _) => format!("unexpected {}: {note}", token.described()),
        };
        self.error_here(&message);
        None
    }

    fn hint(&mut self, text: String) {
        self.s.hints = Some(Rc::new(Link { item: text, before: self.s.hints.take() }));
    }

    fn has_errors(&self) -> bool {
        self.s.errors.is_some()
    }

    // --- bounds ---

    /// Reads something that may hold itself.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEPTH {
            return self.give_up();
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }
}

fn listed<T: Clone>(trail: &Trail<T>) -> Vec<T> {
    let mut all = Vec::new();
    let mut at = trail;
    while let Some(link) = at {
        all.push(link.item.clone());
        at = &link.before;
    }
    all.reverse();
    all
}

/// The token of a sign.
macro_rules! sign {
    ($name:ident) => {
        $crate::complaint::scan::Token::Sign($crate::lex::Raw::$name)
    };
}
use sign;
