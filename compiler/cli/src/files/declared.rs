//! Builtins beyond those of the standard library: their declarations, and the policies that perform them.
//!
//! `SET.json` declares them as a capabilities file does; the rules of package `custom` in `SET.rego` beside it are their
//! bodies. Without a flag the setting `builtins` of `govc.yaml` in the folder names the file.

use super::io_problem;
use crate::problem::Problem;
use crate::releases;
use crate::world::allow_hosts;
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
    /// What there is for work in `folder`; paths of the settings are relative to it.
    pub(super) fn load(&self, folder: &Path) -> Result<Found, Problem> {
        let mut found = Found::default();
        if let Some(given) = self.capabilities() {
            let name = self.capabilities.as_deref().unwrap_or_default();
            let capabilities = given?;
            found.builtins.restrict(&capabilities).map_err(|error| refused(name, &error.to_string()))?;
            if let Some(hosts) = capabilities.get("allow_net").and_then(Value::as_array) {
                allow_hosts(hosts.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            }
        }
        if let Some(path) = self.builtins.clone().map_or_else(|| setting(folder), |path| Ok(Some(path)))? {
            let bodies = Path::new(&path).with_extension("rego");
            let there = bodies.is_file();
            let declared = found.builtins.declare(&read(&path)?, there);
            declared.map_err(|error| refused(&path, &error.to_string()))?;
            found.bodies = there.then(|| bodies.display().to_string());
        }
        Ok(found)
    }

    /// The builtins for an editor that works in `folder`. Who performs them does not matter there.
    pub(crate) fn names(&self, folder: &Path) -> Result<Builtins, Problem> {
        let mut builtins = self.load(folder)?.builtins;
        builtins.host.values_mut().for_each(|declared| declared.body = None);
        Ok(builtins)
    }

    /// The capabilities that were asked for.
    fn capabilities(&self) -> Option<Result<Value, Problem>> {
        let given = self.capabilities.as_deref()?;
        Some(read(given).or_else(|problem| released(given).ok_or(problem)))
    }

    /// OPA's complaint where policies of v1 are asked of a release that had none.
    pub(crate) fn refuses_v1(&self) -> Option<Problem> {
        let given = self.capabilities()?.ok()?;
        let features = given.get("features").and_then(Value::as_array).cloned().unwrap_or_default();
        let missing = !features.iter().any(|feature| feature == "rego_v1");
        let message = "illegal capabilities: rego_v1 feature required for parsing v1 Rego".to_owned();
        let code = "rego_parse_error".to_owned();
        let ours = "govc_capabilities".to_owned();
        missing.then_some(Problem { message, code, govc_code: ours, ..Problem::default() })
    }
}

/// A file of capabilities, or a release of OPA.
pub(crate) fn known(given: &str) -> Result<String, String> {
    match read(given).is_ok() || released(given).is_some() {
        true => Ok(given.to_owned()),
        false => Err(format!("no such file or capabilities version found: {given}")),
    }
}

fn released(name: &str) -> Option<Value> {
    releases::capabilities(name).and_then(|node| serde_json::from_str(&node.compact()).ok())
}

/// The file that the settings of a folder name.
fn setting(folder: &Path) -> Result<Option<String>, Problem> {
    let path = folder.join(SETTINGS);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let refused = |why: &str| refused(&path.display().to_string(), why);
    let settings = govc_stdlib::yaml_to_json(&text).map_err(|error| refused(&error))?;
    let settings: Value = serde_json::from_str(&settings).map_err(|error| refused(&error.to_string()))?;
    let named = settings.get("builtins").and_then(Value::as_str);
    Ok(named.map(|name| folder.join(name).display().to_string()))
}

fn read(path: &str) -> Result<Value, Problem> {
    let bytes = std::fs::read(PathBuf::from(path)).map_err(|error| io_problem("open", path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| refused(path, &error.to_string()))
}

fn refused(path: &str, why: &str) -> Problem {
    Problem::coded("govc_builtins", format!("{path}: {why}"))
}
