//! Answers of the outside world: kept with the result, and given again when a decision is replayed.
//!
//! The form is OPA's `nd_builtin_cache`: `{"time.now_ns": {"[]": 123}}`, arguments as JSON text.

use govc_value::{Heap, Value, json};

/// What was asked and answered in this query.
pub(crate) struct Record<'q> {
    /// Answers to give again.
    replayed: Option<Value<'q>>,
    /// Name, arguments as text, answer.
    answers: Vec<(Value<'q>, Value<'q>, Value<'q>)>,
}

impl<'q> Record<'q> {
    pub(crate) fn new(replayed: Option<Value<'q>>) -> Self {
        Self { replayed, answers: Vec::new() }
    }

    /// The key of a call.
    pub(crate) fn key(heap: Heap<'q>, args: &[Value<'q>]) -> Value<'q> {
        heap.string(&json::to_string(heap.array(args)))
    }

    /// The answer that is known: a call with the same arguments is answered once per query.
    pub(crate) fn find(&mut self, name: Value<'q>, key: Value<'q>) -> Option<Value<'q>> {
        let known = self.answers.iter().find(|(n, k, _)| *n == name && *k == key);
        if let Some(&(_, _, answer)) = known {
            return Some(answer);
        }
        let answer = self.replayed?.get(name).get(key);
        if answer.is_undefined() {
            return None;
        }
        self.answers.push((name, key, answer));
        Some(answer)
    }

    pub(crate) fn add(&mut self, name: Value<'q>, key: Value<'q>, answer: Value<'q>) {
        if !answer.is_undefined() {
            self.answers.push((name, key, answer));
        }
    }

    /// All answers as one object; undefined where there are none.
    pub(crate) fn finish(self, heap: Heap<'q>) -> Value<'q> {
        if self.answers.is_empty() {
            return Value::UNDEFINED;
        }
        let mut names: Vec<_> = self.answers.iter().map(|&(name, ..)| name).collect();
        names.sort();
        names.dedup();
        let of = |name: Value<'q>| {
            let own = self.answers.iter().filter(|a| a.0 == name);
            heap.object(&mut own.map(|&(_, key, answer)| (key, answer)).collect())
        };
        heap.object(&mut names.into_iter().map(|name| (name, of(name))).collect())
    }
}
