//! The codes of governance decisions: a closed set.
//!
//! Thirteen are those of the agent governance module that this replaces; users' dashboards know them. Two are ours, for
//! what that module did not name.

use serde::{Serialize, Serializer};
use std::fmt;

macro_rules! codes {
    ($($name:ident $text:literal $doc:literal,)*) => {
        /// Why a start or promotion was allowed or denied.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DecisionCode { $(#[doc = $doc] $name,)* }

        impl DecisionCode {
            /// All codes.
            pub const ALL: &'static [DecisionCode] = &[$(DecisionCode::$name,)*];

            /// The code as it stands in logs and answers.
            pub fn name(self) -> &'static str {
                match self { $(DecisionCode::$name => $text,)* }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(DecisionCode::$name => $doc,)* }
            }
        }
    };
}

codes! {
    AdmissionAllow "ADMISSION_ALLOW" "The agent may start.",
    ProofMissing "ADMISSION_DENY_PROOF_MISSING" "The governed agent has no proof of a promotion.",
    SpecHashMismatch "ADMISSION_DENY_SPEC_HASH_MISMATCH" "The specification is not the one that was promoted.",
    PolicyHashMismatch "ADMISSION_DENY_POLICY_HASH_MISMATCH" "The policies are not those that promoted the agent.",
    SignerRevoked "ADMISSION_DENY_SIGNER_REVOKED" "The authority that signed the proof has been revoked.",
    SignatureInvalid "ADMISSION_DENY_SIGNATURE_INVALID" "The signature of the proof does not verify.",
    SandboxExpired "ADMISSION_DENY_SANDBOX_EXPIRED" "The sandbox is past its expiry, or has none.",
    ContainmentViolation "ADMISSION_DENY_CONTAINMENT_VIOLATION" "The sandbox is not contained.",
    PromotionAttempt "PROMOTION_ATTEMPT" "A promotion was requested.",
    PromotionDenied "PROMOTION_DENIED" "The promotion was denied.",
    PromotionSuccess "PROMOTION_SUCCESS" "The agent was promoted.",
    PolicyHotreload "POLICY_HOTRELOAD" "A policy bundle was activated or refused.",
    PolicyRevalidation "POLICY_REVALIDATION" "Governed agents were checked against new policies.",
    InterceptorError "INTERCEPTOR_ERROR" "A check could not be made, or the state of the agent makes no sense. Ours.",
    Quarantined "ADMISSION_DENY_QUARANTINED" "The agent was invalidated and needs remediation. Ours.",
}

impl fmt::Display for DecisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for DecisionCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
