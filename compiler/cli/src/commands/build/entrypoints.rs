//! What a bundle can be asked for: the flags, then the metadata, and where neither says anything, every rule.

use crate::files::Loaded;
use govc_compile::Checked;
use govc_syntax::ast::{AnnotationTarget, Annotations, Module, Rule, StepKind, TermKind};
use std::collections::BTreeSet;

/// The entrypoints that flags and metadata name, each once, flags first.
pub(crate) fn named(flags: &[String], loaded: &Loaded) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let flags = flags.iter().map(|path| path.trim_matches('/').to_owned());
    for path in flags.chain(loaded.modules.iter().flat_map(annotated)) {
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// Entrypoints, sorted, each once.
pub(crate) fn find(flags: &[String], loaded: &Loaded) -> Vec<String> {
    let mut found: BTreeSet<String> = named(flags, loaded).into_iter().collect();
    if found.is_empty() {
        found.extend(loaded.modules.iter().flat_map(rules));
    }
    found.into_iter().collect()
}

/// The entrypoints of OPA's plan: those named, and unless unused rules are pruned those that depend on them. An
/// evaluator that has only the plan can then answer for the dependents too.
pub(super) fn planned(named: Vec<String>, checked: &Checked, prune: bool) -> Vec<String> {
    if prune {
        return named;
    }
    let mut planned = named;
    let paths: Vec<Vec<String>> =
        planned.iter().map(|path| path.split('/').map(str::to_owned).collect()).collect();
    let dependents: BTreeSet<Vec<String>> =
        paths.iter().flat_map(|path| govc_compile::dependents(checked, path)).collect();
    let more = dependents.into_iter().map(|path| path.join("/"));
    planned.extend(more.filter(|path| !paths.iter().any(|named| named.join("/") == *path)));
    planned
}

fn annotated(module: &Module) -> Vec<String> {
    let marked = module.annotations.iter().filter(|block| is_entrypoint(block));
    marked.filter_map(|block| target(module, block.target)).collect()
}

fn is_entrypoint(block: &Annotations) -> bool {
    let json = govc_stdlib::yaml_to_json(&block.yaml).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
    value.get("entrypoint") == Some(&serde_json::Value::Bool(true))
}

fn target(module: &Module, target: AnnotationTarget) -> Option<String> {
    match target {
        AnnotationTarget::Package => Some(module.package_path().join("/")),
        AnnotationTarget::Rule(index) => Some(path(module, module.rules.get(index)?)),
        AnnotationTarget::None => None,
    }
}

/// Every rule that takes no arguments and is no test.
fn rules(module: &Module) -> Vec<String> {
    let asked = module.rules.iter().filter(|rule| {
        let name = &rule.head.name.name;
        rule.head.args.is_none() && !name.starts_with("test_") && !name.starts_with("todo_test_")
    });
    asked.map(|rule| path(module, rule)).collect()
}

/// Package, name and the constant steps after it.
fn path(module: &Module, rule: &Rule) -> String {
    let mut path = module.package_path();
    path.push(rule.head.name.name.clone());
    let constant = |kind: &StepKind| match kind {
        StepKind::Field(name) => Some(name.clone()),
        StepKind::Index(term) => match &term.kind {
            TermKind::String { value, .. } => Some(value.clone()),
            _ => None,
        },
        StepKind::Missing => None,
    };
    path.extend(rule.head.steps.iter().map_while(|step| constant(&step.kind)));
    path.join("/")
}
