//! Evaluation on the virtual machine, once or, for `--coverage`, several times.

use super::answer::{self, Expression, Solution};
use super::{Eval, Format, Report, Stop};
use crate::coverage::{self, Kind, Pass};
use crate::emit;
use crate::files::Loaded;
use crate::problem::Problem;
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::world::Terminal;
use govc_bytecode::Program;
use govc_compile::{CheckOptions, Checked, PlanRequest, QueryOptions};
use govc_syntax::{Span, ast};
use govc_vm::BuiltinErrors;
use std::time::Instant;

/// A query as programs: the first, and those for a fuller coverage.
pub(super) struct Compiled {
    first: (Program, Pass),
    further: Vec<(Program, Pass)>,
    expressions: Vec<Span>,
}

/// Compiles a query; nothing comes of it where only a form of the program was to be printed.
pub(super) fn compile(
    args: &Eval,
    loaded: &Loaded,
    (checked, check): (&Checked, &CheckOptions<'_>),
    (body, place): (&ast::Body, &QueryOptions),
) -> Result<Option<Compiled>, Vec<Problem>> {
    // Strict mode is for policies; a query may assign what it does not use.
    let relaxed = CheckOptions { strict: false, ..check.clone() };
    let query = govc_compile::check_query(checked, body, &relaxed, place)
        .map_err(|found| run::problems(&found, &loaded.sources))?;
    let expressions: Vec<Span> = query.expressions.iter().map(|(span, _)| *span).collect();
    let queries = vec![("query".to_owned(), query)];
    let mut request = PlanRequest { queries, strict: args.strict_builtin_errors, ..PlanRequest::default() };
    if let Some(form) = args.emit {
        emit::checked(form, checked, &request, &loaded.sources)?;
        return Ok(None);
    }
    let mut program = |kind: Option<Kind>| {
        request.marks = args.coverage.then(|| kind.map_or(coverage::BASELINE, Kind::marks));
        let policy = run::plan(checked, &request, &loaded.sources)?;
        Ok::<_, Vec<Problem>>((run::emit(&policy, &loaded.sources)?, Pass::new(kind, policy.marks)))
    };
    let first = program(None)?;
    let further = args.coverage_runs.iter().filter(|_| args.coverage).map(|&kind| program(Some(kind)));
    Ok(Some(Compiled { first, further: further.collect::<Result<_, _>>()?, expressions }))
}

/// Evaluates.
pub(super) fn evaluate(
    args: &Eval,
    loaded: &Loaded,
    compiled: Compiled,
    input: Option<&str>,
) -> Result<Report, Stop> {
    let (program, mut pass) = compiled.first;
    let image = run::image(program, loaded)?;
    let expressions: Vec<Expression> =
        compiled.expressions.iter().map(|&span| Expression::new(span, &loaded.sources)).collect();
    let ask = Ask {
        input: input.map(str::to_owned),
        builtin_errors: builtin_errors(args),
        timeout: args.timeout,
        recorded: None,
    };
    let started = Instant::now();
    let mut world = Terminal::new();
    let answer = match Asker::default().ask(&image, "query", &ask, &mut world) {
        Ok(answer) => answer,
        Err(problem) => {
            return Err(Stop::Problems(vec![match args.format {
                Format::Json | Format::Discard => problem,
                _ => answer::for_people(&problem, &expressions),
            }]));
        }
    };
    let mut report = Report { problems: answer.builtin_errors, ..Report::default() };
    report.metrics.time("rego_query_eval", started.elapsed());
    let solutions = answer.results.iter().map(|json| Solution::read(json, &expressions));
    report.solutions = solutions.collect::<Result<_, _>>().map_err(|p| vec![p])?;
    if args.coverage {
        pass.add(&world.marked);
        report.coverage = Some(cover(loaded, pass, compiled.further, &ask)?);
    }
    Ok(Report { expressions, ..report })
}

/// Evaluates again in the other ways; what goes wrong there has gone wrong before or tells nothing.
fn cover(
    loaded: &Loaded,
    first: Pass,
    further: Vec<(govc_bytecode::Program, Pass)>,
    ask: &Ask,
) -> Result<coverage::Report, Vec<Problem>> {
    let mut passes = vec![first];
    for (program, mut pass) in further {
        let image = run::image(program, loaded)?;
        let mut world = Terminal::keeping_prints();
        let _ = Asker::default().ask(&image, "query", ask, &mut world);
        pass.add(&world.marked);
        passes.push(pass);
    }
    Ok(coverage::Report::new(loaded, &passes))
}

fn builtin_errors(args: &Eval) -> BuiltinErrors {
    match (args.strict_builtin_errors, args.show_builtin_errors) {
        (true, _) => BuiltinErrors::Strict,
        (_, true) => BuiltinErrors::Collect,
        _ => BuiltinErrors::Undefined,
    }
}
