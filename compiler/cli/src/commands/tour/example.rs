//! The example that a tour goes through: a folder with `policy`, `inputs`, maybe `data` and `schemas`, and
//! `example.json`, which names the inputs.

use serde::Deserialize;
use std::path::Path;

/// `example.json`, completed by what lies in the folder.
#[derive(Debug, Deserialize)]
pub(crate) struct Example {
    /// One line.
    pub(crate) title: String,
    /// The rule that decides.
    pub(crate) entrypoint: String,
    /// An input that is allowed.
    pub(crate) allow: String,
    /// An input that is denied.
    pub(crate) deny: String,
    /// An input that needs an approval.
    pub(crate) approve: Option<String>,
    /// A request for promotion, where the example is about that.
    pub(crate) spec: Option<String>,
    /// What is tested and built.
    #[serde(skip)]
    pub(crate) sources: String,
    /// The flags for schemas and catalog.
    #[serde(skip)]
    pub(crate) schema: String,
    /// The source that the tour touches.
    #[serde(skip)]
    pub(crate) touched: String,
}

impl Example {
    /// Reads the example in the current folder.
    pub(crate) fn read() -> Result<Self, String> {
        let text =
            std::fs::read_to_string("example.json").map_err(|error| format!("`example.json`: {error}"))?;
        let mut example: Self =
            serde_json::from_str(&text).map_err(|error| format!("`example.json`: {error}"))?;
        let has = |folder: &str| Path::new(folder).is_dir();
        example.sources = if has("data") { "policy data" } else { "policy" }.to_owned();
        example.schema = if has("schemas") { " -s schemas" } else { "" }.to_owned();
        if ["actions", "tools"].iter().any(|name| Path::new(&format!("data/{name}.json")).is_file()) {
            example.schema.push_str(" --catalog data");
        }
        example.touched = first_source()?;
        let words = [&example.entrypoint, &example.allow, &example.deny];
        match words.iter().find(|word| word.contains(char::is_whitespace)) {
            Some(word) => Err(format!("`example.json`: `{word}` holds white space")),
            None => Ok(example),
        }
    }
}

fn first_source() -> Result<String, String> {
    let entries = std::fs::read_dir("policy").map_err(|error| format!("`policy`: {error}"))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let first = names.filter(|name| name.ends_with(".rego")).min();
    first.map(|name| format!("policy/{name}")).ok_or_else(|| "`policy` holds no `.rego` file".to_owned())
}

/// Copies a folder of examples.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("`{}`: {error}", from.display());
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target).map_err(failed)?;
        }
    }
    Ok(())
}

macro_rules! embedded {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../../examples/agent-promotion/", $name)))),*]
    };
}

/// The built-in example: the parts of `examples/agent-promotion` that the tour uses.
const EMBEDDED: &[(&str, &str)] = embedded!(
    "example.json"
    "policy/promotion.rego"
    "policy/promotion_test.rego"
    "data/promotion.json"
    "schemas/request.json"
    "inputs/allow.json"
    "inputs/deny.json"
);

/// Writes the built-in example.
pub(crate) fn unpack(to: &Path) -> std::io::Result<()> {
    for (name, text) in EMBEDDED {
        let path = to.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(to))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
