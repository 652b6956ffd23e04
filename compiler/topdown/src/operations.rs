//! What an evaluation does inside, counted and timed under OPA's names (`--instrument`).

use std::collections::BTreeMap;
use std::time::Duration;

/// Looking up the rules that may match.
pub(crate) const RULE_INDEX: &str = "eval_op_rule_index";
/// Calling a builtin.
pub(crate) const BUILTIN_CALL: &str = "eval_op_builtin_call";
/// A value that rules or functions gave before was there.
pub(crate) const CACHE_HIT: &str = "eval_op_virtual_cache_hit";
/// It was not.
pub(crate) const CACHE_MISS: &str = "eval_op_virtual_cache_miss";

/// Counters, and the times of operations.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// How often something happened, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// How long something took each time, in nanoseconds, by name.
    pub times: BTreeMap<&'static str, Vec<u64>>,
}

impl Operations {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn time(&mut self, what: &'static str, took: Duration) {
        self.times.entry(what).or_default().push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}
