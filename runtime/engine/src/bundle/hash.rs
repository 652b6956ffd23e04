//! OPA's hash of a file in a signature: over the structure of JSON and YAML files, over the bytes of all others.
//!
//! The surprising fact: in the structure of a JSON file, numbers count as they are written (`1.0` is not
//! `1`), while white space and the order of keys do not count at all.

use serde_json::value::RawValue;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Feeds bytes to whichever hash was asked for.
fn with<D: Digest>(content: &[u8], structured: bool) -> Result<String, serde_json::Error> {
    let mut hasher = D::new();
    if structured {
        let root: &RawValue = serde_json::from_slice(content)?;
        walk(root, &mut |bytes| hasher.update(bytes))?;
    } else {
        hasher.update(content);
    }
    Ok(crate::digest::to_hex(&hasher.finalize()))
}

/// The hash of a file under OPA's name of an algorithm; `None` for algorithms that we do not take.
/// MD5 and SHA-1, which OPA still takes, are refused: both can be forged.
pub(crate) fn file(algorithm: &str, path: &str, content: &[u8]) -> Option<Result<String, serde_json::Error>> {
    let structured = is_structured(path);
    let yaml = path.ends_with(".yaml") && structured;
    let json = match yaml.then(|| std::str::from_utf8(content).ok().map(govc_stdlib::yaml_to_json)) {
        None => Cow::Borrowed(content),
        Some(Some(Ok(json))) => Cow::Owned(json.into_bytes()),
        Some(_) => return Some(Err(serde::de::Error::custom("no YAML"))),
    };
    let content = &*json;
    Some(match algorithm {
        "SHA-224" => with::<Sha224>(content, structured),
        "SHA-256" => with::<Sha256>(content, structured),
        "SHA-384" => with::<Sha384>(content, structured),
        "SHA-512" => with::<Sha512>(content, structured),
        "SHA-512-224" => with::<Sha512_224>(content, structured),
        "SHA-512-256" => with::<Sha512_256>(content, structured),
        _ => return None,
    })
}

/// Does OPA hash the structure of this file?
pub(crate) fn is_structured(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "data.json" | "data.yaml" | ".manifest" | "signatures.json")
}

/// Writes a JSON text with sorted keys and without white space.
fn walk(value: &RawValue, out: &mut dyn FnMut(&[u8])) -> Result<(), serde_json::Error> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            out(b"{");
            for (i, (key, entry)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out(b",");
                }
                string(&key, out);
                out(b":");
                walk(entry, out)?;
            }
            out(b"}");
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            out(b"[");
            for (i, element) in elements.into_iter().enumerate() {
                if i > 0 {
                    out(b",");
                }
                walk(element, out)?;
            }
            out(b"]");
        }
        Some(b'"') => string(&serde_json::from_str::<String>(text)?, out),
        _ => out(text.as_bytes()),
    }
    Ok(())
}

/// A string as Go's encoder writes it without HTML escapes.
fn string(text: &str, out: &mut dyn FnMut(&[u8])) {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    out(quoted.as_bytes());
}
