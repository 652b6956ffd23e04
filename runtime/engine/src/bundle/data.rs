//! Data files that must fit together and into the roots of the manifest.
//!
//! The machine merges documents and keeps the first of two values in one place. A bundle in which that would happen is
//! refused here, as OPA refuses it.

use super::Manifest;
use crate::LoadError;
use crate::documents::Document;
use std::borrow::Cow;
use std::sync::Arc;

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
    let mut root = Document::empty();
    for (path, place, text) in found {
        let wrong = |message: String| LoadError::Data { path: (*path).to_owned(), message };
        let document = Document::read(text).map_err(|e| wrong(e.to_string()))?;
        outside(&document, &mut place.clone(), manifest).map_or(Ok(()), |at| {
            Err(wrong(format!("the roots of the manifest do not permit data at `{at}`")))
        })?;
        let within = |inner, name: &String| {
            Arc::new(Document::Object([(name.as_str().into(), inner)].into_iter().collect()))
        };
        let nested = place.iter().rev().fold(document, within);
        root = root.merged(&nested).ok_or_else(|| wrong("it collides with another data file".to_owned()))?;
    }
    Ok(())
}

/// The first place in a document that the roots do not cover.
fn outside(document: &Document, at: &mut Vec<String>, manifest: &Manifest) -> Option<String> {
    if manifest.owns(at) {
        return None;
    }
    let Some(entries) = document.entries() else { return Some(at.join("/")) };
    entries.iter().find_map(|(name, inner)| {
        at.push(name.to_string());
        let found = outside(inner, at, manifest);
        at.pop();
        found
    })
}
