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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    keyid: String,
    sig: String,
}

/// `DSSEv1`, the type and the payload, each with its length.
fn encoding(payload: &[u8]) -> Vec<u8> {
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
        signatures: vec![Signature { keyid: name_of(public), sig }],
    };
    serde_json::to_string(&envelope).map_err(|e| ProofError::Envelope(e.to_string()))
}

/// The fingerprint of a public key; a secret has only the name that it was given.
fn name_of(key: &VerifyingKey) -> String {
    key.fingerprint().or(key.id()).unwrap_or("default").to_owned()
}

/// Reads an envelope without checking anything: payload, key as it is named, signature.
pub(super) fn read(envelope: &[u8]) -> Result<(Vec<u8>, String, String), ProofError> {
    let malformed = |why: &str| ProofError::Envelope(why.to_owned());
    let envelope: Envelope =
        serde_json::from_slice(envelope).map_err(|e| ProofError::Envelope(e.to_string()))?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(malformed("it does not hold an in-toto statement"));
    }
    let [signature] = <[Signature; 1]>::try_from(envelope.signatures)
        .map_err(|_| malformed("it does not have exactly one signature"))?;
    let payload = STANDARD.decode(&envelope.payload).map_err(|_| malformed("the payload is not base64"))?;
    Ok((payload, signature.keyid, signature.sig))
}

/// Opens an envelope: the payload, and the key that had signed it.
pub(super) fn unseal<'k>(
    envelope: &[u8],
    keys: &'k [VerifyingKey],
) -> Result<(Vec<u8>, &'k VerifyingKey), ProofError> {
    let (payload, keyid, sig) = read(envelope)?;
    let sig = STANDARD.decode(&sig).map_err(|_| ProofError::BadSignature)?;
    let named = keys.iter().filter(|key| name_of(key) == keyid);
    let mut named = named.filter(|key| key.secret_len().is_none_or(|len| len >= SECRET_BYTES)).peekable();
    if named.peek().is_none() {
        return Err(ProofError::WrongKey { key: keyid });
    }
    let message = encoding(&payload);
    let signed = named.find(|key| Algorithm::ALL.iter().any(|a| key.verifies(*a, &message, &sig)));
    signed.map(|key| (payload, key)).ok_or(ProofError::BadSignature)
}
