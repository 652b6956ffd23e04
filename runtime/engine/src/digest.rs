//! SHA-256 as hex, and canonical JSON (RFC 8785) to take it over.
//!
//! The surprising fact: a digest in govc is always 64 lower-case hex digits without a prefix, as the
//! tables of stored proofs hold it.

use govc_value::{Arena, Heap, SymbolTable, json};
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 hex digits.
///
/// ```
/// assert!(govc_engine::sha256_hex(b"abc").starts_with("ba7816bf"));
/// ```
pub fn hex(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Half a byte is less than 16.
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(usize::from);
    digits.map(|digit| char::from(DIGITS[digit])).collect()
}

/// A JSON text in the canonical form of RFC 8785.
///
/// # Errors
/// When the text is not JSON within the usual limits.
///
/// ```
/// let canonical = govc_engine::canonical_json(br#"{"b": 1.0, "a": [true]}"#)?;
/// assert_eq!(canonical, br#"{"a":[true],"b":1}"#);
/// # Ok::<(), govc_engine::JsonError>(())
/// ```
pub fn canonical(text: &[u8]) -> Result<Vec<u8>, json::Error> {
    let limits = json::Limits::default();
    let arena = Arena::new(usize::MAX);
    let symbols = SymbolTable::default();
    let value = json::read(Heap::new(&arena, &symbols), text, &limits)?;
    let mut out = Vec::with_capacity(text.len());
    json::write_canonical(value, &mut out);
    Ok(out)
}
