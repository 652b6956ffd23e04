//! Answers, in OPA's forms.

use crate::output;
use crate::problem::Problem;

/// An answer.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

const JSON: &str = "application/json";

impl Reply {
    /// A status without a body.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// JSON on one line, or indented where the caller asked for it.
    pub(crate) fn json(mut body: Vec<u8>, pretty: bool) -> Self {
        if pretty {
            body = output::indent(&String::from_utf8_lossy(&body)).into_bytes();
        }
        body.push(b'\n');
        Self { status: 200, headers: vec![("content-type", JSON.to_owned())], body }
    }

    /// Plain text, as Go's `http.Error` sends it.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", "text/plain; charset=utf-8".to_owned()),
                ("x-content-type-options", "nosniff".to_owned()),
            ],
            body: format!("{text}\n").into_bytes(),
        }
    }

    /// An error: OPA's code and message.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::errors(status, code, message, &[])
    }

    /// An error with what led to it.
    pub(crate) fn errors(status: u16, code: &str, message: &str, problems: &[Problem]) -> Self {
        let mut text = format!("{{\"code\":{},\"message\":{}", output::quote(code), output::quote(message));
        if !problems.is_empty() {
            let all: Vec<String> = problems.iter().map(object).collect();
            text.push_str(&format!(",\"errors\":[{}]", all.join(",")));
        }
        text.push('}');
        let body = (output::indent(&text) + "\n").into_bytes();
        Self { status, headers: vec![("content-type", JSON.to_owned())], body }
    }

    /// A wrong parameter.
    pub(crate) fn invalid(message: &str) -> Self {
        Self::error(400, "invalid_parameter", message)
    }

    /// Something that OPA does and we do not yet.
    pub(crate) fn not_yet(what: &str) -> Self {
        Self::error(501, "govc_not_yet", &format!("{what} is not supported yet"))
    }

    /// What became of an evaluation that failed.
    pub(crate) fn evaluation(problem: &Problem) -> Self {
        let message = "error(s) occurred while evaluating query";
        Self::errors(500, "internal_error", message, std::slice::from_ref(problem))
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An error in the order in which Go writes its fields, with our code last.
fn object(problem: &Problem) -> String {
    let mut fields = Vec::new();
    if !problem.code.is_empty() {
        fields.push(format!("\"code\":{}", output::quote(&problem.code)));
    }
    fields.push(format!("\"message\":{}", output::quote(&problem.message)));
    if let Some(location) = &problem.location {
        fields.push(format!("\"location\":{}", location.to_node().compact()));
    }
    if let Some(details) = problem.details() {
        fields.push(format!("\"details\":{}", details.compact()));
    }
    if !problem.govc_code.is_empty() && problem.govc_code != problem.code {
        fields.push(format!("\"govc_code\":{}", output::quote(&problem.govc_code)));
    }
    format!("{{{}}}", fields.join(","))
}
