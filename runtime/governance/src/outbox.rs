//! Events of a store's transactions on their way into the audit log, each exactly once and in order.
//!
//! The surprising fact: the log itself tells what it has. An event is named when its transaction commits, by the outbox and
//! a number without gaps, and stands under that name in the log. Whoever died between the log's acknowledgement and the
//! removal of the row finds the name in the log and does not append again.

use crate::store::StoreError;
use govc_audit::event::random_id;
use govc_audit::log::{ENTRY_LIMIT, LogError};
use govc_audit::{Event, Log, Reader};
use std::collections::BTreeMap;
use std::fmt;

/// The most rows that go into the log before they are removed from the store.
const STEP: usize = 4096;

/// The log's lock that is held while somebody drains into it.
const TURN: &str = "outbox/lock";

/// How far an outbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Names the outbox: 32 hex digits that no other has.
    pub id: String,
    /// Origin of the log that it drains into; none before the first time.
    pub log: Option<String>,
    /// Size of that log when rows were last removed.
    pub log_size: u64,
}

/// An event that waits: a row of `audit_outbox`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1, without gaps.
    pub sequence: u64,
    /// The entry as it will stand in the log.
    pub entry: String,
}

/// A store whose transactions leave events for the audit log. Rows appear in the order of their numbers: when a number can
/// be seen, all smaller ones could be seen before.
pub trait AuditOutbox {
    /// How far it is.
    ///
    /// # Errors
    /// When the database fails.
    fn position(&self) -> Result<Position, StoreError>;

    /// The first rows, in order, `limit` at most.
    ///
    /// # Errors
    /// When the database fails.
    fn waiting(&self, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Removes the rows up to a number, and remembers the log and its size, in one transaction.
    ///
    /// # Errors
    /// When the database fails.
    fn remove(&self, through: u64, log: &str, log_size: u64) -> Result<(), StoreError>;
}

/// Why rows wait still.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrainError {
    /// The store failed.
    Store(StoreError),
    /// The log failed.
    Log(LogError),
    /// The outbox drains into another log.
    OtherLog {
        /// The origin of that log.
        expected: String,
        /// The origin of this one.
        given: String,
    },
    /// The log is shorter than when rows were last removed.
    Shorter {
        /// Its size then.
        expected: u64,
        /// Its size now.
        found: u64,
    },
    /// The log has another event under the name of a row: the store was set back to an older copy.
    SetBack {
        /// The number of the row.
        sequence: u64,
    },
}

impl DrainError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DrainError::Store(error) => error.code(),
            DrainError::Log(error) => error.code(),
            DrainError::OtherLog { .. } => "govc_outbox_other_log",
            DrainError::Shorter { .. } => "govc_outbox_log_shorter",
            DrainError::SetBack { .. } => "govc_outbox_set_back",
        }
    }
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DrainError::Store(error) => error.fmt(f),
            DrainError::Log(error) => error.fmt(f),
            DrainError::OtherLog { expected, given } => {
                write!(f, "events of this store go into the log `{expected}`, not into `{given}`")
            }
            DrainError::Shorter { expected, found } => {
                write!(f, "the audit log has {found} entries and had {expected} before")
            }
            DrainError::SetBack { sequence } => {
                write!(
                    f,
                    "the audit log has another event {sequence} of this store: the store is an older copy"
                )
            }
        }
    }
}

impl std::error::Error for DrainError {}

impl From<StoreError> for DrainError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<LogError> for DrainError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// Moves all rows of an outbox into the log, and gives how many the log did not have yet. Who drains at the same time waits.
///
/// ```
/// use govc_audit::event::{Kind, Verdict};
/// use govc_audit::{Event, FolderDisk, Log, Options, Signer};
/// use govc_governance::outbox::drain;
/// use govc_governance::store::{SqliteStore, Store};
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::open(folder.path().join("store.db"))?;
/// let signer = Signer::log("example.com/audit", &[7; 32])?;
/// let log = Log::open(FolderDisk::open(folder.path().join("log"))?, signer, Options::new("example.com/audit"))?;
/// store.record(vec![Event::new(Kind::Decision, Verdict::Deny)])?;
/// assert_eq!((drain(&store, &log)?, drain(&store, &log)?), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When store or log fail, or do not belong together; what was not moved waits.
pub fn drain(store: &dyn AuditOutbox, log: &Log) -> Result<u64, DrainError> {
    let mut moved = 0;
    if store.waiting(1)?.is_empty() {
        return Ok(moved);
    }
    let _turn = log.turn(TURN)?;
    loop {
        let rows = store.waiting(STEP)?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(moved) };
        let known = Known::of(&store.position()?, first.sequence, log)?;
        let missing = rows.iter().filter_map(|row| known.lacks(row).transpose());
        let missing = missing.collect::<Result<Vec<_>, _>>()?;
        let pending = missing.iter().map(|row| log.submit(row.entry.as_bytes()));
        let pending = pending.collect::<Result<Vec<_>, _>>()?;
        let mut size = known.size;
        for acknowledgement in pending {
            size = acknowledgement.wait()?.index + 1;
        }
        moved += missing.len() as u64;
        store.remove(last.sequence, log.verifier().name(), size)?;
    }
}

/// What the log has of an outbox.
struct Known {
    size: u64,
    /// The entries under the numbers that wait, and greater ones.
    entries: BTreeMap<u64, Vec<u8>>,
}

impl Known {
    /// Looks through what was appended since rows were last removed.
    fn of(position: &Position, first: u64, log: &Log) -> Result<Self, DrainError> {
        let given = log.verifier().name();
        if let Some(expected) = position.log.as_ref().filter(|expected| *expected != given) {
            return Err(DrainError::OtherLog { expected: expected.clone(), given: given.to_owned() });
        }
        let size = log.durable_size()?;
        if size < position.log_size {
            return Err(DrainError::Shorter { expected: position.log_size, found: size });
        }
        let mut known = Self { size, entries: BTreeMap::new() };
        if size > position.log_size {
            known.read(&log.reader()?, &position.id, position.log_size, first)?;
        }
        Ok(known)
    }

    fn read(&mut self, reader: &Reader, id: &str, from: u64, first: u64) -> Result<(), LogError> {
        for bundle in from / 256..reader.size().div_ceil(256) {
            for entry in reader.bundle(bundle)? {
                if let Some(sequence) = sequence(&entry, id).filter(|sequence| *sequence >= first) {
                    self.entries.insert(sequence, entry);
                }
            }
        }
        Ok(())
    }

    /// The row, if the log does not have it.
    fn lacks<'r>(&self, row: &'r Row) -> Result<Option<&'r Row>, DrainError> {
        match self.entries.get(&row.sequence) {
            Some(entry) if entry == row.entry.as_bytes() => Ok(None),
            Some(_) => Err(DrainError::SetBack { sequence: row.sequence }),
            // In order and without gaps: a greater number is there only when this one is.
            None if self.entries.range(row.sequence..).next().is_none() => Ok(Some(row)),
            None => Err(DrainError::SetBack { sequence: row.sequence }),
        }
    }
}

/// The name of an event of an outbox.
pub(crate) fn name(id: &str, sequence: u64) -> String {
    format!("evt-{id}-{sequence}")
}

/// An event as it will stand in the log, but for its name: that is the outbox's, and known only when the transaction that
/// leaves the event is under way.
#[derive(Clone, Debug)]
pub struct Draft {
    text: String,
    /// The name that stands in the text so far. Nobody can foresee it, so it stands nowhere else in it.
    name: String,
}

impl Draft {
    /// The draft of an event.
    ///
    /// # Errors
    /// When it cannot be an entry of the log.
    pub fn of(mut event: Event) -> Result<Self, StoreError> {
        /// More than any name of an outbox has.
        const NAME: usize = 64;
        event.event_id = random_id();
        let text = event.entry().map_err(|error| StoreError::Event(error.to_string()))?;
        let given = text.len() + NAME;
        if given > ENTRY_LIMIT {
            return Err(StoreError::Event(LogError::TooLarge { given, limit: ENTRY_LIMIT }.to_string()));
        }
        let text = String::from_utf8(text).map_err(|error| StoreError::Event(error.to_string()))?;
        Ok(Self { text, name: event.event_id })
    }

    /// The entry under a name.
    pub(crate) fn named(&self, name: &str) -> String {
        self.text.replacen(&self.name, name, 1)
    }
}

/// The number of an entry, where it is of this outbox.
fn sequence(entry: &[u8], id: &str) -> Option<u64> {
    // Most entries are of others: look before reading.
    let text = std::str::from_utf8(entry).ok()?;
    let _ = text.find(id)?;
    let event = Event::read(entry).ok()?;
    event.event_id.strip_prefix("evt-")?.strip_prefix(id)?.strip_prefix('-')?.parse().ok()
}
