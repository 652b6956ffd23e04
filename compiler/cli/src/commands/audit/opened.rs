//! Opens a log for reading, with the key that checks it.
//!
//! The surprising fact: a log's name is part of its keys and checkpoints. `--origin` gives it where it is not the
//! usual one.

use crate::files::io_problem;
use crate::problem::Problem;
use clap::Args;
use govc_audit::note::NoteError;
use govc_audit::{Disk, FolderDisk, LogError, Reader, Refusal, SignedCheckpoint, Verifier};
use std::path::Path;
use std::sync::Arc;

/// The name of a log that was given none.
pub(super) const ORIGIN: &str = "govc/audit";

/// Which log, and who signs it
#[derive(Args, Debug)]
pub(super) struct Place {
    /// Folder of the log
    pub(super) path: String,
    /// Public key of the log: PEM, or NAME+ID+KEY as signed notes have it, or a file with one of them
    #[arg(long, value_name = "KEY")]
    pub(super) verification_key: Option<String>,
    /// Name of the log in its checkpoints
    #[arg(long, value_name = "NAME", default_value = ORIGIN)]
    pub(super) origin: String,
}

impl Place {
    /// Whether a folder holds a Merkle tree and not a chain in lines.
    pub(super) fn is_tree(&self) -> bool {
        let folder = Path::new(&self.path);
        folder.join("journal").is_dir() || folder.join("checkpoint").is_file()
    }

    pub(super) fn disk(&self) -> Result<Arc<dyn Disk>, Problem> {
        let path = Path::new(&self.path);
        let disk = match path.is_dir() {
            true => FolderDisk::open(path),
            false => Err(std::io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(disk.map_err(|error| io_problem("open", &self.path, &error))?))
    }

    pub(super) fn verifier(&self) -> Result<Verifier, Problem> {
        let Some(key) = &self.verification_key else {
            return Err(Problem::coded("govc_no_key", "give the key of the log with `--verification-key`"));
        };
        let text = text_or_file(key)?;
        let verifier = match text.contains("-----BEGIN") {
            true => Verifier::log_from_pem(&self.origin, &text),
            false => Verifier::parse(&text),
        };
        verifier.map_err(|error| note(&error))
    }

    /// The log at its newest published checkpoint.
    pub(super) fn newest(&self) -> Result<(Reader, SignedCheckpoint), Problem> {
        let newest = Reader::newest(self.disk()?, &self.origin, &self.verifier()?);
        let empty = || Problem::coded("govc_audit_no_entry", "the log has no entries");
        newest.map_err(|error| log(&error))?.ok_or_else(empty)
    }
}

/// A key as given, or what the file of that name holds.
pub(super) fn text_or_file(given: &str) -> Result<String, Problem> {
    if given.contains("-----BEGIN") || (given.contains('+') && !Path::new(given).exists()) {
        return Ok(given.to_owned());
    }
    std::fs::read_to_string(given).map_err(|error| io_problem("read", given, &error))
}

pub(super) fn note(error: &NoteError) -> Problem {
    Problem::coded("govc_audit_foreign", error.to_string())
}

pub(super) fn log(error: &LogError) -> Problem {
    Problem::coded(error.code(), error.to_string())
}

pub(super) fn refusal(error: &Refusal) -> Problem {
    Problem::coded(error.code(), error.to_string())
}
