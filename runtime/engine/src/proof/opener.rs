//! Reads proofs of both forms, and says who signed them.
//!
//! The surprising fact: a signature that many proofs share is verified once, and remembered by every byte of its envelope.

use super::shared::{Inclusion, Root};
use super::{ProofError, SharedProof, Statement, dsse};
use crate::keys::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A proof that was read, nothing of it verified.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Under a signature of its own.
    Own(dsse::Signed),
    /// Under one that it shares.
    Shared(SharedProof),
}

/// Both forms; exactly one of the last two members is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Text<'t> {
    #[serde(borrow)]
    payload: Cow<'t, str>,
    payload_type: String,
    signatures: Option<Vec<dsse::Signature>>,
    inclusion: Option<Inclusion>,
}

impl Form {
    pub(super) fn read(text: &[u8]) -> Result<Self, ProofError> {
        let text: Text<'_> = serde_json::from_slice(text).map_err(|e| ProofError::Envelope(e.to_string()))?;
        let (kind, payload) = (&text.payload_type, &text.payload);
        match (text.signatures, text.inclusion) {
            (Some(signatures), None) => dsse::Signed::of(kind, payload, signatures).map(Form::Own),
            (None, Some(inclusion)) => SharedProof::of(kind, payload, &inclusion).map(Form::Shared),
            _ => Err(ProofError::Envelope("it needs either signatures or an inclusion".to_owned())),
        }
    }

    pub(super) fn payload(&self) -> &[u8] {
        match self {
            Form::Own(signed) => &signed.payload,
            Form::Shared(shared) => &shared.payload,
        }
    }

    /// The key that it names as its signer.
    pub(super) fn named_key(&self) -> Result<String, ProofError> {
        match self {
            Form::Own(signed) => Ok(signed.keyid.clone()),
            Form::Shared(shared) => Ok(dsse::read(shared.envelope.as_bytes())?.keyid),
        }
    }
}

/// A statement that nobody has verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peeked {
    /// What it states.
    pub statement: Statement,
    /// The key that it names as its signer.
    pub key: String,
    form: Form,
}

impl Peeked {
    /// The key that had signed it.
    ///
    /// # Errors
    /// When no trusted key had.
    pub fn verify<'k>(&self, keys: &'k [VerifyingKey]) -> Result<&'k VerifyingKey, ProofError> {
        Opener::new(keys).verify(&self.form)
    }
}

/// Reads a proof without checking its signature. What it says is only good for finding fault with it.
///
/// # Errors
/// When the envelope or the statement is not what it must be.
pub fn peek(envelope: &[u8]) -> Result<Peeked, ProofError> {
    let form = Form::read(envelope)?;
    Ok(Peeked { statement: Statement::read(form.payload())?, key: form.named_key()?, form })
}

/// Opens a proof: signature and form, without deciding again.
///
/// # Errors
/// When the envelope, the signature or the statement is not what it must be.
pub fn open(envelope: &[u8], keys: &[VerifyingKey]) -> Result<(Statement, String), ProofError> {
    Opener::new(keys).open(envelope)
}

/// Signs a statement of any predicate and gives the envelope, one line of JSON.
///
/// # Errors
/// When it cannot be written, the key cannot sign, or is a secret of fewer than [`SECRET_BYTES`](super::SECRET_BYTES) bytes.
pub fn seal(statement: &impl Serialize, key: &SigningKey) -> Result<String, ProofError> {
    let payload = serde_json::to_vec(statement).map_err(|e| ProofError::Statement(e.to_string()))?;
    dsse::seal(&payload, key)
}

/// The statement of an envelope with a signature of its own, whatever its predicate.
///
/// # Errors
/// When the envelope or the signature is not what it must be.
pub fn unseal(envelope: &[u8], keys: &[VerifyingKey]) -> Result<Vec<u8>, ProofError> {
    let signed = dsse::read(envelope)?;
    signed.verify(keys).map(|_| signed.payload.clone())
}

/// Opens many proofs with the same keys.
#[derive(Debug)]
pub struct Opener<'k> {
    keys: &'k [VerifyingKey],
    roots: HashMap<Arc<str>, (Root, &'k VerifyingKey)>,
}

impl<'k> Opener<'k> {
    /// With these keys.
    pub fn new(keys: &'k [VerifyingKey]) -> Self {
        Self { keys, roots: HashMap::new() }
    }

    /// Opens a proof as [`open`] does.
    ///
    /// # Errors
    /// When the envelope, the signature or the statement is not what it must be.
    pub fn open(&mut self, envelope: &[u8]) -> Result<(Statement, String), ProofError> {
        let form = Form::read(envelope)?;
        self.believe(&form)
    }

    /// Opens a proof that shares its signature.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_shared(&mut self, proof: SharedProof) -> Result<(Statement, String), ProofError> {
        self.believe(&Form::Shared(proof))
    }

    fn believe(&mut self, form: &Form) -> Result<(Statement, String), ProofError> {
        let key = dsse::name_of(self.verify(form)?).to_owned();
        Ok((Statement::read(form.payload())?, key))
    }

    fn verify(&mut self, form: &Form) -> Result<&'k VerifyingKey, ProofError> {
        match form {
            Form::Own(signed) => signed.verify(self.keys),
            Form::Shared(shared) => {
                let (root, key) = self.root(&shared.envelope)?;
                shared.stands_under(&root).map(|()| key)
            }
        }
    }

    fn root(&mut self, envelope: &Arc<str>) -> Result<(Root, &'k VerifyingKey), ProofError> {
        if let Some(known) = self.roots.get(envelope) {
            return Ok(*known);
        }
        let signed = dsse::read(envelope.as_bytes())?;
        let key = signed.verify(self.keys)?;
        let found = (Root::read(&signed.payload)?, key);
        self.roots.insert(Arc::clone(envelope), found);
        Ok(found)
    }
}
