//! New keys, for trying things out and for small installations; larger ones have a key service.

use super::KeyError;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

/// The fixed front of an Ed25519 public key in DER (RFC 8410).
const PUBLIC_FRONT: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A new Ed25519 key: private and public PEM text.
///
/// ```
/// use govc_engine::{SigningKey, VerifyingKey, generate_key};
/// let (private, public) = generate_key()?;
/// let signing = SigningKey::from_pem(&private)?;
/// let verifying = VerifyingKey::from_pem(&public)?;
/// assert!(verifying.verifies(signing.algorithm(), b"text", &signing.sign(b"text")?));
/// # Ok::<(), govc_engine::KeyError>(())
/// ```
///
/// # Errors
/// When the system has no randomness.
pub fn generate() -> Result<(String, String), KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Signing)?;
    let private = pair.to_pkcs8v1().map_err(|_| KeyError::Signing)?;
    let public = [&PUBLIC_FRONT[..], pair.public_key().as_ref()].concat();
    let text = |tag: &str, der: &[u8]| pem::encode(&pem::Pem::new(tag, der));
    Ok((text("PRIVATE KEY", private.as_ref()), text("PUBLIC KEY", &public)))
}
