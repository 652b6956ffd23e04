//! Certificates and requests for them, read from DER.
//!
//! The one surprising fact: the algorithm of a signature stands twice, and both must be the same bytes.

use super::der::{BOOLEAN, Der, OCTET_STRING, ObjectId, SEQUENCE, SET, made_part, part};
use super::extensions::Extensions;
use super::keys::PublicKey;
use super::name::Name;
use crate::go::layout;
use crate::go::zone_time::{Zone, civil, days};
use num_bigint::BigInt;

type Read<T> = Result<T, String>;

pub(super) fn fault<T>(what: impl Into<String>) -> Read<T> {
    Err(format!("x509: {}", what.into()))
}

fn need<T>(found: Option<T>, what: &str) -> Read<T> {
    found.map_or_else(|| fault(what), Ok)
}

/// An extension as it is written.
#[derive(Debug)]
pub(super) struct Extension<'d> {
    pub(super) id: ObjectId,
    pub(super) critical: bool,
    pub(super) value: &'d [u8],
}

/// A certificate.
#[derive(Debug)]
pub(super) struct Certificate<'d> {
    pub(super) raw: &'d [u8],
    pub(super) raw_body: &'d [u8],
    pub(super) version: i64,
    pub(super) serial: BigInt,
    pub(super) algorithm: Algorithm,
    pub(super) issuer: Name,
    pub(super) raw_issuer: &'d [u8],
    /// Seconds since 1970.
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    pub(super) subject: Name,
    pub(super) raw_subject: &'d [u8],
    pub(super) raw_key: &'d [u8],
    pub(super) key: PublicKey,
    pub(super) extensions: Vec<Extension<'d>>,
    pub(super) known: Extensions,
    pub(super) signature: Vec<u8>,
}

/// A signature algorithm, by the number that Go gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Algorithm(pub(super) i64);

impl Algorithm {
    fn read(identifier: Der<'_>) -> Read<Self> {
        let mut identifier = identifier;
        let id = need(identifier.object_id(), "malformed OID")?;
        let parameters = if identifier.is_empty() {
            None
        } else {
            Some(need(identifier.any(), "malformed parameters")?.2)
        };
        Ok(Self(match id.0.as_slice() {
            [1, 2, 840, 113_549, 1, 1, 2] => 1,
            [1, 2, 840, 113_549, 1, 1, 4] => 2,
            [1, 2, 840, 113_549, 1, 1, 5] | [1, 3, 14, 3, 2, 29] => 3,
            [1, 2, 840, 113_549, 1, 1, 11] => 4,
            [1, 2, 840, 113_549, 1, 1, 12] => 5,
            [1, 2, 840, 113_549, 1, 1, 13] => 6,
            [1, 2, 840, 10040, 4, 3] => 7,
            [2, 16, 840, 1, 101, 3, 4, 3, 2] => 8,
            [1, 2, 840, 10045, 4, 1] => 9,
            [1, 2, 840, 10045, 4, 3, 2] => 10,
            [1, 2, 840, 10045, 4, 3, 3] => 11,
            [1, 2, 840, 10045, 4, 3, 4] => 12,
            [1, 2, 840, 113_549, 1, 1, 10] => parameters.and_then(pss).unwrap_or(0),
            [1, 3, 101, 112] if parameters.is_none() => 16,
            _ => 0,
        }))
    }
}

/// RSA-PSS with one digest for all and a salt of its length.
fn pss(parameters: &[u8]) -> Option<i64> {
    let mut parameters = Der(parameters).read(SEQUENCE)?;
    let mut digest = parameters.read(made_part(0))?.read(SEQUENCE)?;
    let digest_id = digest.object_id()?;
    let mut mask = parameters.read(made_part(1))?.read(SEQUENCE)?;
    let is_mask = mask.object_id()?.is(&[1, 2, 840, 113_549, 1, 1, 8]);
    let mut mask_digest = mask.read(SEQUENCE)?;
    let same = mask_digest.object_id()? == digest_id;
    let plain = |rest: Der<'_>| rest.is_empty() || rest.0 == [5, 0];
    let salt = parameters.read(made_part(2))?.integer()?;
    let trailer = parameters.optional(made_part(3))?;
    let usual = trailer.is_none_or(|mut trailer| trailer.integer() == Some(BigInt::from(1)));
    if !(is_mask && same && usual && plain(digest) && plain(mask_digest)) {
        return None;
    }
    let [2, 16, 840, 1, 101, 3, 4, 2, kind] = *digest_id.0.as_slice() else { return None };
    match (kind, i64::try_from(&salt).ok()?) {
        (1, 32) => Some(13),
        (2, 48) => Some(14),
        (3, 64) => Some(15),
        _ => None,
    }
}

/// Seconds since 1970.
fn time(der: &mut Der<'_>) -> Read<i64> {
    let (tag, content) = match der.any() {
        Some((tag @ (0x17 | 0x18), content, _)) => (tag, content),
        _ => return fault("unsupported time format"),
    };
    let name = if tag == 0x17 { "UTCTime" } else { "GeneralizedTime" };
    need(instant(content, tag == 0x17), &format!("malformed {name}"))
}

fn instant(content: &[u8], short: bool) -> Option<i64> {
    let (year_digits, digits) = (if short { 2 } else { 4 }, content.strip_suffix(b"Z")?);
    if digits.len() != year_digits + 10 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, length: usize| -> Option<i64> {
        Some(digits.get(from..from + length)?.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
    };
    let year = match number(0, year_digits)? {
        year @ 0..50 if short => 2000 + year,
        year if short => 1900 + year,
        year => year,
    };
    let field = |index: usize| number(year_digits + 2 * index, 2);
    let (month, day) = (field(0)?, field(1)?);
    let (hour, minute, second) = (field(2)?, field(3)?, field(4)?);
    let real = (1..=12).contains(&month)
        && (1..=crate::go::zone_time::days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    real.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// The text of a time in JSON.
pub(super) fn time_text(seconds: i64) -> String {
    // Years beyond 2262 do not fit nanoseconds; the day of the year 0 and its like do not either.
    match seconds.checked_mul(1_000_000_000) {
        Some(nanoseconds) => layout::format(&civil(nanoseconds, &Zone::Utc), "2006-01-02T15:04:05Z07:00"),
        None => far_time_text(seconds),
    }
}

/// Of a time that is too far for nanoseconds: the calendar repeats every 400 years.
fn far_time_text(seconds: i64) -> String {
    const CYCLE: i64 = 146_097 * 86_400;
    let cycles = (seconds - 1_000_000_000).div_euclid(CYCLE);
    let near = time_text(seconds - cycles * CYCLE);
    let year = near.get(..4).and_then(|year| year.parse::<i64>().ok()).unwrap_or_default();
    format!("{:04}{}", year + 400 * cycles, near.get(4..).unwrap_or_default())
}

fn extension<'d>(mut der: Der<'d>) -> Read<Extension<'d>> {
    let id = need(der.object_id(), "malformed extension OID field")?;
    let critical = der.peek(BOOLEAN) && need(der.boolean(), "malformed extension critical field")?;
    let value = need(der.read(OCTET_STRING), "malformed extension value field")?.0;
    Ok(Extension { id, critical, value })
}

/// All certificates of a text in DER, one behind the other.
///
/// # Errors
/// The text that OPA gives.
pub(super) fn read_all(der: &[u8]) -> Read<Vec<Certificate<'_>>> {
    let mut der = Der(der);
    let mut found = Vec::new();
    while !der.is_empty() {
        let raw = need(der.whole(SEQUENCE), "malformed certificate")?;
        found.push(Certificate::read(raw)?);
    }
    Ok(found)
}

impl<'d> Certificate<'d> {
    fn read(raw: &'d [u8]) -> Read<Self> {
        let mut outer = need(Der(raw).read(SEQUENCE), "malformed certificate")?;
        let raw_body = need(outer.whole(SEQUENCE), "malformed tbs certificate")?;
        let mut body = need(Der(raw_body).read(SEQUENCE), "malformed tbs certificate")?;
        let version = version(&mut body)?;
        let serial = need(body.integer(), "malformed serial number")?;
        if serial.sign() == num_bigint::Sign::Minus {
            return fault("negative serial number");
        }
        let inner = need(body.read(SEQUENCE), "malformed signature algorithm identifier")?;
        let again = need(outer.read(SEQUENCE), "malformed algorithm identifier")?;
        if inner.0 != again.0 {
            return fault("inner and outer signature algorithm identifiers don't match");
        }
        let algorithm = Algorithm::read(inner)?;
        let raw_issuer = need(body.whole(SEQUENCE), "malformed issuer")?;
        let issuer = Name::read(raw_issuer)?;
        let mut validity = need(body.read(SEQUENCE), "malformed validity")?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let raw_subject = need(body.whole(SEQUENCE), "malformed issuer")?;
        let subject = Name::read(raw_subject)?;
        let raw_key = need(body.whole(SEQUENCE), "malformed spki")?;
        let key = PublicKey::read(raw_key)?;
        let extensions = if version > 1 { extensions(&mut body, version)? } else { Vec::new() };
        let known = Extensions::read(&extensions)?;
        let signature = need(outer.bytes(), "malformed signature")?;
        Ok(Self {
            raw,
            raw_body,
            version,
            serial,
            algorithm,
            issuer,
            raw_issuer,
            not_before,
            not_after,
            subject,
            raw_subject,
            raw_key,
            key,
            extensions,
            known,
            signature,
        })
    }
}

fn version(body: &mut Der<'_>) -> Read<i64> {
    let Some(mut wrapped) = need(body.optional(made_part(0)), "malformed version")? else { return Ok(1) };
    let number = wrapped.integer().filter(|_| wrapped.is_empty()).and_then(|n| i64::try_from(&n).ok());
    match need(number, "malformed version")? {
        number @ 0..=2 => Ok(number + 1),
        ..0 => fault("malformed version"),
        _ => fault("invalid version"),
    }
}

fn extensions<'d>(body: &mut Der<'d>, version: i64) -> Read<Vec<Extension<'d>>> {
    need(body.optional(part(1)), "malformed issuerUniqueID")?;
    need(body.optional(part(2)), "malformed subjectUniqueID")?;
    let mut found: Vec<Extension<'d>> = Vec::new();
    if version != 3 {
        return Ok(found);
    }
    let Some(mut wrapped) = need(body.optional(made_part(3)), "malformed extensions")? else {
        return Ok(found);
    };
    let mut list = need(wrapped.read(SEQUENCE), "malformed extensions")?;
    while !list.is_empty() {
        let extension = extension(need(list.read(SEQUENCE), "malformed extension")?)?;
        if found.iter().any(|known| known.id == extension.id) {
            let id = crate::go::quote(&extension.id.text());
            return fault(format!("certificate contains duplicate extension with OID {id}"));
        }
        found.push(extension);
    }
    Ok(found)
}

/// A request for a certificate.
#[derive(Debug)]
pub(super) struct Request<'d> {
    pub(super) raw: &'d [u8],
    pub(super) raw_body: &'d [u8],
    pub(super) version: BigInt,
    pub(super) raw_subject: &'d [u8],
    pub(super) subject: Name,
    pub(super) raw_key: &'d [u8],
    pub(super) key: PublicKey,
    pub(super) attributes: Vec<Attribute<'d>>,
    pub(super) algorithm: Algorithm,
    pub(super) signature: Vec<u8>,
    pub(super) extensions: Vec<Extension<'d>>,
    pub(super) known: Extensions,
}

const EXTENSION_REQUEST: [u32; 7] = [1, 2, 840, 113_549, 1, 9, 14];

impl<'d> Request<'d> {
    /// Reads a request.
    ///
    /// # Errors
    /// The text that OPA gives; of what its decoder of ASN.1 says only the kind.
    pub(super) fn read(der: &'d [u8]) -> Read<Self> {
        let broken = || "asn1: structure error: tags don't match".to_owned();
        let mut all = Der(der);
        let raw = all.whole(SEQUENCE).ok_or_else(broken)?;
        if !all.is_empty() {
            return Err("asn1: syntax error: trailing data".to_owned());
        }
        let mut outer = Der(raw).read(SEQUENCE).ok_or_else(broken)?;
        let raw_body = outer.whole(SEQUENCE).ok_or_else(broken)?;
        let mut body = Der(raw_body).read(SEQUENCE).ok_or_else(broken)?;
        let version = body.integer().ok_or_else(broken)?;
        let raw_subject = body.whole(SEQUENCE).ok_or_else(broken)?;
        let raw_key = body.whole(SEQUENCE).ok_or_else(broken)?;
        let listed = body.read(made_part(0)).ok_or_else(broken)?;
        let algorithm = Algorithm::read(outer.read(SEQUENCE).ok_or_else(broken)?)?;
        let signature = outer.bytes().ok_or_else(broken)?;
        let key = PublicKey::read(raw_key)?;
        let subject = Name::read(raw_subject)?;
        let extensions = requested(listed)?;
        let known = Extensions::alternative_names(&extensions)?;
        let attributes = attributes(listed);
        Ok(Self {
            raw,
            raw_body,
            version,
            raw_subject,
            subject,
            raw_key,
            key,
            attributes,
            algorithm,
            signature,
            extensions,
            known,
        })
    }
}

/// The extensions that a request asks for.
fn requested(listed: Der<'_>) -> Read<Vec<Extension<'_>>> {
    let mut listed = listed;
    let mut found = Vec::new();
    while let Some(mut attribute) = listed.read(SEQUENCE) {
        if attribute.object_id().is_none_or(|id| !id.is(&EXTENSION_REQUEST)) {
            continue;
        }
        let list = attribute.read(SET).and_then(|mut set| set.read(SEQUENCE));
        let mut list = list.ok_or_else(|| "asn1: structure error: tags don't match".to_owned())?;
        while !list.is_empty() {
            found.push(extension(need(list.read(SEQUENCE), "malformed extension")?)?);
        }
    }
    Ok(found)
}

/// An attribute of a request: sets of names and values.
pub(super) type Attribute<'d> = (ObjectId, Vec<Vec<(ObjectId, Any<'d>)>>);

/// A value of any kind.
#[derive(Debug)]
pub(super) enum Any<'d> {
    Flag(bool),
    Text(String),
    Bytes(&'d [u8]),
    /// Of a kind that JSON has no form for.
    Other,
}

/// The attributes that are sets of sequences of names and values; others are left out.
fn attributes(listed: Der<'_>) -> Vec<Attribute<'_>> {
    let mut listed = listed;
    let mut found = Vec::new();
    while let Some(one) = listed.read(SEQUENCE) {
        found.extend(attribute(one));
    }
    found
}

fn attribute(mut der: Der<'_>) -> Option<Attribute<'_>> {
    let id = der.object_id()?;
    let (mut set, mut lists) = (der.read(SET)?, Vec::new());
    while !set.is_empty() {
        let (mut list, mut pairs) = (set.read(SEQUENCE)?, Vec::new());
        while !list.is_empty() {
            let mut pair = list.read(SEQUENCE)?;
            let kind = pair.object_id()?;
            let (tag, content, _) = pair.any()?;
            pairs.push((
                kind,
                match tag {
                    BOOLEAN => Any::Flag(content != [0]),
                    OCTET_STRING => Any::Bytes(content),
                    _ => super::name::text(tag, content).map_or(Any::Other, Any::Text),
                },
            ));
        }
        lists.push(pairs);
    }
    Some((id, lists))
}
