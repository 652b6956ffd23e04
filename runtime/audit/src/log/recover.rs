//! Finds the end of the journal.
//!
//! The surprising fact: only the newest segment is read, so that a log of any size opens in the time that one
//! segment takes. What an older segment holds was durable before the newer one was begun; whether it still is
//! what it was, `verify` tells.

use super::error::LogError;
use super::record::{HEAD, Head, Record, SECTOR};
use super::segment::{HEADER, Segment, numbers};
use crate::checkpoint::SignedCheckpoint;
use crate::disk::{Disk, Mode, read_if_there, read_some};
use crate::merkle::Frontier;
use crate::note::Verifier;
use std::sync::Arc;

/// Where the log ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tip {
    /// The newest segment with a record; none in an empty log.
    pub(crate) segment: Option<Segment>,
    /// Where in it the next record goes.
    pub(crate) offset: u64,
    /// The tree.
    pub(crate) frontier: Frontier,
    /// The checkpoint over the tree; none in an empty log.
    pub(crate) signed: Option<Arc<SignedCheckpoint>>,
}

impl Tip {
    /// The number of the newest segment, plus one; zero in an empty log.
    pub(crate) fn generation(&self) -> u64 {
        self.segment.as_ref().map_or(0, |segment| segment.header.number + 1)
    }

    /// Goes on over whole records.
    pub(crate) fn advance(&mut self) -> Result<(), LogError> {
        let Some(segment) = self.segment.clone() else { return Ok(()) };
        while let Some(record) = Record::read(&segment, self.offset)? {
            let Some((frontier, signed)) = record.extend(&self.frontier) else { break };
            self.frontier = frontier;
            self.signed = Some(Arc::new(signed));
            self.offset += record.head.span();
        }
        Ok(())
    }

    fn of_segment(segment: Segment) -> Result<Self, LogError> {
        let frontier = segment.header.before.clone();
        let mut tip = Self { segment: Some(segment), offset: HEADER, frontier, signed: None };
        tip.advance()?;
        tip.nothing_follows()?;
        Ok(tip)
    }

    /// A write that a power cut tore is the last one. Where a later record stands, the torn one was
    /// acknowledged, and losing it silently is what this log never does.
    fn nothing_follows(&self) -> Result<(), LogError> {
        const STEP: usize = 1 << 20;
        let Some(segment) = &self.segment else { return Ok(()) };
        let mut at = self.offset + SECTOR as u64;
        loop {
            let bytes = read_some(&*segment.file, at, STEP).map_err(LogError::io("read the journal"))?;
            if bytes.chunks(SECTOR).any(|sector| self.is_later(sector, segment)) {
                return Err(LogError::damaged("a record of the journal was changed", self.frontier.size()));
            }
            if bytes.len() < STEP {
                return Ok(());
            }
            at += STEP as u64;
        }
    }

    fn is_later(&self, sector: &[u8], segment: &Segment) -> bool {
        sector.get(..HEAD).is_some_and(|head| head.iter().any(|&byte| byte != 0))
            && Head::decode(sector, &segment.header.nonce)
                .is_some_and(|head| head.first >= self.frontier.size())
    }
}

/// The end of the journal on a disk. Checks the signature of the last checkpoint and that the log is not
/// shorter than the one published.
pub(crate) fn recover(
    disk: &dyn Disk,
    origin: &str,
    verifier: &Verifier,
    mode: Mode,
) -> Result<Tip, LogError> {
    let tip = newest(disk, mode)?;
    if let Some(signed) = &tip.signed {
        trusted(&signed.note, origin, verifier)?;
    }
    if let Some(published) = published_whole(disk, origin, verifier)? {
        let (signed, found) = (published.checkpoint.size, tip.frontier.size());
        if signed > found {
            return Err(LogError::Rollback { signed, found });
        }
    }
    Ok(tip)
}

fn newest(disk: &dyn Disk, mode: Mode) -> Result<Tip, LogError> {
    for number in numbers(disk)?.into_iter().rev() {
        let Some(segment) = Segment::open(disk, number, mode)? else { continue };
        let tip = Tip::of_segment(segment)?;
        // The header of a segment without a record is nobody's word: go back to the one before.
        if tip.signed.is_some() {
            return Ok(tip);
        }
    }
    Ok(Tip::default())
}

fn trusted(note: &str, origin: &str, verifier: &Verifier) -> Result<SignedCheckpoint, LogError> {
    let signed = SignedCheckpoint::open(note, verifier)
        .map_err(|error| LogError::Foreign { reason: error.to_string() })?;
    let found = &signed.checkpoint.origin;
    if found == origin {
        Ok(signed)
    } else {
        Err(LogError::Foreign { reason: format!("its origin is `{found}`") })
    }
}

/// The checkpoint that the log published last; none when it never did.
pub(crate) fn published(
    disk: &dyn Disk,
    origin: &str,
    verifier: &Verifier,
) -> Result<Option<SignedCheckpoint>, LogError> {
    let bytes = read_if_there(disk, super::CHECKPOINT).map_err(LogError::io("read the checkpoint"))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let note = String::from_utf8(bytes).map_err(|_| LogError::damaged("the checkpoint is not text", 0))?;
    trusted(&note, origin, verifier).map(Some)
}

/// The same for the log itself, which makes a checkpoint anew that a power cut tore: none is synced for itself.
pub(crate) fn published_whole(
    disk: &dyn Disk,
    origin: &str,
    verifier: &Verifier,
) -> Result<Option<SignedCheckpoint>, LogError> {
    let bytes = read_if_there(disk, super::CHECKPOINT).map_err(LogError::io("read the checkpoint"))?;
    let note = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let whole = note.filter(|note| SignedCheckpoint::unchecked(note).is_ok());
    whole.map(|note| trusted(&note, origin, verifier)).transpose()
}
