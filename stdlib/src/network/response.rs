//! Responses as the values that policies see.
//!
//! The one surprising fact: a body that cannot be read as what it says it is gives `null`, not an error.

use govc_value::{Heap, Value};
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{HeaderMap, HeaderValue, StatusCode};

/// A response, read to its end.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// How a request wants bodies to be read, whatever type they say they have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) force_json: bool,
    pub(super) force_yaml: bool,
}

impl Received {
    /// The object that stands for it.
    pub(super) fn shown<'q>(&self, heap: Heap<'q>, reading: Reading) -> Value<'q> {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|s| s.canonical_reason());
        let line = format!("{} {}", self.status, reason.unwrap_or_default());
        let mut parts = vec![
            (heap.string("status"), heap.string(&line)),
            (heap.string("status_code"), Value::int(i64::from(self.status))),
            (heap.string("body"), self.decoded(heap, reading)),
            (heap.string("raw_body"), heap.string(&String::from_utf8_lossy(&self.body))),
            (heap.string("headers"), shown_headers(heap, &self.headers)),
        ];
        heap.object(&mut parts)
    }

    /// The body, read as JSON or YAML where its type or the request says so.
    fn decoded<'q>(&self, heap: Heap<'q>, reading: Reading) -> Value<'q> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_json =
            kind.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"));
        let is_yaml = matches!(kind.as_str(), "application/yaml" | "application/x-yaml");
        let Ok(text) = std::str::from_utf8(&self.body) else { return Value::null() };
        let read = if reading.force_json || is_json {
            crate::encoding::unmarshal(heap, text)
        } else if reading.force_yaml || is_yaml {
            crate::encoding::yaml::read(heap, text)
        } else {
            return Value::null();
        };
        read.unwrap_or(Value::null())
    }
}

fn shown_headers<'q>(heap: Heap<'q>, headers: &HeaderMap) -> Value<'q> {
    let text = |value: &HeaderValue| heap.string(&String::from_utf8_lossy(value.as_bytes()));
    let mut shown: Vec<_> = headers
        .keys()
        .map(|name| {
            let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
            (heap.string(name.as_str()), heap.array(&values))
        })
        .collect();
    heap.object(&mut shown)
}
