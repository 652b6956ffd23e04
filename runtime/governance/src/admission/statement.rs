//! The verdict on a start as a signed statement.
//!
//! The surprising fact: it names the proof and the specification by their digests, so that whoever has both can admit again and
//! compare.

use super::{Failure, Request, Verdict};
use govc_engine::proof::{ProofError, STATEMENT_TYPE, Subject, seal, unseal};
use govc_engine::{SigningKey, VerifyingKey, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Predicate of an admission.
pub const ADMISSION_V1: &str = "https://govc.dev/predicate/admission/v1";

/// The JSON Schema of the statement.
pub const SCHEMA: &str = include_str!("../../schema/admission.json");

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Admission,
}

/// What is stated of a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Admission {
    /// `agentId` of the specification.
    pub agent_id: Value,
    /// `workspaceId` of the specification.
    pub workspace_id: Value,
    /// The mode, as it was stored.
    pub mode: String,
    /// The status, as it was stored.
    pub status: String,
    /// `ALLOW` or `DENY`.
    pub decision: String,
    /// The first failure's code, or `ADMISSION_ALLOW`.
    pub code: String,
    /// All that was found.
    pub failures: Vec<Found>,
    /// Digest of the specification, 64 hex digits.
    pub spec_hash: String,
    /// Digest of the policies in force, where they were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_hash: Option<String>,
    /// Digest of the envelope of the promotion's proof, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_hash: Option<String>,
    /// When, RFC 3339; `null` beyond the calendar.
    pub admitted_at: Value,
    /// Name and version of the engine.
    pub engine: String,
}

/// A check that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Its code.
    pub code: String,
    /// Its number, 0 when the state itself denies.
    pub check: u8,
    /// What is wrong.
    pub reason: String,
}

impl Found {
    fn of(failure: &Failure) -> Self {
        Self { code: failure.code.name().to_owned(), check: failure.check, reason: failure.reason.clone() }
    }
}

impl Verdict {
    /// Signs the verdict on a request, one line of JSON.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, request: &Request<'_>, key: &SigningKey) -> Result<String, ProofError> {
        let predicate = self.stated(request);
        let proof = predicate.proof_hash.iter().map(|digest| Subject::sha256("proof", digest));
        let spec = Subject::sha256("agent-spec", &predicate.spec_hash);
        let statement = Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: std::iter::once(spec).chain(proof).collect(),
            predicate_type: ADMISSION_V1.to_owned(),
            predicate,
        };
        seal(&statement, key)
    }

    fn stated(&self, request: &Request<'_>) -> Admission {
        let member = |name: &str| request.spec.get(name).cloned().unwrap_or(Value::Null);
        Admission {
            agent_id: member("agentId"),
            workspace_id: member("workspaceId"),
            mode: request.state.mode.clone(),
            status: request.state.status.clone(),
            decision: self.decision().to_owned(),
            code: self.code().name().to_owned(),
            failures: self.failures.iter().map(Found::of).collect(),
            spec_hash: request.spec.digest().to_owned(),
            policy_hash: request.policy_hash.map(str::to_owned),
            proof_hash: request.proof.map(sha256_hex),
            admitted_at: crate::promotion::signed_at(request.now),
            engine: format!("govc {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Whether a signed statement says just this of the request.
    ///
    /// # Errors
    /// When the envelope, the signature or the statement is not what it must be.
    pub fn is_stated_by(
        &self,
        envelope: &[u8],
        keys: &[VerifyingKey],
        request: &Request<'_>,
    ) -> Result<bool, ProofError> {
        let payload = unseal(envelope, keys)?;
        let statement: Statement =
            serde_json::from_slice(&payload).map_err(|e| ProofError::Statement(e.to_string()))?;
        let right = statement.kind == STATEMENT_TYPE && statement.predicate_type == ADMISSION_V1;
        Ok(right && statement.predicate == self.stated(request))
    }
}
