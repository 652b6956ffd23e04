//! The log of Agent-Safe: JSON Lines whose entries name each other in `prev_hash` and `entry_hash`.
//!
//! The hash of an entry is over the text that Python's `json.dumps(entry, sort_keys=True)` makes of it without
//! `entry_hash`. The surprising fact: that text, not the line, is what is protected, so lines may hold their members in
//! any order and with any spaces. A member that stands twice is refused, because readers differ in which one they take.

mod python;

pub(crate) use python::Json;
pub use python::python_float;

use crate::event::Digest;
use serde::Deserialize;
use std::fmt;
use std::io::BufRead;

const HASH: &str = "entry_hash";
const PREVIOUS: &str = "prev_hash";

/// What the first entry names as the one before.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of a log: enough to notice later that entries were changed or cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Number of entries.
    pub size: u64,
    /// Hash of the last entry; 64 zeros in an empty log.
    pub hash: String,
}

/// What can be wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Not an entry at all.
    Unreadable(String),
    /// The hash is not that of the entry.
    Hash,
    /// The entry does not follow the one before.
    Chain,
    /// The head seen before is not in the log: entries were cut off or the chain was made anew.
    HeadMissing {
        /// That head.
        head: String,
    },
}

/// Why a log is not good, or cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// An event is no object.
    Event(String),
    /// The lines cannot be read.
    Io(String),
    /// The first bad entry.
    Entry {
        /// Its position, from 0; the size of the log where an entry is missing.
        position: u64,
        /// What is wrong.
        fault: Fault,
    },
}

impl ChainError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ChainError::Event(_) => "govc_audit_body",
            ChainError::Io(_) => "govc_audit_io",
            ChainError::Entry { .. } => "govc_audit_fault",
        }
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainError::Event(why) => write!(f, "the event cannot be recorded: {why}"),
            ChainError::Io(why) => write!(f, "the audit log cannot be used: {why}"),
            ChainError::Entry { position: at, fault } => match fault {
                Fault::Unreadable(why) => write!(f, "entry {at} cannot be read: {why}"),
                Fault::Hash => write!(f, "entry {at} does not have its hash: it was changed"),
                Fault::Chain => write!(f, "entry {at} does not follow the entry before"),
                Fault::HeadMissing { head } => {
                    write!(f, "head `{head}` is not in the log: entries up to {at} were cut off or made anew")
                }
            },
        }
    }
}

impl std::error::Error for ChainError {}

/// Checks the lines of a log, and that a head seen before is among them. Blank lines are nothing.
///
/// # Errors
/// The first bad entry, or a failure to read.
pub fn verify(mut lines: impl BufRead, seen: Option<&str>) -> Result<Head, ChainError> {
    let mut head = Head { size: 0, hash: GENESIS.to_owned() };
    let mut found = seen.is_none_or(|seen| seen == GENESIS);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(|error| ChainError::Io(error.to_string()))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let position = head.size;
        head = next(line.trim_ascii(), &head).map_err(|fault| ChainError::Entry { position, fault })?;
        found |= seen == Some(head.hash.as_str());
    }
    match seen {
        Some(seen) if !found => {
            let fault = Fault::HeadMissing { head: seen.to_owned() };
            Err(ChainError::Entry { position: head.size, fault })
        }
        _ => Ok(head),
    }
}

fn next(line: &[u8], head: &Head) -> Result<Head, Fault> {
    let mut entry: Json =
        serde_json::from_slice(line).map_err(|error| Fault::Unreadable(error.to_string()))?;
    if entry.text(PREVIOUS) != Some(&head.hash) {
        return Err(Fault::Chain);
    }
    let hash = entry.take_text(HASH).ok_or_else(|| Fault::Unreadable(format!("no `{HASH}`")))?;
    if hash_of(&entry) != hash {
        return Err(Fault::Hash);
    }
    Ok(Head { size: head.size + 1, hash })
}

/// The line, without its end, that follows `head` in a log, and the head after it. Members of the event with the names of
/// the chain's own are replaced.
///
/// ```
/// use govc_audit::chain;
/// let event = serde_json::json!({"event_type": "decision", "action": "restart-deployment"});
/// let (line, head) = chain::line(&event, None)?;
/// assert_eq!(chain::verify(format!("{line}\n").as_bytes(), Some(&head))?.size, 1);
/// # Ok::<(), chain::ChainError>(())
/// ```
///
/// # Errors
/// When the event is no object.
pub fn line(event: &serde_json::Value, head: Option<&str>) -> Result<(String, String), ChainError> {
    let mut entry =
        Json::deserialize(event).map_err(|error: serde_json::Error| ChainError::Event(error.to_string()))?;
    let Json::Object(members) = &mut entry else {
        return Err(ChainError::Event("an event is an object".to_owned()));
    };
    members.remove(HASH);
    members.insert(PREVIOUS.to_owned(), Json::Text(head.unwrap_or(GENESIS).to_owned()));
    let hash = hash_of(&entry);
    if let Json::Object(members) = &mut entry {
        members.insert(HASH.to_owned(), Json::Text(hash.clone()));
    }
    Ok((entry.to_string(), hash))
}

fn hash_of(entry: &Json) -> String {
    Digest::of(entry.to_string().as_bytes()).text().to_owned()
}
