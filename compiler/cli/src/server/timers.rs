//! The measurements that an answer carries where the caller asks for them, under OPA's names.

use std::collections::BTreeMap;
use std::time::Instant;

/// Measurements of one request. One that is off measures nothing.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    on: bool,
    values: BTreeMap<&'static str, u64>,
}

impl Timers {
    /// Measures, or does not.
    pub(crate) fn new(on: bool) -> Self {
        Self { on, values: BTreeMap::new() }
    }

    /// Times a step.
    pub(crate) fn time<T>(&mut self, name: &'static str, step: impl FnOnce() -> T) -> T {
        if !self.on {
            return step();
        }
        let started = Instant::now();
        let done = step();
        self.since(name, started);
        done
    }

    /// Adds the time since a moment.
    pub(crate) fn since(&mut self, name: &'static str, started: Instant) {
        let elapsed = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.count(name, elapsed);
    }

    /// Adds to a number.
    pub(crate) fn count(&mut self, name: &'static str, by: u64) {
        if self.on {
            *self.values.entry(name).or_default() += by;
        }
    }

    /// Nothing was measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The JSON object.
    pub(crate) fn json(&self) -> String {
        let all: Vec<String> =
            self.values.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", all.join(","))
    }
}
