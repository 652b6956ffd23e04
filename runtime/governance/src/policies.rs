//! Policies come into force: who may do it, what is recorded, what stays when they are refused.
//!
//! The surprising fact: the store knows the policies in force before any thread decides with them. Whoever dies in between finds
//! them in the store, and agents that were promoted under the old ones are denied until they are revalidated.

use crate::events::{self, Actor, Exchange};
use crate::store::{PolicyVersion, SqliteStore, Store, StoreError};
use govc_engine::{Engine, LoadError, Policy, PolicyHandle, Trust};
use std::fmt;

/// Roles that may change policies.
pub const ADMIN_ROLES: [&str; 2] = ["agent_admin", "policy_admin"];

/// Who changes which policies, and why.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// The policies, by the entrypoint that decides on promotions.
    pub policy_set: &'a str,
    /// Who.
    pub actor: Actor<'a>,
    /// Why.
    pub reason: &'a str,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// Why policies did not come into force. Those before stay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReloadError {
    /// The actor has no role that may change policies.
    Role {
        /// His role.
        role: String,
    },
    /// The bundle was refused.
    Load(LoadError),
    /// The bundle does not have the entrypoint.
    Entrypoint {
        /// Its name.
        name: String,
    },
    /// The store failed.
    Store(StoreError),
}

impl ReloadError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ReloadError::Role { .. } => "govc_reload_role",
            ReloadError::Load(error) => error.code(),
            ReloadError::Entrypoint { .. } => "govc_reload_entrypoint",
            ReloadError::Store(error) => error.code(),
        }
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadError::Role { role } => write!(f, "role `{role}` may not change policies"),
            ReloadError::Load(error) => error.fmt(f),
            ReloadError::Entrypoint { name } => write!(f, "the bundle has no entrypoint `{name}`"),
            ReloadError::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReloadError {}

impl From<LoadError> for ReloadError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<StoreError> for ReloadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Puts policies in force in the store, as the first ones of a workspace or after a restart.
///
/// # Errors
/// Why they are refused, which is recorded too.
pub fn activate(store: &SqliteStore, policy: &Policy, change: &Change<'_>) -> Result<(), ReloadError> {
    recording(store, change, Some(policy), || put_in_force(store, policy, change))
}

/// Loads a bundle and puts it in force, in the store and then in the handle. Gives the policies before.
///
/// # Errors
/// Why it is refused, which is recorded too; then the policies before stay.
pub fn hot_reload(
    store: &SqliteStore,
    handle: &PolicyHandle,
    bundle: &[u8],
    trust: &Trust,
    change: &Change<'_>,
) -> Result<Policy, ReloadError> {
    let loaded = Engine::load(bundle, trust);
    let policy = loaded.as_ref().ok().cloned();
    recording(store, change, policy.as_ref(), || {
        may_change(change)?;
        handle.exchange(loaded?, |new| put_in_force(store, new, change))
    })
}

/// Records that a bundle was refused by who loads bundles, before its policies were known.
///
/// # Errors
/// When the store fails.
pub fn refuse(store: &SqliteStore, change: &Change<'_>, code: &str, why: &str) -> Result<(), StoreError> {
    record_refusal(store, change, None, code, why)
}

fn record_refusal(
    store: &SqliteStore,
    change: &Change<'_>,
    policy: Option<&Policy>,
    code: &str,
    why: &str,
) -> Result<(), StoreError> {
    let old = store.policies_in_force(change.workspace, change.policy_set)?;
    let exchange = exchange(change, old.as_deref(), policy);
    store.record(vec![events::exchange(&exchange, Some((code, why.to_owned())))])
}

fn may_change(change: &Change<'_>) -> Result<(), ReloadError> {
    let role = change.actor.role;
    if ADMIN_ROLES.contains(&role) { Ok(()) } else { Err(ReloadError::Role { role: role.to_owned() }) }
}

fn put_in_force(store: &SqliteStore, policy: &Policy, change: &Change<'_>) -> Result<(), ReloadError> {
    may_change(change)?;
    let name = change.policy_set;
    if policy.entrypoint(name).is_none() {
        return Err(ReloadError::Entrypoint { name: name.to_owned() });
    }
    let old = store.policies_in_force(change.workspace, name)?;
    let event = events::exchange(&exchange(change, old.as_deref(), Some(policy)), None);
    Ok(store.put_in_force(&version(policy, change), event, change.now)?)
}

/// Does it, and records why it was refused.
fn recording<T>(
    store: &SqliteStore,
    change: &Change<'_>,
    policy: Option<&Policy>,
    attempt: impl FnOnce() -> Result<T, ReloadError>,
) -> Result<T, ReloadError> {
    let refused = match attempt() {
        Ok(done) => return Ok(done),
        Err(refused) => refused,
    };
    record_refusal(store, change, policy, refused.code(), &refused.to_string())?;
    Err(refused)
}

fn exchange<'a>(change: &Change<'a>, old: Option<&'a str>, new: Option<&'a Policy>) -> Exchange<'a> {
    let Change { workspace, policy_set, actor, reason, .. } = *change;
    Exchange { workspace, policy_set, actor, reason, old, new: new.map(Policy::policy_hash) }
}

fn version(policy: &Policy, change: &Change<'_>) -> PolicyVersion {
    PolicyVersion {
        workspace: change.workspace.to_owned(),
        policy_set: change.policy_set.to_owned(),
        hash: policy.policy_hash().to_owned(),
        bundle: serde_json::to_string(policy.manifest()).unwrap_or_default(),
        actor: change.actor.id.to_owned(),
        reason: change.reason.to_owned(),
    }
}
