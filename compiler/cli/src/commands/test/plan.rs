//! Which rules are tests.
//!
//! Several rules of one name are several tests, so all but the first get a name of their own (`test_x#01`), in the
//! tree, before it is compiled; otherwise the second would hide that the first fails.

use crate::problem::Location;
use govc_compile::text::reference;
use govc_syntax::ast::{Module, Rule, StepKind, TermKind};
use govc_syntax::{Sources, Span};
use std::collections::HashMap;

const TEST: &str = "test_";
const TODO: &str = "todo_test_";

/// A test.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Package path without `data`.
    pub(crate) package: Vec<String>,
    /// Name of the rule, and its further steps up to the one that names the test.
    pub(crate) path: Vec<String>,
    /// Where the rule stands.
    pub(crate) location: Location,
    /// The rule.
    pub(crate) span: Span,
    /// The rule is a family of tests: it has a key, or variables in its head.
    pub(crate) parameterised: bool,
}

impl Case {
    /// `data.a.b`.
    pub(crate) fn package_name(&self) -> String {
        reference(&[&["data".to_owned()], self.package.as_slice()].concat())
    }

    /// The rule without its package.
    pub(crate) fn name(&self) -> String {
        reference(&self.path)
    }

    /// What `--run` is compared with.
    pub(crate) fn full_name(&self) -> String {
        reference(&[&["data".to_owned()], self.package.as_slice(), self.path.as_slice()].concat())
    }

    /// The entrypoint in the compiled program.
    pub(crate) fn entrypoint(&self) -> String {
        let parts: Vec<&str> = self.package.iter().chain(&self.path).map(String::as_str).collect();
        parts.join("/")
    }

    /// Named `todo_test_..`.
    pub(crate) fn skipped(&self) -> bool {
        self.path.last().is_some_and(|name| name.starts_with(TODO))
    }
}

/// Finds the tests of all modules.
pub(crate) fn cases(modules: &mut [Module], sources: &Sources) -> Vec<Case> {
    let mut found = Vec::new();
    let mut seen = HashMap::new();
    for module in modules {
        let package: Vec<String> = match &module.package {
            Some(package) => package.path.iter().map(|part| part.name.clone()).collect(),
            None => continue,
        };
        for rule in module.rules.iter_mut().filter(|rule| is_document(rule)) {
            let Some(mut case) = case(&package, rule, sources) else { continue };
            if !case.skipped() {
                let count: &mut u32 = seen.entry(case.full_name()).or_default();
                if *count > 0 {
                    rename(rule, &mut case, *count);
                }
                *count += 1;
            }
            found.push(case);
        }
    }
    found
}

fn is_document(rule: &Rule) -> bool {
    !rule.default && rule.head.args.as_ref().is_none_or(Vec::is_empty)
}

fn case(package: &[String], rule: &Rule, sources: &Sources) -> Option<Case> {
    let mut path = constant_path(rule);
    let named = path.iter().position(|part| part.starts_with(TEST) || part.starts_with(TODO))?;
    let variable = path.len() <= rule.head.steps.len();
    path.truncate(named + 1);
    let (row, col) = sources.position(rule.span);
    let location = Location { file: sources.get(rule.span.file).name.clone(), row, col };
    // OPA's notion of an object of cases: `test_x.a` is one, `test_x.a.b` is a plain rule.
    let keyed = variable || rule.head.steps.len() == 1;
    let parameterised = keyed && rule.head.contains.is_none() && !is_bracket_set(rule);
    Some(Case { package: package.to_vec(), path, location, span: rule.span, parameterised })
}

/// v0's `test_x[y]`: an element of a set.
fn is_bracket_set(rule: &Rule) -> bool {
    rule.head.value.is_none() && !rule.head.has_if && rule.head.steps.len() == 1
}

/// The name and the constant steps after it.
fn constant_path(rule: &Rule) -> Vec<String> {
    let mut path = vec![rule.head.name.name.clone()];
    for step in &rule.head.steps {
        match &step.kind {
            StepKind::Field(name) => path.push(name.clone()),
            StepKind::Index(term) => match &term.kind {
                TermKind::String { value, .. } => path.push(value.clone()),
                _ => break,
            },
            StepKind::Missing => break,
        }
    }
    path
}

/// Gives the test, and the step of the rule that names it, a number.
fn rename(rule: &mut Rule, case: &mut Case, count: u32) {
    let suffix = format!("#{count:02}");
    let at = case.path.len() - 1;
    case.path[at].push_str(&suffix);
    let step = at.checked_sub(1).and_then(|step| rule.head.steps.get_mut(step));
    match step.map(|step| &mut step.kind) {
        None => rule.head.name.name.push_str(&suffix),
        Some(StepKind::Field(name)) => name.push_str(&suffix),
        Some(StepKind::Index(term)) => {
            if let TermKind::String { value, .. } = &mut term.kind {
                value.push_str(&suffix);
            }
        }
        Some(StepKind::Missing) => {}
    }
}
