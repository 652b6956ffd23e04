//! Checks the journal: what is not in tiles yet, and that what is in both is the same.

use super::forked;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::disk::{Disk, Mode};
use crate::log::{Cursor, LogError, first_in_journal, recover};
use crate::merkle::{Frontier, leaf_hashes};
use crate::note::Verifier;
use crate::reader::Reader;
use std::sync::Arc;

/// Goes through the journal to its end and gives the last checkpoint; none when the journal is empty.
///
/// `beyond` are checkpoints seen before that no tile reaches.
pub(super) fn check(
    disk: &Arc<dyn Disk>,
    reader: Option<&Reader>,
    origin: &str,
    verifier: &Verifier,
    beyond: &[&Checkpoint],
) -> Result<Option<SignedCheckpoint>, LogError> {
    let tip = recover(&**disk, origin, verifier, Mode::Read)?;
    let Some(first) = first_in_journal(&**disk)? else { return Ok(None) };
    let shown = reader.map_or(0, Reader::size);
    if first.size() > shown {
        return Err(LogError::damaged("the journal lacks entries that no tile holds", shown));
    }
    if reader.is_some_and(|reader| reader.root(first.size()).ok() != Some(first.root())) {
        return Err(LogError::damaged("the journal does not continue the tiles", first.size()));
    }
    let mut frontier = first;
    let Some(mut cursor) = Cursor::seek(&**disk, frontier.size())? else { return Ok(None) };
    let mut seen = beyond.to_vec();
    let mut in_both = None;
    while frontier.size() < tip.frontier.size() {
        let record = cursor.next(&**disk)?;
        let extended = record.as_ref().and_then(|record| record.extend(&frontier));
        let (Some(record), Some((after, _))) = (record, extended) else {
            return Err(LogError::damaged("a record of the journal was changed", frontier.size()));
        };
        if after.size() <= shown {
            in_both = Some(after.clone());
        }
        seen.retain(|seen| {
            !(frontier.size() < seen.size && seen.size <= after.size()) || {
                root_within(&frontier, &record, seen.size) != Some(seen.root)
            }
        });
        frontier = after;
    }
    same_as_tiles(reader, in_both.as_ref())?;
    match seen.iter().find(|seen| seen.size <= frontier.size()) {
        Some(seen) => Err(forked(seen.size)),
        None => Ok(tip.signed.map(|signed| SignedCheckpoint::clone(&signed))),
    }
}

/// Where both exist, journal and tiles must tell of the same entries; one root speaks for all before it.
fn same_as_tiles(reader: Option<&Reader>, in_both: Option<&Frontier>) -> Result<(), LogError> {
    match (reader, in_both) {
        (Some(reader), Some(both)) if reader.root(both.size())? != both.root() => {
            Err(LogError::damaged("journal and tiles tell of different entries", both.size() - 1))
        }
        _ => Ok(()),
    }
}

/// The root in the midst of a record.
fn root_within(before: &Frontier, record: &crate::log::Record, size: u64) -> Option<crate::merkle::Hash> {
    let mut frontier = before.clone();
    let count = usize::try_from(size.checked_sub(before.size())?).ok()?;
    let entries: Vec<&[u8]> = record.entries().take(count).collect();
    frontier.extend(&leaf_hashes(&entries));
    (frontier.size() == size).then(|| frontier.root())
}
