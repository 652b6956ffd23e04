//! The half of a key that verifies.

mod thumbprint;

use super::{Algorithm, Family, KeyError, der};
use crate::digest;
use aws_lc_rs::{hmac, signature};
use jiff::Timestamp;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// A key that verifies signatures: a public key, or a shared secret.
///
/// ```
/// use govc_engine::VerifyingKey;
/// let pem = "-----BEGIN PUBLIC KEY-----\n\
///     MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
///     -----END PUBLIC KEY-----";
/// let key = VerifyingKey::from_pem(pem)?;
/// assert_eq!(key.fingerprint().map(str::len), Some(64));
/// # Ok::<(), govc_engine::KeyError>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    id: Option<String>,
    fingerprint: Option<String>,
    family: Family,
    bytes: Vec<u8>,
    /// A public key as the library has it, for the usual algorithm of its family: to read it anew for each signature costs
    /// time.
    parsed: Option<signature::ParsedPublicKey>,
    only: Option<Algorithm>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

impl VerifyingKey {
    /// A public key from a PEM block (`PUBLIC KEY` or `RSA PUBLIC KEY`).
    ///
    /// # Errors
    /// When the text holds no public key of a known family.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = der::read(text)?;
        if block.label.ends_with("PRIVATE KEY") {
            return Err(KeyError::Label { label: block.label });
        }
        Self::from_der(block.family, block.der)
    }

    /// A shared secret for HS256, HS384 or HS512.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self::new(Family::Secret, secret.to_vec(), None)
    }

    /// A key as OPA's flags give it: the text of the key and, if named, the algorithm. HMAC algorithms
    /// take the text as the secret; everything else is PEM.
    ///
    /// # Errors
    /// When the text is no key, or no key for this algorithm.
    pub fn from_text(text: &str, algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        match algorithm {
            Some(asked) if asked.family() == Family::Secret => Self::from_secret(text.as_bytes()).only(asked),
            Some(asked) => Self::from_pem(text)?.only(asked),
            None => Self::from_pem(text),
        }
    }

    pub(super) fn from_der(family: Family, bytes: Vec<u8>) -> Result<Self, KeyError> {
        let scheme = scheme(family.usual()).ok_or(KeyError::Malformed)?;
        let parsed = signature::ParsedPublicKey::new(scheme, &bytes).map_err(|_| KeyError::Malformed)?;
        let fingerprint = Some(digest::hex(&bytes));
        Ok(Self { parsed: Some(parsed), ..Self::new(family, bytes, fingerprint) })
    }

    fn new(family: Family, bytes: Vec<u8>, fingerprint: Option<String>) -> Self {
        Self {
            id: None,
            fingerprint,
            family,
            bytes,
            parsed: None,
            only: None,
            not_before: None,
            not_after: None,
        }
    }

    /// The same key, for one algorithm only.
    ///
    /// # Errors
    /// When the key cannot have this algorithm.
    pub fn only(mut self, algorithm: Algorithm) -> Result<Self, KeyError> {
        if algorithm.family() != self.family {
            return Err(KeyError::Algorithm { asked: algorithm });
        }
        self.only = Some(algorithm);
        Ok(self)
    }

    /// The same key under a name, which a token's `kid` may then give.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same key, good from the first time on and before the second: two keys whose times overlap make a rotation
    /// without a gap.
    #[must_use]
    pub fn between(mut self, not_before: Option<Timestamp>, not_after: Option<Timestamp>) -> Self {
        (self.not_before, self.not_after) = (not_before, not_after);
        self
    }

    /// Is the key good at this time?
    pub fn is_good_at(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now < end)
    }

    /// The name of the key, else its fingerprint.
    pub(crate) fn shown(&self) -> String {
        self.id.as_ref().or(self.fingerprint.as_ref()).cloned().unwrap_or_else(|| "a secret".to_owned())
    }

    /// The name given by [`with_id`](Self::with_id).
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// SHA-256 over the DER bytes of a public key, 64 hex digits. Secrets have none.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// May a token with this algorithm be checked with this key?
    pub fn takes(&self, algorithm: Algorithm) -> bool {
        algorithm.family() == self.family && self.only.is_none_or(|only| only == algorithm)
    }

    /// Is `signature` this key's signature of `message`? Constant time where the library's is.
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.takes(algorithm) {
            return false;
        }
        if let Some(mac) = mac(algorithm) {
            return hmac::verify(&hmac::Key::new(mac, &self.bytes), message, signature).is_ok();
        }
        if let Some(parsed) = self.parsed.as_ref().filter(|_| algorithm == self.family.usual()) {
            return parsed.verify_sig(message, signature).is_ok();
        }
        let Some(scheme) = scheme(algorithm) else { return false };
        signature::UnparsedPublicKey::new(scheme, &self.bytes).verify(message, signature).is_ok()
    }

    /// Bytes of a secret; public keys have none.
    pub(crate) fn secret_len(&self) -> Option<usize> {
        (self.family == Family::Secret).then_some(self.bytes.len())
    }
}

// The library's form of a key is read and never changed, so no panic can leave it half done.
impl UnwindSafe for VerifyingKey {}
impl RefUnwindSafe for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("fingerprint", &self.fingerprint)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// The HMAC of an algorithm.
pub(super) fn mac(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::Hs256 => Some(hmac::HMAC_SHA256),
        Algorithm::Hs384 => Some(hmac::HMAC_SHA384),
        Algorithm::Hs512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

/// The public key scheme of an algorithm.
fn scheme(algorithm: Algorithm) -> Option<&'static dyn signature::VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::EdDsa => &signature::ED25519,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
    })
}
