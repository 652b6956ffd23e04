//! Delegation: who may do something lets another do a part of it.
//!
//! A chain begins with somebody and what he may do. Each link passes on a part: no action, no target and no moment more
//! than the link before has. How long a chain may be is set by policy, not by who delegates.
//!
//! The surprising fact: a chain is believed only as far as it can be made again. Whoever reads one goes through the same
//! function that made each of its links.

#[cfg(test)]
pub(crate) mod model;
mod office;
mod refusal;
mod scope;

pub use office::DelegationOffice;
pub use refusal::DelegationRefusal;
pub use scope::Scope;

use crate::guard::Guard;
use crate::principal::Principal;
use serde::{Deserialize, Serialize};

/// How far rights may be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelegationPolicy {
    /// The most links of a chain.
    pub max_links: usize,
    /// The most seconds from a link to its end.
    pub max_seconds: i64,
}

/// Somebody in a chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// His name.
    pub id: String,
    /// The thumbprint of the key that he must prove.
    pub key: String,
}

impl Delegate {
    fn is(&self, principal: &Principal) -> bool {
        self.id == principal.id() && principal.key() == Some(&self.key)
    }
}

/// A link of a chain: somebody and what he may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Who.
    pub holder: Delegate,
    /// What.
    pub scope: Scope,
    /// When he got it, in seconds since 1970.
    pub at: i64,
}

/// A chain, from who had the right first to who has it now.
///
/// ```
/// use govc_governance::Principal;
/// use govc_governance::delegation::{Delegate, Delegation, DelegationPolicy, Scope};
/// let policy = DelegationPolicy { max_links: 2, max_seconds: 600 };
/// let person = |name: &str| Delegate { id: name.to_owned(), key: format!("key of {name}") };
/// let proved = |name: &str| Principal::verified_elsewhere(name, Some(format!("key of {name}")));
/// let chain = Delegation::begin(person("ada"), Scope::new(["restart", "get-*"], ["dev/*"], 600), 0);
/// let chain = chain.narrow(&proved("ada"), person("bot"), Scope::new(["get-pods"], ["dev/*"], 300), &policy, 10)?;
/// assert!(chain.allows(&proved("bot"), "get-pods", "dev/api", &policy, 20).is_ok());
/// assert!(chain.allows(&proved("bot"), "restart", "dev/api", &policy, 20).is_err());
/// assert!(chain.allows(&proved("ada"), "get-pods", "dev/api", &policy, 20).is_err());
/// # Ok::<(), govc_governance::delegation::DelegationRefusal>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    first: Link,
    links: Vec<Link>,
}

impl Delegation {
    /// A chain of nobody but who has the right, as the caller of this knows.
    pub fn begin(holder: Delegate, scope: Scope, now: i64) -> Self {
        Self { first: Link { holder, scope, at: now }, links: Vec::new() }
    }

    /// Who has the right now, and what of it.
    pub fn last(&self) -> &Link {
        self.links.last().unwrap_or(&self.first)
    }

    /// All that the chain went through, from the first to the last.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        std::iter::once(&self.first).chain(&self.links)
    }

    /// The chain with a link more.
    ///
    /// # Errors
    /// When `by` does not hold the right, passes on more than he has or to somebody who is in the chain already, or policy
    /// does not allow it.
    pub fn narrow(
        &self,
        by: &Principal,
        to: Delegate,
        scope: Scope,
        policy: &DelegationPolicy,
        now: i64,
    ) -> Result<Self, DelegationRefusal> {
        if !Guard::HolderPassesOn.holds(self.last().holder.is(by)) {
            return Err(DelegationRefusal::NotHolder);
        }
        self.extended(Link { holder: to, scope, at: now }, policy)
    }

    /// The one way in which a chain grows.
    fn extended(&self, link: Link, policy: &DelegationPolicy) -> Result<Self, DelegationRefusal> {
        let before = self.last();
        if !Guard::Depth.holds(self.links.len() < policy.max_links) {
            return Err(DelegationRefusal::Depth { limit: policy.max_links });
        }
        let same = |one: &Link| one.holder.id == link.holder.id || one.holder.key == link.holder.key;
        if !Guard::NoCircle.holds(!self.links().any(same)) {
            return Err(DelegationRefusal::Circle);
        }
        let in_order = before.at <= link.at && link.at < before.scope.expires_at;
        let lifetime = link.scope.expires_at.checked_sub(link.at);
        let short_lived = lifetime.is_some_and(|seconds| seconds <= policy.max_seconds);
        if !Guard::InOrder.holds(in_order) || !Guard::ShortLived.holds(short_lived) {
            return Err(DelegationRefusal::Time);
        }
        if !Guard::Narrower.holds(link.scope.is_within(&before.scope)) {
            return Err(DelegationRefusal::Wider);
        }
        let mut longer = self.clone();
        longer.links.push(link);
        Ok(longer)
    }

    /// Whether every link could be made under a policy.
    ///
    /// # Errors
    /// Why the first that could not be made could not.
    pub fn check(&self, policy: &DelegationPolicy) -> Result<(), DelegationRefusal> {
        let start = Self { first: self.first.clone(), links: Vec::new() };
        let made = self.links.iter().try_fold(start, |chain, link| chain.extended(link.clone(), policy));
        made.map(drop)
    }

    /// Whether somebody may do something by this chain, at a time in seconds since 1970.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(
        &self,
        who: &Principal,
        action: &str,
        target: &str,
        policy: &DelegationPolicy,
        now: i64,
    ) -> Result<(), DelegationRefusal> {
        if let Err(refusal) = self.check(policy)
            && !Guard::EveryLink.holds(false)
        {
            return Err(refusal);
        }
        let Link { holder, scope, at } = self.last();
        if !Guard::HolderActs.holds(holder.is(who)) {
            return Err(DelegationRefusal::NotHolder);
        }
        if !Guard::RightInTime.holds(*at <= now && now < scope.expires_at) {
            return Err(DelegationRefusal::Time);
        }
        if Guard::RightInScope.holds(scope.covers(action, target)) {
            Ok(())
        } else {
            Err(DelegationRefusal::OutOfScope)
        }
    }
}
