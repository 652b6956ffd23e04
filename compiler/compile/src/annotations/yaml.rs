//! The YAML of METADATA blocks as JSON values. Scalars are YAML 1.2's, as the reader of OPA's blocks has
//! them; anchors are shared by copy, and what they write out is bounded.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// Levels of nesting and number of nodes of one block.
const DEPTH: usize = 200;
const NODES: usize = 100_000;

/// The first document of a text.
///
/// # Errors
/// What is wrong and on which line of the text, from 1 (0: not known).
pub(super) fn read(text: &str) -> Result<Value, (usize, String)> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
            event => return reader.node(event, 0),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

type Outcome<T> = Result<T, (usize, String)>;

impl<'t> Reader<'t> {
    fn next(&mut self) -> Outcome<Event<'t>> {
        match self.parser.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => {
                let line = error.marker().line();
                Err((line, format!("yaml: line {line}: {}", error.info())))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn count(&mut self, nodes: usize, depth: usize) -> Outcome<()> {
        self.nodes += nodes;
        if depth > DEPTH || self.nodes > NODES {
            return Err((0, format!("yaml: block exceeds {DEPTH} levels or {NODES} nodes")));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Outcome<Value> {
        self.count(1, depth)?;
        let before = self.nodes;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (anchor, if plain { scalar(&text) } else { Value::String(text.into_owned()) })
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            Event::Alias(id) => {
                let found = self.anchors.get(&id).cloned();
                let (value, nodes) = found.ok_or((0, "yaml: unknown anchor".to_owned()))?;
                self.count(nodes, depth)?;
                return Ok(value);
            }
            _ => return Err((0, "yaml: unexpected end of document".to_owned())),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before + 1));
        }
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Outcome<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Outcome<Value> {
        let mut map = Map::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Value::Object(map)),
                event => self.node(event, depth + 1)?,
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            match key {
                Value::String(key) => map.insert(key, value),
                other => map.insert(other.to_string(), value),
            };
        }
    }
}

fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Ok(n) = text.parse::<i64>() {
        return Some(n.into());
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}
