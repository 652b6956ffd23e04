//! Which constructs and builtins the programs held.

use super::{Outcome, Program};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Counts over a campaign.
#[derive(Default)]
pub struct Coverage {
    seen: HashSet<u64>,
    hasher: RandomState,
    /// Programs by construct or builtin; refused ones do not count.
    pub marks: BTreeMap<&'static str, usize>,
    /// Programs by what opa made of them.
    pub kinds: BTreeMap<String, usize>,
    /// Programs whose `result` has a value in opa.
    pub defined: usize,
}

impl Coverage {
    /// Whether the program is a new one.
    pub fn is_new(&mut self, program: &Program) -> bool {
        self.seen.insert(self.hasher.hash_one((
            &program.modules,
            &program.input,
            &program.data,
            &program.query,
        )))
    }

    /// Different programs.
    pub fn distinct(&self) -> usize {
        self.seen.len()
    }

    /// Counts one program with opa's outcome.
    pub fn count(&mut self, program: &Program, theirs: &Outcome) {
        *self.kinds.entry(theirs.kind()).or_default() += 1;
        let Outcome::Solutions(rows) = theirs else {
            if matches!(theirs, Outcome::Failed(_)) {
                self.add(program);
            }
            return;
        };
        let generated = program.query.starts_with("x = data.fz");
        let has_result = |row: &String| !generated || row.contains("\"result\":");
        self.defined += usize::from(rows.iter().any(has_result));
        self.add(program);
    }

    fn add(&mut self, program: &Program) {
        for mark in &program.marks {
            *self.marks.entry(mark).or_default() += 1;
        }
    }

    /// What of `wanted` occurred less often than so many times.
    pub fn rare(&self, wanted: &BTreeSet<&'static str>, least: usize) -> Vec<(&'static str, usize)> {
        let count = |mark: &&'static str| (*mark, self.marks.get(mark).copied().unwrap_or(0));
        wanted.iter().map(count).filter(|(_, n)| *n < least).collect()
    }
}
