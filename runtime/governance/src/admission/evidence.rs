//! What a proof says and who signed it, read once for all checks.
//!
//! The surprising fact: what was verified is remembered by every byte of the proof, and only where the signature held. Whether
//! the signer was revoked, or his key is past its time, is asked again at each start.

use super::Request;
use govc_engine::VerifyingKey;
use govc_engine::proof::{self, Peeked};
use rustc_hash::FxHashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What the checks of a proof look at.
#[derive(Debug)]
pub(super) struct Evidence {
    /// What is stated, or why it cannot be read.
    pub(super) stated: Result<Stated, String>,
    /// Which of the keys had signed it, or why none had.
    pub(super) signed: Result<usize, String>,
}

/// The statement of a proof, as far as admission looks at it.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) predicate_type: String,
    pub(super) decision: String,
    pub(super) spec_hash: Option<String>,
    pub(super) policy_hash: Option<String>,
    /// The key that the envelope names.
    pub(super) signer: String,
}

impl Stated {
    fn of(peeked: Peeked) -> Self {
        let statement = peeked.statement;
        let policy_hash = statement.predicate.details.get("policy_hash").and_then(|hash| hash.as_str());
        Self {
            spec_hash: statement.subject_sha256("agent-spec").map(str::to_owned),
            policy_hash: policy_hash.map(str::to_owned),
            predicate_type: statement.predicate_type,
            decision: statement.predicate.decision,
            signer: peeked.key,
        }
    }
}

impl Evidence {
    /// Of an agent that needs no proof.
    pub(super) fn none() -> Arc<Self> {
        Arc::new(Self::missing("there is no proof"))
    }

    fn missing(why: &str) -> Self {
        Self { stated: Err(why.to_owned()), signed: Err(why.to_owned()) }
    }

    fn read(envelope: &[u8], keys: &[VerifyingKey]) -> Self {
        let peeked = match proof::peek(envelope) {
            Ok(peeked) => peeked,
            Err(error) => return Self::missing(&error.to_string()),
        };
        let signed = peeked.verify(keys).map_err(|error| error.to_string()).and_then(|key| {
            let place = keys.iter().position(|known| std::ptr::eq(known, key));
            place.ok_or_else(|| "the key is none of the trusted ones".to_owned())
        });
        Self { stated: Ok(Stated::of(peeked)), signed }
    }
}

/// The keys of the authorities that may promote.
#[derive(Debug, Default)]
pub struct TrustedKeys {
    keys: Vec<VerifyingKey>,
    remembered: RwLock<FxHashMap<Box<[u8]>, Arc<Evidence>>>,
    capacity: usize,
}

impl TrustedKeys {
    /// These keys. Every proof is verified at each admission.
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys, ..Self::default() }
    }

    /// These keys; so many proofs whose signatures held are remembered, byte for byte, and not verified again.
    pub fn remembering(keys: Vec<VerifyingKey>, proofs: usize) -> Self {
        Self { keys, capacity: proofs, ..Self::default() }
    }

    /// The keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    pub(super) fn evidence(&self, request: &Request<'_>) -> Arc<Evidence> {
        let Some(envelope) = request.proof else { return Evidence::none() };
        if self.capacity == 0 {
            return Arc::new(Evidence::read(envelope, &self.keys));
        }
        // Only whole entries are ever stored, so a panic elsewhere cannot have left a half one.
        let known = self.remembered.read().unwrap_or_else(PoisonError::into_inner).get(envelope).cloned();
        known.unwrap_or_else(|| self.learn(envelope))
    }

    fn learn(&self, envelope: &[u8]) -> Arc<Evidence> {
        let evidence = Arc::new(Evidence::read(envelope, &self.keys));
        if evidence.signed.is_ok() {
            let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() >= self.capacity {
                remembered.clear();
            }
            remembered.insert(Box::from(envelope), Arc::clone(&evidence));
        }
        evidence
    }
}
