//! Cases of a test: what `test_x[name]` gave for each name.
//!
//! A case that held stands in the value of the test; one that failed is only known because the test said that it
//! had come to it. Cases can be nested: `test_x[group][name]`.

use crate::output::Node;
use serde_json::Value;
use std::collections::BTreeMap;

/// Cases by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cases(BTreeMap<String, Case>);

/// What one case gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    fail: bool,
    inner: Cases,
}

impl Cases {
    /// Cases from the value of a test and from what it came to, each a JSON array of names.
    pub(crate) fn read(value: &str, reached: &[String]) -> Self {
        let mut cases = serde_json::from_str(value).map(|value| Self::of(&value)).unwrap_or_default();
        for path in reached {
            if let Ok(Value::Array(path)) = serde_json::from_str(path) {
                cases.reach(&path.iter().map(name).collect::<Vec<_>>());
            }
        }
        cases
    }

    fn of(value: &Value) -> Self {
        let Value::Object(entries) = value else { return Self::default() };
        Self(entries.iter().map(|(name, value)| (name.clone(), Case::of(value))).collect())
    }

    /// Whether the case at a path has failed; one that is not there has.
    fn reach(&mut self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let case = self.0.entry(first.clone()).or_insert_with(|| Case { fail: true, ..Case::default() });
        if !rest.is_empty() {
            case.fail |= case.inner.reach(rest);
        }
        case.fail
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one has failed.
    pub(crate) fn failed(&self) -> bool {
        self.0.values().any(|case| case.fail)
    }

    /// How many have passed and failed, counting those without further cases.
    pub(crate) fn count(&self) -> (usize, usize) {
        self.0.values().fold((0, 0), |(passed, failed), case| match case.inner.count() {
            (0, 0) if case.fail => (passed, failed + 1),
            (0, 0) => (passed + 1, failed),
            (more_passed, more_failed) => (passed + more_passed, failed + more_failed),
        })
    }

    /// Visits every case with its name and how deep it lies, before the cases inside of it.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&[&str], &Case)) {
        self.each_below(&mut Vec::new(), visit);
    }

    fn each_below<'c>(&'c self, above: &mut Vec<&'c str>, visit: &mut dyn FnMut(&[&str], &Case)) {
        for (name, case) in &self.0 {
            above.push(name);
            visit(above, case);
            case.inner.each_below(above, visit);
            above.pop();
        }
    }

    /// OPA's `sub_results`.
    pub(crate) fn to_node(&self) -> Node {
        let entries = self.0.iter().map(|(name, case)| (name.clone(), case.to_node(name)));
        Node::Object(entries.collect())
    }
}

impl Case {
    fn of(value: &Value) -> Self {
        match value {
            Value::Object(_) => {
                let inner = Cases::of(value);
                Self { fail: inner.failed(), inner }
            }
            other => Self { fail: *other != Value::Bool(true), inner: Cases::default() },
        }
    }

    /// Whether it has failed.
    pub(crate) fn failed(&self) -> bool {
        self.fail
    }

    /// Whether there are no cases inside of it.
    pub(crate) fn is_leaf(&self) -> bool {
        self.inner.is_empty()
    }

    fn to_node(&self, name: &str) -> Node {
        let mut object = Vec::new();
        if !name.is_empty() {
            object.push(("name".to_owned(), Node::string(name)));
        }
        if self.fail {
            object.push(("fail".to_owned(), Node::bool(true)));
        }
        if !self.inner.is_empty() {
            object.push(("sub_results".to_owned(), self.inner.to_node()));
        }
        Node::Object(object)
    }
}

/// A step of a case's path as a name: a string as it is, anything else as JSON.
fn name(step: &Value) -> String {
    match step {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::Cases;

    #[test]
    fn knows_failed_cases_from_what_was_reached() {
        let reached = [r#"["a"]"#, r#"["b"]"#, r#"["c", 1]"#].map(str::to_owned);
        let cases = Cases::read(r#"{"a": true, "c": {"2": true}}"#, &reached);
        assert!(cases.failed());
        assert_eq!(cases.count(), (2, 2));
        let json = r#"{"a":{"name":"a"},"b":{"name":"b","fail":true},"c":{"name":"c","fail":true,"sub_results":{"1":{"name":"1","fail":true},"2":{"name":"2"}}}}"#;
        assert_eq!(cases.to_node().compact(), json);
    }

    #[test]
    fn takes_only_true_for_a_success() {
        assert!(Cases::read(r#"{"a": 1}"#, &[]).failed());
        assert!(!Cases::read(r#"{"a": {"b": true}}"#, &[]).failed());
        assert!(!Cases::read("{}", &[]).failed());
    }
}
