//! `--actor` and `--role`: who changes what governs agents, as whoever runs the command has established it.

use clap::Args;
use govc_governance::Actor;

/// Who does it.
#[derive(Args, Debug)]
pub(super) struct Acting {
    /// Who does it; stands in the audit log
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// In which role; `agent_admin` and `policy_admin` may change policies
    #[arg(long, value_name = "ROLE")]
    role: String,
}

impl Acting {
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { id: &self.actor, role: &self.role }
    }
}
