//! `govc audit show` and `tail`: prints entries as they were recorded.

use super::opened::Place;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_audit::{Event, Reader};
use std::time::Duration;

/// Print entries, one a line
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc audit show log --verification-key keys/public.pem --from 100 --count 10\n  $ govc audit show log --verification-key keys/public.pem --agent 17 --code ADMISSION_ALLOW"
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
    #[command(flatten)]
    wanted: Wanted,
}

/// Which entries; without any of these, all.
#[derive(Args, Debug, Default)]
struct Wanted {
    /// Only events about this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only events of this workspace
    #[arg(long)]
    workspace: Option<String>,
    /// Only events with this code
    #[arg(long)]
    code: Option<String>,
}

impl Wanted {
    fn all(&self) -> bool {
        self.agent.is_none() && self.workspace.is_none() && self.code.is_none()
    }

    /// Is it one of those? What is no event is only one of all.
    fn has(&self, entry: &[u8]) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let fits = |event: &Event| {
            same(&self.agent, event.agent.as_deref())
                && same(&self.workspace, event.workspace.as_deref())
                && same(&self.code, event.code.map(|code| code.text()))
        };
        self.all() || Event::read(entry).is_ok_and(|event| fits(&event))
    }
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
    print(&reader, args.from, &args.wanted, args.count.unwrap_or(u64::MAX))
}

pub(super) fn tail(args: &Tail) -> Result<(), Problem> {
    let (mut reader, _) = args.place.newest()?;
    let mut from = reader.size().saturating_sub(args.lines);
    loop {
        print(&reader, from, &Wanted::default(), u64::MAX)?;
        if !args.follow {
            return Ok(());
        }
        from = reader.size();
        std::thread::sleep(Duration::from_millis(200));
        (reader, _) = args.place.newest()?;
    }
}

/// Prints those that are wanted from an index on, and no more than so many.
fn print(reader: &Reader, from: u64, wanted: &Wanted, most: u64) -> Result<(), Problem> {
    let mut left = most;
    for bundle in from / 256..reader.size().div_ceil(256) {
        if left == 0 {
            break;
        }
        let entries = reader.bundle(bundle)?;
        let entries =
            (bundle * 256..).zip(entries).filter(|(index, entry)| *index >= from && wanted.has(entry));
        for (_, entry) in entries.take(usize::try_from(left).unwrap_or(usize::MAX)) {
            output::println(&String::from_utf8_lossy(&entry));
            left -= 1;
        }
    }
    Ok(())
}
