//! Tokens of our own: JSON Web Signatures (RFC 7515) with a closed header.
//!
//! The surprising fact: the header decides nothing. It names a key and an algorithm, and both must be what the reader
//! expects; a header with anything else in it, such as `crit` or a key, makes no token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use govc_engine::proof::SECRET_BYTES;
use govc_engine::{Algorithm, KeyError, SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most bytes of a token.
pub(crate) const TOKEN_LIMIT: usize = 8192;

/// Why a token is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Malformed,
    Type,
    Algorithm,
    Key,
    Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

/// A secret that is long enough.
pub(crate) fn shared_secret(secret: &[u8]) -> Result<&[u8], KeyError> {
    match secret.len() {
        given if given < SECRET_BYTES => Err(KeyError::Short { given, needed: SECRET_BYTES }),
        _ => Ok(secret),
    }
}

/// Signs claims.
pub(crate) fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, KeyError> {
    let header = Header {
        alg: key.algorithm().name().to_owned(),
        typ: typ.to_owned(),
        kid: key.verifying_key().thumbprint(),
    };
    let part = |value: Result<Vec<u8>, _>| {
        value.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|_: serde_json::Error| KeyError::Signing)
    };
    let signed = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(claims))?);
    let signature = key.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Keys of signers, by their thumbprints. A shared secret has none, and no `kid`.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Vec<(Option<String>, VerifyingKey)>);

impl Keys {
    /// Public keys.
    pub(crate) fn public(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, KeyError> {
        let public = |key: VerifyingKey| match key.thumbprint() {
            None => Err(KeyError::Algorithm { asked: Algorithm::Hs256 }),
            id => Ok((id, key)),
        };
        keys.into_iter().map(public).collect::<Result<_, _>>().map(Self)
    }

    /// One shared secret, for HS256.
    pub(crate) fn secret(secret: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_secret(shared_secret(secret)?).only(Algorithm::Hs256)?;
        Ok(Self(vec![(None, key)]))
    }

    /// The claims of a token. Nothing that it claims is looked at before its signature holds.
    pub(crate) fn open<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Result<T, Fault> {
        let (signed, signature) =
            token.rsplit_once('.').filter(|_| token.len() <= TOKEN_LIMIT).ok_or(Fault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Fault::Malformed)?;
        let header: Header = read(header)?;
        if header.typ != typ {
            return Err(Fault::Type);
        }
        let (_, key) = self.0.iter().find(|(id, _)| *id == header.kid).ok_or(Fault::Key)?;
        let algorithm = Algorithm::from_name(&header.alg).filter(|algorithm| key.takes(*algorithm));
        if !key.verifies(algorithm.ok_or(Fault::Algorithm)?, signed.as_bytes(), &decoded(signature)?) {
            return Err(Fault::Signature);
        }
        read(claims)
    }
}

fn read<T: DeserializeOwned>(part: &str) -> Result<T, Fault> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| Fault::Malformed)
}

fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)
}
