//! YAML as Go's `yaml.v2` reads and writes it.
//!
//! The one surprising fact: it is YAML 1.1: `yes` and `off` are Booleans, `0777` is octal, and a date
//! stays a text.

mod flow;
mod scalar;
mod write;

pub(crate) use write::write;

use crate::{Answer, BuiltinError};
pub use flow::deepened;
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use scalar::{Scalar, resolve};
use std::borrow::Cow;
use std::collections::HashMap;

/// Nesting beyond which a text is refused.
const MAX_DEPTH: usize = 10_000;

/// Bytes that a document may take that is read to become JSON.
const MEMORY: usize = 1 << 32;

/// Nodes that the aliases of a document may stand for. Aliases of aliases cost nothing here, and everything once they
/// are written out.
const MAX_ALIASED: u64 = 4_000_000;

/// Bytes of a text that weigh as much as a node.
const NODE: usize = 64;

/// A collection that is being read.
struct Open<'q> {
    anchor: usize,
    /// Its nodes so far, with aliases written out.
    nodes: u64,
    content: Content<'q>,
}

enum Content<'q> {
    List(Vec<Value<'q>>),
    Map(Map<'q>),
}

/// Entries so far, and the key that waits for its value. What `<<` brings in wins over what came before.
#[derive(Default)]
struct Map<'q> {
    entries: Vec<(Value<'q>, Value<'q>)>,
    key: Option<Key<'q>>,
}

#[derive(Clone, Copy)]
enum Key<'q> {
    Merge,
    Text(Value<'q>),
}

/// The value of the first document.
pub(crate) fn read<'q>(heap: Heap<'q>, text: &str) -> Answer<'q> {
    read_keys(heap, text, Keys::LastCounts)
}

fn read_keys<'q>(heap: Heap<'q>, text: &str, keys: Keys) -> Answer<'q> {
    if text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) {
        return Err(BuiltinError::Failed("yaml: control characters are not allowed".to_owned()));
    }
    let mut reader = Reader { heap, keys, open: Vec::new(), anchors: HashMap::new(), aliased: 0 };
    let text = deepened(text);
    for event in Parser::new_from_str(&text) {
        let (event, _) = event.map_err(|error| BuiltinError::Failed(fault(&error)))?;
        if let Some(value) = reader.event(event).map_err(BuiltinError::Failed)? {
            return Ok(value);
        }
        if heap.exhausted() {
            return Err(BuiltinError::Limit("memory limit of the query reached".to_owned()));
        }
    }
    Ok(Value::null())
}

/// The first document of a text as JSON, read as `yaml.unmarshal` reads it.
///
/// # Errors
/// The words of OPA's library.
///
/// ```
/// assert_eq!(govc_stdlib::yaml_to_json("a: yes\nb: 010\n").as_deref(), Ok(r#"{"a":true,"b":8}"#));
/// ```
pub fn to_json(text: &str) -> Result<String, String> {
    json_with(text, Keys::LastCounts)
}

/// As [`to_json`], where a key that stands twice in one map is an error: where one reader takes the first and another the
/// last, a text says two things.
///
/// # Errors
/// Those of [`to_json`], and the key.
pub fn to_json_of_unique_keys(text: &str) -> Result<String, String> {
    json_with(text, Keys::Unique)
}

fn json_with(text: &str, keys: Keys) -> Result<String, String> {
    let arena = Arena::new(MEMORY);
    let value = read_keys(Heap::new(&arena, SymbolTable::empty()), text, keys);
    let value = value.map_err(|error| error.text().to_string())?;
    Ok(json::to_string(value))
}

/// The words of OPA's library: what is wrong, and the line, unless it is the first one.
fn fault(error: &ScanError) -> String {
    let info = error.info();
    let what =
        info.strip_prefix("while ").and_then(|rest| rest.split_once(", ")).map_or(info, |(_, what)| what);
    let what = match what.strip_prefix("expected ") {
        Some(rest) => format!("did not find expected {rest}"),
        None => what.to_owned(),
    };
    // Lines count from 0, the end of the text is a line of its own, and only scanners add one.
    let parsing = what.starts_with("did not find expected") && !what.contains("character");
    match error.marker().line().saturating_sub(1) {
        0 => format!("yaml: {what}"),
        line => format!("yaml: line {}: {what}", line + usize::from(!parsing)),
    }
}

/// What becomes of a key that stands twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    LastCounts,
    Unique,
}

struct Reader<'q> {
    heap: Heap<'q>,
    keys: Keys,
    open: Vec<Open<'q>>,
    /// Values with their nodes.
    anchors: HashMap<usize, (Value<'q>, u64)>,
    /// Nodes that aliases stood for so far.
    aliased: u64,
}

impl<'q> Reader<'q> {
    /// Takes an event; answers with the document once it is complete.
    fn event(&mut self, event: Event<'_>) -> Result<Option<Value<'q>>, String> {
        if self.open.len() > MAX_DEPTH {
            return Err(format!("yaml: exceeded max depth of {MAX_DEPTH}"));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag),
            Event::SequenceStart(anchor, _) => self.begin(anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(anchor, Content::Map(Map::default())),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(&(value, nodes)) => {
                    self.aliased = self.aliased.saturating_add(nodes);
                    match self.aliased > MAX_ALIASED {
                        true => Err("yaml: document contains excessive aliasing".to_owned()),
                        false => self.value(value, 0, nodes),
                    }
                }
                None => Err("yaml: anchor contains itself".to_owned()),
            },
            _ => Ok(None),
        }
    }

    fn begin(&mut self, anchor: usize, content: Content<'q>) -> Result<Option<Value<'q>>, String> {
        self.open.push(Open { anchor, nodes: 1, content });
        Ok(None)
    }

    fn end(&mut self) -> Result<Option<Value<'q>>, String> {
        let Some(Open { anchor, nodes, content }) = self.open.pop() else { return Ok(None) };
        let value = match content {
            Content::List(list) => self.heap.array(&list),
            Content::Map(mut map) => {
                let written = map.entries.len();
                let object = self.heap.object(&mut map.entries);
                if self.keys == Keys::Unique && object.len() < written {
                    return Err("yaml: a key stands twice in one map".to_owned());
                }
                object
            }
        };
        self.value(value, anchor, nodes)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
    ) -> Result<Option<Value<'q>>, String> {
        let plain = style == ScalarStyle::Plain;
        let tag = tag.map(|tag| short_tag(&tag));
        if let Some(Open { content: Content::Map(map), .. }) = self.open.last_mut()
            && map.key.is_none()
        {
            let merge = text == "<<" && plain && tag.is_none();
            let key = if merge {
                Key::Merge
            } else {
                Key::Text(self.heap.string(&resolve(tag.as_deref(), plain, text)?.key()?))
            };
            map.key = Some(key);
            return Ok(None);
        }
        let value = self.scalar_value(&resolve(tag.as_deref(), plain, text)?)?;
        self.value(value, anchor, 1 + (text.len() / NODE) as u64)
    }

    fn scalar_value(&self, scalar: &Scalar) -> Result<Value<'q>, String> {
        Ok(match scalar {
            Scalar::Null => Value::null(),
            Scalar::Bool(b) => Value::bool(*b),
            Scalar::Int(i) => self.heap.bigint(&(*i).into()),
            Scalar::Float(f) => {
                let text = scalar::json_float(*f)?;
                self.heap.number(&text).map_err(|_| format!("json: unsupported value: {text}"))?
            }
            Scalar::Text(text) => self.heap.string(text),
            Scalar::Bytes(bytes) => self.heap.string_of_bytes(bytes),
        })
    }

    /// Puts a value of so many nodes where it belongs.
    fn value(&mut self, value: Value<'q>, anchor: usize, nodes: u64) -> Result<Option<Value<'q>>, String> {
        if anchor > 0 {
            self.anchors.insert(anchor, (value, nodes));
        }
        let Some(open) = self.open.last_mut() else { return Ok(Some(value)) };
        open.nodes = open.nodes.saturating_add(nodes);
        match &mut open.content {
            Content::List(list) => list.push(value),
            Content::Map(map) => match map.key.take() {
                Some(Key::Text(key)) => map.entries.push((key, value)),
                Some(Key::Merge) => merge(&mut map.entries, value)?,
                None => return Err("yaml: invalid map key".to_owned()),
            },
        }
        Ok(None)
    }
}

/// `<<`: the entries of a mapping, or of several, of which the first wins.
fn merge<'q>(into: &mut Vec<(Value<'q>, Value<'q>)>, value: Value<'q>) -> Result<(), String> {
    let sources = value.as_array().map_or(vec![value], |list| list.as_slice().to_vec());
    for source in sources.iter().rev() {
        let Some(object) = source.as_object() else {
            return Err("yaml: map merge requires map or sequence of maps as the value".to_owned());
        };
        into.extend(object.iter());
    }
    Ok(())
}

/// `!!str` for the core schema's tags, the whole tag for others.
fn short_tag(tag: &Tag) -> String {
    if tag.handle == "tag:yaml.org,2002:" {
        format!("!!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    }
}
