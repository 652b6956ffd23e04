//! A segment of the journal: a file of fixed length, filled with zeros ahead of its use.
//!
//! ```text
//! block 0       magic, number, nonce, frontier before the first record, SHA-256 of all that
//! from block 1  records, each beginning at a sector
//! ```
//!
//! The surprising fact: old segments are written over and not removed. A disk syncs a write into an old file
//! ten times as fast as one that makes a file grow. The number and the nonce keep old records apart from new.

use super::error::LogError;
use crate::disk::{Disk, DiskFile, Mode, read_some, write_all};
use crate::merkle::{Frontier, Hash, sha256};
use std::sync::Arc;

/// Bytes of the header.
pub(crate) const HEADER: u64 = 4096;

/// The folder of the segments.
pub(crate) const FOLDER: &str = "journal";

const MAGIC: &[u8; 8] = b"govcseg1";

/// What a segment begins with.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// Which segment, from 0.
    pub(crate) number: u64,
    /// Random bytes that no event can know.
    pub(crate) nonce: [u8; 16],
    /// The tree before the first record.
    pub(crate) before: Frontier,
}

/// The path of a segment.
pub(crate) fn path(number: u64) -> String {
    format!("{FOLDER}/{number:016x}")
}

/// The numbers of the segments on a disk, ascending.
pub(crate) fn numbers(disk: &dyn Disk) -> Result<Vec<u64>, LogError> {
    let names = disk.list(FOLDER).map_err(LogError::io("list the journal"))?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter(|name| name.len() == 16)
        .filter_map(|name| u64::from_str_radix(name, 16).ok())
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.nonce);
        bytes.extend(self.before.size().to_le_bytes());
        bytes.extend(self.before.nodes().iter().flatten());
        let check = sha256(&bytes);
        bytes.extend(check);
        bytes.resize(usize::try_from(HEADER).unwrap_or_default(), 0);
        bytes
    }

    /// Reads what `encode` wrote; nothing for a segment that is not in use or was not written whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (nonce, rest) = rest.split_first_chunk::<16>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let size = u64::from_le_bytes(*size);
        let (nodes, rest) = rest.split_at_checked(size.count_ones() as usize * size_of::<Hash>())?;
        let nodes: Vec<Hash> = nodes.as_chunks::<32>().0.to_vec();
        let (check, hashed) = (rest.first_chunk::<32>()?, bytes.get(..bytes.len() - rest.len())?);
        (magic == MAGIC && sha256(hashed) == *check).then_some(())?;
        let before = Frontier::new(size, nodes)?;
        Some(Self { number: u64::from_le_bytes(*number), nonce: *nonce, before })
    }
}

/// A segment that is open.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) header: Header,
    pub(crate) file: Arc<dyn DiskFile>,
}

impl Segment {
    /// Opens a segment; nothing where there is none, or none in use.
    pub(crate) fn open(disk: &dyn Disk, number: u64, mode: Mode) -> Result<Option<Self>, LogError> {
        let file = match disk.open(&path(number), mode) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(LogError::io("open the journal"))?,
        };
        let length = usize::try_from(HEADER).unwrap_or_default();
        let bytes = read_some(&*file, 0, length).map_err(LogError::io("read the journal"))?;
        let header = Header::decode(&bytes).filter(|header| header.number == number);
        Ok(header.map(|header| Self { header, file }))
    }

    /// Writes the header of a file that is to become a segment. The next sync makes it durable.
    pub(crate) fn begin(file: Arc<dyn DiskFile>, header: Header) -> Result<Self, LogError> {
        write_all(&*file, &header.encode(), 0).map_err(LogError::io("write the journal"))?;
        Ok(Self { header, file })
    }
}
