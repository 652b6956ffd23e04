//! What surrounds a decision: promotion of an agent from sandbox to governed, admission at every start, and the store
//! that remembers both.
//!
//! The surprising fact: nothing here ever says yes by itself. A start is admitted when no check has found anything, a
//! promotion succeeds when a policy allows it; whatever cannot be known (a missing field, a store that does not answer, a
//! check that panics) is a denial with a code.
#![deny(missing_docs)]

mod action;
pub mod admission;
pub mod approval;
mod code;
pub mod delegation;
pub mod events;
mod guard;
mod jws;
pub mod ledger;
pub mod metrics;
pub mod outbox;
pub mod policies;
mod principal;
pub mod promotion;
pub mod rates;
pub mod revalidation;
pub mod revocation;
pub mod risk;
mod spec;
mod state;
pub mod store;
pub mod ticket;
pub mod token;

pub use action::{ActionError, CanonicalAction};
pub use code::DecisionCode;
pub use events::Actor;
pub use principal::Principal;
pub use revocation::{RevocationList, Revocations};
pub use spec::{AgentSpec, SpecError};
pub use state::{Mode, OnMismatch, State, Status, Tier};
