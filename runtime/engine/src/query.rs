//! What is asked of a policy.

use crate::host::{Host, Sealed};
use crate::policy::Entrypoint;
use govc_value::{Arena, json};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Bounds on one decision. Reaching one denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Loop iterations and calls.
    pub fuel: u64,
    /// Wall time; in microseconds where it is written.
    #[serde(rename = "time_us", with = "microseconds")]
    pub time: Option<Duration>,
    /// Bytes of memory for the input, everything computed, and the result.
    pub memory: usize,
    /// Bytes of the input's text.
    pub input_bytes: usize,
    /// Nesting of the input.
    pub input_depth: u32,
    /// Bytes of the result's text.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 100_000_000,
            time: Some(Duration::from_secs(5)),
            memory: 256 << 20,
            input_bytes: 16 << 20,
            input_depth: 1_000,
            result_bytes: 16 << 20,
        }
    }
}

/// A time as a whole number of microseconds, or `null`.
mod microseconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<u64>::deserialize(deserializer).map(|time| time.map(Duration::from_micros))
    }
}

impl Limits {
    /// Whether they are those of a query that names none.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }

    /// A program that tells of its evaluation takes longer, and is given the time.
    pub(crate) fn of_telling(&self) -> Self {
        const SLOWER: u32 = 16;
        Self {
            fuel: self.fuel.saturating_mul(SLOWER.into()),
            time: self.time.map(|time| time.saturating_mul(SLOWER)),
            ..*self
        }
    }

    pub(crate) fn json(&self) -> json::Limits {
        json::Limits { bytes: self.input_bytes, depth: self.input_depth, string: self.input_bytes }
    }

    pub(crate) fn machine(&self) -> govc_vm::Limits {
        govc_vm::Limits { fuel: self.fuel, time: self.time, memory: self.memory }
    }
}

/// Memory that decisions of one thread use again and again.
pub struct Scratch {
    pub(crate) arena: Arena,
    pub(crate) machine: govc_vm::Scratch,
}

impl Scratch {
    /// Empty scratch memory.
    pub fn new() -> Self {
        Self { arena: Arena::new(Limits::default().memory), machine: govc_vm::Scratch::default() }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// A question: which entrypoint, with what input, within which limits, in which world.
///
/// ```
/// use govc_engine::{Query, SystemHost};
/// let host = SystemHost::new().with_clock();
/// let by_bytes = Query::new("promotion/result").input_json(br#"{"actorRole": "viewer"}"#).host(&host);
/// let by_value = Query::new("promotion/result").input(&serde_json::json!({"actorRole": "viewer"}));
/// # let _ = (by_bytes, by_value);
/// ```
#[derive(Clone)]
pub struct Query<'a> {
    pub(crate) target: Target<'a>,
    pub(crate) input: Input<'a>,
    pub(crate) limits: Limits,
    pub(crate) host: &'a dyn Host,
    pub(crate) telling: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Target<'a> {
    Name(&'a str),
    Handle(&'a Entrypoint),
}

#[derive(Clone, Debug)]
pub(crate) enum Input<'a> {
    None,
    Json(Cow<'a, [u8]>),
    Unwritable(String),
}

impl<'a> Query<'a> {
    /// Asks an entrypoint by name: the path of a rule, `promotion/result`.
    pub fn new(entrypoint: &'a str) -> Self {
        Self::of(Target::Name(entrypoint))
    }

    /// Asks a resolved entrypoint, without looking its name up.
    pub fn at(entrypoint: &'a Entrypoint) -> Self {
        Self::of(Target::Handle(entrypoint))
    }

    fn of(target: Target<'a>) -> Self {
        Self { target, input: Input::None, limits: Limits::default(), host: &Sealed, telling: false }
    }

    /// The input as JSON text. Without an input, `input` is undefined.
    #[must_use]
    pub fn input_json(mut self, text: &'a [u8]) -> Self {
        self.input = Input::Json(Cow::Borrowed(text));
        self
    }

    /// The input as anything that serializes to JSON. What does not is a denial.
    #[must_use]
    pub fn input<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.input = match serde_json::to_vec(value) {
            Ok(text) => Input::Json(Cow::Owned(text)),
            Err(error) => Input::Unwritable(error.to_string()),
        };
        self
    }

    /// The input's text, where it has one.
    pub(crate) fn input_text(&self) -> Option<&[u8]> {
        match &self.input {
            Input::Json(text) => Some(text),
            Input::None | Input::Unwritable(_) => None,
        }
    }

    /// Other bounds than the usual.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The decision is to tell which rules fired, and which would have had to fire for another; see
    /// [`Decision::rules`](crate::Decision::rules). It takes a second, slower evaluation.
    #[must_use]
    pub fn telling_rules(mut self) -> Self {
        self.telling = true;
        self
    }

    /// A world to ask.
    #[must_use]
    pub fn host(mut self, host: &'a dyn Host) -> Self {
        self.host = host;
        self
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("target", &self.target)
            .field("input", &self.input)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
