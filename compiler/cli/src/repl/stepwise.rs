//! What the shell tells of a query beside its answer: its steps, its costs, what is left of it, and its types.

use super::evaluate::{Answer, Asked};
use super::session::Session;
use crate::commands::eval::answer::Expression;
use crate::commands::eval::watch::{self, Told};
use crate::problem::Problem;
use crate::run::{self, stepwise};
use crate::world::Terminal;
use govc_compile::{CheckOptions, Checked, rewritten};
use govc_syntax::ast::{self, BinaryOp, LiteralKind, TermKind};
use govc_topdown::{PartialOptions, Request, Watch};
use govc_value::{Arena, Heap, SymbolTable};
use std::time::Instant;

type Policies<'a> = (&'a Checked, &'a CheckOptions<'a>);

/// Evaluates step by step.
pub(super) fn evaluate(
    session: &Session,
    policies: Policies<'_>,
    asked: &Asked,
    input: Option<String>,
) -> Result<Answer, Vec<Problem>> {
    let settings = &session.settings;
    let watch = Watch {
        explain: settings.trace.explain(),
        profile: settings.profile,
        operations: settings.instrument,
        ..Watch::default()
    };
    let sources = session.shown_sources();
    let mut answer = Answer::default();
    let started = Instant::now();
    let query = rewrite(session, policies, asked, true)?;
    answer.metrics.time("rego_query_compile", started.elapsed());
    let started = Instant::now();
    let mut outcome = with_request(session, policies, &query, input, |request| {
        govc_topdown::eval_watched(request, watch, &sources)
    })?;
    answer.metrics.time("rego_query_eval", started.elapsed());
    answer.metrics.operations(std::mem::take(&mut outcome.operations));
    let expressions: Vec<Expression> =
        query.shown.iter().map(|(span, _)| Expression::new(*span, &session.loaded.sources)).collect();
    let strict = outcome.builtin_errors.first().filter(|_| settings.strict);
    match strict.or(outcome.error.as_ref()) {
        Some(error) => answer.error = stepwise::problems(std::slice::from_ref(error), &sources).pop(),
        None => answer.solutions = watch::solutions(&outcome, &expressions).map_err(|p| vec![p])?,
    }
    let text = expressions.first().map(|expression| expression.text.clone()).unwrap_or_default();
    let mut told = Told::new(outcome, text);
    told.order(&[]);
    answer.told = Some(told);
    Ok(answer)
}

/// What is left where documents are not known.
pub(super) fn partial(
    session: &Session,
    policies: Policies<'_>,
    asked: &Asked,
    input: Option<String>,
) -> Result<Answer, Vec<Problem>> {
    let sources = &session.loaded.sources;
    let unknowns = session.settings.unknowns.iter().map(|text| stepwise::path(text, sources));
    let options =
        PartialOptions { unknowns: unknowns.collect::<Result<_, _>>()?, ..PartialOptions::default() };
    let mut answer = Answer::default();
    let started = Instant::now();
    let asked = Asked { body: unified(&asked.body), place: asked.place.clone() };
    let query = rewrite(session, policies, &asked, false)?;
    answer.metrics.time("rego_query_compile", started.elapsed());
    let started = Instant::now();
    let residual = with_request(session, policies, &query, input, |request| {
        govc_topdown::partial(request, &options)
            .map_err(|error| stepwise::problems(std::slice::from_ref(&error), sources))
    })??;
    answer.metrics.time("rego_partial_eval", started.elapsed());
    answer.residual = Some(residual);
    Ok(answer)
}

/// Comparisons as unifications: so OPA's shell leaves them when it has checked a query.
fn unified(body: &ast::Body) -> ast::Body {
    let mut body = body.clone();
    for literal in &mut body.literals {
        if let LiteralKind::Term(ast::Term {
            kind: TermKind::Binary { op: BinaryOp::Eq, lhs, rhs }, ..
        }) = &literal.kind
        {
            literal.kind = LiteralKind::Unify((**lhs).clone(), (**rhs).clone());
        }
    }
    body
}

/// The types of what stands in a query, a line each.
pub(super) fn types(
    session: &Session,
    policies: Policies<'_>,
    asked: &Asked,
) -> Result<String, Vec<Problem>> {
    let query = rewrite(session, policies, asked, false)?;
    let line = |(text, ty): (String, Option<govc_value::Type>)| {
        let ty = ty.map_or_else(|| "<nil>".to_owned(), |ty| ty.to_string());
        format!("# {text}: {ty}\n")
    };
    Ok(govc_topdown::types_in(policies.0, policies.1, &query).into_iter().map(line).collect())
}

fn rewrite(
    session: &Session,
    (checked, check): Policies<'_>,
    asked: &Asked,
    capture: bool,
) -> Result<rewritten::Query, Vec<Problem>> {
    rewritten::rewrite_query(checked, &asked.body, check, &asked.place, capture)
        .map_err(|found| run::problems(&found, &session.loaded.sources))
}

fn with_request<T>(
    session: &Session,
    (checked, options): Policies<'_>,
    query: &rewritten::Query,
    input: Option<String>,
    run: impl FnOnce(Request<'_>) -> T,
) -> Result<T, Vec<Problem>> {
    let arena = Arena::new(stepwise::MEMORY);
    let heap = Heap::new(&arena, SymbolTable::empty());
    Ok(run(Request {
        checked,
        options,
        query,
        data: stepwise::document(heap, &session.loaded.documents.to_json())?,
        input: input.map(|text| stepwise::document(heap, text.as_bytes())).transpose()?,
        world: &mut Terminal::new(),
        fuel: stepwise::FUEL,
        time: None,
        memory: stepwise::MEMORY,
    }))
}
