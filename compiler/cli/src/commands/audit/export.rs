//! `govc audit export`: entries in a form for other systems.

use super::opened::Place;
use crate::output;
use crate::problem::Problem;
use clap::{Args, ValueEnum};
use govc_audit::export;

/// Print entries for other systems, one a line
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc audit export log --verification-key keys/public.pem --format ocsf"
)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// Index of the first entry
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The form
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Index and entry
    Jsonl,
    /// Open Cybersecurity Schema Framework
    Ocsf,
}

pub(super) fn run(args: &Export) -> Result<(), Problem> {
    let (reader, _) = args.place.newest()?;
    let form = match args.format {
        Format::Jsonl => export::line,
        Format::Ocsf => export::ocsf,
    };
    for bundle in args.from / 256..reader.size().div_ceil(256) {
        let entries = reader.bundle(bundle)?;
        for (index, entry) in (bundle * 256..).zip(entries).filter(|(index, _)| *index >= args.from) {
            output::println(&form(index, &entry));
        }
    }
    Ok(())
}
