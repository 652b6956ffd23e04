//! A disk in memory that remembers what was written in which order, to play power cuts and failures.
//!
//! The surprising fact: after a power cut a real disk may hold any of the writes since the last sync and lack
//! others before them, and a write may be there in parts. [`MemoryDisk::cut`] draws such a state.

use super::{Disk, DiskFile, Lock, Mode, folder_of};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The unit that a disk writes whole.
const SECTOR: usize = 512;

/// What goes wrong with the next operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A write fails when this many more bytes were written: the disk is full.
    Full {
        /// Bytes that still fit.
        after: u64,
    },
    /// A write fails after writing a part.
    Write {
        /// Writes that still succeed.
        after: u64,
    },
    /// Every write takes only a part of the bytes.
    Short,
    /// A sync fails, and what it should have made durable never becomes so.
    Sync {
        /// Syncs that still succeed.
        after: u64,
    },
}

#[derive(Clone, Debug)]
enum Operation {
    Create {
        path: String,
        file: usize,
    },
    Write {
        file: usize,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    Length {
        file: usize,
        length: u64,
    },
    Rename {
        from: String,
        to: String,
    },
    Remove {
        path: String,
    },
    SyncFile {
        file: usize,
    },
    SyncFolder {
        folder: String,
    },
    SyncAll,
    /// A sync failed: the system takes what was not yet durable for written, and never tries again.
    Lost,
}

/// Which file has which name.
type Names = BTreeMap<String, usize>;

#[derive(Debug, Default)]
struct State {
    names: Names,
    files: Vec<Vec<u8>>,
    /// What was there, durably, before the history began.
    beginning: (Names, Vec<Vec<u8>>),
    history: Vec<Operation>,
    locks: BTreeSet<String>,
    fault: Option<Fault>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    unlocked: Condvar,
}

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Shared>);

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something go wrong from now on, or nothing any more.
    pub fn fail(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// How many operations were done so far; a moment to which [`MemoryDisk::cut`] can go back.
    pub fn moment(&self) -> usize {
        self.state().history.len()
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// The content of a file.
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(path).and_then(|&file| state.files.get(file)).cloned()
    }

    /// Puts content in the place of a file, or removes the file, past all syncs: what an attacker does.
    pub fn tamper(&self, path: &str, content: Option<Vec<u8>>) {
        let mut state = self.state();
        match content {
            None => drop(state.names.remove(path)),
            Some(content) => {
                let file = state.files.len();
                state.files.push(content);
                state.names.insert(path.to_owned(), file);
            }
        }
    }

    /// A copy of the disk as it is, all of it durable.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.state();
        Self::with(state.names.clone(), state.files.clone())
    }

    fn with(names: Names, files: Vec<Vec<u8>>) -> Self {
        let beginning = (names.clone(), files.clone());
        let fresh = Self::new();
        *fresh.state() = State { names, files, beginning, ..State::default() };
        fresh
    }

    /// The disk as a power cut at a moment may leave it. `draw` gives random numbers below its argument.
    ///
    /// What was synced before the moment is there. Of the rest each operation, and each sector of a write, is
    /// there or not as drawn.
    #[must_use]
    pub fn cut(&self, moment: usize, draw: &mut dyn FnMut(u64) -> u64) -> Self {
        let state = self.state();
        let history = state.history.get(..moment).unwrap_or(&state.history);
        let durable = durable(history);
        let (names, files) = state.beginning.clone();
        let mut after = State { names, files, ..State::default() };
        for (operation, durable) in history.iter().zip(durable) {
            match operation {
                Operation::Write { file, offset, bytes } if !durable => {
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        if draw(2) == 0 {
                            after.write(*file, offset + (number * SECTOR) as u64, sector);
                        }
                    }
                }
                operation if durable || draw(2) == 0 => after.apply(operation),
                _ => {}
            }
        }
        Self::with(after.names, after.files)
    }

    fn perform(&self, operation: Operation) {
        self.state().perform(operation);
    }

    fn sync(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.state();
        if let Some(Fault::Sync { after }) = &mut state.fault {
            match after.checked_sub(1) {
                None => {
                    state.history.push(Operation::Lost);
                    return Err(io::Error::other("the disk failed to sync"));
                }
                Some(less) => *after = less,
            }
        }
        state.history.push(operation);
        Ok(())
    }
}

/// For each operation, whether a later one made it durable.
fn durable(history: &[Operation]) -> Vec<bool> {
    let (mut files, mut folders, mut all) = (BTreeSet::new(), BTreeSet::new(), false);
    let mut marks: Vec<bool> = history
        .iter()
        .rev()
        .map(|operation| match operation {
            Operation::SyncAll => {
                all = true;
                true
            }
            Operation::Lost => {
                (files, folders, all) = (BTreeSet::new(), BTreeSet::new(), false);
                true
            }
            Operation::SyncFile { file } => {
                files.insert(*file);
                true
            }
            Operation::SyncFolder { folder } => {
                folders.insert(folder.as_str());
                true
            }
            Operation::Write { file, .. } | Operation::Length { file, .. } => all || files.contains(file),
            Operation::Create { path, .. } | Operation::Remove { path } => {
                all || folders.contains(folder_of(path))
            }
            Operation::Rename { from, to } => {
                all || (folders.contains(folder_of(from)) && folders.contains(folder_of(to)))
            }
        })
        .collect();
    marks.reverse();
    marks
}

impl State {
    fn perform(&mut self, operation: Operation) {
        self.apply(&operation);
        self.history.push(operation);
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { path, file } => {
                self.file(*file);
                self.names.insert(path.clone(), *file);
            }
            Operation::Write { file, offset, bytes } => self.write(*file, *offset, bytes),
            Operation::Length { file, length } => {
                self.file(*file).resize(usize::try_from(*length).unwrap_or(usize::MAX), 0);
            }
            Operation::Rename { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Operation::Remove { path } => drop(self.names.remove(path)),
            Operation::SyncFile { .. }
            | Operation::SyncFolder { .. }
            | Operation::SyncAll
            | Operation::Lost => {}
        }
    }

    fn file(&mut self, file: usize) -> &mut Vec<u8> {
        if self.files.len() <= file {
            self.files.resize_with(file + 1, Vec::new);
        }
        &mut self.files[file]
    }

    fn write(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let content = self.file(file);
        let end = offset.saturating_add(bytes.len());
        if content.len() < end {
            content.resize(end, 0);
        }
        if let Some(place) = content.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
    }

    /// How many of the bytes a write may take, and whether it fails after them.
    fn admitted(&mut self, length: usize) -> (usize, Option<io::Error>) {
        match &mut self.fault {
            Some(Fault::Full { after }) => {
                let fits = usize::try_from(*after).unwrap_or(usize::MAX).min(length);
                *after -= fits as u64;
                (fits, (fits < length).then(|| io::ErrorKind::StorageFull.into()))
            }
            Some(Fault::Write { after }) => match after.checked_sub(1) {
                None => (length / 2, Some(io::Error::other("the disk failed to write"))),
                Some(less) => {
                    *after = less;
                    (length, None)
                }
            },
            Some(Fault::Short) => (length.div_ceil(3), None),
            Some(Fault::Sync { .. }) | None => (length, None),
        }
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let file = match (state.names.get(path), mode) {
            (Some(file), _) => *file,
            (None, Mode::Read) => return Err(io::ErrorKind::NotFound.into()),
            (None, Mode::Write) => {
                let file = state.files.len();
                state.perform(Operation::Create { path: path.to_owned(), file });
                file
            }
        };
        drop(state);
        Ok(Arc::new(MemoryFile { disk: self.clone(), file }))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|path| folder_of(path) == folder);
        Ok(inside.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if !self.state().names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.perform(Operation::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.perform(Operation::Remove { path: path.to_owned() });
        Ok(())
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.sync(Operation::SyncFolder { folder: path.to_owned() })
    }

    fn sync_everything(&self) -> io::Result<()> {
        self.sync(Operation::SyncAll)
    }

    fn lock(&self, path: &str, wait: bool) -> io::Result<Option<Box<dyn Lock>>> {
        let mut state = self.state();
        while state.locks.contains(path) {
            if !wait {
                return Ok(None);
            }
            state = self.0.unlocked.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.locks.insert(path.to_owned());
        Ok(Some(Box::new(MemoryLock { disk: self.clone(), path: path.to_owned() })))
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: MemoryDisk,
    path: String,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
        self.disk.0.unlocked.notify_all();
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
}

impl DiskFile for MemoryFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let content = state.files.get(self.file).map(Vec::as_slice).unwrap_or_default();
        let rest = usize::try_from(offset).ok().and_then(|at| content.get(at..)).unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let (written, error) = self.disk.state().admitted(bytes.len());
        let part: Arc<[u8]> = bytes.iter().copied().take(written).collect();
        if !part.is_empty() {
            self.disk.perform(Operation::Write { file: self.file, offset, bytes: part });
        }
        error.map_or(Ok(written), Err)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files.get(self.file).map_or(0, |content| content.len() as u64))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.perform(Operation::Length { file: self.file, length });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync(Operation::SyncFile { file: self.file })
    }
}
