//! Arrays, sets, objects, and the comprehensions that are tried before each of them.

use super::scan::Token;
use super::shape::{Kind, Term};
use super::{Walk, sign};
use crate::lex::Raw;

impl Walk<'_> {
    pub(super) fn array(&mut self) -> Option<Term> {
        let at = self.s.start;
        self.scan();
        if self.is(sign!(RBrack)) {
            return Some(Term::new(Kind::Array(Vec::new()), at));
        }
        let may_be_comprehension = !self.skip_leading_comma();
        let here = self.s.clone();
        let head = self.term()?;
        match self.s.token {
            Token::Sign(Raw::RBrack) => return Some(Term::new(Kind::Array(vec![head]), at)),
            Token::Sign(Raw::Comma) => {
                self.scan();
                return Some(Term::new(Kind::Array(self.list(sign!(RBrack), vec![head])?), at));
            }
            Token::Sign(Raw::Bar) if may_be_comprehension => {
                self.scan();
                if self.body(sign!(RBrack)).is_some() {
                    return Some(Term::new(Kind::Comprehension("arraycomprehension"), at));
                }
                if !self.is(sign!(Comma)) {
                    return None;
                }
            }
            _ => {}
        }
        self.s = here;
        Some(Term::new(Kind::Array(self.list(sign!(RBrack), Vec::new())?), at))
    }

    fn skip_leading_comma(&mut self) -> bool {
        let stands = self.is(sign!(Comma));
        if stands {
            self.scan();
        }
        stands
    }

    pub(super) fn set_or_object(&mut self) -> Option<Term> {
        let at = self.s.start;
        self.scan();
        if self.is(sign!(RBrace)) {
            return Some(Term::new(Kind::Object(Vec::new()), at));
        }
        let may_be_comprehension = !self.skip_leading_comma();
        let here = self.s.clone();
        let head = self.term()?;
        let kind = match self.s.token {
            Token::Sign(Raw::Bar) if may_be_comprehension => self.set_comprehension(here),
            Token::Sign(Raw::RBrace | Raw::Comma) => self.set(head),
            Token::Sign(Raw::Colon) => self.object(head, may_be_comprehension),
            _ => {
                self.s = here;
                let head = self.infix_in_list()?;
                match self.s.token {
                    Token::Sign(Raw::RBrace | Raw::Comma) => self.set(head),
                    // The key may be a sum, and an object comprehension follow.
                    Token::Sign(Raw::Colon) => self.object(head, may_be_comprehension),
                    _ => self.illegal("non-terminated set"),
                }
            }
        };
        Some(Term::new(kind?, at))
    }

    fn set(&mut self, first: Term) -> Option<Kind> {
        if self.is(sign!(RBrace)) {
            return Some(Kind::Set(vec![first]));
        }
        self.scan();
        self.list(sign!(RBrace), vec![first]).map(Kind::Set)
    }

    /// `{x | ..}`; if that cannot be, a set of terms in which `|` is an operator.
    fn set_comprehension(&mut self, start: super::State) -> Option<Kind> {
        self.scan();
        if self.body(sign!(RBrace)).is_some() {
            return Some(Kind::Comprehension("setcomprehension"));
        }
        if !self.is(sign!(Comma)) {
            return None;
        }
        self.s = start;
        self.list(sign!(RBrace), Vec::new()).map(Kind::Set)
    }

    /// The rest of an object after its first key.
    fn object(&mut self, key: Term, may_be_comprehension: bool) -> Option<Kind> {
        self.scan();
        let here = self.s.clone();
        let value = self.term()?;
        let ends = matches!(self.s.token, Token::Sign(Raw::RBrace | Raw::Comma));
        if may_be_comprehension
            && (ends || self.is(sign!(Bar)))
            && let Some(kind) = self.object_rest(key.clone(), value, true)
        {
            return Some(kind);
        }
        self.s = here;
        if !(may_be_comprehension && ends) {
            let value = self.infix_in_list()?;
            if let Token::Sign(Raw::RBrace | Raw::Comma) = self.s.token {
                return self.object_rest(key, value, false);
            }
        }
        self.illegal("non-terminated object")
    }

    fn object_rest(&mut self, key: Term, value: Term, may_be_comprehension: bool) -> Option<Kind> {
        match self.s.token {
            Token::Sign(Raw::RBrace) => Some(Kind::Object(vec![key, value])),
            Token::Sign(Raw::Bar) if may_be_comprehension => {
                self.scan();
                self.body(sign!(RBrace))?;
                Some(Kind::Comprehension("objectcomprehension"))
            }
            Token::Sign(Raw::Bar) => self.illegal("non-terminated object"),
            Token::Sign(Raw::Comma) => {
                self.scan();
                self.pairs(vec![key, value]).map(Kind::Object)
            }
            _ => None,
        }
    }

    /// Terms and commas up to a bracket; a last comma may stand.
    pub(super) fn list(&mut self, end: Token, mut terms: Vec<Term>) -> Option<Vec<Term>> {
        while !self.is(end) {
            terms.push(self.infix_in_list()?);
            if self.is(end) {
                break;
            }
            self.comma_before(end)?;
        }
        Some(terms)
    }

    fn pairs(&mut self, mut pairs: Vec<Term>) -> Option<Vec<Term>> {
        while !self.is(sign!(RBrace)) {
            pairs.push(self.infix_in_list()?);
            if !self.is(sign!(Colon)) {
                return self.illegal("expected \":\"");
            }
            self.scan();
            pairs.push(self.infix_in_list()?);
            if self.is(sign!(RBrace)) {
                break;
            }
            self.comma_before(sign!(RBrace))?;
        }
        Some(pairs)
    }

    fn comma_before(&mut self, end: Token) -> Option<()> {
        if !self.is(sign!(Comma)) {
            return self.illegal(&format!("expected \",\" or \"{}\"", end.name()));
        }
        self.scan();
        Some(())
    }
}
