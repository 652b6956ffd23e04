//! Takes the members of another system's record one by one, so that none is lost unseen.

use super::foreign::ForeignError;
use super::{Source, Verdict};
use serde_json::{Map, Value};

/// The members of a record that were not taken yet.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn of(record: &Value) -> Result<Self, ForeignError> {
        record.as_object().cloned().map(Self).ok_or(ForeignError::Shape("not an object".to_owned()))
    }

    /// A member; none when it is absent or null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// A text; none when it is absent or null.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, ForeignError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ForeignError::Shape(format!("`{name}` is not a text"))),
        }
    }

    pub(super) fn needed(&mut self, name: &str) -> Result<String, ForeignError> {
        self.text(name)?.ok_or_else(|| ForeignError::Shape(format!("`{name}` is missing")))
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), ForeignError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(ForeignError::Shape(format!("`{name}` is not known"))),
        }
    }
}

/// The verdict of another system's word, which the source keeps where it is none of ours.
pub(super) fn verdict(word: &str, source: &mut Source) -> Verdict {
    Verdict::parse(word).unwrap_or_else(|| {
        source.verdict = Some(word.to_owned());
        Verdict::Observed
    })
}

/// The other system's word again.
pub(super) fn word(verdict: Verdict, source: &Source) -> String {
    source.verdict.clone().unwrap_or_else(|| verdict.text().to_owned())
}
