//! What the server says of itself: `/v1/config` and `/v1/status`.

use crate::server::Server;
use crate::server::call::Call;
use crate::server::reply::Reply;

/// `GET /v1/config`: the configuration without its secrets.
pub(crate) fn config(server: &Server, call: &Call) -> Reply {
    let body = format!("{{\"result\":{}}}", server.settings().shown());
    Reply::json(body.into_bytes(), call.pretty())
}

/// `GET /v1/status`
pub(crate) fn status(server: &Server, call: &Call) -> Reply {
    match server.status() {
        Some(status) => Reply::json(format!("{{\"result\":{status}}}").into_bytes(), call.pretty()),
        None => Reply::error(500, "internal_error", "status plugin not enabled"),
    }
}
