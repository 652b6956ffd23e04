//! Tells the family of a key from its DER bytes.
//!
//! Only the object identifiers at the front are looked at; whether the key is sound is decided by the
//! cryptographic library when it is first used.

use super::{Family, KeyError};

const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];

/// A key block: its family and bytes.
pub(super) struct Block {
    pub(super) family: Family,
    pub(super) label: String,
    pub(super) der: Vec<u8>,
}

/// Reads one PEM block and finds its family.
pub(super) fn read(text: &str) -> Result<Block, KeyError> {
    let block = pem::parse(text.trim()).map_err(|_| KeyError::Pem)?;
    let label = block.tag().to_owned();
    let der = block.into_contents();
    let family = match label.as_str() {
        "RSA PUBLIC KEY" | "RSA PRIVATE KEY" => Family::Rsa,
        "PUBLIC KEY" | "PRIVATE KEY" => front(&der, 40)?,
        "EC PRIVATE KEY" => front(&der, der.len())?,
        _ => return Err(KeyError::Label { label }),
    };
    Ok(Block { family, label, der })
}

/// The family whose identifier stands within the first `reach` bytes.
fn front(der: &[u8], reach: usize) -> Result<Family, KeyError> {
    let head = der.get(..reach.min(der.len())).unwrap_or(der);
    let has = |id: &[u8]| head.windows(id.len()).any(|w| w == id);
    [
        (RSA, Family::Rsa),
        (P256, Family::P256),
        (P384, Family::P384),
        (P521, Family::P521),
        (ED25519, Family::Ed25519),
    ]
    .into_iter()
    .find(|(id, _)| has(id))
    .map(|(_, family)| family)
    .ok_or(KeyError::Malformed)
}
