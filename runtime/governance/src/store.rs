//! Where agents, their proofs and the policies that promoted them are kept.
//!
//! The surprising fact: the store is asked to change an agent's status only together with the proof that justifies it. There is
//! no method that sets a status by itself, except the one that quarantines.

mod admit;
#[cfg(feature = "postgres")]
mod postgres;
mod promote;
mod sqlite;

pub use admit::{Gate, admit, restrict};
#[cfg(feature = "postgres")]
pub use postgres::PostgresLedger;
pub use promote::promote;
pub use sqlite::SqliteStore;
pub(crate) use sqlite::{Invalidated, Outdated, Passed, Policies, Renewal, Renewed, StoredProof};

use crate::revocation::Revocations;
use crate::spec::AgentSpec;
use crate::state::{State, Status};
use govc_audit::Event;
use std::fmt;

/// An agent as it is stored: a row of `agent_specs`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Agent {
    /// Its number.
    pub id: i64,
    /// Its workspace.
    pub workspace: String,
    /// Its specification.
    pub spec: AgentSpec,
    /// Mode and status.
    pub state: State,
    /// Who made it.
    pub created_by: String,
    /// When, in seconds since 1970.
    pub created_at: i64,
    /// When it was last changed, in seconds since 1970.
    pub updated_at: i64,
}

/// The proof of a promotion: a row of `agent_proofs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRecord {
    /// Digest of the policies, 64 hex digits.
    pub policy_hash: String,
    /// Digest of the specification, 64 hex digits.
    pub spec_hash: String,
    /// Name or fingerprint of the key that signed.
    pub authority: String,
    /// When, in seconds since 1970.
    pub signed_at: i64,
    /// The envelope.
    pub envelope: String,
}

/// A policy bundle that was in force: a row of `policy_versions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub policy_set: String,
    /// Its digest, 64 hex digits.
    pub hash: String,
    /// Its manifest, JSON.
    pub bundle: String,
    /// Who put it in force.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such agent.
    NotFound {
        /// Its number.
        id: i64,
    },
    /// The agent is not in the state that this needs.
    State {
        /// Its status.
        status: String,
    },
    /// The agent was changed in between.
    Changed,
    /// A row holds what no row may hold.
    Corrupt(String),
    /// The database failed.
    Database(String),
    /// Other policies are in force than those asked for.
    NotInForce {
        /// The hash of the policies asked for.
        hash: String,
    },
    /// Proofs cannot be signed.
    Sign(String),
    /// An audit event cannot be recorded, so nothing is done.
    Event(String),
}

impl StoreError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::NotFound { .. } => "govc_store_not_found",
            StoreError::State { .. } => "govc_store_state",
            StoreError::Changed => "govc_store_changed",
            StoreError::Corrupt(_) => "govc_store_corrupt",
            StoreError::Database(_) => "govc_store_database",
            StoreError::NotInForce { .. } => "govc_store_not_in_force",
            StoreError::Sign(_) => "govc_store_sign",
            StoreError::Event(_) => "govc_store_event",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::NotFound { id } => write!(f, "there is no agent {id}"),
            StoreError::State { status } => write!(f, "the agent has status `{status}`"),
            StoreError::Changed => f.write_str("the agent was changed in between"),
            StoreError::Corrupt(why) => write!(f, "the store holds what it must not: {why}"),
            StoreError::Database(why) => write!(f, "the store failed: {why}"),
            StoreError::NotInForce { hash } => write!(f, "the policies {hash} are not in force"),
            StoreError::Sign(why) => write!(f, "the proofs cannot be signed: {why}"),
            StoreError::Event(why) => write!(f, "the audit event cannot be recorded: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// The store of governance. [`SqliteStore`] keeps it in one file.
///
/// ```
/// use govc_governance::AgentSpec;
/// use govc_governance::store::{SqliteStore, Store};
/// let store = SqliteStore::in_memory()?;
/// let spec = AgentSpec::from_json(br#"{"name": "ledger", "version": "1.0"}"#)?;
/// let id = store.create_sandbox("finance", &spec, "user-17", 0)?;
/// assert_eq!(store.agent(id)?.state.status, "SANDBOX");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Store: Revocations + Send {
    /// Stores a new agent in the sandbox and gives its number.
    ///
    /// # Errors
    /// When the database fails.
    fn create_sandbox(
        &self,
        workspace: &str,
        spec: &AgentSpec,
        actor: &str,
        now: i64,
    ) -> Result<i64, StoreError>;

    /// Replaces the specification of a sandboxed agent.
    ///
    /// # Errors
    /// When there is no such agent, or it is not in the sandbox any more.
    fn update_sandbox(&self, id: i64, spec: &AgentSpec, now: i64) -> Result<(), StoreError>;

    /// An agent.
    ///
    /// # Errors
    /// When there is none, or its row is damaged.
    fn agent(&self, id: i64) -> Result<Agent, StoreError>;

    /// The agents of a workspace, by number.
    ///
    /// # Errors
    /// When the database fails or a row is damaged.
    fn agents(&self, workspace: &str) -> Result<Vec<Agent>, StoreError>;

    /// Makes a sandboxed agent governed: status, proof, policy version and the event that says so in one transaction. Refused
    /// when the specification is not the one that the proof names. `input` is what the policy decided on.
    ///
    /// # Errors
    /// When the agent is not in the sandbox, or was changed since.
    fn govern(
        &self,
        id: i64,
        proof: &ProofRecord,
        policy: &PolicyVersion,
        input: &str,
        event: Event,
        now: i64,
    ) -> Result<(), StoreError>;

    /// Records events by themselves, in one durable transaction.
    ///
    /// # Errors
    /// When the database fails, or an event is larger than an entry of the log can be; then none is recorded.
    fn record(&self, events: Vec<Event>) -> Result<(), StoreError>;

    /// Sets the status of a governed agent, in one transaction with the events that tell of it; see [`restrict`]. It never leads
    /// out of quarantine, and never out of or into the sandbox.
    ///
    /// # Errors
    /// When the agent is not governed.
    fn restrict(&self, id: i64, status: Status, events: Vec<Event>, now: i64) -> Result<(), StoreError>;

    /// The latest proof of an agent.
    ///
    /// # Errors
    /// When the database fails.
    fn proof(&self, id: i64) -> Result<Option<ProofRecord>, StoreError>;

    /// Remembers that a signer is no longer believed, in one durable transaction with the event that tells of it; see
    /// [`revoke`](crate::revocation::revoke).
    ///
    /// # Errors
    /// When the database fails.
    fn revoke(&self, signer: &str, reason: &str, event: Event, now: i64) -> Result<(), StoreError>;

    /// The policy versions of a workspace, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    fn policy_versions(&self, workspace: &str) -> Result<Vec<PolicyVersion>, StoreError>;
}
