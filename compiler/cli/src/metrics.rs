//! OPA's metrics: times, counters and histograms by name; of one evaluation, or of several together.

use crate::measure::Sample;
use crate::output::Node;
use crate::table;
use govc_topdown::Operations;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one evaluation cost, by OPA's names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    /// Times in nanoseconds, and counters.
    numbers: BTreeMap<String, u64>,
    histograms: BTreeMap<String, Sample>,
}

/// The columns of tables about several evaluations, by OPA's names.
pub(crate) const COLUMNS: [&str; 5] = ["min", "max", "mean", "90%", "99%"];

impl Metrics {
    /// Adds a time, which is known as `timer_.._ns`.
    pub(crate) fn time(&mut self, name: &str, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.numbers.insert(format!("timer_{name}_ns"), took);
    }

    /// Adds what the evaluator did inside.
    pub(crate) fn operations(&mut self, operations: Operations) {
        for (name, count) in operations.counts {
            self.numbers.insert(format!("counter_{name}"), count);
        }
        for (name, times) in operations.times {
            self.numbers.insert(format!("timer_{name}_ns"), times.iter().sum());
            self.histograms.insert(format!("histogram_{name}"), Sample::of(times));
        }
    }

    /// Takes what others have counted.
    pub(crate) fn add(&mut self, others: Self) {
        self.numbers.extend(others.numbers);
        self.histograms.extend(others.histograms);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// OPA's object.
    pub(crate) fn to_node(&self) -> Node {
        let numbers = self.numbers.iter().map(|(name, value)| (name.clone(), Node::of(value)));
        let histograms = self.histograms.iter().map(|(name, sample)| (name.clone(), statistics(sample)));
        let mut members: Vec<(String, Node)> = numbers.chain(histograms).collect();
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        Node::Object(members)
    }

    /// OPA's table; nothing where there is nothing to tell.
    pub(crate) fn table(&self) -> String {
        let numbers = self.numbers.iter().map(|(name, value)| vec![name.clone(), value.to_string()]);
        let parts = |(name, sample): (&String, &Sample)| {
            let name = name.clone();
            let part =
                move |(label, value): (String, f64)| vec![format!("{name}_{label}"), value.to_string()];
            sample.statistics().into_iter().map(part)
        };
        let mut rows: Vec<Vec<String>> = numbers.chain(self.histograms.iter().flat_map(parts)).collect();
        rows.sort();
        if rows.is_empty() {
            return String::new();
        }
        table::draw(&["Metric".to_owned(), "Value".to_owned()], &rows)
    }
}

/// The times of several evaluations, by name: those that the first one has.
fn together(rounds: &[Metrics]) -> Vec<(String, Sample)> {
    let names = rounds.first().map(|first| first.numbers.keys()).into_iter().flatten();
    let timers = names.filter(|name| name.starts_with("timer_"));
    let sample = |name: &String| {
        let times = rounds.iter().filter_map(|round| round.numbers.get(name).copied());
        (name.clone(), Sample::of(times.collect()))
    };
    timers.map(sample).collect()
}

/// OPA's `aggregated_metrics`.
pub(crate) fn aggregated_node(rounds: &[Metrics]) -> Node {
    let entry = |(name, sample): (String, Sample)| (name, statistics(&sample));
    Node::Object(together(rounds).into_iter().map(entry).collect())
}

/// The same as a table.
pub(crate) fn aggregated_table(rounds: &[Metrics]) -> String {
    let header: Vec<String> = std::iter::once("metric").chain(COLUMNS).map(title).collect();
    let row = |(name, sample): (String, Sample)| {
        let values = COLUMNS.iter().map(|label| shown(label, sample.statistic(label)));
        std::iter::once(name).chain(values).collect()
    };
    let rows: Vec<Vec<String>> = together(rounds).into_iter().map(row).collect();
    if rows.is_empty() { String::new() } else { table::draw(&header, &rows) }
}

/// A value as Go prints it: what was measured is an integer, what was computed a decimal, from a million on with an exponent.
fn shown(label: &str, value: f64) -> String {
    if matches!(label, "count" | "max" | "min") || value.abs() < 1e6 {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{digits}e+{exponent:0>2}")
}

/// A label as the head of a column.
pub(crate) fn title(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// OPA's object of a histogram.
pub(crate) fn statistics(sample: &Sample) -> Node {
    let entry = |(label, value): (String, f64)| (label, Node::Raw(value.to_string()));
    Node::Object(sample.statistics().into_iter().map(entry).collect())
}
