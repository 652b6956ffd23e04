//! `govc audit`: works with audit logs. Exit code 0 or 1.
//!
//! The surprising fact: there are two kinds. A folder with a journal is ours, a signed Merkle tree; a file of JSON lines
//! is a hash chain of Agent-Safe. `verify` reads both, the other commands the former.

mod append;
mod chain;
mod consistency;
mod count;
mod drain;
mod export;
mod opened;
mod prove;
mod ship;
mod show;
mod verify;
mod witness;

pub(crate) use opened::Place;

use crate::exit::Exit;
use crate::output::{self, Node};
use crate::problem::Problem;
use clap::{Args, Subcommand};

/// Work with audit logs
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  $ govc audit verify audit
  $ govc audit append log --signing-key keys/private.pem < events.jsonl
  $ govc audit verify log --verification-key keys/public.pem --state seen
  $ govc audit prove log 0 --verification-key keys/public.pem
  $ govc audit ship log --verification-key keys/public.pem --to shipped
  $ govc audit export log --verification-key keys/public.pem --format ocsf
  $ govc audit count log --verification-key keys/public.pem")]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Verify(verify::Verify),
    Append(append::Append),
    Drain(drain::Drain),
    Show(show::Show),
    Tail(show::Tail),
    Prove(prove::Prove),
    Consistency(consistency::Consistency),
    Witness(witness::Witness),
    Ship(ship::Ship),
    Export(export::Export),
    Count(count::Count),
}

pub(crate) fn run(args: &Audit) -> Exit {
    let done = match &args.action {
        Action::Verify(args) => return verify::run(args),
        Action::Append(args) => append::run(args),
        Action::Drain(args) => drain::run(args),
        Action::Show(args) => show::run(args),
        Action::Tail(args) => show::tail(args),
        Action::Prove(args) => prove::run(args),
        Action::Consistency(args) => consistency::run(args),
        Action::Witness(args) => witness::run(args),
        Action::Ship(args) => ship::run(args),
        Action::Export(args) => export::run(args),
        Action::Count(args) => count::run(args),
    };
    match done {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::eprintln(&problem.line());
            Exit::Failure
        }
    }
}

/// What a refusal looks like in JSON.
fn refused(problem: &Problem) -> Node {
    Node::Object(vec![
        ("valid".to_owned(), Node::bool(false)),
        ("code".to_owned(), Node::string(&problem.code)),
        ("reason".to_owned(), Node::string(&problem.message)),
    ])
}
