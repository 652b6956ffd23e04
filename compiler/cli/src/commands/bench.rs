//! `govc bench`: how long a query takes, in the shapes of `opa bench`. Exit code 0 or 1.
//!
//! Memory is not counted: values live in an arena that is reset between queries, so `B/op` would say nothing.

use crate::exit::Exit;
use crate::files;
use crate::language::Language;
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::table;
use crate::world::Terminal;
use clap::{Args, ValueEnum};
use govc_compile::{PlanRequest, QueryOptions};
use std::time::{Duration, Instant};

/// Measure a query
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc bench -d policy -d data.json -i input.json data.access.allow")]
pub(crate) struct Bench {
    /// The query
    query: String,
    /// Policy and data files or folders
    #[arg(short, long, value_name = "PATH")]
    data: Vec<String>,
    /// Bundle files or folders
    #[arg(short, long, value_name = "PATH")]
    bundle: Vec<String>,
    /// File with the input document
    #[arg(short, long, value_name = "FILE")]
    input: Option<String>,
    /// How often the whole measurement is made
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Go on when the result is undefined
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fail: bool,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
    Gobench,
}

/// Wall time of one measurement.
const MEASURE: Duration = Duration::from_secs(1);

/// Times of single queries, sorted.
struct Sample {
    nanoseconds: Vec<u64>,
}

pub(crate) fn run(args: &Bench) -> Exit {
    for _ in 0..args.count {
        match measure(args) {
            Ok(sample) => output::print(&text(args, &sample)),
            Err(problems) => {
                output::eprintln(&problem::summary(&problems));
                return Exit::Failure;
            }
        }
    }
    Exit::Success
}

fn measure(args: &Bench) -> Result<Sample, Vec<Problem>> {
    let input = args.input.as_deref().map(files::document).transpose().map_err(|p| vec![p])?;
    let mut loaded = files::load(&files::Request {
        data: args.data.clone(),
        bundles: args.bundle.clone(),
        ignore: args.ignore.clone(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    });
    let file = loaded.sources.add("", &args.query);
    let body = govc_syntax::parse_query(file, &args.query, &args.language.parse());
    if !body.diagnostics.is_empty() {
        return Err(run::problems(&body.diagnostics, &loaded.sources));
    }
    let program =
        run::check(&loaded, run::Rules { error_limit: 10, ..run::Rules::default() }, |checked, options| {
            let query = govc_compile::check_query(&checked, &body.tree, options, &QueryOptions::default());
            let query = query.map_err(|found| run::problems(&found, &loaded.sources))?;
            let request =
                PlanRequest { queries: vec![("query".to_owned(), query)], ..PlanRequest::default() };
            run::emit(&run::plan(&checked, &request, &loaded.sources)?, &loaded.sources)
        })?;
    let image = run::image(program, &loaded)?;
    let ask = Ask { input, ..Ask::default() };
    let mut asker = Asker::default();
    let mut nanoseconds = Vec::new();
    let started = Instant::now();
    while started.elapsed() < MEASURE {
        let before = Instant::now();
        let answer = asker.ask(&image, "query", &ask, &mut Terminal::new()).map_err(|p| vec![p])?;
        nanoseconds.push(u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX));
        if args.fail && answer.results.is_empty() {
            return Err(vec![Problem::plain("undefined result")]);
        }
    }
    nanoseconds.sort_unstable();
    Ok(Sample { nanoseconds })
}

impl Sample {
    fn total(&self) -> u64 {
        self.nanoseconds.iter().sum()
    }

    fn mean(&self) -> u64 {
        self.total() / self.nanoseconds.len().max(1) as u64
    }

    /// The value below which a share of the times lies.
    fn quantile(&self, share: f64) -> u64 {
        let last = self.nanoseconds.len().saturating_sub(1);
        let at = (share * last as f64).round() as usize;
        self.nanoseconds.get(at).copied().unwrap_or(0)
    }

    /// OPA's names with their values.
    fn histogram(&self) -> Vec<(String, u64)> {
        let name = |suffix: &str| format!("histogram_timer_rego_query_eval_ns_{suffix}");
        let quantiles =
            [("75%", 0.75), ("90%", 0.9), ("95%", 0.95), ("99%", 0.99), ("99.9%", 0.999), ("99.99%", 0.9999)];
        let mut found: Vec<_> = quantiles.map(|(label, share)| (name(label), self.quantile(share))).into();
        found.extend([
            (name("count"), self.nanoseconds.len() as u64),
            (name("max"), self.quantile(1.0)),
            (name("mean"), self.mean()),
            (name("median"), self.quantile(0.5)),
            (name("min"), self.quantile(0.0)),
        ]);
        found
    }
}

fn text(args: &Bench, sample: &Sample) -> String {
    let count = sample.nanoseconds.len();
    match args.format {
        Format::Pretty => {
            let mut rows = vec![("samples".to_owned(), count as u64), ("ns/op".to_owned(), sample.mean())];
            rows.extend(sample.histogram());
            let rows: Vec<Vec<String>> =
                rows.into_iter().map(|(name, value)| vec![name, value.to_string()]).collect();
            table::bare(&rows)
        }
        Format::Json => {
            let extra =
                sample.histogram().into_iter().map(|(name, value)| (name, Node::Raw(value.to_string())));
            let object = vec![
                ("N".to_owned(), Node::Raw(count.to_string())),
                ("T".to_owned(), Node::Raw(sample.total().to_string())),
                ("Bytes".to_owned(), Node::int(0)),
                ("MemAllocs".to_owned(), Node::int(0)),
                ("MemBytes".to_owned(), Node::int(0)),
                ("Extra".to_owned(), Node::Object(extra.collect())),
            ];
            format!("{}\n", Node::Object(object).pretty())
        }
        Format::Gobench => format!("BenchmarkOPAEval\t{count:>8}\t{:>10} ns/op\n", sample.mean()),
    }
}
