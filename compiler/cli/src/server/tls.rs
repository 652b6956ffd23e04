//! TLS of the server: its certificate, read again when it changes, and who clients are by theirs.
//!
//! The surprising fact: nothing is watched. The files are looked at once a second (or as often as the command line says),
//! and connections that are open keep the certificate that they have begun with.

use super::Server;
use crate::commands::run::{Authentication, Run, TlsVersion};
use crate::files;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// What the command line says about TLS.
#[derive(Clone, Debug)]
struct Wanted {
    cert: String,
    key: String,
    authorities: Option<String>,
    clients: bool,
    suites: Vec<String>,
    only_newest: bool,
}

/// The configuration that new connections begin with.
#[derive(Debug)]
pub(crate) struct Tls {
    wanted: Wanted,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads certificate and key, where the command line names them.
    ///
    /// # Errors
    /// What cannot be read or used.
    pub(crate) fn load(args: &Run) -> Result<Option<Self>, String> {
        let given = &args.security;
        let (cert, key) = match (&given.tls_cert_file, &given.tls_private_key_file) {
            (Some(cert), Some(key)) => (plain(cert), plain(key)),
            (None, None) => return Ok(None),
            _ => {
                return Err(
                    "--tls-cert-file and --tls-private-key-file must be specified together".to_owned()
                );
            }
        };
        let wanted = Wanted {
            cert,
            key,
            authorities: given.tls_ca_cert_file.as_deref().map(plain),
            clients: given.authentication == Authentication::Tls,
            suites: given.tls_cipher_suites.clone(),
            only_newest: given.min_tls_version == TlsVersion::V13,
        };
        let config = wanted.read()?;
        Ok(Some(Self { wanted, config: RwLock::new(Arc::new(config)) }))
    }

    /// The configuration for a new connection.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the files again and again.
    pub(crate) async fn watch(self: Arc<Self>, server: Arc<Server>, period: Duration) {
        let period = if period.is_zero() { Duration::from_secs(1) } else { period };
        let mut seen = self.wanted.content();
        loop {
            tokio::time::sleep(period).await;
            let now = self.wanted.content();
            if now == seen {
                continue;
            }
            seen = now;
            match self.wanted.read() {
                Ok(config) => {
                    *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                    server.logger.log(super::log::Level::Debug, "refreshed server certificate", Vec::new());
                }
                // A certificate and its key are rarely replaced at once: the next look finds both.
                Err(why) => server.complain("failed to reload server certificate", &why),
            }
        }
    }
}

fn plain(path: &str) -> String {
    path.strip_prefix("file://").unwrap_or(path).to_owned()
}

fn bytes(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| files::io_problem("open", path, &error).message)
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes(path)?).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{path}: no certificate in it")),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

impl Wanted {
    /// All that is read, to see whether it has changed.
    fn content(&self) -> Vec<Option<Vec<u8>>> {
        let files = [Some(&self.cert), Some(&self.key), self.authorities.as_ref()];
        files.into_iter().flatten().map(|file| std::fs::read(file).ok()).collect()
    }

    fn read(&self) -> Result<ServerConfig, String> {
        let provider = Arc::new(self.provider()?);
        let versions: &[&rustls::SupportedProtocolVersion] = match self.only_newest {
            true => &[&rustls::version::TLS13],
            false => &[&rustls::version::TLS13, &rustls::version::TLS12],
        };
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions).map_err(|error| failed(&error))?;
        let key = bytes(&self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| format!("{}: {error}", self.key))?;
        let builder = match self.clients {
            false => builder.with_no_client_auth(),
            true => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()?), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|error| failed(&error))?)
            }
        };
        let config = builder.with_single_cert(certificates(&self.cert)?, key);
        let mut config = config.map_err(|error| failed(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Whom clients must be certified by: those that are named, or those that the system trusts.
    fn roots(&self) -> Result<RootCertStore, String> {
        let found = match &self.authorities {
            Some(file) => certificates(file)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found);
        Ok(store)
    }

    /// The suites that are named, and those of TLS 1.3, which cannot be chosen.
    fn provider(&self) -> Result<CryptoProvider, String> {
        let mut provider = aws_lc_rs::default_provider();
        if self.suites.is_empty() {
            return Ok(provider);
        }
        let name = |suite: &rustls::SupportedCipherSuite| format!("{:?}", suite.suite());
        if let Some(unknown) = self.suites.iter().find(|wanted| !wanted.starts_with("TLS_")) {
            return Err(format!("invalid cipher suite {unknown}"));
        }
        let newest = |suite: &rustls::SupportedCipherSuite| suite.tls13().is_some();
        provider.cipher_suites.retain(|suite| newest(suite) || self.suites.contains(&name(suite)));
        Ok(provider)
    }
}

/// Certificates as OPA shows them to policies: JSON. Nothing where they cannot be read.
pub(crate) fn shown(chain: &[CertificateDer<'_>]) -> Option<String> {
    use govc_stdlib::{Cache, Context};
    use govc_value::{Arena, Heap, SymbolTable};
    let text: String = chain.iter().map(|certificate| pem(certificate)).collect();
    let arena = Arena::new(16 << 20);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let mut world = super::visit::Visit::new("{}");
    let mut cache = Cache::default();
    let mut context = Context { heap, cache: &mut cache, world: &mut world };
    let call = govc_stdlib::lookup("crypto.x509.parse_certificates")?.call?;
    let parsed = call(&mut context, &[heap.string(&text)]).ok()?;
    // The builtin tells the URIs as texts too; what Go knows of a certificate does not.
    let text = govc_value::json::to_string(parsed);
    let mut all: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(&text).ok()?;
    all.iter_mut().for_each(|certificate| drop(certificate.remove("URIStrings")));
    serde_json::to_string(&all).ok()
}

fn pem(certificate: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).filter_map(|at| text.get(at..text.len().min(at + 64))).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// The name of the first certificate's owner as Go writes it: the last part first.
pub(crate) fn subject(certificates: &str) -> Option<String> {
    let all: Json = serde_json::from_str(certificates).ok()?;
    let subject = all.get(0)?.get("Subject")?;
    let lists = [
        ("PostalCode", "POSTALCODE"),
        ("StreetAddress", "STREET"),
        ("Province", "ST"),
        ("Locality", "L"),
        ("OrganizationalUnit", "OU"),
        ("Organization", "O"),
        ("Country", "C"),
    ];
    let single = [("SerialNumber", "SERIALNUMBER"), ("CommonName", "CN")];
    let mut parts = Vec::new();
    for (field, short) in single {
        let value = subject.get(field).and_then(Json::as_str).filter(|value| !value.is_empty());
        parts.extend(value.map(|value| format!("{short}={}", escaped(value))));
    }
    for (field, short) in lists {
        let values = subject.get(field).and_then(Json::as_array).into_iter().flatten();
        let values: Vec<String> =
            values.filter_map(Json::as_str).map(|value| format!("{short}={}", escaped(value))).collect();
        if !values.is_empty() {
            parts.push(values.join("+"));
        }
    }
    Some(parts.join(","))
}

/// A value in a name (RFC 2253).
fn escaped(value: &str) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        let edge = (c == ' ' && (at == 0 || at == last)) || (c == '#' && at == 0);
        if edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_go_does() {
        let json = r#"[{"Subject":{"Country":["GB"],"Organization":["Example, Org"],"OrganizationalUnit":["A","B"],"CommonName":"x"}}]"#;
        assert_eq!(subject(json).as_deref(), Some("CN=x,OU=A+OU=B,O=Example\\, Org,C=GB"));
    }
}
