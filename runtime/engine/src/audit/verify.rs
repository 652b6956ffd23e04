//! Checks a log from its first entry to its last.

use super::entry::Entry;
use super::{AuditError, GENESIS, Head};
use std::fmt;
use std::io::BufRead;

/// The first bad entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Its position, from 0; the size of the log where an entry is missing.
    pub position: u64,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What can be wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Not an entry at all.
    Unreadable(String),
    /// The bytes are not the canonical form of the entry.
    Form,
    /// The hash is not that of the entry.
    Hash,
    /// The entry gives another position.
    Sequence {
        /// The position that it gives.
        given: u64,
    },
    /// The entry does not follow the one before.
    Chain,
    /// The last line has no end.
    Torn,
    /// The head seen before is not in the log: entries were cut off or the chain was made anew.
    HeadMissing {
        /// That head.
        head: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.position;
        match &self.kind {
            FaultKind::Unreadable(why) => write!(f, "entry {at} cannot be read: {why}"),
            FaultKind::Form => write!(f, "entry {at} is not in canonical form"),
            FaultKind::Hash => write!(f, "entry {at} does not have its hash: it was changed"),
            FaultKind::Sequence { given } => write!(f, "entry {at} gives position {given}"),
            FaultKind::Chain => write!(f, "entry {at} does not follow the entry before"),
            FaultKind::Torn => write!(f, "entry {at} is cut off"),
            FaultKind::HeadMissing { head } => {
                write!(f, "head `{head}` is not in the log: entries up to {at} were cut off or made anew")
            }
        }
    }
}

/// Checks the lines of a log, and that a head seen before is among them.
///
/// # Errors
/// The first bad entry, or a failure to read.
pub fn verify_lines(lines: impl BufRead, seen: Option<&str>) -> Result<Head, AuditError> {
    each_line(lines, seen, next)
}

/// Goes from line to line with `next`, which gives the head after each.
pub(super) fn each_line(
    mut lines: impl BufRead,
    seen: Option<&str>,
    next: impl Fn(&[u8], &Head) -> Result<Head, FaultKind>,
) -> Result<Head, AuditError> {
    let mut head = Head { size: 0, hash: GENESIS.to_owned() };
    let mut found = seen.is_none_or(|seen| seen == GENESIS);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        head = next(&line, &head).map_err(|kind| Fault { position: head.size, kind })?;
        found |= seen == Some(head.hash.as_str());
    }
    match seen {
        Some(seen) if !found => {
            Err(Fault { position: head.size, kind: FaultKind::HeadMissing { head: seen.to_owned() } }.into())
        }
        _ => Ok(head),
    }
}

fn next(line: &[u8], head: &Head) -> Result<Head, FaultKind> {
    let line = line.strip_suffix(b"\n").ok_or(FaultKind::Torn)?;
    let entry = Entry::read(line)?;
    if entry.seq != head.size {
        return Err(FaultKind::Sequence { given: entry.seq });
    }
    if entry.prev != head.hash {
        return Err(FaultKind::Chain);
    }
    if entry.time.parse::<jiff::Timestamp>().is_err() {
        return Err(FaultKind::Unreadable(format!("`{}` is no RFC 3339 time", entry.time)));
    }
    Ok(Head { size: head.size + 1, hash: entry.hash })
}
