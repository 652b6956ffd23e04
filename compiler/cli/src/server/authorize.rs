//! Who may ask: `--authentication=token` and `--authorization=basic`.
//!
//! Everything that goes wrong here is a refusal: no policy, an error of the policy, a body that cannot be read.

use super::Server;
use super::api::health::value;
use super::call::{self, Call};
use super::evaluate::{self, Question};
use super::reply::Reply;
use super::store::Refused;
use super::url;
use super::visit::Visit;
use crate::go_json;
use crate::output::Node;
use crate::problem::Problem;
use govc_value::{Value, json};
use std::collections::BTreeMap;

/// What the policy says.
enum Verdict {
    Allowed,
    Denied(Option<String>),
    /// An object without `allowed`.
    Strange,
    Undefined,
}

/// Lets a request through.
///
/// # Errors
/// The answer to a request that may not go on.
pub(crate) fn check(server: &Server, call: &mut Call) -> Result<(), Reply> {
    if server.asks_for_tokens() {
        call.peer.identity = token(call.header("authorization"));
    }
    if !server.authorizes() {
        return Ok(());
    }
    let started = call.started;
    let checked = decide(server, call);
    if let Err(reply) = &checked {
        server.metrics.count(reply.status, "authz", &call.method, started.elapsed());
    }
    checked
}

/// The token of `Bearer TOKEN`.
fn token(header: &str) -> Option<String> {
    let rest = header.strip_prefix("Bearer")?;
    let token = rest.trim_start();
    let one = rest.len() > token.len() && !token.is_empty() && !token.contains(char::is_whitespace);
    one.then(|| token.to_owned())
}

fn decide(server: &Server, call: &mut Call) -> Result<(), Reply> {
    let input = input(call).map_err(|error| Reply::invalid(&error))?;
    let unauthorized = |reason: &str| Err(Reply::error(401, "unauthorized", reason));
    let rejected = "request rejected by administrative policy";
    match ask(server, call, &input).map_err(|problem| Reply::evaluation(&problem))? {
        Verdict::Allowed => Ok(()),
        Verdict::Denied(reason) => unauthorized(reason.as_deref().unwrap_or(rejected)),
        Verdict::Strange => Err(Reply::error(500, "internal_error", "document missing or undefined")),
        Verdict::Undefined => {
            Err(Reply::error(500, "internal_error", "authorization policy missing or undefined"))
        }
    }
}

fn ask(server: &Server, call: &Call, input: &str) -> Result<Verdict, Problem> {
    let state = server.store.state();
    let path = server.authorization_decision();
    let ready = match state.known(&path, false) {
        Some(ready) => ready,
        None => server.heavy(|| state.document(&path, false)).map_err(|refused| match refused {
            Refused::Path(text) => Problem::plain(text),
            Refused::Policies(found) => found.into_iter().next().unwrap_or_default(),
        })?,
    };
    let mut visit = Visit::new(&server.runtime);
    let question = Question { image: &ready.image, entrypoint: ready.entrypoint, strict: false };
    let verdict = evaluate::ask(
        &question,
        &mut visit,
        |heap| {
            json::read(heap, input.as_bytes(), &json::Limits::default())
                .map_err(|error| Problem::plain(error.to_string()))
        },
        |_, outcome| outcome.results.first().map_or(Verdict::Undefined, |row| verdict(value(*row))),
    );
    server.printed(call, &visit);
    verdict
}

fn verdict(value: Value<'_>) -> Verdict {
    if value == Value::TRUE {
        return Verdict::Allowed;
    }
    let Some(object) = value.as_object() else { return Verdict::Denied(None) };
    let allowed = object.get_str("allowed");
    match () {
        () if allowed == Value::TRUE => Verdict::Allowed,
        () if allowed.is_undefined() => Verdict::Strange,
        () => Verdict::Denied(object.get_str("reason").as_str().map(str::to_owned)),
    }
}

/// The input of the policy, as JSON. A body that was read is kept for the endpoint.
fn input(call: &mut Call) -> Result<String, String> {
    let steps: Vec<&str> = call.path.strip_prefix('/').unwrap_or(&call.path).split('/').collect();
    let decoded: Option<Vec<String>> = steps.iter().map(|step| url::unescape(step, false)).collect();
    let decoded = decoded.ok_or_else(|| "invalid URL escape".to_owned())?;
    let body = body(call, &steps)?;
    let mut fields = vec![
        ("headers".to_owned(), headers(call)),
        ("method".to_owned(), Node::string(&call.method.to_uppercase())),
        ("params".to_owned(), parameters(call)),
        ("path".to_owned(), Node::of(&decoded)),
    ];
    fields.extend(body.as_ref().map(|body| ("body".to_owned(), Node::Raw(body.clone()))));
    fields.extend(call.peer.identity.as_ref().map(|name| ("identity".to_owned(), Node::string(name))));
    if let Some(shown) = &call.peer.certificates {
        fields.push(("client_certificates".to_owned(), Node::Raw(shown.to_string())));
    }
    call.authorized_body = body;
    Ok(Node::Object(fields).compact())
}

/// The body of a request that carries an input.
fn body(call: &Call, steps: &[&str]) -> Result<Option<String>, String> {
    let carries = match steps {
        [""] => true,
        [version, "data", ..] => matches!(*version, "v0" | "v1"),
        _ => false,
    };
    if call.method != "POST" || !carries {
        return Ok(None);
    }
    let body = call.plain_body()?;
    match () {
        () if body.is_empty() => Ok(None),
        () if call.is_yaml() => call::any_document(&body).map(Some),
        () => go_json::only(&body).map(|value| Some(go_json::mended(value).into_owned())),
    }
}

/// The parameters of the query: each with all its values.
pub(crate) fn parameters(call: &Call) -> Node {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &call.parameters {
        all.entry(name).or_default().push(value);
    }
    Node::of(&all)
}

/// The headers, named as Go names them, each with all its values.
fn headers(call: &Call) -> Node {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &call.headers {
        // Go keeps the host apart, and says nothing of how the body was cut.
        if matches!(name.as_str(), "host" | "transfer-encoding") {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(go_name(name.as_str())).or_default().push(value);
    }
    Node::Object(all.iter().map(|(name, values)| (name.clone(), Node::of(values))).collect())
}

/// `content-type` as `Content-Type`.
pub(crate) fn go_name(name: &str) -> String {
    let upper = |part: &str| {
        let mut chars = part.chars();
        chars.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + chars.as_str())
    };
    name.split('-').map(upper).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tokens_and_names() {
        assert_eq!(token("Bearer  a.b").as_deref(), Some("a.b"));
        assert_eq!(
            [token("Bearer a b"), token("Bearera"), token("Basic a"), token("Bearer ")],
            [None, None, None, None]
        );
        assert_eq!(go_name("x-request-id"), "X-Request-Id");
    }
}
