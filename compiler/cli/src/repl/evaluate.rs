//! A query of the shell: the input first, then the query itself, in one program.

use super::session::{Session, Trace};
use crate::commands::eval::answer::{self, Expression, Solution};
use crate::commands::eval::pretty;
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::world::Terminal;
use govc_compile::{PlanRequest, QueryOptions};
use govc_syntax::Span;
use govc_vm::{BuiltinErrors, Image};
use std::time::{Duration, Instant};

/// The document that is the input.
const INPUT: &str = "data.repl.input";

/// Evaluates a query and prints the answer. Errors of the evaluation are part of the answer.
pub(super) fn run(session: &mut Session, text: &str) -> Result<(), Vec<Problem>> {
    if let Some(missing) = missing(session) {
        return Err(vec![Problem::not_yet(format!("{missing} is not supported in the shell yet"))]);
    }
    let started = Instant::now();
    let (image, expressions, modules) = compile(session, text)?;
    let compiled = started.elapsed().saturating_sub(modules);
    let mut world = Terminal::keeping_prints();
    let mut asker = Asker::default();
    let input = asker.ask(&image, "input", &Ask::default(), &mut world).map_err(|problem| vec![problem])?;
    let input = input.results.first().and_then(|json| Solution::read(json, &[]).ok());
    let input =
        input.and_then(|mut solution| solution.bindings.remove("x")).map(|value| value.get().to_owned());
    let strict = session.settings.strict;
    let builtin_errors = if strict { BuiltinErrors::Strict } else { BuiltinErrors::Undefined };
    let mut world = Terminal::keeping_prints();
    let started = Instant::now();
    let found = asker.ask(&image, "query", &Ask { input, builtin_errors, timeout: None }, &mut world);
    let times = [
        ("timer_rego_module_compile_ns", modules),
        ("timer_rego_query_compile_ns", compiled),
        ("timer_rego_query_eval_ns", started.elapsed()),
        ("timer_rego_query_parse_ns", session.parsed),
    ];
    output::print(&world.printed.take().unwrap_or_default());
    let solutions = found.and_then(|answer| {
        answer.results.iter().map(|json| Solution::read(json, &expressions)).collect::<Result<Vec<_>, _>>()
    });
    let json = session.settings.json;
    let solutions =
        solutions.map_err(|problem| if json { problem } else { answer::for_people(&problem, &expressions) });
    print(session, solutions, &times);
    Ok(())
}

/// What is switched on and not there.
fn missing(session: &Session) -> Option<&'static str> {
    let settings = &session.settings;
    match () {
        () if !settings.unknowns.is_empty() => Some("`unknown`"),
        () if settings.trace != Trace::Off => Some("`trace`"),
        () if settings.profile => Some("`profile`"),
        () if settings.types => Some("`types`"),
        () => None,
    }
}

/// The program, the expressions of the query, and how long the modules took.
fn compile(session: &mut Session, text: &str) -> Result<(Image, Vec<Expression>, Duration), Vec<Problem>> {
    let file = session.loaded.sources.add("", text);
    let query = govc_syntax::parse_query(file, text, &session.parse).tree;
    let asked = format!("x = {INPUT}");
    let input = session.loaded.sources.add("", &asked);
    let input = govc_syntax::parse_query(input, &asked, &session.parse).tree;
    let head = session.head();
    let file = session.loaded.sources.add("", &head);
    let imports = govc_syntax::parse_module(file, &head, &session.parse).tree.imports;
    let options = QueryOptions { package: Some(session.package()), imports, wrapping_not: false };
    let loaded = &session.loaded;
    let started = Instant::now();
    run::check(loaded, session.rules(), |checked, check| {
        let modules = started.elapsed();
        let told = |found: Vec<govc_syntax::Diagnostic>| run::problems(&found, &loaded.sources);
        let input =
            govc_compile::check_query(&checked, &input, check, &QueryOptions::default()).map_err(told)?;
        let query = govc_compile::check_query(&checked, &query, check, &options).map_err(told)?;
        let spans: Vec<Span> = query.expressions.iter().map(|(span, _)| *span).collect();
        let queries = vec![("input".to_owned(), input), ("query".to_owned(), query)];
        let request = PlanRequest { queries, ..PlanRequest::default() };
        let policy = run::plan(&checked, &request, &loaded.sources)?;
        let image = run::image(run::emit(&policy, &loaded.sources)?, loaded)?;
        let expressions = spans.iter().map(|&span| Expression::new(span, &loaded.sources)).collect();
        Ok((image, expressions, modules))
    })
}

fn print(session: &Session, solutions: Result<Vec<Solution>, Problem>, times: &[(&str, Duration)]) {
    let settings = &session.settings;
    let times = if settings.metrics { times } else { &[] };
    match solutions {
        Err(problem) if settings.json => {
            output::println(&problem::errors_node(&[problem]).pretty());
        }
        Err(problem) => {
            output::println(&problem::summary(&[problem]));
            output::print(&pretty::metrics(times));
        }
        Ok(solutions) if settings.json => {
            let results: Vec<Node> = solutions.iter().map(Solution::to_node).collect();
            let mut object = Vec::new();
            if !results.is_empty() {
                object.push(("result".to_owned(), Node::Array(results)));
            }
            if !times.is_empty() {
                object.push(("metrics".to_owned(), pretty::metrics_node(times)));
            }
            output::println(&Node::Object(object).pretty());
        }
        Ok(solutions) => {
            output::print(&pretty::text(&solutions, settings.pretty_limit));
            output::print(&pretty::metrics(times));
        }
    }
}
