//! Chains as tokens: one office signs every chain that it has seen grow.

use super::{Delegate, Delegation, DelegationPolicy, DelegationRefusal, Scope};
use crate::jws::{self, Keys};
use crate::ledger::{Ledger, transact};
use crate::outbox::Draft;
use crate::principal::Principal;
use govc_audit::Event;
use govc_audit::event::{Kind, Personal, PolicyCheck, Verdict};
use govc_engine::{KeyError, SigningKey};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What the header of a chain gives as `typ`.
const TYPE: &str = "govc-delegation+jwt";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    delegation: Delegation,
}

/// Makes and reads chains under one key and one policy. Each link is recorded in the ledger before its token is given.
pub struct DelegationOffice {
    ledger: Arc<dyn Ledger>,
    name: String,
    key: SigningKey,
    keys: Keys,
    policy: DelegationPolicy,
}

impl DelegationOffice {
    /// An office of this name with an Ed25519, ECDSA or RSA key.
    ///
    /// # Errors
    /// When the key is a shared secret.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        name: impl Into<String>,
        key: SigningKey,
        policy: DelegationPolicy,
    ) -> Result<Self, KeyError> {
        let keys = Keys::public([key.verifying_key().clone()])?;
        Ok(Self { ledger, name: name.into(), key, keys, policy })
    }

    /// A chain of who has the right, as the caller of this knows.
    ///
    /// # Errors
    /// When it cannot be signed or recorded.
    pub fn begin(&self, holder: Delegate, scope: Scope, now: i64) -> Result<String, DelegationRefusal> {
        self.give(Delegation::begin(holder, scope, now))
    }

    /// The chain with a link more.
    ///
    /// # Errors
    /// When the chain is not believed, may not grow so, or cannot be signed or recorded.
    pub fn narrow(
        &self,
        token: &str,
        by: &Principal,
        to: Delegate,
        scope: Scope,
        now: i64,
    ) -> Result<String, DelegationRefusal> {
        self.give(self.open(token)?.narrow(by, to, scope, &self.policy, now)?)
    }

    /// A chain, every link of it checked anew.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn open(&self, token: &str) -> Result<Delegation, DelegationRefusal> {
        let claims: Claims = self.keys.open(token, TYPE)?;
        if claims.iss != self.name {
            return Err(DelegationRefusal::Token);
        }
        claims.delegation.check(&self.policy)?;
        Ok(claims.delegation)
    }

    /// Whether somebody may do something by a chain.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(
        &self,
        token: &str,
        who: &Principal,
        action: &str,
        target: &str,
        now: i64,
    ) -> Result<(), DelegationRefusal> {
        self.open(token)?.allows(who, action, target, &self.policy, now)
    }

    fn give(&self, delegation: Delegation) -> Result<String, DelegationRefusal> {
        let event = Draft::of(told(&delegation))?;
        let token = jws::sign(&self.key, TYPE, &Claims { iss: self.name.clone(), delegation })?;
        if token.len() > jws::TOKEN_LIMIT {
            return Err(DelegationRefusal::Depth { limit: self.policy.max_links });
        }
        transact(&*self.ledger, |records| records.put_event(&event))?;
        Ok(token)
    }
}

/// The event of the last link.
fn told(delegation: &Delegation) -> Event {
    let mut event = Event::new(Kind::Authorization, Verdict::Success);
    let mut holders = delegation.links().map(|link| Personal::text(&*link.holder.id)).collect::<Vec<_>>();
    event.principals.caller = holders.pop();
    event.principals.delegation = holders;
    let Scope { actions, targets, .. } = &delegation.last().scope;
    let names =
        |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    event.action = Some(names(actions));
    event.target = Some(names(targets));
    event.policy_checks.push(PolicyCheck {
        policy: "govc/delegation".to_owned(),
        result: "delegated".to_owned(),
        reason: Some(format!("{} links", delegation.links().count() - 1)),
    });
    event
}

impl fmt::Debug for DelegationOffice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelegationOffice")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
