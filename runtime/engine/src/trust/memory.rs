//! What was in force before, so that no older bundle comes back after a restart.

use crate::{LoadError, Policy, digest};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The newest version of a bundle that was in force, kept in a file. Processes may share it.
///
/// ```no_run
/// use govc_engine::{Engine, Trust, VersionMemory};
/// let memory = VersionMemory::at("/var/lib/service/bundle.version");
/// let policy = Engine::load(&std::fs::read("bundle.tar.gz")?, &Trust::unsigned())?;
/// memory.admit(&policy)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct VersionMemory {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    version: u64,
    bundle: String,
    /// SHA-256 over both, against slips of an editor, not against an attacker.
    check: String,
}

impl Remembered {
    fn new(version: u64, bundle: &str) -> Self {
        let check = digest::hex(format!("{version} {bundle}").as_bytes());
        Self { version, bundle: bundle.to_owned(), check }
    }
}

impl VersionMemory {
    /// The memory in a file, which need not be there yet.
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// Lets a policy come into force and remembers it. When this returns, the memory is on the disk.
    ///
    /// # Errors
    /// [`LoadError::Rollback`] and [`LoadError::Fork`]; [`LoadError::Memory`] where the memory cannot be read or written.
    /// A policy without a version is refused as soon as one with a version was in force.
    pub fn admit(&self, policy: &Policy) -> Result<(), LoadError> {
        let _lock = self.lock().map_err(|error| self.broken(&error))?;
        let seen = self.read()?;
        let given = policy.section().and_then(|section| section.version);
        match (given, seen) {
            (None, None) => Ok(()),
            (None, Some(seen)) => Err(LoadError::Rollback { given, seen: seen.version }),
            (Some(new), Some(seen)) if new < seen.version => {
                Err(LoadError::Rollback { given, seen: seen.version })
            }
            (Some(new), Some(seen)) if new == seen.version && seen.bundle != policy.digest() => {
                Err(LoadError::Fork { version: new })
            }
            (Some(new), Some(seen)) if new == seen.version => Ok(()),
            (Some(new), _) => {
                self.write(&Remembered::new(new, policy.digest())).map_err(|error| self.broken(&error))
            }
        }
    }

    /// Writers take turns.
    fn lock(&self) -> io::Result<File> {
        let lock = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(self.path.with_extension("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn read(&self) -> Result<Option<Remembered>, LoadError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.broken(&error)),
        };
        let read: Remembered = serde_json::from_slice(&text).map_err(|error| self.broken(&error))?;
        if Remembered::new(read.version, &read.bundle).check != read.check {
            return Err(self.broken(&"it was changed by hand or half written"));
        }
        Ok(Some(read))
    }

    /// Beside, then in place: a power cut leaves the old memory or the new one.
    fn write(&self, new: &Remembered) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(new).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn broken(&self, why: &dyn std::fmt::Display) -> LoadError {
        LoadError::Memory { path: self.path.display().to_string(), why: why.to_string() }
    }
}
