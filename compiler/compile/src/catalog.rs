//! Catalogs: the actions, tools and targets that an organization knows, as types for its policies.
//!
//! A document is a catalog by what it holds, whatever its file is called: one action (`name` with
//! `risk_class`), or `actions`, `tools`, `targets`, `agents`, each an object by name or a list of objects. A
//! policy that names an action, tool or target that no catalog has is refused, with the nearest name.

use crate::Schemas;
use crate::ty::Noun;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why a document is no catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogError {
    /// It holds none of what a catalog holds.
    NotACatalog,
    /// An entry of this list has neither `name` nor `id`.
    Unnamed(&'static str),
    /// Two documents define the same action differently.
    Redefined(String),
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACatalog => {
                f.write_str("a catalog holds `actions`, `tools`, `targets` or `agents`, or is one action")
            }
            Self::Unnamed(list) => write!(f, "an entry of `{list}` has neither `name` nor `id`"),
            Self::Redefined(name) => write!(f, "action `{name}` is defined twice, differently"),
        }
    }
}

impl std::error::Error for CatalogError {}

/// What is known of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Names of its parameters, with whether each is required.
    pub parameters: BTreeMap<String, bool>,
    /// How risky it is, such as `low`.
    pub risk: Option<String>,
    /// The tool that performs it.
    pub tool: Option<String>,
    /// Kinds of targets that it can be done to.
    pub target_types: BTreeSet<String>,
}

/// What is known of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its kind.
    pub kind: Option<String>,
    /// Where it is, such as `prod`.
    pub environment: Option<String>,
    /// How sensitive it is.
    pub sensitivity: Option<String>,
}

/// Actions, tools, targets and agents by name.
///
/// ```
/// let mut catalog = govc_compile::catalog::Catalog::default();
/// catalog.read(&serde_json::json!({"name": "drain-node", "risk_class": "high"}))?;
/// assert!(catalog.actions.contains_key("drain-node"));
/// # Ok::<(), govc_compile::catalog::CatalogError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Actions.
    pub actions: BTreeMap<String, Action>,
    /// Names of tools.
    pub tools: BTreeSet<String>,
    /// Targets of the inventory.
    pub targets: BTreeMap<String, Target>,
    /// Names of agents.
    pub agents: BTreeSet<String>,
}

impl Catalog {
    /// Adds what a document holds.
    ///
    /// # Errors
    /// When the document is no catalog or contradicts what was read before.
    pub fn read(&mut self, document: &Value) -> Result<(), CatalogError> {
        if document.get("risk_class").is_some() {
            let name = name_of(document).ok_or(CatalogError::Unnamed("actions"))?;
            return self.add_action(name, document);
        }
        let mut found = false;
        for (name, entry) in entries(document, "actions")? {
            found = true;
            self.add_action(name, entry)?;
        }
        for (name, _) in entries(document, "tools")? {
            found = true;
            self.tools.insert(name);
        }
        for (name, entry) in entries(document, "targets")? {
            found = true;
            self.targets.insert(name, target(entry));
        }
        for (name, _) in entries(document, "agents")? {
            found = true;
            self.agents.insert(name);
        }
        if found { Ok(()) } else { Err(CatalogError::NotACatalog) }
    }

    fn add_action(&mut self, name: String, entry: &Value) -> Result<(), CatalogError> {
        let action = action(entry);
        match self.actions.get(&name) {
            Some(other) if *other != action => Err(CatalogError::Redefined(name)),
            _ => {
                self.actions.insert(name, action);
                Ok(())
            }
        }
    }

    /// Tells the type checker which names there are: as fields of a request (`input.action`, ...), as keys
    /// of base documents (`data.actions`, ...) and as their fields.
    pub fn describe(&self, schemas: &mut Schemas) {
        let v = &mut schemas.vocabulary;
        let actions: Vec<String> = self.actions.keys().cloned().collect();
        let tools: Vec<String> = self.tools.iter().cloned().collect();
        let targets: Vec<String> = self.targets.keys().cloned().collect();
        let agents: Vec<String> = self.agents.iter().cloned().collect();
        for (noun, names, word) in [
            (Noun::Action, &actions, "action"),
            (Noun::Tool, &tools, "tool"),
            (Noun::Target, &targets, "target"),
            (Noun::Agent, &agents, "agent"),
        ] {
            if names.is_empty() {
                continue;
            }
            for field in [&["input", word][..], &["input", word, "name"], &["input", word, "id"]] {
                v.add(field, noun, names.iter().cloned());
            }
            v.add_keys(&["data", &format!("{word}s")], noun, names.iter().cloned());
        }
        if !tools.is_empty() {
            v.add(&["data", "actions", "*", "tool"], Noun::Tool, tools.iter().cloned());
            v.add(&["data", "agents", "*", "authorized_tools", "*"], Noun::Tool, tools);
        }
        self.describe_values(schemas);
    }

    /// Words that entries use: an environment that no target is in is never met.
    fn describe_values(&self, schemas: &mut Schemas) {
        let v = &mut schemas.vocabulary;
        let targets = || self.targets.values();
        let words: [(&str, Vec<String>); 3] = [
            ("type", targets().filter_map(|t| t.kind.clone()).collect()),
            ("environment", targets().filter_map(|t| t.environment.clone()).collect()),
            ("sensitivity", targets().filter_map(|t| t.sensitivity.clone()).collect()),
        ];
        for (field, words) in words.into_iter().filter(|(_, words)| !words.is_empty()) {
            v.add(&["data", "targets", "*", field], Noun::Value, words);
        }
        let risks: Vec<String> = self.actions.values().filter_map(|a| a.risk.clone()).collect();
        if !risks.is_empty() {
            // The classes are a scale: one that no action has today is still a class.
            let scale = ["low", "medium", "high", "critical"].map(String::from);
            for field in ["risk", "risk_class"] {
                v.add(
                    &["data", "actions", "*", field],
                    Noun::Value,
                    risks.iter().cloned().chain(scale.clone()),
                );
            }
        }
    }
}

fn text(entry: &Value, key: &str) -> Option<String> {
    entry.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn name_of(entry: &Value) -> Option<String> {
    text(entry, "id").or_else(|| text(entry, "name"))
}

fn entries<'d>(document: &'d Value, key: &'static str) -> Result<Vec<(String, &'d Value)>, CatalogError> {
    match document.get(key) {
        Some(Value::Object(map)) => Ok(map.iter().map(|(name, entry)| (name.clone(), entry)).collect()),
        Some(Value::Array(items)) => {
            let named = |entry: &'d Value| Some((name_of(entry)?, entry));
            items.iter().map(|e| named(e).ok_or(CatalogError::Unnamed(key))).collect()
        }
        _ => Ok(Vec::new()),
    }
}

fn action(entry: &Value) -> Action {
    let target_types = entry.get("target_types").and_then(Value::as_array).into_iter().flatten();
    Action {
        parameters: parameters(entry),
        risk: text(entry, "risk_class").or_else(|| text(entry, "risk")),
        tool: text(entry, "tool"),
        target_types: target_types.filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

fn parameters(entry: &Value) -> BTreeMap<String, bool> {
    let required = |p: &Value| p.get("required").and_then(Value::as_bool).unwrap_or(false);
    match entry.get("parameters").or_else(|| entry.get("params")) {
        Some(Value::Array(items)) => items.iter().filter_map(|p| Some((name_of(p)?, required(p)))).collect(),
        Some(Value::Object(map)) => map.iter().map(|(name, p)| (name.clone(), required(p))).collect(),
        _ => BTreeMap::new(),
    }
}

fn target(entry: &Value) -> Target {
    Target {
        kind: text(entry, "type"),
        environment: text(entry, "environment"),
        sensitivity: text(entry, "sensitivity"),
    }
}
