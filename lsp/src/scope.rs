//! Where a local variable of a rule is declared.
//!
//! The nearest declaration before the use wins; a use without one (`x = 1` unifies) points at its first
//! occurrence. Shadowing by comprehensions is covered because their declarations come after outer ones.

use govc_syntax::Span;
use govc_syntax::ast::*;

/// The declaration of `name` in a rule for a use at `offset`.
pub fn declaration(rule: &Rule, name: &str, offset: u32) -> Option<Span> {
    let mut search = Search { name, declared: Vec::new() };
    search.rule(rule);
    let before = search.declared.iter().filter(|s| s.start <= offset).max_by_key(|s| s.start);
    before.or_else(|| search.declared.iter().min_by_key(|s| s.start)).copied()
}

struct Search<'n> {
    name: &'n str,
    declared: Vec<Span>,
}

impl Search<'_> {
    fn rule(&mut self, rule: &Rule) {
        rule.head.args.iter().flatten().for_each(|t| self.pattern(t));
        let values = rule.head.value.iter().map(|(_, v)| v).chain(&rule.head.contains);
        values.for_each(|t| self.inside(t));
        for body in rule.body.iter().chain(&rule.chained) {
            self.body(body);
        }
        for branch in &rule.elses {
            branch.value.iter().for_each(|(_, v)| self.inside(v));
            branch.body.iter().for_each(|b| self.body(b));
        }
    }

    fn body(&mut self, body: &Body) {
        body.literals.iter().for_each(|l| self.literal(l));
    }

    fn literal(&mut self, literal: &Literal) {
        match &literal.kind {
            LiteralKind::SomeDecl(names) => names.iter().for_each(|n| self.ident(n)),
            LiteralKind::SomeIn(some) => {
                let SomeIn { key, value, domain } = &**some;
                key.iter().for_each(|k| self.pattern(k));
                self.pattern(value);
                self.inside(domain);
            }
            LiteralKind::Every(every) => {
                let Every { key, value, domain, body } = &**every;
                key.iter().for_each(|k| self.ident(k));
                self.ident(value);
                self.inside(domain);
                self.body(body);
            }
            LiteralKind::Not(inner) | LiteralKind::Group(inner) => self.literal(inner),
            LiteralKind::NotBody(body) => self.body(body),
            LiteralKind::Assign(a, b) => {
                self.pattern(a);
                self.inside(b);
            }
            LiteralKind::Unify(a, b) => {
                self.pattern(a);
                self.pattern(b);
            }
            LiteralKind::Term(term) => self.inside(term),
            LiteralKind::And(a, b) | LiteralKind::Or(a, b) => {
                self.body(a);
                self.body(b);
            }
            LiteralKind::Error => {}
        }
    }

    fn ident(&mut self, ident: &Ident) {
        if ident.name == self.name {
            self.declared.push(ident.span);
        }
    }

    /// Names in a pattern are declarations; what is not a pattern is searched for nested bodies.
    fn pattern(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Var(name) if name == self.name => self.declared.push(term.span),
            TermKind::Array(items) => items.iter().for_each(|t| self.pattern(t)),
            TermKind::Object(entries) => entries.iter().for_each(|(_, v)| self.pattern(v)),
            _ => self.inside(term),
        }
    }

    fn inside(&mut self, term: &Term) {
        match &term.kind {
            TermKind::ArrayComprehension(value, body) | TermKind::SetComprehension(value, body) => {
                self.inside(value);
                self.body(body);
            }
            TermKind::ObjectComprehension(key, value, body) => {
                self.inside(key);
                self.inside(value);
                self.body(body);
            }
            TermKind::Call { args, .. } => args.iter().for_each(|a| self.inside(a)),
            TermKind::Binary { lhs, rhs, .. } => {
                self.inside(lhs);
                self.inside(rhs);
            }
            TermKind::Paren(inner) => self.inside(inner),
            TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|t| self.inside(t)),
            TermKind::Object(entries) => entries.iter().for_each(|(k, v)| {
                self.inside(k);
                self.inside(v);
            }),
            TermKind::Ref { steps, .. } => self.steps(steps),
            _ => {}
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            if let StepKind::Index(term) = &step.kind {
                self.pattern(term);
            }
        }
    }
}
