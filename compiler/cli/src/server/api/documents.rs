//! Changes of base documents: `PUT`, `PATCH` and `DELETE` of `/v1/data`.

use crate::go_json;
use crate::problem;
use crate::server::Server;
use crate::server::bundles;
use crate::server::call::Call;
use crate::server::path;
use crate::server::reply::Reply;
use crate::server::store::Draft;
use crate::server::timers::Timers;
use govc_engine::documents::{Document, Operation, StoreError, patch_keys};
use std::sync::Arc;

impl From<StoreError> for Reply {
    fn from(error: StoreError) -> Self {
        let (status, code) = match error.code() {
            "storage_not_found_error" => (404, "resource_not_found"),
            "storage_write_conflict_error" => (404, "resource_conflict"),
            "storage_invalid_patch_error" => (400, "invalid_parameter"),
            _ => (500, "internal_error"),
        };
        Self::error(status, code, &error.to_string())
    }
}

/// `PUT /v1/data/{path}`
pub(crate) fn put(server: &Server, call: &Call) -> Reply {
    let mut timers = Timers::new(call.switch("metrics"));
    let value = match timers.time("timer_rego_input_parse_ns", || body(call)) {
        Ok(value) => value,
        Err(error) => return Reply::invalid(&error),
    };
    let given = call.rest("/v1/data");
    let Some(path) = path::keys(&given) else { return Reply::invalid(&format!("bad path: {given}")) };
    let only_new = call.header("if-none-match") == "*";
    let done = server.change(|draft| {
        bundles::check_path(&draft.data, &path)?;
        match draft.data.at(&path) {
            Ok(_) if only_new => return Err(Reply::status(304)),
            Ok(_) => {}
            Err(error) if error.is_missing() => {
                draft.data.make_objects(path.split_last().map_or(&[], |(_, parents)| parents))?;
            }
            Err(error) => return Err(error.into()),
        }
        draft.data.write(Operation::Add, &path, Some(value))?;
        accept(draft)
    });
    finish(call, timers, done)
}

/// `PATCH /v1/data/{path}`
pub(crate) fn patch(server: &Server, call: &Call) -> Reply {
    let mut timers = Timers::new(call.switch("metrics"));
    let found = timers.time("timer_rego_input_parse_ns", || body(call).and_then(|value| operations(&value)));
    let operations = match found {
        Ok(operations) => operations,
        Err(error) => return Reply::invalid(&error),
    };
    let root = call.rest("/v1/data");
    let patches: Result<Vec<_>, String> = operations.into_iter().map(|op| op.prepare(&root)).collect();
    let patches = match patches {
        Ok(patches) => patches,
        Err(error) => return Reply::invalid(&error),
    };
    let done = server.change(|draft| {
        for (operation, path, value) in patches {
            bundles::check_path(&draft.data, &path)?;
            draft.data.write(operation, &path, value)?;
        }
        accept(draft)
    });
    finish(call, timers, done)
}

/// `DELETE /v1/data/{path}`
pub(crate) fn delete(server: &Server, call: &Call) -> Reply {
    let timers = Timers::new(call.switch("metrics"));
    let given = call.rest("/v1/data");
    let Some(path) = path::keys(&given) else { return Reply::invalid(&format!("bad path: {given}")) };
    let done = server.change(|draft| {
        bundles::check_path(&draft.data, &path)?;
        draft.data.at(&path)?;
        draft.data.write(Operation::Remove, &path, None)?;
        Ok(())
    });
    finish(call, timers, done)
}

fn body(call: &Call) -> Result<Arc<Document>, String> {
    if let Some(fault) = &call.body_fault {
        return Err(fault.clone());
    }
    let (value, _) = go_json::first(&call.body)?;
    Document::read(go_json::mended(value).as_bytes()).map_err(|error| error.to_string())
}

/// The documents that were written stand where no rule is.
fn accept(draft: &mut Draft<'_>) -> Result<(), Reply> {
    let data = Arc::clone(&draft.data);
    let accepted = draft.policies.accept_data(&|path| data.holds(path));
    accepted.map_err(|problems| Reply::invalid(&problem::summary(&problems)))
}

fn finish(call: &Call, mut timers: Timers, done: Result<(), Reply>) -> Reply {
    if let Err(reply) = done {
        return reply;
    }
    if !call.switch("metrics") {
        return Reply::status(204);
    }
    timers.since("timer_server_handler_ns", call.started);
    Reply::json(format!("{{\"metrics\":{}}}", timers.json()).into_bytes(), false)
}

/// One operation of a patch as it was sent.
struct Sent {
    operation: String,
    path: String,
    value: Option<Arc<Document>>,
}

/// An operation, and where it happens.
type Prepared = (Operation, Vec<String>, Option<Arc<Document>>);

impl Sent {
    fn prepare(self, root: &str) -> Result<Prepared, String> {
        let operation = match self.operation.as_str() {
            "add" => Operation::Add,
            "remove" => Operation::Remove,
            "replace" => Operation::Replace,
            other => return Err(format!("bad patch operation: {other}")),
        };
        let both = [root.trim_matches('/'), self.path.trim_matches('/')];
        let parts: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
        let path = patch_keys(&format!("/{}", parts.join("/")));
        let path = path.ok_or_else(|| format!("bad patch path: {}", self.path))?;
        Ok((operation, path, self.value))
    }
}

/// The operations of a patch.
fn operations(value: &Document) -> Result<Vec<Sent>, String> {
    let wrong = |value: &Document, wanted: &str| {
        let kind = go_json::kind(value.json().as_bytes());
        format!("json: cannot unmarshal {kind} into Go {wanted}")
    };
    let items = match value {
        Document::Array(items) => items.as_slice(),
        Document::Null => &[],
        other => return Err(wrong(other, "value of type []types.PatchV1")),
    };
    let mut found = Vec::new();
    for item in items {
        let entries = match &**item {
            Document::Object(_) | Document::Null => item,
            other => return Err(wrong(other, "value of type types.PatchV1")),
        };
        let text = |name: &str| match entries.get(name).map(|value| &**value) {
            None | Some(Document::Null) => Ok(String::new()),
            Some(Document::String(text)) => Ok(text.to_string()),
            Some(other) => Err(wrong(other, &format!("struct field PatchV1.{name} of type string"))),
        };
        found.push(Sent {
            operation: text("op")?,
            path: text("path")?,
            value: entries.get("value").cloned(),
        });
    }
    Ok(found)
}
