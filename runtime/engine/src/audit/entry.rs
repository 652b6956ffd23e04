//! One line of the log.
//!
//! The hash of an entry is over the canonical JSON (RFC 8785) of the entry without its `hash`. It covers `prev`
//! and so every entry before.

use super::{AuditError, Event, FaultKind};
use crate::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Position, from 0.
    pub seq: u64,
    /// When it was written, RFC 3339 in UTC with microseconds.
    pub time: String,
    /// What kind of event.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its content.
    pub body: Value,
    /// Hash of the entry before; 64 zeros in the first.
    pub prev: String,
    /// Hash of this entry.
    pub hash: String,
}

#[derive(Serialize)]
struct Unhashed<'e> {
    seq: u64,
    time: &'e str,
    #[serde(rename = "type")]
    kind: &'e str,
    body: &'e Value,
    prev: &'e str,
}

impl Entry {
    /// The entry of an event at the end of a chain, and its line.
    pub(super) fn make(event: &Event, seq: u64, prev: &str) -> Result<(Self, String), AuditError> {
        let now = jiff::Timestamp::now();
        // What is hashed is what a reader will read back, so the body takes the canonical form first.
        let body = canonical_value(&event.body)?;
        let mut entry = Self {
            seq,
            time: format!("{now:.6}"),
            kind: event.kind.clone(),
            body,
            prev: prev.to_owned(),
            hash: String::new(),
        };
        entry.hash = entry.computed_hash()?;
        let line = entry.line()?;
        Ok((entry, line))
    }

    /// The hash that the entry must have.
    pub(super) fn computed_hash(&self) -> Result<String, AuditError> {
        let Self { seq, time, kind, body, prev, .. } = self;
        canonical(&Unhashed { seq: *seq, time, kind, body, prev }).map(|text| digest::hex(text.as_bytes()))
    }

    /// The entry as it stands in the log, without a line end.
    ///
    /// # Errors
    /// When the body cannot be written as canonical JSON.
    pub fn line(&self) -> Result<String, AuditError> {
        canonical(self)
    }

    /// Reads a line: canonical JSON of exactly these fields, with the right hash.
    pub(super) fn read(line: &[u8]) -> Result<Self, FaultKind> {
        let entry: Self = serde_json::from_slice(line).map_err(|e| FaultKind::Unreadable(e.to_string()))?;
        if digest::canonical(line).ok().as_deref() != Some(line) {
            return Err(FaultKind::Form);
        }
        let expected = hash_of_line(line, &entry.hash).ok_or(FaultKind::Form)?;
        if expected != entry.hash {
            return Err(FaultKind::Hash);
        }
        Ok(entry)
    }
}

/// The hash over a canonical line without its `hash` member. Works on the bytes, so that numbers in the body
/// which do not survive a parser are hashed as they stand.
fn hash_of_line(line: &[u8], hash: &str) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    // In canonical order `hash` follows `body`, and a body may hold the same text: the last one is ours,
    // because `prev`, `seq`, `time` and `type` cannot hold a quote followed by `hash`.
    let member = format!("\"hash\":\"{hash}\",\"prev\":");
    let at = text.rfind(&member)?;
    let (before, after) = text.split_at(at);
    let after = after.get(member.len() - "\"prev\":".len()..)?;
    Some(digest::hex(format!("{before}{after}").as_bytes()))
}

fn canonical(value: &impl Serialize) -> Result<String, AuditError> {
    let text = serde_json::to_vec(value).map_err(|e| AuditError::Body(e.to_string()))?;
    let bytes = digest::canonical(&text).map_err(|e| AuditError::Body(e.kind.to_string()))?;
    String::from_utf8(bytes).map_err(|e| AuditError::Body(e.to_string()))
}

fn canonical_value(value: &Value) -> Result<Value, AuditError> {
    serde_json::from_str(&canonical(value)?).map_err(|e| AuditError::Body(e.to_string()))
}
