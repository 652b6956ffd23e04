//! What a request says: an object of Rego, read key by key.

use super::route::Route;
use super::{Done, Fault, refuse};
use crate::operand::number_text;
use govc_value::{Object, Value};
use std::time::Duration;
use ureq::http::Request;
use ureq::http::header::HOST;

/// As OPA's.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn flag(request: Object<'_>, name: &str, default: bool) -> Done<bool> {
    let given = request.get_str(name);
    match (given.is_undefined(), given.as_bool()) {
        (true, _) => Ok(default),
        (_, Some(flag)) => Ok(flag),
        _ => {
            let given = crate::go::quote(&crate::operand::rego(given));
            refuse(format!("strconv.ParseBool: parsing {given}: invalid syntax"))
        }
    }
}

/// A text, without quotes around it; absent is empty.
pub(super) fn text<'q>(request: Object<'q>, name: &str) -> Done<&'q str> {
    let given = request.get_str(name);
    if given.is_undefined() {
        return Ok("");
    }
    let text = given.as_str().map(|text| text.trim_matches('"'));
    text.map_or_else(|| refuse(format!("{} must be a string", crate::go::quote(name))), Ok)
}

pub(super) fn retries(request: Object<'_>) -> Done<usize> {
    let given = request.get_str("max_retry_attempts");
    if given.is_undefined() {
        return Ok(0);
    }
    let number = given.as_int().and_then(|number| usize::try_from(number).ok());
    let shown = crate::operand::rego(given);
    number.map_or_else(|| refuse(format!("invalid value {shown} for field \"max_retry_attempts\"")), Ok)
}

/// Nanoseconds, or a text such as `5s`.
pub(super) fn timeout(request: Object<'_>) -> Done<Duration> {
    let given = request.get_str("timeout");
    if given.is_undefined() {
        return Ok(DEFAULT_TIMEOUT);
    }
    let nanoseconds = match (given.as_str(), given.as_number()) {
        (Some(text), _) => match crate::time::duration::parse(text) {
            Ok(nanoseconds) => nanoseconds,
            Err(why) => {
                return refuse(format!("invalid timeout value {}: {why}", crate::go::quote(text)));
            }
        },
        (_, Some(_)) => match number_text(given).parse() {
            Ok(nanoseconds) => nanoseconds,
            Err(_) => return refuse("invalid timeout number value"),
        },
        _ => {
            let value = crate::operand::rego(given);
            let kind = crate::operand::kind_name(given);
            return refuse(format!("'timeout' must be one of {{string, number}} but got {kind} ({value})"));
        }
    };
    Ok(u64::try_from(nanoseconds).map_or(DEFAULT_TIMEOUT, Duration::from_nanos))
}

fn body(request: Object<'_>) -> Done<Option<String>> {
    if !request.get_str("raw_body").is_undefined() {
        return text(request, "raw_body").map(|body| Some(body.to_owned()));
    }
    let body = request.get_str("body");
    Ok((!body.is_undefined()).then(|| crate::encoding::marshal(body)))
}

/// The method as Go writes it in faults.
pub(super) fn title(method: &str) -> String {
    let mut letters = method.chars();
    let first = letters.next().map(|first| first.to_string()).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

/// The message to a route.
pub(super) fn message(request: Object<'_>, method: &str, route: &Route) -> Done<Request<Vec<u8>>> {
    if !method.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(format!("net/http: invalid method {}", crate::go::quote(method)));
    }
    let mut builder = Request::builder().method(method).uri(&route.url);
    if let Some(host) = &route.host {
        builder = builder.header(HOST, host);
    }
    for (name, value) in headers(request)? {
        if !(name.eq_ignore_ascii_case(HOST.as_str()) && route.host.is_some()) {
            builder = builder.header(name, value);
        }
    }
    let body = body(request)?.unwrap_or_default().into_bytes();
    builder.body(body).map_err(|error| Fault::Request(error.to_string()))
}

/// The headers of the request's own.
pub(super) fn headers<'q>(request: Object<'q>) -> Done<Vec<(&'q str, &'q str)>> {
    let headers = request.get_str("headers");
    if headers.is_undefined() {
        return Ok(Vec::new());
    }
    let Some(headers) = headers.as_object() else { return refuse("invalid type for headers key") };
    let text = |value: Value<'q>| {
        let shown = || crate::go::quote(&crate::operand::rego(value));
        value.as_str().map_or_else(|| refuse(format!("invalid type for headers value {}", shown())), Ok)
    };
    headers.iter().map(|(name, value)| Ok((name.as_str().unwrap_or_default(), text(value)?))).collect()
}
