//! Responses as the values that policies see.
//!
//! The one surprising fact: a body that cannot be read as what it says it is gives `null`, not an error.

use govc_value::{Heap, Value};
use ureq::Body;
use ureq::http::Response;

/// The body, read as JSON or YAML where its type or the request says so.
pub(super) fn decoded<'q>(
    heap: Heap<'q>,
    body: &[u8],
    kind: &str,
    force_json: bool,
    force_yaml: bool,
) -> Value<'q> {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        kind.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"));
    let is_yaml = matches!(kind.as_str(), "application/yaml" | "application/x-yaml");
    let Ok(text) = std::str::from_utf8(body) else { return Value::null() };
    let read = if force_json || is_json {
        crate::encoding::unmarshal(heap, text)
    } else if force_yaml || is_yaml {
        crate::encoding::yaml::read(heap, text)
    } else {
        return Value::null();
    };
    read.unwrap_or(Value::null())
}

/// The object that stands for a response.
pub(super) fn shown<'q>(
    heap: Heap<'q>,
    response: &Response<Body>,
    body: &[u8],
    decoded: Value<'q>,
) -> Value<'q> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut headers: Vec<_> = response
        .headers()
        .keys()
        .map(|name| {
            let values = response.headers().get_all(name).iter();
            let text =
                |value: &ureq::http::HeaderValue| heap.string(&String::from_utf8_lossy(value.as_bytes()));
            (heap.string(name.as_str()), heap.array(&values.map(text).collect::<Vec<_>>()))
        })
        .collect();
    let headers = heap.object(&mut headers);
    let line = format!("{} {reason}", status.as_u16());
    let mut parts = vec![
        (heap.string("status"), heap.string(&line)),
        (heap.string("status_code"), Value::int(i64::from(status.as_u16()))),
        (heap.string("body"), decoded),
        (heap.string("raw_body"), heap.string(&String::from_utf8_lossy(body))),
        (heap.string("headers"), headers),
    ];
    heap.object(&mut parts)
}
