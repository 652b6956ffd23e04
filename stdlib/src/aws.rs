//! Requests signed for AWS, version 4.
//!
//! The one surprising fact: the query is signed as it was written, and headers that proxies add
//! (`user-agent` and the like) are left out.

use crate::encoding::{hex, marshal};
use crate::go::layout;
use crate::go::url::{self, Url};
use crate::go::zone_time::{Zone, civil};
use crate::operand::{arg, number, object, operand, rego};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Number, Object, Value};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub(crate) const TABLE: &[Builtin] = &[Builtin::new(
    "providers.aws.sign_req",
    &[("request", "object[string: any]"), ("aws_config", "object[string: any]"), ("time_ns", "number")],
    Some("object[any: any]"),
    "Signs an HTTP request for AWS, version 4.",
)
.calls(providers_aws_sign_req)];

const REQUIRED: [&str; 4] = ["aws_access_key", "aws_region", "aws_secret_access_key", "aws_service"];
const IGNORED_HEADERS: [&str; 3] = ["authorization", "user-agent", "x-amzn-trace-id"];
const CONTENT_DIGEST: &str = "x-amz-content-sha256";

fn text<'q>(object: Object<'q>, name: &str) -> &'q str {
    object.get_str(name).as_str().unwrap_or_default()
}

/// Names as a set in Rego's text.
fn shown(heap: Heap<'_>, names: &[&str]) -> String {
    rego(heap.set(&mut names.iter().map(|name| heap.string(name)).collect()))
}

fn check_config(heap: Heap<'_>, config: Object<'_>) -> Result<(), BuiltinError> {
    let missing: Vec<_> = REQUIRED.into_iter().filter(|name| config.get_str(name).is_undefined()).collect();
    if !missing.is_empty() {
        let names = shown(heap, &missing);
        return operand(2, format_args!("missing required AWS config parameters(s): {names}"));
    }
    let invalid: Vec<_> =
        REQUIRED.into_iter().filter(|name| config.get_str(name).as_str().is_none()).collect();
    if !invalid.is_empty() {
        let names = shown(heap, &invalid);
        return operand(2, format_args!("invalid values for required AWS config parameters(s): {names}"));
    }
    Ok(())
}

fn body(request: Object<'_>) -> String {
    let raw = request.get_str("raw_body");
    let body = request.get_str("body");
    match (raw.is_undefined(), body.is_undefined()) {
        (false, _) => raw.as_str().unwrap_or_default().to_owned(),
        (true, false) => marshal(body),
        _ => String::new(),
    }
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn digest(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()).as_slice())
}

/// What is signed.
struct Request<'r> {
    method: &'r str,
    url: &'r Url,
    headers: &'r BTreeMap<String, String>,
    content_digest: &'r str,
}

impl Request<'_> {
    /// Names of the signed headers, and the digest of the canonical form.
    fn canonical(&self, added: &BTreeMap<&str, String>) -> (String, String) {
        let mut signed: BTreeMap<String, &str> =
            added.iter().map(|(name, value)| ((*name).to_owned(), value.as_str())).collect();
        for (name, value) in self.headers {
            let name = name.to_lowercase();
            if !IGNORED_HEADERS.contains(&name.as_str()) {
                signed.insert(name, value);
            }
        }
        let names = signed.keys().map(String::as_str).collect::<Vec<_>>().join(";");
        let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let (path, query) = (self.url.escaped_path(), &self.url.raw_query);
        let form = format!("{}\n{path}\n{query}\n{lines}\n{names}\n{}", self.method, self.content_digest);
        (names, digest(&form))
    }
}

/// The `Authorization` header, and the headers that belong to it.
fn sign(
    request: &Request<'_>,
    config: Object<'_>,
    nanoseconds: i64,
) -> (String, BTreeMap<&'static str, String>) {
    let now = civil(nanoseconds, &Zone::Utc);
    let (date, instant) = (layout::format(&now, "20060102"), layout::format(&now, "20060102T150405Z"));
    let (service, region) = (text(config, "aws_service"), text(config, "aws_region"));
    let mut added = BTreeMap::from([("host", request.url.host.clone()), ("x-amz-date", instant.clone())]);
    if matches!(service, "s3" | "glacier") {
        added.insert(CONTENT_DIGEST, request.content_digest.to_owned());
    }
    let token = text(config, "aws_session_token");
    if !token.is_empty() {
        added.insert("x-amz-security-token", token.to_owned());
    }
    let (names, form) = request.canonical(&added);
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let message = format!("AWS4-HMAC-SHA256\n{instant}\n{scope}\n{form}");
    let secret = format!("AWS4{}", text(config, "aws_secret_access_key"));
    let key = [date.as_str(), region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={}",
        text(config, "aws_access_key"),
        hex(&mac(&key, &message))
    );
    (authorization, added)
}

fn payload_signing(config: Object<'_>) -> Result<bool, BuiltinError> {
    let disabled = config.get_str("disable_payload_signing");
    match (disabled.is_undefined(), disabled.as_bool()) {
        (true, _) => Ok(true),
        (_, Some(disabled)) => Ok(!disabled),
        _ => operand(2, "invalid value for 'disable_payload_signing' in AWS config"),
    }
}

fn providers_aws_sign_req<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let request = object(arg(args, 0), 1)?;
    let config = object(arg(args, 1), 1)?;
    check_config(heap, config)?;
    let Number::Int(nanoseconds) = number(arg(args, 2), 1)? else {
        return operand(3, "could not convert time_ns value into a unix timestamp");
    };
    crate::http::check_request(heap, request)?;
    let given = request.get_str("headers");
    let headers: BTreeMap<String, String> = match (given.is_undefined(), given.as_object()) {
        (true, _) => BTreeMap::new(),
        (_, None) => return Err(crate::operand::mismatch(0, given, &["object"])),
        (_, Some(headers)) => headers
            .iter()
            .map(|(k, v)| (k.as_str().unwrap_or_default().into(), v.as_str().unwrap_or_default().into()))
            .collect(),
    };
    let invalid: Vec<_> =
        ["method", "url"].into_iter().filter(|name| request.get_str(name).as_str().is_none()).collect();
    if !invalid.is_empty() {
        let names = shown(heap, &invalid);
        return operand(1, format_args!("invalid values for required request parameters(s): {names}"));
    }
    let url = url::parse(text(request, "url")).map_err(BuiltinError::Failed)?;
    let content_digest =
        if payload_signing(config)? { digest(&body(request)) } else { "UNSIGNED-PAYLOAD".to_owned() };
    let method = text(request, "method");
    let signable = Request { method, url: &url, headers: &headers, content_digest: &content_digest };
    let (authorization, added) = sign(&signable, config, nanoseconds);
    let pair = |name: &str, value: &str| (heap.string(name), heap.string(value));
    let mut signed: Vec<_> = headers.iter().map(|(name, value)| pair(name, value)).collect();
    signed.push(pair("Authorization", &authorization));
    signed.extend(added.iter().map(|(name, value)| pair(name, value)));
    let mut entries: Vec<_> = request.iter().collect();
    entries.push((heap.string("headers"), heap.object(&mut signed)));
    Ok(heap.object(&mut entries))
}
