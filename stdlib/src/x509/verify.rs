//! Whether certificates lead from a leaf to a root.
//!
//! The one surprising fact: a chain that names policies or constrains names is answered with a clear "not
//! yet" instead of a guess, wherever these could decide.

use super::certificate::Certificate;
use super::extensions::Extensions;
use super::keys::{Curve, PublicKey};
use crate::BuiltinError;
use aws_lc_rs::signature::{self as sign, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use std::net::IpAddr;

/// What is asked of a chain.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) dns_name: String,
    /// Seconds since 1970.
    pub(super) now: i64,
    /// Nanoseconds of the second.
    pub(super) now_nanoseconds: i64,
    /// By the numbers that Go gives them; server authentication where there are none.
    pub(super) usages: Vec<i64>,
}

type Chain = Vec<usize>;

/// The chain from the last certificate over those between to the first one, as positions; absent where
/// there is none.
///
/// # Errors
/// Where name constraints or policies would decide.
pub(super) fn chain(
    certificates: &[Certificate<'_>],
    options: &Options,
) -> Result<Option<Chain>, BuiltinError> {
    let [_, .., leaf] = certificates else { return Ok(None) };
    let named = options.dns_name.is_empty() || fits_name(&leaf.known, &options.dns_name);
    if !is_valid(leaf, &[], options) || !named {
        return Ok(None);
    }
    let mut search = Search { certificates, options, found: Vec::new(), steps: 0 };
    let last = certificates.len() - 1;
    if certificates.first().is_some_and(|root| root.raw == leaf.raw) {
        search.found.push(vec![last]);
    } else {
        search.extend(&[last]);
    }
    for chain in search.found {
        let parts: Vec<_> = chain.iter().filter_map(|at| certificates.get(*at)).collect();
        if needs_more_than_we_have(&parts) {
            let what = "policies and name constraints of certificates are not judged yet";
            return Err(BuiltinError::Unsupported(what.to_owned()));
        }
        if usages_fit(&parts, &options.usages) {
            return Ok(Some(chain));
        }
    }
    Ok(None)
}

fn needs_more_than_we_have(chain: &[&Certificate<'_>]) -> bool {
    let requires = |known: &Extensions| {
        known.require_policy.is_some() || !known.permitted.is_empty() || !known.excluded.is_empty()
    };
    chain.iter().any(|certificate| requires(&certificate.known))
}

/// Signature checks that one call may take, as Go allows.
const MAX_STEPS: usize = 100;

struct Search<'s, 'd> {
    certificates: &'s [Certificate<'d>],
    options: &'s Options,
    found: Vec<Chain>,
    steps: usize,
}

impl Search<'_, '_> {
    fn at(&self, position: usize) -> Option<&Certificate<'_>> {
        self.certificates.get(position)
    }

    /// Finds the chains that begin with one.
    fn extend(&mut self, chain: &[usize]) {
        let Some(child) = chain.last().copied() else { return };
        for parent in 0..self.certificates.len() - 1 {
            if self.steps >= MAX_STEPS {
                return;
            }
            if !self.follows(chain, child, parent) {
                continue;
            }
            let longer = [chain, &[parent]].concat();
            match parent {
                0 => self.found.push(longer),
                _ => self.extend(&longer),
            }
        }
    }

    fn follows(&mut self, chain: &[usize], child: usize, parent: usize) -> bool {
        let (Some(child), Some(candidate)) = (self.at(child), self.at(parent)) else { return false };
        let same = |other: &Certificate<'_>| {
            other.raw_subject == candidate.raw_subject
                && other.raw_key == candidate.raw_key
                && other.known.dns_names == candidate.known.dns_names
        };
        let members: Vec<_> = chain.iter().filter_map(|at| self.at(*at)).collect();
        if child.raw_issuer != candidate.raw_subject || members.iter().any(|other| same(other)) {
            return false;
        }
        let authority = parent == 0 || candidate.known.has_basic_constraints && candidate.known.is_authority;
        let valid = authority && is_valid(candidate, &members, self.options) && has_signed(candidate, child);
        self.steps += 1;
        valid
    }
}

/// Its time is now, it is understood, and the chain so far is not too long for it.
fn is_valid(certificate: &Certificate<'_>, chain: &[&Certificate<'_>], options: &Options) -> bool {
    let known = &certificate.known;
    let expired = (certificate.not_after, 0) < (options.now, options.now_nanoseconds);
    let early = options.now < certificate.not_before;
    let between = i64::try_from(chain.len()).unwrap_or(i64::MAX) - 1;
    let too_long = known.has_basic_constraints && known.max_path >= 0 && between > known.max_path;
    known.unhandled.is_empty() && !expired && !early && !too_long
}

const SIGNS_CERTIFICATES: i64 = 1 << 5;

fn has_signed(parent: &Certificate<'_>, child: &Certificate<'_>) -> bool {
    let known = &parent.known;
    let authority = if known.has_basic_constraints { known.is_authority } else { parent.version != 3 };
    let may_sign = known.key_usage == 0 || known.key_usage & SIGNS_CERTIFICATES != 0;
    authority && may_sign && verifies(child.algorithm.0, &parent.key, child.raw_body, &child.signature)
}

fn verifies(algorithm: i64, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match (key, algorithm) {
        (PublicKey::Rsa { modulus, exponent }, _) => {
            let parameters = match algorithm {
                4 => &sign::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                5 => &sign::RSA_PKCS1_2048_8192_SHA384,
                6 => &sign::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                13 => &sign::RSA_PSS_2048_8192_SHA256,
                14 => &sign::RSA_PSS_2048_8192_SHA384,
                15 => &sign::RSA_PSS_2048_8192_SHA512,
                _ => return false,
            };
            let (n, e) = (modulus.to_bytes_be().1, exponent.to_bytes_be().1);
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        }
        (PublicKey::Ed25519(key), 16) => {
            UnparsedPublicKey::new(&sign::ED25519, key).verify(message, signature).is_ok()
        }
        (PublicKey::Curve(curve, point), _) => {
            let Some(algorithm) = curve_algorithm(*curve, algorithm) else { return false };
            UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
        }
        _ => false,
    }
}

fn curve_algorithm(curve: Curve, algorithm: i64) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, algorithm) {
        (Curve::P256, 10) => &sign::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, 11) => &sign::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, 12) => &sign::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, 10) => &sign::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, 11) => &sign::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, 12) => &sign::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, 10) => &sign::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, 11) => &sign::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, 12) => &sign::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

const ANY: i64 = 0;
const SERVER: i64 = 1;

/// Some wanted usage is allowed by every certificate of the chain.
fn usages_fit(chain: &[&Certificate<'_>], wanted: &[i64]) -> bool {
    let mut left = if wanted.is_empty() { vec![SERVER] } else { wanted.to_vec() };
    if left.contains(&ANY) {
        return true;
    }
    for certificate in chain.iter().rev() {
        let (known, unknown) = (&certificate.known.usages, &certificate.known.unknown_usages);
        let unlimited = known.is_empty() && unknown.is_empty() || known.contains(&ANY);
        left.retain(|usage| unlimited || known.contains(usage));
    }
    !left.is_empty()
}

fn fits_name(known: &Extensions, wanted: &str) -> bool {
    let bare = wanted.strip_prefix('[').and_then(|name| name.strip_suffix(']')).filter(|name| name.len() > 1);
    if let Ok(address) = bare.unwrap_or(wanted).parse::<IpAddr>() {
        return known.addresses.iter().any(|own| own.to_canonical() == address.to_canonical());
    }
    let wanted = wanted.to_ascii_lowercase();
    known.dns_names.iter().any(|own| matches_name(&own.to_ascii_lowercase(), &wanted))
}

/// A name fits itself, or a pattern whose first label is `*`.
fn matches_name(pattern: &str, name: &str) -> bool {
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains("..");
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels: Vec<_> = name.split('.').collect();
    let wanted: Vec<_> = pattern.split('.').collect();
    if labels.len() != wanted.len() || !plain(pattern) || !plain(name) {
        return false;
    }
    let fits = |(at, (wanted, label)): (usize, (&&str, &&str))| at == 0 && *wanted == "*" || wanted == label;
    wanted.iter().zip(&labels).enumerate().all(fits)
}
