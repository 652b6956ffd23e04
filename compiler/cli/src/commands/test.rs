//! `govc test`: runs rules named `test_..`. Exit code 0 when all pass, 2 when one does not, 1 when nothing can be run.

mod plan;
mod report;

use crate::duration;
use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::language::Language;
use crate::output;
use crate::problem::{self, Problem};
use crate::run::{self, query::Ask};
use crate::world::Terminal;
use clap::{Args, ValueEnum};
use govc_compile::PlanRequest;
use govc_vm::Image;
use plan::Case;
use regex::Regex;
use report::Outcome;
use std::time::{Duration, Instant};

/// Run the tests of policies
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc test policy data.json\n  $ govc test -v --run stranger policy data.json"
)]
pub(crate) struct Test {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<String>,
    /// Load the paths as bundles
    #[arg(short, long)]
    bundle: bool,
    /// Print passed tests too
    #[arg(short, long)]
    verbose: bool,
    /// Only tests whose name, such as `data.a_test.test_x`, matches this pattern
    #[arg(short, long, value_name = "REGEX")]
    run: Option<String>,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Wall time of one test
    #[arg(long, value_parser = duration::parse, default_value = "5s", value_name = "DURATION")]
    timeout: Duration,
    /// Exit with 0 although tests were skipped
    #[arg(short = 'z', long)]
    exit_zero_on_skipped: bool,
    /// Exit with 1 when there is no test
    #[arg(long)]
    fail_on_empty: bool,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    /// Errors after which no more are reported; without limit where it is not positive
    #[arg(short, long, default_value_t = 10, allow_negative_numbers = true)]
    max_errors: i64,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    later: Later,
}

/// OPA's flags that are not there yet, and those that change nothing here.
#[derive(Args, Debug)]
struct Later {
    #[arg(short, long, hide = true)]
    coverage: bool,
    #[arg(long, hide = true)]
    threshold: Option<f64>,
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(short, long, hide = true)]
    watch: bool,
    #[arg(short, long, hide = true)]
    schema: Option<String>,
    #[arg(long, hide = true)]
    explain: Option<String>,
    #[arg(short, long, hide = true)]
    parallel: Option<u32>,
    #[arg(short, long, hide = true, default_value = "rego")]
    target: String,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

impl Later {
    fn problem(&self) -> Option<Problem> {
        let flags = [
            (self.coverage, "--coverage"),
            (self.threshold.is_some(), "--threshold"),
            (self.bench, "--bench"),
            (self.watch, "--watch"),
            (self.schema.is_some(), "--schema"),
            (self.target != "rego", "--target"),
        ];
        let (_, flag) = flags.iter().find(|(set, _)| *set)?;
        Some(Problem::not_yet(format!("`{flag}` is not supported yet")))
    }
}

pub(crate) fn run(args: &Test) -> Exit {
    if let Some(problem) = args.later.problem() {
        return refuse(&problem::summary(&[problem]));
    }
    let wanted = match args.run.as_deref().map(Regex::new).transpose() {
        Ok(wanted) => wanted,
        Err(error) => return refuse(&error.to_string()),
    };
    let mut loaded = load(args);
    if !loaded.problems.is_empty() {
        return refuse(&problem::loading_summary(&loaded.problems));
    }
    let mut cases = plan::cases(&mut loaded.modules, &loaded.sources);
    if let Some(wanted) = wanted {
        cases.retain(|case| wanted.is_match(&case.full_name()));
    }
    match compile(args, &loaded, &cases) {
        Ok(image) => finish(args, &run_all(args, &image, &cases)),
        Err(problems) => refuse(&problem::summary(&problems)),
    }
}

fn refuse(text: &str) -> Exit {
    output::eprintln(text);
    Exit::Failure
}

fn load(args: &Test) -> Loaded {
    let paths = args.paths.clone();
    let (data, bundles) = if args.bundle { (Vec::new(), paths) } else { (paths, Vec::new()) };
    let ignore = args.ignore.clone();
    files::load(&files::Request {
        data,
        bundles,
        ignore,
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    })
}

/// One program for all tests: each is an entrypoint.
fn compile(args: &Test, loaded: &Loaded, cases: &[Case]) -> Result<Image, Vec<Problem>> {
    let rules =
        run::Rules { error_limit: usize::try_from(args.max_errors).unwrap_or(0), ..run::Rules::default() };
    run::check(loaded, rules, |checked, _| {
        let planned = cases.iter().filter(|case| case.runs()).map(Case::entrypoint);
        let request = PlanRequest { entrypoints: planned.collect(), ..PlanRequest::default() };
        let policy = run::plan(&checked, &request, &loaded.sources)?;
        run::image(run::emit(&policy, &loaded.sources)?, loaded)
    })
}

fn run_all(args: &Test, image: &Image, cases: &[Case]) -> Vec<Outcome> {
    cases.iter().map(|case| run_one(args, image, case)).collect()
}

fn run_one(args: &Test, image: &Image, case: &Case) -> Outcome {
    if case.skipped() {
        return Outcome::skipped(case);
    }
    if case.parameterised {
        let problem = Problem::not_yet("tests with cases (`test_x[case]`) are not supported yet");
        return Outcome::error(case, problem);
    }
    let ask = Ask { timeout: Some(args.timeout).filter(|t| !t.is_zero()), ..Ask::default() };
    let mut world = Terminal::keeping_prints();
    let started = Instant::now();
    let answer = run::query::ask(image, &case.entrypoint(), &ask, &mut world);
    let took = started.elapsed();
    let mut outcome = match answer {
        Ok(answer) => Outcome::of(case, answer.results.iter().any(|result| result == r#"{"result":true}"#)),
        Err(problem) => Outcome::error(case, problem),
    };
    outcome.duration = took;
    outcome.printed = world.printed.unwrap_or_default();
    outcome
}

fn finish(args: &Test, outcomes: &[Outcome]) -> Exit {
    match args.format {
        Format::Json => output::println(&report::json(outcomes).pretty()),
        Format::Pretty => output::print(&report::pretty(outcomes, args.verbose)),
    }
    let bad = outcomes.iter().any(|o| o.fail || o.error.is_some() || (o.skip && !args.exit_zero_on_skipped));
    match (outcomes.is_empty(), bad) {
        (true, _) if args.fail_on_empty => refuse("no tests were run"),
        (_, true) => Exit::Error,
        _ => Exit::Success,
    }
}
