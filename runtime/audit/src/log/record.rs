//! A record of the journal: the events of one group commit and the checkpoint that covers them.
//!
//! ```text
//! count u32, bytes of entries u32, bytes of note u32, zero u32, first leaf u64, check 16 bytes
//! entries, note, zeros up to the next sector
//! ```
//!
//! The surprising fact: nothing sums up a record's content but the signed root in it. A record is whole when
//! the tree before it, with its entries appended, has that root.

use super::entries::Entries;
use super::error::LogError;
use super::segment::Segment;
use crate::checkpoint::SignedCheckpoint;
use crate::disk::read_some;
use crate::merkle::{Frontier, leaf_hashes, sha256_of};

/// Bytes of the head.
pub(crate) const HEAD: usize = 40;

/// Records begin at multiples of this, so that no write touches a sector with an acknowledged record.
pub(crate) const SECTOR: usize = 512;

/// What a record begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) count: u32,
    pub(crate) entries: u32,
    pub(crate) note: u32,
    pub(crate) first: u64,
}

/// A record as read.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) head: Head,
    body: Vec<u8>,
}

impl Head {
    fn encode(&self, nonce: &[u8; 16]) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[0..4].copy_from_slice(&self.count.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.entries.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.note.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        let check = sha256_of(&[nonce, &bytes[..24]]);
        bytes[24..].copy_from_slice(&check[..16]);
        bytes
    }

    /// Reads a head; nothing where no record of this segment begins.
    pub(crate) fn decode(bytes: &[u8], nonce: &[u8; 16]) -> Option<Self> {
        let bytes = bytes.first_chunk::<HEAD>()?;
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let first = bytes.get(16..24)?.try_into().ok().map(u64::from_le_bytes)?;
        let head = Self { count: word(0)?, entries: word(4)?, note: word(8)?, first };
        (head.encode(nonce) == *bytes && head.count > 0).then_some(head)
    }

    /// Bytes of the record without the zeros at its end.
    fn length(&self) -> usize {
        HEAD + self.entries as usize + self.note as usize
    }

    /// Bytes of the record on the disk.
    pub(crate) fn span(&self) -> u64 {
        self.length().next_multiple_of(SECTOR) as u64
    }
}

/// The bytes of a record.
pub(crate) fn encode(count: u32, first: u64, entries: &[u8], note: &str, nonce: &[u8; 16]) -> Vec<u8> {
    // A batch and a note are bounded far below 4 GB.
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let head = Head { count, entries: length(entries), note: length(note.as_bytes()), first };
    let mut bytes = Vec::with_capacity(head.length().next_multiple_of(SECTOR));
    bytes.extend(head.encode(nonce));
    bytes.extend_from_slice(entries);
    bytes.extend_from_slice(note.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
    bytes
}

/// Bytes that a record takes on the disk.
pub(crate) fn span(entries: usize, note: usize) -> u64 {
    (HEAD + entries + note).next_multiple_of(SECTOR) as u64
}

impl Record {
    /// Reads the record at an offset; nothing where none begins, or not all of it is there.
    pub(crate) fn read(segment: &Segment, offset: u64) -> Result<Option<Self>, LogError> {
        let read = |offset, length| {
            read_some(&*segment.file, offset, length).map_err(LogError::io("read the journal"))
        };
        let Some(head) = Head::decode(&read(offset, HEAD)?, &segment.header.nonce) else { return Ok(None) };
        let body = read(offset + HEAD as u64, head.length() - HEAD)?;
        Ok((body.len() == head.length() - HEAD).then_some(Self { head, body }))
    }

    /// Its entries.
    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries::new(self.body.get(..self.head.entries as usize).unwrap_or_default())
    }

    /// Its checkpoint, whose signature is not checked here.
    pub(crate) fn checkpoint(&self) -> Option<SignedCheckpoint> {
        let note = self.body.get(self.head.entries as usize..)?;
        SignedCheckpoint::unchecked(std::str::from_utf8(note).ok()?).ok()
    }

    /// Appends the entries to the tree before; nothing when the record is not whole.
    pub(crate) fn extend(&self, before: &Frontier) -> Option<(Frontier, SignedCheckpoint)> {
        let mut entries = self.entries();
        let mut frontier = before.clone();
        let contents: Vec<&[u8]> = entries.by_ref().collect();
        frontier.extend(&leaf_hashes(&contents));
        let signed = self.checkpoint()?;
        let whole = entries.rest().is_empty()
            && self.head.first == before.size()
            && frontier.size() == before.size() + u64::from(self.head.count)
            && signed.checkpoint.size == frontier.size()
            && signed.checkpoint.root == frontier.root();
        whole.then_some((frontier, signed))
    }
}
