//! `govc proof`: was a decision made as its proof says, and is the proof on record? Exit code 0 or 1.
//!
//! The surprising fact: a proof with its record is checked twice, by two keys. That of the authority says that the decision
//! was made, that of the log says that it was recorded.

use crate::commands::audit::Place;
use crate::exit::Exit;
use crate::files;
use crate::keys::Verifying;
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use crate::record::ORIGIN;
use clap::{Args, Subcommand};
use govc_engine::proof::{self, RecordedProof};

/// Work with proofs of decisions
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc proof check proof.json -b bundle.tar.gz --verification-key keys/public.pem\n  \
                        $ govc proof bundle proof.json --log audit -o recorded.json"
)]
pub(crate) struct Proof {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Check(Check),
    Bundle(Gather),
}

/// Put a proof and the evidence that it is in an audit log into one file
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc proof bundle proof.json --log audit -o recorded.json")]
struct Gather {
    /// The proof
    file: String,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: String,
    #[command(flatten)]
    log: Recorded,
}

/// The audit log that has the proof.
#[derive(Args, Debug)]
struct Recorded {
    /// Folder of the audit log; without it only its key is known
    #[arg(long, value_name = "FOLDER")]
    log: Option<String>,
    /// Public key of the log; without it, the key that the log made itself
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// Name of the log in its checkpoints
    #[arg(long, value_name = "NAME", default_value = ORIGIN)]
    log_origin: String,
}

impl Recorded {
    fn place(&self) -> Place {
        let path = self.log.clone().unwrap_or_default();
        Place { path, verification_key: self.log_key.clone(), origin: self.log_origin.clone() }
    }
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
    #[command(flatten)]
    log: Recorded,
}

pub(crate) fn run(args: &Proof) -> Exit {
    let done = match &args.action {
        Action::Check(args) => check(args),
        Action::Bundle(args) => gather(args),
    };
    match done {
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
    let text = policies::read(&args.file)?;
    let recorded = RecordedProof::read(&text).ok();
    let envelope = recorded.as_ref().map_or(text.trim_ascii_end(), |proof| proof.envelope().as_bytes());
    let checked = proof::check(envelope, &keys, &policy)?;
    let predicate = &checked.statement.predicate;
    let mut object = vec![
        ("valid".to_owned(), Node::bool(true)),
        ("decision".to_owned(), Node::string(&predicate.decision)),
        ("entrypoint".to_owned(), Node::string(&predicate.entrypoint)),
        ("bundle".to_owned(), Node::string(&predicate.bundle)),
        ("input_digest".to_owned(), Node::of(&predicate.input_digest)),
        ("key".to_owned(), Node::string(&checked.key)),
    ];
    if let Some(recorded) = recorded {
        let place = recorded.verify(&args.log.place().verifier()?)?;
        object.push(("recorded".to_owned(), told(&place)));
    }
    Ok(Node::Object(object))
}

fn gather(args: &Gather) -> Result<Node, Problem> {
    let envelope = String::from_utf8_lossy(&policies::read(&args.file)?).into_owned();
    let log = args.log.place();
    let (reader, checkpoint) = log.newest()?;
    let recorded = RecordedProof::gather(&envelope, &reader, checkpoint)?;
    let place = recorded.verify(&log.verifier()?)?;
    std::fs::write(&args.output, recorded.text() + "\n")
        .map_err(|error| files::io_problem("open", &args.output, &error))?;
    Ok(Node::Object(vec![("recorded".to_owned(), told(&place))]))
}

fn told(place: &proof::Place) -> Node {
    let int = |number: u64| Node::int(i64::try_from(number).unwrap_or(i64::MAX));
    Node::Object(vec![("index".to_owned(), int(place.index)), ("size".to_owned(), int(place.size))])
}
