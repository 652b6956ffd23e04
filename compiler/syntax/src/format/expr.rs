//! Statements.

use crate::opa::{Expr, Loc, Operand, Term, Terms, Value, With, infix, operator};

use super::writer::{Stop, Writer, Written, closing_row};

/// An operator with what stands on its right, in a chain of `and` and `or`.
struct Link<'e> {
    op: &'static str,
    rhs: Side<'e>,
    /// The row on which everything on the left ends.
    left_end: u32,
}

/// An operand in a chain, and whether it needs parentheses.
struct Side<'e> {
    operand: &'e Operand,
    parens: bool,
}

impl Side<'_> {
    fn row(&self) -> Option<u32> {
        self.operand.brace.or(self.operand.body.first().map(|e| e.loc)).map(|l| l.row)
    }
}

impl Writer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Written {
        let parens = self.paren_expr == Some(std::ptr::from_ref(expr));
        if parens {
            self.paren_expr = None;
        }
        self.insert_comments(i64::from(expr.loc.row))?;
        if !self.inline {
            self.start_line();
        }
        let negated_logical = expr.negated && matches!(expr.terms, Terms::Logical { .. });
        if expr.negated {
            self.write(if negated_logical { "not (" } else { "not " });
        }
        if parens {
            self.write("(");
        }
        let written = self.terms(expr);
        if written.is_err() {
            // OPA leaves the modifiers out here, and with them what the statement means.
            self.withs(expr)?;
            return written;
        }
        if parens {
            self.write(")");
        }
        if negated_logical {
            self.write(")");
        }
        self.withs(expr)
    }

    fn terms(&mut self, expr: &Expr) -> Written {
        match &expr.terms {
            Terms::Term(term) => self.term(term),
            Terms::Call(call) => self.statement_call(call),
            Terms::Some(symbols) => self.some(symbols, expr.loc),
            Terms::Every { key, value, domain, body } => {
                self.every(key.as_ref(), value, domain, body, expr.loc)
            }
            Terms::Not { body, explicit } => self.not(body, *explicit, expr.loc),
            Terms::Logical { .. } => self.logical(expr),
        }
    }

    // --- with ---

    fn withs(&mut self, expr: &Expr) -> Written {
        let mut last = self.terms_end(expr);
        let mut rest = &expr.with[..];
        if let Some((first, others)) = rest.split_first()
            && first.loc.row == last
        {
            self.with(first, false)?;
            (last, rest) = (first.loc.row, others);
        }
        let mut indented = false;
        let mut written = Ok(());
        for with in rest {
            let indent = with.loc.row > last;
            if indent {
                if !indented {
                    self.up();
                    indented = true;
                }
                self.end_line();
                self.start_line();
                last = with.loc.row;
            }
            written = self.with(with, indent);
            if written.is_err() {
                break;
            }
        }
        if indented {
            self.down();
        }
        written
    }

    /// The row on which the statement ends, modifiers aside.
    fn terms_end(&self, expr: &Expr) -> u32 {
        let end = expr.with.first().map_or(expr.loc.end, |w| w.loc.start);
        let text = self.slice(Loc { end, ..expr.loc }).trim_end_matches([' ', '\t', '\r', '\n']);
        expr.loc.row + text.bytes().filter(|&b| b == b'\n').count() as u32
    }

    fn with(&mut self, with: &With, indented: bool) -> Written {
        self.insert_comments(i64::from(with.loc.row))?;
        self.write(if indented { "with " } else { " with " });
        self.term(&with.target)?;
        self.write(" as ");
        // A value that was printed as it stands does not end the chain of modifiers.
        let _: Result<(), Stop> = self.term(&with.value);
        Ok(())
    }

    // --- some, every, not ---

    fn some(&mut self, symbols: &[Term], loc: Loc) -> Written {
        self.insert_comments(i64::from(loc.row))?;
        self.write("some ");
        let mut row = loc.row;
        for (i, symbol) in symbols.iter().enumerate() {
            if let Value::Call(call) = &symbol.value {
                self.membership(false, &call[1..])?;
                continue;
            }
            if symbol.loc.row > row {
                self.end_line();
                self.start_line();
                self.write("\t");
                row = symbol.loc.row;
            } else if i > 0 {
                self.write(" ");
            }
            self.term(symbol)?;
            if i + 1 < symbols.len() {
                self.write(",");
            }
        }
        Ok(())
    }

    fn every(&mut self, key: Option<&Term>, value: &Term, domain: &Term, body: &[Expr], loc: Loc) -> Written {
        self.insert_comments(i64::from(loc.row))?;
        self.write("every ");
        if let Some(key) = key {
            self.term(key)?;
            self.write(", ");
        }
        self.term(value)?;
        self.write(" in ");
        self.term(domain)?;
        self.write(" {");
        let _: Result<(), Stop> = self.inner_body((b'{', b'}'), body, loc, loc);
        if matches!(body, [only] if only.loc.row == loc.row) {
            self.write(" ");
        }
        self.write("}");
        Ok(())
    }

    fn not(&mut self, body: &[Expr], explicit: bool, loc: Loc) -> Written {
        self.insert_comments(i64::from(loc.row))?;
        self.write("not ");
        let Some(first) = body.first() else { return Ok(()) };
        if explicit || body.len() > 1 {
            return self.braced(body, loc);
        }
        let parens = not_needs_parens(first);
        if parens {
            self.write("(");
        }
        let _: Result<(), Stop> = self.expr(first);
        if parens {
            self.write(")");
        }
        Ok(())
    }

    /// A body in braces, on one line if it began on the row of its place.
    fn braced(&mut self, body: &[Expr], loc: Loc) -> Written {
        if let Some(first) = body.first().filter(|e| is_union(e)) {
            self.paren_expr = Some(std::ptr::from_ref(first));
        }
        self.write("{");
        let _: Result<(), Stop> = self.inner_body((b'{', b'}'), body, loc, loc);
        if body.last().is_some_and(|last| last.loc.row == loc.row) {
            self.write(" ");
        }
        self.write("}");
        Ok(())
    }

    /// The body of a comprehension, `every` or `not`: on lines of its own if it was.
    pub(super) fn inner_body(
        &mut self,
        brackets: (u8, u8),
        body: &[Expr],
        before: Loc,
        whole: Loc,
    ) -> Written {
        let close = closing_row(self.slice(whole), whole.row, None, brackets.0, brackets.1);
        let Some((last, others)) = body.split_last() else { return self.insert_comments(close) };
        let broken = self.breaks(body, before);
        if !broken {
            self.write(" ");
            for expr in others {
                self.expr(expr)?;
                self.write("; ");
            }
            self.expr(last)?;
            return self.insert_comments(close);
        }
        self.end_line();
        self.up();
        let mut written = self.body(body);
        if written.is_ok() {
            written = self.insert_comments(close);
        }
        self.down();
        self.start_line();
        written
    }

    fn breaks(&self, body: &[Expr], before: Loc) -> bool {
        let first = body.first().map_or(before.row, |e| e.loc.row);
        if first > before.row {
            return true;
        }
        if body.iter().any(super::term::expr_is_generated) {
            return false;
        }
        body.windows(2).any(|w| w[1].loc.row > w[0].loc.row)
    }

    // --- and, or ---

    fn logical(&mut self, expr: &Expr) -> Written {
        let (first, links) = self.chain(expr);
        let _: Result<(), Stop> = self.operand(&first);
        let mut indented = false;
        for link in links {
            self.write(" ");
            self.write(link.op);
            if link.rhs.row().is_some_and(|row| row > link.left_end) {
                if !indented {
                    self.up();
                    indented = true;
                }
                self.end_line();
                self.start_line();
            } else {
                self.write(" ");
            }
            let _: Result<(), Stop> = self.operand(&link.rhs);
        }
        if indented {
            self.down();
        }
        Ok(())
    }

    fn operand(&mut self, side: &Side<'_>) -> Written {
        if let Some(brace) = side.operand.brace {
            if side.operand.body.is_empty() {
                self.write("{}");
                return Ok(());
            }
            return self.braced(&side.operand.body, brace);
        }
        let Some(expr) = side.operand.body.first() else { return Ok(()) };
        if side.parens {
            self.write("(");
        }
        let written = self.expr(expr);
        if side.parens {
            self.write(")");
        }
        written
    }

    /// The operands and operators of a left-associative chain.
    fn chain<'e>(&self, expr: &'e Expr) -> (Side<'e>, Vec<Link<'e>>) {
        const NOTHING: &Operand = &Operand { body: Vec::new(), brace: None };
        let mut links = Vec::new();
        let mut first = Side { operand: NOTHING, parens: false };
        let mut at = Some(expr);
        while let Some(Expr { terms: Terms::Logical { op, lhs, rhs }, .. }) = at {
            let rhs = Side { operand: rhs, parens: operand_needs_parens(rhs, op, true) };
            let parens = operand_needs_parens(lhs, op, false);
            let chained =
                |e: &&Expr| matches!(e.terms, Terms::Logical { .. }) && lhs.brace.is_none() && !parens;
            at = lhs.body.first().filter(chained);
            let left_end = at.map_or_else(|| self.operand_end(lhs), |inner| self.end_row(inner.loc));
            links.push(Link { op, rhs, left_end });
            first = Side { operand: lhs, parens };
        }
        links.reverse();
        (first, links)
    }

    fn operand_end(&self, operand: &Operand) -> u32 {
        match (operand.brace, operand.body.last()) {
            (Some(brace), _) => self.end_row(brace),
            (None, Some(last)) => self.end_row(last.loc),
            (None, None) => 0,
        }
    }

    fn end_row(&self, loc: Loc) -> u32 {
        loc.row + self.slice(loc).trim_end().bytes().filter(|&b| b == b'\n').count() as u32
    }

    // --- calls ---

    fn statement_call(&mut self, call: &[Term]) -> Written {
        let name = operator(call);
        let Some((symbol, arity)) = infix(&name) else { return self.plain_call(call) };
        if symbol == "in" {
            return self.membership(false, &call[1..]);
        }
        match call.len() - 1 {
            n if n == arity => {
                self.term(&call[1])?;
                self.write(&format!(" {symbol} "));
                self.term(&call[2])
            }
            n if n == arity + 1 => {
                self.term(&call[3])?;
                self.write(" = ");
                self.term(&call[1])?;
                self.write(&format!(" {symbol} "));
                self.term(&call[2])
            }
            _ => self.plain_call(call),
        }
    }

    // --- unions in front ---

    /// `{ x | y` at a body's brace would be a comprehension: a union in front gets parentheses.
    pub(super) fn mark_union_lead(&mut self, expr: &Expr) {
        if expr.negated {
            return;
        }
        if let Terms::Logical { .. } = expr.terms {
            let (first, _) = self.chain(expr);
            if let Some(lead) =
                first.operand.body.first().filter(|_| first.operand.brace.is_none() && !first.parens)
            {
                self.mark_union_lead(lead);
            }
            return;
        }
        if is_union(expr) {
            self.paren_expr = Some(std::ptr::from_ref(expr));
            return;
        }
        if let Some(lead) = leading_operand(expr).filter(|t| super::term::is_union_call(t)) {
            self.paren_term = Some(std::ptr::from_ref(lead));
        }
    }
}

/// The operand that an infix statement begins with.
fn leading_operand(expr: &Expr) -> Option<&Term> {
    let Terms::Call(call) = &expr.terms else { return None };
    let (_, arity) = infix(&operator(call))?;
    match call.len() - 1 {
        n if n == arity => call.get(1),
        n if n == arity + 1 => call.last(),
        _ => None,
    }
}

fn is_union(expr: &Expr) -> bool {
    matches!(&expr.terms, Terms::Call(call) if call.len() == 3 && operator(call) == "or")
}

fn not_needs_parens(expr: &Expr) -> bool {
    !expr.with.is_empty()
        || matches!(expr.terms, Terms::Logical { .. } | Terms::Not { .. })
        || expr_leads_with_brace(expr)
}

fn operand_needs_parens(operand: &Operand, parent: &str, rhs: bool) -> bool {
    let Some(expr) = operand.body.first().filter(|_| operand.brace.is_none()) else { return false };
    if !expr.with.is_empty() {
        return true;
    }
    match &expr.terms {
        Terms::Logical { op: "or", .. } => parent == "and" || rhs,
        Terms::Logical { .. } => parent == "and" && rhs,
        _ => expr_leads_with_brace(expr),
    }
}

fn expr_leads_with_brace(expr: &Expr) -> bool {
    match &expr.terms {
        Terms::Term(term) => leads_with_brace(term),
        Terms::Call(_) => leading_operand(expr).is_some_and(leads_with_brace),
        _ => false,
    }
}

fn leads_with_brace(term: &Term) -> bool {
    match &term.value {
        Value::Set(members) => !members.is_empty(),
        Value::Object(_) | Value::SetComprehension(..) | Value::ObjectComprehension(..) => true,
        Value::Ref(path) => path.first().is_some_and(leads_with_brace),
        Value::Call(call) => infix(&operator(call)).is_some() && call.get(1).is_some_and(leads_with_brace),
        _ => false,
    }
}
