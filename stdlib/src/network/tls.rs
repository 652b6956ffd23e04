//! Whom a request trusts, and as whom it is sent.
//!
//! The one surprising fact: certificates that a request brings are trusted instead of the system's, unless
//! it asks for both.

use super::request::{flag, text};
use super::{Done, refuse};
use govc_value::Object;
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// The settings of a request.
///
/// # Errors
/// Where certificates or keys cannot be read.
pub(super) fn config(request: Object<'_>) -> Done<TlsConfig> {
    let config = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .disable_verification(flag(request, "tls_insecure_skip_verify", false)?)
        .root_certs(roots(request)?)
        .client_cert(own(request)?);
    Ok(config.build())
}

/// A PEM text that a request holds itself, or names as a file or a variable of the environment.
fn pem(request: Object<'_>, name: &str) -> Done<Option<String>> {
    let inline = text(request, name)?;
    if !inline.is_empty() {
        return Ok(Some(inline.replace("\\n", "\n")));
    }
    let file = text(request, &format!("{name}_file"))?;
    if !file.is_empty() {
        let read = std::fs::read_to_string(file);
        return read.map(Some).or_else(|error| refuse(format!("open {file}: {error}")));
    }
    let variable = text(request, &format!("{name}_env_variable"))?;
    Ok((!variable.is_empty()).then(|| std::env::var(variable).unwrap_or_default()))
}

fn certificates(pem: &str) -> Vec<Certificate<'static>> {
    let certificate = |item: Result<PemItem<'static>, ureq::Error>| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    parse_pem(pem.as_bytes()).filter_map(certificate).collect()
}

fn roots(request: Object<'_>) -> Done<RootCerts> {
    let given = pem(request, "tls_ca_cert")?;
    let mut trusted = Vec::new();
    if given.is_none() || flag(request, "tls_use_system_certs", false)? {
        let system = rustls_native_certs::load_native_certs().certs;
        trusted.extend(system.iter().map(|certificate| Certificate::from_der(certificate).to_owned()));
    }
    if let Some(given) = given {
        let own = certificates(&given);
        if own.is_empty() {
            return refuse("could not append certificates");
        }
        trusted.extend(own);
    }
    Ok(RootCerts::new_with_certs(&trusted))
}

fn own(request: Object<'_>) -> Done<Option<ClientCert>> {
    let (Some(chain), Some(key)) = (pem(request, "tls_client_cert")?, pem(request, "tls_client_key")?) else {
        return Ok(None);
    };
    let chain = certificates(&chain);
    if chain.is_empty() {
        return refuse("tls: failed to find any PEM data in certificate input");
    }
    match PrivateKey::from_pem(key.as_bytes()) {
        Ok(key) => Ok(Some(ClientCert::new_with_certs(&chain, key))),
        Err(_) => refuse("tls: failed to find any PEM data in key input"),
    }
}
