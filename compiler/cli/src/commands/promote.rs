//! `govc promote`: may this agent leave the sandbox? Prints `{decision, code, failures}`; exit code 0 or 1, and 2 where the
//! agent's store did what it says and the audit log does not have it yet.

use super::desk;
use super::ruling::Ruling;
use crate::exit::Exit;
use crate::files;
use crate::keys::{Signing, Verifying};
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use crate::record::{self, Auditing};
use clap::Args;
use govc_engine::{Limits, SystemHost};
use govc_governance::promotion::{self, Authority, Promotion, PromotionRequest};
use govc_governance::store::{self, SqliteStore, Store};
use govc_governance::{DecisionCode, events};

/// Promote an agent from sandbox to governed
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc promote inputs/allow.json -b promotion.tar.gz --verification-key \
                        keys/public.pem --signing-key keys/private.pem --proof promotion.json\n  \
                        $ govc promote inputs/allow.json -b promotion.tar.gz --verification-key keys/public.pem \
                        --signing-key keys/private.pem --store agents.db"
)]
pub(crate) struct Promote {
    /// File with the request: `actorId`, `actorRole`, `agent`, `orgLimits`
    spec: String,
    #[command(flatten)]
    ruling: Ruling,
    /// File to write the proof to
    #[arg(long, value_name = "FILE")]
    proof: Option<String>,
    /// Time of the promotion, RFC 3339
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// File of the store that keeps agents and proofs; made when it does not exist
    #[arg(long, value_name = "FILE")]
    store: Option<String>,
    /// Number of the agent in the store; without one it is put into the sandbox first
    #[arg(long, value_name = "NUMBER", requires = "store")]
    agent: Option<i64>,
    #[command(flatten)]
    verifying: Verifying,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    auditing: Auditing,
}

pub(crate) fn run(args: &Promote) -> Exit {
    match promote(args) {
        Ok(answer) => answer.tell(),
        Err(problem) => {
            output::println(&denial(&problem).pretty());
            Exit::Failure
        }
    }
}

/// What came of it.
struct Answer {
    promotion: Promotion,
    /// The agent's number in the store.
    agent: Option<i64>,
    /// Why the events still wait in the store.
    waiting: Option<Problem>,
}

impl Answer {
    fn tell(&self) -> Exit {
        let id = self.agent.map(|id| ("agent", Node::int(id)));
        output::println(&output::with_members(&Node::of(&self.promotion), id).pretty());
        if let Some(problem) = &self.waiting {
            output::eprintln(&problem.line());
            return Exit::Error;
        }
        if self.promotion.is_success() { Exit::Success } else { Exit::Failure }
    }
}

/// A denial because nothing could be decided.
fn denial(problem: &Problem) -> Node {
    Node::Object(vec![
        ("decision".to_owned(), Node::string("DENY")),
        ("code".to_owned(), Node::string(DecisionCode::PromotionDenied.name())),
        ("failures".to_owned(), Node::Array(vec![Node::string(&problem.line())])),
    ])
}

fn promote(args: &Promote) -> Result<Answer, Problem> {
    let (policy, entrypoint) = args.ruling.load(&args.verifying)?;
    let text = files::document(&args.spec)?;
    let request = PromotionRequest::from_json(text.as_bytes())?;
    let authority = Authority {
        policy: &policy,
        entrypoint: &entrypoint,
        key: &args.signing.required()?,
        host: &SystemHost::new().with_clock(),
        limits: Limits::default(),
        now: policies::now(args.now.as_deref())?,
    };
    match &args.store {
        Some(path) => stored(args, &desk::store(path)?, &authority, &request),
        None => alone(args, &authority, &request),
    }
}

/// Promotes an agent that nobody keeps but the caller.
fn alone(args: &Promote, authority: &Authority<'_>, request: &PromotionRequest) -> Result<Answer, Problem> {
    let journal = args.auditing.open()?;
    let (agent, workspace) = record::named(request.spec());
    let attempt = events::attempt(&agent, &workspace, authority, request);
    journal.record(&attempt)?;
    let promotion = promotion::decide(authority, request);
    write_proof(args, &promotion)?;
    journal.record(&events::promotion(&attempt, authority, &promotion))?;
    journal.close()?;
    Ok(Answer { promotion, agent: None, waiting: None })
}

/// Promotes an agent of the store. What the store holds is done, even where the log takes no more events now.
fn stored(
    args: &Promote,
    store: &SqliteStore,
    authority: &Authority<'_>,
    request: &PromotionRequest,
) -> Result<Answer, Problem> {
    let journal = args.auditing.open()?;
    let id = match args.agent {
        Some(id) => id,
        None => {
            let (_, workspace) = record::named(request.spec());
            store.create_sandbox(&workspace, request.spec(), request.actor(), authority.now)?
        }
    };
    let promoted = store::promote(store, id, authority, request);
    let waiting = journal.drain(store).err();
    let promotion = promoted?;
    write_proof(args, &promotion)?;
    Ok(Answer { promotion, agent: Some(id), waiting })
}

fn write_proof(args: &Promote, promotion: &Promotion) -> Result<(), Problem> {
    let (Some(path), Some(envelope)) = (&args.proof, &promotion.proof) else { return Ok(()) };
    std::fs::write(path, format!("{envelope}\n")).map_err(|error| files::io_problem("open", path, &error))
}
