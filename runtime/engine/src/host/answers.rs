//! What the world answered: recorded while a decision is made, given again when it is replayed.

use super::{Host, HostError};
use govc_stdlib::{BuiltinError, World};
use govc_value::{Heap, Value, json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// Outside answers by builtin and arguments: OPA's `nd_builtin_cache`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<String, BTreeMap<String, Box<RawValue>>>);

impl Answers {
    /// The answer of a builtin for arguments, as JSON.
    pub fn get(&self, builtin: &str, args: &str) -> Option<&str> {
        self.0.get(builtin)?.get(args).map(|answer| answer.get())
    }

    /// The same answers to the same questions?
    pub(crate) fn same(&self, other: &Self) -> bool {
        let texts = |answers: &Self| -> Vec<(String, String, String)> {
            let each = answers.0.iter().flat_map(|(builtin, calls)| {
                calls
                    .iter()
                    .map(move |(args, answer)| (builtin.clone(), args.clone(), answer.get().to_owned()))
            });
            each.collect()
        };
        texts(self) == texts(other)
    }

    /// Was nothing asked?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn record(&mut self, builtin: &str, args: &str, answer: &str) -> Result<(), HostError> {
        let answer = RawValue::from_string(answer.to_owned())
            .map_err(|e| HostError::Failed(format!("the host's answer is not JSON: {e}")))?;
        self.0.entry(builtin.to_owned()).or_default().insert(args.to_owned(), answer);
        Ok(())
    }
}

/// Answers of an earlier decision, given again.
pub(crate) struct Replay<'a>(pub(crate) &'a Answers);

const CLOCK: &str = "time.now_ns";
const NO_ARGS: &str = "[]";

impl Host for Replay<'_> {
    fn now_ns(&self) -> Option<i64> {
        self.0.get(CLOCK, NO_ARGS)?.parse().ok()
    }

    fn call(&self, builtin: &str, args: &str) -> Result<String, HostError> {
        self.0.get(builtin, args).map(str::to_owned).ok_or(HostError::Off)
    }
}

/// A host as the machine sees it for one decision: asks once, records what it got.
pub(crate) struct Recorder<'h> {
    host: &'h dyn Host,
    answers: Answers,
    now: Option<i64>,
    missing: Option<String>,
    marked: BTreeSet<u32>,
}

impl<'h> Recorder<'h> {
    pub(crate) fn new(host: &'h dyn Host) -> Self {
        Self { host, answers: Answers::default(), now: None, missing: None, marked: BTreeSet::new() }
    }

    /// A builtin that was asked for although the host does not have it. Then the answer of the query is worthless.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// What a program that tells of its evaluation has marked.
    pub(crate) fn marked(&self) -> &BTreeSet<u32> {
        &self.marked
    }

    pub(crate) fn into_answers(self) -> Answers {
        self.answers
    }

    fn ask(&mut self, builtin: &str, args: &str) -> Result<String, HostError> {
        if let Some(known) = self.answers.get(builtin, args) {
            return Ok(known.to_owned());
        }
        let answer = self.host.call(builtin, args)?;
        self.answers.record(builtin, args, &answer)?;
        Ok(answer)
    }
}

impl World for Recorder<'_> {
    fn now_ns(&mut self) -> i64 {
        if let Some(now) = self.now {
            return now;
        }
        let Some(now) = self.host.now_ns() else {
            self.missing.get_or_insert_with(|| CLOCK.to_owned());
            return 0;
        };
        self.now = Some(now);
        // A number is always JSON.
        let _ = self.answers.record(CLOCK, NO_ARGS, &now.to_string());
        now
    }

    fn call<'q>(
        &mut self,
        name: &str,
        heap: Heap<'q>,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        if name == CLOCK {
            return Ok(Value::int(self.now_ns()));
        }
        let answer = self.ask(name, &args_text(args)).map_err(|error| match error {
            HostError::Off => {
                self.missing.get_or_insert_with(|| name.to_owned());
                BuiltinError::Fatal(error.to_string())
            }
            HostError::Failed(why) => BuiltinError::Failed(why),
        })?;
        json::read(heap, answer.as_bytes(), &json::Limits::default())
            .map_err(|e| BuiltinError::Failed(format!("the host's answer is not JSON: {e}")))
    }

    fn mark(&mut self, place: u32) {
        self.marked.insert(place);
    }

    fn print(&mut self, text: &str, file: &str, row: u32) {
        self.host.print(text, file, row);
    }
}

/// Arguments as a JSON array, the key of OPA's cache.
fn args_text(args: &[Value<'_>]) -> String {
    let parts: Vec<String> = args.iter().map(|arg| json::to_string(*arg)).collect();
    format!("[{}]", parts.join(","))
}
