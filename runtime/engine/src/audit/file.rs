//! The log in one file, shared by threads and processes.
//!
//! The surprising fact: every append takes the file's lock and looks at the file's length. Another process may
//! have written, or died while writing, since this one looked last.

use super::entry::Entry;
use super::tail::{self, Tail};
use super::verify::{Fault, FaultKind, verify_lines};
use super::{AuditError, AuditLog, Event, Head, Receipt};
use crate::digest;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A log in a file. Any number of threads and processes may have it open at once.
#[derive(Debug)]
pub struct FileLog {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    size: u64,
    hash: String,
    end: u64,
    poisoned: bool,
}

/// Holds the lock of the file; unlocks when dropped.
struct Locked<'s>(&'s mut State);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A failure to unlock shows at the next lock; closing the file unlocks too.
        let _ = self.0.file.unlock();
    }
}

impl FileLog {
    /// Opens a log, or makes an empty one. A write that was cut off is repaired, and the repair is recorded.
    ///
    /// # Errors
    /// When the file cannot be used, or its last entry was tampered with.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuditError> {
        let path = path.as_ref().to_owned();
        let new = !path.exists();
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        if new {
            sync_folder(&path)?;
        }
        let mut state =
            State { file, size: 0, hash: super::GENESIS.to_owned(), end: u64::MAX, poisoned: false };
        drop(state.lock()?);
        Ok(Self { path, state: Mutex::new(state) })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> Result<T, AuditError>) -> Result<T, AuditError> {
        // A thread that panicked in here left the file locked at worst; the state is read again anyway.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.poisoned {
            return Err(AuditError::Poisoned);
        }
        let locked = state.lock()?;
        f(locked.0)
    }

    fn reader(&self) -> Result<BufReader<File>, AuditError> {
        Ok(BufReader::with_capacity(1 << 16, File::open(&self.path)?))
    }
}

/// A new file is only durable when its folder is.
fn sync_folder(path: &Path) -> Result<(), AuditError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}

impl State {
    fn lock(&mut self) -> Result<Locked<'_>, AuditError> {
        self.file.lock()?;
        let locked = Locked(self);
        locked.0.catch_up()?;
        Ok(locked)
    }

    /// Learns what others wrote, and repairs what one of them left half done.
    fn catch_up(&mut self) -> Result<(), AuditError> {
        if self.file.seek(SeekFrom::End(0))? == self.end {
            return Ok(());
        }
        let Tail { size, hash, end, torn } =
            tail::read(&mut self.file)?.map_err(|_| self.last_entry_is_bad())?;
        (self.size, self.hash, self.end) = (size, hash, end);
        match torn.is_empty() {
            true => Ok(()),
            false => self.repair(&torn),
        }
    }

    /// Names the entry by reading the whole log, which only a damaged log costs.
    fn last_entry_is_bad(&mut self) -> AuditError {
        let verified = self
            .file
            .seek(SeekFrom::Start(0))
            .map_err(AuditError::from)
            .and_then(|_| verify_lines(BufReader::new(&mut self.file), None));
        match verified {
            Err(error) => error,
            Ok(head) => Fault { position: head.size, kind: FaultKind::Torn }.into(),
        }
    }

    /// Completes a last line that only lacks its end, cuts off one that lacks more, and says so in the log.
    fn repair(&mut self, torn: &[u8]) -> Result<(), AuditError> {
        let whole = Entry::read(torn).ok().filter(|entry| entry.seq == self.size && entry.prev == self.hash);
        let action = if whole.is_some() { "completed" } else { "removed" };
        let body = json!({
            "action": action,
            "bytes": torn.len(),
            "sha256": digest::hex(torn),
        });
        self.file.set_len(self.end)?;
        if let Some(entry) = whole {
            let line = String::from_utf8_lossy(torn).into_owned();
            self.write(&line, entry.hash)?;
        }
        self.append(&Event { kind: "AUDIT_REPAIR".to_owned(), body }).map(drop)
    }

    fn append(&mut self, event: &Event) -> Result<Receipt, AuditError> {
        let position = self.size;
        let (entry, line) = Entry::make(event, position, &self.hash)?;
        self.write(&line, entry.hash.clone())?;
        Ok(Receipt { position, head: entry.hash, line })
    }

    /// Writes a line at the end and syncs it. What fails is taken back; what cannot be taken back ends the log's use.
    fn write(&mut self, line: &str, hash: String) -> Result<(), AuditError> {
        let bytes = [line.as_bytes(), b"\n"].concat();
        if let Err(error) = self.write_durably(&bytes) {
            self.poisoned = self.file.set_len(self.end).and_then(|()| self.file.sync_data()).is_err();
            return Err(error.into());
        }
        self.end += bytes.len() as u64;
        self.size += 1;
        self.hash = hash;
        Ok(())
    }

    fn write_durably(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

impl AuditLog for FileLog {
    fn append(&self, event: &Event) -> Result<Receipt, AuditError> {
        self.with(|state| state.append(event))
    }

    fn read(&self, from: u64, count: u64) -> Result<Vec<Entry>, AuditError> {
        let mut entries = Vec::new();
        for (position, line) in
            (0..).zip(self.reader()?.split(b'\n')).take_while(|(at, _)| *at < from.saturating_add(count))
        {
            let line = line?;
            if position >= from {
                entries.push(Entry::read(&line).map_err(|kind| Fault { position, kind })?);
            }
        }
        Ok(entries)
    }

    fn head(&self) -> Result<Head, AuditError> {
        self.with(|state| Ok(Head { size: state.size, hash: state.hash.clone() }))
    }

    fn verify(&self, seen: Option<&str>) -> Result<Head, AuditError> {
        // Under the lock, so that nobody's half-written entry is taken for a fault.
        self.with(|_| verify_lines(self.reader()?, seen))
    }
}
