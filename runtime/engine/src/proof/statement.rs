//! What a proof says, and how it is checked.

use super::{DECISION_V1, Leaf, ProofError, STATEMENT_TYPE, dsse, open};
use crate::decision::Decision;
use crate::digest;
use crate::host::{Answers, Replay};
use crate::keys::{SigningKey, VerifyingKey};
use crate::policy::Policy;
use crate::query::{Limits, Query, Scratch};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An in-toto Statement v1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What the statement is about.
    pub subject: Vec<Subject>,
    /// The type of the predicate.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is stated.
    pub predicate: Predicate,
}

/// Something that a statement is about, named by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What it is: `input`, `agent-spec`, ...
    pub name: String,
    /// Digests by algorithm; ours is `sha256`.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A subject named by SHA-256.
    pub fn sha256(name: impl Into<String>, digest: impl Into<String>) -> Self {
        Self { name: name.into(), digest: BTreeMap::from([("sha256".to_owned(), digest.into())]) }
    }
}

/// A decision, with all that is needed to make it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// Digest of the bundle that decided.
    pub bundle: String,
    /// The entrypoint that was asked.
    pub entrypoint: String,
    /// The input as it was given, because numbers may print as they were written; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub input: Option<Box<RawValue>>,
    /// SHA-256 of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
    /// `ALLOW`, `DENY` or `REQUIRE_APPROVAL`.
    pub decision: String,
    /// Why.
    pub reasons: Vec<String>,
    /// The result, canonical; absent when undefined.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub result: Option<Box<RawValue>>,
    /// What the world answered.
    pub nd_builtin_cache: Answers,
    /// Name and version of the engine.
    pub engine: String,
    /// The limits within which it was decided, and is decided again; absent when they are the usual ones.
    #[serde(default, skip_serializing_if = "Limits::are_usual")]
    pub limits: Limits,
    /// What else is stated, such as the promotion. It is signed, but does not take part in the replay.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
}

/// A member that is there has a value, also when that is `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// A proof in the making.
///
/// ```no_run
/// # use govc_engine::{Engine, Query, Scratch, SigningKey, Trust, proof::{self, Proof}};
/// # let (bytes, pem) = (Vec::new(), String::new());
/// let policy = Engine::load(&bytes, &Trust::unsigned())?;
/// let mut scratch = Scratch::new();
/// let input = br#"{"actorRole": "viewer"}"#;
/// let decision = policy.decide(&mut scratch, &Query::new("promotion/result").input_json(input));
/// let key = SigningKey::from_pem(&pem)?;
/// let envelope = Proof::of(&decision, Some(input))?.sign(&key)?;
/// let checked = proof::check(envelope.as_bytes(), &[key.verifying_key().clone()], &policy)?;
/// assert_eq!(checked.decision.effect(), decision.effect());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Proof(Statement);

impl Proof {
    /// States a decision on an input.
    ///
    /// # Errors
    /// When the decision is an error, or was made on another input.
    pub fn of(decision: &Decision, input: Option<&[u8]>) -> Result<Self, ProofError> {
        if let Some(error) = decision.error() {
            return Err(ProofError::Undecided(error.to_string()));
        }
        let input = input.map(raw).transpose()?;
        let input_digest = input.as_deref().map(digest_of).transpose()?;
        if input_digest.as_deref() != decision.input_digest() {
            return Err(ProofError::OtherInput);
        }
        Ok(Self::stated(decision, input))
    }

    /// Decides and states the decision, on the input of the query; an error cannot be stated.
    pub fn decide(
        policy: &Policy,
        scratch: &mut Scratch,
        query: &Query<'_>,
    ) -> (Decision, Result<Self, ProofError>) {
        let decision = policy.decide(scratch, query);
        let proof = match decision.error() {
            Some(error) => Err(ProofError::Undecided(error.to_string())),
            None => query.input_text().map(raw).transpose().map(|input| Self::stated(&decision, input)),
        };
        (decision, proof)
    }

    fn stated(decision: &Decision, input: Option<Box<RawValue>>) -> Self {
        let input_digest = decision.input_digest().map(str::to_owned);
        let mut subject = vec![Subject::sha256("bundle", decision.bundle())];
        subject.extend(input_digest.iter().map(|digest| Subject::sha256("input", digest)));
        Self(Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: DECISION_V1.to_owned(),
            predicate: Predicate {
                bundle: decision.bundle().to_owned(),
                entrypoint: decision.entrypoint().to_owned(),
                input,
                input_digest,
                decision: decision.effect().name().to_owned(),
                reasons: decision.reasons().to_vec(),
                result: decision.result.clone(),
                nd_builtin_cache: decision.answers().clone(),
                engine: decision.engine().to_owned(),
                limits: *decision.limits(),
                details: Map::new(),
            },
        })
    }

    /// Another type of predicate, with what else it states.
    #[must_use]
    pub fn stating(mut self, predicate_type: &str, details: Map<String, Value>) -> Self {
        self.0.predicate_type = predicate_type.to_owned();
        self.0.predicate.details = details;
        self
    }

    /// One more thing that the statement is about.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.0.subject.push(subject);
        self
    }

    /// Signs the statement and gives the envelope, one line of JSON.
    ///
    /// # Errors
    /// When the key cannot sign, or is a secret of fewer than [`SECRET_BYTES`](super::SECRET_BYTES) bytes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, ProofError> {
        self.0.sign(key)
    }

    /// The statement as a leaf, to be signed together with others.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leaf(&self) -> Result<Leaf, ProofError> {
        self.0.payload().map(Leaf::new)
    }

    /// The statement as it stands.
    pub fn statement(&self) -> &Statement {
        &self.0
    }
}

fn raw(text: &[u8]) -> Result<Box<RawValue>, ProofError> {
    serde_json::from_slice(text).map_err(|e| ProofError::Statement(e.to_string()))
}

fn digest_of(input: &RawValue) -> Result<String, ProofError> {
    let canonical = digest::canonical(input.get().as_bytes());
    canonical.map(|text| digest::hex(&text)).map_err(|_| ProofError::InputDigest)
}

/// A proof that holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// What it states.
    pub statement: Statement,
    /// The name or fingerprint of the key that signed it.
    pub key: String,
    /// The decision, made again.
    pub decision: Decision,
}

impl Statement {
    /// Signs the statement and gives the envelope, one line of JSON. Whether it is true is not looked at.
    ///
    /// # Errors
    /// When the key cannot sign, or is a secret of fewer than [`SECRET_BYTES`](super::SECRET_BYTES) bytes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, ProofError> {
        dsse::seal(&self.payload()?, key)
    }

    fn payload(&self) -> Result<Vec<u8>, ProofError> {
        serde_json::to_vec(self).map_err(|e| ProofError::Statement(e.to_string()))
    }

    pub(super) fn read(payload: &[u8]) -> Result<Self, ProofError> {
        let statement: Self =
            serde_json::from_slice(payload).map_err(|e| ProofError::Statement(e.to_string()))?;
        if statement.kind != STATEMENT_TYPE {
            return Err(ProofError::Statement(format!("its type is `{}`", statement.kind)));
        }
        Ok(statement)
    }

    /// The SHA-256 digest of a subject.
    pub fn subject_sha256(&self, name: &str) -> Option<&str> {
        let mut named = self.subject.iter().filter(|subject| subject.name == name);
        let subject = named.next().filter(|_| named.next().is_none())?;
        subject.digest.get("sha256").map(String::as_str)
    }
}

/// Checks a proof: signature, bundle, input; then decides again offline, from the bundle and the recorded answers, and
/// compares every part.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(envelope: &[u8], keys: &[VerifyingKey], policy: &Policy) -> Result<Checked, ProofError> {
    let (statement, key) = open(envelope, keys)?;
    let predicate = &statement.predicate;
    if predicate.bundle != policy.digest() {
        return Err(ProofError::Bundle {
            given: predicate.bundle.clone(),
            wanted: policy.digest().to_owned(),
        });
    }
    check_subjects(&statement)?;
    let decision = decide_again(predicate, policy);
    compare(predicate, &decision)?;
    Ok(Checked { statement, key, decision })
}

/// The digests in the statement's head must be those of what it holds.
fn check_subjects(statement: &Statement) -> Result<(), ProofError> {
    let predicate = &statement.predicate;
    let computed = predicate.input.as_deref().map(digest_of).transpose()?;
    if computed != predicate.input_digest || statement.subject_sha256("input") != computed.as_deref() {
        return Err(ProofError::InputDigest);
    }
    if statement.subject_sha256("bundle") != Some(&predicate.bundle) {
        return Err(ProofError::Statement("its subject is another bundle".to_owned()));
    }
    Ok(())
}

fn decide_again(predicate: &Predicate, policy: &Policy) -> Decision {
    let host = Replay(&predicate.nd_builtin_cache);
    let mut query = Query::new(&predicate.entrypoint).host(&host).limits(predicate.limits);
    if let Some(input) = &predicate.input {
        query = query.input_json(input.get().as_bytes());
    }
    policy.decide(&mut Scratch::new(), &query)
}

fn compare(predicate: &Predicate, decision: &Decision) -> Result<(), ProofError> {
    let same = |part, same: bool| if same { Ok(()) } else { Err(ProofError::Differs { part }) };
    same("result", predicate.result.as_deref().map(RawValue::get) == decision.result())?;
    same("decision", predicate.decision == decision.effect().name())?;
    same("reasons", predicate.reasons == decision.reasons())?;
    same("nd_builtin_cache", predicate.nd_builtin_cache.same(decision.answers()))?;
    same("input_digest", predicate.input_digest.as_deref() == decision.input_digest())
}
