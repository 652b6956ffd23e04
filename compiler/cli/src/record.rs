//! `--audit`: what is decided is in an audit log before it is told.
//!
//! The surprising fact: a log that is given no key makes its own and keeps it in its folder. That finds what was changed
//! by accident, or by somebody who cannot read the key; against anybody else give `--audit-key`, and keep what was seen of
//! the log (`govc audit verify --state`) in another place.

use crate::files::io_problem;
use crate::keys;
use crate::problem::Problem;
use clap::Args;
use govc_audit::{Event, FolderDisk, Log, Options, Signer};
use govc_governance::store::SqliteStore;
use govc_governance::{AgentSpec, outbox};
use std::path::{Path, PathBuf};

/// The name of a log that was given none.
pub(crate) const ORIGIN: &str = "govc/audit";

/// The folder of a log's own key, below the log's.
const KEY: &str = "key";

/// The audit log that is written.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Audit")]
pub(crate) struct Auditing {
    /// Folder of the audit log; made when it does not exist
    #[arg(long, value_name = "FOLDER")]
    audit: Option<String>,
    /// Private key that signs the log: a PEM file or its text; without one the log makes its own, in its folder
    #[arg(long, value_name = "KEY", env = "GOVC_AUDIT_KEY", hide_env_values = true)]
    audit_key: Option<String>,
}

impl Auditing {
    /// Opens the log, if there is one.
    pub(crate) fn open(&self) -> Result<Journal, Problem> {
        let open = |folder: &String| open(folder, self.audit_key.as_deref(), ORIGIN);
        self.audit.as_ref().map(open).transpose().map(Journal)
    }

    /// Records one event, if there is a log. When this returns, it is on the disk.
    pub(crate) fn record(&self, event: &Event) -> Result<(), Problem> {
        let journal = self.open()?;
        journal.record(event)?;
        journal.close()
    }

    /// Works on a store, and records the events that this left in it: of what was done, and of what was refused.
    pub(crate) fn over<T>(
        &self,
        store: impl FnOnce() -> Result<SqliteStore, Problem>,
        work: impl FnOnce(&SqliteStore) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let (journal, store) = (self.open()?, store()?);
        let done = work(&store);
        journal.drain(&store)?;
        done
    }
}

/// The log that is written, where there is one.
pub(crate) struct Journal(Option<Log>);

impl Journal {
    /// Records an event. When this returns, it is on the disk.
    pub(crate) fn record(&self, event: &Event) -> Result<(), Problem> {
        let Some(written) = &self.0 else { return Ok(()) };
        let entry = event.entry().map_err(|error| Problem::coded("govc_audit_body", error.to_string()))?;
        Ok(written.append(&entry).map(drop)?)
    }

    /// Moves the events that wait in a store into the log, and closes it. Where there is none they go on waiting.
    pub(crate) fn drain(self, store: &SqliteStore) -> Result<(), Problem> {
        if let Some(log) = &self.0 {
            outbox::drain(store, log)?;
        }
        self.close()
    }

    /// Closes the log.
    pub(crate) fn close(self) -> Result<(), Problem> {
        Ok(self.0.map_or(Ok(()), Log::close)?)
    }
}

/// The agent and the workspace that a specification names, as texts; empty where it names none.
pub(crate) fn named(spec: &AgentSpec) -> (String, String) {
    let text = |name: &str| match spec.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    (text("agentId"), text("workspaceId"))
}

/// Opens a log for writing, with a key or with its own.
pub(crate) fn open(folder: &str, key: Option<&str>, origin: &str) -> Result<Log, Problem> {
    let disk = FolderDisk::open(folder).map_err(|error| io_problem("open", folder, &error))?;
    let key = match key {
        Some(given) => text_or_file(given)?,
        None => own_key(Path::new(folder))?,
    };
    let signer = Signer::log_from_pem(origin, &key)?;
    Ok(Log::open(disk, signer, Options::new(origin))?)
}

/// The private key that a log has of its own.
fn own_key(folder: &Path) -> Result<String, Problem> {
    let own = folder.join(KEY);
    if !own.is_dir() {
        // Whoever comes first gives the log its key; a folder is moved to where there is none as a whole.
        let made = folder.join(format!("{KEY}.{}", std::process::id()));
        keys::generate(&made)?;
        if std::fs::rename(&made, &own).is_err() {
            std::fs::remove_dir_all(&made).map_err(|error| io_problem("remove", &shown(&made), &error))?;
        }
    }
    text_or_file(&shown(&own.join("private.pem")))
}

/// Where the public key of a log lies that has one of its own.
pub(crate) fn own_public_key(folder: &str) -> Option<PathBuf> {
    Some(Path::new(folder).join(KEY).join("public.pem")).filter(|path| path.is_file())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A key as given, or what the file of that name holds.
pub(crate) fn text_or_file(given: &str) -> Result<String, Problem> {
    if given.contains("-----BEGIN") || (given.contains('+') && !Path::new(given).exists()) {
        return Ok(given.to_owned());
    }
    std::fs::read_to_string(given).map_err(|error| io_problem("read", given, &error))
}
