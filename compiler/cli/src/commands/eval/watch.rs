//! `eval --explain` and `eval --profile`: the answer with how it was come by.

use super::answer::{Expression, Solution};
use super::{Eval, Report};
use crate::files::Loaded;
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
pub(super) struct Told {
    explanation: Option<Vec<String>>,
    pub(super) trace: String,
    profile: Vec<LineProfile>,
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
            without_index: args.later.disable_indexing,
            without_early_exit: args.later.disable_early_exit,
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
        let query = rewritten::rewrite_query(checked, body, check, place, true)
            .map_err(|found| run::problems(&found, &loaded.sources))?;
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
            memory: stepwise::MEMORY,
        };
        let started = Instant::now();
        let outcome = govc_topdown::eval_watched(request, self.watch(args), &loaded.sources);
        let times = vec![("timer_rego_query_eval_ns", started.elapsed())];
        self.report(args, loaded, &query, outcome, times)
    }

    fn report(
        &self,
        args: &Eval,
        loaded: &Loaded,
        query: &rewritten::Query,
        outcome: Outcome,
        times: Vec<(&'static str, std::time::Duration)>,
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
        let solutions = outcome.solutions.iter().filter(|_| fatal.is_none()).map(|s| {
            let pair = |(name, value): &(String, String)| {
                format!("{}:{value}", serde_json::Value::from(name.as_str()))
            };
            let bindings: Vec<String> = s.bindings.iter().map(pair).collect();
            let text = format!("[[{}],{{{}}}]", s.values.join(","), bindings.join(","));
            Solution::read(&text, &expressions)
        });
        let solutions = solutions.collect::<Result<Vec<_>, _>>().map_err(|p| vec![p])?;
        let query = expressions.first().map(|e| e.text.clone()).unwrap_or_default();
        let told = Told {
            explanation: (self.explain != Mode::Off).then_some(outcome.explanation),
            trace: outcome.trace,
            profile: self.ordered(outcome.profile),
            query,
        };
        Ok(Report { problems, expressions, solutions, times, watched: Some(told), ..Report::default() })
    }

    fn ordered(&self, mut profile: Vec<LineProfile>) -> Vec<LineProfile> {
        let asked = self.profile_sort.iter().map(String::as_str);
        let keys: Vec<&str> = asked.chain(ORDER).collect();
        profile.sort_by(|a, b| {
            keys.iter().map(|key| by(key, a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        });
        match self.profile_limit.unwrap_or(LINES) {
            0 => profile,
            limit => profile.into_iter().take(limit).collect(),
        }
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

/// OPA's members `explanation` and `profile`.
pub(super) fn members(told: &Told) -> Vec<(String, Node)> {
    let mut out = Vec::new();
    if let Some(events) = told.explanation.as_ref().filter(|e| !e.is_empty()) {
        let events = events.iter().map(|text| Node::Raw(text.clone())).collect();
        out.push(("explanation".to_owned(), Node::Array(events)));
    }
    if !told.profile.is_empty() {
        out.push(("profile".to_owned(), Node::Array(told.profile.iter().map(line).collect())));
    }
    out
}

fn line(line: &LineProfile) -> Node {
    let number = |n: u64| Node::Raw(n.to_string());
    let place = vec![
        ("file".to_owned(), Node::string(&line.file)),
        ("row".to_owned(), number(line.row as u64)),
        ("col".to_owned(), number(line.col as u64)),
    ];
    Node::Object(vec![
        ("total_time_ns".to_owned(), number(line.total_time_ns)),
        ("num_eval".to_owned(), number(line.num_eval)),
        ("num_redo".to_owned(), number(line.num_redo)),
        ("num_gen_expr".to_owned(), number(line.num_gen_expr)),
        ("location".to_owned(), Node::Object(place)),
    ])
}

/// The profile as a table, which is empty where there is none.
pub(super) fn profile_table(told: Option<&Told>) -> String {
    let Some(told) = told.filter(|t| !t.profile.is_empty()) else { return String::new() };
    let header = ["Time", "Num Eval", "Num Redo", "Num Gen Expr", "Location"].map(str::to_owned);
    let row = |line: &LineProfile| {
        let place = match line.file.as_str() {
            "" => told.query.clone(),
            file => format!("{file}:{}", line.row),
        };
        let counts = [line.num_eval, line.num_redo, line.num_gen_expr].map(|n| n.to_string());
        let mut cells = vec![duration(line.total_time_ns)];
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
