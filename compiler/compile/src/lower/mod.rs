//! Syntax trees to HIR, in OPA's stages and order. A stage runs over all rules; the first stage with
//! findings is the last one, so that what is reported is what `opa check` reports.

pub(crate) mod calls;
mod cases;
pub(crate) mod desugar;
pub(crate) mod finish;
pub(crate) mod hoist;
pub(crate) mod locals;
mod metadata;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod print;
pub(crate) mod prints;
mod program;
mod query;
mod safe;
pub(crate) mod templates;
pub(crate) mod tree;
mod typing;
pub(crate) mod walk;
pub(crate) mod withs;

use crate::annotations::{Annotation, AnnotationSet};
use crate::check::{self, Functions, compile_error};
use crate::conflicts::Conflicts;
use crate::hir;
use crate::recursion::{self, Graph};
use crate::resolve::{Globals, Resolver};
use crate::rules::RuleTree;
use crate::safety;
use crate::ty;
use crate::{CheckOptions, Checked};
use govc_syntax::{Diagnostic, FileId, RegoVersion, Reported, Sources, Span, ast};
use names::{Name, Names};
use program::{View, bound_outside, module_order, ordered};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use tree::*;

pub(crate) use program::Program;
pub(crate) use query::{check_query, rewrite_query};
pub(crate) use safe::unsafe_error;
pub(crate) use typing::{name_subjects, type_options};

/// One run over all modules.
struct Lowering<'a> {
    sources: &'a Sources,
    modules: &'a [ast::Module],
    options: &'a CheckOptions<'a>,
    program: Program,
    /// Blocks of each module.
    blocks: Vec<Vec<Annotation>>,
    annotations: AnnotationSet,
    /// Which rules refer to which: the rules do not change any more once it is made.
    graph: Option<Graph>,
    /// What the names of each module stand for.
    globals: FxHashMap<FileId, Globals>,
    found: Vec<Diagnostic>,
}

/// Lowers and checks modules.
pub(crate) fn check(sources: &Sources, modules: &[ast::Module], options: &CheckOptions) -> Checked {
    let mut lowering = Lowering::new(sources, modules, options);
    lowering.run(&Lowering::BEFORE_TYPES);
    let mut unit = lowering.unit();
    let types = lowering.infer(&unit);
    lowering.run(&Lowering::AFTER_TYPES);
    if !lowering.found.is_empty() {
        unit.rules.clear();
    }
    let mut diagnostics = std::mem::take(&mut lowering.found);
    limit(&mut diagnostics, options.error_limit);
    Checked { unit, diagnostics, types, program: lowering.program }
}

fn first_name(text: &str) -> &str {
    text.split(|c: char| c != '_' && !c.is_alphanumeric()).next().unwrap_or_default()
}

/// OPA stops at a number of errors and says so.
fn limit(found: &mut Vec<Diagnostic>, limit: usize) {
    if limit > 0 && found.len() >= limit {
        found.truncate(limit);
        let text = "error limit reached".to_owned();
        found.push(compile_error("govc_error_limit", (Span::default(), text)).nowhere());
    }
}

type Stage<'a> = fn(&mut Lowering<'a>);

impl<'a> Lowering<'a> {
    const BEFORE_TYPES: [Stage<'a>; 20] = [
        Self::read_annotations,
        Self::resolve,
        Self::check_overrides,
        Self::check_imports,
        Self::grow_tree,
        Self::rewrite_locals,
        Self::mark_cases,
        Self::rewrite_templates,
        Self::check_void_calls,
        Self::rewrite_prints,
        Self::expand_calls,
        Self::set_annotations,
        Self::rewrite_metadata,
        Self::hoist_heads,
        Self::rewrite_withs,
        Self::check_conflicts,
        Self::check_undefined_functions,
        Self::check_safety_of_heads,
        Self::check_safety_of_bodies,
        Self::check_recursion,
    ];

    const AFTER_TYPES: [Stage<'a>; 1] = [Self::check_builtins];

    fn new(sources: &'a Sources, modules: &'a [ast::Module], options: &'a CheckOptions) -> Self {
        let mut names = Names::new();
        let mut rules = Vec::new();
        for (i, module) in modules.iter().enumerate() {
            let wrapping_not = desugar::imports_keyword(module, "not");
            rules.extend(desugar::rules(&mut names, i, module, wrapping_not));
        }
        let packages: Vec<Vec<String>> = modules.iter().map(|module| module.package_path()).collect();
        let order = ordered(sources, modules, &rules);
        let params = rules.iter().map(|r| r.args.as_ref().map_or(0, Vec::len)).collect();
        let tree = RuleTree::new(&[], &packages, &[]);
        let program = Program { names, rules, packages, tree, params, order };
        Self {
            sources,
            modules,
            options,
            program,
            blocks: Vec::new(),
            annotations: AnnotationSet::default(),
            graph: None,
            globals: FxHashMap::default(),
            found: Vec::new(),
        }
    }

    fn run(&mut self, stages: &[Stage<'a>]) {
        for stage in stages {
            if !self.found.is_empty() {
                return;
            }
            stage(self);
        }
    }

    fn unit(&self) -> hir::Unit {
        let modules = self.modules.iter().zip(&self.program.packages);
        let modules = modules.map(|(m, p)| hir::ModuleInfo { file: m.span.file, package: p.clone() });
        let rules = if self.found.is_empty() { self.finished() } else { Vec::new() };
        hir::Unit { rules, modules: modules.collect(), bodies: self.options.builtins.bodies() }
    }

    fn finished(&self) -> Vec<hir::Rule> {
        let p = &self.program;
        let finisher = finish::Finisher { names: &p.names, functions: self.functions(), tree: &p.tree };
        p.rules.iter().map(|r| finisher.rule(r, &p.packages[r.module])).collect()
    }

    fn functions(&self) -> Functions<'_> {
        self.program.functions(self.options)
    }

    fn is_v1(&self, module: usize) -> bool {
        self.options.strict || self.modules[module].version == RegoVersion::V1
    }

    fn modules_in_order(&self) -> Vec<usize> {
        module_order(self.sources, self.modules)
    }

    /// Modules in order, with their rules.
    fn rules_by_module(&self) -> Vec<(usize, Vec<usize>)> {
        let mut own = vec![Vec::new(); self.modules.len()];
        for &i in &self.program.order {
            own[self.program.rules[i].module].push(i);
        }
        self.modules_in_order().into_iter().map(|m| (m, std::mem::take(&mut own[m]))).collect()
    }

    fn each_rule(&mut self, mut f: impl FnMut(&mut Names, &mut Rule, &mut Vec<Diagnostic>)) {
        let Program { names, rules, order, .. } = &mut self.program;
        for &i in order.iter() {
            f(names, &mut rules[i], &mut self.found);
        }
    }

    fn resolve(&mut self) {
        let exports = self.exports();
        for (module, own) in self.rules_by_module() {
            let mut globals = self.globals(module, &exports);
            let Program { names, rules, .. } = &mut self.program;
            for i in own {
                if let Err(root) = Resolver::new(names, &mut globals).rule(&mut rules[i]) {
                    let span = rules[i].span;
                    let text =
                        format!("args must not shadow {} (use a different variable name)", names.text(root));
                    self.found.push(compile_error("govc_shadowed_root", (span, text)));
                }
            }
            self.check_unused_imports(module, &globals);
            self.globals.insert(self.modules[module].span.file, globals);
        }
        self.each_rule(|names, rule, _| hoist::head_steps(names, rule));
    }

    /// Finds out where OPA reports errors of references.
    fn share_places(&self, found: &mut [Diagnostic]) {
        for found in found {
            let Reported::At(span) = found.reported else { continue };
            let text = &self.sources.get(span.file).text;
            let name = text.get(span.start as usize..).map(first_name);
            let name = name.and_then(|name| self.program.names.find(name));
            let globals = self.globals.get(&span.file);
            let place = name.and_then(|name| globals?.shared_place(name));
            found.reported = place.map_or(Reported::Here, Reported::At);
        }
    }

    /// The names of the rules of each package.
    fn exports(&self) -> BTreeSet<(Vec<String>, String)> {
        let p = &self.program;
        p.rules.iter().map(|r| (p.packages[r.module].clone(), r.name.clone())).collect()
    }

    fn globals(&mut self, module: usize, exports: &BTreeSet<(Vec<String>, String)>) -> Globals {
        let package = self.program.packages[module].clone();
        let start = (package.clone(), String::new());
        let own = exports.range(start..).take_while(|(p, _)| *p == package);
        let own: Vec<String> = own.map(|(_, rule)| rule.clone()).collect();
        let mut globals = Globals::default();
        for rule in own {
            let name = self.program.names.written(&rule, Span::default());
            globals.add_rule(name, &package, &rule);
        }
        add_imports(&mut self.program.names, &mut globals, &self.modules[module].imports);
        globals
    }

    fn check_unused_imports(&mut self, module: usize, globals: &Globals) {
        if !self.options.strict {
            return;
        }
        for import in self.modules[module].imports.iter().filter(|i| check::is_document(i)) {
            let name = check::import_name(import).and_then(|n| self.program.names.find(n));
            if name.is_some_and(|n| !n.is_root() && !globals.is_used(n)) {
                let text = format!("{} unused", check::import_text(import));
                self.found.push(compile_error("govc_unused_import", (import.span, text)));
            }
        }
    }

    fn check_overrides(&mut self) {
        for (module, own) in self.rules_by_module() {
            if self.is_v1(module) {
                let p = &self.program;
                let rules: Vec<&Rule> = own.iter().map(|&i| &p.rules[i]).collect();
                let found = check::root_overrides(&p.names, &rules);
                self.found.extend(found);
            }
        }
    }

    fn check_imports(&mut self) {
        for module in self.modules_in_order() {
            if self.is_v1(module) {
                self.found.extend(check::duplicate_imports(&self.modules[module]));
            }
        }
    }

    fn grow_tree(&mut self) {
        let p = &mut self.program;
        p.tree = RuleTree::new(&p.rules, &p.packages, &p.order);
    }

    fn rewrite_locals(&mut self) {
        let strict = self.options.strict;
        let builtins = &self.options.builtins;
        let is_builtin = |name: &str| builtins.contains(name);
        self.each_rule(|names, rule, found| {
            let errors = locals::rewrite_rule(names, strict, &is_builtin, rule);
            found.extend(errors);
        });
    }

    fn mark_cases(&mut self) {
        if self.options.cases {
            self.each_rule(|names, rule, _| cases::mark(names, rule));
        }
    }

    fn rewrite_templates(&mut self) {
        let view = View::new(&self.program, self.options);
        let defined = self.program.defined_nodes();
        let is_defined = |parts: &[Term]| {
            view.tree.at_ref(parts).is_some_and(|node| parts.len() > 1 && defined.contains(&node))
        };
        let arity = |t: &Target| view.functions().arity(t);
        let is_relation = |name: &str| view.options.builtins.is_relation(name);
        let Program { names, rules, order, .. } = &mut self.program;
        for &i in order.iter() {
            let mut templates = templates::Templates {
                names,
                arity: &arity,
                is_relation: &is_relation,
                is_defined: &is_defined,
                errors: Vec::new(),
            };
            let outer = bound_outside(&rules[i]);
            let rule = &mut rules[i];
            for (b, branch) in rule.branches.iter_mut().enumerate() {
                let safe = templates.body(&mut branch.body, &outer);
                templates.term(&mut branch.value, &safe);
                let args = rule.args.iter_mut().flatten().filter(|_| b == 0);
                args.for_each(|arg| templates.term(arg, &safe));
            }
            let errors = templates.errors;
            self.found.extend(errors);
        }
    }

    fn check_void_calls(&mut self) {
        let builtins = &self.options.builtins;
        self.each_rule(|names, rule, found| {
            for branch in &rule.branches {
                check::void_calls(names, builtins, &branch.value, found);
                check::void_calls_in_body(names, builtins, &branch.body, found);
            }
        });
    }

    fn rewrite_prints(&mut self) {
        if !self.options.print {
            self.each_rule(|_, rule, _| {
                for branch in &mut rule.branches {
                    prints::erase(&mut branch.body);
                    prints::erase_in_term(&mut branch.value);
                }
            });
            return;
        }
        let view = View::new(&self.program, self.options);
        let arity = |t: &Target| view.functions().arity(t);
        let Program { names, rules, order, .. } = &mut self.program;
        for &i in order.iter() {
            let outer = bound_outside(&rules[i]);
            let mut prints = prints::Prints { names, arity: &arity, errors: Vec::new() };
            for branch in &mut rules[i].branches {
                prints.term(&mut branch.value, &outer);
                prints.body(&mut branch.body, &outer);
            }
            let errors = prints.errors;
            self.found.extend(errors.into_iter().map(|f| compile_error("govc_undeclared", f)));
        }
    }

    fn expand_calls(&mut self) {
        self.each_rule(|names, rule, _| calls::expand_rule(names, rule));
    }

    fn hoist_heads(&mut self) {
        self.each_rule(|names, rule, _| {
            for branch in &mut rule.branches {
                hoist::comprehension_terms(names, &mut branch.body);
                hoist::comprehension_terms_in(names, &mut branch.value);
            }
            hoist::heads(names, rule);
        });
    }

    fn rewrite_withs(&mut self) {
        let view = View::new(&self.program, self.options);
        let Program { names, rules, order, .. } = &mut self.program;
        for &i in order.iter() {
            let mut withs = withs::Withs {
                names,
                builtins: &self.options.builtins,
                tree: &view.tree,
                functions: &view.params,
                errors: Vec::new(),
            };
            for branch in &mut rules[i].branches {
                walk::rewrite_bodies(&mut branch.body, &mut |body| withs.body(body));
            }
            self.found.append(&mut withs.errors);
        }
    }

    fn check_conflicts(&mut self) {
        let p = &self.program;
        let conflicts = Conflicts {
            names: &p.names,
            rules: &p.rules,
            tree: &p.tree,
            packages: &p.packages,
            modules: self.modules,
            sources: self.sources,
        };
        let found = conflicts.check(self.options.data_exists);
        self.found.extend(found);
    }

    fn check_undefined_functions(&mut self) {
        if self.options.open {
            return;
        }
        let p = &self.program;
        let mut found = Vec::new();
        for rule in p.order.iter().map(|&i| &p.rules[i]).filter(|r| !r.broken) {
            for branch in &rule.branches {
                found.extend(check::undefined_functions(&p.names, &self.functions(), &branch.body));
            }
        }
        self.found.extend(found);
    }

    fn check_recursion(&mut self) {
        let p = &self.program;
        let graph = Graph::new(&p.rules, &p.tree);
        let mut cyclic = graph.cyclic();
        cyclic.sort_by_key(|&r| (crate::rules::ground_path(&p.rules[r], &p.packages[p.rules[r].module]), r));
        let mut found = Vec::new();
        for rule in cyclic {
            for (i, branch) in p.rules[rule].branches.iter().enumerate() {
                let targets = recursion::branch_edges(&p.rules[rule], branch, &p.tree);
                let Some(cycle) = graph.cycle(rule, &targets) else { continue };
                let path: Vec<String> = cycle.iter().map(|&r| p.path_text(r)).collect();
                let text = format!("rule {} is recursive: {}", p.path_text(rule), path.join(" -> "));
                let span = if i == 0 { p.rules[rule].span } else { branch.span };
                found.push(Diagnostic::error("govc_recursion", "rego_recursion_error", span, text));
            }
        }
        self.found.extend(found);
        self.graph = Some(graph);
    }

    fn check_builtins(&mut self) {
        let builtins = &self.options.builtins;
        let p = &self.program;
        let mut found = Vec::new();
        for rule in p.order.iter().map(|&i| &p.rules[i]) {
            for branch in &rule.branches {
                found.extend(check::refused(builtins, &branch.body));
            }
        }
        if found.is_empty() {
            for rule in p.order.iter().map(|&i| &p.rules[i]).filter(|r| self.is_v1(r.module)) {
                for branch in &rule.branches {
                    found.extend(check::deprecated(builtins, &branch.body));
                }
            }
        }
        self.found.extend(found);
    }
}

/// Adds the documents that imports name.
pub(crate) fn add_imports(names: &mut Names, globals: &mut Globals, imports: &[ast::Import]) {
    for import in imports.iter().filter(|i| check::is_document(i)) {
        let (Some(name), Some((root, path))) = (check::import_name(import), import.path.split_first()) else {
            continue;
        };
        let head = if root.name == "input" { Name::INPUT } else { Name::DATA };
        let name = names.written(name, import.span);
        if path.is_empty() && name == head {
            continue;
        }
        globals.add_import(name, head, path.iter().map(|p| p.name.clone()).collect());
    }
}
