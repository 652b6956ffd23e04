//! Signers that are no longer believed, and who may say so.
//!
//! The surprising fact: nothing leads back. A signer that was revoked by mistake gets a new key.

mod deadline;

pub use deadline::Deadline;

use crate::events::{self, Actor};
use crate::policies::ADMIN_ROLES;
use crate::store::{Store, StoreError};
use std::collections::BTreeSet;
use std::fmt;

/// Who takes the right to sign from whom, and why.
#[derive(Clone, Copy, Debug)]
pub struct Revoking<'a> {
    /// The name of the signer, or the fingerprint of its key.
    pub signer: &'a str,
    /// Who revokes it.
    pub actor: Actor<'a>,
    /// Why.
    pub reason: &'a str,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// Why a signer was not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeError {
    /// The actor has no role that may revoke.
    Role {
        /// His role.
        role: String,
    },
    /// That is no name and no fingerprint.
    Signer {
        /// What was given.
        given: String,
    },
    /// The store failed.
    Store(StoreError),
}

impl RevokeError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Role { .. } => "govc_revoke_role",
            Self::Signer { .. } => "govc_revoke_signer",
            Self::Store(error) => error.code(),
        }
    }
}

impl fmt::Display for RevokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { role } => write!(f, "role `{role}` may not revoke signers"),
            Self::Signer { given } => write!(f, "`{given}` is no name and no fingerprint of a signer"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RevokeError {}

impl From<StoreError> for RevokeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Revokes a signer: from the moment that this returns, no agent starts whose proof it signed, and no power cut changes that.
///
/// # Errors
/// Why it is not revoked, which is recorded too.
pub fn revoke(store: &dyn Store, revoking: &Revoking<'_>) -> Result<(), RevokeError> {
    if let Err(refused) = permitted(revoking) {
        let told = (refused.code(), refused.to_string());
        store.record(vec![events::revoked(revoking, Some(told))])?;
        return Err(refused);
    }
    let event = events::revoked(revoking, None);
    Ok(store.revoke(revoking.signer, revoking.reason, event, revoking.now)?)
}

fn permitted(revoking: &Revoking<'_>) -> Result<(), RevokeError> {
    let (role, signer) = (revoking.actor.role, revoking.signer);
    if !ADMIN_ROLES.contains(&role) {
        return Err(RevokeError::Role { role: role.to_owned() });
    }
    // A name with a blank in it would be that of nobody.
    match signer.is_empty() || signer.contains(char::is_whitespace) {
        true => Err(RevokeError::Signer { given: signer.to_owned() }),
        false => Ok(()),
    }
}

/// Where admission asks whether a signer was revoked.
pub trait Revocations: Sync {
    /// Was the signer of this name or fingerprint revoked?
    ///
    /// # Errors
    /// When it cannot be known; then the start is denied.
    fn is_revoked(&self, signer: &str) -> Result<bool, String>;
}

/// A list of revoked signers.
///
/// ```
/// use govc_governance::{RevocationList, Revocations};
/// let list = RevocationList::parse("# lost laptop\n0a1b  2026-01-05\n");
/// assert_eq!(list.is_revoked("0a1b"), Ok(true));
/// assert_eq!(list.is_revoked("ffff"), Ok(false));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList(BTreeSet<String>);

impl RevocationList {
    /// Reads a list: one signer a line, its name or the fingerprint of its key, anything after white space is remark; empty
    /// lines and lines with `#` are passed over. Letters of fingerprints may be large or small.
    pub fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let signers =
            lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
        signers.map(str::to_owned).collect()
    }
}

impl FromIterator<String> for RevocationList {
    fn from_iter<I: IntoIterator<Item = String>>(signers: I) -> Self {
        Self(signers.into_iter().map(|signer| signer.to_ascii_lowercase()).collect())
    }
}

impl Revocations for RevocationList {
    fn is_revoked(&self, signer: &str) -> Result<bool, String> {
        Ok(self.0.contains(&signer.to_ascii_lowercase()))
    }
}
