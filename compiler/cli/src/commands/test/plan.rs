//! Which rules are tests.
//!
//! Several rules of one name are several tests, so all but the first get a name of their own (`test_x#01`), in the
//! tree, before it is compiled; otherwise the second would hide that the first fails.

use crate::problem::Location;
use govc_syntax::Sources;
use govc_syntax::ast::{Module, Rule, StepKind, TermKind};
use std::collections::HashMap;

/// A test.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Package path without `data`.
    pub(crate) package: Vec<String>,
    /// Name of the rule, and its further steps.
    pub(crate) path: Vec<String>,
    /// Where the rule stands.
    pub(crate) location: Location,
    /// The rule has variables in its head: it is a family of tests.
    pub(crate) parameterised: bool,
}

impl Case {
    /// `data.a.b`.
    pub(crate) fn package_name(&self) -> String {
        let parts = self.package.iter().map(|part| format!(".{part}"));
        format!("data{}", parts.collect::<String>())
    }

    /// The rule without its package.
    pub(crate) fn name(&self) -> String {
        self.path.join(".")
    }

    /// What `--run` is compared with.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.package_name(), self.name())
    }

    /// The entrypoint in the compiled program.
    pub(crate) fn entrypoint(&self) -> String {
        let parts: Vec<&str> = self.package.iter().chain(&self.path).map(String::as_str).collect();
        parts.join("/")
    }

    /// Named `todo_test_..`.
    pub(crate) fn skipped(&self) -> bool {
        self.path.last().is_some_and(|name| name.starts_with("todo_test_"))
    }

    /// Is evaluated.
    pub(crate) fn runs(&self) -> bool {
        !self.skipped() && !self.parameterised
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
        for rule in module
            .rules
            .iter_mut()
            .filter(|rule| !rule.default && rule.head.args.as_ref().is_none_or(Vec::is_empty))
        {
            let Some(mut case) = case(&package, rule, sources) else { continue };
            let count: &mut u32 = seen.entry(case.full_name()).or_default();
            if *count > 0 && !case.parameterised {
                rename(rule, *count);
                case.path = path(rule);
            }
            *count += 1;
            found.push(case);
        }
    }
    found
}

fn case(package: &[String], rule: &Rule, sources: &Sources) -> Option<Case> {
    let path = path(rule);
    let last = path.last()?;
    if !last.starts_with("test_") && !last.starts_with("todo_test_") {
        return None;
    }
    let (row, col) = sources.position(rule.span);
    let location = Location { file: sources.get(rule.span.file).name.clone(), row, col };
    let parameterised = rule.head.contains.is_some() || path.len() <= rule.head.steps.len();
    Some(Case { package: package.to_vec(), path, location, parameterised })
}

/// The name and the constant steps after it.
fn path(rule: &Rule) -> Vec<String> {
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

fn rename(rule: &mut Rule, count: u32) {
    let suffix = format!("#{count:02}");
    match rule.head.steps.last_mut().map(|step| &mut step.kind) {
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
