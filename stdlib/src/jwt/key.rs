//! Keys of tokens: PEM certificates, PEM public keys and JSON web keys.
//!
//! The one surprising fact: a certificate is only a wrapping for its key here; neither its dates nor
//! its issuer are looked at.

use super::decode64;
use super::der::{self, PublicKeyInfo};
use crate::encoding::unmarshal;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use govc_value::{Heap, Object, Value};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// The algorithms of RFC 7518 that OPA knows, and EdDSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    fn rsa_verification(self) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }

    fn rsa_signing(self) -> Option<&'static dyn RsaEncoding> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_SHA512,
            Self::Ps256 => &signature::RSA_PSS_SHA256,
            Self::Ps384 => &signature::RSA_PSS_SHA384,
            Self::Ps512 => &signature::RSA_PSS_SHA512,
            _ => return None,
        })
    }
}

/// The curves of RFC 7518.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Es256 => Some(Self::P256),
            Algorithm::Es384 => Some(Self::P384),
            Algorithm::Es512 => Some(Self::P521),
            _ => None,
        }
    }
    fn named(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }
    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED,
        }
    }
    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        }
    }
    /// Bytes of a coordinate.
    fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A key that signatures are checked with.
#[derive(Clone, Debug)]
pub(super) enum Key {
    /// An RSAPublicKey of PKCS #1.
    Rsa(Vec<u8>),
    /// An uncompressed point.
    Ec(Curve, Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Vec<u8>),
    /// A key of a kind that verifies nothing here.
    Other,
}

/// A key with what its JSON form says of it; empty where it says nothing.
pub(super) struct PublicKey {
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) key: Key,
}

impl PublicKey {
    pub(super) fn of(key: Key) -> Self {
        Self { alg: String::new(), kid: String::new(), key }
    }
}

fn code<M: Mac + KeyInit>(secret: &[u8], message: &[u8]) -> Option<M> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).ok()?;
    mac.update(message);
    Some(mac)
}

impl Key {
    /// Does the signature hold? A key of another kind than the algorithm's says no.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let check = |verification: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(verification, key).verify(message, signature).is_ok()
        };
        match self {
            Self::Rsa(key) => algorithm.rsa_verification().is_some_and(|v| check(v, key)),
            Self::Ec(curve, key) => Curve::of(algorithm) == Some(*curve) && check(curve.verification(), key),
            Self::Ed25519(key) => algorithm == Algorithm::EdDsa && check(&signature::ED25519, key),
            Self::Secret(secret) => secret_verifies(algorithm, secret, message, signature),
            Self::Other => false,
        }
    }
}

fn secret_verifies(algorithm: Algorithm, secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match algorithm {
        Algorithm::Hs256 => {
            code::<Hmac<Sha256>>(secret, message).is_some_and(|mac| mac.verify_slice(signature).is_ok())
        }
        Algorithm::Hs384 => {
            code::<Hmac<Sha384>>(secret, message).is_some_and(|mac| mac.verify_slice(signature).is_ok())
        }
        Algorithm::Hs512 => {
            code::<Hmac<Sha512>>(secret, message).is_some_and(|mac| mac.verify_slice(signature).is_ok())
        }
        _ => false,
    }
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const CURVE_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const CURVE_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const CURVE_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

fn from_info(info: &PublicKeyInfo<'_>) -> Key {
    let key = info.key.to_vec();
    match (info.algorithm, info.curve) {
        (RSA, _) => Key::Rsa(key),
        (ED25519, _) => Key::Ed25519(key),
        (EC, CURVE_P256) => Key::Ec(Curve::P256, key),
        (EC, CURVE_P384) => Key::Ec(Curve::P384, key),
        (EC, CURVE_P521) => Key::Ec(Curve::P521, key),
        _ => Key::Other,
    }
}

/// The keys of a PEM block, a JSON web key or a set of them.
///
/// # Errors
/// OPA's text of the fault.
pub(super) fn read_keys(heap: Heap<'_>, text: &str) -> Result<Vec<PublicKey>, String> {
    if let Some((block, rest)) = pem_block(text) {
        if !rest.is_empty() {
            return Err("extra data after a PEM certificate block".to_owned());
        }
        let (info, fault) = match block.tag() {
            "CERTIFICATE" => (der::certificate_key(block.contents()), "failed to parse a PEM certificate"),
            "PUBLIC KEY" => (der::public_key(block.contents()), "failed to parse a PEM public key"),
            _ => return Err("failed to extract a Key from the PEM certificate".to_owned()),
        };
        let info = info.ok_or_else(|| format!("{fault}: malformed DER"))?;
        return Ok(vec![PublicKey::of(from_info(&info))]);
    }
    let keys = web_keys(heap, text).map_err(|fault| format!("failed to parse a JWK key (set): {fault}"))?;
    let mut found = Vec::new();
    for key in keys {
        let read =
            public_web_key(key).map_err(|fault| format!("failed to parse a JWK key (set): {fault}"))?;
        if read.alg.is_empty() || Algorithm::named(&read.alg).is_some() {
            found.push(read);
        }
    }
    Ok(found)
}

/// The first PEM block of a text, and what follows it.
fn pem_block(text: &str) -> Option<(pem::Pem, &str)> {
    let start = text.find("-----BEGIN ")?;
    let end = text.find("-----END ")?;
    let after = end + "-----END ".len();
    let close = after + text.get(after..)?.find("-----")? + 5;
    let block = pem::parse(text.get(start..close)?).ok()?;
    let rest = text.get(close..)?;
    Some((block, rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest)))
}

fn web_keys<'q>(heap: Heap<'q>, text: &str) -> Result<Vec<Object<'q>>, String> {
    let value = unmarshal(heap, text).map_err(|error| format!("failed to unmarshal JWK set: {error}"))?;
    let Some(object) = value.as_object() else {
        return Err("failed to unmarshal JWK set: not an object".to_owned());
    };
    match object.get_str("keys").as_array() {
        Some(list) => Ok(list.as_slice().iter().filter_map(|key| key.as_object()).collect()),
        None => Ok(vec![object]),
    }
}

fn text_of<'q>(key: Object<'q>, name: &str) -> &'q str {
    key.get_str(name).as_str().unwrap_or_default()
}

fn bytes_of(key: Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    let value: Value<'_> = key.get_str(name);
    let text = value.as_str().ok_or_else(|| format!("field `{name}` is missing"))?;
    decode64(text).map_err(|fault| format!("field `{name}`: {fault}"))
}

/// A coordinate or scalar, filled up to the size of the curve.
fn sized(key: Object<'_>, name: &str, size: usize) -> Result<Vec<u8>, String> {
    let bytes = bytes_of(key, name)?;
    let mut padded = vec![0; size.saturating_sub(bytes.len())];
    padded.extend(bytes);
    Ok(padded)
}

fn curve_of(key: Object<'_>) -> Result<Curve, String> {
    Curve::named(text_of(key, "crv")).ok_or_else(|| format!("invalid curve: `{}`", text_of(key, "crv")))
}

fn point(key: Object<'_>, curve: Curve) -> Result<Vec<u8>, String> {
    let mut point = vec![4];
    point.extend(sized(key, "x", curve.size())?);
    point.extend(sized(key, "y", curve.size())?);
    Ok(point)
}

fn public_web_key(key: Object<'_>) -> Result<PublicKey, String> {
    let found = match text_of(key, "kty") {
        "RSA" => Key::Rsa(der::integers(&[&bytes_of(key, "n")?, &bytes_of(key, "e")?])),
        "EC" => {
            let curve = curve_of(key)?;
            Key::Ec(curve, point(key, curve)?)
        }
        "OKP" if text_of(key, "crv") == "Ed25519" => Key::Ed25519(bytes_of(key, "x")?),
        "OKP" => Key::Other,
        "oct" => Key::Secret(bytes_of(key, "k")?),
        other => return Err(format!("invalid key type from JSON ({other})")),
    };
    Ok(PublicKey { alg: text_of(key, "alg").to_owned(), kid: text_of(key, "kid").to_owned(), key: found })
}

/// A key that signs.
pub(super) enum PrivateKey {
    Rsa(RsaKeyPair),
    /// Curve, scalar and point.
    Ec(Curve, Vec<u8>, Vec<u8>),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

/// The first key of a JSON web key or set.
///
/// # Errors
/// A text of the fault.
pub(super) fn read_private(heap: Heap<'_>, text: &str) -> Result<PrivateKey, String> {
    let keys = web_keys(heap, text)?;
    let Some(key) = keys.first().copied() else {
        return Err("no keys found in JWK set".to_owned());
    };
    match text_of(key, "kty") {
        "RSA" => rsa_pair(key).map(PrivateKey::Rsa),
        "EC" => {
            let curve = curve_of(key)?;
            Ok(PrivateKey::Ec(curve, sized(key, "d", curve.size())?, point(key, curve)?))
        }
        "OKP" => Ed25519KeyPair::from_seed_unchecked(&bytes_of(key, "d")?)
            .map(PrivateKey::Ed25519)
            .map_err(|fault| fault.to_string()),
        "oct" => Ok(PrivateKey::Secret(bytes_of(key, "k")?)),
        other => Err(format!("invalid key type from JSON ({other})")),
    }
}

fn rsa_pair(key: Object<'_>) -> Result<RsaKeyPair, String> {
    let mut numbers = vec![vec![0]];
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        numbers.push(bytes_of(key, name)?);
    }
    let numbers: Vec<&[u8]> = numbers.iter().map(Vec::as_slice).collect();
    RsaKeyPair::from_der(&der::integers(&numbers)).map_err(|fault| fault.to_string())
}

impl PrivateKey {
    /// A signature.
    ///
    /// # Errors
    /// When the key is of another kind than the algorithm's.
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, String> {
        let mismatch = || format!("key type does not fit the algorithm {algorithm:?}");
        match self {
            Self::Rsa(pair) => {
                let encoding = algorithm.rsa_signing().ok_or_else(mismatch)?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|fault| fault.to_string())?;
                Ok(signature)
            }
            Self::Ec(curve, scalar, point) if Curve::of(algorithm) == Some(*curve) => {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing(), scalar, point)
                    .map_err(|fault| fault.to_string())?;
                let signature =
                    pair.sign(&SystemRandom::new(), message).map_err(|fault| fault.to_string())?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) if algorithm == Algorithm::EdDsa => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Secret(secret) => secret_signature(algorithm, secret, message).ok_or_else(mismatch),
            _ => Err(mismatch()),
        }
    }
}

fn secret_signature(algorithm: Algorithm, secret: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        Algorithm::Hs256 => code::<Hmac<Sha256>>(secret, message).map(|m| m.finalize().into_bytes().to_vec()),
        Algorithm::Hs384 => code::<Hmac<Sha384>>(secret, message).map(|m| m.finalize().into_bytes().to_vec()),
        Algorithm::Hs512 => code::<Hmac<Sha512>>(secret, message).map(|m| m.finalize().into_bytes().to_vec()),
        _ => None,
    }
}
