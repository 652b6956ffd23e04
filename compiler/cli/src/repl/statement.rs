//! One line, or several that belong together, as statements.
//!
//! A query is tried first: so `x := 1` is one, and becomes a rule later.

use crate::problem::Problem;
use crate::run;
use govc_syntax::ast::{self, LiteralKind, StepKind, TermKind};
use govc_syntax::{ParseOptions, RegoVersion, Sources, Span};

/// What was typed.
#[derive(Debug)]
pub(super) enum Statement {
    /// A query, and its text.
    Query(ast::Body, String),
    /// `package a.b`: its path and its text.
    Package(Vec<String>, String),
    /// `import a.b`: its text.
    Import(String),
    /// A rule.
    Rule(Definition),
}

/// The text of a rule and what it defines.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) text: String,
    /// What it defines: names and constant keys.
    pub(super) reference: Vec<String>,
    /// The same as written.
    pub(super) name: String,
    /// `:=` stands in the head, so it takes the place of what was there.
    pub(super) replaces: bool,
    /// A body follows the head.
    pub(super) bodied: bool,
}

/// The statements of a text, or why it has none.
pub(super) fn read(text: &str, parse: &ParseOptions) -> Result<Vec<Statement>, Vec<Problem>> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let query = govc_syntax::parse_query(file, text, parse);
    let bodies = |statement: &Statement| matches!(statement, Statement::Rule(rule) if rule.bodied);
    if let Ok(statements) = module(text, parse)
        && parse.version == RegoVersion::V0
        && statements.iter().any(bodies)
    {
        return Ok(statements);
    }
    if query.diagnostics.is_empty() {
        let some = !query.tree.literals.is_empty();
        return Ok(some.then(|| Statement::Query(query.tree, text.to_owned())).into_iter().collect());
    }
    let headed = ["package", "import"].iter().any(|word| text.trim_start().starts_with(word));
    let problems = run::problems(&query.diagnostics, &sources);
    module(text, parse).map_err(|others| if headed || later(&others, &problems) { others } else { problems })
}

/// Whether a reading came further than another.
fn later(one: &[Problem], other: &[Problem]) -> bool {
    let place = |problems: &[Problem]| {
        problems.first().and_then(|p| p.location.as_ref()).map(|place| (place.row, place.col))
    };
    place(one) > place(other)
}

fn module(text: &str, parse: &ParseOptions) -> Result<Vec<Statement>, Vec<Problem>> {
    let packaged = text.trim_start().starts_with("package");
    let whole = if packaged { text.to_owned() } else { format!("package repl\n{text}") };
    let mut sources = Sources::default();
    let file = sources.add("", &whole);
    let parsed = govc_syntax::parse_module(file, &whole, parse);
    let mut problems = run::problems(&parsed.diagnostics, &sources);
    if !problems.is_empty() {
        let above = usize::from(!packaged);
        problems.iter_mut().filter_map(|p| p.location.as_mut()).for_each(|place| place.row -= above);
        return Err(problems);
    }
    let slice = |span: Span| sources.slice(span).to_owned();
    let mut statements = Vec::new();
    if let Some(package) = parsed.tree.package.as_ref().filter(|_| packaged) {
        let path = package.path.iter().map(|part| part.name.clone()).collect();
        statements.push(Statement::Package(path, slice(package.span)));
    }
    statements.extend(parsed.tree.imports.iter().map(|import| Statement::Import(slice(import.span))));
    let rules = parsed.tree.rules.iter().map(|rule| Statement::Rule(definition(rule, &sources)));
    statements.extend(rules);
    Ok(statements)
}

fn definition(rule: &ast::Rule, sources: &Sources) -> Definition {
    let head = &rule.head;
    let last = head.steps.last().map_or(head.name.span, |step| step.span);
    let replaces = matches!(head.value, Some((ast::HeadOp::Assign, _)));
    Definition {
        text: sources.slice(rule.span).to_owned(),
        reference: reference(&head.name.name, &head.steps),
        name: sources.slice(head.name.span.to(last)).to_owned(),
        replaces,
        bodied: rule.body.is_some(),
    }
}

/// The constant beginning of a reference.
fn reference(head: &str, steps: &[ast::Step]) -> Vec<String> {
    let constant = steps.iter().map_while(|step| match &step.kind {
        StepKind::Field(name) => Some(name.clone()),
        StepKind::Index(term) => match &term.kind {
            TermKind::String { value, .. } => Some(value.clone()),
            TermKind::Number(text) => Some(text.clone()),
            _ => None,
        },
        StepKind::Missing => None,
    });
    std::iter::once(head.to_owned()).chain(constant).collect()
}

/// A reference as a command names it.
pub(super) fn named(text: &str, parse: &ParseOptions) -> Option<Vec<String>> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let query = govc_syntax::parse_query(file, text, parse);
    let [literal] = query.tree.literals.as_slice() else { return None };
    match &literal.kind {
        LiteralKind::Term(term) if query.diagnostics.is_empty() => place(term),
        _ => None,
    }
}

fn place(term: &ast::Term) -> Option<Vec<String>> {
    match &term.kind {
        TermKind::Var(name) => Some(vec![name.clone()]),
        TermKind::Ref { head, steps } => match &head.kind {
            TermKind::Var(name) if matches!(name.as_str(), "data" | "input") => Some(vec![name.clone()]),
            TermKind::Var(name) => Some(reference(name, steps)),
            _ => None,
        },
        TermKind::Call { function, .. } => place(function),
        _ => None,
    }
}

/// A query that may be the definition of a rule: one statement with `:=` or `=`.
#[derive(Debug)]
pub(super) struct Candidate {
    /// What it would define; absent where no rule can.
    pub(super) reference: Option<Vec<String>>,
    /// It says `:=`.
    pub(super) assigns: bool,
    /// The kind of term on the left.
    pub(super) kind: &'static str,
    /// The left is about a part of a root document.
    pub(super) rooted: bool,
}

/// Whether a query may be the definition of a rule.
pub(super) fn candidate(query: &ast::Body) -> Option<Candidate> {
    let [literal] = query.literals.as_slice() else { return None };
    let (left, assigns) = match &literal.kind {
        LiteralKind::Assign(left, _) => (left, true),
        LiteralKind::Unify(left, _) => (left, false),
        _ => return None,
    };
    let rooted = matches!(&left.kind, TermKind::Ref { head, .. }
        if matches!(&head.kind, TermKind::Var(name) if matches!(name.as_str(), "data" | "input")));
    Some(Candidate { reference: place(left), assigns, kind: kind(left), rooted })
}

fn kind(term: &ast::Term) -> &'static str {
    match &term.kind {
        TermKind::Null => "null",
        TermKind::Bool(_) => "boolean",
        TermKind::Number(_) => "number",
        TermKind::String { .. } => "string",
        TermKind::Array(_) => "array",
        TermKind::Object(_) => "object",
        TermKind::Set(_) => "set",
        _ => "ref",
    }
}

/// The definition that a query is.
pub(super) fn as_rule(text: &str, parse: &ParseOptions) -> Option<Definition> {
    match module(text, parse).ok()?.pop()? {
        Statement::Rule(definition) => Some(definition),
        _ => None,
    }
}
