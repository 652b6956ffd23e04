//! Partial evaluation: `/v1/compile`.

use crate::server::Server;
use crate::server::call::Call;
use crate::server::go_json;
use crate::server::reply::Reply;
use serde_json::Value as Json;

/// `POST /v1/compile`
pub(crate) fn post(_server: &Server, call: &Call) -> Reply {
    match request(call) {
        Ok(_) => Reply::not_yet("`/v1/compile`"),
        Err(error) => Reply::invalid(&error),
    }
}

fn request(call: &Call) -> Result<Json, String> {
    let body = call.plain_body().map_err(|_| "could not decompress the body".to_owned())?;
    let decoding = |error: String| format!("error(s) occurred while decoding request: {error}");
    let (value, _) = go_json::first(&body).map_err(decoding)?;
    serde_json::from_str(&go_json::mended(value)).map_err(|error| decoding(error.to_string()))
}

/// `POST` and `GET /v1/compile/{path}`
pub(crate) fn filters(_server: &Server, call: &Call) -> Reply {
    let accept = call.header("accept");
    match accept {
        "" => Reply::invalid("Accept header: missing required header"),
        "application/json" => Reply::error(500, "internal_error", "unknown target/dialect combination: /"),
        accept if accept.contains("application/vnd.opa") => Reply::not_yet("`/v1/compile` with filters"),
        accept => Reply::invalid(&format!("Accept header: unsupported header: {accept}")),
    }
}
