//! What somebody may do: actions, targets, and until when.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Actions on targets until a time. A name that ends in `*` stands for all that begin with what is before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The actions.
    pub actions: BTreeSet<String>,
    /// The targets.
    pub targets: BTreeSet<String>,
    /// From when on it is over, in seconds since 1970.
    pub expires_at: i64,
}

impl Scope {
    /// A scope.
    pub fn new<A: Into<String>, T: Into<String>>(
        actions: impl IntoIterator<Item = A>,
        targets: impl IntoIterator<Item = T>,
        expires_at: i64,
    ) -> Self {
        let actions = actions.into_iter().map(Into::into).collect();
        Self { actions, targets: targets.into_iter().map(Into::into).collect(), expires_at }
    }

    /// Whether it has nothing that the other has not.
    pub fn is_within(&self, other: &Self) -> bool {
        let within = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.iter().all(|name| theirs.iter().any(|wider| is_within(name, wider)))
        };
        self.expires_at <= other.expires_at
            && within(&self.actions, &other.actions)
            && within(&self.targets, &other.targets)
    }

    /// Whether an action on a target is in it. A name that ends in `*` itself is none.
    pub fn covers(&self, action: &str, target: &str) -> bool {
        let covered = |names: &BTreeSet<String>, name: &str| {
            !name.ends_with('*') && names.iter().any(|wider| is_within(name, wider))
        };
        covered(&self.actions, action) && covered(&self.targets, target)
    }
}

/// Whether all names that one stands for are among those of another.
fn is_within(name: &str, wider: &str) -> bool {
    match wider.strip_suffix('*') {
        Some(prefix) => name.strip_suffix('*').unwrap_or(name).starts_with(prefix),
        None => name == wider,
    }
}
