//! `govc audit consistency`: the proof that the log continues what it was.

use super::opened::Place;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::note::Verifier;
use govc_audit::{SignedCheckpoint, monitor};

/// Prove that the log continues an earlier checkpoint, and print the hashes of the proof in hex
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit consistency log seen --verification-key keys/public.pem")]
pub(super) struct Consistency {
    #[command(flatten)]
    place: Place,
    /// File with the earlier checkpoint
    checkpoint: String,
}

pub(super) fn run(args: &Consistency) -> Result<(), Problem> {
    let earlier = checkpoint(&args.checkpoint, &args.place.verifier()?)?;
    let (reader, signed) = args.place.newest()?;
    let proof = if earlier.checkpoint.size < reader.size() {
        reader.consistency(earlier.checkpoint.size)?
    } else {
        Vec::new()
    };
    monitor::continues(&earlier.checkpoint, &signed.checkpoint, &proof)?;
    for hash in proof {
        output::println(&hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    Ok(())
}

fn checkpoint(path: &str, verifier: &Verifier) -> Result<SignedCheckpoint, Problem> {
    let note =
        std::fs::read_to_string(path).map_err(|error| crate::files::io_problem("read", path, &error))?;
    Ok(SignedCheckpoint::open(&note, verifier)?)
}
