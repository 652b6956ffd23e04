//! Masks: what the policy `data.system.log.mask` takes out of a decision before the log sees it.

use serde_json::{Map, Value as Json};

/// One rule of the policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mask {
    steps: Vec<String>,
    /// The value to put there; absent: the place is taken out.
    value: Option<Json>,
}

/// Reads the answer of the policy.
///
/// # Errors
/// A rule is none, in OPA's words.
pub(crate) fn read(answer: &Json) -> Result<Vec<Mask>, String> {
    let Some(rules) = answer.as_array() else { return Err(format!("unexpected rule format {answer}")) };
    rules.iter().map(Mask::read).collect()
}

impl Mask {
    fn read(rule: &Json) -> Result<Self, String> {
        match rule {
            Json::String(path) => Self::new(path, None),
            Json::Object(rule) => {
                let text = |name: &str| match rule.get(name) {
                    None => Ok(String::new()),
                    Some(Json::String(text)) if !text.is_empty() => Ok(text.clone()),
                    Some(other) => Err(format!("invalid {} value: {other}", crate::output::quote(name))),
                };
                let (operation, path) = (text("op")?, text("path")?);
                let value = match operation.as_str() {
                    "remove" => None,
                    "upsert" => Some(rule.get("value").cloned().unwrap_or(Json::Null)),
                    other => return Err(format!("mask op is not supported: {other}")),
                };
                Self::new(&path, value)
            }
            other => Err(format!("invalid mask rule format encountered: {other}")),
        }
    }

    fn new(path: &str, value: Option<Json>) -> Result<Self, String> {
        if path.is_empty() {
            return Err("mask must be non-empty".to_owned());
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err("mask must be slash-prefixed".to_owned());
        };
        let steps: Vec<String> = rest.split('/').map(super::url::escape_segment).collect();
        match steps.first().map(String::as_str) {
            Some("input" | "result" | "nd_builtin_cache") => Ok(Self { steps, value }),
            _ => Err(format!("mask prefix not allowed: {}", steps.first().map_or("", String::as_str))),
        }
    }

    /// Applies the rule to an event. What was done is written into the event.
    pub(crate) fn apply(&self, event: &mut Map<String, Json>) {
        let Some((part, path)) = self.steps.split_first() else { return };
        let Some(whole) = event.get_mut(part) else { return };
        let done = match (&self.value, path.split_last()) {
            (None, None) => event.remove(part).is_some(),
            (Some(value), None) => {
                *whole = value.clone();
                true
            }
            (None, Some((last, parents))) => remove(whole, parents, last),
            (Some(value), Some((last, parents))) => whole.is_object() && put(whole, parents, last, value),
        };
        if done {
            let list = if self.value.is_some() { "masked" } else { "erased" };
            let list = event.entry(list).or_insert_with(|| Json::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(Json::String(format!("/{}", self.steps.join("/"))));
            }
        }
    }
}

fn child<'j>(node: &'j mut Json, step: &str) -> Option<&'j mut Json> {
    match node {
        Json::Object(object) => object.get_mut(step),
        Json::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    }
}

fn remove(whole: &mut Json, parents: &[String], last: &str) -> bool {
    let parent = parents.iter().try_fold(whole, |node, step| child(node, step));
    match parent {
        Some(Json::Object(object)) => object.remove(last).is_some(),
        // An array that is the whole document stays, as in OPA.
        Some(Json::Array(items)) if !parents.is_empty() => match last.parse::<usize>() {
            Ok(at) if at < items.len() => {
                items.remove(at);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

fn put(whole: &mut Json, parents: &[String], last: &str, value: &Json) -> bool {
    let mut node = whole;
    for step in parents {
        if let Json::Object(object) = node {
            node = object.entry(step.clone()).or_insert_with(|| Json::Object(Map::new()));
            continue;
        }
        match child(node, step) {
            Some(next) => node = next,
            None => return false,
        }
    }
    match node {
        Json::Object(object) => {
            object.insert(last.to_owned(), value.clone());
            true
        }
        node => child(node, last).map(|place| *place = value.clone()).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masked(rules: Json, event: Json) -> Json {
        let Json::Object(mut event) = event else { return Json::Null };
        read(&rules).expect("rules").iter().for_each(|mask| mask.apply(&mut event));
        Json::Object(event)
    }

    #[test]
    fn takes_out_and_puts_in() {
        assert_eq!(
            masked(
                json!(["/input/a/0", "/input/none", {"op": "upsert", "path": "/input/n/m", "value": 1}, "/result"]),
                json!({"input": {"a": [1, 2]}, "result": true})
            ),
            json!({"input": {"a": [2], "n": {"m": 1}}, "erased": ["/input/a/0", "/result"], "masked": ["/input/n/m"]})
        );
    }

    #[test]
    fn wrong_rules_are_errors() {
        assert_eq!(read(&json!(["input"])), Err("mask must be slash-prefixed".to_owned()));
        assert_eq!(read(&json!(["/path"])), Err("mask prefix not allowed: path".to_owned()));
        assert!(read(&json!([{"op": "add", "path": "/input"}])).is_err());
        assert!(read(&json!(true)).is_err());
    }
}
