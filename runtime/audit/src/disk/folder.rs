//! A folder of the real disk.
//!
//! The surprising fact: syncing every tile of a busy log for itself would cost a thousand flushes a second.
//! On Linux one call syncs the whole file system; elsewhere the files written since the last time are kept in
//! a list and synced one by one.

use super::{Disk, DiskFile, Lock, Mode};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files under a folder.
#[derive(Debug)]
pub struct FolderDisk {
    root: PathBuf,
    #[cfg(not(target_os = "linux"))]
    written: std::sync::Mutex<std::collections::BTreeSet<PathBuf>>,
}

impl FolderDisk {
    /// Opens a folder and makes it when it does not exist.
    ///
    /// # Errors
    /// As the system says.
    pub fn open(root: impl AsRef<Path>) -> io::Result<Self> {
        let root = root.as_ref().to_owned();
        fs::create_dir_all(&root)?;
        Ok(Self {
            root,
            #[cfg(not(target_os = "linux"))]
            written: std::sync::Mutex::default(),
        })
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

/// Opens for writing; folders are made only when they turn out to be missing, which is rare.
fn open_to_write(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    match (open(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            open()
        }
        (opened, _) => opened,
    }
}

impl Disk for FolderDisk {
    fn open(&self, path: &str, mode: Mode) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.at(path);
        let file = match mode {
            Mode::Read => File::open(&path)?,
            Mode::Write => open_to_write(&path)?,
        };
        #[cfg(not(target_os = "linux"))]
        if mode == Mode::Write {
            self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(path);
        }
        Ok(Arc::new(file))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn create_folder(&self, path: &str) -> io::Result<()> {
        fs::create_dir_all(self.at(path))
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        File::open(self.at(path))?.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn sync_everything(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.root)?)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_everything(&self) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut folders = std::collections::BTreeSet::new();
        for path in written.iter().filter(|path| path.exists()) {
            File::open(path)?.sync_all()?;
            folders.extend(
                path.ancestors().skip(1).take_while(|f| f.starts_with(&self.root)).map(Path::to_owned),
            );
        }
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())?;
        written.clear();
        Ok(())
    }

    fn lock(&self, path: &str, wait: bool) -> io::Result<Option<Box<dyn Lock>>> {
        let file = open_to_write(&self.at(path))?;
        if wait {
            file.lock()?;
            return Ok(Some(Box::new(Held(file))));
        }
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(Held(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The system lets go of the lock when the file is closed, also when the process is killed.
#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "held, not used")] File);

impl Lock for Held {}

impl DiskFile for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        File::set_len(self, length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
