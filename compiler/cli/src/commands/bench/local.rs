//! Measures a query in this process: on the virtual machine, or partially, step by step.

use super::{Bench, Question, TIMER};
use crate::files::{self, Loaded};
use crate::measure::{self, Sample};
use crate::problem::Problem;
use crate::run::{
    self,
    query::{Ask, Asker},
    stepwise,
};
use crate::world::Terminal;
use govc_compile::{CheckOptions, Checked, PlanRequest, QueryOptions, rewritten};
use govc_syntax::ast;
use govc_topdown::{PartialOptions, Request};
use govc_value::{Arena, Heap, SymbolTable};

/// Partial evaluation has a timer of its own.
const PARTIAL_TIMER: &str = "timer_rego_partial_eval_ns";

/// Measures; each sample is known by the name of a timer, and the first is that of the whole.
pub(super) fn measure(args: &Bench, question: &Question) -> Result<Vec<(String, Sample)>, Vec<Problem>> {
    let mut loaded = files::load(&files::Request {
        data: args.data.clone(),
        bundles: args.bundle.clone(),
        wording: files::Wording::Steps,
        ignore: args.ignore.clone(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    });
    if !loaded.problems.is_empty() {
        return Err(loaded.problems);
    }
    let (body, place) = read(args, &mut loaded, &question.query)?;
    let schemas = files::schema::load(args.schema.as_deref()).map_err(|p| vec![p])?;
    let rules = run::Rules { error_limit: 10, schemas, ..run::Rules::default() };
    run::check(&loaded, rules, |checked, check| match args.partial {
        true => {
            let sample = partial(args, &loaded, (&checked, check), (&body, &place), question)?;
            Ok(vec![(PARTIAL_TIMER.to_owned(), sample)])
        }
        false => {
            let sample = plain(args, &loaded, (&checked, check), (&body, &place), question)?;
            Ok(vec![(TIMER.to_owned(), sample)])
        }
    })
}

/// The query, and where it stands.
fn read(args: &Bench, loaded: &mut Loaded, query: &str) -> Result<(ast::Body, QueryOptions), Vec<Problem>> {
    let file = loaded.sources.add("", query);
    let body = govc_syntax::parse_query(file, query, &args.language.parse());
    if !body.diagnostics.is_empty() {
        return Err(run::problems(&body.diagnostics, &loaded.sources));
    }
    let head = args.import.iter().map(|import| format!("import {import}\n"));
    let head =
        format!("package {}\n{}", args.package.as_deref().unwrap_or("bench"), head.collect::<String>());
    let file = loaded.sources.add("", &head);
    let head = govc_syntax::parse_module(file, &head, &args.language.parse());
    if !head.diagnostics.is_empty() {
        return Err(run::problems(&head.diagnostics, &loaded.sources));
    }
    let path = head.tree.package.map(|package| package.path.into_iter().map(|part| part.name).collect());
    let package = path.filter(|_| args.package.is_some());
    Ok((body.tree, QueryOptions { package, imports: head.tree.imports, wrapping_not: false }))
}

fn undefined() -> Vec<Problem> {
    vec![Problem::plain("undefined result")]
}

fn plain(
    args: &Bench,
    loaded: &Loaded,
    (checked, check): (&Checked, &CheckOptions<'_>),
    (body, place): (&ast::Body, &QueryOptions),
    question: &Question,
) -> Result<Sample, Vec<Problem>> {
    let query = govc_compile::check_query(checked, body, check, place)
        .map_err(|found| run::problems(&found, &loaded.sources))?;
    let request = PlanRequest { queries: vec![("query".to_owned(), query)], ..PlanRequest::default() };
    let program = run::emit(&run::plan(checked, &request, &loaded.sources)?, &loaded.sources)?;
    let image = run::image(program, loaded)?;
    let ask = Ask { input: question.input.clone(), ..Ask::default() };
    let mut asker = Asker::default();
    measure::again(|| match asker.ask(&image, "query", &ask, &mut Terminal::new()) {
        Ok(answer) if args.fail && answer.results.is_empty() => Err(undefined()),
        Ok(_) => Ok(()),
        Err(problem) => Err(vec![problem]),
    })
}

fn partial(
    args: &Bench,
    loaded: &Loaded,
    (checked, check): (&Checked, &CheckOptions<'_>),
    (body, place): (&ast::Body, &QueryOptions),
    question: &Question,
) -> Result<Sample, Vec<Problem>> {
    let query = rewritten::rewrite_query(checked, body, check, place, false)
        .map_err(|found| run::problems(&found, &loaded.sources))?;
    let unknowns = args.unknowns.iter().map(|text| stepwise::path(text, &loaded.sources));
    let options =
        PartialOptions { unknowns: unknowns.collect::<Result<_, _>>()?, ..PartialOptions::default() };
    let data = loaded.documents.to_json();
    let input = question.input.as_deref();
    let arena = Arena::new(stepwise::MEMORY);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let data = stepwise::document(heap, &data)?;
    let input = input.map(|text| stepwise::document(heap, text.as_bytes())).transpose()?;
    measure::again(|| {
        let request = Request {
            checked,
            options: check,
            query: &query,
            data,
            input,
            world: &mut Terminal::new(),
            fuel: stepwise::FUEL,
            time: None,
            memory: stepwise::MEMORY,
        };
        match govc_topdown::partial(request, &options) {
            Ok(residual) if args.fail && residual.queries.is_empty() => Err(undefined()),
            Ok(_) => Ok(()),
            Err(error) => Err(stepwise::problems(std::slice::from_ref(&error), &loaded.sources)),
        }
    })
}
