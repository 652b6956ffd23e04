//! Ships entries elsewhere, each once and in order, however long the receiver is away.
//!
//! The surprising fact: the log itself is the queue. All that an outbox keeps is how far the receiver is, and a
//! batch is named by the entries in it, so that one which was delivered twice replaces itself.

use crate::disk::{Disk, read_if_there, replace};
use crate::log::LogError;
use crate::reader::Reader;
use std::fmt;
use std::sync::Arc;

/// Entries that go out together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The log that they are from.
    pub origin: String,
    /// Index of the first.
    pub first: u64,
    /// The entries, one a line.
    pub lines: String,
    /// How many.
    pub count: u64,
}

impl Batch {
    /// What tells a receiver that it has the batch already; sorts as the entries do.
    pub fn name(&self) -> String {
        format!("{:020}-{:020}", self.first, self.first + self.count - 1)
    }
}

/// Where batches go.
pub trait Destination: fmt::Debug {
    /// Delivers a batch. Returns only when the receiver has it durably, as far as can be known.
    ///
    /// # Errors
    /// When the receiver may not have it; it is delivered again.
    fn deliver(&self, batch: &Batch) -> Result<(), String>;
}

/// Why shipping stopped. What was not delivered is still in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShipError {
    /// The receiver did not take a batch.
    Receiver {
        /// Index of the first entry of it.
        first: u64,
        /// What the receiver said.
        reason: String,
    },
    /// The log or the outbox cannot be read or written.
    Log(LogError),
}

impl fmt::Display for ShipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShipError::Receiver { first, reason } => {
                write!(f, "entries from {first} on were not delivered: {reason}")
            }
            ShipError::Log(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ShipError {}

impl From<LogError> for ShipError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// How far a receiver is, in a file.
#[derive(Clone, Debug)]
pub struct Outbox {
    disk: Arc<dyn Disk>,
    path: String,
    origin: String,
    batch: u64,
}

impl Outbox {
    /// The outbox of a log for one receiver; its file need not exist yet. `batch` is the most entries that go
    /// out together.
    pub fn new(disk: Arc<dyn Disk>, path: impl Into<String>, origin: impl Into<String>, batch: u64) -> Self {
        Self { disk, path: path.into(), origin: origin.into(), batch: batch.max(1) }
    }

    /// Index of the first entry that the receiver does not have.
    ///
    /// # Errors
    /// When the file cannot be read or is not an outbox.
    pub fn position(&self) -> Result<u64, LogError> {
        let bytes = read_if_there(&*self.disk, &self.path).map_err(LogError::io("read the outbox"))?;
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let wrong = || LogError::damaged("the outbox does not hold a number", 0);
        text.map_or(Ok(0), |text| text.trim().parse().map_err(|_| wrong()))
    }

    /// Delivers all that the receiver lacks, and gives how many entries that were. Two who ship at once take
    /// turns.
    ///
    /// # Errors
    /// At the first batch that the receiver does not take; what it took before it keeps.
    pub fn ship(&self, reader: &Reader, destination: &dyn Destination) -> Result<u64, ShipError> {
        let _turn =
            self.disk.lock(&format!("{}.lock", self.path), true).map_err(LogError::io("lock the outbox"))?;
        let start = self.position()?;
        if start > reader.size() {
            return Err(LogError::Rollback { signed: start, found: reader.size() }.into());
        }
        let mut at = start;
        while at < reader.size() {
            let batch = self.next(reader, at)?;
            let delivered = destination.deliver(&batch);
            delivered.map_err(|reason| ShipError::Receiver { first: at, reason })?;
            at += batch.count;
            replace(&*self.disk, &self.path, at.to_string().as_bytes(), true)
                .map_err(LogError::io("write the outbox"))?;
        }
        Ok(at - start)
    }

    fn next(&self, reader: &Reader, first: u64) -> Result<Batch, LogError> {
        // Batches end at multiples of their size, so that one that is delivered again has the same name.
        let end = (first / self.batch + 1).saturating_mul(self.batch).min(reader.size());
        let mut lines = String::new();
        let mut index = first;
        while index < end {
            let skip = usize::try_from(index % 256).unwrap_or_default();
            let left = usize::try_from(end - index).unwrap_or(usize::MAX);
            for entry in reader.bundle(index / 256)?.into_iter().skip(skip).take(left) {
                lines.push_str(&crate::export::line(index, &entry));
                lines.push('\n');
                index += 1;
            }
        }
        Ok(Batch { origin: self.origin.clone(), first, lines, count: end - first })
    }
}
