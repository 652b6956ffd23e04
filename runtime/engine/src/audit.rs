//! The audit log: what was decided, in one chain that can only grow.
//!
//! The surprising fact: the log has no index and no header. It is lines of canonical JSON, each naming the
//! hash of the line before, so that `sha256sum` and `jq` are enough to check it by hand.

mod agent_safe;
mod entry;
mod file;
mod tail;
mod verify;

pub use agent_safe::{agent_safe_line, is_agent_safe_line, python_float, verify_agent_safe_lines};
pub use entry::Entry;
pub use file::FileLog;
pub use verify::{Fault, FaultKind, verify_lines};

use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// `prev` of the first entry.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What kind of event: a decision code such as `ADMISSION_ALLOW`, or `DECISION`.
    pub kind: String,
    /// Its content. No secrets.
    pub body: Value,
}

impl Event {
    /// An event from anything that serializes.
    ///
    /// # Errors
    /// When the body cannot be JSON.
    pub fn new(kind: impl Into<String>, body: impl Serialize) -> Result<Self, AuditError> {
        let body = serde_json::to_value(body).map_err(|e| AuditError::Body(e.to_string()))?;
        Ok(Self { kind: kind.into(), body })
    }
}

/// The acknowledgement of an entry: when it is there, the entry is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Receipt {
    /// Position of the entry, from 0.
    pub position: u64,
    /// The head of the log after it: the hash of the entry.
    pub head: String,
    /// The entry's line, without its line end.
    pub line: String,
}

/// The end of a log: enough to notice later that entries were changed or cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Number of entries.
    pub size: u64,
    /// Hash of the last entry; 64 zeros in an empty log.
    pub hash: String,
}

/// An append-only log. The seam behind which other stores of the same chain can stand.
///
/// ```
/// use govc_engine::audit::{AuditLog, Event, FileLog};
/// let folder = tempfile::tempdir()?;
/// let log = FileLog::open(folder.path().join("audit.jsonl"))?;
/// let receipt = log.append(&Event::new("DECISION", serde_json::json!({"decision": "DENY"}))?)?;
/// assert_eq!(receipt.position, 0);
/// assert_eq!(log.verify(Some(&receipt.head))?.size, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AuditLog: Send + Sync {
    /// Adds an entry and returns when it is durable.
    ///
    /// # Errors
    /// When it could not be written and synced; then it is not in the log.
    fn append(&self, event: &Event) -> Result<Receipt, AuditError>;

    /// Up to `count` entries from a position on.
    ///
    /// # Errors
    /// When the log cannot be read, or an entry of them is damaged.
    fn read(&self, from: u64, count: u64) -> Result<Vec<Entry>, AuditError>;

    /// The end of the log.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn head(&self) -> Result<Head, AuditError>;

    /// Checks every entry, and that a head seen before is one of them.
    ///
    /// # Errors
    /// The first bad entry.
    fn verify(&self, seen: Option<&str>) -> Result<Head, AuditError>;
}

/// Why the log could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditError {
    /// The body of an event cannot be JSON.
    Body(String),
    /// The file could not be read, written, locked or synced.
    Io(String),
    /// The log does not hold together.
    Fault(Fault),
    /// An earlier write failed and could not be taken back; the log must be opened anew.
    Poisoned,
}

impl AuditError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            AuditError::Body(_) => "govc_audit_body",
            AuditError::Io(_) => "govc_audit_io",
            AuditError::Fault(_) => "govc_audit_fault",
            AuditError::Poisoned => "govc_audit_poisoned",
        }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditError::Body(why) => write!(f, "the event cannot be recorded: {why}"),
            AuditError::Io(why) => write!(f, "the audit log cannot be used: {why}"),
            AuditError::Fault(fault) => fault.fmt(f),
            AuditError::Poisoned => f.write_str("an earlier write to the audit log failed; open it again"),
        }
    }
}

impl std::error::Error for AuditError {}

impl From<std::io::Error> for AuditError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

impl From<Fault> for AuditError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
