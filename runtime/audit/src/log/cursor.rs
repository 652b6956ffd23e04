//! Reads the journal record by record, from a leaf on.

use super::error::LogError;
use super::record::Record;
use super::segment::{HEADER, Segment, numbers};
use crate::disk::{Disk, Mode};
use crate::merkle::Frontier;

/// A place in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    segment: Segment,
    offset: u64,
}

/// The tree before the oldest record that the journal still holds; nothing in an empty journal.
pub(crate) fn first_in_journal(disk: &dyn Disk) -> Result<Option<Frontier>, LogError> {
    for number in numbers(disk)? {
        if let Some(segment) = Segment::open(disk, number, Mode::Read)? {
            return Ok(Some(segment.header.before));
        }
    }
    Ok(None)
}

impl Cursor {
    /// The record with a leaf; nothing when the journal does not reach back to it, or not so far.
    pub(crate) fn seek(disk: &dyn Disk, leaf: u64) -> Result<Option<Self>, LogError> {
        for number in numbers(disk)?.into_iter().rev() {
            let Some(segment) = Segment::open(disk, number, Mode::Read)? else { continue };
            if segment.header.before.size() <= leaf {
                return Self { segment, offset: HEADER }.skip_to(disk, leaf);
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
