//! `--coverage`: which statements and rule heads of the policies were evaluated, in the form of OPA's report.
//!
//! What was not evaluated only because of the rule index or of early exit is told apart by evaluating everything
//! again without these.

use crate::files::Loaded;
use crate::output::Node;
use clap::ValueEnum;
use govc_compile::Marks;
use govc_syntax::{FileId, Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// An evaluation beside the first one.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Without the rule index.
    IndexExcluded,
    /// Without early exit.
    EarlyExit,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::IndexExcluded => "index_excluded",
            Self::EarlyExit => "early_exit",
        }
    }

    /// How the program of this evaluation is made.
    pub(crate) fn marks(self) -> Marks {
        Marks { index: self != Self::IndexExcluded, early_exit: self != Self::EarlyExit }
    }
}

/// The program of the first evaluation.
pub(crate) const BASELINE: Marks = Marks { index: true, early_exit: true };

/// What one program has told.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    kind: Option<Kind>,
    marks: Vec<Span>,
    seen: BTreeSet<Span>,
}

impl Pass {
    /// For a program whose marks stand for these places; `kind` is absent for the first evaluation.
    pub(crate) fn new(kind: Option<Kind>, marks: Vec<Span>) -> Self {
        Self { kind, marks, seen: BTreeSet::new() }
    }

    /// Takes the marked places that a world was told of.
    pub(crate) fn add(&mut self, marked: &BTreeSet<u32>) {
        self.seen.extend(marked.iter().filter_map(|&mark| self.marks.get(mark as usize)).copied());
    }
}

/// Start and end: row and column, from 1; the end lies behind the last character.
type Range = [(usize, usize); 2];

#[derive(Debug, Default)]
struct File {
    covered: BTreeSet<Range>,
    missed: BTreeMap<Range, Vec<&'static str>>,
}

/// OPA's report.
#[derive(Debug)]
pub(crate) struct Report {
    files: BTreeMap<String, File>,
}

impl Report {
    /// One of `passes` is the evaluation without a kind.
    pub(crate) fn new(loaded: &Loaded, passes: &[Pass]) -> Self {
        let mut files = BTreeMap::new();
        for module in &loaded.modules {
            let file = module.span.file;
            let places = govc_syntax::places(file, &loaded.sources.get(file).text, module);
            let report = File::new(file, &loaded.sources, &places, passes);
            files.insert(loaded.sources.get(file).name.clone(), report);
        }
        Self { files }
    }

    fn lines(&self) -> (usize, usize) {
        self.files.values().map(File::lines).fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1))
    }

    /// Covered lines of 100.
    pub(crate) fn percent(&self) -> f64 {
        percent(self.lines())
    }

    pub(crate) fn to_node(&self) -> Node {
        let files = self.files.iter().map(|(name, file)| (name.clone(), file.to_node()));
        let (covered, missed) = self.lines();
        Node::Object(vec![
            ("files".to_owned(), Node::Object(files.collect())),
            ("covered_lines".to_owned(), Node::int(covered as i64)),
            ("not_covered_lines".to_owned(), Node::int(missed as i64)),
            ("coverage".to_owned(), number(percent((covered, missed)))),
        ])
    }

    /// What `opa test --threshold` says; with `verbose`, where.
    pub(crate) fn below(&self, threshold: f64, verbose: bool) -> Option<String> {
        let percent = self.percent();
        if percent >= threshold {
            return None;
        }
        let mut text = format!("Code coverage threshold not met: got {percent:.2} instead of {threshold:.2}");
        if verbose && !self.files.is_empty() {
            text.push_str("\nLines not covered:");
            for (name, file) in &self.files {
                file.missed_lines().iter().for_each(|lines| {
                    let _ = write!(text, "\n\t{name}:{lines}");
                });
            }
        }
        Some(text)
    }
}

impl File {
    fn new(file: FileId, sources: &Sources, places: &[Span], passes: &[Pass]) -> Self {
        let of = |kind: Option<Kind>| passes.iter().find(|pass| pass.kind == kind);
        let seen = |pass: &Pass| -> BTreeSet<Range> {
            pass.seen.iter().filter(|span| span.file == file).map(|span| range(*span, sources)).collect()
        };
        let covered = of(None).map(seen).unwrap_or_default();
        let others: Vec<_> = passes.iter().filter_map(|pass| Some((pass.kind?, seen(pass)))).collect();
        let places = places.iter().map(|span| range(*span, sources));
        let missed = places.filter(|place| !holds(&covered, place)).map(|place| {
            let kinds = others.iter().filter(|(_, covered)| holds(covered, &place));
            (place, kinds.map(|(kind, _)| kind.name()).collect())
        });
        let missed = missed.collect();
        Self { covered, missed }
    }

    fn lines(&self) -> (usize, usize) {
        (rows(self.covered.iter()).len(), rows(self.missed.keys()).len())
    }

    /// `3` or `5-7`.
    fn missed_lines(&self) -> Vec<String> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for row in rows(self.missed.keys()) {
            match spans.last_mut() {
                Some((_, last)) if *last + 1 == row => *last = row,
                _ => spans.push((row, row)),
            }
        }
        let text = |(from, to)| if from == to { format!("{from}") } else { format!("{from}-{to}") };
        spans.into_iter().map(text).collect()
    }

    fn to_node(&self) -> Node {
        let lines = self.lines();
        let mut object = Vec::new();
        let mut add = |name: &str, present: bool, node: Node| {
            if present {
                object.push((name.to_owned(), node));
            }
        };
        let covered = self.covered.iter().map(|range| range_node(range, &[])).collect();
        let missed = self.missed.iter().map(|(range, kinds)| range_node(range, kinds)).collect();
        add("covered", !self.covered.is_empty(), Node::Array(covered));
        add("not_covered", !self.missed.is_empty(), Node::Array(missed));
        add("covered_lines", lines.0 > 0, Node::int(lines.0 as i64));
        add("not_covered_lines", lines.1 > 0, Node::int(lines.1 as i64));
        add("coverage", lines.0 > 0, number(percent(lines)));
        Node::Object(object)
    }
}

fn range(span: Span, sources: &Sources) -> Range {
    let source = sources.get(span.file);
    [source.position(span.start), source.position(span.end)]
}

/// Whether a range lies within one of these.
fn holds(ranges: &BTreeSet<Range>, [start, end]: &Range) -> bool {
    ranges.iter().any(|[from, to]| from <= start && end <= to)
}

fn rows<'r>(ranges: impl Iterator<Item = &'r Range>) -> BTreeSet<usize> {
    ranges.flat_map(|[start, end]| start.0..=end.0).collect()
}

fn range_node([start, end]: &Range, kinds: &[&str]) -> Node {
    let position = |&(row, col): &(usize, usize)| {
        let place = [("row", row), ("col", col)].map(|(name, at)| (name.to_owned(), Node::int(at as i64)));
        Node::Object(place.into())
    };
    let mut object = vec![("start".to_owned(), position(start)), ("end".to_owned(), position(end))];
    if !kinds.is_empty() {
        let kinds = kinds.iter().map(|kind| Node::string(kind)).collect();
        object.push(("kinds".to_owned(), Node::Array(kinds)));
    }
    Node::Object(object)
}

fn percent((covered, missed): (usize, usize)) -> f64 {
    let all = covered + missed;
    if all == 0 { 0.0 } else { 100.0 * covered as f64 / all as f64 }
}

/// Whole numbers without a fraction, as Go's encoder writes them.
fn number(value: f64) -> Node {
    Node::Raw(if value.fract() == 0.0 { format!("{value:.0}") } else { value.to_string() })
}
