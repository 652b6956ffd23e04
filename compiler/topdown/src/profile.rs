//! How often and how long the statements of each line were evaluated.

use crate::trace::{Event, Op, TraceNode};
use govc_syntax::{Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What is told of the statements of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProfile {
    /// Time until the next statement, summed, in nanoseconds.
    pub total_time_ns: u64,
    /// Times that a statement was evaluated.
    pub num_eval: u64,
    /// Times that a statement was evaluated again for further solutions.
    pub num_redo: u64,
    /// Statements that rewrites made of the line.
    pub num_gen_expr: u64,
    /// The source; empty for the query.
    pub file: String,
    /// From 1.
    pub row: usize,
    /// Of the statement that was met first, from 1.
    pub col: usize,
}

/// Collects.
pub(crate) struct Profiler {
    lines: BTreeMap<(u32, usize), (LineProfile, BTreeSet<usize>)>,
    active: Option<((u32, usize), Instant)>,
}

impl Profiler {
    pub(crate) fn new() -> Self {
        Self { lines: BTreeMap::new(), active: None }
    }

    pub(crate) fn add(&mut self, event: &Event<'_>, sources: &Sources) {
        let (Op::Eval | Op::Redo, Some(TraceNode::Expr(e))) = (event.op, &event.node) else { return };
        self.stop();
        let at: Span = e.at.unwrap_or_default();
        let (row, col) = sources.position(at);
        let key = (at.file.0, row);
        let (line, indices) = self.lines.entry(key).or_insert_with(|| {
            let file = sources.get(at.file).name.clone();
            let line =
                LineProfile { total_time_ns: 0, num_eval: 0, num_redo: 0, num_gen_expr: 0, file, row, col };
            (line, BTreeSet::new())
        });
        match event.op {
            Op::Eval => line.num_eval += 1,
            _ => line.num_redo += 1,
        }
        indices.insert(event.index);
        self.active = Some((key, Instant::now()));
    }

    fn stop(&mut self) {
        if let Some((key, since)) = self.active.take()
            && let Some((line, _)) = self.lines.get_mut(&key)
        {
            line.total_time_ns += u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        }
    }

    pub(crate) fn finish(mut self) -> Vec<LineProfile> {
        self.stop();
        let count = |(line, indices): (LineProfile, BTreeSet<usize>)| LineProfile {
            num_gen_expr: indices.len() as u64,
            ..line
        };
        self.lines.into_values().map(count).collect()
    }
}
