//! JSON Schema (draft 4 to 2020-12, the parts that OPA's checker reads) to types.
//!
//! What OPA ignores (`oneOf`, `not`, `if`, `patternProperties`) is `any` here too; a schema that refers to
//! itself is cut at the second visit of the same definition, where everything is allowed.

use super::vocabulary::{Noun, Vocabulary};
use govc_value::Type;
use govc_value::ty::Key;
use serde_json::{Map, Value};
use std::fmt;

/// Why a schema cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// Neither an object nor a Boolean.
    NotASchema,
    /// A `$ref` that leads nowhere.
    UnknownRef(String),
    /// A `$ref` to another document, which is only fetched where capabilities allow it.
    RemoteRef(String),
    /// `allOf` with parts of different types.
    CannotMerge,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASchema => f.write_str("a schema must be an object or a boolean"),
            Self::UnknownRef(at) => write!(f, "unable to resolve reference `{at}`"),
            Self::RemoteRef(at) => write!(f, "remote reference loading disabled: `{at}`"),
            Self::CannotMerge => f.write_str("unable to merge these schemas"),
            Self::TooDeep => write!(f, "schema is nested deeper than {MAX_DEPTH}"),
        }
    }
}

impl std::error::Error for SchemaError {}

/// Nesting of schemas that is read; picked by gut feeling, far beyond what people write.
pub const MAX_DEPTH: usize = 200;

/// The type that a schema describes.
///
/// # Errors
/// When the schema or one of its references cannot be read.
pub fn schema_type(schema: &Value) -> Result<Type, SchemaError> {
    Reader { root: schema, visiting: Vec::new(), depth: 0 }.read(schema)
}

/// Adds every `enum` and `const` of strings that a schema gives to fields below `path`.
pub fn schema_vocabulary(schema: &Value, path: &[&str], vocabulary: &mut Vocabulary) {
    let mut path: Vec<String> = path.iter().map(|s| (*s).to_owned()).collect();
    collect(schema, schema, &mut path, vocabulary, 0);
}

struct Reader<'s> {
    root: &'s Value,
    visiting: Vec<String>,
    depth: usize,
}

impl<'s> Reader<'s> {
    fn read(&mut self, schema: &'s Value) -> Result<Type, SchemaError> {
        let object = match schema {
            Value::Bool(_) => return Ok(Type::ANY),
            Value::Object(object) => object,
            _ => return Err(SchemaError::NotASchema),
        };
        if self.depth >= MAX_DEPTH {
            return Err(SchemaError::TooDeep);
        }
        self.depth += 1;
        let ty = self.object(object);
        self.depth -= 1;
        ty
    }

    fn object(&mut self, schema: &'s Map<String, Value>) -> Result<Type, SchemaError> {
        if let Some(Value::String(at)) = schema.get("$ref") {
            return self.reference(at);
        }
        if let Some(Value::Array(parts)) = schema.get("anyOf") {
            return self.any_of(schema, parts);
        }
        if let Some(Value::Array(parts)) = schema.get("allOf") {
            return self.all_of(schema, parts);
        }
        self.plain(schema)
    }

    fn reference(&mut self, at: &'s str) -> Result<Type, SchemaError> {
        if self.visiting.iter().any(|v| v == at) {
            return Ok(Type::ANY);
        }
        let target = resolve(self.root, at)?;
        self.visiting.push(at.to_owned());
        let ty = self.read(target);
        self.visiting.pop();
        ty
    }

    fn any_of(&mut self, schema: &'s Map<String, Value>, parts: &'s [Value]) -> Result<Type, SchemaError> {
        let mut union = match schema.contains_key("type") {
            true => Some(self.plain(schema)?)
                .filter(|t| matches!(t, Type::Object(known, None) if !known.is_empty())),
            false => None,
        };
        for part in parts {
            let ty = self.read(part)?;
            union = Some(union.map_or_else(|| ty.clone(), |u| ty.or(&u).unwrap_or(Type::ANY)));
        }
        Ok(union.unwrap_or(Type::ANY))
    }

    fn all_of(&mut self, schema: &'s Map<String, Value>, parts: &'s [Value]) -> Result<Type, SchemaError> {
        let mut merged: Option<Type> = None;
        let own = has_structure(schema).then(|| self.plain(schema));
        for ty in parts.iter().map(|p| self.read(p)).collect::<Vec<_>>().into_iter().chain(own) {
            let ty = ty?;
            if ty.is_any() {
                continue;
            }
            merged = Some(match merged {
                Some(old) => merge(old, ty).ok_or(SchemaError::CannotMerge)?,
                None => ty,
            });
        }
        Ok(merged.unwrap_or(Type::ANY))
    }

    fn plain(&mut self, schema: &'s Map<String, Value>) -> Result<Type, SchemaError> {
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if schema.contains_key("properties") => vec!["object"],
            _ if schema.contains_key("items") || schema.contains_key("prefixItems") => vec!["array"],
            _ => Vec::new(),
        };
        // Of several types OPA takes the first in this order.
        for name in ["boolean", "string", "integer", "number", "object", "array"] {
            if names.contains(&name) {
                return self.named(name, schema);
            }
        }
        Ok(Type::ANY)
    }

    fn named(&mut self, name: &str, schema: &'s Map<String, Value>) -> Result<Type, SchemaError> {
        match name {
            "boolean" => Ok(Type::Boolean),
            "string" => Ok(Type::String),
            "integer" | "number" => Ok(Type::Number),
            "object" => self.properties(schema),
            _ => self.items(schema),
        }
    }

    fn properties(&mut self, schema: &'s Map<String, Value>) -> Result<Type, SchemaError> {
        let Some(Value::Object(properties)) = schema.get("properties").filter(|p| is_filled(p)) else {
            return Ok(Type::Object(Vec::new(), Some(Box::new((Type::ANY, Type::ANY)))));
        };
        let mut known = Vec::new();
        for (name, property) in properties {
            known.push((Key::String(name.clone()), self.read(property)?));
        }
        known.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Type::Object(known, None))
    }

    fn items(&mut self, schema: &'s Map<String, Value>) -> Result<Type, SchemaError> {
        let first = match (schema.get("prefixItems"), schema.get("items")) {
            (Some(Value::Array(first)), _) | (None, Some(Value::Array(first))) if !first.is_empty() => first,
            (_, Some(item @ (Value::Object(_) | Value::Bool(_)))) => {
                let of = self.read(item)?;
                return Ok(Type::Array(Vec::new(), Some(Box::new(of))));
            }
            _ => return Ok(Type::Array(Vec::new(), Some(Box::new(Type::ANY)))),
        };
        let types: Result<Vec<Type>, SchemaError> = first.iter().map(|item| self.read(item)).collect();
        Ok(Type::Array(types?, None))
    }
}

fn is_filled(value: &Value) -> bool {
    value.as_object().is_some_and(|o| !o.is_empty())
}

fn has_structure(schema: &Map<String, Value>) -> bool {
    ["type", "properties", "items", "prefixItems"].iter().any(|k| schema.contains_key(*k))
}

fn merge(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (Type::Object(mut known, others), Type::Object(more, other_others)) => {
            for (key, ty) in more {
                match known.iter().position(|(k, _)| *k == key) {
                    Some(at) => known[at].1 = merge(known[at].1.clone(), ty)?,
                    None => known.push((key, ty)),
                }
            }
            known.sort_by(|a, b| a.0.cmp(&b.0));
            let others = if known.is_empty() { others.or(other_others) } else { None };
            Some(Type::Object(known, others))
        }
        (a, b) if a.compare(&b).is_eq() => Some(a),
        (Type::Array(first, _), other @ Type::Array(..)) if first.is_empty() => Some(other),
        (other @ Type::Array(..), Type::Array(..)) => Some(other),
        _ => None,
    }
}

/// The schema that a local reference names (RFC 6901 pointer after `#`, or `$id`/`$anchor`).
fn resolve<'s>(root: &'s Value, at: &str) -> Result<&'s Value, SchemaError> {
    if let Some(pointer) = at.strip_prefix('#') {
        let pointer = pointer.replace("%25", "%");
        return match root.pointer(&pointer) {
            Some(found) => Ok(found),
            None => named(root, &pointer).ok_or_else(|| SchemaError::UnknownRef(at.to_owned())),
        };
    }
    match named(root, at) {
        Some(found) => Ok(found),
        None if at.contains("://") => Err(SchemaError::RemoteRef(at.to_owned())),
        None => Err(SchemaError::UnknownRef(at.to_owned())),
    }
}

fn named<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let object = schema.as_object()?;
    let is = |key: &str| object.get(key).and_then(Value::as_str) == Some(name);
    if !name.is_empty() && (is("$anchor") || is("$id") || is("id")) {
        return Some(schema);
    }
    let groups = ["definitions", "$defs", "properties"].iter().filter_map(|g| object.get(*g)?.as_object());
    groups.flat_map(Map::values).find_map(|s| named(s, name))
}

fn collect(root: &Value, schema: &Value, path: &mut Vec<String>, vocabulary: &mut Vocabulary, depth: usize) {
    let Some(object) = schema.as_object() else { return };
    if depth >= MAX_DEPTH {
        return;
    }
    if let Some(target) = object.get("$ref").and_then(Value::as_str).and_then(|at| resolve(root, at).ok()) {
        return collect(root, target, path, vocabulary, depth + 1);
    }
    if let Some(names) = enumerated(object) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        vocabulary.add(&path, Noun::Value, names);
    }
    for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(name.clone());
        collect(root, property, path, vocabulary, depth + 1);
        path.pop();
    }
    if let Some(item) = object.get("items").filter(|i| i.is_object()) {
        path.push("*".to_owned());
        collect(root, item, path, vocabulary, depth + 1);
        path.pop();
    }
}

/// All values of an `enum` or `const`, if all are strings.
fn enumerated(schema: &Map<String, Value>) -> Option<Vec<String>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => values.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        (None, Some(Value::String(value))) => Some(vec![value.clone()]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(schema: Value) -> String {
        schema_type(&schema).map_or_else(|e| e.to_string(), |t| t.to_string())
    }

    #[test]
    fn schemas_become_types() {
        assert_eq!(
            shown(
                json!({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}})
            ),
            "object<a: number, b: string>"
        );
        assert_eq!(shown(json!({"type": "array", "items": {"type": "boolean"}})), "array[boolean]");
        assert_eq!(
            shown(json!({"prefixItems": [{"type": "string"}, {"type": "null"}]})),
            "array<string, any>"
        );
        assert_eq!(shown(json!({"anyOf": [{"type": "string"}, {"type": "number"}]})), "any<number, string>");
        assert_eq!(shown(json!({"oneOf": [{"type": "string"}]})), "any");
        assert_eq!(shown(json!({"type": "object"})), "object[any: any]");
        assert_eq!(shown(json!(3)), "a schema must be an object or a boolean");
    }

    #[test]
    fn references_are_followed_and_cycles_are_cut() {
        let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
            "next": {"$ref": "#/$defs/node"}, "value": {"type": "string"}}}}});
        assert_eq!(shown(tree), "object<next: any, value: string>");
        assert_eq!(shown(json!({"$ref": "#/nowhere"})), "unable to resolve reference `#/nowhere`");
        assert_eq!(
            shown(json!({"$ref": "https://example.org/x"})),
            "remote reference loading disabled: `https://example.org/x`"
        );
    }

    #[test]
    fn all_of_merges_and_refuses_contradictions() {
        assert_eq!(
            shown(json!({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {}}}]})),
            "object<a: string, b: any>"
        );
        assert_eq!(
            shown(json!({"allOf": [{"type": "string"}, {"type": "number"}]})),
            "unable to merge these schemas"
        );
    }
}
