//! The manifest: OPA's fields, and our section under `metadata.govc`.

use crate::LoadError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// OPA's manifest, as far as it is ours to read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Free text that names the state of the policies, such as a commit.
    #[serde(default)]
    pub revision: String,
    /// The paths of `data` that the bundle owns; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots: Option<Vec<String>>,
    /// The version of the language of the policies, 0 or 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rego_version: Option<u8>,
    /// Other versions for some files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub file_rego_versions: BTreeMap<String, u8>,
    /// WebAssembly modules; carried, never run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasm: Option<Value>,
    /// Anything else; our section is `govc`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// Our section of the manifest, `metadata.govc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Section {
    /// Version of this section: 1.
    pub format: u32,
    /// Entrypoints that the program was compiled for.
    pub entrypoints: Vec<String>,
    /// When the bundle stops being good, RFC 3339; from that second on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The version of the bundle, counted by its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// SHA-256 of the bytes of every other file but the signatures. OPA's signature leaves white space of JSON
    /// files open; this does not.
    pub files: BTreeMap<String, String>,
    /// SHA-256 of the schemas that the policies were checked with, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schemas: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads `.manifest`.
    ///
    /// # Errors
    /// When it is not JSON of this shape.
    pub fn read(text: &[u8]) -> Result<Self, LoadError> {
        serde_json::from_slice(text).map_err(|e| LoadError::Manifest(e.to_string()))
    }

    /// Our section, if there is one.
    ///
    /// # Errors
    /// When it is there but not of the shape of [`Section`], or of a later format.
    pub fn section(&self) -> Result<Option<Section>, LoadError> {
        let Some(value) = self.metadata.get("govc") else { return Ok(None) };
        let section: Section =
            serde_json::from_value(value.clone()).map_err(|e| LoadError::Manifest(e.to_string()))?;
        if section.format != 1 {
            return Err(LoadError::Manifest(format!(
                "format {} of metadata.govc is unknown",
                section.format
            )));
        }
        Ok(Some(section))
    }

    /// Is a path of `data` inside the roots?
    pub(crate) fn owns(&self, path: &[String]) -> bool {
        self.roots.as_ref().is_none_or(|roots| roots.iter().any(|root| Self::root_holds(root, path)))
    }

    /// Is a path of `data` a root or below it?
    pub fn root_holds(root: &str, path: &[String]) -> bool {
        let mut path = path.iter();
        root.split('/').filter(|name| !name.is_empty()).all(|name| path.next().is_some_and(|p| p == name))
    }
}
