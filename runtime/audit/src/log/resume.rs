//! What somebody needs who must record an event exactly once although he may die before he hears that he did.
//!
//! The surprising fact: whoever asks what the log holds makes it durable, too. What another process wrote and did
//! not sync before it died may stand in the journal already, and must not be taken for recorded until it is.

use super::error::LogError;
use super::{Log, lock};
use crate::disk::Lock;
use crate::reader::Reader;

impl Log {
    /// Waits for a lock of this name that one thread of one process holds at a time. It is free again when its holder drops it or dies.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn turn(&self, name: &str) -> Result<Box<dyn Lock>, LogError> {
        let disk = lock(&self.shared.writer).disk().clone();
        let turn = disk.lock(name, true).map_err(LogError::io("wait for a turn"))?;
        turn.ok_or(LogError::Io { doing: "wait for a turn", reason: "the lock was not given".to_owned() })
    }

    /// Number of entries that are durable, also those of other processes.
    ///
    /// # Errors
    /// When the disk fails or the journal is damaged.
    pub fn durable_size(&self) -> Result<u64, LogError> {
        let mut writer = lock(&self.shared.writer);
        writer.refresh()?;
        *lock(&self.shared.newest) = (writer.tip().signed.clone(), writer.tip().generation());
        Ok(writer.tip().frontier.size())
    }

    /// Reads all entries that are durable, also those of other processes. Publishes them first.
    ///
    /// # Errors
    /// When the disk fails, or the journal is damaged.
    pub fn reader(&self) -> Result<Reader, LogError> {
        let size = self.durable_size()?;
        self.publish()?;
        Ok(Reader::at(lock(&self.shared.writer).disk().clone(), size))
    }
}
