//! What the grammar's actions do: tree nodes from pieces, and OPA's complaints about their shape.
//!
//! Actions never fail: a complaint is noted and the node is built all the same.

use lalrpop_util::ErrorRecovery;

use crate::RegoVersion;
use crate::ast::*;
use crate::lex::LexFault;
use crate::literal;
use crate::prepass::{Tok, Token, ends_operand};
use crate::source::{FileId, Span};

use super::message;

/// A complaint of the parser: OPA's message at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where.
    pub span: Span,
    /// OPA's text.
    pub message: String,
    /// OPA's hint, which follows the message in parentheses.
    pub hint: Option<String>,
}

/// One item of a module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// `package ..`
    Package(Package),
    /// `import ..`
    Import(Import),
    /// A rule with a body, a default rule or a `contains` rule.
    Rule(Box<Rule>),
    /// Statements at the top; one may be a rule without a body.
    Statements(Vec<Literal>),
    /// Unreadable.
    Error,
}

/// What follows a rule's head.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleTail {
    /// The body.
    pub first: Body1,
    /// v0's further bodies.
    pub chained: Vec<Body>,
    /// `else` branches.
    pub elses: Vec<Else>,
}

/// A body and whether `if` stands before it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Body1 {
    /// `if` stands before it.
    pub has_if: bool,
    /// The body.
    pub body: Body,
}

/// What follows `some`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SomeList {
    /// The terms before `in`.
    pub list: Vec<Term>,
    /// The terms after each `in`.
    pub ins: Vec<Term>,
}

/// Builds nodes of one text and gathers complaints.
#[derive(Debug)]
pub(crate) struct Builder<'b> {
    file: FileId,
    text: &'b str,
    tokens: &'b [Token],
    lex_faults: &'b [(u32, LexFault)],
    version: RegoVersion,
    /// First byte of the item that is being read: where recovery invents a node, the generated parser
    /// gives it no place.
    item_start: u32,
    /// Complaints in the order in which they were found.
    pub faults: Vec<Fault>,
}

impl<'b> Builder<'b> {
    /// A builder over all tokens of a text.
    pub(crate) fn new(
        file: FileId,
        text: &'b str,
        tokens: &'b [Token],
        lex_faults: &'b [(u32, LexFault)],
    ) -> Self {
        Self { file, text, tokens, lex_faults, version: RegoVersion::V1, item_start: 0, faults: Vec::new() }
    }

    /// The same builder for another language.
    pub(crate) fn for_version(mut self, version: RegoVersion) -> Self {
        self.version = version;
        self
    }

    /// Says that an item begins.
    pub(crate) fn begin(&mut self, item: &[Token]) {
        self.item_start = item.first().map_or(0, |t| t.start);
    }

    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        let start = start.max(self.item_start);
        Span { file: self.file, start, end: end.max(start) }
    }

    fn slice(&self, start: u32, end: u32) -> &'b str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) fn fault(&mut self, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), hint: None });
    }

    pub(super) fn hinted(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), hint: Some(hint.into()) });
    }

    /// The first token that begins at or after a byte, separators aside.
    fn token_at(&self, at: u32) -> Option<Token> {
        let i = self.tokens.partition_point(|t| t.start < at);
        self.tokens.get(i..)?.iter().copied().find(|t| t.kind != Tok::Sep)
    }

    /// Complains about the token that follows a byte.
    fn unexpected_after(&mut self, at: u32, note: &str) {
        let (span, name) = match self.token_at(at) {
            Some(t) => (self.span(t.start, t.end), message::token_name(t.kind)),
            None => (self.end_of_text(), "eof token"),
        };
        self.fault(span, message::unexpected(name, note));
    }

    pub(crate) fn end_of_text(&self) -> Span {
        let end = self.text.len() as u32;
        self.span(end, end)
    }

    // --- recovery ---

    /// Notes the error that a recovery stands for.
    pub(crate) fn recovered(&mut self, recovery: ErrorRecovery<u32, Tok, Fault>) {
        self.syntax_error(recovery.error);
    }

    /// Notes an error of the generated parser.
    pub(crate) fn syntax_error(&mut self, error: lalrpop_util::ParseError<u32, Tok, Fault>) {
        let fault = self.syntax_fault(error);
        self.faults.push(fault);
    }

    /// The indices of the tokens up to a byte that begin a line while no bracket of the item is open.
    pub(crate) fn line_cuts(&self, item: &[Token], at: u32) -> Vec<usize> {
        let end = item.partition_point(|t| t.start <= at);
        let mut depth = 0;
        let mut cuts = Vec::new();
        for i in 0..end {
            if depth == 0 && i > 0 && self.slice(item[i - 1].end, item[i].start).contains('\n') {
                cuts.push(i);
            }
            depth += item[i].kind.nesting();
        }
        cuts
    }

    /// OPA's words for an error of the generated parser.
    fn syntax_fault(&self, error: lalrpop_util::ParseError<u32, Tok, Fault>) -> Fault {
        use lalrpop_util::ParseError as E;
        match error {
            E::InvalidToken { location } => self.unexpected(location, location, Tok::Illegal),
            E::UnrecognizedToken { token: (l, t, r), .. } | E::ExtraToken { token: (l, t, r) } => {
                self.unexpected(l, r, t)
            }
            E::UnrecognizedEof { location, .. } => self.unexpected_end(location),
            E::User { error } => error,
        }
    }

    fn unexpected_end(&self, location: u32) -> Fault {
        match self.token_at(location) {
            Some(t) => self.unexpected(t.start, t.end, t.kind),
            None => {
                Fault { span: self.end_of_text(), message: message::unexpected("eof token", ""), hint: None }
            }
        }
    }

    fn unexpected(&self, start: u32, end: u32, kind: Tok) -> Fault {
        if let Ok(i) = self.lex_faults.binary_search_by_key(&start, |f| f.0) {
            return self.lex_fault(start, end, self.lex_faults[i].1);
        }
        if kind == Tok::Illegal && self.slice(start, end) == "." {
            return self.lone_dot(start, end);
        }
        let message =
            message::unexpected(message::token_name(kind), message::expectation(self.before(start), kind));
        Fault { span: self.span(start, end), message, hint: None }
    }

    fn before(&self, start: u32) -> Option<Tok> {
        let i = self.tokens.partition_point(|t| t.start < start);
        self.tokens.get(i.checked_sub(1)?).map(|t| t.kind)
    }

    /// A dot that no name touches: OPA complains about what follows it. A line end counts as the
    /// beginning of the next line.
    fn lone_dot(&self, start: u32, end: u32) -> Fault {
        let touches = start > 0 && !self.text.as_bytes()[start as usize - 1].is_ascii_whitespace();
        let before = self.before(start);
        if touches && before.is_some_and(ends_operand) {
            return self.dot_without_name(end);
        }
        if matches!(before, Some(Tok::Package | Tok::Import)) {
            return Fault {
                span: self.span(start, end),
                message: "unexpected . token".to_owned(),
                hint: None,
            };
        }
        let (span, name) = match self.token_at(end) {
            Some(t) => (self.span(t.start, t.end), message::token_name(t.kind)),
            None => (self.end_of_text(), "eof token"),
        };
        Fault { span, message: message::unexpected(name, "expected number"), hint: None }
    }

    fn dot_without_name(&self, end: u32) -> Fault {
        let next = self.text.as_bytes().get(end as usize);
        let at = if next == Some(&b'\n') { end + 1 } else { end };
        let blank = next.is_some_and(u8::is_ascii_whitespace);
        let name = if blank {
            "whitespace token"
        } else {
            self.token_at(end).map_or("eof token", |t| message::token_name(t.kind))
        };
        let message = message::unexpected(name, "expected identifier");
        Fault { span: self.span(at, at), message, hint: None }
    }

    pub(crate) fn lex_fault(&self, start: u32, end: u32, fault: LexFault) -> Fault {
        let message = match fault {
            LexFault::Unicode => format!("illegal string literal: {}", self.slice(start, end)),
            _ => fault.message().to_owned(),
        };
        Fault { span: self.span(start, end), message, hint: None }
    }

    // --- terms ---

    pub(crate) fn term(&self, l: u32, kind: TermKind, r: u32) -> Term {
        Term { kind, span: self.span(l, r) }
    }

    pub(crate) fn ident(&self, l: u32, r: u32) -> Ident {
        Ident { name: self.slice(l, r).to_owned(), span: self.span(l, r) }
    }

    pub(crate) fn var(&self, name: Ident) -> Term {
        Term { kind: TermKind::Var(name.name), span: name.span }
    }

    pub(crate) fn number(&self, l: u32, r: u32) -> Term {
        let text: String = self.slice(l, r).split_whitespace().collect();
        self.term(l, TermKind::Number(text), r)
    }

    pub(crate) fn string(&self, l: u32, r: u32) -> Term {
        let inner = self.slice(l + 1, r.saturating_sub(1));
        let value = if inner.contains('\\') {
            literal::unescape(inner).unwrap_or_default()
        } else {
            inner.to_owned()
        };
        self.term(l, TermKind::String { value, raw: false }, r)
    }

    pub(crate) fn raw_string(&self, l: u32, r: u32) -> Term {
        let value = self.slice(l + 1, r.saturating_sub(1)).to_owned();
        self.term(l, TermKind::String { value, raw: true }, r)
    }

    pub(crate) fn binary(&self, lhs: Term, op: BinaryOp, rhs: Term) -> Term {
        let span = lhs.span.to(rhs.span);
        Term { kind: TermKind::Binary { op, lhs: Box::new(lhs), rhs: Box::new(rhs) }, span }
    }

    pub(crate) fn member_pair(&self, key: Term, value: Term, domain: Term) -> Term {
        let span = key.span.to(domain.span);
        let kind =
            TermKind::MemberPair { key: Box::new(key), value: Box::new(value), domain: Box::new(domain) };
        Term { kind, span }
    }

    /// `-5` is a number; `-x` is `0 - x` with the zero where the sign stands.
    pub(crate) fn negative(&mut self, l: u32, term: Term) -> Term {
        if let TermKind::Number(text) = &term.kind {
            let span = self.span(l, term.span.end);
            return Term { kind: TermKind::Number(format!("-{text}")), span };
        }
        if !starts_with_name(&term) {
            let hidden = matches!(self.token_at(term.span.start), Some(t) if t.kind == Tok::Number);
            if hidden {
                let head = self.token_at(term.span.start).map_or(term.span, |t| self.span(t.start, t.end));
                self.fault(head, message::illegal_ref("number"));
            } else if !matches!(term.kind, TermKind::Error) {
                self.unexpected_after(term.span.start, "expected number");
            }
        }
        let zero = self.term(l, TermKind::Number("0".to_owned()), l + 1);
        self.binary(zero, BinaryOp::Sub, term)
    }

    pub(crate) fn field(&mut self, term: Term, dot: u32, name: Ident) -> Term {
        let span = self.span(dot, name.span.end);
        self.step(term, Step { kind: StepKind::Field(name.name), span })
    }

    pub(crate) fn missing_field(&mut self, term: Term, dot: u32) -> Term {
        let span = self.span(dot, dot + 1);
        self.step(term, Step { kind: StepKind::Missing, span })
    }

    pub(crate) fn index(&mut self, term: Term, l: u32, index: Term, r: u32) -> Term {
        let span = self.span(l, r);
        self.step(term, Step { kind: StepKind::Index(index), span })
    }

    fn step(&mut self, term: Term, step: Step) -> Term {
        let span = term.span.to(step.span);
        if let TermKind::Ref { head, mut steps } = term.kind {
            steps.push(step);
            return Term { kind: TermKind::Ref { head, steps }, span };
        }
        Term { kind: TermKind::Ref { head: Box::new(term), steps: vec![step] }, span }
    }

    /// Complains about a scalar before a step.
    pub(crate) fn stepped(&mut self, term: Term) -> Term {
        if let Some(name) = scalar_name(&term) {
            self.fault(term.span, message::illegal_ref(name));
        }
        term
    }

    pub(crate) fn call(&mut self, function: Term, l: u32, args: Vec<Term>, r: u32) -> Term {
        if matches!(function.kind, TermKind::Call { .. }) {
            self.unexpected_after(l, "");
        }
        let span = function.span.to(self.span(l, r));
        let is_set = matches!(&function.kind, TermKind::Var(name) if name == "set");
        if is_set && args.is_empty() {
            return Term { kind: TermKind::Set(args), span };
        }
        Term { kind: TermKind::Call { function: Box::new(function), args }, span }
    }

    // --- template strings ---

    pub(crate) fn template(&mut self, l: u32, parts: Vec<TemplatePart>, r: u32) -> Term {
        if self.version == RegoVersion::V0 {
            self.fault(self.span(l, r), "template strings are not supported by current capabilities");
        }
        let raw = self.slice(l + 1, l + 2) == "`";
        let mut all = Vec::with_capacity(parts.len() + 1);
        if parts.is_empty() {
            self.text_part(l + 2, r.saturating_sub(1), raw, &mut all);
        }
        all.extend(parts);
        self.term(l, TermKind::Template { parts: all, raw }, r)
    }

    pub(crate) fn template_parts(
        &mut self,
        l: u32,
        first_end: u32,
        first: Literal,
        rest: Vec<(u32, Tok, u32, Literal)>,
        end: u32,
        r: u32,
    ) -> Term {
        let raw = self.slice(l + 1, l + 2) == "`";
        let mut parts = Vec::new();
        self.text_part(l + 2, first_end - 1, raw, &mut parts);
        self.template_expression(first, &mut parts);
        for (start, _, stop, expression) in rest {
            self.text_part(start + 1, stop - 1, raw, &mut parts);
            self.template_expression(expression, &mut parts);
        }
        self.text_part(end + 1, r - 1, raw, &mut parts);
        self.template(l, parts, r)
    }

    fn text_part(&self, start: u32, end: u32, raw: bool, parts: &mut Vec<TemplatePart>) {
        let piece = self.slice(start, end);
        if !piece.is_empty() {
            let text = literal::unescape_template(piece, raw).unwrap_or_default();
            parts.push(TemplatePart::Text(text, self.span(start, end)));
        }
    }

    fn template_expression(&mut self, literal: Literal, parts: &mut Vec<TemplatePart>) {
        if let Some(what) = message::not_in_template(&literal.kind) {
            self.fault(literal.span, what);
        }
        parts.push(TemplatePart::Expr(Box::new(literal)));
    }

    // --- statements ---

    pub(crate) fn plain(&self, l: u32, kind: LiteralKind, r: u32) -> Literal {
        Literal { kind, with: Vec::new(), span: self.span(l, r) }
    }

    pub(crate) fn not(&self, l: u32, inner: Literal, r: u32) -> Literal {
        let kind = match inner.kind {
            LiteralKind::Group(ref group)
                if matches!(group.kind, LiteralKind::NotBody(_)) && inner.span == group.span =>
            {
                return self.not_body(l, inner, r);
            }
            _ => LiteralKind::Not(Box::new(inner)),
        };
        self.plain(l, kind, r)
    }

    fn not_body(&self, l: u32, inner: Literal, r: u32) -> Literal {
        match inner.kind {
            LiteralKind::Group(group) => self.plain(l, group.kind, r),
            kind => self.plain(l, kind, r),
        }
    }

    /// A braced operand. Until `not`, `and` or `or` takes it, it is a group of its own span around a
    /// [`LiteralKind::NotBody`].
    pub(crate) fn operand_block(&mut self, body: Body) -> Literal {
        let span = body.span;
        let is_union = |t: &Term| matches!(t.kind, TermKind::Binary { op: BinaryOp::Or, .. });
        if let Some(Literal { kind: LiteralKind::Term(first), .. }) = body.literals.first()
            && is_union(first)
        {
            self.fault(span, "ambiguous `{ ... | ... }` operand");
        }
        let inner = Literal { kind: LiteralKind::NotBody(body), with: Vec::new(), span };
        Literal { kind: LiteralKind::Group(Box::new(inner)), with: Vec::new(), span }
    }

    pub(crate) fn group(&self, l: u32, inner: Literal, r: u32) -> Literal {
        self.plain(l, LiteralKind::Group(Box::new(inner)), r)
    }

    pub(crate) fn or(&self, a: Literal, b: Literal) -> Literal {
        let span = a.span.to(b.span);
        let kind = LiteralKind::Or(Box::new(operand(a)), Box::new(operand(b)));
        Literal { kind, with: Vec::new(), span }
    }

    pub(crate) fn and(&self, a: Literal, b: Literal) -> Literal {
        let span = a.span.to(b.span);
        let kind = LiteralKind::And(Box::new(operand(a)), Box::new(operand(b)));
        Literal { kind, with: Vec::new(), span }
    }

    pub(crate) fn literal(&mut self, l: u32, chain: Literal, with: Vec<With>, r: u32) -> Literal {
        Literal { kind: chain.kind, with, span: self.span(l, r) }
    }

    pub(crate) fn with_modifiers(&mut self, l: u32, kind: LiteralKind, with: Vec<With>, r: u32) -> Literal {
        if let (LiteralKind::SomeDecl(_), Some(first)) = (&kind, with.first()) {
            self.unexpected_after(first.span.start, "expected \\n or ; or }");
        }
        Literal { kind, with, span: self.span(l, r) }
    }

    pub(crate) fn with(&mut self, l: u32, target: Term, value: Term, r: u32) -> With {
        if !starts_with_name(&target) {
            self.unexpected_after(target.span.start, "expected ident");
        } else if !matches!(target.kind, TermKind::Var(_) | TermKind::Ref { .. }) {
            self.unexpected_after(target.span.end, "expected with target path");
        }
        With { target, value, span: self.span(l, r) }
    }

    pub(crate) fn some(&mut self, l: u32, some: SomeList) -> LiteralKind {
        if some.ins.is_empty() { self.some_declaration(l, some.list) } else { self.some_in(some) }
    }

    fn some_in(&mut self, some: SomeList) -> LiteralKind {
        let mut list = some.list.into_iter();
        let (first, second, more) = (list.next(), list.next(), list.next());
        if let Some(extra) = more {
            let before = second.as_ref().map_or(extra.span.start, |t| t.span.end);
            self.unexpected_after(before.max(extra.span.end), "expected \\n or ; or }");
        }
        let mut ins = some.ins;
        let (Some(first), Some(domain)) = (first, ins.pop()) else { return LiteralKind::Error };
        if ins.is_empty() {
            let some = match second {
                Some(value) => SomeIn { key: Some(first), value, domain },
                None => SomeIn { key: None, value: first, domain },
            };
            return LiteralKind::SomeIn(Box::new(some));
        }
        let mut ins = ins.into_iter();
        let pattern = match (second, ins.next()) {
            (Some(value), Some(inner)) => self.member_pair(first, value, inner),
            (None, Some(inner)) => self.binary(first, BinaryOp::In, inner),
            _ => first,
        };
        let value = ins.fold(pattern, |lhs, rhs| self.binary(lhs, BinaryOp::In, rhs));
        LiteralKind::SomeIn(Box::new(SomeIn { key: None, value, domain }))
    }

    fn some_declaration(&mut self, l: u32, list: Vec<Term>) -> LiteralKind {
        if let Some(first) = list.first()
            && is_call(first)
        {
            self.unexpected_after(first.span.end, "expected `x in xs` or `x, y in xs` expression");
            return LiteralKind::SomeDecl(Vec::new());
        }
        let mut names = Vec::with_capacity(list.len());
        for term in list {
            match term.kind {
                TermKind::Var(name) => names.push(Ident { name, span: term.span }),
                TermKind::Error => {}
                _ => {
                    self.not_a_variable(l, &term);
                    break;
                }
            }
        }
        LiteralKind::SomeDecl(names)
    }

    fn not_a_variable(&mut self, _: u32, term: &Term) {
        let Some(first) = self.token_at(term.span.start) else { return };
        if first.kind == Tok::Ident {
            self.unexpected_after(first.end, "expected \\n or ; or }");
        } else {
            self.unexpected_after(first.start, "expected var");
        }
    }

    pub(crate) fn every(&mut self, l: u32, term: Term, body: Body, with: Vec<With>, r: u32) -> Literal {
        let kind = self.every_kind(term, body);
        Literal { kind, with, span: self.span(l, r) }
    }

    fn every_kind(&mut self, term: Term, body: Body) -> LiteralKind {
        let end = term.span.end;
        let (key, value, domain) = match term.kind {
            TermKind::Binary { op: BinaryOp::In, lhs, rhs } => (None, *lhs, *rhs),
            TermKind::MemberPair { key, value, domain } => (Some(*key), *value, *domain),
            TermKind::Error => return LiteralKind::Error,
            _ => {
                self.unexpected_after(end, "expected `x[, y] in xs { ... }` expression");
                return LiteralKind::Error;
            }
        };
        let key = match key.map(variable) {
            Some(None) => {
                self.unexpected_after(end, "expected key to be a variable");
                return LiteralKind::Error;
            }
            key => key.flatten(),
        };
        let Some(value) = variable(value) else {
            self.unexpected_after(end, "expected value to be a variable");
            return LiteralKind::Error;
        };
        LiteralKind::Every(Box::new(Every { key, value, domain, body }))
    }

    // --- bodies ---

    pub(crate) fn body(&self, l: u32, literals: Vec<Literal>, r: u32) -> Body {
        Body { literals, braced: false, span: self.span(l, r) }
    }

    pub(crate) fn single(&self, literal: Literal) -> Body {
        let span = literal.span;
        Body { literals: vec![literal], braced: false, span }
    }

    pub(crate) fn block(&mut self, l: u32, query: Option<Vec<Literal>>, close: u32, r: u32) -> Body {
        if query.is_none() {
            self.fault(self.span(close, r), "found empty body");
        }
        Body { literals: query.unwrap_or_default(), braced: true, span: self.span(l, r) }
    }

    // --- items ---

    pub(crate) fn package(&mut self, l: u32, path: Term, r: u32) -> Item {
        let names = self.path(path);
        Item::Package(Package { path: names, span: self.span(l, r) })
    }

    /// The names of a path; complains where a step is not a string.
    fn path(&mut self, term: Term) -> Vec<Ident> {
        match term.kind {
            TermKind::Var(name) => vec![Ident { name, span: term.span }],
            TermKind::Ref { head, steps } => {
                let TermKind::Var(name) = head.kind else {
                    self.fault(
                        head.span,
                        format!("unexpected {} token: expecting var", message::kind_name(&head.kind)),
                    );
                    return Vec::new();
                };
                let mut names = vec![Ident { name, span: head.span }];
                for step in steps {
                    match self.path_step(step) {
                        Some(name) => names.push(name),
                        None => break,
                    }
                }
                names
            }
            TermKind::Error => Vec::new(),
            TermKind::Call { .. } => {
                self.unexpected_after(term.span.end, "");
                Vec::new()
            }
            _ => {
                self.unexpected_after(term.span.start, "");
                Vec::new()
            }
        }
    }

    fn path_step(&mut self, step: Step) -> Option<Ident> {
        match step.kind {
            StepKind::Field(name) => {
                Some(Ident { name, span: self.span(step.span.start + 1, step.span.end) })
            }
            StepKind::Index(Term { kind: TermKind::String { value, .. }, span }) => {
                Some(Ident { name: value, span })
            }
            StepKind::Index(term) => {
                let name = message::kind_name(&term.kind);
                self.fault(term.span, format!("unexpected {name} token: expecting string"));
                None
            }
            StepKind::Missing => None,
        }
    }

    pub(crate) fn import(&mut self, l: u32, path: Term, alias: Option<Ident>, r: u32) -> Item {
        let path = self.path(path);
        self.check_import(&path, alias.as_ref(), self.version);
        Item::Import(Import { path, alias, span: self.span(l, r) })
    }

    pub(crate) fn default_rule(&mut self, l: u32, head: LiteralKind, contains: Option<Term>, r: u32) -> Item {
        let start = head_start(&head).map_or(l, |s| s.start);
        let head = self.head(head, contains, start, r);
        let span = self.span(l, r);
        self.check_default(span, &head);
        Item::Rule(Box::new(Rule {
            default: true,
            head,
            body: None,
            elses: Vec::new(),
            chained: Vec::new(),
            span,
        }))
    }

    pub(crate) fn contains_rule(
        &mut self,
        l: u32,
        head: LiteralKind,
        c: Term,
        h: u32,
        tail: Option<RuleTail>,
        r: u32,
    ) -> Item {
        match tail {
            Some(tail) => self.rule(l, head, Some(c), h, tail, r),
            None => {
                let head = self.head(head, Some(c), l, h);
                let (elses, chained, span) = (Vec::new(), Vec::new(), self.span(l, r));
                Item::Rule(Box::new(Rule { default: false, head, body: None, elses, chained, span }))
            }
        }
    }

    pub(crate) fn rule(
        &mut self,
        l: u32,
        head: LiteralKind,
        c: Option<Term>,
        h: u32,
        tail: RuleTail,
        r: u32,
    ) -> Item {
        let mut head = self.head(head, c, l, h);
        head.has_if = tail.first.has_if;
        if let Some(first) = tail.elses.first() {
            self.check_else(&head, first);
        }
        Item::Rule(Box::new(Rule {
            default: false,
            head,
            body: Some(tail.first.body),
            elses: tail.elses,
            chained: tail.chained,
            span: self.span(l, r),
        }))
    }

    pub(crate) fn else_branch(
        &self,
        l: u32,
        value: Option<(HeadOp, Term)>,
        body: Option<Body1>,
        r: u32,
    ) -> Else {
        let (has_if, body) = body.map_or((false, None), |b| (b.has_if, Some(b.body)));
        Else { value, body, has_if, span: self.span(l, r) }
    }

    /// Reads a statement again as a rule's head.
    pub(crate) fn head(&mut self, head: LiteralKind, contains: Option<Term>, l: u32, end: u32) -> Head {
        let (target, value) = match head {
            LiteralKind::Term(t) => (t, None),
            LiteralKind::Assign(a, b) => (a, Some((HeadOp::Assign, b))),
            LiteralKind::Unify(a, b) => (a, Some((HeadOp::Unify, b))),
            _ => (self.term(l, TermKind::Error, end), None),
        };
        let span = self.span(l, end);
        match head_target(target) {
            Ok((name, _, Some(args))) if contains.is_some() => {
                let message = format!(
                    "the contains keyword can only be used with multi-value rule definitions (e.g., {} contains <VALUE> {{ ... }})",
                    name.name
                );
                self.unexpected_after(name.span.end.max(end_of(&args, span.start)), &message);
                Head { name, steps: Vec::new(), args: Some(args), contains, value, has_if: false, span }
            }
            Ok((name, steps, args)) => Head { name, steps, args, contains, value, has_if: false, span },
            Err(target) => {
                if !matches!(target.kind, TermKind::Error) {
                    let after = value.as_ref().map_or(target.span.end, |v| v.1.span.end);
                    self.unexpected_after(after, "");
                }
                let name = Ident { name: String::new(), span: target.span };
                Head { name, steps: Vec::new(), args: None, contains, value, has_if: false, span }
            }
        }
    }
}

fn operand(literal: Literal) -> Body {
    let span = literal.span;
    match literal.kind {
        LiteralKind::Group(inner) if inner.span == span => match inner.kind {
            LiteralKind::NotBody(body) => body,
            kind => Body { literals: vec![Literal { kind, with: inner.with, span }], braced: false, span },
        },
        kind => Body { literals: vec![Literal { kind, with: literal.with, span }], braced: false, span },
    }
}

fn head_start(head: &LiteralKind) -> Option<Span> {
    match head {
        LiteralKind::Term(t) | LiteralKind::Assign(t, _) | LiteralKind::Unify(t, _) => Some(t.span),
        _ => None,
    }
}

type Target = (Ident, Vec<Step>, Option<Vec<Term>>);

/// Takes a term apart as a rule's name, steps and parameters.
pub(crate) fn head_target(term: Term) -> Result<Target, Term> {
    let span = term.span;
    match term.kind {
        TermKind::Var(name) => Ok((Ident { name, span }, Vec::new(), None)),
        TermKind::Ref { head, steps } => match head.kind {
            TermKind::Var(name) => Ok((Ident { name, span: head.span }, steps, None)),
            kind => Err(Term {
                kind: TermKind::Ref { head: Box::new(Term { kind, span: head.span }), steps },
                span,
            }),
        },
        TermKind::Call { function, args } => match head_target(*function) {
            Ok((name, steps, None)) => Ok((name, steps, Some(args))),
            Ok((name, steps, Some(_))) => {
                let head = Term { kind: TermKind::Var(name.name), span: name.span };
                Err(Term { kind: TermKind::Ref { head: Box::new(head), steps }, span })
            }
            Err(function) => Err(Term { kind: TermKind::Call { function: Box::new(function), args }, span }),
        },
        kind => Err(Term { kind, span }),
    }
}

fn variable(term: Term) -> Option<Ident> {
    match term.kind {
        TermKind::Var(name) if matches!(name.as_str(), "input" | "data") => None,
        TermKind::Var(name) => Some(Ident { name, span: term.span }),
        TermKind::Paren(inner) => variable(*inner),
        _ => None,
    }
}

fn is_call(term: &Term) -> bool {
    match &term.kind {
        TermKind::Call { .. } | TermKind::Binary { .. } | TermKind::MemberPair { .. } => true,
        TermKind::Paren(inner) => is_call(inner),
        _ => false,
    }
}

fn end_of(args: &[Term], start: u32) -> u32 {
    args.last().map_or(start, |a| a.span.end)
}

/// Whether a term's first token is a name.
fn starts_with_name(term: &Term) -> bool {
    match &term.kind {
        TermKind::Var(_) | TermKind::Error => true,
        TermKind::Ref { head, .. } => starts_with_name(head),
        TermKind::Call { function, .. } => starts_with_name(function),
        TermKind::Set(members) => members.is_empty(),
        _ => false,
    }
}

/// OPA's name of a scalar, which no reference may begin with.
fn scalar_name(term: &Term) -> Option<&'static str> {
    match &term.kind {
        TermKind::Null
        | TermKind::Bool(_)
        | TermKind::Number(_)
        | TermKind::String { .. }
        | TermKind::Template { .. } => Some(message::kind_name(&term.kind)),
        TermKind::Paren(inner) => scalar_name(inner),
        _ => None,
    }
}

/// Whether no variable stands in a term.
pub(crate) fn is_ground(term: &Term) -> bool {
    match &term.kind {
        TermKind::Null | TermKind::Bool(_) | TermKind::Number(_) | TermKind::String { .. } => true,
        TermKind::Var(name) => name == "input" || name == "data",
        TermKind::Call { args, .. } => args.iter().all(is_ground),
        TermKind::Binary { lhs, rhs, .. } => is_ground(lhs) && is_ground(rhs),
        TermKind::Array(items) | TermKind::Set(items) => items.iter().all(is_ground),
        TermKind::Object(members) => members.iter().all(|(k, v)| is_ground(k) && is_ground(v)),
        TermKind::Paren(inner) => is_ground(inner),
        TermKind::Ref { head, steps } => {
            matches!(&head.kind, TermKind::Var(_))
                && steps.iter().all(|s| match &s.kind {
                    StepKind::Index(t) => is_ground(t),
                    _ => true,
                })
        }
        _ => false,
    }
}
