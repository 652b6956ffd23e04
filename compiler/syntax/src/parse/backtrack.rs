//! Where OPA reports an error that our parser found elsewhere.
//!
//! OPA's parser tries one reading, forgets its complaint when that fails, and complains about the next:
//! in `{"a": 1, "b" 2}` it comes to grief at `2`, goes back to `1` and calls the object non-terminated.
//! Our parser never goes back. [`place`] follows OPA's way out of the open brackets, from the innermost.

use crate::prepass::{Tok, Token, ends_operand};

/// A place among the tokens of an item, and OPA's note about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the token.
    pub(super) at: usize,
    /// What follows the colon in OPA's message.
    pub(super) note: &'static str,
}

/// Where OPA reports an error at the token with the index `at`, if elsewhere.
pub(super) fn place(tokens: &[Token], at: usize) -> Option<Place> {
    let mut place = Place { at, note: "" };
    for open in open_brackets(&tokens[..at.min(tokens.len())]) {
        let level = Level::new(tokens, open, place.at);
        level.leave(&mut place);
    }
    (place.at != at).then_some(place)
}

/// Indices of the brackets that are open at the end, innermost first; `None` is the item itself.
fn open_brackets(tokens: &[Token]) -> Vec<Option<usize>> {
    let mut open = vec![None];
    for (i, t) in tokens.iter().enumerate() {
        if opens(t.kind) {
            open.push(Some(i));
        } else if closes(t.kind) && open.len() > 1 {
            open.pop();
        }
    }
    open.reverse();
    open
}

/// How many brackets more are open after a token than before it.
pub(super) fn nesting(kind: Tok) -> i64 {
    i64::from(opens(kind)) - i64::from(closes(kind))
}

fn opens(kind: Tok) -> bool {
    matches!(
        kind,
        Tok::LBrack
            | Tok::Index
            | Tok::LBrace
            | Tok::BodyBrace
            | Tok::OperandBrace
            | Tok::LParen
            | Tok::Call
            | Tok::GroupParen
            | Tok::TplStart
    )
}

fn closes(kind: Tok) -> bool {
    matches!(kind, Tok::RBrack | Tok::RBrace | Tok::RParen | Tok::TplEnd)
}

fn is_infix(kind: Tok) -> bool {
    matches!(
        kind,
        Tok::EqEq
            | Tok::NotEq
            | Tok::Lt
            | Tok::Le
            | Tok::Gt
            | Tok::Ge
            | Tok::Plus
            | Tok::Minus
            | Tok::Star
            | Tok::Slash
            | Tok::Percent
            | Tok::Amp
            | Tok::Bar
            | Tok::CompBar
            | Tok::In
    )
}

/// One open bracket with the tokens directly inside it, up to the error.
struct Level<'t> {
    tokens: &'t [Token],
    open: Option<usize>,
    /// Indices of the tokens at this depth before the error.
    inside: Vec<usize>,
    /// The error stands in a bracket that this depth has open.
    nested: bool,
}

impl<'t> Level<'t> {
    fn new(tokens: &'t [Token], open: Option<usize>, at: usize) -> Self {
        let mut inside = Vec::new();
        let mut depth = 0usize;
        for (i, t) in tokens.iter().enumerate().take(at).skip(open.map_or(0, |o| o + 1)) {
            if closes(t.kind) {
                depth = depth.saturating_sub(1);
            }
            if depth == 0 {
                inside.push(i);
            }
            if opens(t.kind) {
                depth += 1;
            }
        }
        Self { tokens, open, inside, nested: depth > 0 }
    }

    fn kind(&self, i: usize) -> Tok {
        self.tokens[i].kind
    }

    /// Moves the place to where OPA, coming out of this bracket, complains.
    fn leave(&self, place: &mut Place) {
        let opener = self.open.map(|o| self.kind(o));
        match opener {
            Some(Tok::LBrace) => self.leave_brace(place),
            Some(Tok::LBrack) => self.leave_comprehension(place),
            Some(Tok::Call) => {}
            _ => self.leave_statement(place),
        }
        if opener == Some(Tok::LBrace) && self.follows_if() {
            self.reread_as_body(place);
        }
    }

    /// Whether the term before the error, at this depth, is complete.
    fn complete(&self) -> bool {
        !self.nested && self.inside.last().is_some_and(|&i| ends_operand(self.kind(i)))
    }

    fn find(&self, from: usize, kind: Tok) -> Option<usize> {
        self.inside.iter().copied().find(|&i| i >= from && self.kind(i) == kind)
    }

    // --- statements ---

    /// `a, b` is tried as the beginning of `a, b in c`; `some x in y` before `some x, y`.
    fn leave_statement(&self, place: &mut Place) {
        let start = self.segment();
        let Some(&first) = self.inside.get(start) else { return };
        if self.kind(first) == Tok::Some {
            return self.leave_some(start, place);
        }
        if self.is_list(first) {
            return;
        }
        let segment = &self.inside[start..];
        let comma = segment.iter().copied().find(|&i| matches!(self.kind(i), Tok::Comma | Tok::In));
        let Some(comma) = comma.filter(|&i| self.kind(i) == Tok::Comma) else { return };
        if !(self.find(comma, Tok::In).is_some() && self.complete()) {
            *place = Place { at: comma, note: "" };
        }
    }

    fn is_list(&self, first: usize) -> bool {
        matches!(self.kind(first), Tok::Package | Tok::Import | Tok::BodyBrace)
    }

    /// Where in `inside` the expression begins that holds the error.
    fn segment(&self) -> usize {
        let starts = |&i: &usize| {
            matches!(
                self.kind(i),
                Tok::Sep
                    | Tok::Semi
                    | Tok::CompBar
                    | Tok::Assign
                    | Tok::Unify
                    | Tok::If
                    | Tok::With
                    | Tok::As
                    | Tok::BodyBrace
                    | Tok::Else
                    | Tok::Contains
            )
        };
        self.inside.iter().rposition(starts).map_or(0, |p| p + 1)
    }

    fn leave_some(&self, start: usize, place: &mut Place) {
        if self.complete() || self.inside.len() <= start + 1 {
            return;
        }
        let mut at = self.inside[start] + 1;
        loop {
            if self.tokens.get(at).is_none_or(|t| t.kind != Tok::Ident) {
                return move_back(place, at, "expected var");
            }
            at += 1;
            match self.tokens.get(at).map(|t| t.kind) {
                Some(Tok::Comma) => at += 1,
                Some(Tok::Sep) => return,
                _ => return move_back(place, at, "expected \\n or ; or }"),
            }
        }
    }

    // --- braces and brackets ---

    fn leave_brace(&self, place: &mut Place) {
        let Some(&first) = self.inside.first() else { return };
        let colon = self.find(first, Tok::Colon);
        let comma = self.find(first, Tok::Comma);
        let Some(colon) = colon.filter(|&c| comma.is_none_or(|comma| c < comma)) else {
            return self.leave_comprehension(place);
        };
        let value_end = self.inside.iter().copied().find(|&i| i > colon && is_stop(self.kind(i)));
        match value_end.map(|i| self.kind(i)) {
            Some(Tok::Comma) => move_back(place, colon + 1, "non-terminated object"),
            Some(Tok::CompBar) => self.move_to_expression_end(colon + 1, place, "non-terminated object"),
            _ => {}
        }
    }

    /// A comma in a comprehension's body makes OPA read a list.
    fn leave_comprehension(&self, place: &mut Place) {
        let Some(&first) = self.inside.first() else { return };
        let comma = self.tokens.get(place.at).is_some_and(|t| t.kind == Tok::Comma);
        if comma && !self.nested && self.find(first, Tok::CompBar).is_some() {
            self.move_to_expression_end(first, place, "");
        } else if self.find(first, Tok::CompBar).is_some() {
            self.leave_statement(place);
        }
    }

    fn follows_if(&self) -> bool {
        self.open.and_then(|o| o.checked_sub(1)).is_some_and(|before| self.kind(before) == Tok::If)
    }

    fn reread_as_body(&self, place: &mut Place) {
        if let Some(&first) = self.inside.first() {
            self.move_to_expression_end(first, place, "expected \\n or ; or }");
        }
    }

    /// Moves to the token at which a plain expression that begins at `from` ends.
    fn move_to_expression_end(&self, from: usize, place: &mut Place, note: &'static str) {
        let mut operand = false;
        for &i in self.inside.iter().filter(|&&i| i >= from) {
            let kind = self.kind(i);
            if kind == Tok::Sep {
                continue;
            }
            let ends = if operand { !is_infix(kind) && !continues(kind) } else { is_infix(kind) };
            if ends {
                return move_back(place, i, note);
            }
            operand = ends_operand(kind);
        }
    }
}

/// What may follow an operand inside one term.
fn continues(kind: Tok) -> bool {
    matches!(kind, Tok::Dot | Tok::Index | Tok::Call) || closes(kind)
}

/// What ends the first value of an object for OPA's first try.
fn is_stop(kind: Tok) -> bool {
    kind == Tok::Comma || kind == Tok::CompBar || is_infix(kind)
}

fn move_back(place: &mut Place, at: usize, note: &'static str) {
    if at < place.at {
        *place = Place { at, note };
    }
}
