//! Data files that must fit together and into the roots of the manifest.
//!
//! The machine merges documents and keeps the first of two values in one place. A bundle in which that would happen is
//! refused here, as OPA refuses it.

use super::Manifest;
use crate::LoadError;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The content of a data file as JSON; only YAML is read for that.
pub(super) fn json<'c>(path: &str, content: &'c [u8]) -> Result<Cow<'c, [u8]>, LoadError> {
    if path.ends_with(".json") {
        return Ok(Cow::Borrowed(content));
    }
    let read =
        std::str::from_utf8(content).map_err(|error| error.to_string()).and_then(govc_stdlib::yaml_to_json);
    let json = read.map_err(|message| LoadError::Data { path: path.to_owned(), message })?;
    Ok(Cow::Owned(json.into_bytes()))
}

/// A data file: its path, its place under `data`, and its JSON.
pub(super) type File<'f> = (&'f str, Vec<String>, Cow<'f, [u8]>);

/// Checks data files.
pub(super) fn check(found: &[File<'_>], manifest: &Manifest) -> Result<(), LoadError> {
    let mut root = Value::Object(Map::new());
    for (path, place, text) in found {
        let wrong = |message: String| LoadError::Data { path: (*path).to_owned(), message };
        let document: Value = serde_json::from_slice(text).map_err(|e| wrong(e.to_string()))?;
        outside(&document, &mut place.clone(), manifest).map_or(Ok(()), |at| {
            Err(wrong(format!("the roots of the manifest do not permit data at `{at}`")))
        })?;
        let nested = place
            .iter()
            .rev()
            .fold(document, |inner, name| Value::Object(Map::from_iter([(name.clone(), inner)])));
        merge(&mut root, nested).map_err(|()| wrong("it collides with another data file".to_owned()))?;
    }
    Ok(())
}

/// The first place in a document that the roots do not cover.
fn outside(document: &Value, at: &mut Vec<String>, manifest: &Manifest) -> Option<String> {
    if manifest.owns(at) {
        return None;
    }
    let Value::Object(map) = document else { return Some(at.join("/")) };
    map.iter().find_map(|(name, inner)| {
        at.push(name.clone());
        let found = outside(inner, at, manifest);
        at.pop();
        found
    })
}

fn merge(into: &mut Value, from: Value) -> Result<(), ()> {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { return Err(()) };
    for (name, value) in from {
        match into.get_mut(&name) {
            None => drop(into.insert(name, value)),
            Some(there) => merge(there, value)?,
        }
    }
    Ok(())
}
