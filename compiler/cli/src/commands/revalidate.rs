//! `govc revalidate`: evaluates every governed agent of a workspace under the policies in force. Exit code 0 or 1.
//!
//! The surprising fact: it may be killed and called again. Only agents whose newest proof names other policies are evaluated.

use super::acting::Acting;
use super::desk::Desk;
use super::ruling::Ruling;
use crate::exit::Exit;
use crate::keys::{Signing, Verifying};
use crate::output::{self, Node};
use crate::problem::Problem;
use crate::record::Auditing;
use clap::Args;
use govc_engine::{Limits, SystemHost};
use govc_governance::promotion::Authority;
use govc_governance::revalidation::{self, Revalidation, STEP};

/// Evaluate every governed agent of a workspace under the policies in force
#[derive(Args, Debug)]
#[command(
    after_help = "Agents that pass get a new proof, the others are quarantined. The policies must have been put in force with \
                        `govc activate`.

Examples:
  $ govc revalidate -b promotion.tar.gz --verification-key keys/public.pem --signing-key keys/private.pem --store agents.db \
                        --workspace finance --actor user-1 --role policy_admin --audit audit"
)]
pub(crate) struct Revalidate {
    #[command(flatten)]
    ruling: Ruling,
    /// The workspace
    #[arg(long, value_name = "NAME")]
    workspace: String,
    /// Threads that evaluate; without it, one for each processor
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    #[command(flatten)]
    acting: Acting,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    verifying: Verifying,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    auditing: Auditing,
}

pub(crate) fn run(args: &Revalidate) -> Exit {
    output::answer("revalidated", revalidate(args))
}

fn revalidate(args: &Revalidate) -> Result<Vec<(&'static str, Node)>, Problem> {
    let (policy, entrypoint) = args.ruling.load(&args.verifying)?;
    let authority = Authority {
        policy: &policy,
        entrypoint: &entrypoint,
        key: &args.signing.required()?,
        host: &SystemHost::new().with_clock(),
        limits: Limits::default(),
        now: args.desk.now()?,
    };
    let work = Revalidation {
        workspace: &args.workspace,
        authority: &authority,
        keys: &args.verifying.keys()?,
        actor: args.acting.actor(),
        threads: args.threads.unwrap_or_else(crate::parallel::processors),
        step: STEP,
    };
    let store = || args.desk.own_store();
    let summary = args.auditing.over(store, |store| Ok(revalidation::revalidate(store, &work)?))?;
    let count = |number: u64| Node::int(i64::try_from(number).unwrap_or(i64::MAX));
    Ok(vec![
        ("workspace", Node::string(&args.workspace)),
        ("policy_set", Node::string(&entrypoint)),
        ("policy_hash", Node::string(policy.policy_hash())),
        ("renewed", count(summary.renewed)),
        ("invalidated", count(summary.invalidated)),
    ])
}
