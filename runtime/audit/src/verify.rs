//! Checks a whole log: every entry, every tile, the journal, and a checkpoint seen before.
//!
//! The surprising fact: without a checkpoint seen before, a log that was cut off or made anew with the log's
//! own key looks whole. What is remembered elsewhere is what catches that.

mod journal;
mod tree;

use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::disk::Disk;
use crate::log::{LogError, TILE_LOCK, durable_size};
use crate::note::Verifier;
use crate::reader::Reader;
use std::sync::Arc;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Entries that were checked.
    pub entries: u64,
    /// The checkpoint over all of them; none in an empty log.
    pub checkpoint: Option<SignedCheckpoint>,
}

/// Checks a log with a number of threads.
///
/// # Errors
/// The first entry that is bad, or what else does not hold together.
pub fn verify(
    disk: &Arc<dyn Disk>,
    origin: &str,
    verifier: &Verifier,
    remembered: &[Checkpoint],
    threads: usize,
) -> Result<Report, LogError> {
    // A log that is in use goes on recording meanwhile, but keeps its journal. Where nothing can be written
    // nobody uses the log.
    let _kept = disk.lock(TILE_LOCK, true);
    let newest = Reader::newest(disk.clone(), origin, verifier)?;
    if let Some((reader, signed)) = &newest {
        tree::check(reader, &signed.checkpoint, threads)?;
        let (within, _) = split(remembered, signed.checkpoint.size);
        within.into_iter().try_for_each(|seen| is_beginning(reader, seen))?;
    }
    let shown = newest.as_ref().map_or(0, |(_, signed)| signed.checkpoint.size);
    let durable = durable_size(&**disk)?;
    if durable > shown {
        return Err(LogError::Rollback { signed: durable, found: shown });
    }
    let (_, beyond) = split(remembered, shown);
    let reader = newest.as_ref().map(|(reader, _)| reader);
    let tip = journal::check(disk, reader, origin, verifier, &beyond)?;
    let checkpoint = tip.or(newest.map(|(_, signed)| signed));
    let entries = checkpoint.as_ref().map_or(0, |signed| signed.checkpoint.size);
    match beyond.iter().find(|seen| seen.size > entries) {
        Some(seen) => Err(LogError::Rollback { signed: seen.size, found: entries }),
        None => Ok(Report { entries, checkpoint }),
    }
}

fn split(remembered: &[Checkpoint], size: u64) -> (Vec<&Checkpoint>, Vec<&Checkpoint>) {
    remembered.iter().partition(|seen| seen.size <= size)
}

/// The error for a log that does not continue what was seen of it.
fn forked(size: u64) -> LogError {
    LogError::damaged(format!("the first {size} entries are not those that were seen before"), 0)
}

fn is_beginning(reader: &Reader, seen: &Checkpoint) -> Result<(), LogError> {
    if reader.root(seen.size)? == seen.root { Ok(()) } else { Err(forked(seen.size)) }
}
