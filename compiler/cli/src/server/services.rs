//! Services of the configuration: where bundles come from, and where logs and statuses go.

use crate::files;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::WithoutBody;
use ureq::{Agent, RequestBuilder};

/// A service that requests go to.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    url: String,
    headers: Vec<(String, String)>,
    token: Token,
    agent: Agent,
}

/// What the service knows us by.
#[derive(Clone, Debug)]
enum Token {
    None,
    /// The value of the header `Authorization`.
    Given(String),
    /// The file that holds the token, which may change, and the word before it.
    File(String, String),
}

/// What a service answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// All services by name.
pub(crate) type Services = BTreeMap<String, Service>;

/// Reads the services of a configuration.
///
/// # Errors
/// One is not what a service must be, or wants what this build does not do.
pub(crate) fn read(config: &Json) -> Result<Services, String> {
    let mut found = Services::new();
    match config.get("services") {
        Some(Json::Object(services)) => {
            for (name, service) in services {
                found.insert(name.clone(), Service::read(name, service)?);
            }
        }
        Some(Json::Array(services)) => {
            for service in services {
                let name = text(service, "name").unwrap_or_default();
                found.insert(name.clone(), Service::read(&name, service)?);
            }
        }
        _ => {}
    }
    Ok(found)
}

fn text(from: &Json, name: &str) -> Option<String> {
    from.get(name).and_then(Json::as_str).map(str::to_owned)
}

impl Service {
    fn read(name: &str, config: &Json) -> Result<Self, String> {
        let url = text(config, "url").unwrap_or_default().trim_end_matches('/').to_owned();
        let headers = config.get("headers").and_then(Json::as_object);
        let headers = headers.into_iter().flatten();
        let headers = headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let timeout = config.get("response_header_timeout_seconds").and_then(Json::as_u64).unwrap_or(10);
        Ok(Self {
            url,
            headers: headers.collect(),
            token: token(name, config.get("credentials"))?,
            agent: agent(config, timeout)?,
        })
    }

    fn authorization(&self) -> Result<Option<String>, String> {
        match &self.token {
            Token::None => Ok(None),
            Token::Given(value) => Ok(Some(value.clone())),
            Token::File(path, scheme) => {
                let read = std::fs::read_to_string(path);
                let token = read.map_err(|error| files::io_problem("open", path, &error).message)?;
                Ok(Some(format!("{scheme} {}", token.trim())))
            }
        }
    }

    /// Gets a resource of at most `limit` bytes.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)], limit: u64) -> Result<Answer, String> {
        self.ask(self.agent.get(self.place(path)), headers, limit)
    }

    /// Gets a document that the service may hold back for as long as it was asked to.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) fn wait_for(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        limit: u64,
    ) -> Result<Answer, String> {
        let request = self.agent.get(self.place(path)).config().timeout_recv_response(None).build();
        self.ask(request, headers, limit)
    }

    fn ask(
        &self,
        mut request: RequestBuilder<WithoutBody>,
        headers: &[(&str, &str)],
        limit: u64,
    ) -> Result<Answer, String> {
        for (name, value) in
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(headers.iter().copied())
        {
            request = request.header(name, value);
        }
        if let Some(value) = self.authorization()? {
            request = request.header("Authorization", value);
        }
        answer(request.call(), limit)
    }

    /// Sends a body.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, String> {
        let mut request = self.agent.post(self.place(path));
        for (name, value) in
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(headers.iter().copied())
        {
            request = request.header(name, value);
        }
        if let Some(value) = self.authorization()? {
            request = request.header("Authorization", value);
        }
        answer(request.send(body), 1 << 20)
    }

    fn place(&self, path: &str) -> String {
        format!("{}/{}", self.url, path.trim_start_matches('/'))
    }
}

fn answer(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    limit: u64,
) -> Result<Answer, String> {
    let mut response = response.map_err(|error| format!("request failed: {error}"))?;
    let header = |name: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (etag, content_type) = (header("etag"), header("content-type"));
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    Ok(Answer { status, etag, content_type, body: body.map_err(|error| error.to_string())? })
}

fn token(name: &str, credentials: Option<&Json>) -> Result<Token, String> {
    let Some(credentials) = credentials.and_then(Json::as_object) else { return Ok(Token::None) };
    for (kind, config) in credentials {
        match kind.as_str() {
            "bearer" => {
                let scheme = text(config, "scheme").unwrap_or_else(|| "Bearer".to_owned());
                return match (text(config, "token"), text(config, "token_path")) {
                    (Some(token), None) => Ok(Token::Given(format!("{scheme} {token}"))),
                    (None, Some(path)) => Ok(Token::File(path, scheme)),
                    (Some(_), Some(_)) => Err(
                        "invalid config: specify a value for either the \"token\" or \"token_path\" field"
                            .to_owned(),
                    ),
                    (None, None) => Ok(Token::None),
                };
            }
            // Read where the connection is made.
            "client_tls" => {}
            other => {
                return Err(format!(
                    "govc_not_yet: service {}: credentials of the kind `{other}` are not supported yet",
                    crate::output::quote(name)
                ));
            }
        }
    }
    Ok(Token::None)
}

/// What sends requests to a service with such a configuration.
pub(crate) fn agent(config: &Json, timeout: u64) -> Result<Agent, String> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .disable_verification(config.get("allow_insecure_tls").and_then(Json::as_bool).unwrap_or(false))
        .root_certs(roots(config)?)
        .client_cert(own(config)?)
        .build();
    let timeout = (timeout > 0).then(|| Duration::from_secs(timeout));
    let agent = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_recv_response(timeout)
        .user_agent(concat!("govc/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(agent.new_agent())
}

fn certificates(file: &str) -> Result<Vec<Certificate<'static>>, String> {
    let text = std::fs::read(file).map_err(|error| files::io_problem("open", file, &error).message)?;
    let found: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(format!("{file}: no certificate in it")) } else { Ok(found) }
}

fn roots(config: &Json) -> Result<RootCerts, String> {
    let tls = config.get("tls");
    let given = tls.and_then(|tls| text(tls, "ca_cert"));
    let system = tls.and_then(|tls| tls.get("system_ca_required")).and_then(Json::as_bool);
    let mut trusted = Vec::new();
    if given.is_none() || system == Some(true) {
        let system = rustls_native_certs::load_native_certs().certs;
        trusted.extend(system.iter().map(|certificate| Certificate::from_der(certificate).to_owned()));
    }
    if let Some(file) = given {
        trusted.extend(certificates(&file)?);
    }
    Ok(RootCerts::new_with_certs(&trusted))
}

fn own(config: &Json) -> Result<Option<ClientCert>, String> {
    let Some(tls) = config.pointer("/credentials/client_tls") else { return Ok(None) };
    let (Some(cert), Some(key)) = (text(tls, "cert"), text(tls, "private_key")) else {
        return Err("client certificate is needed when client TLS is enabled".to_owned());
    };
    let chain = certificates(&cert)?;
    let pem = std::fs::read(&key).map_err(|error| files::io_problem("open", &key, &error).message)?;
    let key = PrivateKey::from_pem(&pem).map_err(|error| error.to_string())?;
    Ok(Some(ClientCert::new_with_certs(&chain, key)))
}
