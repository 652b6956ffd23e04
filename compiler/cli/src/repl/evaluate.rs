//! A query of the shell: the input first, then the query itself, on the virtual machine; step by step where its steps are
//! to be told, and partially where documents are not known.

use super::session::{Session, Trace};
use super::stepwise;
use crate::commands::eval::answer::{self, Expression, Solution};
use crate::commands::eval::watch::{self, Told};
use crate::commands::eval::{partial, pretty};
use crate::metrics::Metrics;
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::world::Terminal;
use govc_compile::{CheckOptions, Checked, PlanRequest, QueryOptions};
use govc_syntax::{Span, ast};
use govc_topdown::Residual;
use govc_vm::{BuiltinErrors, Image};
use std::time::Instant;

/// The document that is the input.
const INPUT: &str = "data.repl.input";

/// A query of the session, read and placed.
pub(super) struct Asked {
    /// The query as written.
    pub(super) body: ast::Body,
    /// Its package and imports.
    pub(super) place: QueryOptions,
}

/// What is printed for a query.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) solutions: Vec<Solution>,
    pub(super) residual: Option<Residual>,
    /// The evaluation ended with it.
    pub(super) error: Option<Problem>,
    pub(super) told: Option<Told>,
    pub(super) metrics: Metrics,
}

/// Evaluates a query and prints the answer. Errors of the evaluation are part of the answer.
pub(super) fn run(session: &mut Session, text: &str) -> Result<(), Vec<Problem>> {
    let asked = read(session, text);
    let session = &*session;
    let started = Instant::now();
    let (answer, types) = run::check(&session.loaded, session.rules(), |checked, check| {
        let mut metrics = Metrics::default();
        metrics.time("rego_module_compile", started.elapsed());
        metrics.time("rego_query_parse", session.parsed);
        let policies = (&checked, check);
        let input = input(session, policies)?;
        let settings = &session.settings;
        let told = settings.trace != Trace::Off || settings.profile || settings.instrument;
        let mut answer = match () {
            () if !settings.unknowns.is_empty() => stepwise::partial(session, policies, &asked, input)?,
            () if told => stepwise::evaluate(session, policies, &asked, input)?,
            () => evaluate(session, policies, &asked, input)?,
        };
        let types = match settings.types && settings.unknowns.is_empty() {
            true => stepwise::types(session, policies, &asked)?,
            false => String::new(),
        };
        answer.metrics.add(metrics);
        Ok((answer, types))
    })?;
    print(session, &answer);
    output::print(&types);
    Ok(())
}

fn read(session: &mut Session, text: &str) -> Asked {
    let file = session.loaded.sources.add("", text);
    let body = govc_syntax::parse_query(file, text, &session.parse).tree;
    let head = session.head();
    let file = session.loaded.sources.add("", &head);
    let imports = govc_syntax::parse_module(file, &head, &session.parse).tree.imports;
    let place = QueryOptions { package: Some(session.package()), imports, wrapping_not: false };
    Asked { body, place }
}

/// The value of the document that is the input, as JSON.
fn input(
    session: &Session,
    (checked, check): (&Checked, &CheckOptions<'_>),
) -> Result<Option<String>, Vec<Problem>> {
    let mut sources = session.loaded.sources.clone();
    let text = format!("x = {INPUT}");
    let file = sources.add("", &text);
    let body = govc_syntax::parse_query(file, &text, &session.parse).tree;
    let (image, _) = compile(session, (checked, check), &body, &QueryOptions::default())?;
    let mut world = Terminal::keeping_prints();
    let found = Asker::default().ask(&image, "query", &Ask::default(), &mut world).map_err(|p| vec![p])?;
    let solution = found.results.first().and_then(|json| Solution::read(json, &[]).ok());
    let value = solution.and_then(|mut solution| solution.bindings.remove("x"));
    Ok(value.map(|value| value.get().to_owned()))
}

/// The program of a query, and the places of its expressions.
fn compile(
    session: &Session,
    (checked, check): (&Checked, &CheckOptions<'_>),
    body: &ast::Body,
    place: &QueryOptions,
) -> Result<(Image, Vec<Span>), Vec<Problem>> {
    let loaded = &session.loaded;
    let query = govc_compile::check_query(checked, body, check, place)
        .map_err(|found| run::problems(&found, &loaded.sources))?;
    let spans = query.expressions.iter().map(|(span, _)| *span).collect();
    let queries = vec![("query".to_owned(), query)];
    let request = PlanRequest { queries, strict: session.settings.strict, ..PlanRequest::default() };
    let policy = run::plan(checked, &request, &loaded.sources)?;
    Ok((run::image(run::emit(&policy, &loaded.sources)?, loaded)?, spans))
}

fn evaluate(
    session: &Session,
    policies: (&Checked, &CheckOptions<'_>),
    asked: &Asked,
    input: Option<String>,
) -> Result<Answer, Vec<Problem>> {
    let mut answer = Answer::default();
    let started = Instant::now();
    let (image, spans) = compile(session, policies, &asked.body, &asked.place)?;
    answer.metrics.time("rego_query_compile", started.elapsed());
    let expressions: Vec<Expression> =
        spans.iter().map(|&span| Expression::new(span, &session.loaded.sources)).collect();
    let strict = session.settings.strict;
    let builtin_errors = if strict { BuiltinErrors::Strict } else { BuiltinErrors::Undefined };
    let mut world = Terminal::keeping_prints();
    let started = Instant::now();
    let ask = Ask { input, builtin_errors, ..Ask::default() };
    let found = Asker::default().ask(&image, "query", &ask, &mut world);
    answer.metrics.time("rego_query_eval", started.elapsed());
    output::print(&world.printed.take().unwrap_or_default());
    let solutions = found.and_then(|found| {
        found.results.iter().map(|json| Solution::read(json, &expressions)).collect::<Result<Vec<_>, _>>()
    });
    match solutions {
        Ok(solutions) => answer.solutions = solutions,
        Err(problem) if session.settings.json => answer.error = Some(problem),
        Err(problem) => answer.error = Some(answer::for_people(&problem, &expressions)),
    }
    Ok(answer)
}

fn print(session: &Session, answer: &Answer) {
    if let Some(problem) = &answer.error {
        output::println(&problem::summary(std::slice::from_ref(problem)));
    }
    match session.settings.json {
        true if answer.error.is_none() => output::println(&node(session, answer).pretty()),
        true => {}
        false => {
            if answer.error.is_none() {
                output::print(answer.told.as_ref().map_or("", |told| told.trace.as_str()));
                output::print(&match &answer.residual {
                    Some(residual) if !residual.queries.is_empty() => partial::pretty(residual),
                    _ => pretty::text(&answer.solutions, session.settings.pretty_limit),
                });
            }
            if session.settings.metrics {
                output::print(&answer.metrics.table());
            }
            output::print(&watch::profile_table(answer.told.as_ref(), &[]));
        }
    }
}

/// OPA's object: each member only if there is something in it.
fn node(session: &Session, answer: &Answer) -> Node {
    let mut object = Vec::new();
    if !answer.solutions.is_empty() {
        let results = answer.solutions.iter().map(Solution::to_node);
        object.push(("result".to_owned(), Node::Array(results.collect())));
    }
    object.extend(answer.residual.as_ref().map(|residual| ("partial".to_owned(), partial::node(residual))));
    if session.settings.metrics {
        object.push(("metrics".to_owned(), answer.metrics.to_node()));
    }
    object.extend(answer.told.iter().flat_map(|told| watch::members(told, &[])));
    Node::Object(object)
}
