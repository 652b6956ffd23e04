//! `and`, `or`, and `not` with a body: which braces and parentheses hold operands.

use super::shape::{Expr, ExprKind, Kind};
use super::{Walk, sign};

/// An operand: its statements, whether braces hold them, and where it stands.
pub(super) struct Operand {
    body: Vec<Expr>,
    explicit: bool,
    at: usize,
}

impl Operand {
    fn of(expr: Expr) -> Self {
        let at = expr.at;
        Self { body: vec![expr], explicit: false, at }
    }
}

use crate::lex::Raw;

impl Walk<'_> {
    pub(super) fn logical_keywords(&self) -> bool {
        self.keywords.has(Raw::AndWord) || self.keywords.has(Raw::OrWord)
    }

    fn at_operator(&self) -> bool {
        self.is_word(Raw::AndWord) || self.is_word(Raw::OrWord)
    }

    /// `{ .. } and`: the statement, or that there is none. Nothing where no operator follows the braces.
    pub(super) fn braces_before_operator(&mut self) -> Option<Option<Expr>> {
        let (here, known) = (self.s.clone(), self.known.clone());
        self.scan();
        if let Some(body) = self.body(sign!(RBrace)) {
            self.scan();
            if self.at_operator() {
                if is_ambiguous_union(self, &body) {
                    self.ambiguous_union(here.start, here.end, &body, "");
                    return Some(None);
                }
                let operand = Operand { body, explicit: true, at: here.start };
                return Some(self.chain(operand).and_then(|expr| self.modified(expr)));
            }
        }
        (self.s, self.known) = (here, known);
        None
    }

    fn modified(&mut self, mut expr: Expr) -> Option<Expr> {
        self.modifiers(&mut expr)?;
        Some(expr)
    }

    /// What follows a whole operand: operators, and modifiers for all of it.
    pub(super) fn operators_after(&mut self, operand: Operand) -> Option<Expr> {
        if self.at_operator() {
            return self.chain(operand).and_then(|expr| self.modified(expr));
        }
        let first = operand.body.into_iter().next()?;
        self.modified(first)
    }

    pub(super) fn operators_after_plain(
        &mut self,
        expr: Expr,
        with_at: Option<(usize, usize)>,
        negated: bool,
    ) -> Option<Expr> {
        if let Some((at, end)) = with_at {
            return self.with_on_operand(at, end);
        }
        let text = self.slice(expr.at, expr.end);
        if !negated && text.starts_with('{') {
            if matches!(expr.term().map(|t| &*t.kind), Some(Kind::Object(all)) if all.is_empty()) {
                self.error(expr.at, expr.end, "found empty body");
            } else {
                self.brace_led(expr.at, expr.end, self.s.token.name());
            }
            return None;
        }
        self.chain(Operand::of(expr)).and_then(|outer| self.modified(outer))
    }

    /// Operators with their right operands; `and` binds tighter.
    fn chain(&mut self, first: Operand) -> Option<Expr> {
        self.deeper(|walk| {
            let mut lhs = walk.ands(first)?;
            while walk.is_word(Raw::OrWord) {
                walk.scan();
                let rhs = walk.operand("or")?;
                let rhs = walk.ands(rhs)?;
                walk.refuse_void(&lhs, "or");
                walk.refuse_void(&rhs, "or");
                lhs = walk.joined(lhs.at);
            }
            lhs.body.into_iter().next()
        })
    }

    fn ands(&mut self, first: Operand) -> Option<Operand> {
        let mut lhs = first;
        while self.is_word(Raw::AndWord) {
            self.scan();
            let rhs = self.operand("and")?;
            self.refuse_void(&lhs, "and");
            self.refuse_void(&rhs, "and");
            lhs = self.joined(lhs.at);
        }
        Some(lhs)
    }

    fn joined(&self, at: usize) -> Operand {
        Operand::of(Expr::new(ExprKind::Logical, at, self.s.last_end))
    }

    /// The operand of an operator; of none where the walk only tries.
    fn operand(&mut self, operator: &str) -> Option<Operand> {
        if self.is(sign!(LBrace)) {
            return self.braces_operand(operator);
        }
        let not_at = self.negation();
        if not_at.is_some() && self.not_bodies && self.is(sign!(LBrace)) {
            return self.not_body(not_at);
        }
        if self.is(sign!(LParen)) && self.logical_keywords() && (not_at.is_none() || self.not_bodies) {
            let prefix = if not_at.is_some() { "not " } else { "" };
            if let Some(group) = self.group(true, prefix) {
                let group = group?;
                return Some(if not_at.is_some() { self.negated_group(group, not_at) } else { group });
            }
        }
        let at = self.s.start;
        let expr = self.expression()?;
        let end = self.s.last_end;
        Some(Operand::of(match not_at {
            Some(at) if self.not_bodies => Expr::new(ExprKind::Not, at, end),
            not_at => Expr { negated: not_at.is_some(), at, end, ..expr },
        }))
    }

    pub(super) fn negated_group(&self, group: Operand, not_at: Option<usize>) -> Operand {
        let at = not_at.unwrap_or(group.at);
        Operand::of(Expr::new(ExprKind::Not, at, self.s.last_end))
    }

    fn braces_operand(&mut self, operator: &str) -> Option<Operand> {
        let here = self.s.clone();
        let (at, end) = (here.start, here.end);
        self.scan();
        let empty = self.is(sign!(RBrace));
        let Some(body) = self.body(sign!(RBrace)) else {
            if !empty && !operator.is_empty() {
                // The braces may hold a value; then the whole operand has to be wrapped.
                let failed = std::mem::replace(&mut self.s, here);
                match self.infix() {
                    Some(_) => self.brace_led(at, end, operator),
                    None => self.s = failed,
                }
            }
            return None;
        };
        self.scan();
        if is_ambiguous_union(self, &body) {
            self.ambiguous_union(at, end, &body, "");
        }
        Some(Operand { body, explicit: true, at })
    }

    /// `{ .. }` after `not`.
    pub(super) fn not_body(&mut self, not_at: Option<usize>) -> Option<Operand> {
        let here = self.s.clone();
        let (at, end) = (here.start, here.end);
        self.scan();
        let empty = self.is(sign!(RBrace));
        let Some(body) = self.body(sign!(RBrace)) else {
            if !empty {
                let failed = std::mem::replace(&mut self.s, here);
                match self.infix() {
                    Some(term) => self.needs_body(at, end, term.led_by().name()),
                    None => self.s = failed,
                }
            }
            return None;
        };
        self.scan();
        if is_ambiguous_union(self, &body) {
            self.ambiguous_union(at, end, &body, "not ");
            return None;
        }
        Some(Operand::of(Expr::new(ExprKind::Not, not_at.unwrap_or(at), self.s.last_end)))
    }

    /// Operands in parentheses: the group, or that it is broken. Nothing where the parentheses hold a term.
    pub(super) fn group(&mut self, as_operand: bool, prefix: &str) -> Option<Option<Operand>> {
        let here = self.s.clone();
        self.scan();
        if self.is(sign!(RParen)) {
            if as_operand {
                self.error(here.start, here.end, "empty parenthesized group");
                return Some(None);
            }
            self.s = here;
            return None;
        }
        let Some(first) = self.deeper(|walk| walk.operand("")) else {
            self.s = here;
            return None;
        };
        if self.at_operator() {
            return Some(self.group_of_operators(first, here.start));
        }
        if self.is_word(Raw::With) && !first.explicit && first.body.len() == 1 {
            return self.group_with_modifiers(first, here, as_operand);
        }
        if first.explicit {
            return self.braces_in_parentheses(first.at, here, prefix);
        }
        let stands = matches!(
            &first.body[..],
            [Expr { kind: ExprKind::Logical | ExprKind::Not, .. } | Expr { negated: true, .. }]
        );
        if !stands {
            self.s = here;
            return None;
        }
        Some(self.close_group().map(|()| Operand { at: here.start, ..first }))
    }

    fn group_of_operators(&mut self, first: Operand, at: usize) -> Option<Operand> {
        let expr = self.chain(first).and_then(|expr| self.modified(expr))?;
        self.close_group()?;
        Some(Operand { body: vec![expr], explicit: false, at })
    }

    fn group_with_modifiers(
        &mut self,
        mut first: Operand,
        here: super::State,
        as_operand: bool,
    ) -> Option<Option<Operand>> {
        let (with_at, with_end) = (self.s.start, self.s.end);
        let Some(expr) = first.body.first_mut() else { return Some(None) };
        if self.modifiers(expr).is_none() {
            return Some(None);
        }
        if self.at_operator() {
            return Some(self.with_on_operand(with_at, with_end));
        }
        if self.close_group().is_none() {
            return Some(None);
        }
        if as_operand || self.at_operator() {
            return Some(Some(Operand { at: here.start, explicit: false, ..first }));
        }
        self.s = here;
        None
    }

    /// Parentheses do not wrap a body: the braces are a value, or an error.
    fn braces_in_parentheses(
        &mut self,
        braces_at: usize,
        here: super::State,
        prefix: &str,
    ) -> Option<Option<Operand>> {
        let braces = self.slice(braces_at, self.s.last_end);
        self.s = here.clone();
        self.scan();
        let is_value = self.term().is_some();
        self.s = here;
        if is_value {
            return None;
        }
        self.hint(format!("drop the parens to keep the body: `{prefix}{braces}`"));
        self.error_here("`(...)` in an operand position cannot contain a body");
        Some(None)
    }

    fn close_group(&mut self) -> Option<()> {
        if !self.is(sign!(RParen)) {
            self.error_here("expected ) to close parenthesized group");
            return None;
        }
        self.scan();
        Some(())
    }

    // --- complaints ---

    fn with_on_operand<T>(&mut self, at: usize, end: usize) -> Option<T> {
        let operator = self.s.token.name();
        self.hint(format!(
            "Wrap the operand in `(...)` or `{{...}}` to scope, or move `with` after the `{operator}` expression \
             to apply it to the whole expression"
        ));
        self.error(at, end, &format!("`with` modifier is not allowed on operand of `{operator}`"));
        None
    }

    fn brace_led(&mut self, at: usize, end: usize, operator: &str) {
        let operand = self.slice(at, self.s.last_end);
        self.hint(format!("wrap the operand to keep the value: `({operand}) {operator} ...`"));
        let message = format!("operand of `{operator}` cannot begin with `{{` unless the braces hold a body");
        self.error(at, end, &message);
    }

    fn needs_body(&mut self, at: usize, end: usize, name: &str) {
        let operand = self.slice(at, self.s.last_end);
        self.hint(format!(
            "write `not ({operand})` to negate the value, or `not {{{operand}}}` for a body holding it"
        ));
        let message = format!("`{{...}}` in an operand position must contain expression(s), got: {name}");
        self.error(at, end, &message);
    }

    fn ambiguous_union(&mut self, at: usize, end: usize, body: &[Expr], prefix: &str) {
        let braces = self.slice(at, self.s.last_end);
        let union = body.first().map_or_else(String::new, |first| {
            let (before, after) = (self.slice(at, first.at), self.slice(first.end, self.s.last_end));
            format!("{before}({}){after}", self.slice(first.at, first.end))
        });
        self.hint(format!(
            "write `{prefix}({braces})` for the comprehension, or `{prefix}{union}` for the set union"
        ));
        self.error(
            at,
            end,
            "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension",
        );
    }

    /// Operands that only print can never fail.
    fn refuse_void(&mut self, operand: &Operand, operator: &str) {
        let prints = |expr: &Expr| {
            !expr.negated
                && matches!(&expr.kind, ExprKind::Call(call)
                    if matches!(&*call.kind, Kind::Call { name, .. } if name == "print"))
        };
        if let Some(first) = operand.body.first()
            && operand.body.iter().all(prints)
        {
            let (at, end) = (first.at, first.end);
            self.hint(
                "`print` produces no value and always succeeds, so the operand can never fail; move it out of the \
                 operand, or add an expression that can fail"
                    .to_owned(),
            );
            self.error(at, end, &format!("operand of `{operator}` cannot consist only of calls to `print`"));
        }
    }
}

/// A body that begins with a bare union, which reads as a comprehension too.
fn is_ambiguous_union(walk: &Walk<'_>, body: &[Expr]) -> bool {
    let Some(first) = body.first() else { return false };
    let ExprKind::Call(call) = &first.kind else { return false };
    let is_union = matches!(&*call.kind, Kind::Call { name, infix: true, .. } if name == "or");
    is_union && !walk.slice(first.at, first.end).trim_start().starts_with('(')
}
