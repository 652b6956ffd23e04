//! Where a request goes.
//!
//! The one surprising fact: a request with a server name of its own goes to an address with that name, and the name is
//! resolved as the host that was asked for. So the name is what TLS shows and checks.

use super::request::{headers, text, title};
use super::{Done, Fault, refuse};
use crate::go::url::{self, Url};
use govc_value::Object;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Hosts that may be asked; all where absent (`allow_net` of OPA's capabilities).
pub(super) type Allowed = Option<Arc<BTreeSet<String>>>;

/// The way of one request.
#[derive(Debug)]
pub(super) struct Route {
    /// The address as the client is given it.
    pub(super) url: String,
    /// The header `Host` where it is not the host of the address.
    pub(super) host: Option<String>,
    /// The socket of this machine that stands in for the network.
    pub(super) socket: Option<PathBuf>,
    /// A name that stands in for another host.
    renamed: Option<(String, Authority)>,
}

/// Finds the way of a request.
///
/// # Errors
/// Where the address cannot be read, or its host must not be asked.
pub(super) fn find(request: Object<'_>, method: &str, url: &str, allowed: &Allowed) -> Done<Route> {
    let parsed = url::parse(url).map_err(Fault::Request)?;
    let host = parsed.host.split(':').next().unwrap_or_default();
    if allowed.as_ref().is_some_and(|hosts| !hosts.contains(host)) {
        return refuse(Disallowed(host.to_owned()).to_string());
    }
    if let Some((url, socket)) = through_socket(&parsed) {
        return Ok(Route { url, host: None, socket: Some(socket), renamed: None });
    }
    let plain = plain_address(method, url, &parsed)?;
    let own = headers(request)?.into_iter().find(|(name, _)| *name == "Host").map(|(_, host)| host);
    match server_name(request, own)? {
        Some(name) if parsed.scheme == "https" => Ok(under_name(&plain, &name, &parsed, own)),
        _ => Ok(Route { url: plain, host: None, socket: None, renamed: None }),
    }
}

/// `unix://host/path?socket=FILE`: the address as the server behind the socket sees it, and the socket.
fn through_socket(parsed: &Url) -> Option<(String, PathBuf)> {
    if parsed.scheme != "unix" || parsed.raw_query.is_empty() {
        return None;
    }
    let pairs = url::parse_query(&parsed.raw_query).ok()?;
    let socket = pairs.iter().find(|(name, _)| name == b"socket").map(|(_, path)| path.clone());
    let mut rest: Vec<_> = pairs.into_iter().filter(|(name, _)| name != b"socket").collect();
    rest.sort_by(|(a, _), (b, _)| a.cmp(b));
    let escaped = |text: &[u8]| url::query_escape(&String::from_utf8_lossy(text));
    let query: Vec<String> =
        rest.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let socket = String::from_utf8_lossy(&socket.unwrap_or_default()).into_owned();
    Some((format!("http://{}{}{query}", parsed.host, parsed.escaped_path()), PathBuf::from(socket)))
}

fn plain_address(method: &str, url: &str, parsed: &Url) -> Done<String> {
    if !matches!(parsed.scheme.as_str(), "http" | "https") {
        let (scheme, url) = (crate::go::quote(&parsed.scheme), crate::go::quote(url));
        let what = format!("{} {url}: unsupported protocol scheme {scheme}", title(method));
        return Err(Fault::Network(what));
    }
    if !url.contains(' ') || parsed.has_user {
        return Ok(url.to_owned());
    }
    let query = if parsed.raw_query.is_empty() { String::new() } else { format!("?{}", parsed.raw_query) };
    Ok(format!("{}://{}{}{}", parsed.scheme, parsed.host, parsed.escaped_path(), query.replace(' ', "%20")))
}

/// The name that the server must prove: as the request says, else its header `Host`.
fn server_name(request: Object<'_>, host: Option<&str>) -> Done<Option<String>> {
    let name = text(request, "tls_server_name")?;
    if !name.is_empty() {
        return Ok(Some(name.to_owned()));
    }
    Ok(host.map(|host| bare(host).to_owned()))
}

fn under_name(plain: &str, name: &str, parsed: &Url, own: Option<&str>) -> Route {
    let port = if parsed.port().is_empty() { "443" } else { parsed.port() };
    let renamed = format!("{}:{port}", bare(&parsed.host)).parse().ok().map(|real| (name.to_owned(), real));
    let url = plain.replacen(&parsed.host, &format!("{name}:{port}"), 1);
    let host = own.unwrap_or(&parsed.host).to_owned();
    Route { url, host: Some(host), socket: None, renamed }
}

/// A host without its port.
fn bare(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

impl Route {
    /// Looks up the hosts of this way, and of those that answers lead to.
    pub(super) fn resolver(&self, allowed: &Allowed) -> impl Resolver + use<> {
        Names {
            renamed: self.renamed.clone(),
            allowed: allowed.clone(),
            through_socket: self.socket.is_some(),
        }
    }
}

#[derive(Debug)]
struct Names {
    renamed: Option<(String, Authority)>,
    allowed: Allowed,
    through_socket: bool,
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        if self.through_socket {
            return Ok(self.empty());
        }
        let host = uri.host().unwrap_or_default();
        if let Some((_, real)) = self.renamed.as_ref().filter(|(name, _)| name == host) {
            let uri =
                Uri::builder().scheme(Scheme::HTTPS).authority(real.clone()).path_and_query("/").build();
            return DefaultResolver::default().resolve(&uri.map_err(ureq::Error::Http)?, config, timeout);
        }
        if self.allowed.as_ref().is_some_and(|hosts| !hosts.contains(host)) {
            return Err(ureq::Error::Other(Box::new(Disallowed(host.to_owned()))));
        }
        DefaultResolver::default().resolve(uri, config, timeout)
    }
}

/// The capabilities do not allow this host.
#[derive(Debug)]
struct Disallowed(String);

impl fmt::Display for Disallowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disallowed host: {}", self.0)
    }
}

impl std::error::Error for Disallowed {}
