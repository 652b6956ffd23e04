//! A proof together with the evidence that it is in an audit log: what travels as one file.
//!
//! `{"envelope", "entry", "inclusion"}`: the proof as it was signed, the entry of the log that names its digest, and the
//! proof of that entry with the signed checkpoint (C2SP tlog-proof). The surprising fact: nothing of the log is signed by
//! the envelope. It was made before it was recorded, so the evidence stands beside it and not inside.

use crate::digest;
use govc_audit::merkle::leaf_hash;
use govc_audit::{Event, LogError, Proof, Reader, SignedCheckpoint, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// A proof with its evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedProof {
    envelope: Box<RawValue>,
    entry: Box<RawValue>,
    inclusion: String,
}

/// Where a proof is recorded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// Index of the entry in the log.
    pub index: u64,
    /// Entries that the log had when the checkpoint was signed.
    pub size: u64,
    /// The entry.
    pub event: Event,
}

/// Why there is no evidence, or why it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// Not a file of this form.
    Form(String),
    /// The log has no entry that names the proof.
    Missing,
    /// The entry names another proof.
    OtherProof,
    /// The evidence does not hold.
    Inclusion(String),
    /// The log cannot be read.
    Log(LogError),
}

impl RecordError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RecordError::Form(_) => "govc_proof_record_form",
            RecordError::Missing => "govc_proof_not_recorded",
            RecordError::OtherProof => "govc_proof_other_record",
            RecordError::Inclusion(_) => "govc_proof_record",
            RecordError::Log(error) => error.code(),
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::Form(why) => write!(f, "not a proof with its record: {why}"),
            RecordError::Missing => f.write_str("no entry of the log names this proof"),
            RecordError::OtherProof => f.write_str("the entry of the log names another proof"),
            RecordError::Inclusion(why) => write!(f, "the record does not hold: {why}"),
            RecordError::Log(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecordError {}

impl RecordedProof {
    /// Finds the newest entry that names a proof, and proves that the log has it.
    ///
    /// # Errors
    /// When there is none, or the log is damaged.
    pub fn gather(envelope: &str, log: &Reader, checkpoint: SignedCheckpoint) -> Result<Self, RecordError> {
        let envelope = raw(envelope.trim_end())?;
        let index = position(&digests(envelope.get()), log)?;
        let entry = log.entry(index).map_err(RecordError::Log)?;
        let path = log.prove(index).map_err(RecordError::Log)?.path;
        let proof = Proof::new(index, path, checkpoint);
        if !proof.holds(&leaf_hash(&entry)) {
            return Err(RecordError::Inclusion("the entry or a tile was changed".to_owned()));
        }
        Ok(Self { envelope, entry: raw(&String::from_utf8_lossy(&entry))?, inclusion: proof.text() })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not of this form.
    pub fn read(text: &[u8]) -> Result<Self, RecordError> {
        serde_json::from_slice(text).map_err(|error| RecordError::Form(error.to_string()))
    }

    /// Its text, one line of JSON.
    pub fn text(&self) -> String {
        let inclusion = serde_json::Value::from(self.inclusion.as_str());
        format!(r#"{{"envelope":{},"entry":{},"inclusion":{inclusion}}}"#, self.envelope, self.entry)
    }

    /// The proof, which is to be checked by itself.
    pub fn envelope(&self) -> &str {
        self.envelope.get()
    }

    /// Checks that a log with this key has the entry, and that the entry names the proof.
    ///
    /// # Errors
    /// When one of both is not so.
    pub fn verify(&self, log: &Verifier) -> Result<Place, RecordError> {
        let failed = |why: String| RecordError::Inclusion(why);
        let proof = Proof::open(&self.inclusion, log).map_err(|error| failed(error.to_string()))?;
        if !proof.holds(&leaf_hash(self.entry.get().as_bytes())) {
            return Err(failed("the entry is not the one that is proved".to_owned()));
        }
        let event = Event::read(self.entry.get().as_bytes()).map_err(|error| failed(error.to_string()))?;
        match names(&event, &digests(self.envelope())) {
            true => Ok(Place { index: proof.index, size: proof.checkpoint.checkpoint.size, event }),
            false => Err(RecordError::OtherProof),
        }
    }
}

fn raw(text: &str) -> Result<Box<RawValue>, RecordError> {
    RawValue::from_string(text.to_owned()).map_err(|error| RecordError::Form(error.to_string()))
}

/// The digests by which an entry may name a proof: its own, or that of the signature that it shares.
fn digests(envelope: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Shared<'e> {
        #[serde(borrow)]
        inclusion: Inclusion<'e>,
    }
    #[derive(Deserialize)]
    struct Inclusion<'e> {
        #[serde(borrow)]
        envelope: &'e RawValue,
    }
    let shared = serde_json::from_str::<Shared<'_>>(envelope).ok();
    let texts = [Some(envelope), shared.map(|shared| shared.inclusion.envelope.get())];
    texts.into_iter().flatten().map(|text| digest::hex(text.as_bytes())).collect()
}

fn names(event: &Event, digests: &[String]) -> bool {
    event.arguments_digest.as_ref().is_some_and(|digest| digests.iter().any(|known| known == digest.text()))
}

/// The index of the newest entry that names one of the digests.
fn position(digests: &[String], log: &Reader) -> Result<u64, RecordError> {
    for bundle in (0..log.size().div_ceil(256)).rev() {
        let entries = log.bundle(bundle).map_err(RecordError::Log)?;
        let found = entries.iter().rposition(|entry| Event::read(entry).is_ok_and(|e| names(&e, digests)));
        if let Some(at) = found {
            return Ok(bundle * 256 + at as u64);
        }
    }
    Err(RecordError::Missing)
}
