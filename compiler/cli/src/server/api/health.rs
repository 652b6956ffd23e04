//! Health: `/health`, and the policies in `system.health`.

use crate::output;
use crate::problem::Problem;
use crate::server::Server;
use crate::server::call::Call;
use crate::server::evaluate::{self, Question};
use crate::server::path;
use crate::server::reply::Reply;
use crate::server::store::Refused;
use crate::server::visit::Visit;
use govc_value::{Value, json};

/// `GET /health`
pub(crate) fn get(server: &Server, call: &Call) -> Reply {
    let states = server.plugin_states();
    let ready = |name: &str| states.get(name).is_none_or(|state| *state == "OK");
    if (call.switch("bundle") || call.switch("bundles")) && !(ready("discovery") && ready("bundle")) {
        return answer(Some("one or more bundles are not activated"));
    }
    let excluded: Vec<&str> = call.values("exclude-plugin").collect();
    let down = |(name, state): (&&str, &&str)| !excluded.contains(name) && *state != "OK";
    if call.switch("plugins") && states.iter().any(down) {
        return answer(Some("one or more plugins are not up"));
    }
    answer(None)
}

/// `GET /health/{path}`: asks a policy.
pub(crate) fn policy(server: &Server, call: &Call) -> Reply {
    let name = format!("/system/health/{}", call.rest("/health"));
    let steps = match path::steps(&name) {
        Ok(steps) => steps,
        Err(error) => return Reply::invalid(&format!("invalid path: {error}")),
    };
    let shown = path::shown(&steps);
    match decide(server, call, &name) {
        Ok(Some(true)) => answer(None),
        Ok(Some(false)) => answer(Some(&format!("health check ({shown}) returned unexpected value"))),
        Ok(None) => answer(Some(&format!("health check ({shown}) was undefined"))),
        Err(problem) => answer(Some(&problem.line())),
    }
}

/// Whether the document is `true`, if it is defined.
fn decide(server: &Server, call: &Call, name: &str) -> Result<Option<bool>, Problem> {
    let state = server.store.state();
    let ready = server.heavy(|| state.document(name, false)).map_err(|refused| match refused {
        Refused::Path(text) => Problem::plain(text),
        Refused::Policies(found) => found.into_iter().next().unwrap_or_default(),
    })?;
    let states = server.plugin_states();
    let shown: Vec<String> = states
        .iter()
        .map(|(name, state)| format!("{}:{}", output::quote(name), output::quote(state)))
        .collect();
    let text = format!(
        "{{\"plugin_state\":{{{}}},\"plugins_ready\":{}}}",
        shown.join(","),
        server.plugins_were_ready()
    );
    let mut visit = Visit::new(&server.runtime);
    let question = Question { image: &ready.image, entrypoint: ready.entrypoint, strict: false };
    let result = evaluate::ask(
        &question,
        &mut visit,
        |heap| {
            json::read(heap, text.as_bytes(), &json::Limits::default())
                .map_err(|error| Problem::plain(error.to_string()))
        },
        |_, outcome| outcome.results.first().map(|row| value(*row) == Value::TRUE),
    );
    server.printed(call, &visit);
    result
}

/// The value of the only expression of a solution.
pub(crate) fn value(row: Value<'_>) -> Value<'_> {
    let values = row.as_array().map_or(Value::UNDEFINED, |row| row.at(0));
    values.as_array().map_or(Value::UNDEFINED, |values| values.at(0))
}

fn answer(error: Option<&str>) -> Reply {
    match error {
        None => Reply::json(b"{}".to_vec(), false),
        Some(text) => {
            let mut out = Vec::new();
            json::write_string(text, json::Style::HTML, &mut out);
            let body = format!("{{\"error\":{}}}", String::from_utf8_lossy(&out));
            Reply { status: 500, ..Reply::json(body.into_bytes(), false) }
        }
    }
}
