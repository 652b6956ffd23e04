//! `govc revoke`: takes the right to sign from a signer, for good. Exit code 0 or 1.

use super::acting::Acting;
use super::desk::Desk;
use crate::exit::Exit;
use crate::keys::text_of;
use crate::output::{self, Node};
use crate::problem::Problem;
use crate::record::Auditing;
use clap::Args;
use govc_engine::VerifyingKey;
use govc_governance::revocation::{self, Revoking};

/// Revoke a signer: no agent starts any more whose proof it signed
#[derive(Args, Debug)]
#[command(after_help = "Nothing leads back: whoever was revoked by mistake gets a new key.

Examples:
  $ govc revoke --key keys/public.pem --store agents.db --actor user-1 --role agent_admin --reason stolen --audit audit")]
pub(crate) struct Revoke {
    /// Name of the signer, or fingerprint of its public key
    #[arg(required_unless_present = "key")]
    signer: Option<String>,
    /// Its public key instead: a PEM file or its text
    #[arg(long, value_name = "KEY", conflicts_with = "signer")]
    key: Option<String>,
    /// Why; stands in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    acting: Acting,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    auditing: Auditing,
}

pub(crate) fn run(args: &Revoke) -> Exit {
    output::answer("revoked", revoke(args))
}

fn revoke(args: &Revoke) -> Result<Vec<(&'static str, Node)>, Problem> {
    let signer = args.signer()?;
    let revoking =
        Revoking { signer: &signer, actor: args.acting.actor(), reason: &args.reason, now: args.desk.now()? };
    args.auditing.over(|| args.desk.own_store(), |store| Ok(revocation::revoke(store, &revoking)?))?;
    Ok(vec![("signer", Node::string(&signer))])
}

impl Revoke {
    fn signer(&self) -> Result<String, Problem> {
        let Some(key) = &self.key else { return Ok(self.signer.clone().unwrap_or_default()) };
        let key = VerifyingKey::from_pem(&text_of(key, None)?)?;
        // A PEM is never a secret, so there is one.
        Ok(key.fingerprint().unwrap_or_default().to_owned())
    }
}
