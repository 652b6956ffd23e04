//! Names of subjects and issuers, and the texts in them.
//!
//! The one surprising fact: a name is kept in the order of the certificate, and once more by the kinds of
//! part that everybody knows, the last common name counting.

use super::der::{Der, ObjectId, SEQUENCE, SET};

/// A distinguished name: its parts in their order.
#[derive(Debug, Default)]
pub(super) struct Name(pub(super) Vec<(ObjectId, String)>);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// The text that OPA gives.
    pub(super) fn read(raw: &[u8]) -> Result<Self, String> {
        let broken = |what: &str| format!("x509: invalid RDNSequence{what}");
        let mut sequence = Der(raw).read(SEQUENCE).ok_or_else(|| broken(""))?;
        let mut parts = Vec::new();
        while !sequence.is_empty() {
            let mut set = sequence.read(SET).ok_or_else(|| broken(""))?;
            while !set.is_empty() {
                let mut attribute = set.read(SEQUENCE).ok_or_else(|| broken(": invalid attribute"))?;
                let kind = attribute.object_id().ok_or_else(|| broken(": invalid attribute type"))?;
                let value = attribute.any().ok_or_else(|| broken(": invalid attribute value"))?;
                let text = text(value.0, value.1)
                    .map_err(|fault| broken(&format!(": invalid attribute value: {fault}")))?;
                parts.push((kind, text));
            }
        }
        Ok(Self(parts))
    }

    /// The texts of one of the kinds 2.5.4.*.
    pub(super) fn texts(&self, kind: u32) -> Vec<&str> {
        self.0.iter().filter(|(id, _)| id.is(&[2, 5, 4, kind])).map(|(_, text)| text.as_str()).collect()
    }
}

/// A text of any of the kinds that names may have.
///
/// # Errors
/// What is wrong with it.
pub(super) fn text(tag: u8, content: &[u8]) -> Result<String, String> {
    let valid = |what: &str, fits: bool| {
        if fits {
            Ok(content.iter().map(|byte| char::from(*byte)).collect())
        } else {
            Err(format!("invalid {what}"))
        }
    };
    match tag {
        0x14 => valid("T61String", true),
        0x13 => valid("PrintableString", content.iter().all(|byte| is_printable(*byte))),
        0x16 => valid("IA5String", content.is_ascii()),
        0x12 => valid("NumericString", content.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ')),
        0x0c => String::from_utf8(content.to_vec()).map_err(|_| "invalid UTF-8 string".to_owned()),
        0x1e => wide(content).ok_or_else(|| "invalid BMPString".to_owned()),
        _ => Err(format!("unsupported string type: {tag}")),
    }
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

fn wide(content: &[u8]) -> Option<String> {
    if !content.len().is_multiple_of(2) {
        return None;
    }
    let content = content.strip_suffix(&[0, 0]).unwrap_or(content);
    let units =
        content.chunks_exact(2).map(|pair| pair.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte)));
    units
        .map(|unit| match unit {
            0xfffe | 0xffff | 0xfdd0..=0xfdef => None,
            unit => char::from_u32(unit),
        })
        .collect()
}
