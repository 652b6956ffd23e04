//! Template strings.

use super::scan::Token;
use super::shape::{Expr, ExprKind, Kind, Term};
use super::{Walk, sign};
use crate::RegoVersion;
use crate::lex::Raw;
use crate::literal;

impl Walk<'_> {
    /// Text and expressions by turns; the walk ends on the last piece of text.
    pub(super) fn template(&mut self, raw: bool) -> Option<Term> {
        let at = self.s.start;
        if self.version == RegoVersion::V0 {
            self.error(at, self.s.end, "template strings are not supported by current capabilities");
            return None;
        }
        let mut opening = 2;
        loop {
            self.template_text(raw, opening)?;
            if self.is(Token::TemplateEnd { raw }) {
                return Some(Term::new(Kind::Template, at));
            }
            self.scan();
            self.template_expression()?;
            self.scan_template(raw);
            opening = 0;
        }
    }

    fn template_text(&mut self, raw: bool, opening: usize) -> Option<()> {
        let is_text = self.is(Token::TemplatePart { raw }) || self.is(Token::TemplateEnd { raw });
        let piece = self.piece();
        let inner = piece.get(opening..piece.len().saturating_sub(1)).unwrap_or_default();
        if !is_text {
            self.error_here("expected template-string part");
        } else if literal::unescape_template(inner, raw).is_none() {
            self.error_here(&format!("illegal template-string part: {piece}"));
        } else {
            return Some(());
        }
        None
    }

    fn template_expression(&mut self) -> Option<()> {
        let Some(expr) = self.literal() else {
            self.error_here("invalid template-string expression");
            return None;
        };
        if let Some(what) = refused(&expr) {
            let message = format!("unexpected {what} in template-string expression");
            self.error(expr.at, expr.end, &message);
            return None;
        }
        if !self.is(sign!(RBrace)) {
            self.error_here("expected } to end template string expression");
            return None;
        }
        Some(())
    }
}

fn refused(expr: &Expr) -> Option<String> {
    if expr.negated {
        return Some(format!("negation ('{}')", Token::Word(Raw::Not).name()));
    }
    Some(match expr.kind {
        ExprKind::Unify => "unification ('=')".to_owned(),
        ExprKind::Assign => "assignment (':=')".to_owned(),
        ExprKind::Every => format!("'{}'", Token::Word(Raw::Every).name()),
        ExprKind::Some => format!("'{}'", Token::Word(Raw::Some).name()),
        _ => return None,
    })
}
