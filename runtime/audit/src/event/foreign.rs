//! Events of other systems: into ours and back.
//!
//! The surprising fact: the way back is part of the contract. A map that forgets a member would be found only
//! when somebody needs it, so each map is tested in both directions and refuses members that it does not know.

use super::members::{Members, verdict, word};
use super::{
    Code, Event, Kind, Personal, PolicyCheck, Principals, Source, TextError, Time, Verdict, digest_of,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// Why an event cannot be mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignError {
    /// The record does not have the shape of its system's events.
    Shape(String),
    /// The event did not come from that system.
    Source,
    /// A value that the way back needs was erased.
    Erased,
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForeignError::Shape(why) => f.write_str(why),
            ForeignError::Source => f.write_str("the event is not one of that system"),
            ForeignError::Erased => f.write_str("a value of the event was erased"),
        }
    }
}

impl std::error::Error for ForeignError {}

impl From<TextError> for ForeignError {
    fn from(error: TextError) -> Self {
        Self::Shape(error.to_string())
    }
}

/// What a governance module logs of an admission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Admission {
    /// The agent.
    pub agent_id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// `allow` or `deny`.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// The codes of all checks that failed, the first one first.
    pub error_codes: Vec<String>,
}

/// An admission as an event.
///
/// # Errors
/// When a code is not known, or does not fit the decision.
pub fn from_admission(admission: &Admission) -> Result<Event, ForeignError> {
    let unknown = |code: &String| ForeignError::Shape(format!("`{code}` is not a code"));
    let codes: Result<Vec<Code>, _> =
        admission.error_codes.iter().map(|code| Code::parse(code).ok_or_else(|| unknown(code))).collect();
    let code = codes?.first().copied().unwrap_or(Code::AdmissionAllow);
    let mut event = Event::coded(code);
    if event.outcome.verdict.text() != admission.decision {
        return Err(ForeignError::Shape(format!("`{}` does not fit its codes", admission.decision)));
    }
    event.agent = Some(admission.agent_id.clone());
    event.workspace = Some(admission.workspace_id.clone());
    event.outcome.reasons = vec![admission.reason.clone()];
    event.outcome.error_codes.clone_from(&admission.error_codes);
    Ok(event)
}

/// The event as an admission.
///
/// # Errors
/// When it is another kind of event.
pub fn to_admission(event: &Event) -> Result<Admission, ForeignError> {
    match (&event.agent, &event.workspace, event.kind) {
        (Some(agent), Some(workspace), Kind::Admission) => Ok(Admission {
            agent_id: agent.clone(),
            workspace_id: workspace.clone(),
            decision: event.outcome.verdict.text().to_owned(),
            reason: event.outcome.reasons.first().cloned().unwrap_or_default(),
            error_codes: event.outcome.error_codes.clone(),
        }),
        _ => Err(ForeignError::Source),
    }
}

const SECURITY: &str = "security-audit";

/// Reads an event of a security logger: an authentication, an invocation of an agent or a violation.
///
/// # Errors
/// When it is none of them, or has a member that is not known.
pub fn from_security(record: &Value) -> Result<Event, ForeignError> {
    let mut members = Members::of(record)?;
    let word = members.needed("event_type")?;
    let kind = match word.as_str() {
        "authentication" => Kind::Authentication,
        "agent_invocation" => Kind::AgentInvocation,
        "security_violation" => Kind::SecurityViolation,
        other => return Err(ForeignError::Shape(format!("`{other}` is no kind of event"))),
    };
    let verdict = match members.take("success") {
        Some(Value::Bool(true)) => Verdict::Success,
        Some(Value::Bool(false)) => Verdict::Failure,
        None if kind == Kind::SecurityViolation => Verdict::Observed,
        _ => return Err(ForeignError::Shape("`success` is not a boolean".to_owned())),
    };
    let mut event = Event::new(kind, verdict);
    // Its times have no zone; the logger's hosts run in UTC.
    event.time = Time::try_from(members.needed("timestamp")? + "Z")?;
    event.principals.caller = Some(Personal::text(members.needed("user_id")?));
    event.agent = members.text("agent_arn")?;
    event.session = members.text("session_id")?;
    event.outcome.error_codes.extend(members.text("violation_type")?);
    event.details = match (members.take("ip_address"), members.take("details")) {
        (Some(address), None) => Some(Personal::Value(json!({ "ip_address": address }))),
        (None, details) => details.map(Personal::Value),
        _ => return Err(ForeignError::Shape("`ip_address` and `details` are of two kinds".to_owned())),
    };
    event.source = Some(Source::new(SECURITY, &word));
    members.end()?;
    Ok(event)
}

/// The event as the security logger has it.
///
/// # Errors
/// When it did not come from there, or a value was erased.
pub fn to_security(event: &Event) -> Result<Value, ForeignError> {
    let source =
        event.source.as_ref().filter(|source| source.system == SECURITY).ok_or(ForeignError::Source)?;
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
    put("event_type", source.kind.clone().into());
    put("timestamp", event.time.text().trim_end_matches('Z').into());
    put("user_id", opened(event.principals.caller.as_ref())?);
    match event.kind {
        Kind::Authentication => {
            let details = opened(event.details.as_ref())?;
            put("ip_address", details.get("ip_address").cloned().unwrap_or_default());
        }
        Kind::SecurityViolation => {
            put("violation_type", event.outcome.error_codes.first().cloned().into());
            put("details", opened(event.details.as_ref())?);
        }
        _ => {
            put("agent_arn", event.agent.clone().into());
            put("session_id", event.session.clone().into());
        }
    }
    if event.kind != Kind::SecurityViolation {
        put("success", (event.outcome.verdict == Verdict::Success).into());
    }
    Ok(Value::Object(record))
}

fn opened(personal: Option<&Personal>) -> Result<Value, ForeignError> {
    personal.map_or(Ok(Value::Null), |personal| personal.value().cloned().ok_or(ForeignError::Erased))
}

const TOOLS: &str = "tool-log";

/// Reads the record of a tool call.
///
/// # Errors
/// When it is none, or has a member that is not known.
pub fn from_tool_call(record: &Value) -> Result<Event, ForeignError> {
    let mut members = Members::of(record)?;
    let kind = members.needed("event_type")?;
    if kind != "tool_call" {
        return Err(ForeignError::Shape(format!("`{kind}` is no kind of event")));
    }
    let mut source = Source::new(TOOLS, &kind);
    let mut result = Members::of(&members.take("result").unwrap_or_default())?;
    let mut event = Event::new(Kind::ToolCall, verdict(&result.needed("status")?, &mut source));
    if let Some(rows) = result.take("rows_returned") {
        let rows =
            rows.as_i64().ok_or_else(|| ForeignError::Shape("`rows_returned` is not a count".to_owned()))?;
        event.outcome.counts.insert("rows_returned".to_owned(), rows);
    }
    result.end()?;
    event.time = Time::try_from(members.needed("timestamp")?)?;
    event.agent = members.text("agent_id")?;
    event.principals.on_behalf_of = members.text("user_id")?.map(Personal::text);
    event.session = members.text("session_id")?;
    event.action = members.text("tool")?;
    if let Some(arguments) = members.take("arguments") {
        event.arguments_digest = Some(digest_of(&arguments));
        event.arguments = Some(Personal::Value(arguments));
    }
    if let Some(checks) = members.take("policy_checks") {
        let checks: Result<Vec<PolicyCheck>, _> = serde_json::from_value(checks);
        event.policy_checks = checks.map_err(|error| ForeignError::Shape(error.to_string()))?;
    }
    event.reasoning_trace = members.take("reasoning_trace").map(Personal::Value);
    event.source = Some(source);
    members.end()?;
    Ok(event)
}

/// The event as the record of a tool call.
///
/// # Errors
/// When it did not come from one, or a value was erased.
pub fn to_tool_call(event: &Event) -> Result<Value, ForeignError> {
    let source = event.source.as_ref().filter(|source| source.system == TOOLS).ok_or(ForeignError::Source)?;
    let mut result = json!({ "status": word(event.outcome.verdict, source) });
    for (name, count) in &event.outcome.counts {
        result[name] = (*count).into();
    }
    Ok(json!({
        "timestamp": event.time,
        "agent_id": event.agent,
        "user_id": opened(event.principals.on_behalf_of.as_ref())?,
        "session_id": event.session,
        "event_type": source.kind,
        "tool": event.action,
        "arguments": opened(event.arguments.as_ref())?,
        "result": result,
        "policy_checks": event.policy_checks,
        "reasoning_trace": opened(event.reasoning_trace.as_ref())?,
    }))
}

const CHAIN: &str = "governance-chain";

/// Reads an event of a correlation chain: of an authorization, an integration or a revocation.
///
/// # Errors
/// When it is none of them, or has a member that is not known.
pub fn from_chain(record: &Value) -> Result<Event, ForeignError> {
    let mut members = Members::of(record)?;
    let word = members.needed("event_type")?;
    let kind = match word.split('_').next() {
        Some("authorization") => Kind::Authorization,
        Some("integration") => Kind::Integration,
        Some("revocation") => Kind::Revocation,
        _ => return Err(ForeignError::Shape(format!("`{word}` is no kind of event"))),
    };
    let mut source = Source::new(CHAIN, &word);
    source.hash = members.text("integrity_hash")?;
    let mut event = Event::new(kind, verdict(&members.needed("outcome")?, &mut source));
    event.event_id = members.needed("id")?;
    event.correlation_id = members.needed("correlation_id")?;
    event.time = Time::try_from(members.needed("timestamp")?)?;
    event.principals = principals(members.take("principal_chain"))?;
    event.latency_us = members.take("latency_ms").map(microseconds).transpose()?;
    event.source = Some(source);
    members.end()?;
    Ok(event)
}

/// The last of a chain acts, the others passed the right on.
fn principals(chain: Option<Value>) -> Result<Principals, ForeignError> {
    let wrong = || ForeignError::Shape("`principal_chain` is not a list of texts".to_owned());
    let chain: Vec<String> =
        serde_json::from_value(chain.unwrap_or_else(|| json!([]))).map_err(|_| wrong())?;
    let mut delegation: Vec<Personal> = chain.into_iter().map(Personal::text).collect();
    let caller = delegation.pop();
    Ok(Principals { caller, on_behalf_of: None, delegation })
}

fn microseconds(milliseconds: Value) -> Result<u64, ForeignError> {
    let wrong = || ForeignError::Shape("`latency_ms` is not a time".to_owned());
    let time = milliseconds.as_f64().filter(|time| (0.0..1e12).contains(time)).ok_or_else(wrong)?;
    std::time::Duration::try_from_secs_f64(time / 1e3)
        .ok()
        .and_then(|time| u64::try_from(time.as_nanos().div_ceil(1000)).ok())
        .ok_or_else(wrong)
}

/// The event as the correlation chain has it.
///
/// # Errors
/// When it did not come from there, or a value was erased.
pub fn to_chain(event: &Event) -> Result<Value, ForeignError> {
    let source = event.source.as_ref().filter(|source| source.system == CHAIN).ok_or(ForeignError::Source)?;
    let chain = event.principals.delegation.iter().chain(&event.principals.caller);
    let chain: Result<Vec<Value>, _> = chain.map(|personal| opened(Some(personal))).collect();
    Ok(json!({
        "id": event.event_id,
        "event_type": source.kind,
        "timestamp": event.time,
        "correlation_id": event.correlation_id,
        "principal_chain": chain?,
        "outcome": word(event.outcome.verdict, source),
        "latency_ms": event.latency_us.map(milliseconds),
        "integrity_hash": source.hash,
    }))
}

/// A whole number of milliseconds where it is one.
fn milliseconds(microseconds: u64) -> Value {
    match microseconds % 1000 {
        0 => (microseconds / 1000).into(),
        _ => (std::time::Duration::from_micros(microseconds).as_secs_f64() * 1e3).into(),
    }
}
