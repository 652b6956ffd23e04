//! Proofs: signed statements that a decision was made, with all that is needed to make it again.
//!
//! A proof is a DSSE envelope around an in-toto Statement v1. The surprising fact: its signature alone proves little.
//! Whoever holds the key can sign anything; [`check`] therefore decides again and compares.

mod dsse;
mod opener;
mod recorded;
mod shared;
mod statement;

pub use opener::{Opener, Peeked, open, peek, seal, unseal};
pub use recorded::{Place, RecordError, RecordedProof};
pub use shared::{Leaf, SharedProof, share};
pub use statement::{Checked, Predicate, Proof, Statement, Subject, check};

use crate::keys::KeyError;
use std::fmt;

/// The media type of in-toto statements, the `payloadType` of the envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Predicate of a plain decision.
pub const DECISION_V1: &str = "https://govc.dev/predicate/decision/v1";
/// Predicate of a decision that promoted an agent.
pub const PROMOTION_V1: &str = "https://govc.dev/predicate/promotion/v1";
/// Predicate of the root of many statements, which share one signature.
pub const BATCH_V1: &str = "https://govc.dev/predicate/batch/v1";
/// The JSON Schemas of the statements, by the type of their predicate.
pub const SCHEMAS: [(&str, &str); 3] = [
    (DECISION_V1, include_str!("../schema/decision.json")),
    (PROMOTION_V1, include_str!("../schema/promotion.json")),
    (BATCH_V1, include_str!("../schema/batch.json")),
];
/// Bytes that a shared secret must have to sign proofs.
pub const SECRET_BYTES: usize = 32;

/// Why a proof is refused, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// Not an envelope of the one form that is taken.
    Envelope(String),
    /// The payload is no statement of this form.
    Statement(String),
    /// No trusted key is the one named.
    WrongKey {
        /// The key that the envelope names.
        key: String,
    },
    /// The signature does not belong to the payload.
    BadSignature,
    /// The proof is about another bundle.
    Bundle {
        /// The digest in the proof.
        given: String,
        /// The digest of the bundle at hand.
        wanted: String,
    },
    /// The digest of the input is not that of the input.
    InputDigest,
    /// Deciding again gives something else.
    Differs {
        /// Which part: `result`, `decision`, `reasons`, ...
        part: &'static str,
    },
    /// A decision with an error cannot be proved.
    Undecided(String),
    /// The input is not the one that was decided on.
    OtherInput,
    /// The key cannot sign.
    Key(KeyError),
}

impl ProofError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ProofError::Envelope(_) => "govc_proof_envelope",
            ProofError::Statement(_) => "govc_proof_statement",
            ProofError::WrongKey { .. } => "govc_proof_wrong_key",
            ProofError::BadSignature => "govc_proof_bad_signature",
            ProofError::Bundle { .. } => "govc_proof_bundle",
            ProofError::InputDigest => "govc_proof_input_digest",
            ProofError::Differs { .. } => "govc_proof_differs",
            ProofError::Undecided(_) => "govc_proof_undecided",
            ProofError::OtherInput => "govc_proof_other_input",
            ProofError::Key(key) => key.code(),
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProofError::Envelope(why) => write!(f, "the envelope cannot be read: {why}"),
            ProofError::Statement(why) => write!(f, "the statement cannot be read: {why}"),
            ProofError::WrongKey { key } => {
                write!(f, "the proof was signed with key `{key}`, which is not trusted")
            }
            ProofError::BadSignature => f.write_str("the signature does not belong to this proof"),
            ProofError::Bundle { given, wanted } => {
                write!(f, "the proof is about bundle {given}, not about {wanted}")
            }
            ProofError::InputDigest => {
                f.write_str("the input of the proof does not have the digest that it gives")
            }
            ProofError::Differs { part } => write!(f, "deciding again gives another {part}"),
            ProofError::Undecided(why) => write!(f, "there is no decision to prove: {why}"),
            ProofError::OtherInput => f.write_str("the decision was made on another input"),
            ProofError::Key(key) => key.fmt(f),
        }
    }
}

impl std::error::Error for ProofError {}

impl From<KeyError> for ProofError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}
