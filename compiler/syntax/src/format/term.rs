//! Terms and lists of terms.

use crate::lex::is_identifier;
use crate::opa::{Expr, Loc, Part, Term, Terms, Value, infix, operator};

use super::writer::{Stop, Writer, Written, closing_row};

/// An element of a list: a term, or a key with its value.
#[derive(Clone, Copy)]
enum Element<'e> {
    One(&'e Term),
    Pair(&'e Term, &'e Term),
}

impl<'e> Element<'e> {
    fn first(self) -> &'e Term {
        match self {
            Self::One(t) | Self::Pair(t, _) => t,
        }
    }

    fn is_generated(self) -> bool {
        match self {
            Self::One(t) => is_generated(t),
            Self::Pair(k, v) => is_generated(k) || is_generated(v),
        }
    }
}

impl Writer<'_> {
    /// Writes a term, or its text as it stands where comments are in the way.
    pub(super) fn term(&mut self, term: &Term) -> Written {
        let Some(saved) = self.save() else { return self.term_in(false, term) };
        let written = self.term_in(false, term);
        if written.is_err() {
            self.print_as_written(saved, term.loc);
        }
        written
    }

    fn term_in(&mut self, parens: bool, term: &Term) -> Written {
        let marked = self.paren_term == Some(std::ptr::from_ref(term));
        if marked {
            self.paren_term = None;
        }
        self.insert_comments(i64::from(term.loc.row))?;
        if !self.inline {
            self.start_line();
        }
        self.value(parens || marked, term)?;
        if !self.inline {
            self.start_line();
        }
        Ok(())
    }

    fn value(&mut self, parens: bool, term: &Term) -> Written {
        match &term.value {
            Value::Null => self.plain_value("null"),
            Value::Bool(true) => self.plain_value("true"),
            Value::Bool(false) => self.plain_value("false"),
            Value::Number(text) => self.plain_value(text),
            Value::Var(name) => self.plain_value(name),
            Value::String { value, .. } => self.string(value, term.loc),
            Value::Ref(path) => self.reference(path),
            Value::Call(call) => self.call(parens, call),
            Value::Array(items) => self.array(items, term.loc),
            Value::Set(items) => self.set(items, term.loc),
            Value::Object(members) => self.object(members, term.loc),
            Value::ArrayComprehension(t, body) => self.comprehension((b'[', b']'), t, t.loc, body, term.loc),
            Value::SetComprehension(t, body) => self.comprehension((b'{', b'}'), t, t.loc, body, term.loc),
            Value::ObjectComprehension(k, v, body) => self.object_comprehension(k, v, body, term.loc),
            Value::Template { parts, raw } => self.template(parts, *raw),
        }
    }

    fn plain_value(&mut self, text: &str) -> Written {
        self.write(text);
        Ok(())
    }

    /// A string as it was written, if a string was written there.
    fn string(&mut self, value: &str, loc: Loc) -> Written {
        let text = self.slice(loc);
        let quote = match text.chars().last() {
            _ if text.starts_with('`') => return self.plain_value(text),
            Some(q @ ('"' | '`')) => q,
            _ => return self.plain_value(&quoted(value)),
        };
        match text.find(quote) {
            Some(at) => self.plain_value(&text[at..]),
            None => self.plain_value(&quoted(value)),
        }
    }

    // --- references and calls ---

    pub(super) fn reference(&mut self, path: &[Term]) -> Written {
        let Some((head, steps)) = path.split_first() else { return Ok(()) };
        let parens = matches!(head.value, Value::Call(_)) && self.slice(head.loc).starts_with('(');
        self.term_in(parens, head)?;
        for step in steps {
            match &step.value {
                Value::String { value, .. } => self.string_step(value, step.loc),
                Value::Var(name) => self.write(&format!("[{name}]")),
                _ => self.index_step(step)?,
            }
        }
        Ok(())
    }

    /// A term without layout; one that needs some is printed as it stands.
    pub(super) fn plain_or_as_written(&self, term: &Term) -> String {
        if is_plain(term) { plain(term) } else { self.slice(term.loc).to_owned() }
    }

    fn index_step(&mut self, step: &Term) -> Written {
        self.write("[");
        // The bracket must not become part of a comment that was printed as it stood.
        let stopped = self.term(step).is_err();
        self.write(if stopped { "\n]" } else { "]" });
        Ok(())
    }

    fn string_step(&mut self, name: &str, loc: Loc) {
        let kept = self.is_keyword(name) && self.slice(loc).starts_with('"');
        let text =
            if !is_identifier(name) || kept { format!("[{}]", quoted(name)) } else { format!(".{name}") };
        self.write(&text);
    }

    fn is_keyword(&self, word: &str) -> bool {
        const V0: [&str; 11] =
            ["not", "package", "import", "as", "default", "else", "with", "null", "true", "false", "some"];
        V0.contains(&word)
            || (self.style.v1 && matches!(word, "if" | "contains" | "in" | "every"))
            || self.style.keywords.iter().any(|k| k == word)
    }

    fn call(&mut self, parens: bool, call: &[Term]) -> Written {
        let Some((symbol, arity)) = infix(&operator(call)) else { return self.plain_call(call) };
        if symbol == "in" {
            return self.membership(true, &call[1..]);
        }
        if call.len() != arity + 1 {
            return self.plain_call(call);
        }
        if parens {
            self.write("(");
        }
        self.term_in(true, &call[1])?;
        self.write(&format!(" {symbol} "));
        self.term_in(true, &call[2])?;
        if parens {
            self.write(")");
        }
        Ok(())
    }

    pub(super) fn plain_call(&mut self, call: &[Term]) -> Written {
        let Some((function, args)) = call.split_first() else { return Ok(()) };
        match &function.value {
            Value::Ref(path) => self.reference(path)?,
            _ => self.write(&plain(function)),
        }
        self.write("(");
        let close = closing_row(self.slice(function.loc), function.loc.row, None, b'(', b')');
        let written = self.list(args, function.loc, close, false);
        self.write(")");
        written
    }

    /// `x in xs`, `k, v in xs`.
    pub(super) fn membership(&mut self, parens: bool, operands: &[Term]) -> Written {
        let parens = parens && operands.len() == 3;
        if parens {
            self.write("(");
        }
        for (i, operand) in operands.iter().enumerate() {
            if i > 0 {
                self.write(if i + 1 == operands.len() { " in " } else { ", " });
            }
            // OPA writes `x in (y in z)` without the parentheses, which is another statement.
            let nested = (i > 0 || operands.len() == 3) && is_membership(operand);
            self.write(if nested { "(" } else { "" });
            self.term_in(true, operand)?;
            self.write(if nested { ")" } else { "" });
        }
        if parens {
            self.write(")");
        }
        Ok(())
    }

    // --- collections ---

    fn array(&mut self, items: &[Term], loc: Loc) -> Written {
        self.write("[");
        let close = closing_row(self.slice(loc), loc.row, None, b'[', b']');
        let written = self.list(items, loc, close, true);
        self.write("]");
        written
    }

    fn set(&mut self, items: &[Term], loc: Loc) -> Written {
        if items.is_empty() {
            self.write("set()");
            let close = closing_row(self.slice(loc), loc.row, None, b'(', b')');
            return self.insert_comments(close);
        }
        self.write("{");
        let close = closing_row(self.slice(loc), loc.row, None, b'{', b'}');
        let written = self.list(items, loc, close, true);
        self.write("}");
        written
    }

    fn object(&mut self, members: &[(Term, Term)], loc: Loc) -> Written {
        self.write("{");
        let close = closing_row(self.slice(loc), loc.row, None, b'{', b'}');
        let elements = members.iter().map(|(k, v)| Element::Pair(k, v)).collect();
        let written = self.elements(elements, loc, close, true);
        self.write("}");
        written
    }

    /// Terms between brackets; `unions`: unions get parentheses even if none were written.
    pub(super) fn list(&mut self, items: &[Term], before: Loc, close: i64, unions: bool) -> Written {
        self.elements(items.iter().map(Element::One).collect(), before, close, unions)
    }

    fn elements(&mut self, elements: Vec<Element<'_>>, before: Loc, close: i64, unions: bool) -> Written {
        let lines = group(elements, before);
        let mut leading_break = false;
        if let [line] = &lines[..] {
            let inside = |row: u32| i64::from(row) > i64::from(before.row) && i64::from(row) < close;
            if self.waiting_comments().iter().any(|c| inside(c.row)) {
                return Err(Stop);
            }
            leading_break = line.first().is_some_and(|e| self.breaks_before(e.first(), before));
        }
        let broken = lines.len() > 1 || leading_break;
        if broken {
            self.delay_comment();
            self.end_line();
            self.up();
            self.start_line();
        }
        let Some((last, others)) = lines.split_last() else { return Ok(()) };
        for line in others {
            self.element_line(line, unions)?;
            self.write(",");
            self.end_line();
            self.start_line();
        }
        self.element_line(last, unions)?;
        if broken {
            self.write(",");
            self.end_line();
            self.insert_comments(close)?;
            self.down();
            self.start_line();
        }
        Ok(())
    }

    /// Whether a line end stands before the first element, by OPA's search for its text.
    fn breaks_before(&self, first: &Term, before: Loc) -> bool {
        let text = self.slice(before);
        match text.find(self.slice(first.loc)) {
            Some(cut) if cut > 0 => text[..cut].find('\n').is_some_and(|at| at > 0),
            _ => false,
        }
    }

    fn element_line(&mut self, line: &[Element<'_>], unions: bool) -> Written {
        for (i, element) in line.iter().enumerate() {
            if i > 0 {
                self.write(", ");
            }
            self.element(*element, unions)?;
        }
        Ok(())
    }

    fn element(&mut self, element: Element<'_>, unions: bool) -> Written {
        match element {
            Element::One(term) => {
                let parens = is_union_call(term) && (unions || self.slice(term.loc).starts_with('('));
                self.parenthesized(parens, term)
            }
            Element::Pair(key, value) => {
                self.parenthesized(is_union_call(key), key)?;
                self.write(": ");
                self.parenthesized(is_union_call(value), value)
            }
        }
    }

    fn parenthesized(&mut self, parens: bool, term: &Term) -> Written {
        if parens {
            self.write("(");
        }
        let written = self.term(term);
        if parens {
            self.write(")");
        }
        written
    }

    // --- comprehensions ---

    fn comprehension(
        &mut self,
        brackets: (u8, u8),
        term: &Term,
        at: Loc,
        body: &[Expr],
        loc: Loc,
    ) -> Written {
        self.write(if brackets.0 == b'[' { "[" } else { "{" });
        let written = self.comprehension_rest(brackets, term, at, body, loc);
        self.write(if brackets.0 == b'[' { "]" } else { "}" });
        written
    }

    fn comprehension_rest(
        &mut self,
        brackets: (u8, u8),
        term: &Term,
        at: Loc,
        body: &[Expr],
        loc: Loc,
    ) -> Written {
        if at.row > loc.row {
            self.end_line();
            self.start_line();
        }
        let call = matches!(term.value, Value::Call(_));
        let parens = call && (is_union_call(term) || self.slice(term.loc).starts_with('('));
        if at == term.loc {
            self.term_in(parens, term)?;
        } else {
            let moved = Term { value: term.value.clone(), loc: at };
            self.term_in(parens, &moved)?;
        }
        self.write(" |");
        self.inner_body(brackets, body, at, loc)
    }

    fn object_comprehension(&mut self, key: &Term, value: &Term, body: &[Expr], loc: Loc) -> Written {
        self.write("{");
        let written = self.parenthesized(is_union_call(key), key);
        if written.is_ok() {
            self.write(": ");
            // The value is taken to stand on the row of the brace, so it never gets a line of its own.
            let at = Loc { row: loc.row, ..value.loc };
            let written = self.comprehension_rest((b'{', b'}'), value, at, body, loc);
            self.write("}");
            return written;
        }
        self.write("}");
        written
    }

    // --- template strings ---

    fn template(&mut self, parts: &[Part], raw: bool) -> Written {
        let quote = if raw { "$`" } else { "$\"" };
        self.write(quote);
        for (i, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text, _) => self.template_text(text, raw),
                Part::Term(Term { value: Value::String { value, .. }, .. }) => self.template_text(value, raw),
                Part::Term(term) => self.write(&plain(term)),
                Part::Expr(expr) => self.template_expr(expr, parts.get(i + 1))?,
            }
        }
        self.write(&quote[1..]);
        Ok(())
    }

    fn template_text(&mut self, text: &str, raw: bool) {
        if raw {
            self.write(&escape_braces(text));
        } else {
            let quoted = quoted(text);
            self.write(&escape_braces(&quoted[1..quoted.len() - 1]));
        }
    }

    fn template_expr(&mut self, expr: &Expr, next: Option<&Part>) -> Written {
        self.write("{");
        self.up();
        if self.has_line_comment() {
            self.end_line();
            self.start_line();
        } else {
            let before = self.comments_before(i64::from(expr.loc.row));
            if !before.is_empty() {
                self.write(" ");
                self.inline = true;
                self.write_comments(&before);
            }
        }
        self.expr(expr)?;
        if let Some(next) = next {
            let row = match next {
                Part::Text(_, loc) => loc.row,
                Part::Term(t) => t.loc.row,
                Part::Expr(e) => e.loc.row,
            };
            let before = self.comments_before(i64::from(row));
            if !before.is_empty() {
                self.end_line();
                self.write_comments(&before);
                self.start_line();
            }
        }
        self.write("}");
        self.down();
        Ok(())
    }
}

/// Elements by the row on which they began.
fn group(mut elements: Vec<Element<'_>>, before: Loc) -> Vec<Vec<Element<'_>>> {
    if elements.iter().any(|e| e.is_generated()) {
        return vec![elements];
    }
    elements.sort_by_key(|e| (e.first().loc.row, e.first().loc.col));
    let mut lines = vec![Vec::new()];
    let mut row = before.row;
    for (i, element) in elements.into_iter().enumerate() {
        let at = element.first().loc.row;
        if at > row && i > 0 {
            lines.push(Vec::new());
        }
        row = at;
        if let Some(line) = lines.last_mut() {
            line.push(element);
        }
    }
    lines
}

/// `x in y`.
fn is_membership(term: &Term) -> bool {
    matches!(&term.value, Value::Call(call) if operator(call) == "internal.member_2")
}

/// A call of the union, which would open a comprehension inside brackets.
pub(super) fn is_union_call(term: &Term) -> bool {
    matches!(&term.value, Value::Call(call) if operator(call) == "or")
}

/// Whether a variable that a compiler made up stands in a term: then OPA does not trust the places.
fn is_generated(term: &Term) -> bool {
    match &term.value {
        Value::Var(name) => name.starts_with("__local"),
        Value::Ref(items) | Value::Call(items) | Value::Array(items) | Value::Set(items) => {
            items.iter().any(is_generated)
        }
        Value::Object(members) => members.iter().any(|(k, v)| is_generated(k) || is_generated(v)),
        Value::ArrayComprehension(t, body) | Value::SetComprehension(t, body) => {
            is_generated(t) || body.iter().any(expr_is_generated)
        }
        Value::ObjectComprehension(k, v, body) => {
            is_generated(k) || is_generated(v) || body.iter().any(expr_is_generated)
        }
        _ => false,
    }
}

/// The same for a statement.
pub(super) fn expr_is_generated(expr: &Expr) -> bool {
    let terms = match &expr.terms {
        Terms::Term(t) => is_generated(t),
        Terms::Call(terms) | Terms::Some(terms) => terms.iter().any(is_generated),
        Terms::Every { domain, body, .. } => is_generated(domain) || body.iter().any(expr_is_generated),
        Terms::Not { body, .. } => body.iter().any(expr_is_generated),
        Terms::Logical { lhs, rhs, .. } => lhs.body.iter().chain(&rhs.body).any(expr_is_generated),
    };
    terms || expr.with.iter().any(|w| is_generated(&w.target) || is_generated(&w.value))
}

/// `{` with a backslash, unless it has one.
fn escape_braces(text: &str) -> String {
    text.replace('{', "\\{")
}

/// A string literal.
fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether [`plain`] prints the whole term.
fn is_plain(term: &Term) -> bool {
    match &term.value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Var(_) | Value::String { .. } => true,
        Value::Ref(items) | Value::Call(items) | Value::Array(items) | Value::Set(items) => {
            items.iter().all(is_plain)
        }
        Value::Object(members) => members.iter().all(|(k, v)| is_plain(k) && is_plain(v)),
        _ => false,
    }
}

/// A term on one line, as OPA prints values outside of modules.
pub(super) fn plain(term: &Term) -> String {
    let list = |items: &[Term]| items.iter().map(plain).collect::<Vec<_>>().join(", ");
    match &term.value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(text) | Value::Var(text) => text.clone(),
        Value::String { value, .. } => quoted(value),
        Value::Ref(path) => plain_ref(path),
        Value::Call(call) => {
            format!("{}({})", call.first().map(plain).unwrap_or_default(), list(&call[1.min(call.len())..]))
        }
        Value::Array(items) => format!("[{}]", list(items)),
        Value::Set(items) if items.is_empty() => "set()".to_owned(),
        Value::Set(items) => format!("{{{}}}", list(items)),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(k, v)| format!("{}: {}", plain(k), plain(v))).collect();
            format!("{{{}}}", members.join(", "))
        }
        _ => String::new(),
    }
}

fn plain_ref(path: &[Term]) -> String {
    let mut out = String::new();
    for (i, step) in path.iter().enumerate() {
        match &step.value {
            _ if i == 0 => out.push_str(&plain(step)),
            Value::String { value, .. } if is_identifier(value) => {
                out.push('.');
                out.push_str(value);
            }
            _ => out.push_str(&format!("[{}]", plain(step))),
        }
    }
    out
}
