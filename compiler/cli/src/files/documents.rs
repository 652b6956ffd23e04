//! Base documents: JSON files merged into one tree without touching the text of their values.
//!
//! Only the objects at which two files meet are opened; everything below stays the bytes that were read, so numbers
//! keep their digits.

use serde_json::value::RawValue;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A tree of documents.
#[derive(Debug)]
pub(crate) enum Documents {
    /// JSON text that nothing was merged into.
    Text(Text),
    /// An object whose keys come from several files.
    Object(BTreeMap<String, Documents>),
}

/// A JSON text, and what was seen when somebody looked into it.
#[derive(Debug)]
pub(crate) struct Text {
    raw: Box<RawValue>,
    entries: OnceCell<BTreeMap<String, Text>>,
}

impl Text {
    fn new(raw: Box<RawValue>) -> Self {
        Self { raw, entries: OnceCell::new() }
    }

    /// Empty for anything but an object.
    fn entries(&self) -> &BTreeMap<String, Text> {
        self.entries.get_or_init(|| {
            let entries: BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(self.raw.get()).unwrap_or_default();
            entries.into_iter().map(|(key, raw)| (key, Self::new(raw))).collect()
        })
    }

    fn holds(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let is_object = self.raw.get().trim_start().starts_with('{');
        !is_object || self.entries().get(first).is_some_and(|child| child.holds(rest))
    }
}

/// Two files give a value to one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conflict;

impl Default for Documents {
    fn default() -> Self {
        Self::Object(BTreeMap::new())
    }
}

impl Documents {
    /// Merges a JSON text at a path below the root.
    pub(crate) fn merge(&mut self, path: &[String], text: Box<RawValue>) -> Result<(), Conflict> {
        match path {
            [] => self.merge_text(text),
            [first, rest @ ..] => {
                let object = self.open().ok_or(Conflict)?;
                match object.get_mut(first) {
                    Some(child) => child.merge(rest, text),
                    None => {
                        let mut child = Self::default();
                        if rest.is_empty() {
                            child = Self::Text(Text::new(text));
                        } else {
                            child.merge(rest, text)?;
                        }
                        object.insert(first.clone(), child);
                        Ok(())
                    }
                }
            }
        }
    }

    fn merge_text(&mut self, text: Box<RawValue>) -> Result<(), Conflict> {
        if self.is_empty_object() {
            *self = Self::Text(Text::new(text));
            return Ok(());
        }
        let object = self.open().ok_or(Conflict)?;
        let entries: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(text.get()).map_err(|_| Conflict)?;
        for (key, value) in entries {
            match object.get_mut(&key) {
                Some(child) => child.merge_text_below(value)?,
                None => {
                    object.insert(key, Self::Text(Text::new(value)));
                }
            }
        }
        Ok(())
    }

    /// As [`Self::merge_text`], but an empty object that is already there does not make way for a scalar.
    fn merge_text_below(&mut self, text: Box<RawValue>) -> Result<(), Conflict> {
        if !text.get().trim_start().starts_with('{') {
            return Err(Conflict);
        }
        self.merge_text(text)
    }

    fn is_empty_object(&self) -> bool {
        matches!(self, Self::Object(entries) if entries.is_empty())
    }

    /// This node as an object that can be added to.
    fn open(&mut self) -> Option<&mut BTreeMap<String, Documents>> {
        if let Self::Text(text) = self {
            let entries: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text.raw.get()).ok()?;
            *self = Self::Object(entries.into_iter().map(|(k, v)| (k, Self::Text(Text::new(v)))).collect());
        }
        match self {
            Self::Object(entries) => Some(entries),
            Self::Text(_) => None,
        }
    }

    /// Whether something stands at a path below the root, or something that is no object on the way to it.
    pub(crate) fn holds(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        match self {
            Self::Object(entries) => entries.get(first).is_some_and(|child| child.holds(rest)),
            Self::Text(text) => text.holds(path),
        }
    }

    /// The whole tree as one JSON text.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.raw.get().as_bytes()),
            Self::Object(entries) => {
                out.push(b'{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(crate::output::quote(key).as_bytes());
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(parts: &[(&[&str], &str)]) -> Result<String, Conflict> {
        let mut tree = Documents::default();
        for (path, text) in parts {
            let path: Vec<String> = path.iter().map(|&p| p.to_owned()).collect();
            tree.merge(&path, RawValue::from_string((*text).to_owned()).map_err(|_| Conflict)?)?;
        }
        Ok(String::from_utf8_lossy(&tree.to_json()).into_owned())
    }

    #[test]
    fn keeps_the_text_of_numbers() {
        let text = merged(&[
            (&["a"], r#"{"x":1.10}"#),
            (&["a"], r#"{"y":1e400}"#),
            (&[], r#"{"b":123456789012345678901}"#),
        ]);
        assert_eq!(text.as_deref(), Ok(r#"{"a":{"x":1.10,"y":1e400},"b":123456789012345678901}"#));
    }

    #[test]
    fn refuses_two_values_for_one_place() {
        assert_eq!(merged(&[(&[], r#"{"a":1}"#), (&[], r#"{"a":1}"#)]), Err(Conflict));
        assert_eq!(merged(&[(&[], r#"{"a":{"b":1}}"#), (&["a", "b"], r#"{"c":1}"#)]), Err(Conflict));
    }
}
