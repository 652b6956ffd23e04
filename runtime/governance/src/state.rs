//! Where an agent stands between sandbox, governance and quarantine.
//!
//! The surprising fact: mode and status are two texts that a store or a caller may have mixed up. [`Tier::of`] reads both
//! and calls everything that does not fit together a contradiction.

use std::fmt;

macro_rules! texts {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $name:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$variant_doc])* $name,)* }

        impl $type {
            /// All values.
            pub const ALL: &'static [$type] = &[$($type::$name,)*];

            /// As it is stored.
            pub fn name(self) -> &'static str {
                match self { $($type::$name => $text,)* }
            }

            /// The value of exactly this text.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

texts! {
    /// The mode of an agent.
    Mode {
        /// Under development.
        Sandbox "sandbox",
        /// Promoted.
        Governed "governed",
    }
}

texts! {
    /// The governance status of an agent.
    Status {
        /// Never promoted.
        Sandbox "SANDBOX",
        /// Promoted, and its proof holds.
        GovernedValid "GOVERNED_VALID",
        /// Promoted, and restricted by its operators.
        GovernedRestricted "GOVERNED_RESTRICTED",
        /// Promoted once, and quarantined: it cannot start.
        GovernedInvalidated "GOVERNED_INVALIDATED",
    }
}

texts! {
    /// What becomes of an agent's status when a hash does not match. The start is denied in any case.
    OnMismatch {
        /// Quarantine.
        Invalidate "invalidate",
        /// Restrict.
        Restrict "restrict",
        /// Leave the status as it is.
        DenyStart "deny-start",
    }
}

impl OnMismatch {
    /// The status after a mismatch.
    pub fn apply(self, status: Status) -> Status {
        match (self, status) {
            (_, Status::Sandbox | Status::GovernedInvalidated) | (OnMismatch::DenyStart, _) => status,
            (OnMismatch::Invalidate, _) => Status::GovernedInvalidated,
            (OnMismatch::Restrict, _) => Status::GovernedRestricted,
        }
    }
}

/// Mode and status as they were given, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `sandbox` or `governed`.
    pub mode: String,
    /// One of the texts of [`Status`].
    pub status: String,
}

impl State {
    /// The state of an agent that was never promoted.
    pub fn sandbox() -> Self {
        Self::of(Mode::Sandbox, Status::Sandbox)
    }

    /// The state of an agent after its promotion.
    pub fn governed() -> Self {
        Self::of(Mode::Governed, Status::GovernedValid)
    }

    /// A state from its parts.
    pub fn of(mode: Mode, status: Status) -> Self {
        Self { mode: mode.name().to_owned(), status: status.name().to_owned() }
    }

    /// What the two texts mean together.
    pub fn tier(&self) -> Tier {
        Tier::of(&self.mode, &self.status)
    }
}

/// Which checks an agent must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Those of the sandbox: expiry and containment.
    Sandbox,
    /// Those of governed agents: the five of the proof.
    Governed,
    /// Those of governed agents, and it is denied whatever they say.
    Quarantined,
    /// Mode and status do not fit together, or are unknown: all seven, and it is denied whatever they say.
    Contradictory,
}

impl Tier {
    /// The tier of a mode and a status.
    pub fn of(mode: &str, status: &str) -> Self {
        match (Mode::from_name(mode), Status::from_name(status)) {
            (Some(Mode::Sandbox), Some(Status::Sandbox)) => Tier::Sandbox,
            (Some(Mode::Governed), Some(Status::GovernedValid | Status::GovernedRestricted)) => {
                Tier::Governed
            }
            (Some(Mode::Governed), Some(Status::GovernedInvalidated)) => Tier::Quarantined,
            _ => Tier::Contradictory,
        }
    }
}
