//! Items to a module, with the checks that OPA's parser makes once a text has been read whole.
//!
//! OPA reports these only if no statement was malformed, and then all of them.

use crate::ast::*;
use crate::source::{FileId, Span};
use crate::{ParseOptions, RegoVersion};

use super::build::{Builder, Fault, Item, head_target};
use super::builtins::is_builtin;
use super::{Items, message, metadata};

/// Assembles a module and says what is wrong with its statements.
pub(super) fn module(
    file: FileId,
    text: &str,
    options: &ParseOptions,
    items: Items,
    comments: Vec<Comment>,
) -> (Module, Vec<Fault>) {
    let version = if items.rego_v1 || options.both { RegoVersion::V1 } else { options.version };
    let mut assembly = Assembly {
        text,
        builder: Builder::new(file, text, &[], &[]),
        module: Module {
            version,
            package: None,
            imports: Vec::new(),
            rules: Vec::new(),
            comments: Vec::new(),
            annotations: Vec::new(),
            span: Span { file, start: 0, end: text.len() as u32 },
        },
        faults: Vec::new(),
        first: true,
    };
    for (item, span) in items.items {
        assembly.item(item, span);
    }
    assembly.finish(comments)
}

struct Assembly<'b> {
    text: &'b str,
    builder: Builder<'b>,
    module: Module,
    faults: Vec<Fault>,
    first: bool,
}

impl Assembly<'_> {
    fn fault(&mut self, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), hint: None });
    }

    fn item(&mut self, item: Item, span: Span) {
        let first = std::mem::take(&mut self.first);
        if first && !matches!(item, Item::Package(_) | Item::Error) {
            self.fault(span, "package expected");
        }
        match item {
            Item::Package(package) => self.package(package, first),
            Item::Import(import) => self.module.imports.push(import),
            // OPA looks no further at what stands in the package's place.
            Item::Rule(_) if first => {}
            Item::Statements(list) if first => drop(self.statement(list)),
            Item::Rule(rule) => self.rule(*rule),
            Item::Statements(list) => match self.statement(list) {
                Ok(rule) => self.module.rules.push(rule),
                Err((span, why)) => self.fault(span, why),
            },
            Item::Error => {}
        }
    }

    /// After an `else` without a body OPA looks for no other one.
    fn rule(&mut self, rule: Rule) {
        let stray = rule.elses.windows(2).find(|pair| pair[0].body.is_none()).map(|pair| pair[1].span);
        if let Some(span) = stray {
            self.fault(Span { end: span.start + 4, ..span }, "unexpected else keyword");
        }
        self.module.rules.push(rule);
    }

    fn package(&mut self, package: Package, first: bool) {
        if !first {
            self.fault(package.span, "unexpected package");
        }
        self.module.package.get_or_insert(package);
    }

    /// A statement at the top as a rule without a body, or why it cannot be one.
    fn statement(&mut self, mut list: Vec<Literal>) -> Result<Rule, (Span, String)> {
        let several = list.len() > 1;
        let Some(literal) = list.drain(..).next() else {
            return Err((self.module.span, String::new()));
        };
        let span = literal.span;
        if several {
            return Err((span, "multiple expressions cannot be used for rule head".to_owned()));
        }
        refuse(self.text, &literal).map_err(|why| (span, why))?;
        let head = self.builder.head(unwrapped(literal.kind), None, span.start, span.end);
        if self.stands_apart(&head) {
            return Err((span, "var cannot be used for rule name".to_owned()));
        }
        Ok(Rule { default: false, head, body: None, elses: Vec::new(), chained: Vec::new(), span })
    }

    /// `p [x]`: a head only before a body, otherwise two statements.
    fn stands_apart(&self, head: &Head) -> bool {
        let after = self.text.as_bytes().get(head.name.span.end as usize);
        (head.args.is_some() || !head.steps.is_empty()) && matches!(after, Some(b' ' | b'\t' | b'\r' | b'\n'))
    }

    fn finish(mut self, comments: Vec<Comment>) -> (Module, Vec<Fault>) {
        if self.first {
            self.fault(Span { end: 0, ..self.module.span }, "empty module");
        }
        if self.module.version == RegoVersion::V1 {
            let found: Vec<_> = self.module.rules.iter().flat_map(v1_faults).collect();
            self.faults.extend(found);
        }
        self.module.annotations = metadata::collect(self.text, &comments, &self.module);
        self.module.comments = comments;
        (self.module, self.faults)
    }
}

/// Parentheses around a head mean nothing.
fn unwrapped(kind: LiteralKind) -> LiteralKind {
    match kind {
        LiteralKind::Term(t) => LiteralKind::Term(without_parens(t)),
        LiteralKind::Assign(a, b) => LiteralKind::Assign(called(without_parens(a)), b),
        LiteralKind::Unify(a, b) => LiteralKind::Unify(called(without_parens(a)), b),
        kind => kind,
    }
}

/// An infix operator as a call of its function.
fn called(term: Term) -> Term {
    let span = Span { end: term.span.start, ..term.span };
    let function = |name: &str| {
        let mut words = name.split('.').map(str::to_owned);
        let head = Box::new(Term { kind: TermKind::Var(words.next().unwrap_or_default()), span });
        let steps: Vec<Step> = words.map(|word| Step { kind: StepKind::Field(word), span }).collect();
        Box::new(if steps.is_empty() { *head } else { Term { kind: TermKind::Ref { head, steps }, span } })
    };
    let kind = match term.kind {
        TermKind::Binary { op, lhs, rhs } => {
            TermKind::Call { function: function(op.builtin()), args: vec![*lhs, *rhs] }
        }
        TermKind::MemberPair { key, value, domain } => {
            TermKind::Call { function: function("internal.member_3"), args: vec![*key, *value, *domain] }
        }
        kind => kind,
    };
    Term { kind, ..term }
}

fn without_parens(mut term: Term) -> Term {
    while let TermKind::Paren(inner) = term.kind {
        term = *inner;
    }
    term
}

/// Why a statement is no rule head.
fn refuse(text: &str, literal: &Literal) -> Result<(), String> {
    if !literal.with.is_empty() {
        return Err("expressions using with keyword cannot be used for rule head".to_owned());
    }
    match &literal.kind {
        LiteralKind::Not(_) => Err("negated expressions cannot be used for rule head".to_owned()),
        LiteralKind::SomeDecl(_) | LiteralKind::SomeIn(_) => {
            Err("'some' declarations cannot be used for rule head".to_owned())
        }
        LiteralKind::Term(term) => refuse_term(text, term),
        LiteralKind::Assign(lhs, _) | LiteralKind::Unify(lhs, _) => refuse_target(text, lhs),
        _ => Err("expression cannot be used for rule head".to_owned()),
    }
}

fn refuse_term(text: &str, term: &Term) -> Result<(), String> {
    match &term.kind {
        TermKind::Paren(inner) => refuse_term(text, inner),
        TermKind::Ref { head, .. } if !matches!(head.kind, TermKind::Var(_)) => Err(invalid_head(text, term)),
        TermKind::Ref { .. } => Ok(()),
        TermKind::Var(name) if is_root(name) => Err("refs cannot be used for rule head".to_owned()),
        TermKind::Binary { .. } | TermKind::MemberPair { .. } => {
            Err("rule name conflicts with built-in function".to_owned())
        }
        TermKind::Call { function, .. } if is_builtin(slice(text, function)) => {
            Err("rule name conflicts with built-in function".to_owned())
        }
        TermKind::Call { args, .. } if args.is_empty() => {
            Err("rule argument list must take at least one argument".to_owned())
        }
        TermKind::Call { .. } => refuse_call(text, term),
        kind => Err(format!("{} cannot be used for rule name", message::kind_name(kind))),
    }
}

fn slice<'t>(text: &'t str, term: &Term) -> &'t str {
    &text[term.span.start as usize..term.span.end as usize]
}

fn refuse_target(text: &str, lhs: &Term) -> Result<(), String> {
    match &lhs.kind {
        TermKind::Paren(inner) => refuse_target(text, inner),
        TermKind::Var(_) => Ok(()),
        TermKind::Ref { head, .. } if !matches!(head.kind, TermKind::Var(_)) => Err(invalid_head(text, lhs)),
        TermKind::Ref { .. } => Ok(()),
        TermKind::Call { .. } => refuse_call(text, lhs),
        // OPA takes an infix operator for a call of its function, and this for a definition of that.
        TermKind::Binary { op, lhs, .. } if begins_with_touched_name(text, lhs) => {
            Err(format!("unexpected {} token", op.builtin()))
        }
        TermKind::Binary { .. } | TermKind::MemberPair { .. } => Ok(()),
        kind => Err(format!("{} cannot be used for rule name", message::kind_name(kind))),
    }
}

/// Whether what stands before an operator begins with a bare name that touches an operator: OPA takes that for the
/// head of a rule.
fn begins_with_touched_name(text: &str, term: &Term) -> bool {
    match &term.kind {
        TermKind::Var(_) => {
            text.as_bytes().get(term.span.end as usize).is_some_and(|b| !b.is_ascii_whitespace())
        }
        TermKind::Binary { lhs, .. } => begins_with_touched_name(text, lhs),
        _ => false,
    }
}

fn refuse_call(text: &str, call: &Term) -> Result<(), String> {
    head_target(call.clone()).map(|_| ()).map_err(|_| invalid_head(text, call))
}

fn invalid_head(text: &str, term: &Term) -> String {
    format!("invalid rule head: {}", slice(text, term))
}

pub(super) fn is_root(name: &str) -> bool {
    name == "input" || name == "data"
}

// --- what v1 asks of rules ---

fn v1_faults(rule: &Rule) -> Vec<Fault> {
    let mut faults = Vec::new();
    let what = if rule.head.args.as_ref().is_some_and(|a| !a.is_empty()) { "function" } else { "rule" };
    let mut fault = |span: Span, message: String| faults.push(Fault { span, message, hint: None });
    name_fault(rule).into_iter().for_each(|m| fault(rule.span, m));
    if rule.body.is_none() && lacks_value(rule) {
        fault(rule.span, format!("{what} must have value assignment and/or body declaration"));
    }
    if rule.body.is_some() && !rule.head.has_if {
        fault(rule.span, format!("`if` keyword is required before {what} body"));
    }
    if is_bracket_set(rule) {
        fault(rule.span, "`contains` keyword is required for partial set rules".to_owned());
    }
    // One `if` serves all bodies.
    for body in &rule.chained {
        if !rule.head.has_if {
            fault(body.span, format!("`if` keyword is required before {what} body"));
        }
        if is_bracket_set(rule) {
            fault(body.span, "`contains` keyword is required for partial set rules".to_owned());
        }
    }
    for branch in &rule.elses {
        name_fault(rule).into_iter().for_each(|m| fault(branch.span, m));
        if branch.body.is_some() && !branch.has_if {
            fault(branch.span, format!("`if` keyword is required before {what} body"));
        }
    }
    faults
}

fn name_fault(rule: &Rule) -> Option<String> {
    let name = rule.head.name.name.as_str();
    let bare = rule.head.steps.is_empty();
    (bare && is_v1_keyword(name)).then(|| format!("{name} keyword cannot be used for rule name"))
}

/// A bare `a.b.c`: OPA gives it the value `true`, which v1 does not let stand.
fn lacks_value(rule: &Rule) -> bool {
    let head = &rule.head;
    !rule.default
        && head.value.is_none()
        && head.contains.is_none()
        && head.args.is_none()
        && head.steps.len() != 1
}

/// v0's `p[x]` without `contains`, value and `if`.
fn is_bracket_set(rule: &Rule) -> bool {
    let head = &rule.head;
    head.contains.is_none()
        && head.value.is_none()
        && head.args.is_none()
        && head.steps.len() == 1
        && !head.has_if
}

/// Whether a word is a keyword of v1.
pub(crate) fn is_v1_keyword(word: &str) -> bool {
    is_v0_keyword(word) || matches!(word, "if" | "contains" | "in" | "every")
}

/// Whether a word is a keyword of v0.
pub(crate) fn is_v0_keyword(word: &str) -> bool {
    matches!(
        word,
        "not"
            | "package"
            | "import"
            | "as"
            | "default"
            | "else"
            | "with"
            | "null"
            | "true"
            | "false"
            | "some"
    )
}
