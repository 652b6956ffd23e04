//! A disk that counts syncs.

use govc_audit::disk::{Disk, DiskFile, Lock, Mode};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often what was synced.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    files: AtomicU64,
    everything: AtomicU64,
}

impl Counts {
    pub(crate) fn syncs(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    pub(crate) fn everything(&self) -> u64 {
        self.everything.load(Ordering::Relaxed)
    }
}

/// A disk that counts syncs.
#[derive(Debug)]
pub(crate) struct Counted<D> {
    disk: D,
    counts: Arc<Counts>,
}

impl<D: Disk> Counted<D> {
    pub(crate) fn new(disk: D) -> Self {
        Self { disk, counts: Arc::default() }
    }

    pub(crate) fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }
}

impl<D: Disk> Disk for Counted<D> {
    fn open(&self, path: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.disk.open(path, mode)?;
        Ok(Arc::new(CountedFile { file, counts: self.counts.clone() }))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn create_folder(&self, path: &str) -> io::Result<()> {
        self.disk.create_folder(path)
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.disk.sync_folder(path)
    }

    fn sync_everything(&self) -> io::Result<()> {
        self.counts.everything.fetch_add(1, Ordering::Relaxed);
        self.disk.sync_everything()
    }

    fn lock(&self, path: &str, wait: bool) -> io::Result<Option<Box<dyn Lock>>> {
        self.disk.lock(path, wait)
    }
}

#[derive(Debug)]
struct CountedFile {
    file: Arc<dyn DiskFile>,
    counts: Arc<Counts>,
}

impl DiskFile for CountedFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.counts.files.fetch_add(1, Ordering::Relaxed);
        self.file.sync()
    }
}
