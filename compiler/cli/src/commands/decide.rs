//! `govc decide`: one decision of a signed bundle, as one JSON object.
//!
//! Exit code 0 allow, 1 deny or any failure to decide, 3 approval needed, 2 wrong usage. Nothing is printed before it
//! is in the audit log and its proof is on the disk.

use crate::agent_safe::{self, Compat};
use crate::exit::Exit;
use crate::files;
use crate::keys::{Signing, Verifying};
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use crate::record::Auditing;
use crate::telling;
use clap::Args;
use govc_audit::Event;
use govc_audit::event::{Digest, Kind, PolicyCheck, Verdict};
use govc_engine::proof::Proof;
use govc_engine::{Decision, ENGINE, Effect, Limits, Policy, Query, Scratch, SystemHost};
use std::path::Path;

/// Decide with a signed bundle
#[derive(Args, Debug)]
// A world of Agent-Safe is not signed.
#[command(
    mut_arg("verification_key", |key| key.required_unless_present_any(["trust", "world"])),
    after_help = "Examples:\n  $ govc decide -b bundle.tar.gz --verification-key keys/public.pem -i input.json\n  \
                        $ govc decide -b bundle.tar.gz --verification-key keys/public.pem -e access/allow -i input.json \
                        --audit audit --proof proof.json --signing-key keys/private.pem\n  \
                        $ govc decide -b bundle.tar.gz --verification-key keys/public.pem -i input.json --explain\n  \
                        $ govc decide --world world --requests requests.jsonl --compat agent-safe"
)]
pub(crate) struct Decide {
    /// The bundle: a file, or `oci:FOLDER:TAG` in an OCI image layout
    #[arg(short, long, value_name = "FILE", required_unless_present = "world")]
    bundle: Option<String>,
    #[command(flatten)]
    agent_safe: AgentSafe,
    /// The rule that decides, such as `access/allow`; may be left out when the bundle has only one
    #[arg(short, long, value_name = "PATH")]
    entrypoint: Option<String>,
    /// File with the input document
    #[arg(short, long, value_name = "FILE")]
    input: Option<String>,
    /// File to write a proof of the decision to; needs a signing key
    #[arg(long, value_name = "FILE")]
    proof: Option<String>,
    /// Tell which rules fired, and which would have had to fire for another decision
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    verifying: Verifying,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    auditing: Auditing,
}

/// Requests over a world of Agent-Safe instead of a bundle.
#[derive(Args, Debug)]
#[command(next_help_heading = "Agent-Safe")]
struct AgentSafe {
    /// Folder with `actions/`, `policies/` and `inventory.yaml`
    #[arg(long, value_name = "FOLDER", conflicts_with = "bundle", requires = "asked")]
    world: Option<String>,
    /// File with one request a line: `{"id", "request"}`; each answer is a line `{"id", "decision"}`
    #[arg(long, value_name = "FILE", requires = "world", group = "asked")]
    requests: Option<String>,
    /// File with one sequence of requests a line; each answer is a line `{"id", "decisions"}`
    #[arg(long, value_name = "FILE", requires = "world", group = "asked")]
    sequences: Option<String>,
    /// Deny what Agent-Safe lets pass unsafely, or decide as it does
    #[arg(long, value_enum, default_value = "strict", requires = "world")]
    compat: Compat,
}

impl AgentSafe {
    fn run(&self, folder: &str) -> Exit {
        let folder = Path::new(folder);
        let tell = |answer: &serde_json::Value| output::println(&answer.to_string());
        let done = match (&self.requests, &self.sequences) {
            (Some(path), _) => agent_safe::decide::requests(folder, self.compat, path, tell),
            (None, Some(path)) => agent_safe::decide::sequences(folder, self.compat, path, tell),
            (None, None) => Ok(()),
        };
        match done {
            Ok(()) => Exit::Success,
            Err(problems) => {
                problems.iter().for_each(|problem| output::eprintln(&format!("error: {}", problem.message)));
                Exit::Error
            }
        }
    }
}

pub(crate) fn run(args: &Decide) -> Exit {
    if let Some(folder) = &args.agent_safe.world {
        return args.agent_safe.run(folder);
    }
    if args.verifying.verification_key.is_empty() && args.verifying.trust.is_none() {
        output::eprintln("error: `--bundle` needs `--verification-key` or `--trust`");
        return Exit::Error;
    }
    if args.proof.is_some() && args.signing.signing_key.is_none() {
        output::eprintln("error: `--proof` needs `--signing-key`");
        return Exit::Error;
    }
    match decide(args) {
        Ok(decision) => {
            output::println(&Node::Raw(decision.to_json()).pretty());
            exit_of(decision.effect())
        }
        Err(problem) => {
            output::println(&refusal(args, &problem).pretty());
            Exit::Failure
        }
    }
}

fn exit_of(effect: Effect) -> Exit {
    match effect {
        Effect::Allow => Exit::Success,
        Effect::RequireApproval => Exit::RequireApproval,
        Effect::Deny => Exit::Failure,
    }
}

fn decide(args: &Decide) -> Result<Decision, Problem> {
    let bundle = args.bundle.as_deref().unwrap_or_default();
    let policy = args.verifying.policy(bundle)?;
    let entrypoint = policies::entrypoint(args.entrypoint.as_deref(), &policy)?;
    let input = args.input.as_deref().map(files::document).transpose()?;
    let host = SystemHost::new().with_clock().with_randomness();
    let mut query = Query::new(&entrypoint).host(&host);
    if let Some(input) = &input {
        query = query.input_json(input.as_bytes());
    }
    if args.explain {
        teach(&policy, bundle, &entrypoint);
        query = query.telling_rules();
    }
    let decision = policy.decide(&mut Scratch::new(), &query);
    if let Some(Err(error)) = decision.rules() {
        output::eprintln(&Problem::from(error.clone()).line());
    }
    let proof = match &args.proof {
        Some(path) => Some(prove(args, path, &decision, input.as_deref())?),
        None => None,
    };
    args.auditing.record(&event(&decision, proof.as_deref()))?;
    Ok(decision)
}

/// Lets the sources of the bundle tell, where it holds nothing that does. What cannot be compiled changes no decision.
fn teach(policy: &Policy, bundle: &str, entrypoint: &str) {
    if policy.tells() || policy.entrypoint(entrypoint).is_none() {
        return;
    }
    let taught = telling::of_bundle(bundle, entrypoint)
        .and_then(|telling| policy.teach(telling).map_err(Problem::from));
    if let Err(problem) = taught {
        output::eprintln(&problem.line());
    }
}

/// The decision in the words of the audit log. The digest of the arguments is that of the proof.
fn event(decision: &Decision, proof: Option<&str>) -> Event {
    let digest = |hex: &str| Digest::try_from(hex.to_owned()).ok();
    let verdict = match decision.effect() {
        Effect::Allow => Verdict::Allow,
        Effect::RequireApproval => Verdict::RequireApproval,
        Effect::Deny => Verdict::Deny,
    };
    let mut event = Event::new(Kind::Decision, verdict);
    event.outcome.reasons = decision.reasons().to_vec();
    event.outcome.error_codes = decision.error().map(|error| error.code().to_owned()).into_iter().collect();
    event.bundle_digest = digest(decision.bundle());
    event.input_digest = decision.input_digest().and_then(digest);
    event.arguments_digest = proof.map(|envelope| Digest::of(envelope.as_bytes()));
    let result = decision.effect().name().to_owned();
    event.policy_checks =
        vec![PolicyCheck { policy: decision.entrypoint().to_owned(), result, reason: None }];
    event
}

/// Writes the proof, and gives its envelope.
fn prove(args: &Decide, path: &str, decision: &Decision, input: Option<&str>) -> Result<String, Problem> {
    let key = args.signing.required()?;
    let made = Proof::of(decision, input.map(str::as_bytes)).and_then(|proof| proof.sign(&key));
    let envelope = made?;
    let written = std::fs::write(path, format!("{envelope}\n"));
    written.map_err(|error| files::io_problem("open", path, &error))?;
    Ok(envelope)
}

/// A denial because nothing could be decided, in the shape of a decision.
fn refusal(args: &Decide, problem: &Problem) -> Node {
    let null = || Node::Raw("null".to_owned());
    let code = if problem.code.is_empty() { "govc_file" } else { &problem.code };
    let error =
        vec![("code".to_owned(), Node::string(code)), ("message".to_owned(), Node::string(&problem.message))];
    Node::Object(vec![
        ("decision".to_owned(), Node::string(Effect::Deny.name())),
        ("reasons".to_owned(), Node::Array(vec![Node::string(&problem.message)])),
        ("result".to_owned(), null()),
        ("bundle".to_owned(), null()),
        ("entrypoint".to_owned(), Node::of(&args.entrypoint)),
        ("input_digest".to_owned(), null()),
        ("nd_builtin_cache".to_owned(), Node::Object(Vec::new())),
        ("engine".to_owned(), Node::string(ENGINE)),
        ("limits".to_owned(), Node::of(&Limits::default())),
        ("error".to_owned(), Node::Object(error)),
    ])
}
