//! Thumbprints of keys (RFC 7638): the digest of a key as a JSON Web Key, which tokens name in `cnf` (RFC 7800).
//!
//! The surprising fact: a shared secret has none here. Its thumbprint would be the digest of the secret itself, which
//! must not travel.

use super::{Family, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

impl VerifyingKey {
    /// SHA-256 over the key as RFC 7638 writes it, in base64url: 43 characters. Secrets have none.
    ///
    /// ```
    /// // The key of RFC 8037, appendix A.
    /// let key = govc_engine::VerifyingKey::from_pem(
    ///     "-----BEGIN PUBLIC KEY-----\n\
    ///     MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
    ///     -----END PUBLIC KEY-----",
    /// )?;
    /// assert_eq!(key.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    /// # Ok::<(), govc_engine::KeyError>(())
    /// ```
    pub fn thumbprint(&self) -> Option<String> {
        let der = &self.bytes;
        let jwk = match self.family {
            Family::Ed25519 => octets(der.last_chunk::<32>()?),
            Family::P256 => curve("P-256", der.last_chunk::<65>()?)?,
            Family::P384 => curve("P-384", der.last_chunk::<97>()?)?,
            Family::P521 => curve("P-521", der.last_chunk::<133>()?)?,
            Family::Rsa => rsa(der)?,
            Family::Secret => return None,
        };
        Some(text(&Sha256::digest(jwk)))
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn octets(x: &[u8]) -> String {
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
}

/// A point that is not compressed: 4, then its two coordinates.
fn curve(name: &str, point: &[u8]) -> Option<String> {
    let (&4, coordinates) = point.split_first()? else { return None };
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    Some(format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y)))
}

/// Modulus and exponent out of a `SubjectPublicKeyInfo` or a bare `RSAPublicKey`.
fn rsa(der: &[u8]) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let (_, body, _) = element(der)?;
    let (tag, _, rest) = element(body)?;
    let numbers = match tag {
        SEQUENCE => {
            let (BIT_STRING, bits, _) = element(rest)? else { return None };
            element(bits.get(1..)?)?.1
        }
        _ => body,
    };
    let (_, modulus, rest) = element(numbers)?;
    let (_, exponent, _) = element(rest)?;
    Some(format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(unsigned(exponent)), text(unsigned(modulus))))
}

/// A number without the zeros that only keep it positive.
fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Tag and content of the first element of DER bytes, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        ..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7638, section 3.1, as a `SubjectPublicKeyInfo` and as a bare key.
    #[test]
    fn the_example_of_the_standard() {
        let modulus = URL_SAFE_NO_PAD.decode(concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP",
            "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY3",
            "68QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4",
            "lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        ));
        let modulus = modulus.unwrap();
        let number = |bytes: &[u8]| [&[0x02, 0x82, 0x01, 0x01, 0x00][..], bytes].concat();
        let body = [&number(&modulus)[..], &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
        let bare = [&[0x30, 0x82, 0x01, 0x0a][..], &body].concat();
        let identifier =
            [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
        let whole =
            [&[0x30, 0x82, 0x01, 0x22][..], &identifier, &[0x03, 0x82, 0x01, 0x0f, 0x00], &bare].concat();
        for der in [bare, whole] {
            let key = VerifyingKey::from_der(Family::Rsa, der).unwrap();
            assert_eq!(key.thumbprint().as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        }
    }

    #[test]
    fn damaged_keys_have_none() {
        for der in [&[][..], &[0x30], &[0x30, 0x82], &[0x30, 0x05, 0x30, 0x80, 0x00], &[0xff; 40]] {
            assert_eq!(rsa(der), None);
        }
    }
}
