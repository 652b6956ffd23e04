//! The stages around types: METADATA blocks, the schemas that they name, inference over the finished HIR.

use super::names::Names;
use super::program::Program;
use super::tree::Term;
use super::{Lowering, metadata, print};
use crate::CheckOptions;
use crate::annotations::{self, Place, SchemaAnnotation};
use crate::check;
use crate::hir;
use crate::recursion::Graph;
use crate::ty::{self, Annotated, TypeOptions, TypeTable};
use govc_syntax::{Diagnostic, Span};
use std::collections::HashMap;

impl Lowering<'_> {
    /// Types of all rules, inferred in the order of their dependencies.
    pub(super) fn infer(&mut self, unit: &hir::Unit) -> TypeTable {
        if !self.found.is_empty() {
            return TypeTable::default();
        }
        let p = &self.program;
        let graph = self.graph.take().unwrap_or_else(|| Graph::new(&p.rules, &p.tree));
        let order = graph.sorted(&p.order);
        let order: Vec<hir::RuleId> = order.into_iter().map(|r| hir::RuleId(r as u32)).collect();
        let mut options = match type_options(self.options) {
            Ok(options) => options,
            Err(error) => {
                self.found.push(check::type_error("govc_schema", (Span::default(), error)));
                return TypeTable::default();
            }
        };
        options.annotations = self.annotated();
        let (table, mut found) = ty::infer(unit, &order, &|| graph.edges.clone(), &options);
        found.retain(|d| !self.options.open || d.code != "govc_undefined_function");
        found.iter_mut().for_each(|d| name_subjects(&self.program.names, d));
        self.share_places(&mut found);
        found.sort_by(|a, b| self.place(a).cmp(&self.place(b)));
        self.found.extend(found);
        table
    }

    /// What OPA sorts type errors by: place, then text.
    fn place<'d>(&'d self, found: &'d Diagnostic) -> (&'d str, u32, &'d str, &'d [String]) {
        let span = found.opa_span().unwrap_or(found.span);
        (&self.sources.get(span.file).name, span.start, &found.message, &found.notes)
    }

    /// Schemas that annotations give to documents, by rule.
    pub(super) fn annotated(&mut self) -> HashMap<hir::RuleId, Vec<Annotated>> {
        let mut out = HashMap::new();
        let mut errors = Vec::new();
        for (i, rule) in self.program.rules.iter().enumerate() {
            let package = &self.program.packages[rule.module];
            let path = Program::ground_strings(rule, package);
            let (module, source) = (rule.module, rule.source);
            let place = Place { module, source, package, path: &path, is_else: false };
            for schema in self.annotations.schemas(&place) {
                match annotated(schema, self.options) {
                    Ok(Some(a)) => out.entry(hir::RuleId(i as u32)).or_insert_with(Vec::new).push(a),
                    Ok(None) => {}
                    Err(text) => errors.push(check::type_error("govc_schema", (rule.span, text))),
                }
            }
        }
        self.found.extend(errors);
        out
    }

    pub(super) fn read_annotations(&mut self) {
        for module in self.modules {
            let (blocks, found) = annotations::read_module(module);
            self.blocks.push(blocks);
            self.found.extend(found);
        }
    }

    pub(super) fn set_annotations(&mut self) {
        let annotated = self.blocks.iter().enumerate();
        let annotated = annotated.flat_map(|(module, blocks)| blocks.iter().map(move |b| (module, b.rule)));
        let annotated = annotated.filter_map(|(module, rule)| Some((module, rule?))).collect();
        let paths = self.program.paths_of(&annotated);
        for module in self.modules_in_order() {
            let package = self.program.packages[module].clone();
            for block in std::mem::take(&mut self.blocks[module]) {
                let path =
                    block.rule.and_then(|rule| paths.get(&(module, rule)).cloned()).unwrap_or_default();
                let error = self.annotations.add(self.sources, module, &package, &path, block);
                self.found.extend(error);
            }
        }
    }

    pub(super) fn rewrite_metadata(&mut self) {
        let Program { rules, packages, .. } = &mut self.program;
        for rule in rules.iter_mut() {
            let package = packages[rule.module].clone();
            let path = Program::ground_strings(rule, &package);
            let (module, source) = (rule.module, rule.source);
            for (i, branch) in rule.branches.iter_mut().enumerate() {
                let place = Place { module, source, package: &package, path: &path, is_else: i > 0 };
                metadata::rewrite(&self.annotations, &place, branch);
            }
        }
    }
}

/// What types are inferred with.
pub(crate) fn type_options(options: &CheckOptions) -> Result<TypeOptions, String> {
    let mut out = TypeOptions { vocabulary: options.schemas.vocabulary.clone(), ..TypeOptions::default() };
    out.builtins = options.builtins.host.iter().map(|(n, b)| (n.clone(), b.ty.clone())).collect();
    if let Some(schema) = options.schemas.by_name.get("schema") {
        out.input = Some(ty::schema::schema_type(schema).map_err(|e| e.to_string())?);
        ty::schema::schema_vocabulary(schema, &["input"], &mut out.vocabulary);
    }
    Ok(out)
}

/// The type that an annotation gives a document; none where schemas were not given at all.
fn annotated(schema: &SchemaAnnotation, options: &CheckOptions) -> Result<Option<Annotated>, String> {
    let schemas = &options.schemas.by_name;
    let definition = match (&schema.definition, &schema.schema) {
        (Some(definition), _) => definition,
        (None, Some(name)) => {
            if schemas.is_empty() {
                return Ok(None);
            }
            let name = schema_name(name);
            schemas.get(&name).ok_or_else(|| format!("undefined schema: {name}"))?
        }
        (None, None) => return Ok(None),
    };
    let ty = ty::schema::schema_type(definition).map_err(|e| e.to_string())?;
    let mut vocabulary = ty::Vocabulary::default();
    let path: Vec<&str> = schema.path.iter().map(String::as_str).collect();
    ty::schema::schema_vocabulary(definition, &path, &mut vocabulary);
    Ok(Some(Annotated { path: schema.path.clone(), ty, vocabulary }))
}

fn schema_name(path: &[String]) -> String {
    let mut text = path.first().cloned().unwrap_or_default();
    path.iter().skip(1).for_each(|p| print::push_field(p, &mut text));
    text
}

/// Puts what the author wrote in place of the variables that it was bound to. The marks below a reference
/// move with it.
pub(crate) fn name_subjects(names: &Names, d: &mut Diagnostic) {
    let Some(first) = d.notes.first().filter(|n| n.contains(GENERATED)).cloned() else { return };
    // A name may stand for a term there, which has another form in JSON.
    d.details = d.details.take().filter(|details| !details.contains(GENERATED));
    d.message = named(names, &d.message);
    let width = |bytes: usize| named(names, first.get(..bytes).unwrap_or(&first)).chars().count();
    for note in &mut d.notes {
        let spaces = note.len() - note.trim_start_matches(' ').len();
        if note.starts_with('^') {
            *note = "^".repeat(width(note.len()));
        } else if spaces > 0 {
            let rest = note.split_off(spaces);
            *note = " ".repeat(width(spaces - 1) + 1) + &rest;
        } else {
            *note = named(names, note);
        }
    }
}

const GENERATED: &str = "__local";

fn named(names: &Names, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(GENERATED) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.get(2..).and_then(|t| t.find("__")).map_or(from.len(), |n| n + 4);
        let (word, after) = from.split_at(end);
        match names.generated(word) {
            Some(name) => out.push_str(&print::term(names, &Term::var(name, Span::default()))),
            None => out.push_str(word),
        }
        rest = after;
    }
    out + rest
}
