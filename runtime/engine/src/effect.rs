//! From the result of a policy to an effect, reasons and obligations.
//!
//! What a result may look like:
//!
//! | result | effect |
//! | --- | --- |
//! | `true` | allow |
//! | `false` | deny |
//! | object with `decision` or `effect`: `ALLOW`, `DENY`, `REQUIRE_APPROVAL` (or all in lower case) | as it says |
//! | object with `allow`: Boolean | allow or deny |
//! | anything else, or nothing | deny |
//!
//! Reasons are the members `reasons`, `denies` and `deny`, warnings are `warnings`, obligations are `obligations`:
//! arrays or sets. A reason is a text, or an object with `reason`, `message` or `msg`. A result that contradicts
//! itself (allows, and has a reason in `denies` or `deny`) denies.

use govc_value::{Value, View, json};

/// What a decision says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It may be done.
    Allow,
    /// It may not be done, or nobody could tell.
    Deny,
    /// It may be done once a person has approved it.
    RequireApproval,
}

impl Effect {
    /// `ALLOW`, `DENY` or `REQUIRE_APPROVAL`.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Allow => "ALLOW",
            Effect::Deny => "DENY",
            Effect::RequireApproval => "REQUIRE_APPROVAL",
        }
    }

    /// The effect of a name, all in capitals or all in lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ALLOW" | "allow" => Some(Effect::Allow),
            "DENY" | "deny" => Some(Effect::Deny),
            "REQUIRE_APPROVAL" | "require_approval" => Some(Effect::RequireApproval),
            _ => None,
        }
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A result, read.
pub(crate) struct Reading {
    pub(crate) effect: Effect,
    pub(crate) reasons: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// JSON texts.
    pub(crate) obligations: Vec<String>,
}

/// Reads the result of an entrypoint.
pub(crate) fn read(result: Value<'_>) -> Reading {
    match result.view() {
        View::Bool(true) => plain(Effect::Allow, Vec::new()),
        View::Bool(false) => plain(Effect::Deny, Vec::new()),
        View::Undefined => plain(Effect::Deny, vec!["the entrypoint is undefined".to_owned()]),
        View::Object(_) => object(result),
        _ => plain(Effect::Deny, vec!["the result is no verdict".to_owned()]),
    }
}

fn plain(effect: Effect, reasons: Vec<String>) -> Reading {
    Reading { effect, reasons, warnings: Vec::new(), obligations: Vec::new() }
}

fn object(result: Value<'_>) -> Reading {
    let denials = [texts(member(result, "denies")), texts(member(result, "deny"))].concat();
    let mut reasons = [texts(member(result, "reasons")), denials.clone()].concat();
    let mut effect = stated(result).unwrap_or_else(|| {
        reasons.push("the result has no verdict".to_owned());
        Effect::Deny
    });
    if effect != Effect::Deny && !denials.is_empty() {
        reasons.push("the result contradicts itself".to_owned());
        effect = Effect::Deny;
    }
    Reading {
        effect,
        reasons,
        warnings: texts(member(result, "warnings")),
        obligations: elements(member(result, "obligations")).map(json::to_string).collect(),
    }
}

fn member<'a>(object: Value<'a>, name: &str) -> Value<'a> {
    object.as_object().map_or(Value::UNDEFINED, |o| o.get_str(name))
}

/// The verdict, if the members that can hold one agree.
fn stated(result: Value<'_>) -> Option<Effect> {
    let mut found: Option<Effect> = None;
    for name in ["decision", "effect", "allow"] {
        let stated = match member(result, name).view() {
            View::Undefined => continue,
            View::String(text) => Effect::from_name(text)?,
            View::Bool(true) => Effect::Allow,
            View::Bool(false) => Effect::Deny,
            _ => return None,
        };
        if found.is_some_and(|before| before != stated) {
            return None;
        }
        found = Some(stated);
    }
    found
}

/// The elements of an array or set; nothing else has any.
fn elements<'a>(list: Value<'a>) -> impl Iterator<Item = Value<'a>> {
    let count = if matches!(list.view(), View::Array(_) | View::Set(_)) { list.len() } else { 0 };
    (0..count).filter_map(move |at| list.entry(at).map(|(_, element)| element))
}

fn texts(list: Value<'_>) -> Vec<String> {
    elements(list).map(text).collect()
}

fn text(reason: Value<'_>) -> String {
    let named = ["reason", "message", "msg"].into_iter().find_map(|name| member(reason, name).as_str());
    reason.as_str().or(named).map_or_else(|| json::to_string(reason), str::to_owned)
}
