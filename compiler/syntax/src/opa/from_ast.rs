//! Our tree to OPA's.

use crate::ast;
use crate::ast::{BinaryOp, HeadOp, LiteralKind, StepKind, TemplatePart, TermKind};
use crate::source::{Span, characters};

use super::*;

/// The tree as OPA has it.
pub(crate) fn module(text: &str, module: &ast::Module) -> Module {
    Shaper::new(text, module).module(module)
}

struct Shaper<'t> {
    text: &'t str,
    lines: Vec<u32>,
    characters: Characters,
    /// `not x` is a body of its own, because `future.keywords.not` is on.
    not_bodies: bool,
}

/// Counts of characters before every 64th byte, so that columns in long lines cost little.
struct Characters(Vec<u32>);

impl Characters {
    const STEP: usize = 64;

    fn new(text: &str) -> Self {
        let mut counts = vec![0];
        let mut count = 0;
        for chunk in text.as_bytes().chunks(Self::STEP) {
            count += characters(chunk) as u32;
            counts.push(count);
        }
        Self(counts)
    }

    /// The characters that begin before a byte.
    fn before(&self, text: &str, offset: u32) -> u32 {
        let at = offset as usize / Self::STEP;
        let rest = text.as_bytes().get(at * Self::STEP..offset as usize).unwrap_or_default();
        self.0.get(at).copied().unwrap_or(0) + characters(rest) as u32
    }
}

impl<'t> Shaper<'t> {
    fn new(text: &'t str, module: &ast::Module) -> Self {
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i as u32 + 1));
        let not = |i: &ast::Import| {
            let names: Vec<&str> = i.path.iter().map(|p| p.name.as_str()).collect();
            names == ["future", "keywords"] || names == ["future", "keywords", "not"]
        };
        Self { text, lines, characters: Characters::new(text), not_bodies: module.imports.iter().any(not) }
    }

    fn loc(&self, span: Span) -> Loc {
        self.at(span.start, span.start, span.end)
    }

    /// The place of a node whose first token begins at `offset`, with a text of its own.
    fn at(&self, offset: u32, start: u32, end: u32) -> Loc {
        let row = self.lines.partition_point(|&l| l <= offset);
        let line = self.lines.get(row.wrapping_sub(1)).copied().unwrap_or(0);
        let col = self.characters.before(self.text, offset) - self.characters.before(self.text, line) + 1;
        Loc { row: row as u32, col, offset, start, end, generated: false }
    }

    fn module(&self, module: &ast::Module) -> Module {
        Module {
            package: module.package.as_ref().map(|p| self.package(p)),
            imports: module.imports.iter().map(|i| self.import(i)).collect(),
            rules: module.rules.iter().enumerate().flat_map(|(i, r)| self.rules(i, r)).collect(),
            comments: module.comments.iter().map(|c| self.comment(c)).collect(),
        }
    }

    fn comment(&self, comment: &ast::Comment) -> Comment {
        let loc = self.loc(comment.span);
        Comment { text: comment.text.clone(), row: loc.row, col: loc.col, loc }
    }

    fn package(&self, package: &ast::Package) -> Package {
        let mut path = self.path(&package.path);
        if let Some(first) = path.first_mut()
            && let Value::Var(name) = &first.value
        {
            first.value = Value::String { value: name.clone(), raw: false };
        }
        // OPA's place of a package is its keyword.
        let start = package.span.start;
        Package { path, loc: self.at(start, start, start + "package".len() as u32) }
    }

    fn path(&self, names: &[ast::Ident]) -> Vec<Term> {
        let term = |(i, name): (usize, &ast::Ident)| {
            let value = match i {
                0 => Value::Var(name.name.clone()),
                _ => Value::String { value: name.name.clone(), raw: false },
            };
            Term { value, loc: self.loc(name.span) }
        };
        names.iter().enumerate().map(term).collect()
    }

    fn import(&self, import: &ast::Import) -> Import {
        let start = import.span.start;
        Import {
            path: self.path(&import.path),
            alias: import.alias.as_ref().map(|a| a.name.clone()),
            loc: self.at(start, start, start + "import".len() as u32),
            added: false,
        }
    }

    // --- rules ---

    fn rules(&self, index: usize, rule: &ast::Rule) -> Vec<Rule> {
        let first = self.rule(index, rule);
        let mut all = vec![first];
        for body in &rule.chained {
            let loc = self.loc(body.span);
            let mut head = self.head(rule);
            relocate_head(&mut head, loc);
            all.push(Rule { default: false, head, body: self.body(body), otherwise: None, loc, index });
        }
        all
    }

    fn rule(&self, index: usize, rule: &ast::Rule) -> Rule {
        let head = self.head(rule);
        let start = rule.span.start;
        let (body, loc) = match (&rule.body, rule.default) {
            (Some(body), _) => (self.body(body), self.loc(self.without_chained(rule))),
            (None, true) => {
                let loc = self.at(start, start, start + "default".len() as u32);
                (vec![truth(loc)], loc)
            }
            (None, false) => {
                let name = Loc { end: rule.head.name.span.end, ..head.loc };
                let unwritten = if rule.head.contains.is_some() { name } else { head.loc };
                let at = head.value.as_ref().filter(|_| !head.value_is_head).map_or(unwritten, |v| v.loc);
                (vec![truth(at)], head.loc)
            }
        };
        let otherwise = self.otherwise(index, &rule.elses, head.assign);
        Rule { default: rule.default, head, body, otherwise, loc, index }
    }

    fn without_chained(&self, rule: &ast::Rule) -> Span {
        let end = match (rule.chained.first(), &rule.body) {
            (Some(_), Some(body)) => body.span.end,
            _ => rule.span.end,
        };
        Span { end, ..rule.span }
    }

    fn otherwise(&self, index: usize, elses: &[ast::Else], assign: bool) -> Option<Box<Rule>> {
        let (first, rest) = elses.split_first()?;
        let last = elses.last().map_or(first.span, |e| e.span);
        let loc = self.loc(first.span.to(last));
        let start = first.span.start;
        let end = first.value.as_ref().map_or(start + 4, |(_, v)| v.span.end);
        let head_loc = self.at(start, start, end);
        let value = match &first.value {
            Some((_, value)) => self.term(value),
            None => Term { value: Value::Bool(true), loc: head_loc },
        };
        let head = Head {
            reference: vec![Term { value: Value::Var("else".to_owned()), loc: head_loc }],
            args: None,
            key: None,
            value: Some(value),
            assign: first.value.as_ref().map_or(assign, |(op, _)| *op == HeadOp::Assign),
            named: true,
            value_placed: first.value.is_some(),
            value_is_head: false,
            loc: head_loc,
        };
        let body = match &first.body {
            Some(body) => self.body(body),
            None => vec![truth(loc)],
        };
        Some(Box::new(Rule {
            default: false,
            head,
            body,
            otherwise: self.otherwise(index, rest, assign),
            loc,
            index,
        }))
    }

    /// OPA's reading of a head: what is the key, what the value, and which value was never written.
    fn head(&self, rule: &ast::Rule) -> Head {
        let written = &rule.head;
        let mut reference =
            vec![Term { value: Value::Var(written.name.name.clone()), loc: self.loc(written.name.span) }];
        reference.extend(written.steps.iter().map(|s| self.step(s)));
        let loc = self.head_loc(rule);
        let mut head = Head {
            reference,
            args: written.args.as_ref().map(|args| args.iter().map(|a| self.term(a)).collect()),
            key: written.contains.as_ref().map(|c| self.term(c)),
            value: written.value.as_ref().map(|(_, v)| self.term(v)),
            assign: matches!(written.value, Some((HeadOp::Assign, _))),
            named: is_named(rule),
            value_placed: written.value.is_some(),
            value_is_head: false,
            loc,
        };
        let two = head.reference.len() == 2 && head.args.is_none();
        if written.contains.is_none() && two {
            self.key_of_two(rule, &mut head);
        }
        if head.value.is_none() && head.key.is_none() {
            head.value = Some(Term { value: Value::Bool(true), loc });
            head.value_is_head = rule.body.is_none() || (two && written.has_if);
            head.value_placed = head.value_is_head;
        }
        head
    }

    fn key_of_two(&self, rule: &ast::Rule, head: &mut Head) {
        let ground = rule.head.steps.iter().all(|s| match &s.kind {
            StepKind::Index(t) => crate::parse::build::is_ground(t),
            _ => true,
        });
        let step_is_ref = head.reference.get(1).is_some_and(|t| matches!(t.value, Value::Ref(_)));
        if rule.head.has_if {
            if !ground || step_is_ref {
                head.key = head.reference.get(1).cloned();
            }
            if head.value.is_none() {
                head.value = Some(Term { value: Value::Bool(true), loc: head.loc });
                head.value_is_head = true;
                head.value_placed = true;
            }
            return;
        }
        if rule.default {
            return;
        }
        head.key = head.reference.get(1).cloned();
        if head.value.is_none() {
            head.reference.truncate(1);
        }
    }

    /// A rule without a body is a statement for OPA, and its head has the statement's place.
    fn head_loc(&self, rule: &ast::Rule) -> Loc {
        self.loc(rule.head.span)
    }

    // --- statements ---

    fn body(&self, body: &ast::Body) -> Vec<Expr> {
        body.literals.iter().map(|l| self.expr(l)).collect()
    }

    fn expr(&self, literal: &ast::Literal) -> Expr {
        let mut expr = self.operand_expr(literal);
        // The statement under a `not` has the place of the whole.
        if let Terms::Not { body, explicit: false } = &mut expr.terms {
            body.iter_mut().for_each(|inner| inner.loc = expr.loc);
        }
        expr
    }

    fn operand_expr(&self, literal: &ast::Literal) -> Expr {
        let loc = self.loc(literal.span);
        // Parentheses around a statement are no node; modifiers outside of them win.
        let mut inner = literal;
        let mut with = &literal.with;
        while let LiteralKind::Group(group) = &inner.kind {
            inner = group;
            if with.is_empty() {
                with = &inner.with;
            }
        }
        let with: Vec<With> = with.iter().map(|w| self.with(w)).collect();
        let mut negated = false;
        let terms = match &inner.kind {
            LiteralKind::Not(operand) => match self.negation(operand) {
                Some(terms) => terms,
                None => {
                    negated = true;
                    self.terms(&operand.kind, operand.span)
                }
            },
            kind => self.terms(kind, inner.span),
        };
        Expr { terms, negated, with, loc }
    }

    /// `not x` as a body of its own, where OPA has it so.
    fn negation(&self, inner: &ast::Literal) -> Option<Terms> {
        if !self.not_bodies && !matches!(inner.kind, LiteralKind::Group(_)) {
            return None;
        }
        let inner = ungrouped(inner);
        Some(Terms::Not { body: vec![self.expr(inner)], explicit: false })
    }

    fn terms(&self, kind: &LiteralKind, span: Span) -> Terms {
        match kind {
            LiteralKind::SomeDecl(names) => Terms::Some(
                names
                    .iter()
                    .map(|n| Term { value: Value::Var(n.name.clone()), loc: self.loc(n.span) })
                    .collect(),
            ),
            LiteralKind::SomeIn(some) => {
                let ast::SomeIn { key, value, domain } = &**some;
                let name = if key.is_some() { "internal.member_3" } else { "internal.member_2" };
                let mut call = vec![self.infix_operator(name, "in", value, domain)];
                call.extend(key.iter().map(|k| self.term(k)));
                call.push(self.term(value));
                call.push(self.term(domain));
                let first = key.as_ref().unwrap_or(value);
                let loc = self.at(first.span.start, first.span.start, domain.span.end);
                Terms::Some(vec![Term { value: Value::Call(call), loc }])
            }
            LiteralKind::Every(every) => {
                let ast::Every { key, value, domain, body } = &**every;
                let var = |i: &ast::Ident| Term { value: Value::Var(i.name.clone()), loc: self.loc(i.span) };
                Terms::Every {
                    key: key.as_ref().map(var),
                    value: var(value),
                    domain: self.term(domain),
                    body: self.body(body),
                }
            }
            LiteralKind::Not(inner) => {
                Terms::Not { body: vec![self.expr(ungrouped(inner))], explicit: false }
            }
            LiteralKind::NotBody(body) => Terms::Not { body: self.body(body), explicit: true },
            LiteralKind::Assign(a, b) => self.two("assign", ":=", a, b),
            LiteralKind::Unify(a, b) => self.two("eq", "=", a, b),
            LiteralKind::Term(term) => match self.term(term) {
                Term { value: Value::Call(call), .. } => Terms::Call(call),
                term => Terms::Term(term),
            },
            LiteralKind::And(a, b) => {
                Terms::Logical { op: "and", lhs: self.operand(a), rhs: self.operand(b) }
            }
            LiteralKind::Or(a, b) => Terms::Logical { op: "or", lhs: self.operand(a), rhs: self.operand(b) },
            LiteralKind::Group(inner) => self.terms(&inner.kind, inner.span),
            LiteralKind::Error => Terms::Term(Term { value: Value::Null, loc: self.loc(span) }),
        }
    }

    fn operand(&self, body: &ast::Body) -> Operand {
        if body.braced {
            return Operand { body: self.body(body), brace: Some(self.loc(body.span)) };
        }
        let body = body.literals.iter().map(|l| self.operand_expr(ungrouped(l))).collect();
        Operand { body, brace: None }
    }

    fn two(&self, operator: &str, symbol: &str, a: &ast::Term, b: &ast::Term) -> Terms {
        Terms::Call(vec![self.infix_operator(operator, symbol, a, b), self.term(a), self.term(b)])
    }

    /// The term of an operator that stands between two operands.
    fn infix_operator(&self, name: &str, symbol: &str, a: &ast::Term, b: &ast::Term) -> Term {
        let from = a.span.end.min(b.span.start);
        let between = &self.text[from as usize..b.span.start as usize];
        let at = from + between.find(symbol).unwrap_or(0) as u32;
        self.operator(name, Span { start: at, end: at + symbol.len() as u32, ..a.span })
    }

    /// An operator's term; dotted names have a step each.
    fn operator(&self, name: &str, span: Span) -> Term {
        let loc = self.loc(span);
        let mut parts = name.split('.');
        let head = Term { value: Value::Var(parts.next().unwrap_or_default().to_owned()), loc };
        let rest = parts.map(|p| Term { value: Value::String { value: p.to_owned(), raw: false }, loc });
        Term { value: Value::Ref(std::iter::once(head).chain(rest).collect()), loc }
    }

    fn with(&self, with: &ast::With) -> With {
        With { target: self.term(&with.target), value: self.term(&with.value), loc: self.loc(with.span) }
    }

    // --- terms ---

    fn term(&self, term: &ast::Term) -> Term {
        let loc = self.loc(term.span);
        let value = match &term.kind {
            TermKind::Null | TermKind::Error => Value::Null,
            TermKind::Bool(b) => Value::Bool(*b),
            TermKind::Number(text) => {
                // OPA's place of a number is its first token, which may be the sign or the point alone.
                let sign = u32::from(text.starts_with(['-', '.']));
                let loc = if sign > 0 { Loc { end: loc.start + sign, ..loc } } else { loc };
                return Term { value: Value::Number(text.clone()), loc };
            }
            TermKind::String { value, raw } => Value::String { value: value.clone(), raw: *raw },
            TermKind::Var(name) if name == "input" || name == "data" => {
                Value::Ref(vec![Term { value: Value::Var(name.clone()), loc }])
            }
            TermKind::Var(name) => Value::Var(name.clone()),
            TermKind::Paren(inner) => {
                let mut inner = self.term(inner);
                (inner.loc.start, inner.loc.end) = (term.span.start, term.span.end);
                return inner;
            }
            TermKind::Ref { head, steps } => return self.reference(head, steps, term.span),
            TermKind::Call { function, args } => return self.call(function, args, term.span),
            TermKind::Binary { op, lhs, rhs } => return self.binary(*op, lhs, rhs, term.span),
            TermKind::MemberPair { key, value, domain } => {
                let op = self.infix_operator("internal.member_3", "in", value, domain);
                let call = vec![op, self.term(key), self.term(value), self.term(domain)];
                return self.led_by(key, Value::Call(call), term.span);
            }
            TermKind::Array(items) => Value::Array(items.iter().map(|t| self.term(t)).collect()),
            TermKind::Set(items) => Value::Set(distinct(items.iter().map(|t| self.term(t)).collect())),
            TermKind::Object(members) => {
                Value::Object(members.iter().map(|(k, v)| (self.term(k), self.term(v))).collect())
            }
            TermKind::ArrayComprehension(t, b) => {
                Value::ArrayComprehension(Box::new(self.term(t)), self.body(b))
            }
            TermKind::SetComprehension(t, b) => Value::SetComprehension(Box::new(self.term(t)), self.body(b)),
            TermKind::ObjectComprehension(k, v, b) => {
                Value::ObjectComprehension(Box::new(self.term(k)), Box::new(self.term(v)), self.body(b))
            }
            TermKind::Template { parts, raw } => {
                Value::Template { parts: parts.iter().map(|p| self.part(p)).collect(), raw: *raw }
            }
        };
        Term { value, loc }
    }

    /// A term whose first token is that of its first operand.
    fn led_by(&self, first: &ast::Term, value: Value, span: Span) -> Term {
        let lead = self.term(first).loc;
        Term { value, loc: Loc { start: span.start, end: span.end, ..lead } }
    }

    fn part(&self, part: &TemplatePart) -> Part {
        match part {
            TemplatePart::Text(text, span) => {
                // With the delimiters, of which the first is not part of the place of a later piece.
                Part::Text(text.clone(), self.text_loc(*span))
            }
            TemplatePart::Expr(literal) => {
                let expr = self.expr(literal);
                match &expr.terms {
                    Terms::Term(t)
                        if expr.with.is_empty() && is_scalar(&t.value) && !self.comment_before(literal) =>
                    {
                        Part::Term(t.clone())
                    }
                    _ => Part::Expr(Box::new(expr)),
                }
            }
        }
    }

    fn text_loc(&self, span: Span) -> Loc {
        self.at(span.start, span.start, span.end + 1)
    }

    /// Whether a comment stands between the brace of a template's expression and the expression.
    fn comment_before(&self, literal: &ast::Literal) -> bool {
        let before = &self.text[..literal.span.start as usize];
        let Some(open) = before.rfind('{') else { return false };
        let mut lines = before[open + 1..].lines().map(str::trim).filter(|l| !l.is_empty()).peekable();
        lines.peek().is_some() && lines.all(|l| l.starts_with('#'))
    }

    /// The head of a reference: a variable stays one, even `input`.
    fn ref_head(&self, head: &ast::Term) -> Term {
        match &head.kind {
            TermKind::Var(name) => Term { value: Value::Var(name.clone()), loc: self.loc(head.span) },
            _ => self.term(head),
        }
    }

    fn reference(&self, head: &ast::Term, steps: &[ast::Step], span: Span) -> Term {
        let first = self.ref_head(head);
        let loc = Loc { start: text_start(head), end: span.end, ..first.loc };
        let mut path = vec![first];
        path.extend(steps.iter().map(|s| self.step(s)));
        Term { value: Value::Ref(path), loc }
    }

    fn step(&self, step: &ast::Step) -> Term {
        match &step.kind {
            StepKind::Field(name) => Term {
                value: Value::String { value: name.clone(), raw: false },
                loc: self.at(step.span.start + 1, step.span.start + 1, step.span.end),
            },
            StepKind::Index(term) => self.term(term),
            StepKind::Missing => {
                Term { value: Value::String { value: String::new(), raw: false }, loc: self.loc(step.span) }
            }
        }
    }

    fn call(&self, function: &ast::Term, args: &[ast::Term], span: Span) -> Term {
        let mut operator = match &function.kind {
            TermKind::Ref { head, steps } => self.reference(head, steps, function.span),
            _ => {
                let head = self.ref_head(function);
                let loc = head.loc;
                Term { value: Value::Ref(vec![head]), loc }
            }
        };
        operator.loc.end = function.span.end;
        let loc = Loc { end: span.end, ..operator.loc };
        let mut call = vec![operator];
        call.extend(args.iter().map(|a| self.term(a)));
        Term { value: Value::Call(call), loc }
    }

    fn binary(&self, op: BinaryOp, lhs: &ast::Term, rhs: &ast::Term, span: Span) -> Term {
        let operator = self.infix_operator(op.builtin(), op.symbol(), lhs, rhs);
        let call = vec![operator, self.term(lhs), self.term(rhs)];
        self.led_by(lhs, Value::Call(call), span)
    }
}

fn is_named(rule: &ast::Rule) -> bool {
    let head = &rule.head;
    match head.steps.len() {
        0 => true,
        1 if head.contains.is_some() || rule.default => false,
        1 if head.has_if => head.value.is_some() || head.args.is_some(),
        1 => head.args.is_none(),
        _ => false,
    }
}

/// Where OPA's text of a reference begins: at the last token of its head.
fn text_start(head: &ast::Term) -> u32 {
    match &head.kind {
        TermKind::Var(_) | TermKind::Call { .. } => head.span.start,
        _ => head.span.end.saturating_sub(1),
    }
}

fn ungrouped(literal: &ast::Literal) -> &ast::Literal {
    match &literal.kind {
        LiteralKind::Group(inner) if literal.with.is_empty() => ungrouped(inner),
        _ => literal,
    }
}

fn truth(loc: Loc) -> Expr {
    let term = Term { value: Value::Bool(true), loc };
    Expr { terms: Terms::Term(term), negated: false, with: Vec::new(), loc }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String { .. })
}

fn relocate_head(head: &mut Head, loc: Loc) {
    head.loc = loc;
    head.value_placed = true;
    let args = head.args.iter_mut().flatten();
    for term in args.chain(&mut head.key).chain(&mut head.value) {
        term.loc = loc;
    }
}

/// A set holds each member once: the first.
fn distinct(items: Vec<Term>) -> Vec<Term> {
    let mut seen = Seen::default();
    let mut kept: Vec<Term> = Vec::with_capacity(items.len());
    for item in items {
        if seen.admits(&item.value, |other| other.same(&item.value)) {
            kept.push(item);
        }
    }
    kept
}

/// Values seen so far, in buckets that keep long literals linear.
#[derive(Default)]
struct Seen(std::collections::HashMap<String, Vec<Value>>);

impl Seen {
    fn admits(&mut self, value: &Value, same: impl Fn(&Value) -> bool) -> bool {
        let bucket = self.0.entry(bucket_of(value)).or_default();
        if bucket.iter().any(same) {
            return false;
        }
        bucket.push(value.clone());
        true
    }
}

/// Values that are the same share a bucket.
fn bucket_of(value: &Value) -> String {
    match value {
        Value::Number(text) => format!("n{}", text.parse::<f64>().unwrap_or(0.0)),
        Value::String { value, .. } => format!("s{value}"),
        Value::Var(name) => format!("v{name}"),
        Value::Array(items) => {
            format!("a{}{}", items.len(), items.first().map(|t| bucket_of(&t.value)).unwrap_or_default())
        }
        Value::Ref(path) => {
            format!("r{}{}", path.len(), path.last().map(|t| bucket_of(&t.value)).unwrap_or_default())
        }
        _ => String::new(),
    }
}
