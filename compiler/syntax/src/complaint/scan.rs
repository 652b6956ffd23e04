//! One token at a time, at any place, with the keywords that hold there: OPA's parser asks its scanner anew after
//! each step back, and only the parser knows where the text of a template string goes on.

use logos::Logos;

use crate::lex::{LexFault, Raw, number_fault, scan_template};

/// A token as OPA's parser tells them apart; brackets and operators are single characters' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// No token, or one with a fault.
    Illegal,
    /// The end of the text.
    End,
    /// One blank or line end.
    Space,
    /// A comment.
    Comment,
    /// A name.
    Ident,
    /// A number without its sign.
    Number,
    /// A string of either kind.
    Str,
    /// A piece of a template string before an expression.
    TemplatePart { raw: bool },
    /// The last piece of a template string.
    TemplateEnd { raw: bool },
    /// A reserved word that is a keyword here.
    Word(Raw),
    /// A bracket, a separator or an operator.
    Sign(Raw),
}

impl Token {
    /// OPA's name of it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Illegal => "illegal",
            Self::End => "eof",
            Self::Space => "whitespace",
            Self::Comment => "comment",
            Self::Ident => "identifier",
            Self::Number => "number",
            Self::Str => "string",
            Self::TemplatePart { raw: false } => "template-string-part",
            Self::TemplatePart { raw: true } => "raw-template-string-part",
            Self::TemplateEnd { raw: false } => "template-string-end",
            Self::TemplateEnd { raw: true } => "raw-template-string-end",
            Self::Word(word) => position(word).map_or("illegal", |at| WORDS[at].1),
            Self::Sign(sign) => sign_name(sign),
        }
    }

    /// The name with the noun that follows it in complaints.
    pub(super) fn described(self) -> String {
        let noun = if matches!(self, Self::Word(_)) { "keyword" } else { "token" };
        format!("{} {noun}", self.name())
    }
}

/// The reserved words: those that no module has to import, then those of v1, then the others.
const WORDS: [(Raw, &str); 17] = [
    (Raw::Package, "package"),
    (Raw::Import, "import"),
    (Raw::As, "as"),
    (Raw::Default, "default"),
    (Raw::Else, "else"),
    (Raw::Not, "not"),
    (Raw::Some, "some"),
    (Raw::With, "with"),
    (Raw::Null, "null"),
    (Raw::True, "true"),
    (Raw::False, "false"),
    (Raw::If, "if"),
    (Raw::Contains, "contains"),
    (Raw::In, "in"),
    (Raw::Every, "every"),
    (Raw::AndWord, "and"),
    (Raw::OrWord, "or"),
];

/// Where a word stands among the reserved ones.
fn position(word: Raw) -> Option<usize> {
    WORDS.iter().position(|(other, _)| *other == word)
}

/// The words that are keywords at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keywords(u32);

impl Keywords {
    /// Those that no module has to import.
    pub(super) const ALWAYS: Self = Self(0b111_1111_1111);
    /// Those of v1.
    pub(super) const V1: Self = Self(0b111_1111_1111_1111);
    /// All that there are.
    pub(super) const ALL: Self = Self(0b1_1111_1111_1111_1111);
    /// What may stand in the path of an import: no word there has become a keyword later.
    pub(super) const OF_IMPORTS: Self = Self(0b111_1101_1111);

    pub(super) fn has(self, word: Raw) -> bool {
        position(word).is_some_and(|at| self.0 & (1 << at) != 0)
    }

    pub(super) fn add(&mut self, word: Raw) {
        self.0 |= position(word).map_or(0, |at| 1 << at);
        if word == Raw::Every {
            self.add(Raw::In);
        }
    }

    pub(super) fn has_text(self, text: &str) -> bool {
        WORDS.iter().any(|(word, name)| *name == text && self.has(*word))
    }

    pub(super) fn join(&mut self, others: Self) {
        self.0 |= others.0;
    }
}

/// The words that a module may import.
pub(super) fn importable(text: &str) -> Option<Raw> {
    let (word, _) = WORDS.into_iter().find(|(_, name)| *name == text)?;
    let late = !Keywords::ALWAYS.has(word) || word == Raw::Not;
    late.then_some(word)
}

/// A token with the byte after it and what is wrong with it.
pub(super) type Scanned = (Token, usize, Option<LexFault>);

/// The token that begins at a byte.
pub(super) fn token(text: &str, at: usize, keywords: Keywords) -> Scanned {
    let rest = text.get(at..).unwrap_or_default();
    match rest.as_bytes().first() {
        None => return (Token::End, at, None),
        Some(b' ' | b'\t' | b'\r' | b'\n') => return (Token::Space, at + 1, None),
        Some(_) => {}
    }
    let mut lexer = Raw::lexer(rest);
    let raw = lexer.next();
    let piece = lexer.slice();
    let end = at + lexer.span().end;
    match raw {
        None => (Token::End, end, None),
        // A character that begins no token is no fault of the scanner's.
        Some(Err(LexFault::Illegal)) => (Token::Illegal, end, None),
        Some(Err(fault)) => (Token::Illegal, end, Some(fault)),
        Some(Ok(raw)) => kind(raw, piece, end, keywords),
    }
}

fn kind(raw: Raw, piece: &str, end: usize, keywords: Keywords) -> Scanned {
    let token = match raw {
        Raw::Comment => Token::Comment,
        Raw::Ident => Token::Ident,
        Raw::Number => {
            let of_scanner = |f: &LexFault| !matches!(f, LexFault::LeadingZero | LexFault::TooBig);
            return (Token::Number, end, number_fault(piece).filter(of_scanner));
        }
        Raw::Str | Raw::RawStr => Token::Str,
        Raw::TplStart => template_token(piece, piece.as_bytes().get(1) == Some(&b'`'), 2),
        _ if keywords.has(raw) => Token::Word(raw),
        _ if position(raw).is_some() => Token::Ident,
        _ => Token::Sign(raw),
    };
    (token, end, None)
}

fn template_token(piece: &str, raw: bool, opening: usize) -> Token {
    if piece.len() > opening && piece.ends_with('{') {
        Token::TemplatePart { raw }
    } else {
        Token::TemplateEnd { raw }
    }
}

/// The piece of a template string that goes on at a byte.
pub(super) fn template_rest(text: &str, at: usize, raw: bool) -> Scanned {
    let rest = text.get(at..).unwrap_or_default();
    match scan_template(rest, raw) {
        Ok((len, true)) => (Token::TemplatePart { raw }, at + len, None),
        Ok((len, false)) => (Token::TemplateEnd { raw }, at + len, None),
        Err((len, fault)) => (Token::Illegal, at + len, Some(fault)),
    }
}

fn sign_name(sign: Raw) -> &'static str {
    match sign {
        Raw::LBrack => "[",
        Raw::RBrack => "]",
        Raw::LBrace => "{",
        Raw::RBrace => "}",
        Raw::LParen => "(",
        Raw::RParen => ")",
        Raw::Comma => ",",
        Raw::Colon => ":",
        Raw::Semi => ";",
        Raw::Dot => ".",
        Raw::Assign => "assign",
        Raw::Unify => "eq",
        Raw::EqEq => "equal",
        Raw::NotEq => "neq",
        Raw::Lt => "lt",
        Raw::Le => "lte",
        Raw::Gt => "gt",
        Raw::Ge => "gte",
        Raw::Plus => "plus",
        Raw::Minus => "minus",
        Raw::Star => "mul",
        Raw::Slash => "div",
        Raw::Percent => "rem",
        Raw::Amp => "and",
        Raw::Bar => "or",
        _ => "illegal",
    }
}
