//! Personal values beside the log, which can be erased while every proof still holds.
//!
//! The surprising fact: the commitment in the log is a hash over 32 random bytes and the value. Without them
//! nobody can try values until one fits, not even for a value as small as an address.

use crate::disk::{Disk, Mode, read_if_there, replace, write_all};
use crate::event::{Digest, Event, Personal};
use crate::log::LogError;
use crate::merkle::sha256_of;
use serde_json::Value;
use std::sync::Arc;

/// Set before what is hashed, so that a commitment is no hash of anything else.
const DOMAIN: &[u8] = b"govc personal value v1\n";

const SALT: usize = 32;

/// Where the values lie: a file for each, named by its commitment.
#[derive(Clone, Debug)]
pub struct Vault {
    disk: Arc<dyn Disk>,
}

fn path(commitment: &Digest) -> String {
    let digits = commitment.text();
    format!("personal/{}/{digits}", digits.get(..2).unwrap_or_default())
}

fn commitment(salt: &[u8], value: &[u8]) -> Digest {
    Digest::from_hash(&sha256_of(&[DOMAIN, salt, value]))
}

impl Vault {
    /// The vault on a disk.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    /// Moves the personal values of an event into the vault, durably, and leaves commitments.
    ///
    /// # Errors
    /// When the disk fails; then the event is not to be recorded.
    pub fn seal(&self, event: &mut Event) -> Result<(), LogError> {
        for personal in event.personal_mut() {
            if let Personal::Value(value) = personal {
                *personal = Personal::Commitment(self.keep(value)?);
            }
        }
        Ok(())
    }

    fn keep(&self, value: &Value) -> Result<Digest, LogError> {
        let mut salt = [0; SALT];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| LogError::Io { doing: "draw random bytes", reason: "none to be had".to_owned() })?;
        let value = value.to_string();
        let commitment = commitment(&salt, value.as_bytes());
        let path = path(&commitment);
        // The folder must be there before its name can be durable.
        self.disk
            .create_folder(crate::disk::folder_of(&path))
            .map_err(LogError::io("make a folder of the vault"))?;
        self.disk.sync_folder("personal").map_err(LogError::io("sync the vault"))?;
        replace(&*self.disk, &path, &[&salt, value.as_bytes()].concat(), true)
            .map_err(LogError::io("write to the vault"))?;
        Ok(commitment)
    }

    /// The value of a commitment; none when it was erased.
    ///
    /// # Errors
    /// When the disk fails, or what lies there is not what was committed to.
    pub fn reveal(&self, commitment_of: &Digest) -> Result<Option<Value>, LogError> {
        let bytes =
            read_if_there(&*self.disk, &path(commitment_of)).map_err(LogError::io("read the vault"))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let changed = || LogError::damaged("a personal value is not the one that was committed to", 0);
        let (salt, value) = bytes.split_at_checked(SALT).ok_or_else(changed)?;
        if commitment(salt, value) != *commitment_of {
            return Err(changed());
        }
        serde_json::from_slice(value).map(Some).map_err(|_| changed())
    }

    /// Puts the values back that are still there; those that were erased stay commitments.
    ///
    /// # Errors
    /// When the disk fails, or a value is not what was committed to.
    pub fn open(&self, event: &mut Event) -> Result<(), LogError> {
        for personal in event.personal_mut() {
            if let Personal::Commitment(commitment) = personal
                && let Some(value) = self.reveal(commitment)?
            {
                *personal = Personal::Value(value);
            }
        }
        Ok(())
    }

    /// Erases the value of a commitment, durably, and says whether it was there.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn erase(&self, commitment: &Digest) -> Result<bool, LogError> {
        let io = LogError::io("erase from the vault");
        let path = path(commitment);
        let file = match self.disk.open(&path, Mode::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            file => file.map_err(&io)?,
        };
        let length = usize::try_from(file.len().map_err(&io)?).unwrap_or_default();
        // The name goes with the folder; the bytes are written over for disks that would keep them.
        let file = self.disk.open(&path, Mode::Write).map_err(&io)?;
        write_all(&*file, &vec![0; length], 0).map_err(&io)?;
        file.sync().map_err(&io)?;
        self.disk.remove(&path).map_err(&io)?;
        self.disk.sync_folder(crate::disk::folder_of(&path)).map_err(&io)?;
        Ok(true)
    }
}
