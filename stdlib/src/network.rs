//! The network, for worlds that switch it on: requests over HTTP, and names looked up.
//!
//! The one surprising fact: nothing is kept between queries, so the wishes of a request about caching are
//! taken and change nothing but how fresh an answer is.

mod response;
mod tls;

use crate::go::url::{self, Url};
use crate::operand::{arg, number_text};
use crate::{Answer, BuiltinError};
use govc_value::{Heap, Object, Value};
use std::io::ErrorKind;
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;
use ureq::http::{Request, Response, header};
use ureq::{Agent, Body};

/// As OPA's.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// Redirections that are followed where a request wants it.
const MAX_REDIRECTS: u32 = 10;
/// Bytes that the body of a response may have.
const MAX_BODY: u64 = 256 << 20;
/// The pauses between attempts, as OPA's.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// Why there is no response.
enum Fault {
    /// The request is not one that can be sent.
    Request(String),
    /// It was sent, and failed.
    Network(String),
    /// There was no answer in time: method and address.
    Late(String, String),
    /// This build does not do it.
    NotYet(String),
}

type Done<T> = Result<T, Fault>;

fn refuse<T>(text: impl Into<String>) -> Done<T> {
    Err(Fault::Request(text.into()))
}

/// Performs `http.send(request)`.
///
/// # Errors
/// What OPA says where there is no response, unless the request wants such faults as values.
pub fn send<'q>(heap: Heap<'q>, args: &[Value<'q>]) -> Answer<'q> {
    let Some(request) = arg(args, 0).as_object() else {
        return Err(BuiltinError::Failed("request must be an object".to_owned()));
    };
    let raises = match crate::http::raises(request) {
        Ok(raises) => raises,
        Err(why) => return told(heap, Fault::Request(why), true),
    };
    exchange(heap, request).or_else(|fault| told(heap, fault, raises))
}

/// A fault as an error, or as the value that stands for it.
fn told<'q>(heap: Heap<'q>, fault: Fault, raises: bool) -> Answer<'q> {
    match fault {
        Fault::NotYet(what) => Err(BuiltinError::Unsupported(what)),
        Fault::Request(text) | Fault::Network(text) if raises => Err(BuiltinError::Failed(text)),
        Fault::Late(method, url) if raises => {
            Err(BuiltinError::Failed(format!("{method} {url}: request timed out")))
        }
        Fault::Late(method, url) => {
            let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
            let text = format!("{method} {}: {late}", crate::go::quote(&url));
            Ok(crate::http::failure(heap, "eval_http_send_network_error", &text))
        }
        Fault::Request(text) => Ok(crate::http::failure(heap, "eval_http_send_internal_error", &text)),
        Fault::Network(text) => Ok(crate::http::failure(heap, "eval_http_send_network_error", &text)),
    }
}

fn flag(request: Object<'_>, name: &str, default: bool) -> Done<bool> {
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
fn text<'q>(request: Object<'q>, name: &str) -> Done<&'q str> {
    let given = request.get_str(name);
    if given.is_undefined() {
        return Ok("");
    }
    let text = given.as_str().map(|text| text.trim_matches('"'));
    text.map_or_else(|| refuse(format!("{} must be a string", crate::go::quote(name))), Ok)
}

fn exchange<'q>(heap: Heap<'q>, request: Object<'q>) -> Shown<'q> {
    let (method, url) = (text(request, "method")?.to_uppercase(), text(request, "url")?);
    if url.starts_with("unix:") {
        return Err(Fault::NotYet("requests to sockets of this machine are not sent yet".to_owned()));
    }
    let agent = agent(request)?;
    let (retries, timeout) = (retries(request)?, timeout(request)?);
    let mut attempt = 0;
    let response = loop {
        match agent.run(message(request, &method, url)?) {
            Ok(response) => break response,
            Err(error) if attempt >= retries => return Err(failure(&method, url, &error)),
            Err(_) => std::thread::sleep(pause(attempt).min(timeout)),
        }
        attempt += 1;
    };
    read(heap, request, &method, url, response)
}

type Shown<'q> = Done<Value<'q>>;

fn failure(method: &str, url: &str, error: &ureq::Error) -> Fault {
    let method = title(method);
    match error {
        ureq::Error::Timeout(_) => Fault::Late(method, url.to_owned()),
        ureq::Error::Io(io) if io.kind() == ErrorKind::ConnectionRefused => {
            let host = url::parse(url).map(|url| with_port(&url)).unwrap_or_default();
            let url = crate::go::quote(url);
            Fault::Network(format!("{method} {url}: dial tcp {host}: connect: connection refused"))
        }
        error => Fault::Network(format!("{method} {}: {error}", crate::go::quote(url))),
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

fn retries(request: Object<'_>) -> Done<usize> {
    let given = request.get_str("max_retry_attempts");
    if given.is_undefined() {
        return Ok(0);
    }
    let number = given.as_int().and_then(|number| usize::try_from(number).ok());
    let shown = crate::operand::rego(given);
    number.map_or_else(|| refuse(format!("invalid value {shown} for field \"max_retry_attempts\"")), Ok)
}

/// Nanoseconds, or a text such as `5s`.
fn timeout(request: Object<'_>) -> Done<Duration> {
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

fn agent(request: Object<'_>) -> Done<Agent> {
    let redirects = if flag(request, "enable_redirect", false)? { MAX_REDIRECTS } else { 0 };
    let timeout = timeout(request)?;
    Ok(Agent::config_builder()
        .timeout_global((!timeout.is_zero()).then_some(timeout))
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(redirects)
        .max_redirects_will_error(redirects > 0)
        .user_agent(concat!("govc/", env!("CARGO_PKG_VERSION")))
        .accept("")
        .tls_config(tls::config(request)?)
        .build()
        .new_agent())
}

fn body(request: Object<'_>) -> Done<Option<String>> {
    if !request.get_str("raw_body").is_undefined() {
        return text(request, "raw_body").map(|body| Some(body.to_owned()));
    }
    let body = request.get_str("body");
    Ok((!body.is_undefined()).then(|| crate::encoding::marshal(body)))
}

/// The address as it goes over the wire.
fn address(method: &str, url: &str) -> Done<String> {
    let parsed = url::parse(url).map_err(Fault::Request)?;
    if !matches!(parsed.scheme.as_str(), "http" | "https") {
        let scheme = crate::go::quote(&parsed.scheme);
        let what =
            format!("{} {}: unsupported protocol scheme {scheme}", title(method), crate::go::quote(url));
        return Err(Fault::Network(what));
    }
    if !url.contains(' ') || parsed.has_user {
        return Ok(url.to_owned());
    }
    let query = if parsed.raw_query.is_empty() { String::new() } else { format!("?{}", parsed.raw_query) };
    Ok(format!("{}://{}{}{}", parsed.scheme, parsed.host, parsed.escaped_path(), query.replace(' ', "%20")))
}

/// The method as Go writes it in faults.
fn title(method: &str) -> String {
    let mut letters = method.chars();
    let first = letters.next().map(|first| first.to_string()).unwrap_or_default();
    first + &letters.as_str().to_lowercase()
}

fn message(request: Object<'_>, method: &str, url: &str) -> Done<Request<Vec<u8>>> {
    if !method.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(format!("net/http: invalid method {}", crate::go::quote(method)));
    }
    let mut builder = Request::builder().method(method).uri(address(method, url)?);
    let headers = request.get_str("headers");
    if !headers.is_undefined() {
        let Some(headers) = headers.as_object() else { return refuse("invalid type for headers key") };
        for (name, value) in headers.iter() {
            let Some(value) = value.as_str() else {
                let value = crate::go::quote(&crate::operand::rego(value));
                return refuse(format!("invalid type for headers value {value}"));
            };
            builder = builder.header(name.as_str().unwrap_or_default(), value);
        }
    }
    let body = body(request)?.unwrap_or_default().into_bytes();
    builder.body(body).map_err(|error| Fault::Request(error.to_string()))
}

fn read<'q>(
    heap: Heap<'q>,
    request: Object<'q>,
    method: &str,
    url: &str,
    mut response: Response<Body>,
) -> Shown<'q> {
    let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec();
    let body = body.map_err(|error| failure(method, url, &error))?;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let force_json = flag(request, "force_json_decode", false)?;
    let force_yaml = flag(request, "force_yaml_decode", false)?;
    let read = response::decoded(heap, &body, kind.unwrap_or_default(), force_json, force_yaml);
    Ok(response::shown(heap, &response, &body, read))
}

/// Performs `net.lookup_ip_addr(name)`.
///
/// # Errors
/// What is told where the name has no address.
pub fn look_up<'q>(heap: Heap<'q>, args: &[Value<'q>]) -> Answer<'q> {
    let name = arg(args, 0).as_str().unwrap_or_default();
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(heap.set(&mut vec![heap.string(&address.to_string())]));
    }
    let found = (name, 0).to_socket_addrs();
    let found = found.map_err(|_| BuiltinError::Failed(format!("lookup {name}: no such host")))?;
    Ok(heap.set(&mut found.map(|address| heap.string(&address.ip().to_string())).collect()))
}
