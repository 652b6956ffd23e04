//! What went wrong, in the shape in which OPA prints it: as JSON in `errors`, as one line for people.
//!
//! OPA leaves out what is not there: an error without code has no `code` key.

use crate::output::Node;
use govc_syntax::{Diagnostic, Sources, Span};

/// Row and column, both from 1, in a file named as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// File; empty for the query.
    pub(crate) file: String,
    /// Row.
    pub(crate) row: usize,
    /// Column in bytes.
    pub(crate) col: usize,
}

/// One error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    /// OPA's text where OPA has one.
    pub(crate) message: String,
    /// OPA's code, or empty.
    pub(crate) code: String,
    /// Our code, or empty.
    pub(crate) govc_code: String,
    /// Where.
    pub(crate) location: Option<Location>,
    /// What else is known of it.
    pub(crate) more: Option<Box<More>>,
}

/// What else is known of an error.
#[derive(Clone, Debug)]
pub(crate) enum More {
    /// It is a finding of the compiler.
    Finding(Finding),
    /// OPA's `details`, as JSON.
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only the server is told such errors"))]
    Details(String),
}

/// A finding of the compiler, and the source line that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What the compiler said.
    pub(crate) diagnostic: Box<Diagnostic>,
    /// The source line of a parse error and the place in it, from 0.
    shown: Option<(String, usize)>,
}

impl Problem {
    /// An error that OPA prints without code and place.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Something that govc does not do yet.
    pub(crate) fn not_yet(message: impl Into<String>) -> Self {
        Self::coded("govc_not_yet", message)
    }

    /// An error with a code of ours.
    pub(crate) fn coded(code: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), code: code.to_owned(), govc_code: code.to_owned(), ..Self::default() }
    }

    /// A finding of the compiler.
    pub(crate) fn from_diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        Self {
            message: diagnostic.message.clone(),
            code: diagnostic.opa_code.to_owned(),
            govc_code: diagnostic.code.to_owned(),
            location: diagnostic.opa_span().map(|span| {
                let (row, col) = place(diagnostic, span, sources);
                Location { file: sources.get(span.file).name.clone(), row, col }
            }),
            more: Some(Box::new(More::Finding(Finding {
                diagnostic: Box::new(diagnostic.clone()),
                shown: shown(diagnostic, sources),
            }))),
        }
    }

    /// The compiler's finding, where it is one.
    pub(crate) fn finding(&self) -> Option<&Finding> {
        match self.more.as_deref() {
            Some(More::Finding(finding)) => Some(finding),
            _ => None,
        }
    }

    /// OPA's JSON object, with `govc_code` beside `code`.
    pub(crate) fn to_node(&self) -> Node {
        let mut object = vec![("message".to_owned(), Node::string(&self.message))];
        if !self.code.is_empty() {
            object.push(("code".to_owned(), Node::string(&self.code)));
        }
        if !self.govc_code.is_empty() {
            object.push(("govc_code".to_owned(), Node::string(&self.govc_code)));
        }
        if let Some(location) = &self.location {
            object.push(("location".to_owned(), location.to_node()));
        }
        object.extend(self.details().map(|details| ("details".to_owned(), details)));
        Node::Object(object)
    }

    /// What OPA tells beside the message: the source line and the place in it, or what was given.
    pub(crate) fn details(&self) -> Option<Node> {
        if let Some(More::Details(details)) = self.more.as_deref() {
            return Some(Node::Raw(details.clone()));
        }
        let finding = self.finding()?;
        if let Some(details) = &finding.diagnostic.details {
            return Some(Node::Raw(details.clone()));
        }
        let (line, index) = finding.shown.as_ref()?;
        let details = [("line".to_owned(), Node::string(line)), ("idx".to_owned(), Node::int(*index as i64))];
        Some(Node::Object(details.into()))
    }

    /// The line and what OPA prints below it: the source with a mark, or the types that do not fit.
    fn lines(&self) -> String {
        let mut lines = vec![self.line()];
        if let Some((line, index)) = self.finding().and_then(|finding| finding.shown.as_ref()) {
            let text = line.trim_start_matches('\t');
            let indent = index.saturating_sub(line.len() - text.len());
            lines.extend([text.to_owned(), format!("{}^", " ".repeat(indent))]);
        }
        // Of a type error OPA prints what is there and what is wanted; suggestions are ours alone.
        let found = self.finding().into_iter().map(|finding| &finding.diagnostic);
        let typed = found.filter(|d| d.opa_code == "rego_type_error");
        lines.extend(typed.flat_map(|d| &d.notes).filter(|note| !note.starts_with("did you mean")).cloned());
        lines.join("\n\t")
    }

    /// OPA's one line: `file:row: code: message`.
    pub(crate) fn line(&self) -> String {
        let place = match &self.location {
            Some(l) if l.file.is_empty() => format!("{}:{}: ", l.row, l.col),
            Some(l) => format!("{}:{}: ", l.file, l.row),
            None => String::new(),
        };
        let code = if self.code.is_empty() { String::new() } else { format!("{}: ", self.code) };
        format!("{place}{code}{}", self.message)
    }
}

impl Location {
    /// `{"file": .., "row": .., "col": ..}`.
    pub(crate) fn to_node(&self) -> Node {
        Node::Object(vec![
            ("file".to_owned(), Node::string(&self.file)),
            ("row".to_owned(), Node::int(self.row as i64)),
            ("col".to_owned(), Node::int(self.col as i64)),
        ])
    }
}

/// OPA's complaint about a file without any statement, which it places nowhere.
const EMPTY: &str = "empty module";

/// How OPA begins to say that a text ends too early.
const END: &str = "unexpected eof token";

/// What OPA finds only when a text was read whole, and shows no line of.
fn is_late(message: &str) -> bool {
    const WHOLE: [&str; 6] = [
        "package expected",
        "unexpected package",
        "rule name conflicts with built-in function",
        "assignment requires two operands",
        "ref not ground",
        "rule argument list must take at least one argument",
    ];
    const PARTS: [&str; 7] = [
        "keyword is required ",
        "cannot be used for rule name",
        "cannot be used for rule head",
        "cannot be used as rule name",
        "cannot be used in function signature",
        "must have value assignment and/or body declaration",
        "invalid rule head: ",
    ];
    WHOLE.contains(&message) || PARTS.iter().any(|part| message.contains(part))
}

fn place(diagnostic: &Diagnostic, span: Span, sources: &Sources) -> (usize, usize) {
    match diagnostic.message.as_str() {
        EMPTY => (0, 0),
        // OPA means the last character, not the place behind it.
        text if text.starts_with(END) => {
            let (row, col) = sources.position(span);
            (row, col.saturating_sub(1))
        }
        _ => sources.position(span),
    }
}

/// The line that a parse error shows; at the end of the text it is the last that holds something.
fn shown(diagnostic: &Diagnostic, sources: &Sources) -> Option<(String, usize)> {
    if diagnostic.code != "govc_parse" || diagnostic.message == EMPTY || is_late(&diagnostic.message) {
        return None;
    }
    let text = &sources.get(diagnostic.span.file).text;
    let mut at = (diagnostic.span.start as usize).min(text.len());
    if text.get(at..).is_none_or(|rest| rest.trim().is_empty()) {
        at = text.trim_end().len().saturating_sub(1);
    }
    let start = text.as_bytes().get(..at)?.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    let line = text.get(start..)?.lines().next()?;
    Some((line.to_owned(), at - start))
}

/// Why a command did nothing: a single error without a code as its bare text, all else as [`summary`].
pub(crate) fn complaint(problems: &[Problem]) -> String {
    match problems {
        [one] if one.code.is_empty() => one.message.clone(),
        many => summary(many),
    }
}

/// All errors as OPA prints them for people.
pub(crate) fn summary(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::lines).collect();
    match lines.as_slice() {
        [one] => format!("1 error occurred: {one}"),
        many => format!("{} errors occurred:\n{}", many.len(), many.join("\n")),
    }
}

/// All errors as OPA's loader words them, which counts only what it could not read; what is wrong with a bundle stands
/// alone.
pub(crate) fn loading_summary(problems: &[Problem]) -> String {
    if let [one] = problems
        && one.code.is_empty()
        && one.govc_code.starts_with("govc_bundle_")
    {
        return one.message.clone();
    }
    summary(problems).replacen(" occurred:", " occurred during loading:", 1)
}

/// `{"errors": [..]}`.
pub(crate) fn errors_node(problems: &[Problem]) -> Node {
    Node::Object(vec![("errors".to_owned(), Node::Array(problems.iter().map(Problem::to_node).collect()))])
}

/// Errors of our crates have a code and a text, and stand alone.
macro_rules! coded {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::coded(error.code(), error.to_string())
            }
        }
    )*};
}

coded!(
    govc_audit::LogError,
    govc_audit::Refusal,
    govc_audit::chain::ChainError,
    govc_engine::BundleError,
    govc_engine::DecideError,
    govc_engine::KeyError,
    govc_engine::LayoutError,
    govc_engine::LoadError,
    govc_engine::proof::ProofError,
    govc_engine::proof::RecordError,
    govc_governance::ActionError,
    govc_governance::SpecError,
    govc_governance::approval::ApprovalRefusal,
    govc_governance::outbox::DrainError,
    govc_governance::policies::ReloadError,
    govc_governance::revocation::RevokeError,
    govc_governance::store::StoreError,
    govc_governance::ticket::TicketRefusal,
);

/// A key or checkpoint of an audit log that is not one.
impl From<govc_audit::note::NoteError> for Problem {
    fn from(error: govc_audit::note::NoteError) -> Self {
        Self::coded("govc_audit_foreign", error.to_string())
    }
}
