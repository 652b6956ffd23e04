//! X.509 certificates, requests for them, and private keys.
//!
//! The one surprising fact: of the certificates to verify the first is the root and the last the leaf, and
//! whatever is wrong with them is the answer "no", not an error.

mod certificate;
mod der;
mod extensions;
mod keys;
mod name;
mod pem;
mod shown;
mod verify;

use crate::encoding::base64::{Alphabet, decode};
use crate::operand::{arg, failed, object, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use certificate::{Certificate, Request};
use govc_value::{Heap, Number, Object, Value};
use keys::{PrivateKey, PublicKey};
use verify::Options;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "crypto.parse_private_keys",
        &[("keys", "string")],
        Some("array[object[string: any]]"),
        "Private keys of PEM blocks.",
    )
    .calls(crypto_parse_private_keys),
    Builtin::new(
        "crypto.x509.parse_and_verify_certificates",
        &[("certs", "string")],
        Some("array<boolean, array[object[string: any]]>"),
        "Certificates of a chain, and whether it verifies.",
    )
    .calls(crypto_x509_parse_and_verify_certificates),
    Builtin::new(
        "crypto.x509.parse_and_verify_certificates_with_options",
        &[("certs", "string"), ("options", "object[string: any]")],
        Some("array<boolean, array[object[string: any]]>"),
        "Certificates of a chain, and whether it verifies under options.",
    )
    .calls(crypto_x509_parse_and_verify_certificates_with_options),
    Builtin::new(
        "crypto.x509.parse_certificate_request",
        &[("csr", "string")],
        Some("object[string: any]"),
        "Fields of a PKCS #10 request.",
    )
    .calls(crypto_x509_parse_certificate_request),
    Builtin::new(
        "crypto.x509.parse_certificates",
        &[("certs", "string")],
        Some("array[object[string: any]]"),
        "Fields of certificates.",
    )
    .calls(crypto_x509_parse_certificates),
    Builtin::new(
        "crypto.x509.parse_keypair",
        &[("cert", "string"), ("pem", "string")],
        Some("object[string: any]"),
        "Fields of a certificate with its private key.",
    )
    .calls(crypto_x509_parse_keypair),
    Builtin::new(
        "crypto.x509.parse_rsa_private_key",
        &[("pem", "string")],
        Some("object[string: any]"),
        "RSA private key as a JSON web key.",
    )
    .calls(crypto_x509_parse_rsa_private_key),
];

const OPENING: &str = "-----BEGIN";

/// Base 64 as OPA reads it: lines may be broken.
fn base64(text: &str) -> Result<Vec<u8>, BuiltinError> {
    decode(text.as_bytes(), Alphabet::Standard, true)
        .map_err(|at| BuiltinError::Failed(format!("illegal base64 data at input byte {at}")))
}

fn refused(text: String) -> BuiltinError {
    BuiltinError::Failed(text)
}

/// The DER of certificates in PEM, base 64 of PEM, or base 64 of DER.
fn certificates_der(text: &str) -> Result<Vec<u8>, BuiltinError> {
    if text.starts_with(OPENING) {
        return certificates_of_pem(text);
    }
    let bytes = base64(text)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.starts_with(OPENING) => certificates_of_pem(text),
        _ => Ok(bytes),
    }
}

fn certificates_of_pem(text: &str) -> Result<Vec<u8>, BuiltinError> {
    let (mut rest, mut der) = (text, Vec::new());
    while let Some((block, after)) = pem::next(rest) {
        if block.kind != "CERTIFICATE" {
            return failed(format!("PEM block type is '{}', expected CERTIFICATE", block.kind));
        }
        der.extend(block.content);
        rest = after;
    }
    Ok(der)
}

fn show_all<'q>(heap: Heap<'q>, all: &[&Certificate<'_>], with_uri_texts: bool) -> Answer<'q> {
    let shown = all.iter().map(|one| shown::certificate(heap, one, with_uri_texts));
    Ok(heap.array(&shown.collect::<Result<Vec<_>, _>>()?))
}

fn crypto_x509_parse_certificates<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let der = certificates_der(string(arg(args, 0), 1)?)?;
    let all = certificate::read_all(&der).map_err(refused)?;
    show_all(context.heap, &all.iter().collect::<Vec<_>>(), true)
}

fn verified<'q>(heap: Heap<'q>, text: &str, options: &Options, with_uri_texts: bool) -> Answer<'q> {
    let unverified = || heap.array(&[Value::bool(false), heap.array(&[])]);
    let Ok(der) = certificates_der(text) else { return Ok(unverified()) };
    let Ok(all) = certificate::read_all(&der) else { return Ok(unverified()) };
    let Some(chain) = verify::chain(&all, options)? else { return Ok(unverified()) };
    let chain: Vec<_> = chain.iter().filter_map(|at| all.get(*at)).collect();
    Ok(heap.array(&[Value::bool(true), show_all(heap, &chain, with_uri_texts)?]))
}

fn at(nanoseconds: i64) -> Options {
    let (now, rest) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    Options { now, now_nanoseconds: rest, ..Options::default() }
}

fn crypto_x509_parse_and_verify_certificates<'q>(
    context: &mut Context<'_, 'q>,
    args: &[Value<'q>],
) -> Answer<'q> {
    let options = at(context.world.now_ns());
    verified(context.heap, string(arg(args, 0), 1)?, &options, true)
}

fn crypto_x509_parse_and_verify_certificates_with_options<'q>(
    context: &mut Context<'_, 'q>,
    args: &[Value<'q>],
) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let given = object(arg(args, 1), 2)?;
    let readable =
        certificates_der(text).and_then(|der| certificate::read_all(&der).map(drop).map_err(refused));
    if readable.is_err() {
        return Ok(context.heap.array(&[Value::bool(false), context.heap.array(&[])]));
    }
    let options = options(given, context.world.now_ns())?;
    verified(context.heap, text, &options, false)
}

fn options(given: Object<'_>, now: i64) -> Result<Options, BuiltinError> {
    let mut options = at(now);
    for (key, value) in given.iter() {
        match key.as_str() {
            None => {}
            Some("DNSName") => {
                let Some(name) = value.as_str() else { return failed("'DNSName' should be a string") };
                name.trim_matches('"').clone_into(&mut options.dns_name);
            }
            Some("CurrentTime") => {
                let time = match value.as_number() {
                    None => return failed("'CurrentTime' should be a number"),
                    Some(Number::Int(time)) => time,
                    Some(_) => return failed("'CurrentTime' should be a valid int64 number"),
                };
                options = Options { dns_name: options.dns_name, usages: options.usages, ..at(time) };
            }
            Some("MaxConstraintComparisons") => match value.as_number() {
                None => return failed("'MaxConstraintComparisons' should be a number"),
                Some(Number::Int(_)) => {}
                Some(_) => return failed("'MaxConstraintComparisons' should be a valid number"),
            },
            Some("KeyUsages") => options.usages = usages(value)?,
            Some(_) => return failed("invalid key option"),
        }
    }
    Ok(options)
}

/// The names that OPA gives the usages of Go.
const USAGES: [&str; 14] = [
    "KeyUsageAny",
    "KeyUsageServerAuth",
    "KeyUsageClientAuth",
    "KeyUsageCodeSigning",
    "KeyUsageEmailProtection",
    "KeyUsageIPSECEndSystem",
    "KeyUsageIPSECTunnel",
    "KeyUsageIPSECUser",
    "KeyUsageTimeStamping",
    "KeyUsageOCSPSigning",
    "KeyUsageMicrosoftServerGatedCrypto",
    "KeyUsageNetscapeServerGatedCrypto",
    "KeyUsageMicrosoftCommercialCodeSigning",
    "KeyUsageMicrosoftKernelCodeSigning",
];

fn usages(value: Value<'_>) -> Result<Vec<i64>, BuiltinError> {
    let Some(names) = crate::operand::elements(value) else {
        return failed("'KeyUsages' should be an Array or Set");
    };
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names.iter().filter_map(|name| name.as_str()) {
        let name = name.trim_matches('"');
        match USAGES.iter().position(|known| *known == name).and_then(|at| i64::try_from(at).ok()) {
            Some(usage) => found.push(usage),
            None => unknown.push(name),
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    failed(format!("invalid entries for 'KeyUsages' found: [{}]", unknown.join(" ")))
}

fn crypto_x509_parse_certificate_request<'q>(
    context: &mut Context<'_, 'q>,
    args: &[Value<'q>],
) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    let mut bytes = text.as_bytes().to_vec();
    if !text.starts_with("-----BEGIN CERTIFICATE REQUEST-----") {
        bytes = base64(text)?;
    }
    if let Some((block, _)) = std::str::from_utf8(&bytes).ok().and_then(pem::next) {
        if block.kind != "CERTIFICATE REQUEST" {
            return failed("invalid PEM-encoded certificate signing request");
        }
        bytes = block.content;
    }
    shown::request(context.heap, &Request::read(&bytes).map_err(refused)?)
}

/// The private keys among PEM blocks.
fn private_keys(text: &str) -> Result<Vec<PrivateKey>, BuiltinError> {
    let decoded = base64(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (mut rest, mut found) = (decoded.as_deref().unwrap_or(text), Vec::new());
    while let Some((block, after)) = pem::next(rest) {
        let key = match block.kind {
            "RSA PRIVATE KEY" => Some(PrivateKey::pkcs1(&block.content)),
            "PRIVATE KEY" => Some(PrivateKey::pkcs8(&block.content)),
            "EC PRIVATE KEY" => Some(PrivateKey::sec1(&block.content, None)),
            _ => None,
        };
        found.extend(key.transpose().map_err(refused)?);
        rest = after;
    }
    Ok(found)
}

fn crypto_parse_private_keys<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    if text.is_empty() {
        return Ok(Value::null());
    }
    let keys = private_keys(text)?;
    let shown = keys.iter().map(|key| shown::private_key(context.heap, key));
    Ok(context.heap.array(&shown.collect::<Result<Vec<_>, _>>()?))
}

fn crypto_x509_parse_rsa_private_key<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    if text.is_empty() {
        return failed("input PEM data was empty");
    }
    if !text.starts_with(OPENING) {
        base64(text)?;
    }
    let keys = private_keys(text)?;
    Ok(keys.first().map_or(Value::null(), |key| shown::web_key(context.heap, key)))
}

/// PEM text, or DER that base 64 holds.
enum Given {
    Pem(String),
    Der(Vec<u8>),
}

fn given(text: &str) -> Result<Given, BuiltinError> {
    if text.starts_with("-----BEGIN ") {
        return Ok(Given::Pem(text.to_owned()));
    }
    Ok(match String::from_utf8(base64(text)?) {
        Ok(text) if text.starts_with("-----BEGIN ") => Given::Pem(text),
        Ok(text) => Given::Der(text.into_bytes()),
        Err(bytes) => Given::Der(bytes.into_bytes()),
    })
}

/// The contents of the wanted blocks, and the kinds of the others.
fn blocks(given: Given, wanted: impl Fn(&str) -> bool) -> (Vec<Vec<u8>>, Vec<String>) {
    let text = match given {
        Given::Der(der) => return (vec![der], Vec::new()),
        Given::Pem(text) => text,
    };
    let (mut rest, mut found, mut others) = (text.as_str(), Vec::new(), Vec::new());
    while let Some((block, after)) = pem::next(rest) {
        if wanted(block.kind) {
            found.push(block.content);
        } else {
            others.push(block.kind.to_owned());
        }
        rest = after;
    }
    (found, others)
}

fn is_key(kind: &str) -> bool {
    kind == "PRIVATE KEY" || kind.ends_with(" PRIVATE KEY")
}

fn no_certificate(others: &[String]) -> String {
    match others {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [kind] if is_key(kind) => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; \
             PEM inputs may have been switched"
                .to_owned()
        }
        kinds => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the \
             following types: [{}]",
            kinds.join(" ")
        ),
    }
}

fn no_key(others: &[String]) -> String {
    match others {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [kind] if kind == "CERTIFICATE" => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        kinds => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM \
             blocks of the following types: [{}]",
            kinds.join(" ")
        ),
    }
}

fn crypto_x509_parse_keypair<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (certificates, key) = (string(arg(args, 0), 1)?, string(arg(args, 1), 1)?);
    let (certificates, key) = (given(certificates)?, given(key)?);
    let heap = context.heap;
    let (ders, others) = blocks(certificates, |kind| kind == "CERTIFICATE");
    let first = ders.first().ok_or_else(|| refused(no_certificate(&others)))?;
    let (keys, others) = blocks(key, is_key);
    let key = keys.first().ok_or_else(|| refused(no_key(&others)))?;
    let all = certificate::read_all(first).map_err(refused)?;
    let [leaf] = all.as_slice() else { return failed("x509: trailing data") };
    let key = PrivateKey::pkcs1(key)
        .or_else(|_| PrivateKey::pkcs8(key))
        .or_else(|_| PrivateKey::sec1(key, None))
        .map_err(|_| refused("tls: failed to parse private key".to_owned()))?;
    check_pair(&leaf.key, &key)?;
    let chain: Vec<_> = ders.iter().map(|der| shown::bytes(heap, der)).collect();
    Ok(shown::object(
        heap,
        &[
            ("Certificate", heap.array(&chain)),
            ("PrivateKey", shown::private_key(heap, &key)?),
            ("SupportedSignatureAlgorithms", Value::null()),
            ("OCSPStaple", Value::null()),
            ("SignedCertificateTimestamps", Value::null()),
            ("Leaf", shown::certificate(heap, leaf, false)?),
        ],
    ))
}

fn check_pair(public: &PublicKey, private: &PrivateKey) -> Result<(), BuiltinError> {
    let own = private.public();
    if matches!(public, PublicKey::Unknown | PublicKey::Dsa { .. }) {
        return failed("tls: unknown public key algorithm");
    }
    if own.algorithm() != public.algorithm() {
        return failed("tls: private key type does not match public key type");
    }
    if own != *public {
        return failed("tls: private key does not match public key");
    }
    Ok(())
}
