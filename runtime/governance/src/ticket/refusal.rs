//! Why a ticket is refused.

use crate::store::StoreError;
use govc_engine::KeyError;
use std::fmt;

macro_rules! refusals {
    ($($name:ident $code:literal $text:literal)*) => {
        /// Why a ticket is refused, or not issued. Being refused does not burn a ticket, except where its approval is dead.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum TicketRefusal {
            $(#[doc = concat!("Refused: ", $text, ".")] $name,)*
            /// The store failed. Whether the ticket is burnt is not known; it must not be used.
            Store(StoreError),
            /// The key of the issuer cannot sign.
            Signing(KeyError),
        }

        impl TicketRefusal {
            /// Our stable code.
            pub fn code(&self) -> &'static str {
                match self {
                    $(TicketRefusal::$name => $code,)*
                    TicketRefusal::Store(error) => error.code(),
                    TicketRefusal::Signing(error) => error.code(),
                }
            }
        }

        impl fmt::Display for TicketRefusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(TicketRefusal::$name => f.write_str($text),)*
                    TicketRefusal::Store(error) => error.fmt(f),
                    TicketRefusal::Signing(error) => error.fmt(f),
                }
            }
        }
    };
}

refusals! {
    Malformed "govc_ticket_malformed" "this is no ticket"
    Type "govc_ticket_type" "the token is for something else"
    Algorithm "govc_ticket_algorithm" "the ticket names an algorithm that its key does not have"
    Key "govc_ticket_key" "the ticket is under an unknown key"
    Signature "govc_ticket_signature" "the signature of the ticket is wrong"
    Issuer "govc_ticket_issuer" "somebody else issued the ticket"
    Audience "govc_ticket_audience" "the ticket is meant for somebody else"
    Early "govc_ticket_early" "the ticket is not good yet"
    Expired "govc_ticket_expired" "the time of the ticket is over"
    Lifetime "govc_ticket_lifetime" "the ticket is good for longer than any ticket may be"
    Action "govc_ticket_action" "the ticket is for another action"
    Target "govc_ticket_target" "the ticket is for another target"
    Parameters "govc_ticket_parameters" "the ticket is for other parameters"
    Bundle "govc_ticket_bundle" "the ticket was issued under another bundle"
    Caller "govc_ticket_caller" "the ticket is another caller's"
    Replay "govc_ticket_replay" "the ticket was used before"
    Approval "govc_ticket_approval" "the approval of the ticket is not live"
}

impl std::error::Error for TicketRefusal {}

impl From<StoreError> for TicketRefusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
