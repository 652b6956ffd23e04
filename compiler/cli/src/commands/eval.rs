//! `govc eval`: evaluates a query. Exit code 0; 1 when `--fail` or `--fail-defined` says so; 2 on any error.

pub(crate) mod answer;
pub(crate) mod partial;
pub(crate) mod pretty;
mod watch;

use crate::coverage::{self, Kind, Pass};
use crate::duration;
use crate::emit::{self, Form};
use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::language::Language;
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::table;
use crate::world::Terminal;
use answer::{Expression, Solution};
use clap::{Args, ValueEnum};
use govc_compile::{CheckOptions, PlanRequest, QueryOptions};
use govc_syntax::{FileId, Span, ast};
use govc_vm::BuiltinErrors;
use std::io::Read;
use std::time::{Duration, Instant};

/// Evaluate a query
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc eval 'x := 1; y := 2; x < y'\n  \
                        $ govc eval -d policy -d data.json -i input.json data.access.allow\n  \
                        $ govc eval -f raw '\"hello\"'")]
pub(crate) struct Eval {
    /// The query
    query: Option<String>,
    /// Policy and data files or folders; `a.b:file.json` puts data under `data.a.b`
    #[arg(short, long, value_name = "PATH")]
    data: Vec<String>,
    /// Bundle files or folders
    #[arg(short, long, value_name = "PATH")]
    bundle: Vec<String>,
    /// File with the input document
    #[arg(short, long, value_name = "FILE")]
    input: Option<String>,
    /// Read the input document from standard input
    #[arg(short = 'I', long)]
    stdin_input: bool,
    /// Read the query from standard input
    #[arg(long)]
    stdin: bool,
    /// Imports of the query
    #[arg(long, value_name = "REF")]
    import: Vec<String>,
    /// Package of the query
    #[arg(long, value_name = "PACKAGE")]
    package: Option<String>,
    /// How to print
    #[arg(short, long, default_value = "json")]
    format: Format,
    /// Exit with 1 when the result is undefined
    #[arg(long)]
    fail: bool,
    /// Exit with 1 when the result is defined
    #[arg(long)]
    fail_defined: bool,
    /// The first error of a builtin ends the query
    #[arg(long)]
    strict_builtin_errors: bool,
    /// Print the errors of builtins beside the result
    #[arg(long)]
    show_builtin_errors: bool,
    /// Refuse what OPA's strict mode refuses
    #[arg(short = 'S', long)]
    strict: bool,
    /// JSON Schema of the input, or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    schema: Option<String>,
    /// Wall time, such as `5s`
    #[arg(long, value_parser = duration::parse, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// Print times beside the result
    #[arg(long)]
    metrics: bool,
    /// Print which lines were evaluated beside the result
    #[arg(long)]
    coverage: bool,
    /// Further evaluations that tell why a line was not evaluated
    #[arg(long, value_delimiter = ',', default_value = "index_excluded,early_exit", value_name = "KINDS")]
    coverage_runs: Vec<Kind>,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    /// Width after which values of the pretty format are cut
    #[arg(long, default_value_t = 80)]
    pretty_limit: usize,
    /// Form of the program to print instead of evaluating
    #[arg(long, hide = true)]
    emit: Option<Form>,
    #[command(flatten)]
    partial: partial::Partial,
    #[command(flatten)]
    watch: watch::Watched,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    later: Later,
}

/// OPA's flags that are not there yet: known, so that the answer is clear.
#[derive(Args, Debug)]
struct Later {
    #[arg(long, hide = true)]
    instrument: bool,
    #[arg(short, long, hide = true, default_value = "rego", value_parser = ["rego", "wasm"])]
    target: String,
    // These change how fast an answer comes, never the answer, so they are taken and need nothing.
    #[arg(short = 'O', long, hide = true, default_value_t = 0)]
    optimize: u32,
    #[arg(short, long, hide = true)]
    entrypoint: Vec<String>,
    #[arg(long, hide = true)]
    disable_indexing: bool,
    #[arg(long, hide = true)]
    disable_early_exit: bool,
    #[arg(long, hide = true)]
    optimize_store_for_read_speed: bool,
    #[arg(long, hide = true, default_value_t = 1)]
    count: u32,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Values,
    Bindings,
    Pretty,
    Source,
    Raw,
    Discard,
}

/// What the command prints.
#[derive(Debug, Default)]
struct Report {
    problems: Vec<Problem>,
    expressions: Vec<Expression>,
    solutions: Vec<Solution>,
    times: Vec<(&'static str, Duration)>,
    residual: Option<govc_topdown::Residual>,
    watched: Option<watch::Told>,
    coverage: Option<coverage::Report>,
}

pub(crate) fn run(args: &Eval) -> Exit {
    if let Err(message) = usage(args) {
        output::eprintln(&format!("Error: {message}"));
        return Exit::Failure;
    }
    match evaluate(args) {
        Ok(None) => Exit::Success,
        Ok(Some(report)) => finish(args, &report),
        Err(Stop::Plain(text)) => {
            output::eprintln(&text);
            Exit::Error
        }
        Err(Stop::Problems(problems)) => {
            print(args, &Report { problems, ..Report::default() });
            Exit::Error
        }
    }
}

/// OPA's rules for the command line.
fn usage(args: &Eval) -> Result<(), &'static str> {
    match () {
        () if args.query.is_some() && args.stdin => Err("specify query argument or --stdin but not both"),
        () if args.query.is_none() && !args.stdin => Err("specify query argument or --stdin"),
        () if args.stdin && args.stdin_input => Err("specify --stdin or --stdin-input but not both"),
        () if args.stdin_input && args.input.is_some() => {
            Err("specify --stdin-input or --input but not both")
        }
        () if args.fail && args.fail_defined => Err("specify --fail or --fail-defined but not both"),
        () if args.partial.partial
            && !matches!(args.format, Format::Pretty | Format::Json | Format::Source) =>
        {
            Err("invalid output format for partial evaluation")
        }
        () if args.format == Format::Source && !args.partial.partial => {
            Err("invalid output format for evaluation")
        }
        () => Ok(()),
    }
}

/// Why there is no answer.
enum Stop {
    /// Printed on standard error as it is, whatever the format.
    Plain(String),
    /// Printed in the format asked for.
    Problems(Vec<Problem>),
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl Later {
    fn problem(&self) -> Option<Problem> {
        let flags = [(self.instrument, "--instrument"), (self.target != "rego", "--target")];
        let (_, flag) = flags.iter().find(|(set, _)| *set)?;
        Some(Problem::not_yet(format!("`{flag}` is not supported yet")))
    }
}

fn evaluate(args: &Eval) -> Result<Option<Report>, Stop> {
    if let Some(problem) = args.later.problem() {
        return Err(Stop::Problems(vec![problem]));
    }
    if args.strict_builtin_errors && args.show_builtin_errors {
        let text = "cannot use --show-builtin-errors with --strict-builtin-errors, --strict-builtin-errors will return \
                    the first built-in error encountered immediately";
        return Err(Stop::Plain(text.to_owned()));
    }
    let text = query_text(args)?;
    let input = input(args)?;
    let mut loaded = load(args);
    let file = loaded.sources.add("", &text);
    let started = Instant::now();
    let body = parse(args, &mut loaded, file, &text)?;
    let options = query_options(args, &mut loaded)?;
    let parsed = started.elapsed();
    let schemas = files::schema::load(args.schema.as_deref())
        .map_err(|p| Stop::Plain(problem::loading_summary(&[p])))?;
    let rules = run::Rules { strict: args.strict, error_limit: 10, schemas, cases: false };
    let started = Instant::now();
    if args.partial.partial {
        let started = Instant::now();
        let residual = run::check(&loaded, rules, |checked, check| {
            args.partial.evaluate(args, &loaded, (&checked, check), (&body, &options), input.as_deref())
        })?;
        let problems = run::stepwise::problems(&residual.builtin_errors, &loaded.sources);
        let problems = if args.show_builtin_errors { problems } else { Vec::new() };
        let times = vec![("timer_rego_partial_eval_ns", started.elapsed())];
        return Ok(Some(Report { residual: Some(residual), problems, times, ..Report::default() }));
    }
    if args.watch.is_asked() && !args.coverage {
        let report = run::check(&loaded, rules, |checked, check| {
            let compile = started.elapsed();
            args.watch.evaluate(args, &loaded, (&checked, check), (&body, &options), input.as_deref()).map(
                |mut report| {
                    report.times.extend([
                        ("timer_rego_query_compile_ns", compile),
                        ("timer_rego_query_parse_ns", parsed),
                    ]);
                    report.times.sort_by_key(|(name, _)| *name);
                    report
                },
            )
        })?;
        return Ok(Some(report));
    }
    let compiled = run::check(&loaded, rules, |checked, check| {
        // Strict mode is for policies; a query may assign what it does not use.
        let relaxed = CheckOptions { strict: false, ..check.clone() };
        let query = govc_compile::check_query(&checked, &body, &relaxed, &options)
            .map_err(|found| run::problems(&found, &loaded.sources))?;
        let expressions: Vec<Span> = query.expressions.iter().map(|(span, _)| *span).collect();
        let mut request =
            PlanRequest { queries: vec![("query".to_owned(), query)], ..PlanRequest::default() };
        if let Some(form) = args.emit {
            emit::checked(form, &checked, &request, &loaded.sources)?;
            return Ok(None);
        }
        let mut program = |kind: Option<Kind>| {
            request.marks = args.coverage.then(|| kind.map_or(coverage::BASELINE, Kind::marks));
            let policy = run::plan(&checked, &request, &loaded.sources)?;
            Ok::<_, Vec<Problem>>((run::emit(&policy, &loaded.sources)?, Pass::new(kind, policy.marks)))
        };
        let first = program(None)?;
        let further = args.coverage_runs.iter().filter(|_| args.coverage).map(|&kind| program(Some(kind)));
        Ok(Some((first, further.collect::<Result<Vec<_>, _>>()?, expressions)))
    })?;
    let Some(((program, mut pass), further, spans)) = compiled else { return Ok(None) };
    let compile = started.elapsed();
    let image = run::image(program, &loaded)?;
    let expressions: Vec<Expression> =
        spans.iter().map(|&span| Expression::new(span, &loaded.sources)).collect();
    let ask = Ask { input, builtin_errors: builtin_errors(args), timeout: args.timeout };
    let started = Instant::now();
    let mut world = Terminal::new();
    let mut asker = Asker::default();
    let answer = match asker.ask(&image, "query", &ask, &mut world) {
        Ok(answer) => answer,
        Err(problem) => {
            return Err(Stop::Problems(vec![match args.format {
                Format::Json | Format::Discard => problem,
                _ => answer::for_people(&problem, &expressions),
            }]));
        }
    };
    let eval = started.elapsed();
    let solutions = answer.results.iter().map(|json| Solution::read(json, &expressions));
    let coverage = match args.coverage {
        true => {
            pass.add(&world);
            Some(cover(&loaded, pass, further, &ask)?)
        }
        false => None,
    };
    Ok(Some(Report {
        coverage,
        residual: None,
        watched: None,
        solutions: solutions.collect::<Result<_, _>>().map_err(|p| vec![p])?,
        problems: answer.builtin_errors,
        expressions,
        times: vec![
            ("timer_rego_query_compile_ns", compile),
            ("timer_rego_query_eval_ns", eval),
            ("timer_rego_query_parse_ns", parsed),
        ],
    }))
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
        pass.add(&world);
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

fn query_text(args: &Eval) -> Result<String, Stop> {
    match &args.query {
        Some(query) => Ok(query.clone()),
        None => stdin(),
    }
}

fn stdin() -> Result<String, Stop> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| Stop::Plain(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Stop::Plain(error.to_string()))
}

fn input(args: &Eval) -> Result<Option<String>, Stop> {
    if args.stdin_input {
        let text = files::any_document(stdin()?.as_bytes());
        return text.map(Some).map_err(|error| Stop::Plain(format!("unable to parse input: {error}")));
    }
    let read = args.input.as_deref().map(files::document).transpose();
    read.map_err(|problem| Stop::Plain(problem.line()))
}

fn load(args: &Eval) -> Loaded {
    files::load(&files::Request {
        data: args.data.clone(),
        bundles: args.bundle.clone(),
        ignore: args.ignore.clone(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    })
}

/// Parses the query; its errors come after those of the files.
fn parse(args: &Eval, loaded: &mut Loaded, file: FileId, text: &str) -> Result<ast::Body, Stop> {
    if !loaded.problems.is_empty() {
        return Err(Stop::Problems(loaded.problems.clone()));
    }
    let parsed = govc_syntax::parse_query(file, text, &args.language.parse());
    match parsed.diagnostics.is_empty() {
        true if parsed.tree.literals.is_empty() => {
            Err(Stop::Problems(vec![Problem::plain("cannot evaluate empty query")]))
        }
        true => Ok(parsed.tree),
        false => Err(run::problems(&parsed.diagnostics, &loaded.sources).into()),
    }
}

/// Package and imports are read as the head of a module.
/// Problems of the head, each as if its line had stood alone, as OPA reads them.
fn head_problems(args: &Eval, mut problems: Vec<Problem>) -> Vec<Problem> {
    if args.package.as_deref().is_some_and(|package| package.trim().contains(char::is_whitespace)) {
        return vec![Problem::plain("expected exactly one statement")];
    }
    problems.iter_mut().filter_map(|problem| problem.location.as_mut()).for_each(|place| place.row = 1);
    problems
}

fn query_options(args: &Eval, loaded: &mut Loaded) -> Result<QueryOptions, Stop> {
    let mut text = format!("package {}\n", args.package.as_deref().unwrap_or("repl"));
    args.import.iter().for_each(|import| text.push_str(&format!("import {import}\n")));
    let file = loaded.sources.add("", &text);
    let parsed = govc_syntax::parse_module(file, &text, &args.language.parse());
    if !parsed.diagnostics.is_empty() {
        return Err(head_problems(args, run::problems(&parsed.diagnostics, &loaded.sources)).into());
    }
    let path = parsed.tree.package.map(|p| p.path.into_iter().map(|part| part.name).collect());
    Ok(QueryOptions {
        package: path.filter(|_| args.package.is_some()),
        imports: parsed.tree.imports,
        wrapping_not: args.language.experimental_keywords,
    })
}

fn finish(args: &Eval, report: &Report) -> Exit {
    print(args, report);
    let defined = match &report.residual {
        Some(residual) => !residual.queries.is_empty(),
        None => !report.solutions.is_empty(),
    };
    if (args.fail && !defined) || (args.fail_defined && defined) { Exit::Failure } else { Exit::Success }
}

fn print(args: &Eval, report: &Report) {
    let people = !matches!(args.format, Format::Json | Format::Discard);
    if people && !report.problems.is_empty() {
        let problems = report.problems.iter().map(|problem| answer::for_people(problem, &report.expressions));
        return output::eprintln(&problem::summary(&problems.collect::<Vec<_>>()));
    }
    match args.format {
        Format::Values => report.solutions.iter().for_each(|s| output::println(&s.values().pretty())),
        Format::Bindings => report.solutions.iter().for_each(|s| output::println(&s.bindings().pretty())),
        Format::Raw => report.solutions.iter().for_each(|s| output::println(&s.raw())),
        Format::Source => output::print(&partial::source(report.residual.as_ref())),
        Format::Pretty => {
            output::print(report.watched.as_ref().map_or("", |told| told.trace.as_str()));
            output::print(&match &report.residual {
                Some(residual) if !residual.queries.is_empty() => partial::pretty(residual),
                // As OPA, which looks at `--pretty-limit` only in its shell.
                _ => pretty::text(&report.solutions, 0),
            });
            let metrics = args.metrics || args.watch.profile();
            output::print(&pretty::metrics(if metrics { &report.times } else { &[] }));
            output::print(&watch::profile_table(report.watched.as_ref()));
            if let Some(coverage) = &report.coverage {
                let percent = (coverage.percent() * 100.0).round() / 100.0;
                output::print(&table::bare(&[vec!["Overall Coverage".to_owned(), percent.to_string()]]));
            }
        }
        Format::Json => output::println(&node(args, report, false).pretty()),
        Format::Discard => output::println(&node(args, report, true).pretty()),
    }
}

/// OPA's object: `errors`, `result`, `metrics`, each only if there is something in it.
fn node(args: &Eval, report: &Report, discard: bool) -> Node {
    let mut object = Vec::new();
    if !report.problems.is_empty() {
        let problems = report.problems.iter().map(Problem::to_node).collect();
        object.push(("errors".to_owned(), Node::Array(problems)));
    }
    if !report.solutions.is_empty() {
        let result = match discard {
            true => Node::string("discarded"),
            false => Node::Array(report.solutions.iter().map(Solution::to_node).collect()),
        };
        object.push(("result".to_owned(), result));
    }
    object.extend(report.residual.as_ref().map(|r| ("partial".to_owned(), partial::node(r))));
    if (args.metrics || args.watch.profile()) && !report.times.is_empty() {
        let time = |d: Duration| Node::int(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX));
        let times = report.times.iter().map(|&(name, d)| (name.to_owned(), time(d)));
        object.push(("metrics".to_owned(), Node::Object(times.collect())));
    }
    object.extend(report.watched.iter().flat_map(watch::members));
    object.extend(report.coverage.as_ref().map(|report| ("coverage".to_owned(), report.to_node())));
    Node::Object(object)
}
