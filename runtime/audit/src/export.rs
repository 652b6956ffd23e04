//! Entries for other systems: JSON lines, and events as the Open Cybersecurity Schema Framework has them.
//!
//! The surprising fact: what is no event of our schema is exported, too, as raw data. An export that leaves
//! entries out is of no use to who has to show all of them.

use crate::event::{Event, Kind, Personal, Verdict};
use serde_json::{Value, json};

/// The version of OCSF that [`ocsf`] writes.
pub const OCSF_VERSION: &str = "1.3.0";

/// An entry as one line of JSON with its index: `{"index":7,"entry":{...}}`; a text that is not JSON stays a text.
pub fn line(index: u64, entry: &[u8]) -> String {
    json!({ "index": index, "entry": value(entry) }).to_string()
}

fn value(entry: &[u8]) -> Value {
    serde_json::from_slice(entry)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(entry).into_owned()))
}

/// An entry as an OCSF event in one line.
pub fn ocsf(index: u64, entry: &[u8]) -> String {
    match Event::read(entry) {
        Ok(event) => of_event(index, &event),
        Err(_) => raw(index, entry),
    }
    .to_string()
}

/// A base event that holds the entry as it is.
fn raw(index: u64, entry: &[u8]) -> Value {
    json!({
        "activity_id": 99, "category_uid": 0, "class_uid": 0, "type_uid": 99, "severity_id": 1, "status_id": 0,
        "metadata": metadata(&json!({ "sequence": index })),
        "raw_data": String::from_utf8_lossy(entry),
    })
}

fn metadata(more: &Value) -> Value {
    let mut metadata = json!({
        "version": OCSF_VERSION,
        "product": { "name": "govc", "vendor_name": "govc" },
        "log_name": "audit",
    });
    if let (Some(metadata), Some(more)) = (metadata.as_object_mut(), more.as_object()) {
        metadata.extend(more.clone());
    }
    metadata
}

/// Category and class: authentication, detection finding, or activity over an API.
fn class(kind: Kind) -> (u64, u64) {
    match kind {
        Kind::Authentication => (3, 3002),
        Kind::SecurityViolation => (2, 2004),
        _ => (6, 6003),
    }
}

/// The activity: a logon, a new finding, or another one that `api.operation` names.
fn activity(kind: Kind) -> u64 {
    match kind {
        Kind::Authentication | Kind::SecurityViolation => 1,
        _ => 99,
    }
}

fn status(verdict: Verdict) -> (u64, &'static str) {
    match verdict {
        Verdict::Allow | Verdict::Success => (1, "Success"),
        Verdict::Deny | Verdict::Failure => (2, "Failure"),
        _ => (99, "Other"),
    }
}

fn severity(event: &Event) -> u64 {
    match (event.kind, event.outcome.verdict) {
        (Kind::SecurityViolation, _) => 4,
        (_, Verdict::Deny | Verdict::Failure) => 2,
        _ => 1,
    }
}

fn of_event(index: u64, event: &Event) -> Value {
    let (category, class) = class(event.kind);
    let activity = activity(event.kind);
    let (status_id, status) = status(event.outcome.verdict);
    json!({
        "category_uid": category,
        "class_uid": class,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "severity_id": severity(event),
        "time": event.time.milliseconds(),
        "status_id": status_id,
        "status": status,
        "status_code": event.code.map(|code| code.text()),
        "status_detail": event.outcome.reasons.first(),
        "duration": event.latency_us.map(|time| time / 1000),
        "metadata": metadata(&json!({
            "uid": event.event_id,
            "sequence": index,
            "correlation_uid": event.correlation_id,
            "trace_uid": event.trace_id,
            "tenant_uid": event.tenant,
        })),
        "actor": actor(event),
        "api": { "operation": event.action },
        "resources": event.target.iter().map(|target| json!({ "name": target })).collect::<Vec<_>>(),
        "policies": event.policy_checks.iter().map(|check| json!({ "name": check.policy, "desc": check.result })).collect::<Vec<_>>(),
        "unmapped": { "event": event },
    })
}

fn actor(event: &Event) -> Value {
    let name = |personal: &Option<Personal>| personal.as_ref().and_then(Personal::as_text).map(str::to_owned);
    json!({
        "user": { "name": name(&event.principals.caller) },
        "on_behalf_of": name(&event.principals.on_behalf_of),
        "app_name": event.agent,
        "session": { "uid": event.session },
    })
}
