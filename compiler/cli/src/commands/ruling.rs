//! `--bundle` and `--entrypoint`: the policies that decide on promotions, and which of their rules does.

use crate::keys::Verifying;
use crate::policies;
use crate::problem::Problem;
use clap::Args;
use govc_engine::Policy;

/// What decides.
#[derive(Args, Debug)]
pub(super) struct Ruling {
    /// The bundle: a file, or `oci:FOLDER:TAG` in an OCI image layout
    #[arg(short, long, value_name = "FILE")]
    bundle: String,
    /// The rule that decides on promotions; may be left out when the bundle has only one
    #[arg(short, long, value_name = "PATH")]
    pub(super) entrypoint: Option<String>,
}

impl Ruling {
    /// The policies, verified, and the rule that decides.
    pub(super) fn load(&self, verifying: &Verifying) -> Result<(Policy, String), Problem> {
        let policy = verifying.policy(&self.bundle)?;
        let entrypoint = policies::entrypoint(self.entrypoint.as_deref(), &policy)?;
        Ok((policy, entrypoint))
    }
}
