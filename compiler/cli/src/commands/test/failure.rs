//! Why a test failed: the first statement of its body that does not hold, and what stood in it.
//!
//! Nothing is traced. The beginnings of the body are asked as queries of their own, after the test has failed, so
//! tests that pass cost nothing.

use super::plan::Case;
use crate::files::Loaded;
use crate::problem::{Location, Problem};
use crate::run;
use crate::run::query::{Ask, Asker};
use crate::world::Terminal;
use govc_compile::{CheckOptions, Checked, PlanRequest, QueryOptions};
use govc_syntax::Span;
use govc_syntax::ast::{Body, Literal, LiteralKind, Module, Rule, Term, TermKind};
use govc_vm::Image;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Failed tests that are explained; the next ones are likely to have the same cause.
const EXPLAINED: usize = 20;

/// Characters of a value that are shown.
const SHOWN: usize = 160;

/// The variables that hold the values of a statement's operands.
const OPERAND: &str = "operand__";

/// The statement that did not hold.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Where it stands.
    pub(crate) location: Location,
    /// Its text, on one line.
    pub(crate) text: String,
    /// What stood in it: variables and operands with their values.
    pub(crate) values: Vec<(String, String)>,
}

/// Explains failed tests, as far as they can be.
pub(crate) fn explain(loaded: &Loaded, cases: &[&Case]) -> Vec<Option<Failure>> {
    let explained = run::check(loaded, run::Rules::default(), |checked, options| {
        let one = |case: &&Case| Subject::find(loaded, &checked, options, case)?.explain();
        Ok::<_, Vec<Problem>>(cases.iter().take(EXPLAINED).map(one).collect())
    });
    explained.unwrap_or_default()
}

/// Values of the variables of a solution.
type Bindings = BTreeMap<String, Box<RawValue>>;

struct Subject<'l> {
    loaded: &'l Loaded,
    checked: &'l Checked,
    options: &'l CheckOptions<'l>,
    module: &'l Module,
    case: &'l Case,
    body: &'l [Literal],
}

impl<'l> Subject<'l> {
    fn find(
        loaded: &'l Loaded,
        checked: &'l Checked,
        options: &'l CheckOptions<'l>,
        case: &'l Case,
    ) -> Option<Self> {
        let holds = |module: &'l Module| {
            let rule: Option<&Rule> = module.rules.iter().find(|rule| rule.span == case.span);
            rule.map(|rule| (module, rule))
        };
        let (module, rule) = loaded.modules.iter().find_map(holds)?;
        let body = rule.body.as_ref().map(|body| body.literals.as_slice()).unwrap_or_default();
        Some(Self { loaded, checked, options, module, case, body })
    }

    fn explain(&self) -> Option<Failure> {
        let beginnings: Vec<Vec<Literal>> = (1..=self.body.len()).map(|n| self.body[..n].to_vec()).collect();
        let solutions = self.ask(&beginnings)?;
        let failed = solutions.iter().position(Option::is_none)?;
        let literal = &self.body[failed];
        let before = failed.checked_sub(1).and_then(|last| solutions[last].clone()).unwrap_or_default();
        let mut values = named(&before, self.loaded.sources.slice(literal.span));
        values.extend(self.operands(failed, &before));
        let (row, col) = self.loaded.sources.position(literal.span);
        let file = self.loaded.sources.get(literal.span.file).name.clone();
        Some(Failure { location: Location { file, row, col }, text: self.text(literal.span), values })
    }

    /// The values of the operands of a statement, by their text.
    fn operands(&self, at: usize, before: &Bindings) -> Vec<(String, String)> {
        let literal = &self.body[at];
        let shown: Vec<&Term> =
            operands(&literal.kind).into_iter().filter(|t| is_computed(t, before)).collect();
        let bodies: Vec<Vec<Literal>> = shown
            .iter()
            .map(|term| {
                let name = TermKind::Var(OPERAND.to_owned());
                let name = Term { kind: name, span: term.span };
                let kind = LiteralKind::Assign(name, (*term).clone());
                let mut body = self.body[..at].to_vec();
                body.push(Literal { kind, ..literal.clone() });
                body
            })
            .collect();
        let solutions = self.ask(&bodies).unwrap_or_default();
        let value = |solution: Option<Bindings>| {
            let value = solution.and_then(|mut s| s.remove(OPERAND));
            value.map_or_else(|| "undefined".to_owned(), |v| shortened(v.get()))
        };
        shown.iter().map(|term| self.text(term.span)).zip(solutions.into_iter().map(value)).collect()
    }

    /// The first solution of each body.
    fn ask(&self, bodies: &[Vec<Literal>]) -> Option<Vec<Option<Bindings>>> {
        let mut queries = Vec::new();
        for (i, literals) in bodies.iter().enumerate() {
            let body = Body { literals: literals.clone(), braced: false, span: self.case.span };
            let options = QueryOptions {
                package: Some(self.case.package.clone()),
                imports: self.module.imports.clone(),
                ..QueryOptions::default()
            };
            let query = govc_compile::check_query(self.checked, &body, self.options, &options).ok()?;
            queries.push((i.to_string(), query));
        }
        let sources = &self.loaded.sources;
        let request = PlanRequest { queries, ..PlanRequest::default() };
        let policy = run::plan(self.checked, &request, sources).ok()?;
        let image = run::image(run::emit(&policy, sources).ok()?, self.loaded).ok()?;
        Some((0..bodies.len()).map(|i| first_solution(&image, &i.to_string())).collect())
    }

    fn text(&self, span: Span) -> String {
        let text = self.loaded.sources.slice(span);
        shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn first_solution(image: &Image, query: &str) -> Option<Bindings> {
    let mut world = Terminal::keeping_prints();
    let answer = Asker::default().ask(image, query, &Ask::default(), &mut world).ok()?;
    answer.results.iter().find_map(|result| {
        let (values, bindings): (Vec<Box<RawValue>>, Bindings) = serde_json::from_str(result).ok()?;
        // A query shows what is false; in a rule it would not hold.
        values.iter().all(|value| value.get() != "false").then_some(bindings)
    })
}

/// The variables that occur in a text.
fn named(bindings: &Bindings, text: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let occurring = bindings.iter().filter(|(name, _)| words.contains(&name.as_str()));
    occurring.map(|(name, value)| (name.clone(), shortened(value.get()))).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn operands(kind: &LiteralKind) -> Vec<&Term> {
    match kind {
        LiteralKind::Term(term) => operands_of_term(term),
        LiteralKind::Unify(a, b) => vec![a, b],
        LiteralKind::Assign(_, value) => vec![value],
        LiteralKind::Not(inner) => operands(&inner.kind),
        LiteralKind::SomeIn(some) => vec![&some.domain],
        LiteralKind::Every(every) => vec![&every.domain],
        _ => Vec::new(),
    }
}

fn operands_of_term(term: &Term) -> Vec<&Term> {
    match &term.kind {
        TermKind::Paren(inner) => operands_of_term(inner),
        TermKind::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        TermKind::MemberPair { domain, .. } => vec![domain],
        TermKind::Call { args, .. } => args.iter().chain([term]).collect(),
        _ => vec![term],
    }
}

/// Its text does not say its value, and no variable does.
fn is_computed(term: &Term, before: &Bindings) -> bool {
    use TermKind::{Bool, Error, Null, Number, String, Var};
    match &term.kind {
        Var(name) => name != "_" && !before.contains_key(name),
        kind => !matches!(kind, Null | Bool(_) | Number(_) | String { .. } | Error),
    }
}
