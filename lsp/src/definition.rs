//! Go to definition: from a name to the rules, package, import or local that it means.

use crate::locate::{Name, name_at};
use crate::scope;
use crate::workspace::{File, Snapshot};
use govc_syntax::Span;
use govc_syntax::ast::*;

/// A place in a file of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Byte offsets in it.
    pub span: Span,
}

/// Where the name at an offset is defined; several places for a rule with several definitions.
pub fn definitions(snapshot: &Snapshot, file: &str, offset: u32) -> Vec<Place> {
    let Some(file) = snapshot.file(file) else { return Vec::new() };
    let Some(name) = name_at(&file.module, offset) else { return Vec::new() };
    if let Some(span) = local(file, &name, offset) {
        return vec![Place { file: file.name.clone(), span }];
    }
    let path = absolute(file, &name.path);
    let rules = rules_at(snapshot, &path);
    if rules.is_empty() { packages_at(snapshot, &path) } else { rules }
}

fn local(file: &File, name: &Name, offset: u32) -> Option<Span> {
    let [only] = name.path.as_slice() else { return None };
    let rule = file.module.rules.get(name.rule?)?;
    scope::declaration(rule, only, offset)
}

/// A path as seen from the root `data`: through imports, or as a rule of the file's own package.
pub fn absolute(file: &File, path: &[String]) -> Vec<String> {
    let Some((first, rest)) = path.split_first() else { return Vec::new() };
    if first == "data" {
        return rest.to_vec();
    }
    let import = file.module.imports.iter().find(|i| import_name(i) == Some(first.as_str()));
    match import {
        Some(import) => {
            let root = import.path.iter().skip(1).map(|i| i.name.clone());
            root.chain(rest.iter().cloned()).collect()
        }
        None => package(&file.module).into_iter().chain(path.iter().cloned()).collect(),
    }
}

/// The path of a module's package, without `data`.
pub fn package(module: &Module) -> Vec<String> {
    module.package.iter().flat_map(|p| &p.path).map(|i| i.name.clone()).collect()
}

fn import_name(import: &Import) -> Option<&str> {
    import.alias.as_ref().or(import.path.last()).map(|i| i.name.as_str())
}

/// The rules that define a path or a part of it: the longest prefix that a rule has wins.
pub fn rules_at(snapshot: &Snapshot, path: &[String]) -> Vec<Place> {
    (1..=path.len())
        .rev()
        .map(|n| exact_rules(snapshot, &path[..n]))
        .find(|r| !r.is_empty())
        .unwrap_or_default()
}

fn exact_rules(snapshot: &Snapshot, path: &[String]) -> Vec<Place> {
    let mut places = Vec::new();
    for file in snapshot.files() {
        let package = package(&file.module);
        let Some(rest) = path.strip_prefix(package.as_slice()) else { continue };
        for rule in file.module.rules.iter().filter(|r| !rest.is_empty() && head_path(&r.head) == rest) {
            places.push(Place { file: file.name.clone(), span: rule.head.name.span });
        }
    }
    places
}

/// The constant names of a head, to the first that is not.
pub fn head_path(head: &Head) -> Vec<&str> {
    let steps = head.steps.iter().map_while(|s| match &s.kind {
        StepKind::Field(name) => Some(name.as_str()),
        StepKind::Index(Term { kind: TermKind::String { value, .. }, .. }) => Some(value.as_str()),
        _ => None,
    });
    std::iter::once(head.name.name.as_str()).chain(steps).collect()
}

fn packages_at(snapshot: &Snapshot, path: &[String]) -> Vec<Place> {
    let files = snapshot.files().filter(|f| package(&f.module) == path);
    files
        .filter_map(|f| f.module.package.as_ref().map(|p| Place { file: f.name.clone(), span: p.span }))
        .collect()
}
