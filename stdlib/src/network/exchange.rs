//! One exchange with a server, with its attempts and its faults.

use super::request::{flag, message, retries, timeout, title};
use super::response::Received;
use super::route::{Allowed, Route};
use super::{Done, Fault, tls};
use crate::go::url::{self, Url};
use govc_value::Object;
use std::io::ErrorKind;
use std::time::Duration;
use ureq::http::{HeaderName, HeaderValue, Response};
use ureq::{Agent, Body};

/// Redirections that are followed where a request wants it.
const MAX_REDIRECTS: u32 = 10;
/// Bytes that the body of a response may have.
const MAX_BODY: u64 = 256 << 20;
/// The pauses between attempts, as OPA's.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// A request on its way, as often as it takes.
pub(super) struct Exchange<'q> {
    pub(super) request: Object<'q>,
    pub(super) method: &'q str,
    /// The address as the policy wrote it, which faults name.
    pub(super) url: &'q str,
    pub(super) route: Route,
}

impl Exchange<'_> {
    /// Sends the request, with headers beside its own.
    ///
    /// # Errors
    /// Where there is no response.
    pub(super) fn run(&self, allowed: &Allowed, more: &[(HeaderName, HeaderValue)]) -> Done<Received> {
        let agent = self.agent(allowed)?;
        let (retries, timeout) = (retries(self.request)?, timeout(self.request)?);
        let mut attempt = 0;
        loop {
            let mut message = message(self.request, self.method, &self.route)?;
            message.headers_mut().extend(more.iter().cloned());
            match agent.run(message) {
                Ok(response) => return self.read(response),
                Err(error) if attempt >= retries => return Err(self.failure(&error)),
                Err(_) => std::thread::sleep(pause(attempt).min(timeout)),
            }
            attempt += 1;
        }
    }

    fn agent(&self, allowed: &Allowed) -> Done<Agent> {
        let redirects = if flag(self.request, "enable_redirect", false)? { MAX_REDIRECTS } else { 0 };
        let timeout = timeout(self.request)?;
        let config = Agent::config_builder()
            .timeout_global((!timeout.is_zero()).then_some(timeout))
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(redirects)
            .max_redirects_will_error(redirects > 0)
            .user_agent(concat!("govc/", env!("CARGO_PKG_VERSION")))
            .accept("");
        let resolver = self.route.resolver(allowed);
        #[cfg(unix)]
        if let Some(socket) = &self.route.socket {
            let connector = super::socket::SocketConnector(socket.clone());
            return Ok(Agent::with_parts(config.build(), connector, resolver));
        }
        let config = config.tls_config(tls::config(self.request)?).build();
        Ok(Agent::with_parts(config, ureq::unversioned::transport::DefaultConnector::default(), resolver))
    }

    fn read(&self, mut response: Response<Body>) -> Done<Received> {
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let body = body.map_err(|error| self.failure(&error))?;
        let (parts, _) = response.into_parts();
        Ok(Received { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    fn failure(&self, error: &ureq::Error) -> Fault {
        let (method, url) = (title(self.method), crate::go::quote(self.url));
        match error {
            ureq::Error::Timeout(_) => Fault::Late(method, self.url.to_owned()),
            ureq::Error::Io(io) => Fault::Network(format!("{method} {url}: {}", self.refusal(io))),
            ureq::Error::Other(why) => Fault::Network(format!("{method} {url}: {why}")),
            error => Fault::Network(format!("{method} {url}: {error}")),
        }
    }

    /// What Go says when there is nobody.
    fn refusal(&self, error: &std::io::Error) -> String {
        let why = match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused",
            ErrorKind::NotFound if self.route.socket.is_some() => "no such file or directory",
            _ => return error.to_string(),
        };
        match &self.route.socket {
            Some(socket) => format!("dial unix {}: connect: {why}", socket.display()),
            None => {
                let host = url::parse(self.url).map(|url| with_port(&url)).unwrap_or_default();
                format!("dial tcp {host}: connect: {why}")
            }
        }
    }
}

fn with_port(url: &Url) -> String {
    match (url.port(), url.scheme.as_str()) {
        ("", "https") => format!("{}:443", url.host),
        ("", _) => format!("{}:80", url.host),
        _ => url.host.clone(),
    }
}

fn pause(attempt: usize) -> Duration {
    let factor = 2u32.saturating_pow(u32::try_from(attempt).unwrap_or(u32::MAX));
    MIN_PAUSE.saturating_mul(factor).min(MAX_PAUSE)
}
