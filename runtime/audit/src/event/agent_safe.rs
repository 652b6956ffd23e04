//! The events of Agent-Safe: decisions, captured states and executions.
//!
//! The surprising fact: each names the hash of the one before, so an event keeps both hashes, and the chain can
//! still be checked after the way back.

use super::foreign::ForeignError;
use super::members::{Members, verdict, word};
use super::{Event, Kind, Personal, PolicyCheck, Principals, Risk, Source, Time, digest_of};
use serde_json::{Value, json};

const SYSTEM: &str = "agent-safe";

/// Reads an event of Agent-Safe.
///
/// # Errors
/// When it is none, or has a member that is not known.
pub fn from_agent_safe(record: &Value) -> Result<Event, ForeignError> {
    let mut members = Members::of(record)?;
    let kind = members.needed("event_type")?;
    let mut source = Source::new(SYSTEM, &kind);
    source.hash = members.text("entry_hash")?;
    source.previous = members.text("prev_hash")?;
    let decision = members.needed("decision")?;
    let mut event = Event::new(kind_of(&kind)?, verdict(&decision, &mut source));
    event.event_id = members.needed("event_id")?;
    event.time = Time::try_from(members.needed("timestamp")?)?;
    // Without one the event stands alone, and its own id binds it to itself.
    event.correlation_id = members.text("correlation_id")?.unwrap_or_else(|| event.event_id.clone());
    event.trace_id = None;
    event.action = members.text("action")?;
    event.target = members.text("target")?;
    event.principals =
        Principals { caller: members.text("caller")?.map(Personal::text), ..Principals::default() };
    if let Some(params) = members.take("params") {
        event.arguments_digest = Some(digest_of(&params));
        event.arguments = Some(Personal::Value(params));
    }
    let reason = members.text("reason")?;
    if let Some(policy) = members.text("policy_matched")? {
        event.policy_checks.push(PolicyCheck { policy, result: decision, reason: None });
    }
    event.outcome.reasons.extend(reason);
    let risk = Risk { class: members.text("risk_class")?, effective: members.text("effective_risk")? };
    event.risk = Some(risk).filter(|risk| *risk != Risk::default());
    event.ticket_id = members.text("ticket_id")?;
    event.details = members.take("context").map(Personal::Value);
    event.source = Some(source);
    members.end()?;
    Ok(event)
}

fn kind_of(kind: &str) -> Result<Kind, ForeignError> {
    match kind {
        "decision" => Ok(Kind::Decision),
        "state_capture" => Ok(Kind::StateCapture),
        "execution" => Ok(Kind::Execution),
        other => Err(ForeignError::Shape(format!("`{other}` is no kind of event"))),
    }
}

/// The event as Agent-Safe has it.
///
/// # Errors
/// When it did not come from there, or a value was erased.
pub fn to_agent_safe(event: &Event) -> Result<Value, ForeignError> {
    let source =
        event.source.as_ref().filter(|source| source.system == SYSTEM).ok_or(ForeignError::Source)?;
    let open = |value: &Option<Personal>| match value {
        None => Ok(Value::Null),
        Some(personal) => personal.value().cloned().ok_or(ForeignError::Erased),
    };
    let correlation = Some(&event.correlation_id).filter(|id| **id != event.event_id);
    let risk = event.risk.clone().unwrap_or_default();
    Ok(json!({
        "event_id": event.event_id,
        "timestamp": event.time,
        "prev_hash": source.previous,
        "entry_hash": source.hash,
        "event_type": source.kind,
        "action": event.action,
        "target": event.target,
        "caller": open(&event.principals.caller)?,
        "params": open(&event.arguments)?,
        "decision": word(event.outcome.verdict, source),
        "reason": event.outcome.reasons.first(),
        "policy_matched": event.policy_checks.first().map(|check| &check.policy),
        "risk_class": risk.class,
        "effective_risk": risk.effective,
        "correlation_id": correlation,
        "ticket_id": event.ticket_id,
        "context": open(&event.details)?,
    }))
}
