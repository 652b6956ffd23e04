//! Events that wait for the same commit.

use super::entries;
use super::error::LogError;
use crate::group;
use crate::merkle::Hash;

/// Events in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    entries: Vec<u8>,
    leaves: Vec<Hash>,
}

impl Batch {
    /// Adds an event and gives its place in the batch.
    pub(crate) fn push(&mut self, entry: &[u8], leaf: Hash) -> Result<u64, LogError> {
        entries::push(&mut self.entries, entry)?;
        self.leaves.push(leaf);
        Ok(self.leaves.len() as u64 - 1)
    }

    /// The events as the journal holds them.
    pub(crate) fn entries(&self) -> &[u8] {
        &self.entries
    }

    /// The hashes of the events.
    pub(crate) fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// Whether an event fits into it within so many bytes.
    pub(crate) fn has_room(&self, entry: &[u8], limit: usize) -> bool {
        self.entries.len() + entries::span(entry) <= limit
    }
}

impl group::Batch for Batch {
    fn count(&self) -> usize {
        self.leaves.len()
    }
}
