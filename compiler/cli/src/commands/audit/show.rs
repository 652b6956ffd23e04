//! `govc audit show` and `tail`: prints entries as they were recorded.

use super::opened::Place;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::Reader;
use std::time::Duration;

/// Print entries, one a line
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc audit show log --verification-key keys/public.pem --from 100 --count 10"
)]
pub(super) struct Show {
    #[command(flatten)]
    place: Place,
    /// Index of the first entry
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The most entries to print
    #[arg(long)]
    count: Option<u64>,
}

/// Print the last entries
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc audit tail log --verification-key keys/public.pem -n 5")]
pub(super) struct Tail {
    #[command(flatten)]
    place: Place,
    /// How many
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: u64,
    /// Go on printing what is recorded
    #[arg(long)]
    follow: bool,
}

pub(super) fn run(args: &Show) -> Result<(), Problem> {
    let (reader, _) = args.place.newest()?;
    let until = args.count.map_or(reader.size(), |count| args.from.saturating_add(count).min(reader.size()));
    print(&reader, args.from, until)
}

pub(super) fn tail(args: &Tail) -> Result<(), Problem> {
    let (mut reader, _) = args.place.newest()?;
    let mut from = reader.size().saturating_sub(args.lines);
    loop {
        print(&reader, from, reader.size())?;
        if !args.follow {
            return Ok(());
        }
        from = reader.size();
        std::thread::sleep(Duration::from_millis(200));
        (reader, _) = args.place.newest()?;
    }
}

fn print(reader: &Reader, from: u64, until: u64) -> Result<(), Problem> {
    let mut index = from;
    while index < until {
        let entries = reader.bundle(index / 256)?;
        let first = index / 256 * 256;
        for (number, entry) in (first..until).zip(entries).filter(|(number, _)| *number >= from) {
            output::println(&String::from_utf8_lossy(&entry));
            index = number + 1;
        }
    }
    Ok(())
}
