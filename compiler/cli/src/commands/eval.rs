//! `govc eval`: evaluates a query. Exit code 0; 1 when `--fail` or `--fail-defined` says so; 2 on any error.

pub(crate) mod answer;
pub(crate) mod partial;
mod plain;
pub(crate) mod pretty;
mod question;
pub(crate) mod watch;

use crate::coverage::{self, Kind};
use crate::duration;
use crate::emit::Form;
use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::language::Language;
use crate::metrics::{self, Metrics};
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run;
use crate::table;
use answer::{Expression, Solution};
use clap::{Args, ValueEnum};
use govc_topdown::LineProfile;
use question::Question;
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
    /// Count and time what the evaluator does inside; implies `--metrics`
    #[arg(long)]
    instrument: bool,
    /// How often to evaluate; times and profile are told of all evaluations together
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    count: u32,
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
    metrics: Metrics,
    /// What every evaluation cost, if there were several.
    rounds: Vec<Round>,
    residual: Option<govc_topdown::Residual>,
    watched: Option<watch::Told>,
    coverage: Option<coverage::Report>,
}

/// What one of several evaluations cost.
#[derive(Debug)]
pub(crate) struct Round {
    metrics: Metrics,
    profile: Vec<LineProfile>,
}

impl Round {
    fn of(report: &Report) -> Self {
        let profile = report.watched.as_ref().map(|told| told.profile.clone());
        Self { metrics: report.metrics.clone(), profile: profile.unwrap_or_default() }
    }
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

impl Eval {
    /// Whether times are told.
    fn measures(&self) -> bool {
        self.metrics || self.instrument || self.watch.profile()
    }
}

impl Report {
    fn rounds_of_metrics(&self) -> Vec<Metrics> {
        self.rounds.iter().map(|round| round.metrics.clone()).collect()
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
        let flags = [(self.target != "rego", "--target")];
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
    let question = Question::read(args)?;
    let Some(mut report) = once(args, &question)? else { return Ok(None) };
    if args.count > 1 {
        report.rounds.push(Round::of(&report));
    }
    // As OPA: everything from loading to evaluation is done again.
    for _ in 1..args.count {
        report.rounds.extend(once(args, &question)?.as_ref().map(Round::of));
    }
    Ok(Some(report))
}

fn once(args: &Eval, question: &Question) -> Result<Option<Report>, Stop> {
    let mut metrics = Metrics::default();
    let started = Instant::now();
    let mut loaded = load(args);
    if !args.data.is_empty() || !args.bundle.is_empty() {
        let source = if args.bundle.is_empty() { "rego_load_files" } else { "rego_load_bundles" };
        metrics.time(source, started.elapsed());
        metrics.time("rego_module_parse", loaded.parsing);
    }
    let file = loaded.sources.add("", &question.text);
    let started = Instant::now();
    let body = question::parse(args, &mut loaded, file, &question.text)?;
    let options = question::options(args, &mut loaded)?;
    metrics.time("rego_query_parse", started.elapsed());
    let schemas = files::schema::load(args.schema.as_deref())
        .map_err(|p| Stop::Plain(problem::loading_summary(&[p])))?;
    let rules = run::Rules { strict: args.strict, error_limit: 10, schemas, cases: false };
    let asked = (&body, &options);
    let input = question.input.as_deref();
    let started = Instant::now();
    let (compiled, mut report) = run::check(&loaded, rules, |checked, check| {
        if !args.data.is_empty() || !args.bundle.is_empty() {
            metrics.time("rego_module_compile", started.elapsed());
        }
        let started = Instant::now();
        let policies = (&checked, check);
        match () {
            () if args.partial.partial => {
                let residual = args.partial.evaluate(args, &loaded, policies, asked, input, &mut metrics)?;
                let problems = run::stepwise::problems(&residual.builtin_errors, &loaded.sources);
                let problems = if args.show_builtin_errors { problems } else { Vec::new() };
                Ok((None, Report { residual: Some(residual), problems, ..Report::default() }))
            }
            () if (args.watch.is_asked() || args.instrument) && !args.coverage => {
                Ok((None, args.watch.evaluate(args, &loaded, policies, asked, input)?))
            }
            () => {
                let compiled = plain::compile(args, &loaded, policies, asked)?;
                metrics.time("rego_query_compile", started.elapsed());
                Ok((Some(compiled), Report::default()))
            }
        }
    })?;
    match compiled {
        Some(None) => return Ok(None),
        Some(Some(compiled)) => report = plain::evaluate(args, &loaded, compiled, input)?,
        None => {}
    }
    report.metrics.add(metrics);
    Ok(Some(report))
}

fn load(args: &Eval) -> Loaded {
    files::load(&files::Request {
        data: args.data.clone(),
        bundles: args.bundle.clone(),
        wording: files::Wording::Steps,
        ignore: args.ignore.clone(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
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
            match report.rounds.is_empty() {
                true if args.measures() => output::print(&report.metrics.table()),
                false if args.measures() => {
                    output::print(&metrics::aggregated_table(&report.rounds_of_metrics()))
                }
                _ => {}
            }
            output::print(&watch::profile_table(report.watched.as_ref(), &report.rounds));
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
    if args.measures() && !report.metrics.is_empty() {
        object.push(match report.rounds.is_empty() {
            true => ("metrics".to_owned(), report.metrics.to_node()),
            false => ("aggregated_metrics".to_owned(), metrics::aggregated_node(&report.rounds_of_metrics())),
        });
    }
    object.extend(report.watched.iter().flat_map(|told| watch::members(told, &report.rounds)));
    object.extend(report.coverage.as_ref().map(|report| ("coverage".to_owned(), report.to_node())));
    Node::Object(object)
}
