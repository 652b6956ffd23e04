//! `govc audit append`: records the lines of the input, and says for each when it is durable.
//!
//! The surprising fact: a line is not recorded as it comes. It must be an event of the schema, and what looks like a secret
//! in it is taken out.

use super::opened::ORIGIN;
use crate::files::io_problem;
use crate::output;
use crate::problem::Problem;
use crate::record;
use clap::Args;
use govc_audit::Event;
use govc_audit::log::Pending;
use std::io::BufRead;

/// Record events of the published schema, one a line, and print the index of each once it is on the disk
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit append log --signing-key keys/private.pem < events.jsonl")]
pub(super) struct Append {
    /// Folder of the log; made when it does not exist
    path: String,
    /// Private key of the log: PEM, or a file with it; without one the log makes its own, in its folder
    #[arg(long, value_name = "KEY")]
    signing_key: Option<String>,
    /// Name of the log in its checkpoints
    #[arg(long, value_name = "NAME", default_value = ORIGIN)]
    origin: String,
}

/// Lines that are handed in before the first of them is waited for.
const AT_ONCE: usize = 1000;

pub(super) fn run(args: &Append) -> Result<(), Problem> {
    let log = record::open(&args.path, args.signing_key.as_deref(), &args.origin)?;
    let mut pending = Vec::with_capacity(AT_ONCE);
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line.map_err(|error| io_problem("read", "-", &error))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let entry = match Event::read(&line).and_then(|event| event.entry()) {
            Ok(entry) => entry,
            Err(error) => {
                acknowledge(&mut pending)?;
                return Err(Problem::coded("govc_audit_event", format!("line {}: {error}", number + 1)));
            }
        };
        pending.push(log.submit(&entry)?);
        if pending.len() == AT_ONCE {
            acknowledge(&mut pending)?;
        }
    }
    acknowledge(&mut pending)?;
    log.close().map_err(Problem::from)
}

fn acknowledge(pending: &mut Vec<Pending<'_>>) -> Result<(), Problem> {
    for one in pending.drain(..) {
        let receipt = one.wait()?;
        output::println(&receipt.index.to_string());
    }
    Ok(())
}
