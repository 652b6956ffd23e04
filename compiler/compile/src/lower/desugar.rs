//! Syntax tree to the tree of rewrites: operators become calls, heads become paths with a kind, chained
//! bodies become rules, each `_` gets a name of its own. Nothing is resolved here.

use crate::hir::Const;
use crate::lower::names::{Name, Names};
use crate::lower::tree::*;
use govc_syntax::{Span, ast};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Rewrites syntax trees of one module or query.
pub(crate) struct Desugar<'a> {
    pub(crate) names: &'a mut Names,
    /// `not e` negates all that `e` expands to (`future.keywords.not`).
    pub(crate) wrapping_not: bool,
    /// An error node was met.
    pub(crate) broken: bool,
}

/// Whether the imports turn on a future keyword.
pub(crate) fn imports_keyword(module: &ast::Module, keyword: &str) -> bool {
    module.imports.iter().any(|import| match import.path.as_slice() {
        [root, keywords] => root.name == "future" && keywords.name == "keywords",
        [root, keywords, last] => {
            root.name == "future" && keywords.name == "keywords" && last.name == keyword
        }
        _ => false,
    })
}

/// The rules of a module.
pub(crate) fn rules(names: &mut Names, module: usize, tree: &ast::Module, wrapping_not: bool) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (source, rule) in tree.rules.iter().enumerate() {
        let mut desugar = Desugar { names, wrapping_not, broken: false };
        let first = rules.len();
        desugar.rule(module, source, rule, &mut rules);
        let broken = desugar.broken;
        rules[first..].iter_mut().for_each(|r| r.broken = broken);
    }
    rules
}

impl Desugar<'_> {
    fn rule(&mut self, module: usize, source: usize, rule: &ast::Rule, out: &mut Vec<Rule>) {
        let first = self.head(module, source, rule);
        out.push(first);
        for body in &rule.chained {
            let mut next = self.head(module, source, rule);
            next.span = body.span;
            next.head_span = body.span;
            next.branches.truncate(1);
            if let Some(branch) = next.branches.first_mut() {
                branch.body = self.body(body);
                branch.bodiless = false;
                branch.span = body.span;
                branch.head_span = body.span;
            }
            out.push(next);
        }
    }

    fn head(&mut self, module: usize, source: usize, rule: &ast::Rule) -> Rule {
        let head = &rule.head;
        let mut steps = self.steps(&head.steps);
        let args = head.args.as_ref().filter(|args| !args.is_empty()).map(|args| self.terms(args));
        let (multi, value) = self.head_value(rule, &mut steps);
        let mut branches = vec![self.first_branch(rule, value)];
        for branch in &rule.elses {
            branches.push(self.else_branch(branch));
        }
        Rule {
            module,
            source,
            default: rule.default,
            name: head.name.name.clone(),
            steps,
            multi,
            args,
            branches,
            head_span: head.span,
            span: rule.span,
            broken: false,
        }
    }

    /// What the rule defines. A bare `p[x]` without `if` is an element of the set `p`.
    fn head_value(&mut self, rule: &ast::Rule, steps: &mut Vec<Term>) -> (bool, Term) {
        let head = &rule.head;
        if let Some(element) = &head.contains {
            return (true, self.term(element));
        }
        if let Some((_, value)) = &head.value {
            return (false, self.term(value));
        }
        if !head.has_if
            && head.args.is_none()
            && steps.len() == 1
            && let Some(element) = steps.pop()
        {
            return (true, element);
        }
        (false, Term::bool(true, head.span))
    }

    fn first_branch(&mut self, rule: &ast::Rule, value: Term) -> Branch {
        let place = match &rule.head.value {
            Some((_, value)) if !rule.default => value.span,
            _ => rule.span,
        };
        let body = match &rule.body {
            Some(body) => self.body(body),
            None => vec![Expr::truth(place)],
        };
        Branch { value, body, bodiless: rule.body.is_none(), span: rule.span, head_span: rule.head.span }
    }

    fn else_branch(&mut self, branch: &ast::Else) -> Branch {
        let value = match &branch.value {
            Some((_, value)) => self.term(value),
            None => Term::bool(true, branch.span),
        };
        let mut body = match &branch.body {
            Some(body) => self.body(body),
            None => vec![Expr::truth(branch.span)],
        };
        if branch.body.as_ref().is_some_and(|b| !b.braced) {
            body.iter_mut().for_each(|expr| expr.span = branch.span);
        }
        let head_end = branch.value.as_ref().map_or(branch.span.start + 4, |(_, value)| value.span.end);
        let head_span = Span { end: head_end, ..branch.span };
        Branch { value, body, bodiless: branch.body.is_none(), span: branch.span, head_span }
    }

    /// The statements of a body; an empty one says `true`.
    pub(crate) fn body(&mut self, body: &ast::Body) -> Body {
        let mut out: Body = body.literals.iter().filter_map(|literal| self.literal(literal)).collect();
        if out.is_empty() {
            out.push(Expr::truth(body.span));
        }
        out
    }

    fn literal(&mut self, literal: &ast::Literal) -> Option<Expr> {
        let mut expr = self.literal_kind(literal)?;
        for with in &literal.with {
            let with = self.with(with);
            expr.with.push(with);
        }
        expr.span = literal.span;
        Some(expr)
    }

    fn with(&mut self, with: &ast::With) -> With {
        With { target: self.term(&with.target), value: self.term(&with.value), span: with.span }
    }

    fn literal_kind(&mut self, literal: &ast::Literal) -> Option<Expr> {
        let span = literal.span;
        let kind = match &literal.kind {
            ast::LiteralKind::SomeDecl(idents) => {
                ExprKind::SomeDecl(idents.iter().map(|i| (self.name(&i.name, i.span), i.span)).collect())
            }
            ast::LiteralKind::SomeIn(some) => ExprKind::SomeIn {
                key: some.key.as_ref().map(|k| self.term(k)),
                value: self.term(&some.value),
                domain: self.term(&some.domain),
            },
            ast::LiteralKind::Every(every) => self.every(every),
            ast::LiteralKind::Not(inner) => return self.not(inner, span),
            ast::LiteralKind::NotBody(body) => ExprKind::Not { body: self.body(body), explicit: true },
            ast::LiteralKind::Assign(a, b) => ExprKind::Assign(self.term(a), self.term(b)),
            ast::LiteralKind::Unify(a, b) => ExprKind::Unify(self.term(a), self.term(b)),
            ast::LiteralKind::Term(term) => self.statement(term),
            ast::LiteralKind::And(lhs, rhs) => ExprKind::And(Box::new(self.logical(lhs, rhs))),
            ast::LiteralKind::Or(lhs, rhs) => ExprKind::Or(Box::new(self.logical(lhs, rhs))),
            ast::LiteralKind::Group(inner) => return self.literal(inner),
            ast::LiteralKind::Error => {
                self.broken = true;
                return None;
            }
        };
        Some(Expr::new(kind, span))
    }

    fn every(&mut self, every: &ast::Every) -> ExprKind {
        let ast::Every { key, value, domain, body } = every;
        ExprKind::Every(Box::new(Every {
            key: key.as_ref().map(|k| self.name(&k.name, k.span)),
            value: self.name(&value.name, value.span),
            domain: self.term(domain),
            body: self.body(body),
        }))
    }

    fn not(&mut self, inner: &ast::Literal, span: Span) -> Option<Expr> {
        let mut expr = self.literal(inner)?;
        expr.span = span;
        if !self.wrapping_not {
            expr.negated = !expr.negated;
            return Some(expr);
        }
        let with = std::mem::take(&mut expr.with);
        let mut outer = Expr::new(ExprKind::Not { body: vec![expr], explicit: false }, span);
        outer.with = with;
        Some(outer)
    }

    fn logical(&mut self, lhs: &ast::Body, rhs: &ast::Body) -> Logical {
        Logical {
            lhs: self.body(lhs),
            rhs: self.body(rhs),
            explicit_lhs: lhs.braced,
            explicit_rhs: rhs.braced,
        }
    }

    /// A term as a statement: `eq(a, b)` and `assign(a, b)` are `=` and `:=` spelled out.
    fn statement(&mut self, term: &ast::Term) -> ExprKind {
        let term = self.term(term);
        match term.kind {
            TermKind::Call(call) => self.call_statement(*call),
            _ => ExprKind::Term(term),
        }
    }

    fn call_statement(&mut self, mut call: Call) -> ExprKind {
        let spelled = match &call.op.target {
            Target::Written(name, fields) if fields.is_empty() && call.args.len() == 2 => {
                self.names.raw(*name)
            }
            _ => "",
        };
        let make = match spelled {
            "eq" => ExprKind::Unify,
            "assign" => ExprKind::Assign,
            _ => return ExprKind::Call(call),
        };
        match (call.args.pop(), call.args.pop()) {
            (Some(b), Some(a)) => make(a, b),
            _ => ExprKind::Call(call),
        }
    }

    fn name(&mut self, text: &str, span: Span) -> Name {
        if text == "_" { self.names.wildcard(span) } else { self.names.written(text, span) }
    }

    fn terms(&mut self, terms: &[ast::Term]) -> Vec<Term> {
        terms.iter().map(|term| self.term(term)).collect()
    }

    fn steps(&mut self, steps: &[ast::Step]) -> Vec<Term> {
        steps.iter().filter_map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &ast::Step) -> Option<Term> {
        match &step.kind {
            ast::StepKind::Field(name) => Some(Term::string(name.clone(), step.span)),
            ast::StepKind::Index(term) => Some(self.term(term)),
            ast::StepKind::Missing => {
                self.broken = true;
                None
            }
        }
    }

    /// A term.
    ///
    /// OPA places a term in parentheses at what they hold, and an infix call at its left operand.
    pub(crate) fn term(&mut self, term: &ast::Term) -> Term {
        let span = term.span;
        let kind = match &term.kind {
            ast::TermKind::Null => TermKind::Const(Const::Null),
            ast::TermKind::Bool(value) => TermKind::Const(Const::Bool(*value)),
            ast::TermKind::Number(text) => TermKind::Const(Const::Number(text.clone())),
            ast::TermKind::String { value, .. } => TermKind::Const(Const::String(value.clone())),
            ast::TermKind::Template { parts, .. } => TermKind::Template(self.parts(parts)),
            ast::TermKind::Var(name) => self.variable(name, span),
            ast::TermKind::Ref { head, steps } => self.reference(head, steps),
            ast::TermKind::Call { function, args } => {
                let op = self.operator(function);
                TermKind::Call(Box::new(Call { op, args: self.terms(args) }))
            }
            ast::TermKind::Binary { op, lhs, rhs } => {
                let args = vec![self.term(lhs), self.term(rhs)];
                return builtin_call(op.builtin(), args, span);
            }
            ast::TermKind::MemberPair { key, value, domain } => {
                let args = vec![self.term(key), self.term(value), self.term(domain)];
                return builtin_call("internal.member_3", args, span);
            }
            ast::TermKind::Paren(inner) => return self.term(inner),
            ast::TermKind::Array(items) => TermKind::Array(self.terms(items)),
            ast::TermKind::Object(pairs) => self.object(pairs),
            ast::TermKind::Set(items) => TermKind::Set(self.terms(items)),
            ast::TermKind::ArrayComprehension(term, body) => {
                self.comprehension(Shape::Array, None, term, body)
            }
            ast::TermKind::SetComprehension(term, body) => self.comprehension(Shape::Set, None, term, body),
            ast::TermKind::ObjectComprehension(key, value, body) => {
                self.comprehension(Shape::Object, Some(key), value, body)
            }
            ast::TermKind::Error => {
                self.broken = true;
                TermKind::Const(Const::Null)
            }
        };
        Term { kind, span }
    }

    /// An object; what is written for a key again replaces what was written before.
    fn object(&mut self, written: &[(ast::Term, ast::Term)]) -> TermKind {
        let mut pairs: Vec<(Term, Term)> = Vec::with_capacity(written.len());
        let mut places = FxHashMap::default();
        for (key, value) in written {
            let (key, value) = (self.term(key), self.term(value));
            let place = key_name(&key).map(|name| *places.entry(name).or_insert(pairs.len()));
            match place.and_then(|place| pairs.get_mut(place)) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key, value)),
            }
        }
        TermKind::Object(pairs)
    }

    fn variable(&mut self, text: &str, span: Span) -> TermKind {
        let name = self.name(text, span);
        if name.is_root() { TermKind::Ref(vec![Term::var(name, span)]) } else { TermKind::Var(name) }
    }

    fn reference(&mut self, head: &ast::Term, steps: &[ast::Step]) -> TermKind {
        let head = self.term(head);
        let steps = self.steps(steps);
        let mut parts = match head.kind {
            TermKind::Ref(parts) => parts,
            _ => vec![head],
        };
        parts.extend(steps);
        TermKind::Ref(parts)
    }

    fn comprehension(
        &mut self,
        shape: Shape,
        key: Option<&ast::Term>,
        term: &ast::Term,
        body: &ast::Body,
    ) -> TermKind {
        TermKind::Comprehension(Box::new(Comprehension {
            shape,
            key: key.map(|k| self.term(k)),
            term: self.term(term),
            body: self.body(body),
        }))
    }

    fn parts(&mut self, parts: &[ast::TemplatePart]) -> Vec<Part> {
        parts
            .iter()
            .filter_map(|part| match part {
                ast::TemplatePart::Text(text, span) => Some(Part::Text(text.clone(), *span)),
                ast::TemplatePart::Expr(literal) => self.literal(literal).map(Part::Expr),
            })
            .collect()
    }

    fn operator(&mut self, function: &ast::Term) -> Operator {
        let span = function.span;
        let target = match &function.kind {
            ast::TermKind::Var(name) => Target::Written(self.name(name, span), Arc::from([])),
            ast::TermKind::Ref { head, steps } => self.dotted_operator(head, steps),
            _ => Target::Other(Arc::from("<expression>")),
        };
        Operator { target }
    }

    fn dotted_operator(&mut self, head: &ast::Term, steps: &[ast::Step]) -> Target {
        let ast::TermKind::Var(name) = &head.kind else {
            return Target::Other(Arc::from("<expression>"));
        };
        let head = self.name(name, head.span);
        let fields: Option<Vec<String>> = steps.iter().map(field).collect();
        match fields {
            Some(fields) => Target::Written(head, Arc::from(fields)),
            None => {
                let parts: Vec<Term> = self.steps(steps);
                let mut all = vec![Term::var(head, Span::default())];
                all.extend(parts);
                Target::Other(Arc::from(super::print::reference(self.names, &all)))
            }
        }
    }
}

fn field(step: &ast::Step) -> Option<String> {
    match &step.kind {
        ast::StepKind::Field(name) => Some(name.clone()),
        ast::StepKind::Index(ast::Term { kind: ast::TermKind::String { value, .. }, .. }) => {
            Some(value.clone())
        }
        _ => None,
    }
}

fn builtin_call(name: &str, args: Vec<Term>, span: Span) -> Term {
    let start = args.first().map_or(span.start, |a| a.span.start);
    let op = Operator { target: Target::Builtin(Arc::from(name)) };
    Term::new(TermKind::Call(Box::new(Call { op, args })), Span { start, ..span })
}

/// What two keys share that are written alike: constants, and variables but `_`.
#[derive(PartialEq, Eq, Hash)]
enum KeyName {
    Const(Const),
    Var(Name),
}

fn key_name(key: &Term) -> Option<KeyName> {
    match &key.kind {
        TermKind::Const(value) => Some(KeyName::Const(value.clone())),
        TermKind::Var(name) => Some(KeyName::Var(*name)),
        _ => None,
    }
}
