//! `govc bench`: how long a query takes, in the shapes of `opa bench`. Exit code 0 or 1.

mod local;
mod served;

use crate::exit::Exit;
use crate::files;
use crate::language::Language;
use crate::measure::{self, Sample};
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::table;
use clap::{Args, ValueEnum};
use std::io::Read;

/// Measure a query
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc bench -d policy -d data.json -i input.json data.access.allow")]
pub(crate) struct Bench {
    /// The query
    query: Option<String>,
    /// Policy and data files or folders
    #[arg(short, long, value_name = "PATH")]
    data: Vec<String>,
    /// Bundle files or folders
    #[arg(short, long, value_name = "PATH")]
    bundle: Vec<String>,
    /// File with the input document
    #[arg(short, long, value_name = "FILE")]
    input: Option<String>,
    /// Read the query from standard input
    #[arg(long)]
    stdin: bool,
    /// Read the input document from standard input
    #[arg(short = 'I', long)]
    stdin_input: bool,
    /// Imports of the query
    #[arg(long, value_name = "REF")]
    import: Vec<String>,
    /// Package of the query
    #[arg(long, value_name = "PACKAGE")]
    package: Option<String>,
    /// JSON Schema of the input, or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    schema: Option<String>,
    /// How often the whole measurement is made
    #[arg(long, default_value_t = 1)]
    count: i64,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Stop when the result is undefined
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fail: bool,
    /// Print quantiles of the times too
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    metrics: bool,
    /// Memory is not counted, so this changes nothing
    #[arg(long, hide = true, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    benchmem: bool,
    /// Measure requests to a server that is started for them
    #[arg(long)]
    e2e: bool,
    /// Configuration file of that server
    #[arg(short, long, value_name = "FILE")]
    config_file: Option<String>,
    /// Measure partial evaluation
    #[arg(short, long)]
    partial: bool,
    /// What partial evaluation does not know
    #[arg(short, long, value_delimiter = ',', default_value = "input", value_name = "REF")]
    unknowns: Vec<String>,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    later: Later,
}

/// OPA's flags that are not there yet, and those that change nothing here.
#[derive(Args, Debug)]
struct Later {
    #[arg(short, long, hide = true, default_value = "rego", value_parser = ["rego", "wasm"])]
    target: String,
    // The server is ended when all is measured; nobody else has asked it anything.
    #[arg(long, hide = true, default_value_t = 10)]
    shutdown_grace_period: i64,
    #[arg(long, hide = true, default_value_t = 0)]
    shutdown_wait_period: i64,
    #[arg(long, hide = true)]
    optimize_store_for_read_speed: bool,
}

impl Later {
    fn problem(&self) -> Option<Problem> {
        let flags = [(self.target != "rego", "--target")];
        let (_, flag) = flags.iter().find(|(set, _)| *set)?;
        Some(Problem::not_yet(format!("`{flag}` is not supported yet")))
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
    Gobench,
}

/// The timer that is told about.
const TIMER: &str = "timer_rego_query_eval_ns";

pub(crate) fn run(args: &Bench) -> Exit {
    let clash = match () {
        () if args.query.is_some() && args.stdin => Some("specify query argument or --stdin but not both"),
        () if args.query.is_none() && !args.stdin => Some("specify query argument or --stdin"),
        () if args.stdin && args.stdin_input => Some("specify --stdin or --stdin-input but not both"),
        () if args.stdin_input && args.input.is_some() => {
            Some("specify --stdin-input or --input but not both")
        }
        () if args.partial && args.format == Format::Gobench => {
            Some("invalid output format for partial evaluation")
        }
        () => None,
    };
    if let Some(message) = clash {
        output::eprintln(&format!("Error: {message}"));
        return Exit::Failure;
    }
    match measure(args) {
        Ok(()) => Exit::Success,
        Err(problems) => {
            // As OPA: machines that read JSON read errors on standard output.
            match args.format {
                Format::Json => output::println(&problem::errors_node(&problems).pretty()),
                _ => output::eprintln(&problem::summary(&problems)),
            }
            Exit::Failure
        }
    }
}

/// What is asked.
struct Question {
    query: String,
    /// The input as JSON.
    input: Option<String>,
}

/// Measures and prints, as often as asked for.
fn measure(args: &Bench) -> Result<(), Vec<Problem>> {
    if let Some(problem) = args.later.problem() {
        return Err(vec![problem]);
    }
    let input = input(args).map_err(|p| vec![p])?;
    let query = args.query.clone().map_or_else(stdin, Ok).map_err(|p| vec![p])?;
    let question = Question { query, input };
    let server = args.e2e.then(|| served::Server::start(args, &question)).transpose()?;
    for _ in 0..args.count {
        let samples = match &server {
            Some(server) => server.measure(args)?,
            None => local::measure(args, &question)?,
        };
        output::print(&text(args, &samples));
    }
    Ok(())
}

fn stdin() -> Result<String, Problem> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map(|_| text).map_err(|error| Problem::plain(error.to_string()))
}

fn input(args: &Bench) -> Result<Option<String>, Problem> {
    if args.stdin_input {
        return files::any_document(stdin()?.as_bytes()).map(Some).map_err(Problem::plain);
    }
    args.input.as_deref().map(files::document).transpose()
}

/// The first sample is the measurement; what the others add is told of all that have a timer's name.
fn text(args: &Bench, samples: &[(String, Sample)]) -> String {
    let Some((_, sample)) = samples.first() else { return String::new() };
    let timers = samples.iter().filter(|(name, _)| args.metrics && !name.is_empty());
    let extra: Vec<(String, f64)> = timers.flat_map(|(name, sample)| sample.histogram(name)).collect();
    match args.format {
        Format::Pretty => {
            let rows = [("samples".to_owned(), sample.count() as f64), ("ns/op".to_owned(), sample.mean())];
            let rows = rows.into_iter().chain(extra).map(|(name, value)| vec![name, measure::rounded(value)]);
            table::bare(&rows.collect::<Vec<_>>())
        }
        Format::Json => format!("{}\n", node(sample, &extra).pretty()),
        Format::Gobench => format!("BenchmarkOPAEval\t{}\n", sample.line(&extra)),
    }
}

/// A measurement in the form of Go's results.
pub(crate) fn node(sample: &Sample, extra: &[(String, f64)]) -> Node {
    let extra = extra.iter().map(|(name, value)| (name.clone(), Node::Raw(value.to_string())));
    Node::Object(vec![
        ("N".to_owned(), Node::Raw(sample.count().to_string())),
        ("T".to_owned(), Node::Raw(sample.total().to_string())),
        ("Bytes".to_owned(), Node::int(0)),
        ("MemAllocs".to_owned(), Node::int(0)),
        ("MemBytes".to_owned(), Node::int(0)),
        ("Extra".to_owned(), Node::Object(extra.collect())),
    ])
}
