//! Agent-Safe's files and requests, decided by us.
//!
//! Its registry, inventory and policies are YAML; they become the data of the library `govc.agent_safe`, which is written in
//! Rego and compiled as any policy. What depends on time and on earlier requests (rates, cumulative risk) is kept beside.
//!
//! | room | what |
//! | --- | --- |
//! | [`world`] | a folder with `actions/`, `policies/` and `inventory.yaml` |
//! | `request` | a request, with the caller proved |
//! | [`decide`] | requests and sequences of them |
//! | [`cases`] | its policy tests and ticket cases |

pub(crate) mod cases;
pub(crate) mod decide;
mod python;
mod request;
pub(crate) mod world;

use clap::ValueEnum;

/// How close to Agent-Safe a decision is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compat {
    /// Deny what Agent-Safe should not let pass
    #[default]
    Strict,
    /// Decide as Agent-Safe 0.14 does, to the letter
    AgentSafe,
}
