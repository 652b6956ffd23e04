//! Builtins beyond those of the standard library: their declarations, and the policies that perform them.
//!
//! `SET.json` declares them as a capabilities file does; the rules of package `custom` in `SET.rego` beside it are their
//! bodies. Without a flag the setting `builtins` of `govc.yaml` in the current folder names the file.

use super::{io_problem, yaml};
use crate::problem::Problem;
use govc_compile::Builtins;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The settings of a folder.
const SETTINGS: &str = "govc.yaml";

/// What the command line says about builtins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// `--capabilities`: the builtins that there are.
    pub(crate) capabilities: Option<String>,
    /// `--builtins`: more builtins.
    pub(crate) builtins: Option<String>,
}

/// The builtins, and the file with the bodies of those that are written in Rego.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) builtins: Builtins,
    pub(super) bodies: Option<String>,
}

impl Declared {
    pub(super) fn load(&self) -> Result<Found, Problem> {
        let mut found = Found::default();
        if let Some(path) = &self.capabilities {
            found.builtins.restrict(&read(path)?).map_err(|error| refused(path, &error.to_string()))?;
        }
        if let Some(path) = self.builtins.clone().map_or_else(setting, |path| Ok(Some(path)))? {
            let bodies = Path::new(&path).with_extension("rego");
            let there = bodies.is_file();
            let declared = found.builtins.declare(&read(&path)?, there);
            declared.map_err(|error| refused(&path, &error.to_string()))?;
            found.bodies = there.then(|| bodies.display().to_string());
        }
        Ok(found)
    }
}

/// The file that the settings of this folder name.
fn setting() -> Result<Option<String>, Problem> {
    let Ok(text) = std::fs::read_to_string(SETTINGS) else { return Ok(None) };
    let settings = yaml::to_json(&text).map_err(|error| refused(SETTINGS, &error))?;
    let settings: Value =
        serde_json::from_str(&settings).map_err(|error| refused(SETTINGS, &error.to_string()))?;
    Ok(settings.get("builtins").and_then(Value::as_str).map(str::to_owned))
}

fn read(path: &str) -> Result<Value, Problem> {
    let bytes = std::fs::read(PathBuf::from(path)).map_err(|error| io_problem("open", path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| refused(path, &error.to_string()))
}

fn refused(path: &str, why: &str) -> Problem {
    Problem::coded("govc_builtins", format!("{path}: {why}"))
}
