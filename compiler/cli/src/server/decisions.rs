//! Decisions on their way to the log.

use super::api::data::Given;
use crate::go_json;

/// A decision as the log will tell of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decision {
    pub(crate) id: String,
    /// The document that was asked for, or empty.
    pub(crate) path: String,
    /// The query that was asked, or empty.
    pub(crate) query: String,
    /// The input as JSON.
    pub(crate) input: Option<String>,
    /// The answer as JSON.
    pub(crate) result: Option<String>,
    /// The error as JSON.
    pub(crate) error: Option<String>,
    /// The error as one line.
    pub(crate) error_line: Option<String>,
    /// Answers of the outside world, as JSON.
    pub(crate) recorded: Option<String>,
    /// Measurements as JSON.
    pub(crate) metrics: String,
    /// What else the request said, as JSON.
    pub(crate) metadata: Option<String>,
}

impl Decision {
    /// Keeps the input.
    pub(crate) fn give(&mut self, given: &Given<'_>) {
        let first = |text: &[u8]| {
            let (value, _) = go_json::first(text).ok()?;
            Some(go_json::mended(value).into_owned())
        };
        match given {
            Given::None => {}
            Given::Whole(text) => self.input = first(text),
            Given::Member(text) => {
                let fields = first(text).and_then(|text| fields(&text)).unwrap_or_default();
                let (input, others): (Vec<_>, Vec<_>) =
                    fields.into_iter().partition(|(name, _)| name == "input");
                self.input = input.into_iter().map(|(_, value)| value).find(|value| value != "null");
                if !others.is_empty() {
                    let others = others.iter().map(|(k, v)| format!("{}:{v}", crate::output::quote(k)));
                    self.metadata = Some(format!("{{{}}}", others.collect::<Vec<_>>().join(",")));
                }
            }
        }
    }
}

/// The members of an object, each as JSON text.
fn fields(text: &str) -> Option<Vec<(String, String)>> {
    use serde_json::value::RawValue;
    let fields: std::collections::BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
    Some(fields.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect())
}
