//! Why an approval is not taken a step further.

use super::ApprovalStatus;
use crate::store::StoreError;
use crate::ticket::TicketRefusal;
use std::fmt;

/// Why an approval is not taken a step further.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApprovalRefusal {
    /// There is none of this name.
    Unknown {
        /// The name.
        id: String,
    },
    /// The requester has proved no key, so no ticket could be his.
    NoKey,
    /// Nobody could ever grant it.
    Rule {
        /// Votes that are needed.
        needed: usize,
        /// Approvers other than the requester.
        approvers: usize,
    },
    /// Nobody approves what he himself asks for.
    OwnRequest,
    /// He is no approver of this.
    NoApprover,
    /// He has voted, under this name or with this key.
    Voted,
    /// Votes are missing.
    Pending {
        /// Votes that allow it.
        allowing: usize,
        /// Votes that are needed.
        needed: usize,
    },
    /// It is over.
    Over {
        /// How it stands.
        status: ApprovalStatus,
    },
    /// Somebody else asked for it.
    OtherRequester,
    /// It is for something else.
    OtherAction,
    /// There is no ticket.
    Ticket(TicketRefusal),
}

impl ApprovalRefusal {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ApprovalRefusal::Unknown { .. } => "govc_approval_unknown",
            ApprovalRefusal::NoKey => "govc_approval_no_key",
            ApprovalRefusal::Rule { .. } => "govc_approval_rule",
            ApprovalRefusal::OwnRequest => "govc_approval_own_request",
            ApprovalRefusal::NoApprover => "govc_approval_no_approver",
            ApprovalRefusal::Voted => "govc_approval_voted",
            ApprovalRefusal::Pending { .. } => "govc_approval_pending",
            ApprovalRefusal::Over { .. } => "govc_approval_over",
            ApprovalRefusal::OtherRequester => "govc_approval_other_requester",
            ApprovalRefusal::OtherAction => "govc_approval_other_action",
            ApprovalRefusal::Ticket(refusal) => refusal.code(),
        }
    }
}

impl fmt::Display for ApprovalRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApprovalRefusal::Unknown { id } => write!(f, "there is no approval `{id}`"),
            ApprovalRefusal::NoKey => f.write_str("the requester has proved no key"),
            ApprovalRefusal::Rule { needed, approvers } => {
                write!(
                    f,
                    "{needed} votes are needed and {approvers} others may vote, so nobody could grant it"
                )
            }
            ApprovalRefusal::OwnRequest => f.write_str("nobody approves what he himself asks for"),
            ApprovalRefusal::NoApprover => f.write_str("only the named approvers vote"),
            ApprovalRefusal::Voted => f.write_str("this person has voted already"),
            ApprovalRefusal::Pending { allowing, needed } => {
                write!(f, "{allowing} of {needed} votes allow it so far")
            }
            ApprovalRefusal::Over { status } => write!(f, "the approval is {}", status.name()),
            ApprovalRefusal::OtherRequester => f.write_str("somebody else asked for this approval"),
            ApprovalRefusal::OtherAction => f.write_str("the approval is for something else"),
            ApprovalRefusal::Ticket(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for ApprovalRefusal {}

impl From<TicketRefusal> for ApprovalRefusal {
    fn from(refusal: TicketRefusal) -> Self {
        Self::Ticket(refusal)
    }
}

impl From<StoreError> for ApprovalRefusal {
    fn from(error: StoreError) -> Self {
        Self::Ticket(TicketRefusal::Store(error))
    }
}
