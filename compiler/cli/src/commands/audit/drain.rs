//! `govc audit drain`: moves the events that tickets, approvals and promotions left in a store into the log.

use super::opened::ORIGIN;
use crate::commands::desk;
use crate::output;
use crate::problem::Problem;
use crate::record;
use clap::Args;
use govc_governance::outbox;

/// Move the events that wait in a store into the log, each once and in order, and print how many
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit drain log --store store.db --signing-key keys/private.pem")]
pub(super) struct Drain {
    /// Folder of the log; made when it does not exist
    path: String,
    /// File of the store
    #[arg(long, value_name = "FILE")]
    store: String,
    /// Private key of the log: PEM, or a file with it; without one the log makes its own, in its folder
    #[arg(long, value_name = "KEY")]
    signing_key: Option<String>,
    /// Name of the log in its checkpoints
    #[arg(long, value_name = "NAME", default_value = ORIGIN)]
    origin: String,
}

pub(super) fn run(args: &Drain) -> Result<(), Problem> {
    let store = desk::store(&args.store)?;
    let log = record::open(&args.path, args.signing_key.as_deref(), &args.origin)?;
    let moved = outbox::drain(&store, &log)?;
    log.close()?;
    output::println(&moved.to_string());
    Ok(())
}
