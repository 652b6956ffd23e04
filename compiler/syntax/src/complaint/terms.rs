//! Terms: infix operators by their strength, then names, references, calls and literals.

use super::scan::Token;
use super::shape::{Kind, Term};
use super::{Known, Walk, sign};
use crate::lex::{LexFault, Raw, is_identifier, number_fault};
use crate::literal;

/// Infix operators from the weakest to the strongest; their functions have the names of the signs.
const LEVELS: [&[Raw]; 5] = [
    &[Raw::EqEq, Raw::NotEq, Raw::Lt, Raw::Gt, Raw::Le, Raw::Ge],
    &[Raw::Bar],
    &[Raw::Amp],
    &[Raw::Plus, Raw::Minus],
    &[Raw::Star, Raw::Slash, Raw::Percent],
];

pub(super) const MEMBER: &str = "internal.member_2";
pub(super) const MEMBER_WITH_KEY: &str = "internal.member_3";

impl Walk<'_> {
    /// A term with operators, `in` and all; `x, y in z` too.
    pub(super) fn infix(&mut self) -> Option<Term> {
        self.member(true)
    }

    /// A term with operators where a comma ends it.
    pub(super) fn infix_in_list(&mut self) -> Option<Term> {
        self.member(false)
    }

    fn member(&mut self, pairs: bool) -> Option<Term> {
        let mut lhs = self.level(0)?;
        loop {
            if pairs
                && self.is(sign!(Comma))
                && let Some(call) = self.member_pair(&lhs)
            {
                lhs = call;
                if self.is_word(Raw::In) {
                    continue;
                }
                return Some(lhs);
            }
            self.keyword_as_name();
            if !self.is_word(Raw::In) {
                return Some(lhs);
            }
            self.scan();
            let Some(rhs) = self.level(0) else { return Some(lhs) };
            lhs = infix_call(MEMBER, vec![lhs, rhs]);
            if !self.is_word(Raw::In) {
                return Some(lhs);
            }
        }
    }

    /// The rest of `x, y in z`; without it, back to the comma.
    fn member_pair(&mut self, key: &Term) -> Option<Term> {
        let here = self.s.clone();
        let found = self.member_pair_after_comma(key);
        if found.is_none() {
            self.s = here;
        }
        found
    }

    fn member_pair_after_comma(&mut self, key: &Term) -> Option<Term> {
        self.scan();
        let value = self.level(0)?;
        if !self.is_word(Raw::In) {
            return None;
        }
        self.scan();
        let domain = self.level(0)?;
        Some(infix_call(MEMBER_WITH_KEY, vec![key.clone(), value, domain]))
    }

    /// Operators of a level. Where nothing can be read after one, what stands before it is the term all the same.
    fn level(&mut self, level: usize) -> Option<Term> {
        let Some(operators) = LEVELS.get(level) else { return self.term() };
        let mut lhs = self.level(level + 1)?;
        while self.is_one_of(operators) {
            let name = self.s.token.name();
            self.scan();
            let Some(rhs) = self.level(level + 1) else { return Some(lhs) };
            lhs = infix_call(name, vec![lhs, rhs]);
        }
        Some(lhs)
    }

    fn is_one_of(&self, signs: &[Raw]) -> bool {
        signs.iter().any(|sign| self.is(Token::Sign(*sign)))
    }

    /// Whether the token is an infix operator of any strength.
    pub(super) fn is_operator(&self) -> bool {
        LEVELS.iter().any(|signs| self.is_one_of(signs))
    }

    /// One term without operators, read once at each place.
    pub(super) fn term(&mut self) -> Option<Term> {
        let at = self.s.start;
        let found = self.known.partition_point(|k| k.at < at);
        if let Some(known) = self.known.get(found).filter(|k| k.at == at) {
            self.s = known.after.clone();
            return known.term.clone();
        }
        let term = self.deeper(Self::unknown_term);
        self.known.truncate(self.known.partition_point(|k| k.at < at));
        self.known.push(Known { at, term: term.clone(), after: self.s.clone() });
        term
    }

    fn unknown_term(&mut self) -> Option<Term> {
        let at = self.s.start;
        self.word_as_function();
        let before = self.s.clone();
        if self.is(sign!(Minus)) {
            self.scan();
            if self.is(Token::Ident) || self.is_word(Raw::Contains) {
                let head = self.var();
                let negated = self.finish(head)?;
                return Some(Term {
                    at,
                    ..infix_call("minus", vec![Term::new(Kind::Scalar("number"), at), negated])
                });
            }
            self.s = before;
        }
        let head = self.head()?;
        self.finish(head)
    }

    /// `and(` and `or(` are calls where an operand is due.
    fn word_as_function(&mut self) {
        let word = self.is_word(Raw::AndWord) || self.is_word(Raw::OrWord);
        if word && self.peek() == sign!(LParen) {
            self.s.token = Token::Ident;
        }
    }

    /// A term without what follows it; the walk stands on its last token.
    fn head(&mut self) -> Option<Term> {
        let at = self.s.start;
        let scalar = |name| Some(Term::new(Kind::Scalar(name), at));
        match self.s.token {
            Token::Word(Raw::Null) => scalar("null"),
            Token::Word(Raw::True | Raw::False) => scalar("boolean"),
            Token::Sign(Raw::Minus | Raw::Dot) | Token::Number => self.number(),
            Token::Str => self.string(),
            Token::TemplatePart { raw } | Token::TemplateEnd { raw } => self.template(raw),
            Token::Ident | Token::Word(Raw::Contains) => Some(self.var()),
            Token::Sign(Raw::LBrack) => self.array(),
            Token::Sign(Raw::LBrace) => self.set_or_object(),
            Token::Sign(Raw::LParen) => self.parenthesized(),
            _ => self.illegal(""),
        }
    }

    pub(super) fn var(&self) -> Term {
        Term::new(Kind::Var(self.piece().to_owned()), self.s.start)
    }

    fn parenthesized(&mut self) -> Option<Term> {
        self.scan();
        let inner = self.infix()?;
        if !self.is(sign!(RParen)) {
            self.error_here("non-terminated expression");
            return None;
        }
        Some(inner)
    }

    /// What follows a head: nothing, or the steps of a reference.
    fn finish(&mut self, head: Term) -> Option<Term> {
        self.scan_blank();
        self.finish_here(head)
    }

    pub(super) fn finish_here(&mut self, head: Term) -> Option<Term> {
        if let Token::Sign(Raw::LParen | Raw::Dot | Raw::LBrack) = self.s.token {
            return self.reference(head);
        }
        if self.is(Token::Space) {
            self.scan();
        }
        let is_root = matches!(&*head.kind, Kind::Var(name) if name == "input" || name == "data");
        let at = head.at;
        Some(if is_root { Term::new(Kind::Ref(vec![head]), at) } else { head })
    }

    fn reference(&mut self, head: Term) -> Option<Term> {
        self.deeper(|walk| walk.steps(head))
    }

    fn steps(&mut self, head: Term) -> Option<Term> {
        if let Kind::Scalar(_) | Kind::String(_) | Kind::Template | Kind::Ref(_) = &*head.kind {
            let message = crate::parse::illegal_ref(head.name());
            self.error(head.at, head.at, &message);
        }
        let at = head.at;
        let mut parts = vec![head];
        loop {
            match self.s.token {
                Token::Sign(Raw::Dot) => parts.push(self.field()?),
                Token::Sign(Raw::LParen) => return self.call(Term::new(Kind::Ref(parts), at)),
                Token::Sign(Raw::LBrack) => parts.push(self.index()?),
                _ => break,
            }
        }
        if self.is(Token::Space) {
            self.scan();
        }
        Some(Term::new(Kind::Ref(parts), at))
    }

    fn field(&mut self) -> Option<Term> {
        self.scan_blank();
        if !self.names_a_step() {
            return self.illegal("expected identifier");
        }
        let name = Term::new(Kind::String(self.piece().to_owned()), self.s.start);
        self.scan_blank();
        Some(name)
    }

    fn index(&mut self) -> Option<Term> {
        self.scan();
        let index = self.infix()?;
        if !self.is(sign!(RBrack)) {
            return self.illegal("expected [");
        }
        self.scan_blank();
        Some(index)
    }

    fn call(&mut self, function: Term) -> Option<Term> {
        let called = self.arguments(function)?;
        match self.s.token {
            Token::Space => {
                self.scan();
                Some(called)
            }
            Token::Sign(Raw::Dot | Raw::LBrack) => self.reference(called),
            _ => Some(called),
        }
    }

    fn arguments(&mut self, function: Term) -> Option<Term> {
        self.scan();
        let args = if self.is(sign!(RParen)) { Vec::new() } else { self.list(sign!(RParen), Vec::new())? };
        self.scan_blank();
        let (name, at) = (self.path_text(&function), function.at);
        let kind = if name == "set" && args.is_empty() {
            Kind::Set(Vec::new())
        } else {
            Kind::Call { name, infix: false, args, target: Some(function) }
        };
        Some(Term::new(kind, at))
    }

    /// A reference as OPA prints it.
    pub(super) fn path_text(&self, term: &Term) -> String {
        match &*term.kind {
            Kind::Ref(parts) => parts.iter().enumerate().map(|(i, part)| self.step_text(i, part)).collect(),
            _ => self.step_text(0, term),
        }
    }

    fn step_text(&self, i: usize, part: &Term) -> String {
        match &*part.kind {
            Kind::Var(name) if i == 0 => name.clone(),
            Kind::Var(name) => format!("[{name}]"),
            Kind::String(name) if is_identifier(name) => format!(".{name}"),
            Kind::String(name) => format!("[\"{name}\"]"),
            Kind::Ref(_) => format!("[{}]", self.path_text(part)),
            _ => "[...]".to_owned(),
        }
    }

    fn number(&mut self) -> Option<Term> {
        let at = self.s.start;
        if self.is(sign!(Minus)) {
            self.scan();
            if !self.is(Token::Number) && !self.is(sign!(Dot)) {
                return self.illegal("expected number");
            }
        }
        let point = self.is(sign!(Dot));
        if point {
            self.scan();
            if !self.is(Token::Number) {
                return self.illegal("expected number");
            }
        }
        let digits = self.piece();
        match number_fault(digits) {
            Some(LexFault::LeadingZero) if !point => self.illegal("expected number without leading zero"),
            _ if point && digits.contains('.') => self.illegal("invalid float"),
            Some(LexFault::TooBig) => {
                self.error_here("number too big");
                None
            }
            _ => Some(Term::new(Kind::Scalar("number"), at)),
        }
    }

    fn string(&mut self) -> Option<Term> {
        let piece = self.piece();
        let inner = piece.get(1..piece.len().saturating_sub(1)).unwrap_or_default();
        if piece.starts_with('"') && inner.contains('\\') && literal::unescape(inner).is_none() {
            self.error_here(&format!("illegal string literal: {piece}"));
            return None;
        }
        Some(Term::new(Kind::String(inner.to_owned()), self.s.start))
    }
}

fn infix_call(name: &str, args: Vec<Term>) -> Term {
    let at = args.first().map_or(0, |t| t.at);
    Term::new(Kind::Call { name: name.to_owned(), infix: true, args, target: None }, at)
}
