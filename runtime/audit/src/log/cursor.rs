//! Reads the journal record by record, from a leaf on.

use super::error::LogError;
use super::record::Record;
use super::segment::{HEADER, Header, Segment, numbers};
use crate::disk::{Disk, Mode};
use crate::merkle::Frontier;

/// A place in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    segment: Segment,
    offset: u64,
}

/// The tree before the oldest record from which the journal goes on without a gap; nothing in an empty journal.
///
/// Below that there may be segments whose recycling a power cut interrupted.
pub(crate) fn first_in_journal(disk: &dyn Disk) -> Result<Option<Frontier>, LogError> {
    let mut oldest: Option<Header> = None;
    for number in numbers(disk)?.into_iter().rev() {
        if oldest.as_ref().is_some_and(|oldest| oldest.number != number + 1) {
            break;
        }
        match (Segment::open(disk, number, Mode::Read)?, &oldest) {
            (Some(segment), _) => oldest = Some(segment.header),
            (None, None) => {}
            (None, Some(after)) => {
                let leaf = after.before.size().saturating_sub(1);
                return Err(LogError::damaged("the head of a segment of the journal was changed", leaf));
            }
        }
    }
    Ok(oldest.map(|header| header.before))
}

impl Cursor {
    /// The record with a leaf; nothing when the journal does not reach back to it, or not so far.
    pub(crate) fn seek(disk: &dyn Disk, leaf: u64) -> Result<Option<Self>, LogError> {
        for number in numbers(disk)?.into_iter().rev() {
            let Some(segment) = Segment::open(disk, number, Mode::Read)? else { continue };
            if segment.header.before.size() > leaf {
                continue;
            }
            // A segment that was begun and holds nothing yet may begin with the leaf that an older one holds.
            let found = Self { segment, offset: HEADER }.skip_to(disk, leaf)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn skip_to(mut self, disk: &dyn Disk, leaf: u64) -> Result<Option<Self>, LogError> {
        loop {
            let before = self.clone();
            match self.next(disk)? {
                Some(record) if record.head.first + u64::from(record.head.count) > leaf => {
                    return Ok(Some(before));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The number of the segment that it stands in.
    pub(crate) fn segment(&self) -> u64 {
        self.segment.header.number
    }

    /// The record here; moves behind it.
    pub(crate) fn next(&mut self, disk: &dyn Disk) -> Result<Option<Record>, LogError> {
        if let Some(record) = Record::read(&self.segment, self.offset)? {
            self.offset += record.head.span();
            return Ok(Some(record));
        }
        let Some(segment) = Segment::open(disk, self.segment() + 1, Mode::Read)? else { return Ok(None) };
        let Some(record) = Record::read(&segment, HEADER)? else { return Ok(None) };
        *self = Self { segment, offset: HEADER + record.head.span() };
        Ok(Some(record))
    }
}
