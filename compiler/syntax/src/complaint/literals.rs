//! Bodies and what stands in them: statements, `some`, `every`, `with`.

use super::scan::{Keywords, Token};
use super::shape::{Expr, ExprKind, Kind, Term};
use super::terms::{MEMBER, MEMBER_WITH_KEY};
use super::{Walk, sign};
use crate::RegoVersion;
use crate::lex::Raw;

impl Walk<'_> {
    /// Statements up to a bracket, on which the walk then stands.
    pub(super) fn body(&mut self, end: Token) -> Option<Vec<Expr>> {
        self.deeper(|walk| walk.statements(end, false))
    }

    /// Statements up to a token; at the top of a module only those that semicolons join.
    pub(super) fn statements(&mut self, end: Token, joined_only: bool) -> Option<Vec<Expr>> {
        if self.is(end) {
            self.error_here("found empty body");
            return None;
        }
        let mut body = Vec::new();
        loop {
            body.push(self.literal()?);
            if self.is(sign!(Semi)) {
                self.scan();
                continue;
            }
            if self.is(end) || joined_only {
                return Some(body);
            }
            if !self.s.skipped_line_end {
                if !self.has_errors() {
                    self.illegal::<()>(&format!("expected \\n or ; or {}", end.name()));
                }
                return None;
            }
        }
    }

    /// One statement with its place.
    pub(super) fn literal(&mut self) -> Option<Expr> {
        let at = self.s.start;
        let expr = self.unplaced_literal()?;
        Some(Expr { at, end: self.s.last_end, ..expr })
    }

    fn unplaced_literal(&mut self) -> Option<Expr> {
        if self.logical_keywords() {
            if self.is(sign!(LBrace))
                && let Some(found) = self.braces_before_operator()
            {
                return found;
            }
            if self.is(sign!(LParen))
                && let Some(group) = self.group(false, "")
            {
                return self.operators_after(group?);
            }
        }
        if self.keyword_as_name() {
            return self.plain(None);
        }
        let not_at = self.negation();
        if not_at.is_some() && self.not_bodies && self.is(sign!(LBrace)) {
            let operand = self.not_body(not_at)?;
            return self.operators_after(operand);
        }
        match (self.s.token, not_at) {
            (Token::Word(Raw::Some), Some(_)) => self.illegal("illegal negation of 'some'"),
            (Token::Word(Raw::Every), Some(_)) => self.illegal("illegal negation of 'every'"),
            (Token::Word(Raw::Some), None) => self.some(),
            (Token::Word(Raw::Every), None) => self.every(),
            _ => self.plain(not_at),
        }
    }

    /// Goes past a `not` that negates; where that began.
    pub(super) fn negation(&mut self) -> Option<usize> {
        let at = self.s.start;
        if !self.is_word(Raw::Not) || self.steps_on() {
            return None;
        }
        self.scan();
        Some(at)
    }

    /// A statement that is an expression, perhaps negated, perhaps with modifiers.
    fn plain(&mut self, not_at: Option<usize>) -> Option<Expr> {
        let start = self.s.clone();
        if not_at.is_some()
            && self.not_bodies
            && self.is(sign!(LParen))
            && let Some(group) = self.group(true, "not ")
        {
            let negated = self.negated_group(group?, not_at);
            return self.operators_after(negated);
        }
        let mut expr = self.expression()?;
        let with_at = self.is_word(Raw::With).then_some((self.s.start, self.s.end));
        self.modifiers(&mut expr)?;
        self.hint_at_every(&expr, start.clone());
        (expr.at, expr.end) = (start.start, self.s.last_end);
        match not_at {
            Some(at) if self.not_bodies => {
                expr = Expr { with: expr.with, ..Expr::new(ExprKind::Not, at, self.s.last_end) };
            }
            negated => expr.negated = negated.is_some(),
        }
        if self.is_word(Raw::AndWord) || self.is_word(Raw::OrWord) {
            return self.operators_after_plain(expr, with_at, not_at.is_some());
        }
        Some(expr)
    }

    /// In v0 a plain `every` may be meant as the keyword.
    fn hint_at_every(&mut self, expr: &Expr, start: super::State) {
        let is_name = |t: &Term| matches!(&*t.kind, Kind::Var(name) if name == "every");
        if self.version != RegoVersion::V0 || !expr.term().is_some_and(is_name) {
            return;
        }
        let here = std::mem::replace(&mut self.s, start);
        let meant = self.with_all_keywords(|walk| walk.every().is_some());
        self.s = here;
        if meant {
            self.hint("`import future.keywords.every` for `every x in xs { ... }` expressions".to_owned());
        }
    }

    /// Reads as if all keywords had been imported.
    fn with_all_keywords<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let keywords = std::mem::replace(&mut self.keywords, Keywords::ALL);
        let known = std::mem::take(&mut self.known);
        let found = read(self);
        (self.keywords, self.known) = (keywords, known);
        found
    }

    /// An expression: a term, or two with `:=` or `=` between them.
    pub(super) fn expression(&mut self) -> Option<Expr> {
        let at = self.s.start;
        let lhs = self.infix()?;
        let kind = match self.s.token {
            Token::Sign(Raw::Assign) => {
                self.scan();
                self.infix()?;
                ExprKind::Assign
            }
            Token::Sign(Raw::Unify) => {
                self.scan();
                self.infix()?;
                ExprKind::Unify
            }
            _ if matches!(*lhs.kind, Kind::Call { .. }) => ExprKind::Call(lhs),
            _ => ExprKind::Term(lhs),
        };
        Some(Expr::new(kind, at, self.s.last_end))
    }

    /// Modifiers, if there are any.
    pub(super) fn modifiers(&mut self, expr: &mut Expr) -> Option<()> {
        while self.is_word(Raw::With) {
            expr.with = true;
            self.scan();
            if !self.is(Token::Ident) {
                return self.illegal("expected ident");
            }
            let target = self.term()?;
            if !target.is_ref() && !target.is_var() {
                self.illegal::<()>("expected with target path");
            }
            if !self.is_word(Raw::As) {
                return self.illegal("expected as keyword");
            }
            self.scan();
            self.infix()?;
        }
        Some(())
    }

    /// `some x in xs`, or else names.
    fn some(&mut self) -> Option<Expr> {
        let here = self.s.clone();
        self.scan();
        if let Some(term) = self.infix()
            && let Kind::Call { name, args, .. } = &*term.kind
        {
            match (name.as_str(), args.len()) {
                (MEMBER, 2) | (MEMBER_WITH_KEY, 3) => {}
                (MEMBER | MEMBER_WITH_KEY, _) => return self.illegal("illegal domain"),
                _ => return self.illegal("expected `x in xs` or `x, y in xs` expression"),
            }
            let mut expr = Expr::new(ExprKind::Some, here.start, self.s.last_end);
            self.modifiers(&mut expr)?;
            return Some(expr);
        }
        self.s = here.clone();
        self.hint_at_in(&here);
        loop {
            self.scan();
            if !self.is(Token::Ident) {
                return self.illegal("expected var");
            }
            self.scan();
            if !self.is(sign!(Comma)) {
                return Some(Expr::new(ExprKind::Some, here.start, self.s.last_end));
            }
        }
    }

    /// In v0 `some x in xs` may lack its import.
    fn hint_at_in(&mut self, here: &super::State) {
        if self.version != RegoVersion::V0 {
            return;
        }
        self.scan();
        let term = self.with_all_keywords(Self::infix);
        self.s = here.clone();
        let meant = |t: Term| matches!(&*t.kind, Kind::Call { name, .. } if name == MEMBER || name == MEMBER_WITH_KEY);
        if term.is_some_and(meant) {
            self.hint("`import future.keywords.in` for `some x in xs` expressions".to_owned());
        }
    }

    fn every(&mut self) -> Option<Expr> {
        const FORM: &str = "expected `x[, y] in xs { ... }` expression";
        let at = self.s.start;
        self.scan();
        let term = self.infix()?;
        let Kind::Call { name, args, .. } = &*term.kind else { return self.illegal(FORM) };
        let value = match (name.as_str(), &args[..]) {
            (MEMBER, [value, _]) => value,
            (MEMBER_WITH_KEY, [key, value, _]) if key.is_var() => value,
            (MEMBER_WITH_KEY, [_, _, _]) => return self.illegal("expected key to be a variable"),
            (MEMBER | MEMBER_WITH_KEY, _) => return self.illegal("illegal domain"),
            _ => return self.illegal(FORM),
        };
        if !value.is_var() {
            return self.illegal("expected value to be a variable");
        }
        if !self.is(sign!(LBrace)) {
            return self.illegal("missing body");
        }
        self.scan();
        self.body(sign!(RBrace))?;
        self.scan();
        let mut expr = Expr::new(ExprKind::Every, at, self.s.last_end);
        self.modifiers(&mut expr)?;
        Some(expr)
    }
}
