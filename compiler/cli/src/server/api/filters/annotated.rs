//! What the metadata of a filter says: which documents are not known, and which rule masks columns (`compile`).

use crate::problem::{Location, Problem};
use crate::server::path::{self, Step};
use crate::server::store::State;
use govc_syntax::ast::{AnnotationTarget, Annotations, Module};
use serde_json::Value as Json;

/// What is said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) unknowns: Vec<String>,
    pub(super) mask_rule: Option<String>,
}

/// A rule beside another one, as a reference.
pub(super) fn beside(path: &[String], name: &str) -> String {
    let package = path.split_last().map_or(&[][..], |(_, package)| package);
    let steps: Vec<Step> = package.iter().cloned().map(Step::Name).collect();
    format!("{}.{name}", path::shown(&steps))
}

/// What blocks say of the rules at a path: those of the rule, of the document, of its package and of packages above, in this
/// order.
///
/// # Errors
/// Something that is neither input nor data cannot be unknown.
pub(super) fn of_rule(state: &State, path: &[String]) -> Result<Said, Problem> {
    let mut said = Said::default();
    for scope in ["rule", "document", "package", "subpackages"] {
        for module in &state.policies.trees {
            for block in module.annotations.iter().filter(|block| applies(module, block, scope, path)) {
                add(state, block, path, &mut said)?;
            }
        }
    }
    Ok(said)
}

fn json(block: &Annotations) -> Json {
    let text = govc_stdlib::yaml_to_json(&block.yaml).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn applies(module: &Module, block: &Annotations, scope: &str, path: &[String]) -> bool {
    let package = module.package_path();
    let rule = match block.target {
        AnnotationTarget::Rule(at) => module.rules.get(at),
        AnnotationTarget::Package | AnnotationTarget::None => None,
    };
    let usual = if rule.is_some() { "rule" } else { "package" };
    let value = json(block);
    if value.get("compile").is_none() || value.get("scope").and_then(Json::as_str).unwrap_or(usual) != scope {
        return false;
    }
    match (scope, path.split_last()) {
        ("subpackages", Some((_, above))) => above.starts_with(&package),
        ("package", Some((_, above))) => above == package,
        (_, Some((name, above))) => above == package && rule.is_some_and(|rule| rule.head.name.name == *name),
        (_, None) => false,
    }
}

fn add(state: &State, block: &Annotations, path: &[String], said: &mut Said) -> Result<(), Problem> {
    let value = json(block);
    let unknowns = value.pointer("/compile/unknowns").and_then(Json::as_array).into_iter().flatten();
    for unknown in unknowns.filter_map(Json::as_str) {
        let head = unknown.split(['.', '[']).next().unwrap_or_default();
        if !matches!(head, "input" | "data") {
            let sources = &state.policies.sources;
            let (row, col) = sources.position(block.span);
            let file = sources.get(block.span.file).name.clone();
            return Err(Problem {
                location: Some(Location { file, row, col }),
                ..Problem::coded(
                    "invalid_unknown",
                    format!("unknowns must be prefixed with `input` or `data`: {unknown}"),
                )
            });
        }
        said.unknowns.push(unknown.to_owned());
    }
    if let (None, Some(rule)) = (&said.mask_rule, value.pointer("/compile/mask_rule").and_then(Json::as_str))
    {
        said.mask_rule = Some(if rule.starts_with("data.") { rule.to_owned() } else { beside(path, rule) });
    }
    Ok(())
}
