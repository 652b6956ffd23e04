//! Why a log could not do what was asked.

use std::fmt;
use std::io;

/// Why a log could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// The disk failed. Nothing of what was asked is acknowledged.
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        reason: String,
    },
    /// An event has more bytes than an entry can have.
    TooLarge {
        /// Its bytes.
        given: usize,
        /// The most that it can have.
        limit: usize,
    },
    /// A sync failed, so nobody knows what the disk holds: open the log again.
    Poisoned,
    /// The log is closed.
    Closed,
    /// What is on the disk is not what was written there.
    Damaged {
        /// What does not hold together.
        what: String,
        /// The first leaf that is concerned.
        leaf: u64,
    },
    /// The log is shorter than it once said that it was.
    Rollback {
        /// The size that a signed checkpoint gives.
        signed: u64,
        /// The size that is found.
        found: u64,
    },
    /// The log belongs to another key or origin.
    Foreign {
        /// What was found.
        reason: String,
    },
    /// There is no leaf of this index yet.
    NoLeaf {
        /// The index asked for.
        index: u64,
        /// The leaves that there are.
        size: u64,
    },
}

impl LogError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            LogError::Io { .. } => "govc_audit_io",
            LogError::TooLarge { .. } => "govc_audit_too_large",
            LogError::Poisoned => "govc_audit_poisoned",
            LogError::Closed => "govc_audit_closed",
            LogError::Damaged { .. } => "govc_audit_fault",
            LogError::Rollback { .. } => "govc_audit_rollback",
            LogError::Foreign { .. } => "govc_audit_foreign",
            LogError::NoLeaf { .. } => "govc_audit_no_entry",
        }
    }

    /// Makes an error of the system one of the log.
    pub(crate) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| LogError::Io { doing, reason: error.to_string() }
    }

    pub(crate) fn damaged(what: impl Into<String>, leaf: u64) -> Self {
        LogError::Damaged { what: what.into(), leaf }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Io { doing, reason } => write!(f, "failed to {doing}: {reason}"),
            LogError::TooLarge { given, limit } => {
                write!(f, "an entry has at most {limit} bytes, this one has {given}")
            }
            LogError::Poisoned => f.write_str("an earlier sync of the audit log failed; open it again"),
            LogError::Closed => f.write_str("the audit log is closed"),
            LogError::Damaged { what, leaf } => write!(f, "entry {leaf}: {what}"),
            LogError::Rollback { signed, found } => {
                write!(f, "the log has {found} entries, but a checkpoint was signed over {signed}")
            }
            LogError::Foreign { reason } => write!(f, "not the log of this key: {reason}"),
            LogError::NoLeaf { index, size } => write!(f, "there is no entry {index} in a log of {size}"),
        }
    }
}

impl std::error::Error for LogError {}
