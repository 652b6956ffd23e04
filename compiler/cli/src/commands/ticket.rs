//! `govc ticket`: issues, checks and uses execution tickets. Exit code 0 or 1; 2 where cases cannot be read.

mod issue;
mod redeem;

pub(super) use issue::Office;

use crate::agent_safe::cases;
use crate::exit::Exit;
use crate::output;
use crate::problem::Problem;
use clap::{Args, Subcommand};

/// Work with execution tickets
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  $ govc ticket verify --cases tickets.jsonl
  $ govc ticket issue --store store.db --signing-key keys/private.pem --caller keys/public.pem --audience cluster --action \
                        restart --target dev/api --bundle 0000000000000000000000000000000000000000000000000000000000000000")]
pub(crate) struct Ticket {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Issue(Box<issue::Issue>),
    Check(Box<redeem::Check>),
    Redeem(Box<redeem::Redeem>),
    Verify(Verify),
}

/// Show each ticket of a file of Agent-Safe's to a gate of its own
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
    match &args.action {
        Action::Issue(args) => told(issue::run(args)),
        Action::Check(args) => told(redeem::check(args)),
        Action::Redeem(args) => told(redeem::redeem(args)),
        Action::Verify(args) => verify(args),
    }
}

fn verify(args: &Verify) -> Exit {
    match cases::tickets(&args.cases, |verdict| output::println(&verdict.to_string())) {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::eprintln(&format!("error: {}", problem.message));
            Exit::Error
        }
    }
}

/// A refusal goes to standard error, with its code.
pub(super) fn told(done: Result<(), Problem>) -> Exit {
    match done {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::eprintln(&problem.line());
            Exit::Failure
        }
    }
}
