//! A folder with `actions/*.yaml`, `policies/*.yaml` and `inventory.yaml`, read as data of the library.
//!
//! The surprising fact: Agent-Safe overlooks what it does not know in a rule, so a misspelt selector selects everything;
//! of a key that stands twice it takes the last, and of rules with one priority the one in the first file. Strict mode
//! refuses such rules and texts, and lets the sterner of equal rules decide.

use super::{Compat, python};
use crate::files;
use crate::problem::Problem;
use govc_audit::chain::python_float;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a world cannot be read.
fn refused(path: &Path, why: impl std::fmt::Display) -> Problem {
    Problem::coded("govc_agent_safe", format!("{}: {why}", path.display()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Environment {
    Dev,
    Staging,
    Prod,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sensitivity {
    Public,
    Internal,
    Restricted,
    Critical,
}

/// In the order in which equal rules of strict mode decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Deny,
    RequireApproval,
    Allow,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ParameterType {
    String,
    Integer,
    Number,
    Boolean,
    Array,
}

#[derive(Debug, Deserialize)]
struct Action {
    name: String,
    risk_class: Risk,
    target_types: Vec<String>,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    name: String,
    #[serde(rename = "type")]
    kind: ParameterType,
    #[serde(default = "yes")]
    required: bool,
    #[serde(default)]
    constraints: Option<Constraints>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Deserialize)]
struct Constraints {
    min_value: Option<f64>,
    max_value: Option<f64>,
    min_length: Option<i64>,
    max_length: Option<i64>,
    pattern: Option<String>,
    #[serde(rename = "enum")]
    allowed: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Target {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    environment: Environment,
    sensitivity: Sensitivity,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    name: String,
    #[serde(default)]
    priority: i64,
    #[serde(rename = "match")]
    selects: Match,
    decision: Verdict,
    reason: String,
    /// Only for people.
    #[serde(default, rename = "description")]
    _description: Value,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Match {
    #[serde(default = "any_action", skip_serializing)]
    actions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<TargetSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callers: Option<CallerSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_windows: Option<Vec<Window>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_classes: Option<Vec<Risk>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_ticket: Option<bool>,
    #[serde(flatten, skip_serializing)]
    unknown: Map<String, Value>,
}

fn any_action() -> Vec<String> {
    vec!["*".to_owned()]
}

#[derive(Debug, Deserialize, Serialize)]
struct TargetSelector {
    #[serde(skip_serializing_if = "Option::is_none")]
    environments: Option<Vec<Environment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivities: Option<Vec<Sensitivity>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(flatten, skip_serializing)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct CallerSelector {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegated_from: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_delegation_depth: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_delegation: Option<bool>,
    #[serde(flatten, skip_serializing)]
    unknown: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Window {
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Vec<i64>>,
    #[serde(default)]
    start_hour: u8,
    #[serde(default = "last_hour")]
    end_hour: u8,
    #[serde(flatten, skip_serializing)]
    unknown: Map<String, Value>,
}

fn last_hour() -> u8 {
    23
}

/// The data of the library.
///
/// # Errors
/// The first file that is not what it must be.
pub(super) fn load(folder: &Path, compat: Compat) -> Result<Value, Problem> {
    let strict = compat == Compat::Strict;
    Ok(json!({"agent_safe": {
        "strict": strict,
        "actions": actions(&folder.join("actions"), compat)?,
        "rules": rules(&folder.join("policies"), compat)?,
        "targets": targets(&folder.join("inventory.yaml"), compat)?,
    }}))
}

/// The YAML files of a folder, by name.
pub(super) fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| files::io_problem("open", &folder.display().to_string(), &error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"));
    paths.sort();
    Ok(paths)
}

pub(super) fn read<T: DeserializeOwned>(path: &Path, compat: Compat) -> Result<T, Problem> {
    let name = path.display().to_string();
    let text = match compat {
        Compat::Strict => files::document_of_unique_keys(&name)?,
        Compat::AgentSafe => files::document(&name)?,
    };
    serde_json::from_str(&text).map_err(|error| refused(path, error))
}

fn actions(folder: &Path, compat: Compat) -> Result<Value, Problem> {
    let mut known = Map::new();
    for path in yaml_files(folder)? {
        let action: Action = read(&path, compat)?;
        let parameters: Result<Vec<Value>, Problem> =
            action.parameters.iter().map(|parameter| parameter_data(&path, parameter)).collect();
        let data = json!({"risk_class": action.risk_class, "target_types": action.target_types, "parameters": parameters?});
        if known.insert(action.name.clone(), data).is_some() {
            return Err(refused(&path, format!("action `{}` is defined twice", action.name)));
        }
    }
    Ok(Value::Object(known))
}

fn parameter_data(path: &Path, parameter: &Parameter) -> Result<Value, Problem> {
    let mut constraints = Map::new();
    if let Some(given) = &parameter.constraints {
        let mut put = |name: &str, value: Option<Value>| {
            constraints.extend(value.map(|value| (name.to_owned(), value)));
        };
        put("min_value", given.min_value.map(Value::from));
        put("min_text", given.min_value.map(|value| python_float(value).into()));
        put("max_value", given.max_value.map(Value::from));
        put("max_text", given.max_value.map(|value| python_float(value).into()));
        put("min_length", given.min_length.map(Value::from));
        put("max_length", given.max_length.map(Value::from));
        put("enum", given.allowed.clone().map(Value::from));
        put("enum_text", given.allowed.clone().map(|list| python::shown(&Value::from(list)).into()));
        put("pattern", given.pattern.clone().map(Value::from));
        if let Some(pattern) = &given.pattern {
            let whole = format!(r"\A(?:{pattern})\z");
            regex::Regex::new(&whole).map_err(|error| refused(path, error))?;
            put("pattern_regex", Some(whole.into()));
        }
    }
    Ok(json!({
        "name": parameter.name, "type": parameter.kind, "required": parameter.required, "constraints": constraints,
    }))
}

#[derive(Deserialize)]
struct Inventory {
    targets: Vec<Target>,
}

fn targets(path: &Path, compat: Compat) -> Result<Value, Problem> {
    let inventory: Inventory = read(path, compat)?;
    let mut known = Map::new();
    for target in inventory.targets {
        let data = serde_json::to_value(&target).map_err(|error| refused(path, error))?;
        if known.insert(target.id.clone(), data).is_some() {
            return Err(refused(path, format!("target `{}` is defined twice", target.id)));
        }
    }
    Ok(Value::Object(known))
}

#[derive(Deserialize)]
struct Policies {
    rules: Vec<Rule>,
}

fn rules(folder: &Path, compat: Compat) -> Result<Value, Problem> {
    let strict = compat == Compat::Strict;
    let mut all = Vec::new();
    for path in yaml_files(folder)? {
        let policies: Policies = read(&path, compat)?;
        for rule in policies.rules {
            rule.look_over(strict).map_err(|why| refused(&path, format!("rule `{}`: {why}", rule.name)))?;
            all.push(rule);
        }
    }
    // Rules of one priority stay in the order of their files; names of files decide nothing in strict mode.
    all.sort_by_key(|rule| (std::cmp::Reverse(rule.priority), strict.then_some(rule.decision)));
    Ok(all.iter().map(Rule::data).collect())
}

impl Rule {
    fn look_over(&self, strict: bool) -> Result<(), String> {
        let windows = self.selects.time_windows.iter().flatten();
        if windows.clone().any(|window| window.start_hour > 23 || window.end_hour > 23) {
            return Err("an hour lies between 0 and 23".to_owned());
        }
        let parts = [
            Some(&self.unknown),
            Some(&self.selects.unknown),
            self.selects.targets.as_ref().map(|targets| &targets.unknown),
            self.selects.callers.as_ref().map(|callers| &callers.unknown),
        ];
        let mut unknown = parts.into_iter().flatten().chain(windows.map(|window| &window.unknown));
        match unknown.find_map(|part| part.keys().next()) {
            Some(name) if strict => Err(format!("unknown field `{name}`")),
            _ => Ok(()),
        }
    }

    fn data(&self) -> Value {
        let mut data = json!(self.selects);
        let patterns: Vec<String> = self.selects.actions.iter().map(|pattern| glob(pattern)).collect();
        let more = json!({
            "name": self.name, "decision": self.decision, "reason": self.reason, "actions": patterns,
        });
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        data
    }
}

/// A pattern of Python's `fnmatch` as a regular expression: `*`, `?`, `[ab]`, `[!ab]`.
fn glob(pattern: &str) -> String {
    let mut out = String::from(r"(?s)\A(?:");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match class(rest.as_str()) {
                Some((class, length)) => {
                    out.push_str(&class);
                    rest = rest.as_str().get(length..).unwrap_or_default().chars();
                }
                None => out.push_str(r"\["),
            },
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out + r")\z"
}

/// A class after its opening bracket, and the bytes that it takes; nothing where it is not closed.
fn class(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('!').unwrap_or(text);
    let negated = inner.len() < text.len();
    // A bracket that comes first is a member.
    let first = inner.chars().next()?.len_utf8();
    let end = first + inner.get(first..)?.find(']')?;
    let members = inner.get(..end)?;
    let ranges: String = members
        .chars()
        .map(|c| if c == '-' { c.to_string() } else { regex::escape(c.encode_utf8(&mut [0; 4])) })
        .collect();
    let sign = if negated { "^" } else { "" };
    Some((format!("[{sign}{ranges}]"), usize::from(negated) + end + 1))
}

#[cfg(test)]
mod tests {
    use super::glob;

    /// What Python's `fnmatch.fnmatchcase` says.
    #[test]
    fn patterns_match_as_in_python() {
        let matches =
            |pattern: &str, name: &str| regex::Regex::new(&glob(pattern)).expect("valid").is_match(name);
        for (pattern, name) in [
            ("delete-*", "delete-"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("a?c", "a.c"),
            ("[]]", "]"),
            ("[", "["),
            ("a.b", "a.b"),
            ("*", "a\nb"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("delete-*", "xdelete-"), ("[!a-c]x", "bx"), ("a.b", "axb"), ("a?", "a"), ("[ab", "a")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
