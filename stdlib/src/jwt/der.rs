//! The little of DER that keys need: reading a public key out of a certificate, writing integers.
//!
//! The one surprising fact: nothing here judges a certificate; a token names the key, not the chain.

/// A key in a SubjectPublicKeyInfo.
pub(super) struct PublicKeyInfo<'d> {
    /// Object identifiers of algorithm and curve, as bytes.
    pub(super) algorithm: &'d [u8],
    pub(super) curve: &'d [u8],
    /// The key itself.
    pub(super) key: &'d [u8],
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;

/// Reads one element: tag, content, rest.
fn element(data: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = data.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length =
            bytes.iter().try_fold(0usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)))?;
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn expect(data: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(data).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// The public key of an X.509 certificate.
pub(super) fn certificate_key(der: &[u8]) -> Option<PublicKeyInfo<'_>> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for _ in 0..5 {
        rest = element(rest)?.2;
    }
    public_key(rest)
}

/// Reads a SubjectPublicKeyInfo.
pub(super) fn public_key(der: &[u8]) -> Option<PublicKeyInfo<'_>> {
    let (info, _) = expect(der, SEQUENCE)?;
    let (identifier, rest) = expect(info, SEQUENCE)?;
    let (bits, _) = expect(rest, BIT_STRING)?;
    let (algorithm, parameters) = expect(identifier, OBJECT_ID)?;
    let curve = expect(parameters, OBJECT_ID).map_or(&[][..], |(curve, _)| curve);
    Some(PublicKeyInfo { algorithm, curve, key: bits.strip_prefix(&[0])? })
}

/// A sequence of integers given as big-endian bytes: RSA keys in PKCS #1.
pub(super) fn integers(numbers: &[&[u8]]) -> Vec<u8> {
    let mut content = Vec::new();
    for number in numbers {
        let significant = number.iter().position(|b| *b != 0).unwrap_or(number.len());
        let number = number.get(significant..).unwrap_or_default();
        let pad = number.first().is_none_or(|b| *b >= 0x80);
        let mut bytes = if pad { vec![0] } else { Vec::new() };
        bytes.extend_from_slice(number);
        write(INTEGER, &bytes, &mut content);
    }
    let mut out = Vec::new();
    write(SEQUENCE, &content, &mut out);
    out
}

fn write(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    match u8::try_from(content.len()) {
        Ok(short @ 0..0x80) => out.push(short),
        _ => {
            let length = content.len().to_be_bytes();
            let significant = length.iter().position(|b| *b != 0).unwrap_or(length.len() - 1);
            let length = length.get(significant..).unwrap_or_default();
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            out.extend_from_slice(length);
        }
    }
    out.extend_from_slice(content);
}
