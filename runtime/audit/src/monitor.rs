//! Remembers the last checkpoint of a log and refuses what does not continue it.
//!
//! The surprising fact: a log's own signature does not help against a log that shows different people different
//! histories. Only somebody who remembers can see that, and a witness's signature says that somebody does.

use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::disk::{Disk, Lock, read_if_there, replace};
use crate::log::LogError;
use crate::merkle::{Hash, verify_consistency};
use crate::note::{NoteError, Signer, Verifier};
use std::fmt;
use std::sync::Arc;

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The log is smaller than it was.
    Rollback {
        /// The size that was seen.
        seen: u64,
        /// The size that the log has now.
        given: u64,
    },
    /// The log does not begin with what was seen of it.
    Fork {
        /// The size that was seen.
        seen: u64,
    },
    /// Another log than the one that was seen.
    Origin {
        /// The origin that was seen.
        seen: String,
    },
    /// The checkpoint, or the one remembered, is not signed as it must be.
    Note(NoteError),
    /// The log or the memory cannot be read or written.
    Log(LogError),
}

impl Refusal {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Rollback { .. } => "govc_audit_rollback",
            Refusal::Fork { .. } => "govc_audit_fork",
            Refusal::Origin { .. } | Refusal::Note(_) => "govc_audit_foreign",
            Refusal::Log(error) => error.code(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Rollback { seen, given } => {
                write!(f, "the log had {seen} entries and now has {given}: it was rolled back")
            }
            Refusal::Fork { seen } => {
                write!(f, "the first {seen} entries are not those that were seen before: the log was forked")
            }
            Refusal::Origin { seen } => write!(f, "not the log that was seen before, `{seen}`"),
            Refusal::Note(error) => error.fmt(f),
            Refusal::Log(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<NoteError> for Refusal {
    fn from(error: NoteError) -> Self {
        Self::Note(error)
    }
}

/// Whether a checkpoint continues another, as a consistency proof says.
///
/// # Errors
/// When it does not.
pub fn continues(seen: &Checkpoint, given: &Checkpoint, proof: &[Hash]) -> Result<(), Refusal> {
    if seen.origin != given.origin {
        return Err(Refusal::Origin { seen: seen.origin.clone() });
    }
    if seen.size > given.size {
        return Err(Refusal::Rollback { seen: seen.size, given: given.size });
    }
    match verify_consistency(seen.size, given.size, proof, &seen.root, &given.root) {
        true => Ok(()),
        false => Err(Refusal::Fork { seen: seen.size }),
    }
}

/// A memory of one log, in a file.
#[derive(Clone, Debug)]
pub struct Monitor {
    disk: Arc<dyn Disk>,
    path: String,
    verifier: Verifier,
}

impl Monitor {
    /// A monitor whose memory is a file, which need not exist yet.
    pub fn new(disk: Arc<dyn Disk>, path: impl Into<String>, verifier: Verifier) -> Self {
        Self { disk, path: path.into(), verifier }
    }

    /// The checkpoint that was seen last; none when none was.
    ///
    /// # Errors
    /// When the memory cannot be read or is not a checkpoint that the log signed.
    pub fn seen(&self) -> Result<Option<SignedCheckpoint>, Refusal> {
        let bytes =
            read_if_there(&*self.disk, &self.path).map_err(LogError::io("read what was seen before"))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let note = String::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        Ok(Some(SignedCheckpoint::open(&note, &self.verifier)?))
    }

    /// Sees a checkpoint: remembers it when it continues the one before, durably, and refuses it otherwise.
    ///
    /// # Errors
    /// When it is refused; the memory then stays as it was.
    pub fn see(
        &self,
        given: &SignedCheckpoint,
        proof: impl FnOnce(u64) -> Result<Vec<Hash>, LogError>,
    ) -> Result<(), Refusal> {
        let given = SignedCheckpoint::open(&given.note, &self.verifier)?;
        let _turn = self.turn()?;
        if let Some(seen) = self.seen()? {
            let needed = seen.checkpoint.size < given.checkpoint.size;
            let proof = if needed { proof(seen.checkpoint.size)? } else { Vec::new() };
            continues(&seen.checkpoint, &given.checkpoint, &proof)?;
        }
        self.write(&given)
    }

    /// Remembers the checkpoint of a log that was verified as a whole, with what is remembered: no proof is
    /// needed then.
    ///
    /// # Errors
    /// When the log did not sign it, it is older than what is remembered, or the memory cannot be written.
    pub fn remember(&self, given: &SignedCheckpoint) -> Result<(), Refusal> {
        let given = SignedCheckpoint::open(&given.note, &self.verifier)?;
        let _turn = self.turn()?;
        match self.seen()? {
            Some(seen) if seen.checkpoint.size > given.checkpoint.size => {
                Err(Refusal::Rollback { seen: seen.checkpoint.size, given: given.checkpoint.size })
            }
            _ => self.write(&given),
        }
    }

    /// Two who see at once must not both remember: the second has to continue the first.
    fn turn(&self) -> Result<Option<Box<dyn Lock>>, Refusal> {
        let lock = self.disk.lock(&format!("{}.lock", self.path), true);
        Ok(lock.map_err(LogError::io("lock what was seen before"))?)
    }

    fn write(&self, given: &SignedCheckpoint) -> Result<(), Refusal> {
        let written = replace(&*self.disk, &self.path, given.note.as_bytes(), true);
        Ok(written.map_err(LogError::io("remember the checkpoint"))?)
    }
}

/// A monitor that signs what it saw (C2SP tlog-witness).
#[derive(Debug)]
pub struct Witness {
    monitor: Monitor,
    signer: Signer,
}

impl Witness {
    /// A witness with a key of its own, made by [`Signer::witness`].
    pub fn new(monitor: Monitor, signer: Signer) -> Self {
        Self { monitor, signer }
    }

    /// Adds its signature to a checkpoint that continues all that it signed before. `time` is in seconds since
    /// 1970.
    ///
    /// # Errors
    /// When it is refused.
    pub fn cosign(
        &self,
        given: &SignedCheckpoint,
        time: u64,
        proof: impl FnOnce(u64) -> Result<Vec<Hash>, LogError>,
    ) -> Result<SignedCheckpoint, Refusal> {
        self.monitor.see(given, proof)?;
        Ok(given.clone().cosigned(&self.signer, time))
    }
}
