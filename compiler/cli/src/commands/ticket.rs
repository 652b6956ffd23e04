//! `govc ticket verify`: are execution tickets good for what they are shown for?

use crate::agent_safe::cases;
use crate::exit::Exit;
use crate::output;
use clap::{Args, Subcommand};

/// Work with execution tickets
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc ticket verify --cases tickets.jsonl")]
pub(crate) struct Ticket {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Verify(Verify),
}

/// Show each ticket of a file to a gate of its own
#[derive(Args, Debug)]
#[command(
    after_help = "Each line holds `name`, `key`, `token`, `expected_action`, `expected_target`, or `sequence` with several \
                        uses at one gate. Each line of the answer holds `name`, `valid` and `reason`.\n\n\
                        Examples:\n  $ govc ticket verify --cases tickets.jsonl"
)]
struct Verify {
    /// File with one case a line
    #[arg(long, value_name = "FILE")]
    cases: String,
}

pub(crate) fn run(args: &Ticket) -> Exit {
    let Action::Verify(args) = &args.action;
    match cases::tickets(&args.cases, |verdict| output::println(&verdict.to_string())) {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::eprintln(&format!("error: {}", problem.message));
            Exit::Error
        }
    }
}
