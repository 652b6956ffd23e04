//! Requests over HTTP: checked here, performed by the world.
//!
//! The one surprising fact: a request with a key that is not known is an error, so that a misspelt
//! `tls_insecure_skip_verify` never passes unseen.

use crate::operand::{arg, object, operand, rego};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Object, Value};

pub(crate) const TABLE: &[Builtin] = &[Builtin::new(
    "http.send",
    &[("request", "object[string: any]")],
    Some("object[any: any]"),
    "Response to an HTTP request; performed by the host.",
)
.nondeterministic()
.calls(http_send)];

const KEYS: [&str; 28] = [
    "method",
    "url",
    "body",
    "enable_redirect",
    "force_json_decode",
    "force_yaml_decode",
    "headers",
    "raw_body",
    "tls_use_system_certs",
    "tls_ca_cert",
    "tls_ca_cert_file",
    "tls_ca_cert_env_variable",
    "tls_client_cert",
    "tls_client_cert_file",
    "tls_client_cert_env_variable",
    "tls_client_key",
    "tls_client_key_file",
    "tls_client_key_env_variable",
    "tls_insecure_skip_verify",
    "tls_server_name",
    "timeout",
    "cache",
    "force_cache",
    "force_cache_duration_seconds",
    "raise_error",
    "caching_mode",
    "max_retry_attempts",
    "cache_ignored_headers",
];

/// Checks the keys of a request.
pub(crate) fn check_request<'q>(heap: Heap<'q>, request: Object<'q>) -> Result<(), BuiltinError> {
    let known = |key: &Value<'_>| key.as_str().is_some_and(|key| KEYS.contains(&key));
    let mut unknown: Vec<_> = request.keys().iter().copied().filter(|key| !known(key)).collect();
    if !unknown.is_empty() {
        let names = rego(heap.set(&mut unknown));
        return operand(1, format_args!("invalid request parameters(s): {names}"));
    }
    let mut missing: Vec<_> = ["method", "url"]
        .into_iter()
        .filter(|key| request.get_str(key).is_undefined())
        .map(|key| heap.string(key))
        .collect();
    if !missing.is_empty() {
        let names = rego(heap.set(&mut missing));
        return operand(1, format_args!("missing required request parameters(s): {names}"));
    }
    Ok(())
}

/// Faults are errors, not values.
///
/// # Errors
/// Where the request says neither.
pub(crate) fn raises(request: Object<'_>) -> Result<bool, String> {
    let given = request.get_str("raise_error");
    match (given.is_undefined(), given.as_bool()) {
        (true, _) => Ok(true),
        (_, Some(raises)) => Ok(raises),
        _ => Err("invalid value for raise_error field".to_owned()),
    }
}

/// The value that stands for a fault.
pub(crate) fn failure<'q>(heap: Heap<'q>, code: &str, message: &str) -> Value<'q> {
    let mut error =
        vec![(heap.string("code"), heap.string(code)), (heap.string("message"), heap.string(message))];
    let error = heap.object(&mut error);
    heap.object(&mut vec![(heap.string("status_code"), Value::int(0)), (heap.string("error"), error)])
}

fn http_send<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let request = object(arg(args, 0), 1)?;
    let raises = raises(request).map_err(BuiltinError::Failed)?;
    match check_request(context.heap, request) {
        Ok(()) => context.world.call("http.send", context.heap, args),
        Err(error) if raises => Err(error),
        Err(error) => {
            let text = format!("{}: http.send: {}", error.code(), error.text());
            Ok(failure(context.heap, "eval_http_send_internal_error", &text))
        }
    }
}
