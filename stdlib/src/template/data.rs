//! The data of templates, as Go decodes it from JSON.
//!
//! The one surprising fact: a number of the policy is a text in Go's eyes, so that `0` is true and never
//! equal to the `0` of a template.

use crate::go::fmt::{Arg, sprintf};
use crate::operand::number_text;
use govc_value::{Value, View};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// No value at all, as of a key that is not there.
    Missing,
    Null,
    Bool(bool),
    /// A number of the policy.
    Number(String),
    /// A number of the template.
    Int(i64),
    Float(f64),
    Text(String),
    List(Rc<Vec<Data>>),
    Map(Rc<BTreeMap<String, Data>>),
}

impl Data {
    pub(super) fn of(value: Value<'_>) -> Self {
        let list =
            |items: &[Value<'_>]| Self::List(Rc::new(items.iter().map(|item| Self::of(*item)).collect()));
        match value.view() {
            View::Undefined => Self::Missing,
            View::Null => Self::Null,
            View::Bool(b) => Self::Bool(b),
            View::Number(_) => Self::Number(number_text(value)),
            View::String(text) => Self::Text(text.to_owned()),
            View::Array(array) => list(array.as_slice()),
            View::Set(set) => list(set.as_slice()),
            View::Object(object) => {
                let key =
                    |key: Value<'_>| key.as_str().map_or_else(|| crate::operand::rego(key), str::to_owned);
                Self::Map(Rc::new(object.iter().map(|(k, v)| (key(k), Self::of(v))).collect()))
            }
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Null => "<nil>",
            Self::Bool(_) => "bool",
            Self::Number(_) => "json.Number",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
        }
    }

    /// What `if` takes for true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Null => false,
            Self::Bool(b) => *b,
            Self::Number(text) | Self::Text(text) => !text.is_empty(),
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// As Go prints it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Missing | Self::Null => "<nil>".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Number(text) | Self::Text(text) => text.clone(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => sprintf("%v", &[Arg::Float(*f)]),
            Self::List(list) => format!("[{}]", list.iter().map(Self::text).collect::<Vec<_>>().join(" ")),
            Self::Map(map) => {
                let pairs: Vec<_> =
                    map.iter().map(|(key, value)| format!("{key}:{}", value.text())).collect();
                format!("map[{}]", pairs.join(" "))
            }
        }
    }

    /// As an argument of a format.
    pub(super) fn argument(&self) -> Arg {
        match self {
            Self::Missing | Self::Null => Arg::Nil,
            Self::Bool(b) => Arg::Bool(*b),
            Self::Number(text) => Arg::Number(text.clone()),
            Self::Int(i) => Arg::Word(*i),
            Self::Float(f) => Arg::Float(*f),
            Self::Text(text) => Arg::Text(text.clone()),
            Self::List(list) => Arg::List(list.iter().map(Self::argument).collect()),
            Self::Map(map) => {
                Arg::Map(map.iter().map(|(name, value)| (name.clone(), value.argument())).collect())
            }
        }
    }

    /// As an action prints it.
    pub(super) fn printed(&self) -> String {
        if matches!(self, Self::Missing | Self::Null) { "<no value>".to_owned() } else { self.text() }
    }

    /// Go takes both for texts.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Text(_))
    }
}

/// The values one behind the other, with a blank between two that are no texts.
pub(super) fn print_all(values: &[Data], text: impl Fn(&Data) -> String) -> String {
    let mut out = String::new();
    let mut before_is_text = true;
    for (position, value) in values.iter().enumerate() {
        if position > 0 && !before_is_text && !value.is_text() {
            out.push(' ');
        }
        out.push_str(&text(value));
        before_is_text = value.is_text();
    }
    out
}
