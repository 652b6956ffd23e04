//! What stands at an offset of a syntax tree: the innermost name, and the way down to it.
//!
//! Features ask "what is under the cursor"; this room answers with the reference up to the step that the
//! cursor touches, so that `data.a.b` means `data.a` when the cursor is on `a`.

use govc_syntax::Span;
use govc_syntax::ast::*;

/// A name under the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The names from the head of the reference to the one under the cursor, as far as they are constant.
    pub path: Vec<String>,
    /// The part of the source that the cursor is on.
    pub span: Span,
    /// The rule that it stands in, by position in the module.
    pub rule: Option<usize>,
}

/// The name at a byte offset of a module.
pub fn name_at(module: &Module, offset: u32) -> Option<Name> {
    let mut finder = Finder { offset, found: None };
    if let Some(import) = module.imports.iter().find(|i| holds(i.span, offset)) {
        return import_name(import, offset);
    }
    let rule = module.rules.iter().position(|r| holds(r.span, offset));
    if let Some(index) = rule {
        finder.rule(&module.rules[index]);
    }
    finder.found.map(|(path, span)| Name { path, span, rule })
}

fn import_name(import: &Import, offset: u32) -> Option<Name> {
    let end = import.path.iter().position(|i| holds(i.span, offset)).map_or(import.path.len(), |i| i + 1);
    let path = import.path[..end].iter().map(|i| i.name.clone()).collect();
    Some(Name {
        path,
        span: import.path.get(end.saturating_sub(1)).map_or(import.span, |i| i.span),
        rule: None,
    })
}

/// The offset is inside the span or touches its end.
pub fn holds(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

struct Finder {
    offset: u32,
    found: Option<(Vec<String>, Span)>,
}

impl Finder {
    fn rule(&mut self, rule: &Rule) {
        self.head(&rule.head);
        for body in
            rule.body.iter().chain(&rule.chained).chain(rule.elses.iter().filter_map(|e| e.body.as_ref()))
        {
            self.body(body);
        }
        for (_, value) in rule.elses.iter().filter_map(|e| e.value.as_ref()) {
            self.term(value);
        }
    }

    fn head(&mut self, head: &Head) {
        if holds(head.name.span, self.offset) {
            self.found = Some((vec![head.name.name.clone()], head.name.span));
        }
        self.steps(Some(vec![head.name.name.clone()]), &head.steps);
        for term in
            head.args.iter().flatten().chain(&head.contains).chain(head.value.as_ref().map(|(_, v)| v))
        {
            self.term(term);
        }
    }

    fn body(&mut self, body: &Body) {
        let offset = self.offset;
        for literal in body.literals.iter().filter(|l| holds(l.span, offset)) {
            self.literal(literal);
        }
    }

    fn literal(&mut self, literal: &Literal) {
        for with in &literal.with {
            self.term(&with.target);
            self.term(&with.value);
        }
        match &literal.kind {
            LiteralKind::SomeDecl(names) => names.iter().for_each(|n| self.ident(n)),
            LiteralKind::SomeIn(some) => {
                let SomeIn { key, value, domain } = &**some;
                key.iter().for_each(|k| self.term(k));
                self.term(value);
                self.term(domain);
            }
            LiteralKind::Every(every) => {
                let Every { key, value, domain, body } = &**every;
                key.iter().for_each(|k| self.ident(k));
                self.ident(value);
                self.term(domain);
                self.body(body);
            }
            LiteralKind::Not(inner) | LiteralKind::Group(inner) => self.literal(inner),
            LiteralKind::NotBody(body) => self.body(body),
            LiteralKind::Assign(a, b) | LiteralKind::Unify(a, b) => {
                self.term(a);
                self.term(b);
            }
            LiteralKind::Term(term) => self.term(term),
            LiteralKind::And(a, b) | LiteralKind::Or(a, b) => {
                self.body(a);
                self.body(b);
            }
            LiteralKind::Error => {}
        }
    }

    fn ident(&mut self, ident: &Ident) {
        if holds(ident.span, self.offset) {
            self.found = Some((vec![ident.name.clone()], ident.span));
        }
    }

    fn term(&mut self, term: &Term) {
        if !holds(term.span, self.offset) {
            return;
        }
        match &term.kind {
            TermKind::Var(name) => self.found = Some((vec![name.clone()], term.span)),
            TermKind::Ref { head, steps } => {
                self.term(head);
                let path = if let TermKind::Var(name) = &head.kind { Some(vec![name.clone()]) } else { None };
                self.steps(path, steps);
            }
            TermKind::Call { function, args } => {
                self.term(function);
                args.iter().for_each(|a| self.term(a));
            }
            TermKind::Binary { lhs, rhs, .. } => {
                self.term(lhs);
                self.term(rhs);
            }
            TermKind::MemberPair { key, value, domain } => {
                [key, value, domain].into_iter().for_each(|t| self.term(t))
            }
            TermKind::Paren(inner) => self.term(inner),
            TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|t| self.term(t)),
            TermKind::Object(entries) => entries.iter().for_each(|(k, v)| {
                self.term(k);
                self.term(v);
            }),
            TermKind::ArrayComprehension(value, body) | TermKind::SetComprehension(value, body) => {
                self.term(value);
                self.body(body);
            }
            TermKind::ObjectComprehension(key, value, body) => {
                self.term(key);
                self.term(value);
                self.body(body);
            }
            TermKind::Template { parts, .. } => {
                for part in parts {
                    if let TemplatePart::Expr(literal) = part {
                        self.literal(literal);
                    }
                }
            }
            _ => {}
        }
    }

    /// Steps extend the path while they are constant; a cursor on a step takes the path up to it.
    fn steps(&mut self, mut path: Option<Vec<String>>, steps: &[Step]) {
        for step in steps {
            match &step.kind {
                StepKind::Field(name) => extend(&mut path, name),
                StepKind::Index(Term { kind: TermKind::String { value, .. }, .. }) => {
                    extend(&mut path, value)
                }
                StepKind::Index(term) => {
                    path = None;
                    self.term(term);
                    continue;
                }
                StepKind::Missing => path = None,
            }
            if let (true, Some(path)) = (step.span.start < self.offset && self.offset <= step.span.end, &path)
            {
                self.found = Some((path.clone(), step.span));
            }
        }
    }
}

fn extend(path: &mut Option<Vec<String>>, name: &str) {
    if let Some(path) = path {
        path.push(name.to_owned());
    }
}
