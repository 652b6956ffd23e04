//! `--audit`: writes to an audit log in a folder.

use crate::problem::Problem;
use govc_engine::audit::{AuditError, AuditLog, Event, FileLog};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The file of a log that was named by its folder or itself.
pub(crate) fn file(path: &str) -> PathBuf {
    let path = Path::new(path);
    if path.is_file() || path.extension().is_some_and(|e| e == "jsonl") {
        return path.to_owned();
    }
    path.join("audit.jsonl")
}

/// Appends an event, if there is a log. When this returns, the entry is on the disk.
pub(crate) fn append(log: Option<&str>, kind: &str, body: impl Serialize) -> Result<(), Problem> {
    let Some(path) = log else { return Ok(()) };
    let file = file(path);
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| crate::files::io_problem("mkdir", path, &error))?;
    let write = || FileLog::open(&file)?.append(&Event::new(kind, body)?);
    write().map(|_| ()).map_err(|error| problem(&error))
}

/// An error of the log.
pub(crate) fn problem(error: &AuditError) -> Problem {
    Problem::coded(error.code(), error.to_string())
}
