//! Documents named by the path of a URL.

use super::url;
use govc_engine::documents::Document;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A step of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Index(i64),
}

/// The document that a path means.
///
/// # Errors
/// A step that no reference can hold, as OPA says it.
pub(crate) fn steps(path: &str) -> Result<Vec<Step>, String> {
    let given = path.split('/').filter(|step| !step.is_empty());
    given
        .map(|step| {
            let step = url::unescape(step, false).unwrap_or_else(|| step.to_owned());
            if step.contains('"') {
                return Err(format!("invalid ref term '{step}'"));
            }
            Ok(match index(&step) {
                Some(index) => Step::Index(index),
                None => Step::Name(step),
            })
        })
        .collect()
}

fn index(step: &str) -> Option<i64> {
    let digits = step.strip_prefix(['-', '+']).unwrap_or(step);
    let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    numeric.then(|| step.parse().ok()).flatten()
}

/// A path of the store: every step is a key.
///
/// # Errors
/// A broken escape.
pub(crate) fn keys(path: &str) -> Option<Vec<String>> {
    let path = path.trim_matches('/');
    match path {
        "" => Some(Vec::new()),
        path => path.split('/').map(|step| url::unescape(step, false)).collect(),
    }
}

/// The reference as OPA writes it.
pub(crate) fn shown(steps: &[Step]) -> String {
    steps.iter().fold("data".to_owned(), |text, step| match step {
        Step::Index(index) => format!("{text}[{index}]"),
        Step::Name(name) if is_variable(name) => format!("{text}.{name}"),
        Step::Name(name) => format!("{text}[{}]", crate::output::quote(name)),
    })
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The steps as keys of documents.
pub(crate) fn as_keys(steps: &[Step]) -> Vec<String> {
    let key = |step: &Step| match step {
        Step::Index(index) => index.to_string(),
        Step::Name(name) => name.clone(),
    };
    steps.iter().map(key).collect()
}

/// The query that asks for a document. A number is a key where base documents have an object, as in OPA.
///
/// The document of all documents leaves out `system`, as in OPA; `packages` are the first steps of all packages.
pub(crate) fn query<'p>(
    steps: &[Step],
    data: &Arc<Document>,
    packages: impl Iterator<Item = &'p String>,
) -> String {
    if steps.is_empty() {
        let mut names: BTreeSet<&str> = packages.map(String::as_str).collect();
        names.extend(data.entries().into_iter().flatten().map(|(name, _)| &**name));
        names.remove("system");
        let one = |name: &&str| {
            let name = crate::output::quote(name);
            format!("{{{name}: x | x := data[{name}]}}")
        };
        return format!("object.union_n([{}])", names.iter().map(one).collect::<Vec<_>>().join(", "));
    }
    let mut at = Some(data);
    let mut text = "data".to_owned();
    for step in steps {
        let key = match step {
            Step::Name(name) => name.clone(),
            Step::Index(index) => index.to_string(),
        };
        let member = at.and_then(|document| document.get(&key));
        match step {
            Step::Index(index) if member.is_none() => text.push_str(&format!("[{index}]")),
            _ => text.push_str(&format!("[{}]", crate::output::quote(&key))),
        }
        at = member;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_as_opa_does() {
        let found = steps("/a/0//x-y/").expect("a path");
        assert_eq!(shown(&found), r#"data.a[0]["x-y"]"#);
        assert_eq!(steps("a/%22").err().as_deref(), Some("invalid ref term '\"'"));
        assert_eq!(keys("/a/b%2Fc/"), Some(vec!["a".to_owned(), "b/c".to_owned()]));
    }

    #[test]
    fn numbers_are_keys_of_objects() {
        let data = Document::read(br#"{"a":{"0":1},"b":[1]}"#).expect("JSON");
        let ask = |path: &str| query(&steps(path).expect("a path"), &data, std::iter::empty());
        assert_eq!(ask("a/0"), r#"data["a"]["0"]"#);
        assert_eq!(ask("b/0"), r#"data["b"][0]"#);
    }
}
