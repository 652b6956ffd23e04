//! All that the log asks of a disk, as one seam.
//!
//! The surprising fact: a write may be short and a sync may fail, here as on a real disk. Who writes more than
//! a hundred bytes must expect both, and tests play power cuts through [`MemoryDisk`].

mod folder;
mod memory;

pub use folder::FolderDisk;
pub use memory::{Fault, MemoryDisk};

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To read; it must exist.
    Read,
    /// To read and write; made when it does not exist, with its folders.
    Write,
}

/// A folder of files, named by relative paths with `/`.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>>;

    /// The names in a folder, in no order; none where there is no folder.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Gives a file another name, in place of what had that name before.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// As the system says.
    fn create_folder(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As the system says; then nothing is known of them.
    fn sync_folder(&self, path: &str) -> io::Result<()>;

    /// Makes everything durable that was written so far, whatever it is.
    ///
    /// # Errors
    /// As the system says; then nothing is known of it.
    fn sync_everything(&self) -> io::Result<()>;

    /// Takes a lock that other processes see, too; `None` when another holds it and `wait` is false.
    ///
    /// # Errors
    /// As the system says.
    fn lock(&self, path: &str, wait: bool) -> io::Result<Option<Box<dyn Lock>>>;
}

/// A lock that is held until it is dropped.
pub trait Lock: Debug + Send {}

/// An open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads at an offset; fewer bytes than asked at the end of the file.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at an offset, perhaps only the first of the bytes.
    ///
    /// # Errors
    /// As the system says; then any of the bytes may be there.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Its length in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts it off or lets it grow.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Makes its content durable.
    ///
    /// # Errors
    /// As the system says; then nothing is known of what was written since the last sync.
    fn sync(&self) -> io::Result<()>;
}

/// Writes all bytes, however many writes that takes.
pub(crate) fn write_all(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes = bytes.get(written..).unwrap_or_default();
        offset += written as u64;
    }
    Ok(())
}

/// Up to `length` bytes from an offset on.
pub(crate) fn read_some(file: &dyn DiskFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(file, offset, length, &mut bytes)?;
    Ok(bytes)
}

/// The same into a buffer that is used again: fresh memory for each bundle costs as much as hashing it.
pub(crate) fn read_into(
    file: &dyn DiskFile,
    offset: u64,
    length: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    bytes.resize(length, 0);
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(())
}

/// A whole file.
pub(crate) fn read(disk: &dyn Disk, path: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Mode::Read)?;
    // A file of a log has at most the size of a segment; what claims more than memory fails to be read.
    let length = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    read_some(&*file, 0, length)
}

/// A whole file, or nothing where there is none.
pub(crate) fn read_if_there(disk: &dyn Disk, path: &str) -> io::Result<Option<Vec<u8>>> {
    match read(disk, path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a file in the place of another at once, durably if asked.
pub(crate) fn replace(disk: &dyn Disk, path: &str, bytes: &[u8], durable: bool) -> io::Result<()> {
    let fresh = format!("{path}.new");
    let file = disk.open(&fresh, Mode::Write)?;
    file.set_len(0)?;
    write_all(&*file, bytes, 0)?;
    if durable {
        file.sync()?;
    }
    disk.rename(&fresh, path)?;
    if durable {
        disk.sync_folder(folder_of(path))?;
    }
    Ok(())
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
