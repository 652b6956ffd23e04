//! `govc activate`: puts the policies of a bundle in force in a workspace. Exit code 0 or 1.
//!
//! The surprising fact: from this moment every governed agent of the workspace is denied until `govc revalidate` has evaluated
//! it under these policies.

use super::acting::Acting;
use super::desk::Desk;
use super::ruling::Ruling;
use crate::exit::Exit;
use crate::keys::Verifying;
use crate::output::{self, Node};
use crate::problem::Problem;
use crate::record::Auditing;
use clap::Args;
use govc_governance::policies::{self, Change};
use govc_governance::store::SqliteStore;

/// Put the policies of a bundle in force in a workspace
#[derive(Args, Debug)]
#[command(after_help = "Who may start is evaluated anew by `govc revalidate`.

Examples:
  $ govc activate -b promotion.tar.gz --verification-key keys/public.pem --store agents.db --workspace finance --actor \
                        user-1 --role policy_admin --reason review --audit audit")]
pub(crate) struct Activate {
    #[command(flatten)]
    ruling: Ruling,
    /// The workspace
    #[arg(long, value_name = "NAME")]
    workspace: String,
    /// Why; stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    acting: Acting,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    verifying: Verifying,
    #[command(flatten)]
    auditing: Auditing,
}

pub(crate) fn run(args: &Activate) -> Exit {
    let done = args.auditing.over(|| args.desk.own_store(), |store| activate(args, store));
    output::answer("activated", done)
}

fn activate(args: &Activate, store: &SqliteStore) -> Result<Vec<(&'static str, Node)>, Problem> {
    let now = args.desk.now()?;
    let change = |policy_set| Change {
        workspace: &args.workspace,
        policy_set,
        actor: args.acting.actor(),
        reason: &args.reason,
        now,
    };
    let (policy, entrypoint) = match args.ruling.load(&args.verifying) {
        Ok(loaded) => loaded,
        Err(problem) => {
            let change = change(args.ruling.entrypoint.as_deref().unwrap_or_default());
            policies::refuse(store, &change, &problem.code, &problem.message)?;
            return Err(problem);
        }
    };
    let old = store.policies_in_force(&args.workspace, &entrypoint)?;
    policies::activate(store, &policy, &change(&entrypoint))?;
    Ok(vec![
        ("workspace", Node::string(&args.workspace)),
        ("policy_set", Node::string(&entrypoint)),
        ("old_hash", Node::of(&old)),
        ("new_hash", Node::string(policy.policy_hash())),
    ])
}
