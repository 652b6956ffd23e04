//! Certificates, requests and keys as the values that policies see.
//!
//! The one surprising fact: lists that are empty are `null`, bytes are base 64, and the curve of a key is
//! an empty object.

use super::certificate::{Any, Attribute, Certificate, Extension, Request, time_text};
use super::der::ObjectId;
use super::extensions::{Constraint, Extensions, Range};
use super::keys::{PrivateKey, PublicKey, padded};
use super::name::Name;
use crate::BuiltinError;
use crate::encoding::base64::{Alphabet, encode};
use crate::go::url::Url;
use govc_value::{Heap, Value};
use num_bigint::{BigInt, Sign};
use std::net::IpAddr;

type Shown<'q> = Result<Value<'q>, BuiltinError>;

pub(super) fn bytes<'q>(heap: Heap<'q>, bytes: &[u8]) -> Value<'q> {
    heap.string(&encode(bytes, Alphabet::Standard, true))
}

fn number<'q>(heap: Heap<'q>, number: &BigInt) -> Shown<'q> {
    crate::arithmetic::from_text(heap, &number.to_string())
}

pub(super) fn object<'q>(heap: Heap<'q>, parts: &[(&str, Value<'q>)]) -> Value<'q> {
    heap.object(&mut parts.iter().map(|(name, value)| (heap.string(name), *value)).collect())
}

/// A list, or `null` where it is empty.
fn list<'q, T>(heap: Heap<'q>, items: &[T], one: impl Fn(&T) -> Value<'q>) -> Value<'q> {
    match items {
        [] => Value::null(),
        items => heap.array(&items.iter().map(one).collect::<Vec<_>>()),
    }
}

fn texts<'q, T: AsRef<str>>(heap: Heap<'q>, items: &[T]) -> Value<'q> {
    list(heap, items, |text| heap.string(text.as_ref()))
}

fn id<'q>(heap: Heap<'q>, id: &ObjectId) -> Value<'q> {
    heap.array(&id.0.iter().map(|number| Value::int(i64::from(*number))).collect::<Vec<_>>())
}

fn address_text(address: &IpAddr) -> String {
    address.to_canonical().to_string()
}

fn name<'q>(heap: Heap<'q>, name: &Name) -> Value<'q> {
    let part = |(kind, text): &(ObjectId, String)| {
        object(heap, &[("Type", id(heap, kind)), ("Value", heap.string(text))])
    };
    let last = |kind| heap.string(name.texts(kind).last().copied().unwrap_or_default());
    let all = |kind| texts(heap, &name.texts(kind));
    object(
        heap,
        &[
            ("CommonName", last(3)),
            ("SerialNumber", last(5)),
            ("Country", all(6)),
            ("Locality", all(7)),
            ("Province", all(8)),
            ("StreetAddress", all(9)),
            ("Organization", all(10)),
            ("OrganizationalUnit", all(11)),
            ("PostalCode", all(17)),
            ("Names", list(heap, &name.0, part)),
            ("ExtraNames", Value::null()),
        ],
    )
}

fn extensions<'q>(heap: Heap<'q>, extensions: &[Extension<'_>]) -> Value<'q> {
    list(heap, extensions, |extension| {
        let critical = Value::bool(extension.critical);
        let value = bytes(heap, extension.value);
        object(heap, &[("Id", id(heap, &extension.id)), ("Critical", critical), ("Value", value)])
    })
}

fn url<'q>(heap: Heap<'q>, url: &Url) -> Value<'q> {
    object(
        heap,
        &[
            ("Scheme", heap.string(&url.scheme)),
            ("Opaque", heap.string("")),
            ("User", if url.has_user { object(heap, &[]) } else { Value::null() }),
            ("Host", heap.string(&url.host)),
            ("Path", heap.string(&url.path)),
            ("RawPath", heap.string(&url.raw_path)),
            ("OmitHost", Value::bool(false)),
            ("ForceQuery", Value::bool(false)),
            ("RawQuery", heap.string(&url.raw_query)),
            ("Fragment", heap.string(&url.fragment)),
            ("RawFragment", heap.string("")),
        ],
    )
}

fn range<'q>(heap: Heap<'q>, range: &Range) -> Value<'q> {
    let address = heap.string(&address_text(&range.address));
    object(heap, &[("IP", address), ("Mask", bytes(heap, &range.mask))])
}

/// The names that certificates and requests share.
fn alternative_names<'q>(heap: Heap<'q>, known: &Extensions) -> [(&'static str, Value<'q>); 4] {
    [
        ("DNSNames", texts(heap, &known.dns_names)),
        ("EmailAddresses", texts(heap, &known.emails)),
        ("IPAddresses", list(heap, &known.addresses, |one| heap.string(&address_text(one)))),
        ("URIs", list(heap, &known.uris, |(_, one)| url(heap, one))),
    ]
}

fn constraints<'q>(heap: Heap<'q>, known: &Extensions) -> Vec<(&'static str, Value<'q>)> {
    let ranges = |constraint: &Constraint| list(heap, &constraint.ranges, |one| range(heap, one));
    let (permitted, excluded) = (&known.permitted, &known.excluded);
    vec![
        ("PermittedDNSDomainsCritical", Value::bool(known.constraints_critical)),
        ("PermittedDNSDomains", texts(heap, &permitted.domains)),
        ("PermittedIPRanges", ranges(permitted)),
        ("PermittedEmailAddresses", texts(heap, &permitted.emails)),
        ("PermittedURIDomains", texts(heap, &permitted.uri_domains)),
        ("ExcludedDNSDomains", texts(heap, &excluded.domains)),
        ("ExcludedIPRanges", ranges(excluded)),
        ("ExcludedEmailAddresses", texts(heap, &excluded.emails)),
        ("ExcludedURIDomains", texts(heap, &excluded.uri_domains)),
    ]
}

fn policies<'q>(heap: Heap<'q>, known: &Extensions) -> Vec<(&'static str, Value<'q>)> {
    let count = |limit: Option<i64>| Value::int(limit.unwrap_or(0));
    let zero = |limit: Option<i64>| Value::bool(limit == Some(0));
    let (ids, names) = match &known.policies {
        None => (Value::null(), Value::null()),
        Some(policies) => {
            let ids: Vec<_> = policies.iter().map(|policy| id(heap, policy)).collect();
            (heap.array(&ids), list(heap, policies, |policy| heap.string(&policy.text())))
        }
    };
    let mapping = |(issuer, subject): &(ObjectId, ObjectId)| {
        let text = |id: &ObjectId| heap.string(&id.text());
        object(heap, &[("IssuerDomainPolicy", text(issuer)), ("SubjectDomainPolicy", text(subject))])
    };
    vec![
        ("PolicyIdentifiers", ids),
        ("Policies", names),
        ("PolicyMappings", list(heap, &known.policy_mappings, mapping)),
        ("InhibitAnyPolicy", count(known.inhibit_any_policy)),
        ("InhibitAnyPolicyZero", zero(known.inhibit_any_policy)),
        ("InhibitPolicyMapping", count(known.inhibit_mapping)),
        ("InhibitPolicyMappingZero", zero(known.inhibit_mapping)),
        ("RequireExplicitPolicy", count(known.require_policy)),
        ("RequireExplicitPolicyZero", zero(known.require_policy)),
    ]
}

/// A certificate; `with_uri_texts` adds the texts of its URIs.
pub(super) fn certificate<'q>(
    heap: Heap<'q>,
    certificate: &Certificate<'_>,
    with_uri_texts: bool,
) -> Shown<'q> {
    let known = &certificate.known;
    let key_id = |key: &Option<Vec<u8>>| key.as_ref().map_or(Value::null(), |key| bytes(heap, key));
    let numbers = |numbers: &[i64]| list(heap, numbers, |number| Value::int(*number));
    let ids = |ids: &[ObjectId]| list(heap, ids, |one| id(heap, one));
    let mut parts = vec![
        ("Raw", bytes(heap, certificate.raw)),
        ("RawTBSCertificate", bytes(heap, certificate.raw_body)),
        ("RawSubjectPublicKeyInfo", bytes(heap, certificate.raw_key)),
        ("RawSubject", bytes(heap, certificate.raw_subject)),
        ("RawIssuer", bytes(heap, certificate.raw_issuer)),
        ("Signature", bytes(heap, &certificate.signature)),
        ("SignatureAlgorithm", Value::int(certificate.algorithm.0)),
        ("PublicKeyAlgorithm", Value::int(certificate.key.algorithm())),
        ("PublicKey", public_key(heap, &certificate.key)?),
        ("Version", Value::int(certificate.version)),
        ("SerialNumber", number(heap, &certificate.serial)?),
        ("Issuer", name(heap, &certificate.issuer)),
        ("Subject", name(heap, &certificate.subject)),
        ("NotBefore", heap.string(&time_text(certificate.not_before))),
        ("NotAfter", heap.string(&time_text(certificate.not_after))),
        ("KeyUsage", Value::int(known.key_usage)),
        ("Extensions", extensions(heap, &certificate.extensions)),
        ("ExtraExtensions", Value::null()),
        ("UnhandledCriticalExtensions", ids(&known.unhandled)),
        ("ExtKeyUsage", numbers(&known.usages)),
        ("UnknownExtKeyUsage", ids(&known.unknown_usages)),
        ("BasicConstraintsValid", Value::bool(known.has_basic_constraints)),
        ("IsCA", Value::bool(known.is_authority)),
        ("MaxPathLen", Value::int(known.max_path)),
        ("MaxPathLenZero", Value::bool(known.has_basic_constraints && known.max_path == 0)),
        ("SubjectKeyId", key_id(&known.subject_key)),
        ("AuthorityKeyId", key_id(&known.authority_key)),
        ("OCSPServer", texts(heap, &known.status_servers)),
        ("IssuingCertificateURL", texts(heap, &known.issuer_urls)),
        ("CRLDistributionPoints", texts(heap, &known.revocation_lists)),
    ];
    parts.extend(alternative_names(heap, known));
    parts.extend(constraints(heap, known));
    parts.extend(policies(heap, known));
    if with_uri_texts {
        parts.push(("URIStrings", list(heap, &known.uris, |(text, _)| heap.string(text))));
    }
    Ok(object(heap, &parts))
}

fn attribute<'q>(heap: Heap<'q>, (kind, lists): &Attribute<'_>) -> Value<'q> {
    let value = |value: &Any<'_>| match value {
        Any::Flag(flag) => Value::bool(*flag),
        Any::Text(text) => heap.string(text),
        Any::Bytes(content) => bytes(heap, content),
        Any::Other => Value::null(),
    };
    let pair =
        |(kind, any): &(ObjectId, Any<'_>)| object(heap, &[("Type", id(heap, kind)), ("Value", value(any))]);
    let lists: Vec<_> = lists.iter().map(|pairs| list(heap, pairs, pair)).collect();
    object(heap, &[("Type", id(heap, kind)), ("Value", heap.array(&lists))])
}

pub(super) fn request<'q>(heap: Heap<'q>, request: &Request<'_>) -> Shown<'q> {
    let mut parts = vec![
        ("Raw", bytes(heap, request.raw)),
        ("RawTBSCertificateRequest", bytes(heap, request.raw_body)),
        ("RawSubjectPublicKeyInfo", bytes(heap, request.raw_key)),
        ("RawSubject", bytes(heap, request.raw_subject)),
        ("Version", number(heap, &request.version)?),
        ("Signature", bytes(heap, &request.signature)),
        ("SignatureAlgorithm", Value::int(request.algorithm.0)),
        ("PublicKeyAlgorithm", Value::int(request.key.algorithm())),
        ("PublicKey", public_key(heap, &request.key)?),
        ("Subject", name(heap, &request.subject)),
        ("Attributes", list(heap, &request.attributes, |one| attribute(heap, one))),
        ("Extensions", extensions(heap, &request.extensions)),
        ("ExtraExtensions", Value::null()),
    ];
    parts.extend(alternative_names(heap, &request.known));
    Ok(object(heap, &parts))
}

/// Both coordinates of a point.
fn coordinates(point: &[u8]) -> (BigInt, BigInt) {
    let point = point.get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    (BigInt::from_bytes_be(Sign::Plus, x), BigInt::from_bytes_be(Sign::Plus, y))
}

fn curve_parts<'q>(heap: Heap<'q>, point: &[u8]) -> Result<Vec<(&'static str, Value<'q>)>, BuiltinError> {
    let (x, y) = coordinates(point);
    Ok(vec![("Curve", object(heap, &[])), ("X", number(heap, &x)?), ("Y", number(heap, &y)?)])
}

fn public_key<'q>(heap: Heap<'q>, key: &PublicKey) -> Shown<'q> {
    Ok(match key {
        PublicKey::Unknown => Value::null(),
        PublicKey::Ed25519(key) => bytes(heap, key),
        PublicKey::Curve(_, point) => object(heap, &curve_parts(heap, point)?),
        PublicKey::Rsa { modulus, exponent } => {
            object(heap, &[("N", number(heap, modulus)?), ("E", number(heap, exponent)?)])
        }
        PublicKey::Dsa { p, q, g, y } => {
            let n = |n| number(heap, n);
            object(heap, &[("P", n(p)?), ("Q", n(q)?), ("G", n(g)?), ("Y", n(y)?)])
        }
    })
}

/// A private key as Go shows it.
pub(super) fn private_key<'q>(heap: Heap<'q>, key: &PrivateKey) -> Shown<'q> {
    Ok(match key {
        PrivateKey::Ed25519(seed, public) => bytes(heap, &[seed.as_slice(), public].concat()),
        PrivateKey::Curve(_, secret, point) => {
            let mut parts = curve_parts(heap, point)?;
            parts.push(("D", number(heap, secret)?));
            object(heap, &parts)
        }
        PrivateKey::Rsa(numbers) => {
            let [n, e, d, p, q, dp, dq, inverse] = numbers.as_ref();
            let n_of = |n| number(heap, n);
            let computed = object(
                heap,
                &[
                    ("Dp", n_of(dp)?),
                    ("Dq", n_of(dq)?),
                    ("Qinv", n_of(inverse)?),
                    ("CRTValues", heap.array(&[])),
                ],
            );
            let primes = heap.array(&[n_of(p)?, n_of(q)?]);
            object(
                heap,
                &[
                    ("N", n_of(n)?),
                    ("E", n_of(e)?),
                    ("D", n_of(d)?),
                    ("Primes", primes),
                    ("Precomputed", computed),
                ],
            )
        }
    })
}

/// A private key as a JSON web key.
pub(super) fn web_key<'q>(heap: Heap<'q>, key: &PrivateKey) -> Value<'q> {
    let text = |bytes: &[u8]| heap.string(&encode(bytes, Alphabet::Url, false));
    let kind = |name| ("kty", heap.string(name));
    match key {
        PrivateKey::Ed25519(seed, public) => {
            let curve = ("crv", heap.string("Ed25519"));
            object(heap, &[kind("OKP"), curve, ("x", text(public)), ("d", text(seed))])
        }
        PrivateKey::Curve(curve, secret, point) => {
            let (x, y) = coordinates(point);
            let part = |number| text(&padded(number, curve.size()));
            let name = ("crv", heap.string(curve.name()));
            object(heap, &[kind("EC"), name, ("x", part(&x)), ("y", part(&y)), ("d", part(secret))])
        }
        PrivateKey::Rsa(numbers) => {
            let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
            let mut parts = vec![kind("RSA")];
            parts.extend(names.into_iter().zip(numbers.iter()).map(|(name, number)| {
                let digits = number.to_bytes_be().1;
                (name, text(&digits))
            }));
            object(heap, &parts)
        }
    }
}
