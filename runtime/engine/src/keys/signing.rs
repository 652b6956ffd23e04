//! The half of a key that signs.

use super::{Algorithm, Family, KeyError, VerifyingKey, der, verifying};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hmac, signature};
use signature::KeyPair;
use std::fmt;

/// A private key or shared secret, and the algorithm that it signs with.
///
/// ```
/// use govc_engine::SigningKey;
/// let pem = "-----BEGIN PRIVATE KEY-----\n\
///     MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
///     -----END PRIVATE KEY-----";
/// let key = SigningKey::from_pem(pem)?;
/// let signature = key.sign(b"a message")?;
/// assert!(key.verifying_key().verifies(key.algorithm(), b"a message", &signature));
/// # Ok::<(), govc_engine::KeyError>(())
/// ```
pub struct SigningKey {
    algorithm: Algorithm,
    pair: Pair,
    public: VerifyingKey,
}

enum Pair {
    Ed25519(signature::Ed25519KeyPair),
    Ecdsa(signature::EcdsaKeyPair),
    Rsa(signature::RsaKeyPair),
    Secret(Box<hmac::Key>),
}

impl SigningKey {
    /// A private key from a PEM block (`PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`), with the usual
    /// algorithm of its family: EdDSA, ES256, ES384, ES512 or RS256.
    ///
    /// # Errors
    /// When the text holds no private key of a known family.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::read(text, None)
    }

    /// A shared secret.
    ///
    /// # Errors
    /// When the algorithm is none of HS256, HS384, HS512, or the secret is empty.
    pub fn from_secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let mac = verifying::mac(algorithm).ok_or(KeyError::Algorithm { asked: algorithm })?;
        if secret.is_empty() {
            return Err(KeyError::Short { given: 0, needed: 1 });
        }
        let public = VerifyingKey::from_secret(secret).only(algorithm)?;
        Ok(Self { algorithm, pair: Pair::Secret(Box::new(hmac::Key::new(mac, secret))), public })
    }

    /// A key as OPA's flags give it: the text of the key and, if named, the algorithm. HMAC algorithms
    /// take the text as the secret; everything else is PEM.
    ///
    /// # Errors
    /// When the text is no key, or no key for this algorithm.
    pub fn from_text(text: &str, algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        match algorithm {
            Some(asked) if asked.family() == Family::Secret => Self::from_secret(text.as_bytes(), asked),
            _ => Self::read(text, algorithm),
        }
    }

    fn read(text: &str, asked: Option<Algorithm>) -> Result<Self, KeyError> {
        let block = der::read(text)?;
        if !block.label.ends_with("PRIVATE KEY") {
            return Err(KeyError::Label { label: block.label });
        }
        let algorithm = asked.unwrap_or_else(|| block.family.usual());
        if algorithm.family() != block.family {
            return Err(KeyError::Algorithm { asked: algorithm });
        }
        let pair = Pair::open(algorithm, &block)?;
        let public = VerifyingKey::from_der(block.family, pair.public()?)?;
        Ok(Self { algorithm, pair, public })
    }

    /// The same key under a name that tokens give as `kid`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.public = self.public.with_id(id);
        self
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The half that verifies, under the same name.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs a message. ECDSA signatures are the two numbers one after another, as JWS wants them.
    ///
    /// # Errors
    /// When the library or the system's randomness fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Secret(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Pair::Ecdsa(pair) => {
                let made = pair.sign(&SystemRandom::new(), message).map_err(|_| KeyError::Signing)?;
                Ok(made.as_ref().to_vec())
            }
            Pair::Rsa(pair) => sign_rsa(pair, self.algorithm, message),
        }
    }
}

impl Pair {
    fn open(algorithm: Algorithm, block: &der::Block) -> Result<Self, KeyError> {
        let der = &block.der;
        let opened = match block.family {
            Family::Ed25519 => signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519),
            Family::Rsa if block.label == "PRIVATE KEY" => {
                signature::RsaKeyPair::from_pkcs8(der).map(Pair::Rsa)
            }
            Family::Rsa => signature::RsaKeyPair::from_der(der).map(Pair::Rsa),
            Family::P256 | Family::P384 | Family::P521 => {
                let scheme = ecdsa(algorithm).ok_or(KeyError::Algorithm { asked: algorithm })?;
                signature::EcdsaKeyPair::from_private_key_der(scheme, der).map(Pair::Ecdsa)
            }
            Family::Secret => return Err(KeyError::Malformed),
        };
        opened.map_err(|_| KeyError::Malformed)
    }

    /// The public half as `SubjectPublicKeyInfo`.
    fn public(&self) -> Result<Vec<u8>, KeyError> {
        let der: Result<PublicKeyX509Der<'_>, _> = match self {
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Secret(_) => return Err(KeyError::Malformed),
        };
        der.map(|d| d.as_ref().to_vec()).map_err(|_| KeyError::Malformed)
    }
}

fn sign_rsa(pair: &signature::RsaKeyPair, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let padding: &dyn signature::RsaEncoding = match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
        asked => return Err(KeyError::Algorithm { asked }),
    };
    let mut made = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut made).map_err(|_| KeyError::Signing)?;
    Ok(made)
}

fn ecdsa(algorithm: Algorithm) -> Option<&'static signature::EcdsaSigningAlgorithm> {
    match algorithm {
        Algorithm::Es256 => Some(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Some(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => Some(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
        _ => None,
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
