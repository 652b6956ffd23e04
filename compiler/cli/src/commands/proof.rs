//! `govc proof check`: was this decision made as it says? Exit code 0 or 1.

use crate::exit::Exit;
use crate::keys::Verifying;
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use clap::{Args, Subcommand};
use govc_engine::proof;

/// Work with proofs of decisions
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc proof check proof.json -b bundle.tar.gz --verification-key keys/public.pem"
)]
pub(crate) struct Proof {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Check(Check),
}

/// Verify a proof, decide again offline and compare
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc proof check proof.json -b bundle.tar.gz --verification-key keys/public.pem"
)]
struct Check {
    /// The proof
    file: String,
    /// The bundle that decided
    #[arg(short, long, value_name = "FILE")]
    bundle: String,
    #[command(flatten)]
    verifying: Verifying,
}

pub(crate) fn run(args: &Proof) -> Exit {
    let Action::Check(args) = &args.action;
    match check(args) {
        Ok(node) => {
            output::println(&node.pretty());
            Exit::Success
        }
        Err(problem) => {
            let object = vec![
                ("valid".to_owned(), Node::bool(false)),
                ("code".to_owned(), Node::string(&problem.code)),
                ("reason".to_owned(), Node::string(&problem.message)),
            ];
            output::println(&Node::Object(object).pretty());
            Exit::Failure
        }
    }
}

fn check(args: &Check) -> Result<Node, Problem> {
    let keys = args.verifying.keys()?;
    let policy = args.verifying.policy(&args.bundle)?;
    let envelope = policies::read(&args.file)?;
    let checked = proof::check(envelope.trim_ascii_end(), &keys, &policy)
        .map_err(|error| Problem::coded(error.code(), error.to_string()))?;
    let predicate = &checked.statement.predicate;
    Ok(Node::Object(vec![
        ("valid".to_owned(), Node::bool(true)),
        ("decision".to_owned(), Node::string(&predicate.decision)),
        ("entrypoint".to_owned(), Node::string(&predicate.entrypoint)),
        ("bundle".to_owned(), Node::string(&predicate.bundle)),
        ("input_digest".to_owned(), Node::of(&predicate.input_digest)),
        ("key".to_owned(), Node::string(&checked.key)),
    ]))
}
