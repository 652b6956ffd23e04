//! Entries one after the other, as bundles hold them: two bytes of length, then the entry.
//!
//! The surprising fact: the journal holds entries in the same form, so that a bundle is a copy of its bytes.

use super::error::LogError;

/// The most bytes of an entry.
pub const ENTRY_LIMIT: usize = u16::MAX as usize;

/// Appends an entry.
pub(crate) fn push(bytes: &mut Vec<u8>, entry: &[u8]) -> Result<(), LogError> {
    let length = u16::try_from(entry.len())
        .map_err(|_| LogError::TooLarge { given: entry.len(), limit: ENTRY_LIMIT })?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(entry);
    Ok(())
}

/// Bytes that an entry takes.
pub(crate) fn span(entry: &[u8]) -> usize {
    size_of::<u16>() + entry.len()
}

/// Goes through entries; ends with `None` for bytes that are not entries.
pub(crate) struct Entries<'b> {
    rest: &'b [u8],
}

impl<'b> Entries<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is left of the bytes; nothing after all entries were read.
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.rest
    }
}

impl<'b> Iterator for Entries<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        self.rest = rest;
        Some(entry)
    }
}
