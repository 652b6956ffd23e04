//! All blocks of a compilation by what they describe, and the chain of those that a rule sees.

use super::{Annotation, Scope};
use crate::check::type_error;
use govc_syntax::{Diagnostic, Sources, Span};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Blocks by what they describe. Paths are without `data`.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnnotationSet {
    /// By module and position of the rule in its tree.
    rules: BTreeMap<(usize, usize), Vec<Annotation>>,
    packages: BTreeMap<Vec<String>, Annotation>,
    documents: BTreeMap<Vec<String>, Annotation>,
    subpackages: BTreeMap<Vec<String>, Annotation>,
}

/// A rule as the set knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) module: usize,
    /// Position in the module's tree.
    pub(crate) source: usize,
    pub(crate) package: &'a [String],
    /// Ground part of the path.
    pub(crate) path: &'a [String],
    /// An `else` branch has no blocks of its own.
    pub(crate) is_else: bool,
}

impl AnnotationSet {
    /// Adds a block; a second one for the same document or package is an error.
    pub(crate) fn add(
        &mut self,
        sources: &Sources,
        module: usize,
        package: &[String],
        path: &[String],
        annotation: Annotation,
    ) -> Option<Diagnostic> {
        let (map, key) = match (annotation.scope, annotation.rule) {
            (Scope::Rule, Some(rule)) => {
                self.rules.entry((module, rule)).or_default().push(annotation);
                return None;
            }
            (Scope::Package, _) => (&mut self.packages, package),
            (Scope::Document, _) => (&mut self.documents, path),
            _ => (&mut self.subpackages, package),
        };
        if let Some(other) = map.get(key) {
            return Some(redeclared(sources, &annotation, other.span));
        }
        map.insert(key.to_vec(), annotation);
        None
    }

    fn of_rule(&self, place: &Place) -> &[Annotation] {
        if place.is_else {
            return &[];
        }
        self.rules.get(&(place.module, place.source)).map_or(&[], Vec::as_slice)
    }

    fn around(&self, package: &[String]) -> Vec<(&[String], &Annotation)> {
        (0..=package.len())
            .filter_map(|n| self.subpackages.get_key_value(&package[..n]))
            .map(|(k, v)| (k.as_slice(), v))
            .collect()
    }

    /// What `rego.metadata.rule()` shows.
    pub(crate) fn rule(&self, place: &Place) -> Value {
        let first = self.of_rule(place).iter().min_by_key(|a| a.span.start);
        first.map_or_else(|| Value::Object(Map::new()), |a| a.value.clone())
    }

    /// What `rego.metadata.chain()` shows: the rule first, then outwards.
    pub(crate) fn chain(&self, place: &Place) -> Value {
        let mut links = Vec::new();
        let mut own: Vec<&Annotation> = self.of_rule(place).iter().collect();
        own.sort_by_key(|a| std::cmp::Reverse(a.span.start));
        if own.is_empty() {
            links.push(link(place.path, None));
        }
        links.extend(own.into_iter().map(|a| link(place.path, Some(a))));
        links.extend(self.documents.get(place.path).map(|a| link(place.path, Some(a))));
        links.extend(self.packages.get(place.package).map(|a| link(place.package, Some(a))));
        let around = self.around(place.package);
        links.extend(around.into_iter().rev().map(|(path, a)| link(path, Some(a))));
        Value::Array(links)
    }

    /// Blocks with schemas that hold for a rule, outermost first.
    pub(crate) fn schemas(&self, place: &Place) -> Vec<&super::SchemaAnnotation> {
        let around = self.around(place.package).into_iter().map(|(_, a)| a);
        let package = self.packages.get(place.package);
        let document = self.documents.get(place.path);
        around.chain(package).chain(document).chain(self.of_rule(place)).flat_map(|a| &a.schemas).collect()
    }
}

fn link(path: &[String], annotation: Option<&Annotation>) -> Value {
    let mut out = Map::new();
    out.insert("path".to_owned(), path.to_vec().into());
    if let Some(a) = annotation {
        out.insert("annotations".to_owned(), a.value.clone());
    }
    Value::Object(out)
}

fn redeclared(sources: &Sources, annotation: &Annotation, other: Span) -> Diagnostic {
    let (row, _) = sources.position(other);
    let place = format!("{}:{row}", sources.get(other.file).name);
    let text = format!("{} annotation redeclared: {place}", annotation.scope.name());
    type_error("govc_metadata", (annotation.span, text))
}
