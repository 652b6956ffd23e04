//! Policies: `/v1/policies`.
//!
//! The surprising fact: what `PUT` is given again changes nothing and compiles nothing.

use crate::output;
use crate::problem::Problem;
use crate::server::Server;
use crate::server::bundles;
use crate::server::call::Call;
use crate::server::policies::{Module, Policies};
use crate::server::reply::Reply;
use crate::server::store::Draft;
use crate::server::timers::Timers;
use govc_engine::documents::StoreError;
use govc_syntax::opa_json::{self, JsonOptions};
use std::cell::RefCell;

const COMPILING: &str = "error(s) occurred while compiling module(s)";

/// `GET /v1/policies`
pub(crate) fn list(server: &Server, call: &Call) -> Reply {
    let state = server.store.state();
    let all: Vec<String> = state.policies.modules.keys().map(|id| object(&state.policies, id)).collect();
    Reply::json(format!("{{\"result\":[{}]}}", all.join(",")).into_bytes(), call.pretty())
}

/// `GET /v1/policies/{id}`
pub(crate) fn get(server: &Server, call: &Call) -> Reply {
    let id = id(call);
    let state = server.store.state();
    match state.policies.modules.contains_key(id) {
        true => {
            let body = format!("{{\"result\":{}}}", object(&state.policies, id));
            Reply::json(body.into_bytes(), call.pretty())
        }
        false => missing(id).into(),
    }
}

/// `PUT /v1/policies/{id}`
pub(crate) fn put(server: &Server, call: &Call) -> Reply {
    let id = id(call);
    let timers = RefCell::new(Timers::new(call.switch("metrics")));
    if let Some(fault) = &call.body_fault {
        return Reply::invalid(fault);
    }
    timers.borrow_mut().since("timer_server_read_bytes_ns", call.started);
    let text = match std::str::from_utf8(&call.body) {
        Ok(text) => text,
        Err(_) => return Reply::errors(400, "invalid_parameter", COMPILING, &[not_utf8(id)]),
    };
    let done = server.change(|draft| replace(draft, id, text, &timers));
    match done {
        Ok(()) => finish(call, &timers.into_inner()),
        Err(reply) => reply,
    }
}

fn replace(draft: &mut Draft<'_>, id: &str, text: &str, timers: &RefCell<Timers>) -> Result<(), Reply> {
    if let Some(tree) = draft.policies.tree(id) {
        bundles::check_package(&draft.data, tree)?;
        if draft.policies.modules.get(id).is_some_and(|module| &*module.text == text) {
            return Ok(());
        }
    }
    let parse = draft.language.parse.clone();
    let parsed = timers.borrow_mut().time("timer_rego_module_parse_ns", || Policies::parse(id, text, &parse));
    let tree = parsed.map_err(|problems| match problems.as_slice() {
        [only] if only.message == "empty module" => Reply::invalid(&only.line()),
        many => Reply::errors(400, "invalid_parameter", COMPILING, many),
    })?;
    bundles::check_package(&draft.data, &tree)?;
    let mut modules = draft.policies.modules.clone();
    modules.insert(id.to_owned(), Module { text: text.into(), parse });
    let set = timers.borrow_mut().time("timer_rego_module_compile_ns", || draft.set_policies(modules));
    set.map_err(|problems| Reply::errors(400, "invalid_parameter", COMPILING, &problems))
}

/// `DELETE /v1/policies/{id}`
pub(crate) fn delete(server: &Server, call: &Call) -> Reply {
    let id = id(call);
    let mut timers = Timers::new(call.switch("metrics"));
    let done = server.change(|draft| {
        let tree = draft.policies.tree(id).ok_or_else(|| missing(id))?;
        bundles::check_package(&draft.data, tree)?;
        let mut modules = draft.policies.modules.clone();
        modules.remove(id);
        let set = timers.time("timer_rego_module_compile_ns", || draft.set_policies(modules));
        set.map_err(|problems| Reply::errors(400, "invalid_operation", COMPILING, &problems))
    });
    match done {
        Ok(()) => finish(call, &timers),
        Err(reply) => reply,
    }
}

fn finish(call: &Call, timers: &Timers) -> Reply {
    let body = match call.switch("metrics") {
        true if !timers.is_empty() => format!("{{\"metrics\":{}}}", timers.json()),
        _ => "{}".to_owned(),
    };
    Reply::json(body.into_bytes(), call.pretty())
}

/// What follows the folder of policies, decoded.
fn id(call: &Call) -> &str {
    call.path.strip_prefix("/v1/policies/").unwrap_or_default()
}

fn missing(id: &str) -> StoreError {
    StoreError::not_found(&format!("policy id {}", output::quote(id)))
}

fn not_utf8(id: &str) -> Problem {
    Problem {
        message: "illegal utf-8 character".to_owned(),
        code: "rego_parse_error".to_owned(),
        location: Some(crate::problem::Location { file: id.to_owned(), row: 1, col: 1 }),
        ..Problem::default()
    }
}

/// OPA's object of a policy.
fn object(policies: &Policies, id: &str) -> String {
    let text = policies.modules.get(id).map(|module| &*module.text).unwrap_or_default();
    let ast = policies.tree(id).map_or_else(
        || "null".to_owned(),
        |tree| {
            let options = JsonOptions { without_comments: true, ..JsonOptions::default() };
            compact(&opa_json::to_json(id, text, tree, &options))
        },
    );
    format!("{{\"id\":{},\"raw\":{},\"ast\":{ast}}}", output::quote(id), go_string(text))
}

/// A string as Go's encoder writes it, with HTML's special characters escaped.
fn go_string(text: &str) -> String {
    let mut out = Vec::new();
    govc_value::json::write_string(text, govc_value::json::Style::HTML, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            '"' if !escaped => inside = !inside,
            c if !inside && c.is_ascii_whitespace() => continue,
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn compacts_between_tokens_only() {
        assert_eq!(
            super::compact("{\n  \"a b\": \"\\\" \\\\\" , \"c\":[ 1 ]\n}"),
            r#"{"a b":"\" \\","c":[1]}"#
        );
    }
}
