//! Keys: public ones of certificates, private ones of PEM blocks.
//!
//! The one surprising fact: the public point of a private key on a curve is computed, not read, because
//! files may leave it out.

use super::certificate::fault;
use super::der::{Der, OCTET_STRING, ObjectId, SEQUENCE, made_part};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use num_bigint::{BigInt, Sign};

type Read<T> = Result<T, String>;

fn need<T>(found: Option<T>, what: &str) -> Read<T> {
    found.map_or_else(|| fault(what), Ok)
}

/// The curves that keys may lie on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

impl Curve {
    fn named(id: &ObjectId) -> Option<Self> {
        Some(match id.0.as_slice() {
            [1, 3, 132, 0, 33] => Self::P224,
            [1, 2, 840, 10045, 3, 1, 7] => Self::P256,
            [1, 3, 132, 0, 34] => Self::P384,
            [1, 3, 132, 0, 35] => Self::P521,
            _ => return None,
        })
    }

    /// Bytes of a coordinate.
    pub(super) fn size(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The name in JSON web keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P224 => "P-224",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    Rsa {
        modulus: BigInt,
        exponent: BigInt,
    },
    Dsa {
        p: BigInt,
        q: BigInt,
        g: BigInt,
        y: BigInt,
    },
    /// A point: 4, then both coordinates.
    Curve(Curve, Vec<u8>),
    Ed25519(Vec<u8>),
    /// Of an algorithm that is not known.
    Unknown,
}

impl PublicKey {
    /// The number that Go gives the algorithm.
    pub(super) fn algorithm(&self) -> i64 {
        match self {
            Self::Unknown => 0,
            Self::Rsa { .. } => 1,
            Self::Dsa { .. } => 2,
            Self::Curve(..) => 3,
            Self::Ed25519(_) => 4,
        }
    }

    /// Reads the key of a certificate.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn read(raw: &[u8]) -> Read<Self> {
        let mut info = need(Der(raw).read(SEQUENCE), "malformed spki")?;
        let mut identifier = need(info.read(SEQUENCE), "malformed public key algorithm identifier")?;
        let id = need(identifier.object_id(), "malformed OID")?;
        let key = need(info.bytes(), "malformed subjectPublicKey")?;
        match id.0.as_slice() {
            [1, 2, 840, 113_549, 1, 1, 1] if identifier.0 != [5, 0] => {
                fault("RSA key missing NULL parameters")
            }
            [1, 2, 840, 113_549, 1, 1, 1] => rsa(&key),
            [1, 2, 840, 10040, 4, 1] => dsa(&key, identifier),
            [1, 2, 840, 10045, 2, 1] => {
                let curve = need(identifier.object_id(), "invalid ECDSA parameters")?;
                let curve = need(Curve::named(&curve), "unsupported elliptic curve")?;
                if key.len() != 2 * curve.size() + 1 || key.first() != Some(&4) {
                    return Err("ecdsa: invalid uncompressed public key".to_owned());
                }
                Ok(Self::Curve(curve, key))
            }
            [1, 3, 101, 112] if !identifier.is_empty() => {
                fault("Ed25519 key encoded with illegal parameters")
            }
            [1, 3, 101, 112] if key.len() != 32 => fault("wrong Ed25519 public key size"),
            [1, 3, 101, 112] => Ok(Self::Ed25519(key)),
            _ => Ok(Self::Unknown),
        }
    }
}

fn rsa(key: &[u8]) -> Read<PublicKey> {
    let mut numbers = need(Der(key).read(SEQUENCE), "invalid RSA public key")?;
    let modulus = need(numbers.integer(), "invalid RSA modulus")?;
    let exponent = numbers.integer().filter(|exponent| i64::try_from(exponent).is_ok());
    let exponent = need(exponent, "invalid RSA public exponent")?;
    if modulus.sign() != Sign::Plus {
        return fault("RSA modulus is not a positive number");
    }
    if exponent.sign() != Sign::Plus {
        return fault("RSA public exponent is not a positive number");
    }
    Ok(PublicKey::Rsa { modulus, exponent })
}

fn dsa(key: &[u8], mut parameters: Der<'_>) -> Read<PublicKey> {
    let y = need(Der(key).integer(), "invalid DSA public key")?;
    let read = parameters
        .read(SEQUENCE)
        .and_then(|mut numbers| Some((numbers.integer()?, numbers.integer()?, numbers.integer()?)));
    let (p, q, g) = need(read, "invalid DSA parameters")?;
    if [&y, &p, &q, &g].iter().any(|number| number.sign() != Sign::Plus) {
        return fault("zero or negative DSA parameter");
    }
    Ok(PublicKey::Dsa { p, q, g, y })
}

/// A private key.
#[derive(Clone, Debug)]
pub(super) enum PrivateKey {
    /// Modulus, public and private exponent, two primes, and what is computed from them.
    Rsa(Box<[BigInt; 8]>),
    /// The secret number, and the point: 4, then both coordinates.
    Curve(Curve, BigInt, Vec<u8>),
    /// Seed and public key.
    Ed25519(Vec<u8>, Vec<u8>),
}

impl PrivateKey {
    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(numbers) => {
                let [modulus, exponent, ..] = numbers.as_ref();
                PublicKey::Rsa { modulus: modulus.clone(), exponent: exponent.clone() }
            }
            Self::Curve(curve, _, point) => PublicKey::Curve(*curve, point.clone()),
            Self::Ed25519(_, public) => PublicKey::Ed25519(public.clone()),
        }
    }

    /// Reads the content of an `RSA PRIVATE KEY`.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn pkcs1(der: &[u8]) -> Read<Self> {
        let broken = || "asn1: structure error: tags don't match".to_owned();
        let mut numbers = Der(der).read(SEQUENCE).ok_or_else(broken)?;
        let version = numbers.integer().ok_or_else(broken)?;
        if version > BigInt::from(1) {
            return fault("unsupported private key version");
        }
        let mut next = || numbers.integer().ok_or_else(broken);
        let numbers = [next()?, next()?, next()?, next()?, next()?, next()?, next()?, next()?];
        if numbers.iter().any(|number| number.sign() != Sign::Plus) {
            return fault("private key contains zero or negative value");
        }
        Ok(Self::Rsa(Box::new(numbers)))
    }

    /// Reads the content of a `PRIVATE KEY`.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn pkcs8(der: &[u8]) -> Read<Self> {
        let broken = || "asn1: structure error: tags don't match".to_owned();
        let mut info = Der(der).read(SEQUENCE).ok_or_else(broken)?;
        info.integer().ok_or_else(broken)?;
        let mut identifier = info.read(SEQUENCE).ok_or_else(broken)?;
        let id = identifier.object_id().ok_or_else(broken)?;
        let key = info.read(OCTET_STRING).ok_or_else(broken)?;
        match id.0.as_slice() {
            [1, 2, 840, 113_549, 1, 1, 1] => Self::pkcs1(key.0)
                .map_err(|why| format!("x509: failed to parse RSA private key embedded in PKCS#8: {why}")),
            [1, 2, 840, 10045, 2, 1] => {
                let curve = identifier.object_id();
                Self::sec1(key.0, curve.as_ref())
                    .map_err(|why| format!("x509: failed to parse EC private key embedded in PKCS#8: {why}"))
            }
            [1, 3, 101, 112] => ed25519(key),
            _ => {
                fault(format!("PKCS#8 wrapping contained private key with unknown algorithm: {}", id.text()))
            }
        }
    }

    /// Reads the content of an `EC PRIVATE KEY`.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn sec1(der: &[u8], curve: Option<&ObjectId>) -> Read<Self> {
        let broken = || "asn1: structure error: tags don't match".to_owned();
        let mut key = Der(der).read(SEQUENCE).ok_or_else(broken)?;
        let version = key.integer().ok_or_else(broken)?;
        if version != BigInt::from(1) {
            return fault(format!("unknown EC private key version {version}"));
        }
        let secret = key.read(OCTET_STRING).ok_or_else(broken)?;
        let own = key.optional(made_part(0)).flatten().and_then(|mut own| own.object_id());
        let curve = need(curve.or(own.as_ref()).and_then(Curve::named), "unknown elliptic curve")?;
        let secret = BigInt::from_bytes_be(Sign::Plus, secret.0);
        let point = need(public_point(curve, &secret), "invalid elliptic curve private key value")?;
        Ok(Self::Curve(curve, secret, point))
    }
}

fn ed25519(mut key: Der<'_>) -> Read<PrivateKey> {
    let seed = need(key.read(OCTET_STRING), "invalid Ed25519 private key")?.0;
    if seed.len() != 32 {
        return fault(format!("invalid Ed25519 private key length: {}", seed.len()));
    }
    let pair = need(Ed25519KeyPair::from_seed_unchecked(seed).ok(), "invalid Ed25519 private key")?;
    Ok(PrivateKey::Ed25519(seed.to_vec(), pair.public_key().as_ref().to_vec()))
}

/// A number in as many bytes as a coordinate has.
pub(super) fn padded(number: &BigInt, size: usize) -> Vec<u8> {
    let digits = number.to_bytes_be().1;
    let mut bytes = vec![0; size.saturating_sub(digits.len())];
    bytes.extend(digits);
    bytes
}

fn public_point(curve: Curve, secret: &BigInt) -> Option<Vec<u8>> {
    let (algorithm, id): (_, &[u8]) = match curve {
        Curve::P224 => return None,
        Curve::P256 => (&ECDSA_P256_SHA256_ASN1_SIGNING, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
        Curve::P384 => (&ECDSA_P384_SHA384_ASN1_SIGNING, &[0x2b, 0x81, 4, 0, 34]),
        Curve::P521 => (&ECDSA_P521_SHA512_ASN1_SIGNING, &[0x2b, 0x81, 4, 0, 35]),
    };
    let secret = padded(secret, curve.size());
    let short = |length: usize| u8::try_from(length).ok();
    let mut content = vec![2, 1, 1, OCTET_STRING, short(secret.len())?];
    content.extend(secret);
    content.extend([made_part(0), short(id.len() + 2)?, 6, short(id.len())?]);
    content.extend(id);
    let mut der = vec![SEQUENCE, short(content.len())?];
    der.extend(content);
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, &der).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}
