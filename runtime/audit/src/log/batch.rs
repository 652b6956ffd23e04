//! Events that wait for the same commit.

use super::entries;
use super::error::LogError;
use super::writer::Committed;
use crate::merkle::Hash;
use std::sync::{Arc, Condvar, OnceLock};

/// What became of a batch, for all who wait for it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) result: OnceLock<Result<Committed, LogError>>,
    pub(crate) settled: Condvar,
}

/// Events in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    entries: Vec<u8>,
    leaves: Vec<Hash>,
    pub(crate) outcome: Arc<Outcome>,
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

    pub(crate) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }
}
