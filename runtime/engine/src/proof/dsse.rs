//! DSSE envelopes (secure-systems-lab/dsse, protocol version 1) with exactly one signature.
//!
//! The signature is over the pre-authentication encoding of type and payload, so no JSON is ever made canonical
//! to be verified. ECDSA signatures are the two numbers one after another, as in JWS.

use super::{PAYLOAD_TYPE, ProofError, SECRET_BYTES};
use crate::keys::{Algorithm, KeyError, SigningKey, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    keyid: String,
    sig: String,
}

/// `DSSEv1`, the type and the payload, each with its length.
pub(super) fn encoding(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Seals a payload.
pub(super) fn seal(payload: &[u8], key: &SigningKey) -> Result<String, ProofError> {
    let public = key.verifying_key();
    if let Some(given) = public.secret_len().filter(|len| *len < SECRET_BYTES) {
        return Err(KeyError::Short { given, needed: SECRET_BYTES }.into());
    }
    let sig = STANDARD.encode(key.sign(&encoding(payload))?);
    let envelope = Envelope {
        payload: STANDARD.encode(payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![Signature { keyid: name_of(public).to_owned(), sig }],
    };
    serde_json::to_string(&envelope).map_err(|e| ProofError::Envelope(e.to_string()))
}

/// The fingerprint of a public key; a secret has only the name that it was given.
pub(super) fn name_of(key: &VerifyingKey) -> &str {
    key.fingerprint().or(key.id()).unwrap_or("default")
}

/// An envelope that was read; nothing of it is verified.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) payload: Vec<u8>,
    /// The key as it is named.
    pub(super) keyid: String,
    sig: String,
}

/// Reads an envelope without checking anything.
pub(super) fn read(envelope: &[u8]) -> Result<Signed, ProofError> {
    let envelope: Envelope =
        serde_json::from_slice(envelope).map_err(|e| ProofError::Envelope(e.to_string()))?;
    Signed::of(&envelope.payload_type, &envelope.payload, envelope.signatures)
}

/// The payload of an envelope, whose type must be that of statements.
pub(super) fn payload(payload_type: &str, payload: &str) -> Result<Vec<u8>, ProofError> {
    let malformed = |why: &str| ProofError::Envelope(why.to_owned());
    if payload_type != PAYLOAD_TYPE {
        return Err(malformed("it does not hold an in-toto statement"));
    }
    STANDARD.decode(payload).map_err(|_| malformed("the payload is not base64"))
}

impl Signed {
    pub(super) fn of(payload_type: &str, text: &str, signatures: Vec<Signature>) -> Result<Self, ProofError> {
        let payload = payload(payload_type, text)?;
        let [Signature { keyid, sig }] = <[Signature; 1]>::try_from(signatures)
            .map_err(|_| ProofError::Envelope("it does not have exactly one signature".to_owned()))?;
        Ok(Self { payload, keyid, sig })
    }

    /// The key that had signed it.
    pub(super) fn verify<'k>(&self, keys: &'k [VerifyingKey]) -> Result<&'k VerifyingKey, ProofError> {
        let sig = STANDARD.decode(&self.sig).map_err(|_| ProofError::BadSignature)?;
        let named = keys.iter().filter(|key| name_of(key) == self.keyid);
        let mut named = named.filter(|key| key.secret_len().is_none_or(|len| len >= SECRET_BYTES)).peekable();
        if named.peek().is_none() {
            return Err(ProofError::WrongKey { key: self.keyid.clone() });
        }
        let message = encoding(&self.payload);
        let signed = named.find(|key| Algorithm::ALL.iter().any(|a| key.verifies(*a, &message, &sig)));
        signed.ok_or(ProofError::BadSignature)
    }
}
