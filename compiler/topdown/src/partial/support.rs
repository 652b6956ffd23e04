//! Support rules: what residual queries refer to.

use crate::term::*;
use crate::text;
use govc_syntax::lex::is_identifier;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Support rules by package.
#[derive(Debug, Default)]
pub(crate) struct Support<'q> {
    pub(crate) modules: BTreeMap<String, SupportModule<'q>>,
}

/// A module of support rules.
#[derive(Clone, Debug)]
pub(crate) struct SupportModule<'q> {
    /// With `data`.
    pub(crate) package: Vec<Term<'q>>,
    pub(crate) rules: Vec<SupportRule<'q>>,
}

/// A support rule.
#[derive(Clone, Debug)]
pub(crate) struct SupportRule<'q> {
    /// The head's own path; its first part is a variable.
    pub(crate) path: Vec<Term<'q>>,
    pub(crate) args: Option<Vec<Term<'q>>>,
    /// The element of a set.
    pub(crate) key: Option<Term<'q>>,
    pub(crate) value: Option<Term<'q>>,
    pub(crate) default: bool,
    pub(crate) body: Body<'q>,
}

impl<'q> Support<'q> {
    /// Whether there are rules at a path, or below it.
    pub(crate) fn exists(&self, path: &[Term<'q>]) -> bool {
        let (package, rule) = split(path);
        let Some(module) = self.modules.get(&text::reference(&package)) else { return false };
        module.rules.iter().any(|r| has_prefix(&r.path, &rule))
    }

    pub(crate) fn insert(&mut self, path: &[Term<'q>], rule: SupportRule<'q>) {
        let (package, _) = split(path);
        self.insert_in(package, rule);
    }

    pub(crate) fn insert_in(&mut self, package: Vec<Term<'q>>, rule: SupportRule<'q>) {
        let module = self
            .modules
            .entry(text::reference(&package))
            .or_insert_with(|| SupportModule { package, rules: Vec::new() });
        module.rules.push(rule);
    }
}

impl SupportRule<'_> {
    /// OPA's order of rules.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.path
            .cmp(&other.path)
            .then_with(|| self.args.cmp(&other.args))
            .then_with(|| self.key.cmp(&other.key))
            .then_with(|| self.value.cmp(&other.value))
            .then_with(|| self.default.cmp(&other.default))
            .then_with(|| compare_bodies(&self.body, &other.body))
    }
}

/// A path as package and rule: the rule is the last part that can be a name before parts that cannot.
pub(crate) fn split<'q>(path: &[Term<'q>]) -> (Vec<Term<'q>>, Vec<Term<'q>>) {
    let mut start = 2;
    for (at, part) in path.iter().enumerate().skip(2) {
        match part.as_value().and_then(|v| v.as_str()) {
            Some(name) if is_identifier(name) && !text::is_keyword(name) => start = at,
            _ => break,
        }
    }
    let start = start.min(path.len().saturating_sub(1));
    let mut rule = path[start..].to_vec();
    if let Some(first) = rule.first_mut()
        && let Some(name) = first.as_value().and_then(|v| v.as_str())
    {
        *first = Term::var(name);
    }
    (path[..start].to_vec(), rule)
}
