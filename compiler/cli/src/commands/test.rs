//! `govc test`: runs rules named `test_..`. Exit code 0 when all pass, 2 when one does not, 1 when nothing can be run.

mod agent_safe;
mod cases;
mod failure;
mod formats;
mod plan;
mod report;
mod trace;

use crate::coverage::{self, Kind, Pass};
use crate::duration;
use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::language::Language;
use crate::measure;
use crate::output;
use crate::parallel;
use crate::problem::{self, Problem};
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::watch;
use crate::world::Terminal;
use cases::Cases;
use clap::{Args, ValueEnum};
use govc_compile::{PlanRequest, Schemas};
use govc_vm::Image;
use plan::Case;
use regex::Regex;
use report::Outcome;
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
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
    /// Print which lines the tests evaluate, as JSON, instead of the results
    #[arg(short, long)]
    coverage: bool,
    /// Further evaluations that tell why a line was not evaluated
    #[arg(long, value_delimiter = ',', default_value = "index_excluded,early_exit", value_name = "KINDS")]
    coverage_runs: Vec<Kind>,
    /// Exit with 2 when less than this percentage of the lines is evaluated; implies `--coverage`
    #[arg(long, value_name = "PERCENT")]
    threshold: Option<f64>,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    /// Print how failed tests were evaluated, step by step; implies `--verbose`
    #[arg(long, value_name = "MODE")]
    explain: Option<trace::Mode>,
    /// Show the values of variables in these steps (failed statements show theirs always)
    #[arg(long)]
    var_values: bool,
    /// How many tests run at once [default: as many as there are processors]
    #[arg(short, long, value_name = "COUNT")]
    parallel: Option<usize>,
    /// Order of results in JSON
    #[arg(long, default_value = "none")]
    sort: Sort,
    /// JSON Schema of the input, or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    schema: Option<String>,
    /// Measure the tests that pass, each for a second
    #[arg(long)]
    bench: bool,
    /// Run again whenever a file changes
    #[arg(short, long)]
    watch: bool,
    /// How often each test is run
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Errors after which no more are reported; without limit where it is not positive
    #[arg(short, long, default_value_t = 10, allow_negative_numbers = true)]
    max_errors: i64,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    agent_safe: agent_safe::AgentSafe,
    #[command(flatten)]
    later: Later,
}

/// OPA's flags that are not there yet, and those that change nothing here.
#[derive(Args, Debug)]
struct Later {
    #[arg(long, hide = true, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    benchmem: bool,
    #[arg(short, long, hide = true, default_value = "rego", value_parser = ["rego", "wasm"])]
    target: String,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
    /// Needs `--bench`
    Gobench,
    /// XML as JUnit's runner writes it
    Junit,
    /// Test Anything Protocol
    Tap,
    /// Annotations of GitHub Actions
    Github,
    /// Findings for code scanners
    Sarif,
}

/// The order of results in JSON.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    None,
    Duration,
}

impl Test {
    fn is_verbose(&self) -> bool {
        self.verbose || self.explain.is_some()
    }

    fn covers(&self) -> bool {
        self.coverage || self.threshold.is_some_and(|threshold| threshold > 0.0)
    }
}

impl Later {
    fn problem(&self) -> Option<Problem> {
        let flags = [(self.target != "rego", "--target")];
        let (_, flag) = flags.iter().find(|(set, _)| *set)?;
        Some(Problem::not_yet(format!("`{flag}` is not supported yet")))
    }
}

pub(crate) fn run(args: &Test) -> Exit {
    if !args.watch {
        return once(args);
    }
    let mut seen = watch::marks(&args.paths);
    loop {
        once(args);
        output::println(&format!("{}\nWatching for changes ...", "*".repeat(80)));
        seen = watch::changed(&args.paths, &seen);
    }
}

fn once(args: &Test) -> Exit {
    if let Some(exit) = args.agent_safe.run(&args.paths, args.is_verbose()) {
        return exit;
    }
    if let Some(problem) = args.later.problem() {
        return refuse(&problem::summary(&[problem]));
    }
    if args.bench && args.covers() {
        return refuse("coverage reporting is not supported when benchmarking tests");
    }
    if args.sort == Sort::Duration && args.format != Format::Json {
        output::eprintln("warning: --sort is only supported with JSON format");
    }
    if args.format == Format::Gobench && !args.bench {
        // OPA's answer, without benchmarks and without a failure.
        output::eprintln("cannot use output format gobench without running benchmarks (--bench)");
        return Exit::Success;
    }
    if args.threshold.is_some_and(|threshold| !(0.0..=100.0).contains(&threshold)) {
        return refuse("Code coverage threshold must be between 0 and 100");
    }
    let wanted = match args.run.as_deref().map(Regex::new).transpose() {
        Ok(wanted) => wanted,
        Err(error) => return refuse(&error.to_string()),
    };
    if let Some(missing) = args.paths.iter().find(|path| args.bundle && std::fs::metadata(path).is_err()) {
        let why = format!("stat {missing}: no such file or directory");
        return refuse(&format!("unable to load bundle {missing}: error reading \"{missing}\": {why}"));
    }
    let schemas = match files::schema::load(args.schema.as_deref()) {
        Ok(schemas) => schemas,
        Err(problem) => return refuse(&problem::loading_summary(&[problem])),
    };
    let mut loaded = load(args);
    if !loaded.problems.is_empty() {
        return refuse(&problem::loading_summary(&loaded.problems));
    }
    let mut cases = plan::cases(&mut loaded.modules, &loaded.sources);
    if let Some(wanted) = wanted {
        cases.retain(|case| wanted.is_match(&case.full_name()));
    }
    let mut programs = match compile(args, &loaded, schemas, &cases) {
        Ok(programs) => programs,
        Err(problems) => return refuse(&problem::summary(&problems)),
    };
    // As OPA: one report for each round, and none after a round that fails.
    let mut rounds = (0..args.count).map(|_| round(args, &loaded, &mut programs, &cases));
    let exit = rounds.find(|exit| *exit != Exit::Success).unwrap_or(Exit::Success);
    // The process ends: the system takes back at once what would be freed piece by piece.
    std::mem::forget((loaded, programs, cases));
    exit
}

fn round(args: &Test, loaded: &Loaded, programs: &mut [(Image, Pass)], cases: &[Case]) -> Exit {
    let mut outcomes = run_all(args, programs, cases);
    if args.bench {
        measure_all(programs, cases, &mut outcomes);
    }
    explain(args, loaded, cases, &mut outcomes);
    if !args.covers() {
        return finish(args, &outcomes);
    }
    let passes: Vec<Pass> = programs.iter().map(|(_, pass)| pass.clone()).collect();
    finish_coverage(args, &outcomes, &coverage::Report::new(loaded, &passes))
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
        wording: files::Wording::Names,
        ignore,
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    })
}

/// One program for all tests: each is an entrypoint. With `--coverage`, one for each evaluation.
fn compile(
    args: &Test,
    loaded: &Loaded,
    schemas: Schemas,
    cases: &[Case],
) -> Result<Vec<(Image, Pass)>, Vec<Problem>> {
    let rules = run::Rules {
        error_limit: usize::try_from(args.max_errors).unwrap_or(0),
        cases: true,
        schemas,
        ..run::Rules::default()
    };
    run::check(loaded, rules, |checked, _| {
        let checked = ManuallyDrop::new(checked);
        let image = |kind: Option<Kind>, marks| {
            let planned = cases.iter().filter(|case| !case.skipped()).map(Case::entrypoint);
            let request = PlanRequest { entrypoints: planned.collect(), marks, ..PlanRequest::default() };
            let policy = run::plan(&checked, &request, &loaded.sources)?;
            let image = run::image(run::emit(&policy, &loaded.sources)?, loaded)?;
            Ok::<_, Vec<Problem>>((image, Pass::new(kind, policy.marks)))
        };
        if !args.covers() {
            return Ok(vec![image(None, None)?]);
        }
        let mut images = vec![image(None, Some(coverage::BASELINE))?];
        for &kind in &args.coverage_runs {
            images.push(image(Some(kind), Some(kind.marks()))?);
        }
        Ok(images)
    })
}

/// Runs the tests on as many threads as asked for. The outcomes are those of the first program.
fn run_all(args: &Test, programs: &mut [(Image, Pass)], cases: &[Case]) -> Vec<Outcome> {
    let images: Vec<&Image> = programs.iter().map(|(image, _)| image).collect();
    let threads = args.parallel.unwrap_or_else(parallel::processors);
    let done = parallel::each(cases.len(), threads, Asker::default, |asker, at| {
        images.iter().map(|image| run_one(args, image, &cases[at], asker)).collect::<Vec<_>>()
    });
    let mut outcomes = Vec::with_capacity(cases.len());
    for runs in done {
        for ((_, pass), (_, marked)) in programs.iter_mut().zip(&runs) {
            pass.add(marked);
        }
        outcomes.extend(runs.into_iter().next().map(|(outcome, _)| outcome));
    }
    outcomes
}

/// The outcome of a test, and the marked places that it came to.
fn run_one(args: &Test, image: &Image, case: &Case, asker: &mut Asker) -> (Outcome, BTreeSet<u32>) {
    if case.skipped() {
        return (Outcome::skipped(case), BTreeSet::new());
    }
    let ask = Ask { timeout: Some(args.timeout).filter(|t| !t.is_zero()), ..Ask::default() };
    let mut world = Terminal::keeping_prints();
    let started = Instant::now();
    let answer = asker.ask(image, &case.entrypoint(), &ask, &mut world);
    let took = started.elapsed();
    let mut outcome = match answer {
        Ok(answer) => judge(case, answer.results.first().map(String::as_str), &world.cases),
        Err(problem) => Outcome::error(case, problem),
    };
    outcome.duration = took;
    outcome.printed = world.printed.unwrap_or_default();
    (outcome, world.marked)
}

/// Measures the tests that pass.
fn measure_all(programs: &[(Image, Pass)], cases: &[Case], outcomes: &mut [Outcome]) {
    let Some((image, _)) = programs.first() else { return };
    let mut asker = Asker::default();
    for (case, outcome) in cases.iter().zip(outcomes) {
        if outcome.passed() {
            let entrypoint = case.entrypoint();
            let mut run = || {
                let mut world = Terminal::keeping_prints();
                asker.ask(image, &entrypoint, &Ask::default(), &mut world).map(|_| ())
            };
            match measure::again(&mut run) {
                Ok(sample) => outcome.sample = Some(sample),
                Err(problem) => outcome.error = Some(problem),
            }
        }
    }
}

/// Adds how tests were evaluated, if that is asked for; else to failed tests what did not hold, for which the formats of OPA's
/// that machines read have no place.
fn explain(args: &Test, loaded: &Loaded, cases: &[Case], outcomes: &mut [Outcome]) {
    let json = args.format == Format::Json;
    if args.is_verbose() && (json || args.format == Format::Pretty) && !args.bench {
        trace::add(loaded, cases, outcomes, (args.explain, args.var_values, json));
    }
    if json || args.explain.is_some() {
        return;
    }
    let plain = |outcome: &Outcome| outcome.fail && outcome.cases.is_empty();
    let failed: Vec<usize> = (0..outcomes.len()).filter(|&i| plain(&outcomes[i])).collect();
    if failed.is_empty() {
        return;
    }
    let subjects: Vec<&Case> = failed.iter().map(|&i| &cases[i]).collect();
    for (at, failure) in failed.into_iter().zip(failure::explain(loaded, &subjects)) {
        outcomes[at].failure = failure;
    }
}

/// As OPA: an error or failures instead of the report; a report below the threshold is not printed.
fn finish_coverage(args: &Test, outcomes: &[Outcome], report: &coverage::Report) -> Exit {
    if let Some(problem) = outcomes.iter().find_map(|outcome| outcome.error.as_ref()) {
        return refuse(&problem.line());
    }
    let failures: Vec<Outcome> = outcomes.iter().filter(|outcome| outcome.fail).cloned().collect();
    if let Some(first) = failures.first() {
        output::print(&report::pretty(&failures, args.is_verbose()));
        return refuse(first.line().trim_end());
    }
    if let Some(text) = report.below(args.threshold.unwrap_or(0.0), args.is_verbose()) {
        output::eprintln(&text);
        return Exit::Error;
    }
    output::println(&report.to_node().pretty());
    match outcomes.iter().any(|outcome| outcome.skip && !args.exit_zero_on_skipped) {
        true => Exit::Error,
        false => Exit::Success,
    }
}

/// A test has passed when it is true; one with cases when all of them are.
fn judge(case: &Case, result: Option<&str>, reached: &[String]) -> Outcome {
    let value = result.and_then(|r| r.strip_prefix(r#"{"result":"#)?.strip_suffix('}'));
    match value {
        Some(value) if case.parameterised => Outcome::of(case, true).with_cases(Cases::read(value, reached)),
        value => Outcome::of(case, value == Some("true")),
    }
}

/// In the order asked for: the slowest first, or as found.
fn sorted(args: &Test, outcomes: &[Outcome]) -> Vec<Outcome> {
    let mut sorted = outcomes.to_vec();
    if args.sort == Sort::Duration {
        sorted.sort_by_key(|outcome| std::cmp::Reverse(outcome.duration));
    }
    sorted
}

fn finish(args: &Test, outcomes: &[Outcome]) -> Exit {
    match args.format {
        Format::Json => output::println(&report::json(&sorted(args, outcomes)).pretty()),
        Format::Pretty if args.bench => output::print(&report::benchmarks(outcomes, false)),
        Format::Gobench => output::print(&report::benchmarks(outcomes, true)),
        Format::Pretty => output::print(&report::pretty(outcomes, args.is_verbose())),
        Format::Junit => output::print(&formats::junit(outcomes)),
        Format::Tap => output::print(&formats::tap(outcomes)),
        Format::Github => output::print(&formats::github(outcomes)),
        Format::Sarif => output::println(&formats::sarif(outcomes).pretty()),
    }
    let bad = outcomes.iter().any(|o| o.fail || o.error.is_some() || (o.skip && !args.exit_zero_on_skipped));
    match (outcomes.is_empty(), bad) {
        (true, _) if args.fail_on_empty => refuse("no tests were run"),
        (_, true) => Exit::Error,
        _ => Exit::Success,
    }
}
