//! `eval --explain` and `eval --profile`: the answer with how it was come by.

use super::answer::{Expression, Solution};
use super::{Eval, Report, Round};
use crate::files::Loaded;
use crate::measure::Sample;
use crate::metrics::{self, Metrics};
use crate::output::Node;
use crate::problem::Problem;
use crate::run::{self, stepwise};
use crate::table;
use crate::world::Terminal;
use clap::{Args, ValueEnum};
use govc_compile::{CheckOptions, Checked, QueryOptions, rewritten};
use govc_syntax::ast;
use govc_topdown::{Explain, LineProfile, Outcome, Request, Watch};
use govc_value::{Arena, Heap, SymbolTable};
use std::cmp::Ordering;
use std::time::Instant;

/// Flags that ask for more than the answer.
#[derive(Args, Debug)]
pub(super) struct Watched {
    /// Print what was evaluated, step by step
    #[arg(long, default_value = "off", value_name = "MODE")]
    explain: Mode,
    /// Show the values of variables in pretty traces
    #[arg(long)]
    var_values: bool,
    /// Print how often and how long statements were evaluated
    #[arg(long)]
    profile: bool,
    /// Order of the profile: total_time_ns, num_eval, num_redo, num_gen_expr, file, line
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    profile_sort: Vec<String>,
    /// Lines of the profile
    #[arg(long, value_name = "N")]
    profile_limit: Option<usize>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Off,
    Full,
    Notes,
    Fails,
    Debug,
}

/// What was told beside the answer.
#[derive(Debug, Default)]
pub(crate) struct Told {
    explanation: Vec<String>,
    pub(crate) trace: String,
    pub(super) profile: Vec<LineProfile>,
    /// The text of the query, which stands for its place.
    query: String,
}

/// OPA's number of lines in a profile.
const LINES: usize = 10;

/// OPA's order of a profile, after what was asked for.
const ORDER: [&str; 5] = ["total_time_ns", "num_eval", "num_redo", "file", "line"];

impl Watched {
    pub(super) fn is_asked(&self) -> bool {
        self.profile() || self.explain != Mode::Off
    }

    pub(super) fn profile(&self) -> bool {
        self.profile || self.profile_limit.is_some() || !self.profile_sort.is_empty()
    }

    fn watch(&self, args: &Eval) -> Watch {
        Watch {
            explain: match self.explain {
                Mode::Off => None,
                Mode::Full => Some(Explain::Full),
                Mode::Notes => Some(Explain::Notes),
                Mode::Fails => Some(Explain::Fails),
                Mode::Debug => Some(Explain::Debug),
            },
            values: self.var_values,
            profile: self.profile(),
            operations: args.instrument,
            without_index: args.later.disable_indexing,
            without_early_exit: args.later.disable_early_exit,
            ..Watch::default()
        }
    }

    /// Evaluates step by step.
    pub(super) fn evaluate(
        &self,
        args: &Eval,
        loaded: &Loaded,
        (checked, check): (&Checked, &CheckOptions<'_>),
        (body, place): (&ast::Body, &QueryOptions),
        input: Option<&str>,
    ) -> Result<Report, Vec<Problem>> {
        let started = Instant::now();
        let query = rewritten::rewrite_query(checked, body, check, place, true)
            .map_err(|found| run::problems(&found, &loaded.sources))?;
        let mut metrics = Metrics::default();
        metrics.time("rego_query_compile", started.elapsed());
        let arena = Arena::new(stepwise::MEMORY);
        let heap = Heap::new(&arena, SymbolTable::empty());
        let mut world = Terminal::new();
        let request = Request {
            checked,
            options: check,
            query: &query,
            data: stepwise::document(heap, &loaded.documents.to_json())?,
            input: input.map(|text| stepwise::document(heap, text.as_bytes())).transpose()?,
            world: &mut world,
            fuel: stepwise::FUEL,
            time: args.timeout,
            memory: stepwise::MEMORY,
        };
        let started = Instant::now();
        let mut outcome = govc_topdown::eval_watched(request, self.watch(args), &loaded.sources);
        metrics.time("rego_query_eval", started.elapsed());
        metrics.operations(std::mem::take(&mut outcome.operations));
        self.report(args, loaded, &query, outcome).map(|report| Report { metrics, ..report })
    }

    fn report(
        &self,
        args: &Eval,
        loaded: &Loaded,
        query: &rewritten::Query,
        outcome: Outcome,
    ) -> Result<Report, Vec<Problem>> {
        let expressions: Vec<Expression> =
            query.shown.iter().map(|(span, _)| Expression::new(*span, &loaded.sources)).collect();
        let strict = outcome.builtin_errors.first().filter(|_| args.strict_builtin_errors);
        let fatal = strict.or(outcome.error.as_ref());
        let told = match args.show_builtin_errors {
            true => stepwise::problems(&outcome.builtin_errors, &loaded.sources),
            false => Vec::new(),
        };
        let problems = match fatal {
            Some(error) => stepwise::problems(std::slice::from_ref(error), &loaded.sources),
            None => told,
        };
        let solutions = match fatal {
            Some(_) => Vec::new(),
            None => solutions(&outcome, &expressions).map_err(|p| vec![p])?,
        };
        let query = expressions.first().map(|e| e.text.clone()).unwrap_or_default();
        let mut told = Told::new(outcome, query);
        told.order(&self.profile_sort);
        match self.profile_limit.unwrap_or(LINES) {
            0 => {}
            limit => told.profile.truncate(limit),
        }
        Ok(Report { problems, expressions, solutions, watched: Some(told), ..Report::default() })
    }
}

/// The solutions of an evaluation step by step.
pub(crate) fn solutions(outcome: &Outcome, expressions: &[Expression]) -> Result<Vec<Solution>, Problem> {
    let read = |s: &govc_topdown::Solution| {
        let pair =
            |(name, value): &(String, String)| format!("{}:{value}", serde_json::Value::from(name.as_str()));
        let bindings: Vec<String> = s.bindings.iter().map(pair).collect();
        Solution::read(&format!("[[{}],{{{}}}]", s.values.join(","), bindings.join(",")), expressions)
    };
    outcome.solutions.iter().map(read).collect()
}

impl Told {
    /// What an evaluation told; `query` stands for its place.
    pub(crate) fn new(outcome: Outcome, query: String) -> Self {
        Self { explanation: outcome.explanation, trace: outcome.trace, profile: outcome.profile, query }
    }

    /// Orders the profile as asked for, and then as OPA does.
    pub(crate) fn order(&mut self, asked: &[String]) {
        let keys: Vec<&str> = asked.iter().map(String::as_str).chain(ORDER).collect();
        self.profile.sort_by(|a, b| {
            keys.iter().map(|key| by(key, a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        });
    }
}

fn by(key: &str, a: &LineProfile, b: &LineProfile) -> Ordering {
    match key {
        "total_time_ns" => b.total_time_ns.cmp(&a.total_time_ns),
        "num_eval" => b.num_eval.cmp(&a.num_eval),
        "num_redo" => b.num_redo.cmp(&a.num_redo),
        "num_gen_expr" => b.num_gen_expr.cmp(&a.num_gen_expr),
        "file" => b.file.cmp(&a.file),
        "line" => b.row.cmp(&a.row),
        _ => Ordering::Equal,
    }
}

/// OPA's members `explanation` and `profile`, of several evaluations `aggregated_profile`.
pub(crate) fn members(told: &Told, rounds: &[Round]) -> Vec<(String, Node)> {
    let mut out = Vec::new();
    if !told.explanation.is_empty() {
        let events = told.explanation.iter().map(|text| Node::Raw(text.clone())).collect();
        out.push(("explanation".to_owned(), Node::Array(events)));
    }
    if !told.profile.is_empty() {
        let name = if rounds.is_empty() { "profile" } else { "aggregated_profile" };
        let lines = told.profile.iter().map(|line| node(line, rounds));
        out.push((name.to_owned(), Node::Array(lines.collect())));
    }
    out
}

/// The times of a line in several evaluations.
fn times(line: &LineProfile, rounds: &[Round]) -> Sample {
    let same = |other: &&LineProfile| (&other.file, other.row) == (&line.file, line.row);
    let times = rounds.iter().flat_map(|round| round.profile.iter().find(same));
    Sample::of(times.map(|line| line.total_time_ns).collect())
}

fn node(line: &LineProfile, rounds: &[Round]) -> Node {
    let number = |n: u64| Node::Raw(n.to_string());
    let place = vec![
        ("file".to_owned(), Node::string(&line.file)),
        ("row".to_owned(), number(line.row as u64)),
        ("col".to_owned(), number(line.col as u64)),
    ];
    let time = match rounds.is_empty() {
        true => ("total_time_ns".to_owned(), number(line.total_time_ns)),
        false => ("total_time_ns_stats".to_owned(), metrics::statistics(&times(line, rounds))),
    };
    Node::Object(vec![
        time,
        ("num_eval".to_owned(), number(line.num_eval)),
        ("num_redo".to_owned(), number(line.num_redo)),
        ("num_gen_expr".to_owned(), number(line.num_gen_expr)),
        ("location".to_owned(), Node::Object(place)),
    ])
}

/// The profile as a table, which is empty where there is none.
pub(crate) fn profile_table(told: Option<&Told>, rounds: &[Round]) -> String {
    let Some(told) = told.filter(|t| !t.profile.is_empty()) else { return String::new() };
    let times_of: Vec<String> = match rounds.is_empty() {
        true => vec!["Time".to_owned()],
        false => metrics::COLUMNS.iter().map(|label| metrics::title(label)).collect(),
    };
    let others = ["Num Eval", "Num Redo", "Num Gen Expr", "Location"].map(str::to_owned);
    let header: Vec<String> = times_of.into_iter().chain(others).collect();
    let row = |line: &LineProfile| {
        let place = match line.file.as_str() {
            "" => told.query.clone(),
            file => format!("{file}:{}", line.row),
        };
        let counts = [line.num_eval, line.num_redo, line.num_gen_expr].map(|n| n.to_string());
        let mut cells = match rounds.is_empty() {
            true => vec![duration(line.total_time_ns)],
            false => {
                let sample = times(line, rounds);
                metrics::COLUMNS.iter().map(|label| duration(sample.statistic(label) as u64)).collect()
            }
        };
        cells.extend(counts);
        cells.push(place);
        cells
    };
    table::draw(&header, &told.profile.iter().map(row).collect::<Vec<_>>())
}

/// A duration as Go writes it.
fn duration(ns: u64) -> String {
    let scaled = |unit: u64, name: &str| {
        let text = format!("{}.{:09}", ns / unit, (ns % unit) * (1_000_000_000 / unit));
        format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match ns {
        0..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => scaled(1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "ms"),
        _ => scaled(1_000_000_000, "s"),
    }
}
