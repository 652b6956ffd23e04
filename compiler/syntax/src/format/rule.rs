//! Rules: heads, bodies, `else`.

use crate::opa::{Expr, Head, Rule, Term, Terms, Value};

use super::is_constant_body;
use super::writer::{Stop, Writer, Written, closing_row};

impl Writer<'_> {
    pub(super) fn rules(&mut self, rules: &[&Rule]) {
        for (i, rule) in rules.iter().enumerate() {
            let _ = self.insert_comments(i64::from(rule.loc.row));
            let _ = self.rule(rule, false);
            let next = rules.get(i + 1);
            let grouped = next.is_some_and(|next| {
                self.is_one_liner(rule) && self.is_one_liner(next) && next.loc.row == rule.loc.row + 1
            });
            if !grouped {
                self.blank_line();
            }
        }
    }

    /// Whether a rule may stand right above or below another one.
    fn is_one_liner(&self, rule: &Rule) -> bool {
        let set_body = matches!(&rule.body[..], [only] if is_set_term(only));
        rule.body.len() <= 1 && !rule.default && rule.otherwise.is_none() && !set_body && self.uses_if(rule)
    }

    fn uses_if(&self, rule: &Rule) -> bool {
        (self.style.v1 || self.style.ifs) && (self.style.contains || rule.head.value.is_some())
    }

    fn rule(&mut self, rule: &Rule, is_else: bool) -> Written {
        if !is_else {
            self.start_line();
        }
        if rule.default {
            self.write("default ");
        }
        let constant = is_constant_body(rule);
        self.comment_on_final_line = constant;
        let interrupted = self.head(&rule.head, rule.default, constant, is_else).is_err();
        if rule.body.is_empty() || constant {
            self.end_line();
            return Ok(());
        }
        self.comment_on_final_line = true;
        let uses_if = self.uses_if(rule);
        if uses_if {
            self.write(" if");
            if self.fits_behind_if(rule, is_else) {
                return self.one_line_body(rule);
            }
        }
        if interrupted && self.next_comment().is_some() {
            self.write(" { ");
        } else {
            self.write(" {");
            self.end_line();
        }
        if uses_if && !is_else {
            self.mark_union_lead(&rule.body[0]);
        }
        self.up();
        let _ = self.body(&rule.body);
        let close = self.body_close(rule);
        self.insert_comments(close)?;
        self.down();
        self.start_line();
        self.write("}");
        match &rule.otherwise {
            Some(otherwise) => self.otherwise(rule, otherwise),
            None => Ok(()),
        }
    }

    /// One condition stays behind `if` when it began on the row on which the head ended.
    fn fits_behind_if(&self, rule: &Rule, is_else: bool) -> bool {
        // OPA takes the word `else` for the head.
        let lines = if is_else { 0 } else { self.newlines(rule.head.loc) };
        let head_end = rule.head.loc.row + lines;
        matches!(&rule.body[..], [only] if only.loc.row == head_end && !is_set_term(only))
    }

    fn one_line_body(&mut self, rule: &Rule) -> Written {
        self.write(" ");
        self.expr(&rule.body[0])?;
        self.end_line();
        match &rule.otherwise {
            Some(otherwise) => self.otherwise(rule, otherwise),
            None => Ok(()),
        }
    }

    fn body_close(&self, rule: &Rule) -> i64 {
        let skip = match (&rule.head.args, &rule.head.key) {
            (Some(args), _) if !args.is_empty() => Some((b'(', b')')),
            (_, Some(_)) => Some((b'[', b']')),
            _ => None,
        };
        closing_row(self.slice(rule.loc), rule.loc.row, skip, b'{', b'}')
    }

    fn otherwise(&mut self, rule: &Rule, otherwise: &Rule) -> Written {
        let inline = self.follows_on_line(rule, otherwise);
        let row = otherwise.head.loc.row;
        let comment_above = self.next_comment().is_some_and(|c| c.row < row) || self.has_line_comment();
        if !comment_above && inline {
            self.write(" ");
        } else {
            self.blank_line();
            self.start_line();
        }
        self.insert_comments(i64::from(row))?;
        if comment_above && !inline {
            self.start_line();
        }
        self.rule(otherwise, true)
    }

    /// Whether something stands before `else` on its line.
    fn follows_on_line(&self, rule: &Rule, otherwise: &Rule) -> bool {
        let lines = otherwise.loc.row.saturating_sub(rule.loc.row) as usize;
        let line = self.slice(rule.loc).split('\n').nth(lines);
        lines > 0 && line.is_some_and(|l| !l.trim().starts_with("else"))
    }

    fn head(&mut self, head: &Head, default: bool, constant: bool, is_else: bool) -> Written {
        if self.style.ref_heads || head.reference.len() <= 1 {
            self.reference(&head.reference)?;
        } else {
            let second = &head.reference[1];
            if self.next_comment().is_some_and(|c| c.row == second.loc.row) {
                self.unformatted(head.loc);
                return Ok(());
            }
            let name = super::term::plain(&head.reference[0]);
            let key = self.plain_or_as_written(second);
            self.write(&format!("{name}[{key}]"));
        }
        if let Some(args) = head.args.as_ref().filter(|a| !a.is_empty()) {
            self.write("(");
            let close = closing_row(self.slice(head.loc), head.loc.row, None, b'(', b')');
            let written = self.list(args, head.loc, close, false);
            self.write(")");
            written?;
        }
        self.head_key(head)?;
        self.head_value(head, default, constant, is_else)
    }

    fn head_key(&mut self, head: &Head) -> Written {
        let (Some(key), None) = (&head.key, &head.value) else { return Ok(()) };
        if self.style.contains {
            self.write(" contains ");
            return self.term(key);
        }
        self.write("[");
        self.term(key)?;
        self.write("]");
        Ok(())
    }

    fn head_value(&mut self, head: &Head, default: bool, constant: bool, is_else: bool) -> Written {
        let Some(value) = &head.value else { return Ok(()) };
        let is_true = value.value == Value::Bool(true);
        if head.key.is_none() && is_true && !constant && !default {
            return Ok(());
        }
        if is_true && !constant && !default && self.reads_back_without_value(head) {
            return Ok(());
        }
        let v1_constant =
            self.style.v1 && constant && head.key.is_none() && head.args.as_ref().is_none_or(Vec::is_empty);
        if head.value_is_head && !is_else && is_true && !v1_constant {
            return Ok(());
        }
        self.write(if head.assign || self.style.v1 { " := " } else { " = " });
        if is_else {
            // OPA takes the value of an `else` to stand where the `else` stands.
            return self.term(&Term { value: value.value.clone(), loc: head.loc });
        }
        self.term(value)
    }

    /// `p.a := true if ..` has no key for OPA once `if` is written, and then no value: OPA needs two runs
    /// to see that.
    fn reads_back_without_value(&self, head: &Head) -> bool {
        let ground = |t: &Term| {
            matches!(t.value, Value::String { .. } | Value::Number(_) | Value::Bool(_) | Value::Null)
        };
        (self.style.v1 || self.style.ifs)
            && head.reference.len() == 2
            && head.key.as_ref().is_some_and(ground)
    }

    // --- bodies ---

    pub(super) fn body(&mut self, body: &[Expr]) -> Written {
        let Some(first) = body.first() else { return Ok(()) };
        self.insert_comments(i64::from(first.loc.row))?;
        for (i, expr) in body.iter().enumerate() {
            if let Some(previous) = i.checked_sub(1).and_then(|p| body.get(p)) {
                let last = previous.loc.row + self.newlines(previous.loc);
                if expr.loc.row > last + 1 {
                    self.blank_line();
                }
            }
            self.start_line();
            let _: Result<(), Stop> = self.expr(expr);
            self.end_line();
        }
        Ok(())
    }
}

/// A set on its own: braces of its own would be lost in those of a body.
pub(super) fn is_set_term(expr: &Expr) -> bool {
    !expr.negated && matches!(&expr.terms, Terms::Term(t) if matches!(t.value, Value::Set(_)))
}
