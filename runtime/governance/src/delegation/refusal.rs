//! Why a right is not passed on or not believed.

use crate::jws::Fault;
use crate::store::StoreError;
use govc_engine::KeyError;
use std::fmt;

/// Why a right is not passed on or not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelegationRefusal {
    /// The token is not one of this office.
    Token,
    /// Somebody else holds the right, or the holder has not proved his key.
    NotHolder,
    /// The chain would be longer than policy allows.
    Depth {
        /// The most links.
        limit: usize,
    },
    /// Somebody would stand in the chain twice.
    Circle,
    /// A link lasts too long, is not in order, or is over.
    Time,
    /// More would be passed on than there is.
    Wider,
    /// The right does not reach so far.
    OutOfScope,
    /// The key of the office cannot sign.
    Signing(KeyError),
    /// The store failed, so nothing was passed on.
    Store(StoreError),
}

impl DelegationRefusal {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DelegationRefusal::Token => "govc_delegation_token",
            DelegationRefusal::NotHolder => "govc_delegation_holder",
            DelegationRefusal::Depth { .. } => "govc_delegation_depth",
            DelegationRefusal::Circle => "govc_delegation_circle",
            DelegationRefusal::Time => "govc_delegation_time",
            DelegationRefusal::Wider => "govc_delegation_wider",
            DelegationRefusal::OutOfScope => "govc_delegation_scope",
            DelegationRefusal::Signing(error) => error.code(),
            DelegationRefusal::Store(error) => error.code(),
        }
    }
}

impl fmt::Display for DelegationRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DelegationRefusal::Token => f.write_str("this is no delegation that is believed here"),
            DelegationRefusal::NotHolder => f.write_str("somebody else holds this right"),
            DelegationRefusal::Depth { limit } => write!(f, "rights are passed on {limit} times at most"),
            DelegationRefusal::Circle => f.write_str("somebody would stand in the chain twice"),
            DelegationRefusal::Time => f.write_str("the right is over, or would last too long"),
            DelegationRefusal::Wider => f.write_str("more would be passed on than there is"),
            DelegationRefusal::OutOfScope => f.write_str("the right does not reach so far"),
            DelegationRefusal::Signing(error) => error.fmt(f),
            DelegationRefusal::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DelegationRefusal {}

impl From<Fault> for DelegationRefusal {
    fn from(_: Fault) -> Self {
        Self::Token
    }
}

impl From<KeyError> for DelegationRefusal {
    fn from(error: KeyError) -> Self {
        Self::Signing(error)
    }
}

impl From<StoreError> for DelegationRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
