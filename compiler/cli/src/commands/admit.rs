//! `govc admit`: may this agent start? Prints `{decision, code, failures}`; exit code 0 or 1.

use super::desk;
use crate::exit::Exit;
use crate::files;
use crate::keys::Verifying;
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use crate::record::{self, Auditing};
use clap::Args;
use govc_engine::Policy;
use govc_governance::admission::{self, Request, TrustedKeys, Verdict};
use govc_governance::store::{self, Gate};
use govc_governance::{AgentSpec, DecisionCode, OnMismatch, RevocationList, State, events};

/// Admit an agent: the seven checks before it starts
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc admit inputs/allow.json --proof promotion.json -b promotion.tar.gz \
                        --verification-key keys/public.pem"
)]
pub(crate) struct Admit {
    /// File with the agent's specification, or with the request that holds it as `agent`
    #[arg(required_unless_present = "store")]
    spec: Option<String>,
    #[command(flatten)]
    stored: Stored,
    /// The proof of its promotion
    #[arg(long, value_name = "FILE")]
    proof: Option<String>,
    /// The bundle in force: a file, or `oci:FOLDER:TAG` in an OCI image layout
    #[arg(short, long, value_name = "FILE")]
    bundle: String,
    /// File with revoked signers, one a line
    #[arg(long, value_name = "FILE")]
    revoked: Option<String>,
    /// Time of the admission, RFC 3339
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// The agent is in the sandbox: check expiry and containment instead of the proof
    #[arg(long)]
    sandbox: bool,
    /// When the sandbox was made, RFC 3339
    #[arg(long, value_name = "TIME")]
    created: Option<String>,
    #[command(flatten)]
    verifying: Verifying,
    #[command(flatten)]
    auditing: Auditing,
}

/// An agent of a store, instead of a specification and its proof.
#[derive(Args, Debug)]
#[command(next_help_heading = "Store")]
struct Stored {
    /// File of the store
    #[arg(
        long,
        value_name = "FILE",
        requires = "agent",
        conflicts_with_all = ["spec", "proof", "revoked", "sandbox", "created"]
    )]
    store: Option<String>,
    /// Number of the agent in the store
    #[arg(long, value_name = "NUMBER", requires = "store")]
    agent: Option<i64>,
    /// What becomes of its status when its specification or policies are other ones than those of its proof; the start is
    /// denied in any case
    #[arg(long, value_name = "WHAT", default_value = "deny-start", value_parser = on_mismatch)]
    on_mismatch: OnMismatch,
}

fn on_mismatch(given: &str) -> Result<OnMismatch, String> {
    let names: Vec<&str> = OnMismatch::ALL.iter().map(|known| known.name()).collect();
    OnMismatch::from_name(given).ok_or_else(|| format!("one of {}", names.join(", ")))
}

pub(crate) fn run(args: &Admit) -> Exit {
    match admit(args) {
        Ok(verdict) => {
            output::println(&Node::of(&verdict).pretty());
            if verdict.is_allow() { Exit::Success } else { Exit::Failure }
        }
        Err(problem) => {
            output::println(&denial(&problem).pretty());
            Exit::Failure
        }
    }
}

/// A denial because the checks could not be made.
fn denial(problem: &Problem) -> Node {
    let code = DecisionCode::InterceptorError.name();
    let failure = Node::Object(vec![
        ("code".to_owned(), Node::string(code)),
        ("check".to_owned(), Node::int(0)),
        ("reason".to_owned(), Node::string(&problem.line())),
    ]);
    Node::Object(vec![
        ("decision".to_owned(), Node::string("DENY")),
        ("code".to_owned(), Node::string(code)),
        ("failures".to_owned(), Node::Array(vec![failure])),
    ])
}

fn admit(args: &Admit) -> Result<Verdict, Problem> {
    let keys = TrustedKeys::new(args.verifying.keys()?);
    let policy = args.verifying.policy(&args.bundle)?;
    match (&args.stored, &args.spec) {
        (Stored { store: Some(path), agent: Some(id), .. }, _) => stored(args, path, *id, &policy, &keys),
        (_, Some(spec)) => alone(args, spec, &policy, &keys),
        _ => Err(Problem::coded("govc_store_not_found", "no agent was named")),
    }
}

/// Admits an agent of the store.
fn stored(
    args: &Admit,
    path: &str,
    id: i64,
    policy: &Policy,
    keys: &TrustedKeys,
) -> Result<Verdict, Problem> {
    let now = policies::now(args.now.as_deref())?;
    let on_mismatch = args.stored.on_mismatch;
    let gate = Gate { policy_hash: Some(policy.policy_hash()), keys, on_mismatch, now };
    args.auditing.over(|| desk::store(path), |store| Ok(store::admit(store, id, &gate)?))
}

/// Admits an agent that nobody keeps but the caller.
fn alone(args: &Admit, spec: &str, policy: &Policy, keys: &TrustedKeys) -> Result<Verdict, Problem> {
    let text = files::document(spec)?;
    let spec = AgentSpec::from_spec_or_request(text.as_bytes())?;
    // A proof that was named and is not there is a missing proof, which is a failure of the first check.
    let proof = args.proof.as_deref().and_then(|path| policies::read(path).ok());
    let revocations = match &args.revoked {
        Some(path) => RevocationList::parse(&String::from_utf8_lossy(&policies::read(path)?)),
        None => RevocationList::default(),
    };
    let now = policies::now(args.now.as_deref())?;
    let created = args.created.as_deref().map(|time| policies::now(Some(time))).transpose()?;
    let verdict = admission::admit(&Request {
        spec: &spec,
        state: if args.sandbox { State::sandbox() } else { State::governed() },
        proof: proof.as_deref(),
        policy_hash: Some(policy.policy_hash()),
        keys,
        revocations: &revocations,
        expires_at: created.and_then(|created| spec.expires_at(created)),
        now,
    });
    let (agent, workspace) = record::named(&spec);
    let event = events::admission(&agent, &workspace, &spec, Some(policy.policy_hash()), &verdict);
    args.auditing.record(&event)?;
    Ok(verdict)
}
