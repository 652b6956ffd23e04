//! `govc audit witness`: signs a log's checkpoint if it continues all that was signed before.

use super::opened::{self, Place};
use super::verify::monitor;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::Signer;
use std::time::{SystemTime, UNIX_EPOCH};

/// Sign the log's checkpoint as a witness, and print it (C2SP tlog-cosignature)
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc audit witness log --verification-key keys/public.pem --signing-key mine.pem --name witness.example --state seen"
)]
pub(super) struct Witness {
    #[command(flatten)]
    place: Place,
    /// Private key of the witness: PEM, or a file with it
    #[arg(long, value_name = "KEY")]
    signing_key: String,
    /// Name of the witness
    #[arg(long)]
    name: String,
    /// File that remembers the checkpoint signed last; made when it does not exist
    #[arg(long, value_name = "FILE")]
    state: String,
}

pub(super) fn run(args: &Witness) -> Result<(), Problem> {
    let key = opened::text_or_file(&args.signing_key)?;
    let signer = Signer::witness_from_pem(&args.name, &key)?;
    let monitor = monitor(&args.state, &args.place.verifier()?)?;
    let (reader, signed) = args.place.newest()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let cosigned =
        govc_audit::Witness::new(monitor, signer).cosign(&signed, now, |old| reader.consistency(old))?;
    output::print(&cosigned.note);
    Ok(())
}
