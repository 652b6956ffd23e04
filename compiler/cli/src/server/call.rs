//! One request as the routes see it.

use super::url;
use crate::files;
use crate::go_json;
use bytes::Bytes;
use hyper::HeaderMap;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

/// A request whose body has been read.
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path with escapes decoded.
    pub(crate) path: String,
    /// The path as it was sent.
    pub(crate) escaped: String,
    /// What follows `?`, or empty.
    pub(crate) query: String,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body could not be read.
    pub(crate) body_fault: Option<String>,
    /// The body as the authorizer has read it: JSON.
    pub(crate) authorized_body: Option<String>,
    /// Bytes that a body may have after decompression.
    pub(crate) gzip_limit: u64,
    /// Who asks.
    pub(crate) peer: Peer,
    /// Number of the request.
    pub(crate) id: u64,
    pub(crate) started: Instant,
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    /// Address and port.
    pub(crate) address: String,
    /// Certificates that it has shown, as OPA's JSON.
    pub(crate) certificates: Option<Arc<str>>,
    /// Who it is, if it has said so.
    pub(crate) identity: Option<String>,
}

impl Call {
    /// OPA's switch: there without a value, or `true`.
    pub(crate) fn switch(&self, name: &str) -> bool {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => false,
            (Some(""), None) => true,
            _ => self.values(name).any(|value| value.eq_ignore_ascii_case("true")),
        }
    }

    /// All values of a parameter.
    pub(crate) fn values<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c str> {
        self.parameters.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the answer is to be indented.
    pub(crate) fn pretty(&self) -> bool {
        !self.query.is_empty() && self.switch("pretty")
    }

    /// A header's first value.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The mode of explanations that is asked for.
    pub(crate) fn explain(&self) -> Option<&str> {
        self.values("explain").find(|mode| matches!(*mode, "notes" | "fails" | "full" | "debug"))
    }

    /// The part of the path behind a prefix as OPA finds it: as it was sent, where it was escaped.
    pub(crate) fn rest<'c>(&'c self, prefix: &str) -> Cow<'c, str> {
        let value = self.path.strip_prefix(prefix).unwrap_or_default();
        let value = value.strip_prefix('/').unwrap_or(value);
        if !self.escaped.contains('%') {
            return Cow::Borrowed(value);
        }
        match self.path.find(value).and_then(|at| self.escaped.get(at..)) {
            Some(escaped) => Cow::Borrowed(escaped),
            None => Cow::Borrowed(value),
        }
    }

    /// The body, decompressed.
    ///
    /// # Errors
    /// Go's words.
    pub(crate) fn plain_body(&self) -> Result<Cow<'_, [u8]>, String> {
        if let Some(fault) = &self.body_fault {
            return Err(fault.clone());
        }
        if !self.header("content-encoding").contains("gzip") {
            return Ok(Cow::Borrowed(&self.body));
        }
        gunzip(&self.body, self.gzip_limit).map(Cow::Owned)
    }

    /// Whether the body is YAML by what its header says.
    pub(crate) fn is_yaml(&self) -> bool {
        self.header("content-type").contains("yaml")
    }
}

/// Decompresses up to a limit.
///
/// # Errors
/// Go's words.
pub(crate) fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    if bytes.is_empty() {
        return Err(go_json::EOF.to_owned());
    }
    if bytes.len() < 10 {
        return Err("unexpected EOF".to_owned());
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err("gzip: invalid header".to_owned());
    }
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
    reader.read_to_end(&mut out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => "gzip: invalid header".to_owned(),
    })?;
    if out.len() as u64 > limit {
        return Err("gzip payload too large".to_owned());
    }
    Ok(out)
}

/// A JSON or YAML text as JSON, as OPA's `Unmarshal` reads it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn any_document(bytes: &[u8]) -> Result<String, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match go_json::only(bytes) {
        Ok(value) => Ok(go_json::mended(value).into_owned()),
        Err(_) => files::any_document(bytes),
    }
}

/// The parts of a URL: the decoded path and the parameters. Nothing where Go refuses the request.
pub(crate) fn target(path: &str, query: &str) -> Option<(String, Vec<(String, String)>)> {
    let decoded = if path.contains('%') { url::unescape(path, false)? } else { path.to_owned() };
    let parameters = if query.is_empty() { Vec::new() } else { url::parameters(query) };
    Some((decoded, parameters))
}
