//! The end of a log file, found without reading the rest.

use super::GENESIS;
use super::entry::Entry;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// How the file ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// Entries up to the last whole line.
    pub(super) size: u64,
    /// Hash of the last whole line.
    pub(super) hash: String,
    /// Bytes up to the end of the last whole line.
    pub(super) end: u64,
    /// What follows it: the rest of a write that was cut off.
    pub(super) torn: Vec<u8>,
}

/// Reads backwards until the last whole line is found.
///
/// A last line that ends but holds NUL bytes is taken for torn too: file systems leave such holes when the
/// power fails between the growth of a file and the arrival of its content.
pub(super) fn read(file: &mut File) -> io::Result<Result<Tail, u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut window = 1 << 16;
    loop {
        let start = length.saturating_sub(window);
        let bytes = read_at(file, start, length - start)?;
        if let Some(found) = last_line(&bytes, start) {
            return Ok(found);
        }
        window = window.saturating_mul(4);
    }
}

/// The last whole line in the bytes from `start` on; `None` when it begins before them.
fn last_line(bytes: &[u8], start: u64) -> Option<Result<Tail, u64>> {
    let mut until = bytes.len();
    loop {
        let Some(end) = bytes.get(..until)?.iter().rposition(|&b| b == b'\n').map(|at| at + 1) else {
            return (start == 0).then(|| Ok(tail(0, GENESIS.to_owned(), 0, bytes)));
        };
        let before = bytes.get(..end - 1)?.iter().rposition(|&b| b == b'\n').map(|at| at + 1);
        let from = match before {
            Some(at) => at,
            None if start == 0 => 0,
            None => return None,
        };
        let line = bytes.get(from..end - 1)?;
        if line.contains(&0) && until == bytes.len() {
            until = end - 1;
            continue;
        }
        let Ok(entry) = Entry::read(line) else { return Some(Err(start + from as u64)) };
        return Some(Ok(tail(entry.seq + 1, entry.hash, start + end as u64, bytes.get(end..)?)));
    }
}

fn tail(size: u64, hash: String, end: u64, torn: &[u8]) -> Tail {
    Tail { size, hash, end, torn: torn.to_vec() }
}

fn read_at(file: &mut File, start: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}
