//! `net/url`: escapes, queries and the parts of a URL.
//!
//! The one surprising fact: a `%` that is followed by no two hexadecimal digits is an error in every
//! part except the query, which is kept as it was written.

use super::quote;

/// Where a text stands in a URL: what it may hold as it is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Part {
    Query,
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

/// `url.QueryEscape`.
pub(crate) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in govc_value::bytes::bytes_of(text).iter() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Replaces escapes.
///
/// # Errors
/// Go's text for the first bad escape or forbidden character.
pub(crate) fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'%' => {
                let Some(value) = hex_pair(bytes, at + 1) else {
                    let end = bytes.len().min(at + 3);
                    let shown = String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default());
                    return Err(format!("invalid URL escape {}", quote(&shown)));
                };
                let shown = text.get(at..at + 3).unwrap_or_default();
                let percent_only = part == Part::Host && value < 0x80 && shown != "%25";
                let zone_fault = part == Part::Zone
                    && shown != "%25"
                    && value != b' '
                    && value < 0x80
                    && !host_byte(value);
                if percent_only || zone_fault {
                    return Err(format!("invalid URL escape {}", quote(shown)));
                }
                out.push(value);
                at += 3;
                continue;
            }
            b'+' if part == Part::Query => out.push(b' '),
            _ if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && !host_byte(byte) => {
                let shown = text.get(at..=at).unwrap_or_default();
                return Err(format!("invalid character {} in host name", quote(shown)));
            }
            _ => out.push(byte),
        }
        at += 1;
    }
    Ok(out)
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

/// Bytes that a host may hold as they are.
fn host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// A name and a value, as bytes that need not be UTF-8.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// `url.ParseQuery`: names and values in order.
///
/// # Errors
/// Go's text for the first fault.
pub(crate) fn parse_query(query: &str) -> Result<Vec<Pair>, String> {
    let mut pairs = Vec::new();
    let mut fault = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            fault.get_or_insert_with(|| "invalid semicolon separator in query".to_owned());
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (unescape(name, Part::Query), unescape(value, Part::Query)) {
            (Ok(name), Ok(value)) => pairs.push((name, value)),
            (Err(error), _) | (_, Err(error)) => drop(fault.get_or_insert(error)),
        }
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(pairs),
    }
}

/// The parts of a URL that OPA shows.
#[derive(Debug, Default)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    /// Somebody is named before the host.
    pub(crate) has_user: bool,
    pub(crate) host: String,
    pub(crate) path: String,
    /// The path as written, where its default escape differs.
    pub(crate) raw_path: String,
    pub(crate) raw_query: String,
    pub(crate) fragment: String,
}

impl Url {
    /// The host without port and brackets.
    pub(crate) fn hostname(&self) -> &str {
        let (host, _) = split_port(&self.host);
        host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
    }
    /// The path as it goes over the wire.
    pub(crate) fn escaped_path(&self) -> String {
        let written = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,/:;=@[]%".contains(&byte);
        if self.raw_path.is_empty() || !self.raw_path.bytes().all(written) {
            default_path_escape(self.path.as_bytes())
        } else {
            self.raw_path.clone()
        }
    }
    /// The port's digits.
    pub(crate) fn port(&self) -> &str {
        split_port(&self.host).1
    }
}

fn split_port(host: &str) -> (&str, &str) {
    match host.rfind(':') {
        Some(at) if valid_port(host.get(at..).unwrap_or_default()) => {
            (host.get(..at).unwrap_or_default(), host.get(at + 1..).unwrap_or_default())
        }
        _ => (host, ""),
    }
}

fn valid_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

/// `url.Parse`.
///
/// # Errors
/// Go's text, which begins with `parse` and the URL.
pub(crate) fn parse(raw: &str) -> Result<Url, String> {
    let (before, fragment) = raw.split_once('#').unwrap_or((raw, ""));
    let fault = |text: &str, error: String| format!("parse {}: {error}", quote(text));
    let mut url = parse_without_fragment(before).map_err(|error| fault(before, error))?;
    let fragment = unescape(fragment, Part::Fragment).map_err(|error| fault(raw, error))?;
    url.fragment = String::from_utf8_lossy(&fragment).into_owned();
    Ok(url)
}

fn parse_without_fragment(raw: &str) -> Result<Url, String> {
    if raw.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url::default();
    if raw == "*" {
        url.path = "*".to_owned();
        return Ok(url);
    }
    let (scheme, rest) = scheme(raw)?;
    url.scheme = scheme.to_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    url.raw_query = query.to_owned();
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // An opaque URL such as `mailto:a@b` shows nothing more.
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    let authority = rest.strip_prefix("//").filter(|_| !url.scheme.is_empty() || !rest.starts_with("///"));
    if let Some(after) = authority {
        let end = after.find('/').unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        url.host = host(authority)?;
        url.has_user = authority.contains('@');
        path = rest;
    }
    let bytes = unescape(path, Part::Path)?;
    url.path = String::from_utf8_lossy(&bytes).into_owned();
    if default_path_escape(&bytes) != path {
        url.raw_path = path.to_owned();
    }
    Ok(url)
}

fn scheme(raw: &str) -> Result<(&str, &str), String> {
    for (at, c) in raw.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => {
                return Ok((raw.get(..at).unwrap_or_default(), raw.get(at + 1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok(("", raw))
}

fn host(authority: &str) -> Result<String, String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let host = host_part(host)?;
    if let Some(user) = user {
        if !user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        for part in user.splitn(2, ':') {
            unescape(part, Part::User)?;
        }
    }
    Ok(host)
}

fn host_part(host: &str) -> Result<String, String> {
    let bad_port = |port: &str| Err(format!("invalid port {} after host", quote(port)));
    if host.starts_with('[') {
        let Some(close) = host.rfind(']') else {
            return Err("missing ']' in host".to_owned());
        };
        let port = host.get(close + 1..).unwrap_or_default();
        if !valid_port(port) {
            return bad_port(port);
        }
        if let Some(zone) = host.get(..close).and_then(|inner| inner.find("%25")) {
            let parts = [
                unescape(host.get(..zone).unwrap_or_default(), Part::Host)?,
                unescape(host.get(zone..close).unwrap_or_default(), Part::Zone)?,
                unescape(host.get(close..).unwrap_or_default(), Part::Host)?,
            ];
            return Ok(String::from_utf8_lossy(&parts.concat()).into_owned());
        }
    } else if let Some(colon) = host.rfind(':') {
        let port = host.get(colon..).unwrap_or_default();
        if !valid_port(port) {
            return bad_port(port);
        }
    }
    unescape(host, Part::Host).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// What Go would write for a path.
fn default_path_escape(path: &[u8]) -> String {
    let mut out = String::new();
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
