//! Rules that cannot stand together: of different kinds or arities at one path, below a complete rule,
//! twice a default, a rule where another module's package is, a rule where data is.

use crate::DataExists;
use crate::check::{compile_error, package_span, type_error};
use crate::hir::Const;
use crate::lower::names::Names;
use crate::lower::print;
use crate::lower::tree::*;
use crate::rules::{self, NodeId, RuleTree};
use govc_syntax::{Diagnostic, Sources, Span, ast};
use std::collections::BTreeSet;

/// What the check looks at.
pub(crate) struct Conflicts<'a> {
    pub(crate) names: &'a Names,
    pub(crate) rules: &'a [Rule],
    pub(crate) tree: &'a RuleTree,
    pub(crate) packages: &'a [Vec<String>],
    pub(crate) modules: &'a [ast::Module],
    pub(crate) sources: &'a Sources,
}

impl Conflicts<'_> {
    /// All conflicts.
    pub(crate) fn check(&self, data_exists: Option<DataExists>) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        self.node(self.tree.root(), &mut out);
        if let Some(exists) = data_exists {
            self.data(self.tree.root(), &mut Vec::new(), exists, &mut out);
        }
        self.packages(&mut out);
        out
    }

    fn node(&self, id: NodeId, out: &mut Vec<Diagnostic>) {
        let node = self.tree.node(id);
        if !node.rules.is_empty() {
            out.extend(self.rules_at(id));
        }
        for &child in node.children.values() {
            self.node(child, out);
        }
    }

    fn rules_at(&self, id: NodeId) -> Option<Diagnostic> {
        let at = &self.tree.node(id).rules;
        let last = self.rules.get(*at.last()?)?;
        let first = self.rules.get(*at.first()?)?;
        let name = self.path(last);
        if let Some(conflicts) = self.in_extent(id) {
            let message = format!("rule {name} conflicts with:{}", self.list(&conflicts));
            return Some(type_error("govc_rule_conflict", (first.span, message)));
        }
        let all: Vec<&Rule> = at.iter().map(|&i| &self.rules[i]).collect();
        if clash(&all) {
            let message = format!("conflicting rules {name} found");
            return Some(type_error("govc_rule_conflict", (first.span, message)));
        }
        self.defaults(&all, &name)
    }

    fn defaults(&self, all: &[&Rule], name: &str) -> Option<Diagnostic> {
        let defaults: Vec<&&Rule> = all.iter().filter(|r| r.default).collect();
        let [first, _, ..] = defaults.as_slice() else { return None };
        let places: Vec<String> = defaults.iter().map(|r| self.place(r.span)).collect();
        let message = format!("multiple default rules {name} found at {}", places.join(", "));
        let span = package_span(&self.modules[first.module]);
        Some(type_error("govc_multiple_defaults", (span, message)))
    }

    /// Rules below a node that the rules at it rule out.
    fn in_extent(&self, id: NodeId) -> Option<Vec<usize>> {
        let node = self.tree.node(id);
        if node.children.is_empty() {
            return None;
        }
        let ground = node.rules.iter().any(|&i| rules::is_ground(&self.rules[i]));
        let dynamic = node.rules.iter().any(|&i| !rules::is_ground(&self.rules[i]));
        let mut below = Vec::new();
        node.children.values().for_each(|&child| self.tree.all_below(child, &mut below));
        if !ground {
            below.retain(|&i| dynamic && self.rules[i].args.is_some());
        }
        below.sort_by_key(|&i| (self.path(&self.rules[i]), i));
        below.dedup_by_key(|i| self.path(&self.rules[*i]));
        (!below.is_empty()).then(|| self.shortest(below))
    }

    /// Leaves out rules whose path begins with that of another one.
    fn shortest(&self, rules: Vec<usize>) -> Vec<usize> {
        let path = |i: usize| rules::ground_path(&self.rules[i], &self.packages[self.rules[i].module]);
        let mut kept: Vec<usize> = Vec::new();
        for i in rules {
            if !kept.iter().any(|&k| rules::is_ground(&self.rules[k]) && path(i).starts_with(&path(k))) {
                kept.push(i);
            }
        }
        kept
    }

    fn list(&self, conflicts: &[usize]) -> String {
        let line = |&i: &usize| {
            let rule = &self.rules[i];
            format!("\n  rule {} at {}", self.path(rule), self.place(rule.span))
        };
        conflicts.iter().map(line).collect()
    }

    fn path(&self, rule: &Rule) -> String {
        let mut text = print::data_path(&self.packages[rule.module]);
        print::push_field(&rule.name, &mut text);
        for step in &rule.steps {
            match step.as_str() {
                Some(field) => print::push_field(field, &mut text),
                None => text.push_str(&format!("[{}]", print::term(self.names, step))),
            }
        }
        text
    }

    fn place(&self, span: Span) -> String {
        let (row, _) = self.sources.position(span);
        format!("{}:{row}", self.sources.get(span.file).name)
    }

    /// Rules where data is.
    fn data(&self, id: NodeId, path: &mut Vec<String>, exists: DataExists, out: &mut Vec<Diagnostic>) {
        let node = self.tree.node(id);
        if let Some(&first) = node.rules.first()
            && exists(path)
        {
            let message = format!("conflicting rule for data path {} found", path.join("/"));
            out.push(compile_error("govc_data_conflict", (self.rules[first].span, message)));
            return;
        }
        for (key, &child) in &node.children {
            let Const::String(key) = key else { continue };
            path.push(key.clone());
            // Below what is not there nothing is.
            if exists(path) {
                self.data(child, path, exists, out);
            }
            path.pop();
        }
    }

    /// Packages where a rule is.
    fn packages(&self, out: &mut Vec<Diagnostic>) {
        for rule in self.rules.iter().filter(|r| rules::is_ground(r)) {
            let path = rules::ground_path(rule, &self.packages[rule.module]);
            let node = path.iter().try_fold(self.tree.root(), |at, key| self.tree.child(at, key));
            for &module in node.map_or(&[][..], |n| &self.tree.node(n).packages) {
                let head = self.path_in_module(rule);
                let package = print::data_path(&self.packages[module]).replacen("data.", "", 1);
                let place = self.place(rule.span);
                let message = format!("package {package} conflicts with rule {head} defined at {place}");
                let span = package_span(&self.modules[rule.module]);
                out.push(type_error("govc_package_conflict", (span, message)));
            }
        }
    }

    fn path_in_module(&self, rule: &Rule) -> String {
        let mut text = rule.name.clone();
        rule.steps.iter().filter_map(Term::as_str).for_each(|s| print::push_field(s, &mut text));
        text
    }
}

fn clash(all: &[&Rule]) -> bool {
    let kinds: BTreeSet<bool> = all.iter().map(|r| r.multi).collect();
    let arities: BTreeSet<usize> = all.iter().map(|r| r.args.as_ref().map_or(0, Vec::len)).collect();
    let complete = |r: &&&Rule| !r.multi && rules::is_ground(r);
    let completes = all.iter().filter(complete).count();
    let sets = all.iter().any(|r| r.multi && rules::is_ground(r));
    let objects_of_sets = all.iter().any(|r| r.multi && !rules::is_ground(r));
    kinds.len() > 1
        || arities.len() > 1
        || (completes > 0 && completes < all.len())
        || (sets && objects_of_sets)
}
