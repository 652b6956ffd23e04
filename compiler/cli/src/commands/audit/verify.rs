//! `govc audit verify`: is every entry what was written, and does the log continue what was seen of it?

use super::opened::Place;
use super::{chain, refused};
use crate::exit::Exit;
use crate::output::{self, Node};
use crate::problem::Problem;
use clap::Args;
use govc_audit::event::Digest;
use govc_audit::{FolderDisk, Monitor, Reader, SignedCheckpoint, Verifier};
use std::path::Path;
use std::sync::Arc;

/// Check every entry of a log and what holds them together; logs of Agent-Safe too
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  $ govc audit verify audit
  $ govc audit verify log --verification-key keys/public.pem --state seen")]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
    /// A head seen before, which must be one that the log had
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// File that remembers the checkpoint seen last; made when it does not exist
    #[arg(long, value_name = "FILE")]
    state: Option<String>,
}

pub(super) fn run(args: &Verify) -> Exit {
    let verified =
        if args.place.is_tree() { tree(args) } else { chain::verify(&args.place.path, args.head.as_deref()) };
    match verified {
        Ok(node) => {
            output::println(&node.pretty());
            Exit::Success
        }
        Err(problem) => {
            output::println(&refused(&problem).pretty());
            Exit::Failure
        }
    }
}

fn tree(args: &Verify) -> Result<Node, Problem> {
    let (disk, verifier) = (args.place.disk()?, args.place.verifier()?);
    let monitor = args.state.as_deref().map(|state| monitor(state, &verifier)).transpose()?;
    let seen = monitor.as_ref().map(Monitor::seen).transpose()?.flatten();
    let remembered: Vec<_> = seen.into_iter().map(|seen| seen.checkpoint).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let report = govc_audit::verify(&disk, &args.place.origin, &verifier, &remembered, threads)?;
    if let (Some(monitor), Some(checkpoint)) = (monitor, &report.checkpoint) {
        remember(&monitor, checkpoint)?;
    }
    if let Some(head) = &args.head {
        must_have_had(head, &Reader::at(disk, report.entries))?;
    }
    Ok(told(report.entries, report.checkpoint.as_ref()))
}

/// A head is the hash over the tree of all entries up to some size.
fn must_have_had(head: &str, log: &Reader) -> Result<(), Problem> {
    for size in (0..=log.size()).rev() {
        if Digest::from_hash(&log.root(size)?).text() == head {
            return Ok(());
        }
    }
    let text = format!("head `{head}` is none that the log had: entries were cut off, or are other ones");
    Err(Problem::coded("govc_audit_fork", text))
}

/// A monitor whose memory is a file.
pub(super) fn monitor(state: &str, verifier: &Verifier) -> Result<Monitor, Problem> {
    let path = Path::new(state);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let disk = FolderDisk::open(folder).map_err(|error| crate::files::io_problem("open", state, &error))?;
    let name = path.file_name().map_or_else(|| "seen".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Monitor::new(Arc::new(disk), name, verifier.clone()))
}

/// The whole log was read and found to begin with what was seen, so that no proof is needed.
fn remember(monitor: &Monitor, checkpoint: &SignedCheckpoint) -> Result<(), Problem> {
    monitor.remember(checkpoint).map_err(Problem::from)
}

fn told(entries: u64, checkpoint: Option<&SignedCheckpoint>) -> Node {
    let mut object = vec![
        ("valid".to_owned(), Node::bool(true)),
        ("entries".to_owned(), Node::int(i64::try_from(entries).unwrap_or(i64::MAX))),
    ];
    if let Some(signed) = checkpoint {
        object.push(("head".to_owned(), Node::string(Digest::from_hash(&signed.checkpoint.root).text())));
        object.push(("checkpoint".to_owned(), Node::string(&signed.note)));
    }
    Node::Object(object)
}
