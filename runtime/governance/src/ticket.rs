//! Execution tickets: tokens that let one caller do one exact thing once.
//!
//! A ticket is a JWT under an asymmetric key. It names the action, the target, the digest of the parameters, the bundle that
//! allowed it, the key of the caller (`cnf`, RFC 7800) and who may take it (`aud`). [`Redeemer`] verifies it, burns it and
//! leaves an audit event, all in one durable transaction of a [`Ledger`](crate::ledger::Ledger).
//!
//! The surprising fact: a ticket that is shown for something else is refused, and still good for what it is for. What burns
//! it is its use. Tickets of Agent-Safe have their own gate, [`TicketGate`].

mod agent_safe;
mod claims;
mod issuer;
mod redeemer;
mod refusal;
mod verifier;

pub use agent_safe::{TicketError, TicketGate};
pub use claims::{Claims, Confirmation};
pub use issuer::{Issuer, Order, Ticket};
#[cfg(test)]
pub(crate) use redeemer::Burn;
pub use redeemer::{Redeemed, Redeemer};
pub use refusal::TicketRefusal;
pub use verifier::{Use, Verifier};

/// What the header of a ticket gives as `typ`.
const TYPE: &str = "govc-ticket+jwt";

/// Seconds for which a ticket is good unless its issuer is told otherwise.
pub const LIFETIME: i64 = 300;

/// The most seconds for which a verifier takes a ticket to be good, unless it is told otherwise.
pub const LONGEST_LIFETIME: i64 = 3600;
