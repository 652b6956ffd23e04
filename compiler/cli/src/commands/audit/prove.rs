//! `govc audit prove`: the proof that an entry is in the log, or the check of such a proof.

use super::opened::Place;
use crate::files::io_problem;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::Proof;
use govc_audit::merkle::leaf_hash;

/// Print the proof that an entry is in the log (C2SP tlog-proof)
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit prove log 0 --verification-key keys/public.pem")]
pub(super) struct Prove {
    #[command(flatten)]
    place: Place,
    /// Index of the entry
    #[arg(required_unless_present = "check")]
    index: Option<u64>,
    /// File with a proof to check instead; PATH is then a file with the entry
    #[arg(long, value_name = "FILE")]
    check: Option<String>,
}

pub(super) fn run(args: &Prove) -> Result<(), Problem> {
    match (&args.check, args.index) {
        (Some(proof), _) => check(args, proof),
        (None, Some(index)) => prove(args, index),
        (None, None) => Err(Problem::plain("give the index of an entry")),
    }
}

fn prove(args: &Prove, index: u64) -> Result<(), Problem> {
    let (reader, signed) = args.place.newest()?;
    let proof = reader.prove(index)?;
    // A tile that was changed makes a proof that does not hold; better to say so here than to hand it out.
    if !proof.holds(&signed.checkpoint) {
        let message = format!("entry {index}: the log cannot prove it: the entry or a tile was changed");
        return Err(Problem::coded("govc_audit_fault", message));
    }
    output::print(&Proof::new(index, proof.path, signed).text());
    Ok(())
}

fn check(args: &Prove, proof: &str) -> Result<(), Problem> {
    let read = |path: &str| std::fs::read(path).map_err(|error| io_problem("read", path, &error));
    let text = String::from_utf8_lossy(&read(proof)?).into_owned();
    let proof = Proof::open(&text, &args.place.verifier()?)?;
    let entry = read(&args.place.path)?;
    // A file of one line has a line end that the log has not.
    let line = entry.strip_suffix(b"\n").unwrap_or(&entry);
    if proof.holds(&leaf_hash(&entry)) || proof.holds(&leaf_hash(line)) {
        output::println(&format!("entry {} of {}", proof.index, proof.checkpoint.checkpoint.size));
        return Ok(());
    }
    Err(Problem::coded("govc_audit_fault", "the proof is not one of this entry"))
}
