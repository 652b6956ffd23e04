//! Base documents as a tree that many readers share while one writer changes its own copy.
//!
//! The surprising fact: a write never touches what a reader sees. Only the nodes on the way to the place are copied, and
//! those only while somebody else holds them.

mod change;
mod error;
mod step;

pub use change::Change;
pub use error::StoreError;
pub use step::{escape, of_patch as patch_keys, unescape};

use govc_value::{Arena, FrozenBuilder, Heap, SymbolTable, Value, View, json};
use serde_json::Value as Text;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A JSON value. Numbers keep their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The text of a number.
    Number(Box<str>),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Vec<Arc<Document>>),
    /// An object.
    Object(BTreeMap<Arc<str>, Arc<Document>>),
}

/// What a write does at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Puts a value there, or before what an array has there.
    Add,
    /// Takes away what is there.
    Remove,
    /// Puts a value in the place of what is there.
    Replace,
}

/// Strings of data longer than this get no symbol: they are rarely compared.
const SHORT: usize = 64;

impl Document {
    /// An empty object.
    pub fn empty() -> Arc<Self> {
        Arc::new(Self::Object(BTreeMap::new()))
    }

    /// A string.
    pub fn string(text: &str) -> Arc<Self> {
        Arc::new(Self::String(text.into()))
    }

    /// An object of the given entries.
    pub fn object(entries: impl IntoIterator<Item = (&'static str, Arc<Self>)>) -> Arc<Self> {
        Arc::new(Self::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// A JSON text.
    ///
    /// # Errors
    /// What the reader says where the text is no JSON.
    pub fn read(text: &[u8]) -> Result<Arc<Self>, json::Error> {
        // The limits of the reader bound what a text needs.
        let arena = Arena::new(usize::MAX);
        json::read(Heap::new(&arena, SymbolTable::empty()), text, &json::Limits::default()).map(Self::of)
    }

    /// A value of the machine; a set becomes an array, a key that is no string its JSON text.
    pub fn of(value: Value<'_>) -> Arc<Self> {
        Arc::new(match value.view() {
            View::Null | View::Undefined => Self::Null,
            View::Bool(value) => Self::Bool(value),
            View::Number(_) => Self::Number(json::to_string(value).into()),
            View::String(text) => Self::String(text.into()),
            View::Array(_) | View::Set(_) => Self::Array(value.entries().map(|(_, v)| Self::of(v)).collect()),
            View::Object(_) => Self::Object(value.entries().map(|(k, v)| (key(k), Self::of(v))).collect()),
        })
    }

    /// The value on a heap.
    pub fn value<'q>(&self, heap: Heap<'q>) -> Value<'q> {
        match self {
            Self::Null => Value::null(),
            Self::Bool(value) => Value::bool(*value),
            // Every text here was once read as a number.
            Self::Number(text) => heap.number(text).unwrap_or_default(),
            Self::String(text) => heap.string(text),
            Self::Array(items) => heap.array(&items.iter().map(|item| item.value(heap)).collect::<Vec<_>>()),
            Self::Object(entries) => {
                let entry = |(k, v): (&Arc<str>, &Arc<Self>)| (heap.string(k), v.value(heap));
                heap.object(&mut entries.iter().map(entry).collect())
            }
        }
    }

    /// Gives every key and every short string a symbol.
    pub fn intern(&self, strings: &mut FrozenBuilder) {
        match self {
            Self::String(text) if text.len() <= SHORT => strings.intern(text),
            Self::Array(items) => items.iter().for_each(|item| item.intern(strings)),
            Self::Object(entries) => entries.iter().for_each(|(key, value)| {
                strings.intern(key);
                value.intern(strings);
            }),
            _ => {}
        }
    }

    /// Appends JSON.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => out.push_str(&Text::from(&**text).to_string()),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    out.push_str(&Text::from(&**key).to_string());
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }

    /// JSON on one line.
    pub fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Arc<Self>> {
        match self {
            Self::Object(entries) => entries.get(key),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of an object.
    pub fn entries(&self) -> Option<&BTreeMap<Arc<str>, Arc<Self>>> {
        match self {
            Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// Nothing is there, or an array was given something that is no index.
    pub fn at(self: &Arc<Self>, path: &[String]) -> Result<Arc<Self>, StoreError> {
        let mut node = self;
        for key in path {
            node = match &**node {
                Self::Object(entries) => entries.get(key.as_str()).ok_or_else(StoreError::missing)?,
                Self::Array(items) => &items[index(items, key, path)?],
                _ => return Err(StoreError::missing()),
            };
        }
        Ok(Arc::clone(node))
    }

    /// Whether something stands at a path, or something that is no object on the way to it.
    pub fn holds(&self, path: &[String]) -> bool {
        match (self, path.split_first()) {
            (_, None) => true,
            (Self::Object(entries), Some((first, rest))) => {
                entries.get(first.as_str()).is_some_and(|child| child.holds(rest))
            }
            _ => true,
        }
    }

    /// Two documents as one; nothing where both have something else in one place.
    pub fn merged(self: &Arc<Self>, other: &Arc<Self>) -> Option<Arc<Self>> {
        let (Self::Object(left), Self::Object(right)) = (&**self, &**other) else { return None };
        let mut all = left.clone();
        for (key, value) in right {
            let value = match all.get(key) {
                Some(there) => there.merged(value)?,
                None => Arc::clone(value),
            };
            all.insert(Arc::clone(key), value);
        }
        Some(Arc::new(Self::Object(all)))
    }

    /// Makes objects up to a path.
    ///
    /// # Errors
    /// Something else is in the way.
    pub fn make_objects(self: &mut Arc<Self>, path: &[String]) -> Result<(), StoreError> {
        for len in 1..=path.len() {
            match self.at(&path[..len]) {
                Ok(node) if node.entries().is_some() => {}
                Ok(_) => return Err(StoreError::write_conflict(&path[..len])),
                Err(error) if error.is_missing() => {
                    self.write(Operation::Add, &path[..len], Some(Self::empty()))?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Changes what stands at a path.
    ///
    /// # Errors
    /// As OPA's store has them.
    pub fn write(
        self: &mut Arc<Self>,
        operation: Operation,
        path: &[String],
        value: Option<Arc<Self>>,
    ) -> Result<(), StoreError> {
        let value = value.unwrap_or_else(|| Arc::new(Self::Null));
        let Some((last, parents)) = path.split_last() else { return self.write_root(operation, value) };
        let mut node = self;
        for key in parents {
            node = match Arc::make_mut(node) {
                Self::Object(entries) => entries.get_mut(key.as_str()).ok_or_else(StoreError::missing)?,
                Self::Array(items) => {
                    let at = index(items, key, path)?;
                    &mut items[at]
                }
                _ => return Err(StoreError::missing()),
            };
        }
        match Arc::make_mut(node) {
            Self::Object(entries) => write_member(entries, operation, last, value),
            Self::Array(items) => write_item(items, operation, path, last, value),
            _ => Err(StoreError::missing()),
        }
    }

    fn write_root(self: &mut Arc<Self>, operation: Operation, value: Arc<Self>) -> Result<(), StoreError> {
        match (operation, &*value) {
            (Operation::Remove, _) => Err(StoreError::patch("root cannot be removed")),
            (_, Self::Object(_)) => {
                *self = value;
                Ok(())
            }
            _ => Err(StoreError::patch("root must be object")),
        }
    }
}

fn key(value: Value<'_>) -> Arc<str> {
    match value.as_str() {
        Some(text) => text.into(),
        None => json::to_string(value).into(),
    }
}

fn write_member(
    entries: &mut BTreeMap<Arc<str>, Arc<Document>>,
    operation: Operation,
    key: &str,
    value: Arc<Document>,
) -> Result<(), StoreError> {
    if operation != Operation::Add && !entries.contains_key(key) {
        return Err(StoreError::missing());
    }
    match operation {
        Operation::Remove => entries.remove(key),
        _ => entries.insert(key.into(), value),
    };
    Ok(())
}

fn write_item(
    items: &mut Vec<Arc<Document>>,
    operation: Operation,
    path: &[String],
    last: &str,
    value: Arc<Document>,
) -> Result<(), StoreError> {
    if last == "-" || last == items.len().to_string() {
        if operation != Operation::Add {
            return Err(StoreError::patch(&format!("{}: invalid patch path", step::shown(path))));
        }
        items.push(value);
        return Ok(());
    }
    let at = index(items, last, path)?;
    match operation {
        Operation::Add => items.insert(at, value),
        Operation::Remove => {
            items.remove(at);
        }
        Operation::Replace => items[at] = value,
    }
    Ok(())
}

/// The position that a step of a path means.
fn index(items: &[Arc<Document>], key: &str, path: &[String]) -> Result<usize, StoreError> {
    let digits = key.strip_prefix('-').unwrap_or(key);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(StoreError::not_found(&format!("{}: array index must be integer", step::shown(path))));
    }
    let at = key.parse::<usize>().ok().filter(|&at| at < items.len());
    at.ok_or_else(|| StoreError::not_found(&format!("{}: array index out of range", step::shown(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect()
    }

    fn after(text: &str, operation: Operation, at: &str, value: &str) -> String {
        let mut tree = Document::read(text.as_bytes()).expect("JSON");
        let value = Document::read(value.as_bytes()).ok();
        match tree.write(operation, &path(at), value) {
            Ok(()) => tree.json(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn writes_as_opa_does() {
        use Operation::{Add, Remove, Replace};
        assert_eq!(after(r#"{"a":[1,2]}"#, Add, "a/1", "9"), r#"{"a":[1,9,2]}"#);
        assert_eq!(after(r#"{"a":[1,2]}"#, Add, "a/-", "9"), r#"{"a":[1,2,9]}"#);
        assert_eq!(after(r#"{"a":[1,2]}"#, Replace, "a/0", "9"), r#"{"a":[9,2]}"#);
        assert_eq!(after(r#"{"a":[1,2]}"#, Remove, "a/0", ""), r#"{"a":[2]}"#);
        assert_eq!(
            after(r#"{"a":[1]}"#, Remove, "a/1", ""),
            "storage_invalid_patch_error: /a/1: invalid patch path"
        );
        assert_eq!(
            after(r#"{"a":[1]}"#, Add, "a/x", "1"),
            "storage_not_found_error: /a/x: array index must be integer"
        );
        assert_eq!(
            after(r#"{"a":1}"#, Replace, "b", "1"),
            "storage_not_found_error: document does not exist"
        );
        assert_eq!(after("{}", Add, "", "1"), "storage_invalid_patch_error: root must be object");
    }

    #[test]
    fn a_reader_keeps_what_it_has() {
        let mut tree = Document::read(br#"{"a":{"b":1},"c":1.5}"#).expect("JSON");
        let seen = Arc::clone(&tree);
        tree.write(Operation::Add, &path("a/b"), Some(Document::string("x"))).expect("a write");
        assert_eq!(seen.json(), r#"{"a":{"b":1},"c":1.5}"#);
        assert_eq!(tree.json(), r#"{"a":{"b":"x"},"c":1.5}"#);
    }
}
