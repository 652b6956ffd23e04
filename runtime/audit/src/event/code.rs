//! The closed sets of an event.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A policy decided.
    Decision,
    /// An agent asked to start.
    Admission,
    /// An agent asked to be governed.
    Promotion,
    /// Policies changed, or what they govern was evaluated anew.
    Policy,
    /// Somebody proved who he is, or failed to.
    Authentication,
    /// An agent was invoked.
    AgentInvocation,
    /// A rule of security was broken.
    SecurityViolation,
    /// An agent called a tool.
    ToolCall,
    /// The state of a target was recorded before or after an action.
    StateCapture,
    /// An action was carried out.
    Execution,
    /// Rights were checked or changed.
    Authorization,
    /// An integration was asked for or approved.
    Integration,
    /// Rights were taken away.
    Revocation,
    /// Somebody read the log.
    LogAccess,
    /// Personal values were erased.
    Erasure,
}

/// What came of it, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It was permitted.
    Allow,
    /// It was not.
    Deny,
    /// Somebody has to approve it first.
    RequireApproval,
    /// It was done.
    Success,
    /// It was tried and not done.
    Failure,
    /// It has begun, or was asked for.
    Attempt,
    /// It was seen and recorded.
    Observed,
}

impl Verdict {
    const ALL: [(Verdict, &'static str); 7] = [
        (Verdict::Allow, "allow"),
        (Verdict::Deny, "deny"),
        (Verdict::RequireApproval, "require_approval"),
        (Verdict::Success, "success"),
        (Verdict::Failure, "failure"),
        (Verdict::Attempt, "attempt"),
        (Verdict::Observed, "observed"),
    ];

    /// Its text.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(verdict, _)| *verdict == self).map_or("observed", |(_, text)| text)
    }

    /// The verdict with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(verdict, _)| *verdict)
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $doc:literal)*) => {
        /// Stable codes of decisions on promotion, admission and policies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// Its text.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    AdmissionAllow "ADMISSION_ALLOW" "The agent may start."
    ProofMissing "ADMISSION_DENY_PROOF_MISSING" "It has no proof of a promotion."
    SpecHashMismatch "ADMISSION_DENY_SPEC_HASH_MISMATCH" "Its specification is not the one that was promoted."
    PolicyHashMismatch "ADMISSION_DENY_POLICY_HASH_MISMATCH" "The policies are not those of its promotion."
    SignerRevoked "ADMISSION_DENY_SIGNER_REVOKED" "Who signed its proof may no longer."
    SignatureInvalid "ADMISSION_DENY_SIGNATURE_INVALID" "The signature of its proof is wrong."
    SandboxExpired "ADMISSION_DENY_SANDBOX_EXPIRED" "Its time in the sandbox is over."
    ContainmentViolation "ADMISSION_DENY_CONTAINMENT_VIOLATION" "It is not contained as a sandbox asks."
    PromotionAttempt "PROMOTION_ATTEMPT" "Somebody asks to promote it."
    PromotionDenied "PROMOTION_DENIED" "It is not promoted."
    PromotionSuccess "PROMOTION_SUCCESS" "It is promoted."
    PolicyHotreload "POLICY_HOTRELOAD" "Policies were replaced, or the attempt was refused."
    PolicyRevalidation "POLICY_REVALIDATION" "An agent was evaluated anew."
    InterceptorError "INTERCEPTOR_ERROR" "A check could not be made, which denies."
    AgentQuarantined "ADMISSION_DENY_QUARANTINED" "The agent was invalidated and may not start."
}

impl Code {
    /// The kind and the outcome of an event with this code.
    pub fn meaning(self) -> (Kind, Verdict) {
        match self {
            Code::AdmissionAllow => (Kind::Admission, Verdict::Allow),
            Code::PromotionAttempt => (Kind::Promotion, Verdict::Attempt),
            Code::PromotionDenied => (Kind::Promotion, Verdict::Deny),
            Code::PromotionSuccess => (Kind::Promotion, Verdict::Allow),
            Code::PolicyHotreload | Code::PolicyRevalidation => (Kind::Policy, Verdict::Success),
            _ => (Kind::Admission, Verdict::Deny),
        }
    }

    /// The code with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.text() == text)
    }
}

/// Reads a version and refuses others.
pub(super) fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        super::VERSION => Ok(super::VERSION),
        other => Err(serde::de::Error::custom(format!("version {other} of the schema is not known"))),
    }
}

/// Reads a member that is there: one without a value is left out and not `null`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads an object. A struct by itself would be read from a list, too, which the schema does not know.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let members = Map::<String, Value>::deserialize(deserializer)?;
    serde_json::from_value(Value::Object(members)).map_err(serde::de::Error::custom)
}

/// Reads an object that is there.
pub(super) fn present_object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    object(deserializer).map(Some)
}

/// Reads a list of objects.
pub(super) fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Map<String, Value>>::deserialize(deserializer)?;
    let items = items.into_iter().map(|members| serde_json::from_value(Value::Object(members)));
    items.collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}
