//! Diagnostics as data: what is wrong, where, and what would be right. Rendering is elsewhere.

use crate::source::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The source is refused.
    Error,
    /// The source is accepted, but probably does not do what its author means.
    Warning,
    /// A remark.
    Note,
}

/// A place in the source that a diagnostic points at beside its primary span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there: lower case, no final period.
    pub message: String,
}

/// A replacement that removes the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the fix does, in the imperative.
    pub title: String,
    /// Non-overlapping replacements of source text.
    pub edits: Vec<(Span, String)>,
}

/// Where OPA says that a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reported {
    /// At its primary place.
    #[default]
    Here,
    /// At another place.
    At(Span),
    /// It does not say.
    Nowhere,
}

/// One finding about one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Our code: `govc_...`, with a page for `govc explain`.
    pub code: &'static str,
    /// OPA's code for the same finding, such as `rego_parse_error`.
    pub opa_code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// OPA's message text where OPA has one: lower case, no final period.
    pub message: String,
    /// The primary place.
    pub span: Span,
    /// Where OPA says that it is.
    pub reported: Reported,
    /// Further places.
    pub labels: Vec<Label>,
    /// Help and explanations, one sentence each.
    pub notes: Vec<String>,
    /// What would be right, where we know it.
    pub fix: Option<Fix>,
    /// Types and references of a type error, as OPA's JSON (`details`).
    pub details: Option<String>,
}

impl Diagnostic {
    /// An error without labels, notes or fix.
    pub fn error(code: &'static str, opa_code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            opa_code,
            severity: Severity::Error,
            message: message.into(),
            span,
            reported: Reported::Here,
            labels: Vec::new(),
            notes: Vec::new(),
            fix: None,
            details: None,
        }
    }

    /// The place that OPA gives, if it gives one.
    pub fn opa_span(&self) -> Option<Span> {
        match self.reported {
            Reported::Here => Some(self.span),
            Reported::At(span) => Some(span),
            Reported::Nowhere => None,
        }
    }

    /// The same diagnostic, of which OPA does not say where it is.
    #[must_use]
    pub fn nowhere(mut self) -> Self {
        self.reported = Reported::Nowhere;
        self
    }

    /// The same diagnostic with one more note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same diagnostic with one more labelled place.
    #[must_use]
    pub fn with_label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }
    /// The same diagnostic with OPA's `details`, a JSON text.
    #[must_use]
    pub fn with_details(mut self, details: String) -> Self {
        self.details = Some(details);
        self
    }
}
