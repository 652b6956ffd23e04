//! Which endpoint answers: OPA's routes, with the redirections and refusals of Go's router around them.

use super::Server;
use super::api::{compile, data, documents, filters, health, index, policies, query, settings};
use super::call::Call;
use super::prometheus;
use super::reply::Reply;
use super::url;

/// The endpoints that a listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doors {
    /// All.
    All,
    /// `/health` and `/metrics`.
    Diagnostic,
}

type Handler = fn(&Server, &Call) -> Reply;

/// A route that has been found.
struct Route {
    /// Its name in the metrics.
    name: &'static str,
    handler: Handler,
}

/// Answers a request.
pub(crate) fn answer(server: &Server, call: &Call, doors: Doors) -> Reply {
    let cleaned = url::clean(&call.escaped);
    if let Some(reply) = redirected(call, &cleaned, doors) {
        return reply;
    }
    let methods: &[&str] = if call.method == "HEAD" { &["GET", "HEAD"] } else { &[&call.method] };
    let found = methods.iter().find_map(|method| route(method, &call.path, doors));
    match found {
        Some(route) => {
            let reply = guarded(server, call, &route);
            if !route.name.is_empty() {
                server.metrics.count(reply.status, route.name, &call.method, call.started.elapsed());
            }
            reply
        }
        None => refused(&call.path, doors),
    }
}

/// What stands around every endpoint: no `HEAD`, and no slash at the end.
fn guarded(server: &Server, call: &Call, route: &Route) -> Reply {
    if route.name.is_empty() {
        return (route.handler)(server, call);
    }
    if call.method == "HEAD" {
        return Reply::status(405);
    }
    if call.path != "/" && call.path.ends_with('/') {
        let location = call.path.strip_suffix('/').unwrap_or(&call.path);
        return redirect(call, 301, "Moved Permanently", location);
    }
    (route.handler)(server, call)
}

/// Paths that are not in their simplest form, and folders named without a slash.
fn redirected(call: &Call, cleaned: &str, doors: Doors) -> Option<Reply> {
    let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
    let folder = format!("{cleaned}/");
    let moved = |path: &str| redirect(call, 307, "Temporary Redirect", &format!("{path}{query}"));
    if !cleaned.ends_with('/') && !known_for(call, cleaned, doors) && is_folder(call, &folder, doors) {
        return Some(moved(&folder));
    }
    (cleaned != call.escaped).then(|| moved(cleaned))
}

fn known_for(call: &Call, path: &str, doors: Doors) -> bool {
    route(&call.method, path, doors).is_some()
        || (call.method == "HEAD" && route("GET", path, doors).is_some())
}

/// Folders that have endpoints below them but are none themselves.
fn is_folder(call: &Call, path: &str, doors: Doors) -> bool {
    let asks = matches!(call.method.as_str(), "GET" | "HEAD" | "POST");
    doors == Doors::All && asks && path == "/v1/compile/"
}

fn redirect(call: &Call, status: u16, text: &str, location: &str) -> Reply {
    let reply = Reply::status(status).with("location", location);
    match call.method.as_str() {
        "GET" => {
            let body = format!("<a href=\"{}\">{text}</a>.\n\n", escape_html(location));
            Reply { body: body.into_bytes(), ..reply }.with("content-type", "text/html; charset=utf-8")
        }
        "HEAD" => reply.with("content-type", "text/html; charset=utf-8"),
        _ => reply,
    }
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;")
}

/// A path is below a folder, or the folder itself.
fn below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn route(method: &str, path: &str, doors: Doors) -> Option<Route> {
    let found = |name: &'static str, handler: Handler| Some(Route { name, handler });
    match (method, path) {
        ("GET", "/metrics") => return found("", |server, _| server.metrics.page()),
        ("GET", "/metrics/alloc_bytes") => return found("", |_, call| memory(call)),
        ("GET", "/health") => return found("health", health::get),
        ("GET", path) if path.starts_with("/health/") => return found("health", health::policy),
        _ if doors == Doors::Diagnostic => return None,
        _ => {}
    }
    match method {
        _ if below(path, "/v0/data") && method == "POST" => found("v0/data", |s, c| data::v0(s, c, false)),
        "DELETE" if path.starts_with("/v1/data/") => found("v1/data", documents::delete),
        "PUT" if below(path, "/v1/data") => found("v1/data", documents::put),
        "GET" if below(path, "/v1/data") => found("v1/data", data::get),
        "PATCH" if below(path, "/v1/data") => found("v1/data", documents::patch),
        "POST" if below(path, "/v1/data") => found("v1/data", data::post),
        "GET" if path == "/v1/policies" => found("v1/policies", policies::list),
        "GET" if path.starts_with("/v1/policies/") => found("v1/policies", policies::get),
        "PUT" if path.starts_with("/v1/policies/") => found("v1/policies", policies::put),
        "DELETE" if path.starts_with("/v1/policies/") => found("v1/policies", policies::delete),
        "GET" if path == "/v1/query" => found("v1/query", query::get),
        "POST" if path == "/v1/query" => found("v1/query", query::post),
        "POST" if path == "/v1/compile" => found("v1/compile", compile::post),
        "POST" | "GET" if path.starts_with("/v1/compile/") => found("v1/compile", filters::post),
        "GET" if path == "/v1/config" => found("v1/config", settings::config),
        "GET" if path == "/v1/status" => found("v1/status", settings::status),
        "POST" if path == "/" => found("index", |server, call| data::v0(server, call, true)),
        "GET" if path == "/" => found("index", |_, _| index::get()),
        _ if catches(path) => found("catchall", |_, _| Reply::status(405)),
        _ => None,
    }
}

/// Paths that are there, but not for every method.
fn catches(path: &str) -> bool {
    ["/v0/data", "/v1/data", "/v1/policies", "/v1/query"].iter().any(|folder| below(path, folder))
}

/// No endpoint: another method would have found one, or none would.
fn refused(path: &str, doors: Doors) -> Reply {
    let mut allowed: Vec<&str> = ["DELETE", "GET", "PATCH", "POST", "PUT"].to_vec();
    let folder = format!("{path}/");
    let there = |method: &str| {
        route(method, path, doors).is_some()
            || route(method, &folder, doors).is_some_and(|r| r.name != "catchall")
    };
    allowed.retain(|method| there(method));
    if allowed.is_empty() {
        return Reply::text(404, "404 page not found");
    }
    if let Some(at) = allowed.iter().position(|method| *method == "GET") {
        allowed.insert(at + 1, "HEAD");
    }
    Reply::text(405, "Method Not Allowed").with("allow", allowed.join(", "))
}

/// `GET /metrics/alloc_bytes`
fn memory(call: &Call) -> Reply {
    let bytes = prometheus::resident();
    let pretty = call.values("pretty").next() == Some("true");
    let text = if pretty { size(bytes as f64) } else { bytes.to_string() };
    let kind = ("content-type", "text/plain; charset=utf-8".to_owned());
    Reply { status: 200, headers: vec![kind], body: (text + "\n").into_bytes() }
}

fn size(mut bytes: f64) -> String {
    for unit in ["", "K", "M", "G", "T", "P", "E", "Z"] {
        if bytes < 1000.0 {
            return format!("{bytes:3.1}{unit}B");
        }
        bytes /= 1000.0;
    }
    format!("{bytes:.1}YiB")
}
