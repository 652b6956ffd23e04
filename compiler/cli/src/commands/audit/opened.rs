//! Opens a log for reading, with the key that checks it.
//!
//! The surprising fact: a log's name is part of its keys and checkpoints. `--origin` gives it where it is not the
//! usual one.

use crate::files::io_problem;
use crate::problem::Problem;
use crate::record::own_public_key;
pub(super) use crate::record::{ORIGIN, text_or_file};
use clap::Args;
use govc_audit::{Disk, FolderDisk, Reader, SignedCheckpoint, Verifier};
use std::path::Path;
use std::sync::Arc;

/// Which log, and who signs it
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// Folder of the log
    pub(crate) path: String,
    /// Public key of the log: PEM, or NAME+ID+KEY as signed notes have it, or a file with one of them; without one,
    /// the key that the log made itself
    #[arg(long, value_name = "KEY")]
    pub(crate) verification_key: Option<String>,
    /// Name of the log in its checkpoints
    #[arg(long, value_name = "NAME", default_value = ORIGIN)]
    pub(crate) origin: String,
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

    pub(crate) fn verifier(&self) -> Result<Verifier, Problem> {
        let own = own_public_key(&self.path).map(|path| path.display().to_string());
        let Some(key) = self.verification_key.as_ref().or(own.as_ref()) else {
            return Err(Problem::coded("govc_no_key", "give the key of the log with `--verification-key`"));
        };
        let text = text_or_file(key)?;
        let verifier = match text.contains("-----BEGIN") {
            true => Verifier::log_from_pem(&self.origin, &text),
            false => Verifier::parse(&text),
        };
        Ok(verifier?)
    }

    /// The log at its newest published checkpoint.
    pub(crate) fn newest(&self) -> Result<(Reader, SignedCheckpoint), Problem> {
        let newest = Reader::newest(self.disk()?, &self.origin, &self.verifier()?);
        let empty = || Problem::coded("govc_audit_no_entry", "the log has no entries");
        newest?.ok_or_else(empty)
    }
}
