//! OPA's evaluation cases as data. Numbers stay text, because some are larger than any float.

use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One case of a file under `opa/cases`, or of one of the same shape.
#[derive(Clone, Debug)]
pub struct Case {
    /// `v0` or `v1`.
    pub version: &'static str,
    /// File relative to its version's folder, `#` and position, then OPA's note.
    pub name: String,
    fields: BTreeMap<String, Box<RawValue>>,
}

impl Case {
    /// Version and name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.version, self.name)
    }

    /// A field as JSON text, unless it is absent or null.
    pub fn json(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(|raw| raw.get()).filter(|text| *text != "null")
    }

    /// The case has the field, even if it is null (an `input` of null differs from none).
    pub fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// The same case with other modules.
    #[must_use]
    pub fn with_modules(&self, modules: &[String]) -> Self {
        let mut case = self.clone();
        let text = serde_json::to_string(modules).ok().and_then(|t| RawValue::from_string(t).ok());
        case.fields.extend(text.map(|t| ("modules".to_owned(), t)));
        case
    }

    /// The modules' texts.
    pub fn modules(&self) -> Vec<String> {
        self.json("modules").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// A text field.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.json(key)?).ok()
    }

    /// A Boolean field; absent is `false`.
    pub fn flag(&self, key: &str) -> bool {
        self.json(key) == Some("true")
    }
}

/// All files with one of the extensions under a folder, sorted.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// All cases under a folder that holds `v0` and `v1`, or one of them.
pub fn load(folder: &Path) -> Vec<Case> {
    ["v0", "v1"].into_iter().flat_map(|version| load_version(&folder.join(version), version)).collect()
}

/// All cases under a folder of one version.
pub fn load_version(folder: &Path, version: &'static str) -> Vec<Case> {
    let mut cases = Vec::new();
    for file in files(folder, &["yaml", "yml", "json"]) {
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        match read_file(&file) {
            Ok(found) => cases.extend(found.into_iter().enumerate().map(|(at, fields)| {
                let mut case = Case { version, name: String::new(), fields };
                case.name = format!("{name}#{at} {}", case.text("note").unwrap_or_default());
                case
            })),
            Err(reason) => println!("skipped: {name}: {reason}"),
        }
    }
    cases
}

fn read_file(file: &Path) -> Result<Vec<BTreeMap<String, Box<RawValue>>>, String> {
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    // One file of the IR cases is JSON under the name of YAML.
    let json = if text.trim_start().starts_with('{') { text } else { crate::yaml::to_json(&text)? };
    let document: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    let Some(cases) = document.get("cases") else { return Ok(Vec::new()) };
    serde_json::from_str(cases.get()).map_err(|e| e.to_string())
}
