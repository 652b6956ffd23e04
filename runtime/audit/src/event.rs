//! The one event that the log is made of.
//!
//! The surprising fact: the schema is closed. What has no field here is not recorded, so that a reader of any
//! year knows all that an event can say; `schema/event.json` says the same to other languages.

mod agent_safe;
mod code;
mod foreign;
mod members;
mod personal;
mod secrets;
mod text;

pub use agent_safe::{from_agent_safe, to_agent_safe};
pub use code::{Code, Kind, Verdict};
pub use foreign::{
    Admission, ForeignError, from_admission, from_chain, from_security, from_tool_call, to_admission,
    to_chain, to_security, to_tool_call,
};
pub use personal::Personal;
pub use text::{Digest, TextError, Time, TraceId, random_id};

use crate::chain::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The JSON Schema of an event.
pub const SCHEMA: &str = include_str!("../schema/event.json");

/// The version of the schema that this is.
pub const VERSION: u32 = 1;

/// Something that happened, as it is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The version of the schema: 1.
    #[serde(deserialize_with = "code::this_version")]
    pub version: u32,
    /// Names the event; unique in a log.
    pub event_id: String,
    /// What kind of event.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The code of a decision on promotion, admission or policies.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// When it happened.
    pub time: Time,
    /// Whose log it belongs to, where several share one.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The part of the tenant.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Binds the events of one request together: the caller's, or one that was made.
    pub correlation_id: String,
    /// The trace of W3C Trace Context: the caller's, or one that was made.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// Who acted.
    #[serde(default, deserialize_with = "code::object", skip_serializing_if = "Principals::is_empty")]
    pub principals: Principals,
    /// The agent that acted or was acted upon.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The action, or the tool that was called.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What it was done to.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The arguments themselves, where they are recorded. Erasable.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Personal>,
    /// SHA-256 of the arguments in canonical JSON.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<Digest>,
    /// What came of it.
    #[serde(deserialize_with = "code::object")]
    pub outcome: Outcome,
    /// The policies that were asked.
    #[serde(default, deserialize_with = "code::objects", skip_serializing_if = "Vec::is_empty")]
    pub policy_checks: Vec<PolicyCheck>,
    /// Risk, as an assessment before the decision gave it.
    #[serde(default, deserialize_with = "code::present_object", skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Digest of the bundle that decided.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub bundle_digest: Option<Digest>,
    /// Digest of its input in canonical JSON.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<Digest>,
    /// Digest of the agent's specification in canonical JSON.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub spec_digest: Option<Digest>,
    /// The ticket of another system.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<String>,
    /// How long it took, in microseconds.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<u64>,
    /// How the agent came to it. Erasable.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub reasoning_trace: Option<Personal>,
    /// What else is known of it: addresses, states, details. Erasable.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub details: Option<Personal>,
    /// The record of another system that it was made from.
    #[serde(default, deserialize_with = "code::present_object", skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// Who acted, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principals {
    /// Who asked. Erasable.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub caller: Option<Personal>,
    /// The user on whose behalf. Erasable.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Personal>,
    /// Who passed the right on, from the first to the last. Erasable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegation: Vec<Personal>,
}

impl Principals {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// In a word.
    pub verdict: Verdict,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Why, in stable codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_codes: Vec<String>,
    /// What was counted, such as `rows_returned`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, i64>,
}

impl Outcome {
    /// An outcome without reasons.
    pub fn of(verdict: Verdict) -> Self {
        Self { verdict, reasons: Vec::new(), error_codes: Vec::new(), counts: BTreeMap::new() }
    }
}

/// What a policy said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyCheck {
    /// The policy, or the rule of it.
    pub policy: String,
    /// What it said.
    pub result: String,
    /// Why.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A risk, before and after what mitigates or aggravates it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// The risk of the action as such.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The risk here.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub effective: Option<String>,
}

/// The record of another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The system.
    pub system: String,
    /// What it calls the kind of event.
    pub kind: String,
    /// Its own word for the outcome, where that is none of ours.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The hash that it gave the record.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The hash of the record before.
    #[serde(default, deserialize_with = "code::present", skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

impl Source {
    /// A record of a kind in a system.
    pub fn new(system: &str, kind: &str) -> Self {
        Self { system: system.to_owned(), kind: kind.to_owned(), verdict: None, hash: None, previous: None }
    }
}

/// Why an event cannot be recorded or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// It is not an event of this schema.
    Form(String),
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventError::Form(why) => write!(f, "not an event: {why}"),
        }
    }
}

impl std::error::Error for EventError {}

impl Event {
    /// An event of now with an id, a correlation id and a trace id that were made for it.
    pub fn new(kind: Kind, verdict: Verdict) -> Self {
        let id = text::random_id();
        Self {
            version: VERSION,
            correlation_id: id.clone(),
            event_id: format!("evt-{id}"),
            kind,
            code: None,
            time: Time::now(),
            tenant: None,
            workspace: None,
            trace_id: Some(TraceId::made()),
            principals: Principals::default(),
            agent: None,
            session: None,
            action: None,
            target: None,
            arguments: None,
            arguments_digest: None,
            outcome: Outcome::of(verdict),
            policy_checks: Vec::new(),
            risk: None,
            bundle_digest: None,
            input_digest: None,
            spec_digest: None,
            ticket_id: None,
            latency_us: None,
            reasoning_trace: None,
            details: None,
            source: None,
        }
    }

    /// An event with a code, which gives its kind and outcome.
    pub fn coded(code: Code) -> Self {
        let (kind, verdict) = code.meaning();
        Self { code: Some(code), ..Self::new(kind, verdict) }
    }

    /// Its bytes in the log: compact JSON with sorted members, without secrets.
    ///
    /// # Errors
    /// When it cannot be JSON.
    pub fn entry(&self) -> Result<Vec<u8>, EventError> {
        let mut value = serde_json::to_value(self).map_err(|error| EventError::Form(error.to_string()))?;
        secrets::scrub(&mut value);
        serde_json::to_vec(&value).map_err(|error| EventError::Form(error.to_string()))
    }

    /// Reads an entry of the log. A member that stands twice is refused, because readers differ in which one they take.
    ///
    /// # Errors
    /// When it is not an event of this schema.
    pub fn read(entry: &[u8]) -> Result<Self, EventError> {
        let unique: Result<Json, _> = serde_json::from_slice(entry);
        let event = unique.and_then(|_| serde_json::from_slice(entry));
        event.map_err(|error| EventError::Form(error.to_string()))
    }

    /// All its erasable fields.
    pub fn personal_mut(&mut self) -> Vec<&mut Personal> {
        let Principals { caller, on_behalf_of, delegation } = &mut self.principals;
        let single =
            [caller, on_behalf_of, &mut self.arguments, &mut self.reasoning_trace, &mut self.details];
        single.into_iter().flatten().chain(delegation).collect()
    }
}

/// SHA-256 of a JSON value with sorted members and no spaces.
pub(crate) fn digest_of(value: &Value) -> Digest {
    Digest::of(value.to_string().as_bytes())
}
