//! Responses that are kept between queries, where a request asks for it (`cache`, `force_cache`).
//!
//! Fresh is what OPA calls fresh: as long as the request forces it, else `max-age` after `Date`, else until `Expires`.

use super::request::flag;
use super::response::Received;
use super::{Done, Fault, refuse};
use govc_value::{Heap, Object, Value};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};
use ureq::http::header::{CACHE_CONTROL, DATE, EXPIRES};
use ureq::http::{HeaderMap, HeaderName};

/// Statuses that may be kept (RFC 9110, section 15.1, as OPA reads it).
pub(super) const KEPT: [u16; 11] = [200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501];

/// What a request wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing is kept.
    Never,
    /// Kept as long as the response says.
    AsTold,
    /// Kept for this long.
    For(Duration),
}

/// Reads the wishes of a request.
///
/// # Errors
/// Where they have a wrong type, or lack their duration.
pub(super) fn wish(request: Object<'_>) -> Done<Wish> {
    let (cache, force) = (flag(request, "cache", false)?, flag(request, "force_cache", false)?);
    if !matches!(mode(request)?, "serialized" | "deserialized") {
        let given = request.get_str("caching_mode").as_str().unwrap_or_default();
        return refuse(format!("invalid value specified for \"caching_mode\" field: {given}"));
    }
    match (force, cache) {
        (true, _) => forced(request),
        (false, true) => Ok(Wish::AsTold),
        (false, false) => Ok(Wish::Never),
    }
}

fn mode(request: Object<'_>) -> Done<&str> {
    let given = request.get_str("caching_mode");
    if given.is_undefined() {
        return Ok("serialized");
    }
    given.as_str().map_or_else(|| refuse("invalid value for \"caching_mode\" field"), Ok)
}

fn forced(request: Object<'_>) -> Done<Wish> {
    let given = request.get_str("force_cache_duration_seconds");
    if given.is_undefined() {
        return refuse("'force_cache' set but 'force_cache_duration_seconds' parameter is missing");
    }
    let text = crate::operand::rego(given);
    let seconds: i32 = text.parse().map_err(|_| {
        Fault::Request(format!("strconv.ParseInt: parsing {}: invalid syntax", crate::go::quote(&text)))
    })?;
    // Zero and less force nothing.
    Ok(u64::try_from(seconds)
        .ok()
        .filter(|s| *s > 0)
        .map_or(Wish::AsTold, |s| Wish::For(Duration::from_secs(s))))
}

/// What makes two requests the same: all they say, without the headers that they say do not matter.
///
/// # Errors
/// Where the names of these headers are no array of texts.
pub fn key<'q>(heap: Heap<'q>, request: Object<'q>) -> Result<String, String> {
    let ignored = request.get_str("cache_ignored_headers");
    let headers = request.get_str("headers").as_object();
    let mut parts: Vec<_> =
        request.iter().filter(|(name, _)| name.as_str() != Some("cache_ignored_headers")).collect();
    if let (false, Some(headers)) = (ignored.is_undefined(), headers) {
        let names: Vec<Value<'q>> = ignored.entries().map(|(_, name)| name).collect();
        if ignored.as_array().is_none() || names.iter().any(|name| name.as_str().is_none()) {
            return Err("cache_ignored_headers must be an array of strings".to_owned());
        }
        let mut left: Vec<_> = headers.iter().filter(|(name, _)| !names.contains(name)).collect();
        let left = heap.object(&mut left);
        parts.iter_mut().filter(|(name, _)| name.as_str() == Some("headers")).for_each(|part| part.1 = left);
    }
    Ok(govc_value::json::to_string(heap.object(&mut parts)))
}

/// A response with the time until which it is fresh.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) response: Received,
    fresh_until: Option<SystemTime>,
}

impl Kept {
    /// A response that may be kept, as the request and the response say.
    pub(super) fn new(response: Received, wish: Wish) -> Option<Self> {
        let refused = matches!(wish, Wish::AsTold) && directives(&response.headers).contains_key("no-store");
        if matches!(wish, Wish::Never) || refused || !KEPT.contains(&response.status) {
            return None;
        }
        let fresh_until = freshness(&response.headers, wish).ok()?;
        Some(Self { response, fresh_until })
    }

    /// Nobody has to be asked whether it has changed.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh_until.is_some_and(|until| SystemTime::now() < until)
    }

    /// The server says that nothing has changed, and gives new headers.
    pub(super) fn confirmed(mut self, headers: &HeaderMap, wish: Wish) -> Option<Self> {
        self.fresh_until = freshness(headers, wish).ok()?;
        for name in headers.keys() {
            self.response.headers.remove(name);
        }
        self.response.headers.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        Some(self)
    }
}

/// Until when a response is fresh; absent where it does not say.
fn freshness(headers: &HeaderMap, wish: Wish) -> Result<Option<SystemTime>, ()> {
    if let Wish::For(duration) = wish {
        return Ok(SystemTime::now().checked_add(duration));
    }
    let date = |name: HeaderName| text(headers, &name).and_then(|text| httpdate::parse_http_date(text).ok());
    match directives(headers).get("max-age") {
        Some(age) => {
            let seconds: u64 = age.parse().map_err(|_| ())?;
            let created = date(DATE).ok_or(())?;
            Ok(created.checked_add(Duration::from_secs(seconds.min(i32::MAX as u64))))
        }
        None => Ok(date(EXPIRES)),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn directives(headers: &HeaderMap) -> HashMap<&str, &str> {
    let parts = text(headers, &CACHE_CONTROL).unwrap_or_default().split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, ""))).collect()
}

/// Kept responses by [`key`], the oldest first to go.
#[derive(Debug, Default)]
pub(super) struct Cache {
    kept: HashMap<String, Kept>,
    order: VecDeque<String>,
    bytes: usize,
    /// Bytes of bodies that are kept at most; 0 is no limit, as in OPA.
    pub(super) limit: usize,
}

impl Cache {
    pub(super) fn get(&self, key: &str) -> Option<Kept> {
        self.kept.get(key).cloned()
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(old) = self.kept.remove(key) {
            self.bytes -= old.response.body.len();
            self.order.retain(|known| known != key);
        }
    }

    pub(super) fn insert(&mut self, key: String, kept: Kept) {
        self.remove(&key);
        let size = kept.response.body.len();
        if self.limit > 0 && size > self.limit {
            return;
        }
        while self.limit > 0 && self.bytes + size > self.limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.kept.remove(&oldest).map_or(0, |old| old.response.body.len());
        }
        self.bytes += size;
        self.order.push_back(key.clone());
        self.kept.insert(key, kept);
    }
}
