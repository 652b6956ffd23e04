//! Syntax trees to HIR, in OPA's stages and order. A stage runs over all rules; the first stage with
//! findings is the last one, so that what is reported is what `opa check` reports.

pub(crate) mod calls;
pub(crate) mod desugar;
pub(crate) mod finish;
pub(crate) mod hoist;
pub(crate) mod locals;
mod metadata;
pub(crate) mod names;
pub(crate) mod print;
pub(crate) mod prints;
mod query;
pub(crate) mod templates;
pub(crate) mod tree;
pub(crate) mod walk;
pub(crate) mod withs;

use crate::annotations::{self, Annotation, AnnotationSet, Place, SchemaAnnotation};
use crate::check::{self, Functions, compile_error};
use crate::conflicts::Conflicts;
use crate::hir;
use crate::recursion::Graph;
use crate::resolve::{Globals, Resolver};
use crate::rules::RuleTree;
use crate::safety;
use crate::ty::{self, Annotated, TypeOptions, TypeTable};
use crate::{CheckOptions, Checked};
use govc_syntax::{Diagnostic, RegoVersion, Sources, Span, ast};
use names::{Name, NameSet, Names};
use std::collections::{BTreeSet, HashMap};
use tree::*;

pub(crate) use query::check_query;

/// What a compilation leaves behind for its queries.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) names: Names,
    pub(crate) rules: Vec<Rule>,
    pub(crate) packages: Vec<Vec<String>>,
    pub(crate) tree: RuleTree,
    /// Number of parameters of each rule.
    pub(crate) params: Vec<usize>,
    /// Positions of the rules, by name of the source and place.
    pub(crate) order: Vec<usize>,
}

/// One run over all modules.
struct Lowering<'a> {
    sources: &'a Sources,
    modules: &'a [ast::Module],
    options: &'a CheckOptions<'a>,
    program: Program,
    /// Blocks of each module.
    blocks: Vec<Vec<Annotation>>,
    annotations: AnnotationSet,
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

/// OPA stops at a number of errors and says so.
fn limit(found: &mut Vec<Diagnostic>, limit: usize) {
    if limit > 0 && found.len() >= limit {
        found.truncate(limit);
        let text = "error limit reached".to_owned();
        found.push(compile_error("govc_error_limit", (Span::default(), text)));
    }
}

type Stage<'a> = fn(&mut Lowering<'a>);

impl<'a> Lowering<'a> {
    const BEFORE_TYPES: [Stage<'a>; 19] = [
        Self::read_annotations,
        Self::resolve,
        Self::check_overrides,
        Self::check_imports,
        Self::grow_tree,
        Self::rewrite_locals,
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
        let packages: Vec<Vec<String>> = modules.iter().map(package).collect();
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

    /// Types of all rules, inferred in the order of their dependencies.
    fn infer(&mut self, unit: &hir::Unit) -> TypeTable {
        if !self.found.is_empty() {
            return TypeTable::default();
        }
        let p = &self.program;
        let order = Graph::new(&p.rules, &p.tree).sorted(&p.order);
        let order: Vec<hir::RuleId> = order.into_iter().map(|r| hir::RuleId(r as u32)).collect();
        let mut options = match type_options(self.options) {
            Ok(options) => options,
            Err(error) => {
                self.found.push(check::type_error("govc_schema", (Span::default(), error)));
                return TypeTable::default();
            }
        };
        options.annotations = self.annotated();
        let (table, mut found) = ty::infer(unit, &order, &options);
        let rank = |d: &Diagnostic| (&self.sources.get(d.span.file).name, d.span.start);
        found.sort_by(|a, b| rank(a).cmp(&rank(b)));
        self.found.extend(found);
        table
    }

    fn unit(&self) -> hir::Unit {
        let modules = self.modules.iter().zip(&self.program.packages);
        let modules = modules.map(|(m, p)| hir::ModuleInfo { file: m.span.file, package: p.clone() });
        let rules = if self.found.is_empty() { self.finished() } else { Vec::new() };
        hir::Unit { rules, modules: modules.collect() }
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

    fn read_annotations(&mut self) {
        for module in self.modules {
            let (blocks, found) = annotations::read_module(module);
            self.blocks.push(blocks);
            self.found.extend(found);
        }
    }

    fn set_annotations(&mut self) {
        let paths = self.program.paths_by_source();
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

    fn rewrite_metadata(&mut self) {
        let Program { rules, packages, .. } = &mut self.program;
        for rule in rules.iter_mut() {
            let package = packages[rule.module].clone();
            let path = Program::ground_strings(rule, &package);
            let (module, source) = (rule.module, rule.source);
            for (i, branch) in rule.branches.iter_mut().enumerate() {
                let place = Place { module, source, package: &package, path: &path, is_else: i > 0 };
                metadata::rewrite(&self.annotations, &place, &mut branch.body);
            }
        }
    }

    /// Schemas that annotations give to documents, by rule.
    fn annotated(&mut self) -> HashMap<hir::RuleId, Vec<Annotated>> {
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

    fn resolve(&mut self) {
        let exports = self.exports();
        for (module, own) in self.rules_by_module() {
            let mut globals = self.globals(module, &exports);
            let Program { names, rules, .. } = &mut self.program;
            for i in own {
                if let Err((root, span)) = Resolver::new(names, &mut globals).rule(&mut rules[i]) {
                    let span = if self.options.strict { span } else { rules[i].span };
                    let text =
                        format!("args must not shadow {} (use a different variable name)", names.text(root));
                    self.found.push(compile_error("govc_shadowed_root", (span, text)));
                }
            }
            self.check_unused_imports(module, &globals);
        }
        self.each_rule(|names, rule, _| hoist::head_steps(names, rule));
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
            if name.is_some_and(|n| !globals.is_used(n)) {
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
            found.extend(errors.into_iter().map(|f| compile_error("govc_declaration", f)));
        });
    }

    fn rewrite_templates(&mut self) {
        let view = View::new(&self.program, self.options);
        let defined = view.defined.clone();
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
            self.found.extend(errors.into_iter().map(|f| compile_error("govc_template", f)));
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
        let p = &self.program;
        let mut found = Vec::new();
        for rule in p.order.iter().map(|&i| &p.rules[i]).filter(|r| !r.broken) {
            for branch in &rule.branches {
                found.extend(check::undefined_functions(&p.names, &self.functions(), &branch.body));
            }
        }
        self.found.extend(found);
    }

    fn check_safety_of_heads(&mut self) {
        let shared = self.shared_rows();
        let p = &self.program;
        let mut found = Vec::new();
        for rule in p.order.iter().map(|&i| &p.rules[i]).filter(|r| !r.broken) {
            for (i, branch) in rule.branches.iter().enumerate() {
                let mut bound = safety::vars::Collector::new(safety::vars::Skip::SAFETY);
                bound.body(&branch.body);
                bound.out.extend(bound_outside(rule));
                let steps = if i == 0 { rule.steps.as_slice() } else { &[] };
                let scope = self.scope_label(rule, branch, &shared);
                for term in steps.iter().chain([&branch.value]) {
                    unsafe_in_head(&p.names, term, &bound.out, &scope, &mut found);
                }
            }
        }
        self.found.extend(found.into_iter().map(unsafe_error));
    }

    /// Rows on which rules of more than one name begin, by module.
    fn shared_rows(&self) -> BTreeSet<(usize, usize)> {
        let mut first = std::collections::BTreeMap::new();
        let mut shared = BTreeSet::new();
        for rule in &self.program.rules {
            for branch in &rule.branches {
                let row = (rule.module, self.sources.position(branch.span).0);
                let name = ground_name(rule);
                if first.entry(row).or_insert_with(|| name.clone()) != &name {
                    shared.insert(row);
                }
            }
        }
        shared
    }

    fn scope_label(&self, rule: &Rule, branch: &Branch, shared: &BTreeSet<(usize, usize)>) -> String {
        let row = (rule.module, self.sources.position(branch.span).0);
        if shared.contains(&row) { format!(" in rule {}", ground_name(rule)) } else { String::new() }
    }

    fn check_safety_of_bodies(&mut self) {
        let shared = self.shared_rows();
        let view = View::new(&self.program, self.options);
        let arity = |t: &Target| view.functions().arity(t);
        let mut found = Vec::new();
        for i in self.program.order.clone() {
            let globals = bound_outside(&self.program.rules[i]);
            for b in 0..self.program.rules[i].branches.len() {
                let branch = &mut self.program.rules[i].branches[b];
                let unbound = safety::reorder(&mut branch.body, &arity, &globals);
                if !unbound.is_empty() && !self.program.rules[i].broken {
                    let rule = &self.program.rules[i];
                    let scope = self.scope_label(rule, &rule.branches[b], &shared);
                    found.extend(unbound.messages(&self.program.names, &scope));
                }
            }
        }
        self.found.extend(found.into_iter().map(unsafe_error));
        if self.found.is_empty() {
            self.hoist_dynamic_terms();
        }
    }

    fn hoist_dynamic_terms(&mut self) {
        self.each_rule(|names, rule, _| {
            for branch in &mut rule.branches {
                hoist::equals(&mut branch.body);
                hoist::dynamic_terms(names, &mut branch.body);
            }
        });
    }

    fn check_recursion(&mut self) {
        let p = &self.program;
        let graph = Graph::new(&p.rules, &p.tree);
        let mut cyclic = graph.cyclic();
        cyclic.sort_by_key(|&r| (crate::rules::ground_path(&p.rules[r], &p.packages[p.rules[r].module]), r));
        let mut found = Vec::new();
        for rule in cyclic {
            let Some(cycle) = graph.cycle(rule) else { continue };
            let path: Vec<String> = cycle.iter().map(|&r| p.path_text(r)).collect();
            let text = format!("rule {} is recursive: {}", p.path_text(rule), path.join(" -> "));
            found.push(Diagnostic::error("govc_recursion", "rego_recursion_error", p.rules[rule].span, text));
        }
        self.found.extend(found);
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

impl Program {
    /// What is known of functions.
    pub(crate) fn functions<'a>(&'a self, options: &'a CheckOptions) -> Functions<'a> {
        Functions { builtins: &options.builtins, tree: &self.tree, params: &self.params }
    }

    /// The ground path of a rule, as far as it is made of strings.
    fn ground_strings(rule: &Rule, package: &[String]) -> Vec<String> {
        let mut path = package.to_vec();
        path.push(rule.name.clone());
        path.extend(rule.steps.iter().map_while(Term::as_str).map(str::to_owned));
        path
    }

    /// The ground path of each rule by module and position in its tree.
    fn paths_by_source(&self) -> HashMap<(usize, usize), Vec<String>> {
        let path = |r: &Rule| Self::ground_strings(r, &self.packages[r.module]);
        self.rules.iter().map(|r| ((r.module, r.source), path(r))).collect()
    }

    /// The path of a rule as OPA prints it.
    pub(crate) fn path_text(&self, rule: usize) -> String {
        let rule = &self.rules[rule];
        let mut text = print::data_path(&self.packages[rule.module]);
        print::push_field(&rule.name, &mut text);
        for step in &rule.steps {
            match step.as_str() {
                Some(field) => print::push_field(field, &mut text),
                None => text.push_str(&format!("[{}]", print::term(&self.names, step))),
            }
        }
        text
    }
}

/// Copies of what rewrites read while they change the rules.
struct View<'a> {
    tree: RuleTree,
    params: Vec<usize>,
    defined: BTreeSet<usize>,
    options: &'a CheckOptions<'a>,
}

impl<'a> View<'a> {
    fn new(program: &Program, options: &'a CheckOptions<'a>) -> Self {
        Self {
            tree: program.tree.clone(),
            params: program.params.clone(),
            defined: program.defined_nodes(),
            options,
        }
    }

    fn functions(&self) -> Functions<'_> {
        Functions { builtins: &self.options.builtins, tree: &self.tree, params: &self.params }
    }
}

impl Program {
    /// Nodes whose rules always have a value.
    pub(crate) fn defined_nodes(&self) -> BTreeSet<usize> {
        let mut out = BTreeSet::new();
        for i in 0..self.rules.len() {
            let rule = &self.rules[i];
            let path = crate::rules::ground_path(rule, &self.packages[rule.module]);
            let node = path.iter().try_fold(self.tree.root(), |at, key| self.tree.child(at, key));
            if let Some(node) = node.filter(|&n| self.is_defined(n)) {
                out.insert(node);
            }
        }
        out
    }

    fn is_defined(&self, node: usize) -> bool {
        let rules: Vec<&Rule> = self.tree.node(node).rules.iter().map(|&i| &self.rules[i]).collect();
        let Some(first) = rules.first() else { return false };
        if first.args.is_some() {
            return false;
        }
        let constant = rules.len() == 1
            && first.branches.first().is_some_and(|b| is_empty_body(&b.body) && b.value.is_ground_literal());
        first.multi || rules.iter().any(|r| r.default) || constant
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

/// Module positions by the name of their source.
fn module_order(sources: &Sources, modules: &[ast::Module]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..modules.len()).collect();
    order.sort_by_key(|&m| (&sources.get(modules[m].span.file).name, m));
    order
}

/// Rule positions by the name of their source, then as written.
fn ordered(sources: &Sources, modules: &[ast::Module], rules: &[Rule]) -> Vec<usize> {
    let mut rank = vec![0; modules.len()];
    for (at, module) in module_order(sources, modules).into_iter().enumerate() {
        rank[module] = at;
    }
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|&r| (rank[rules[r].module], r));
    order
}

fn package(module: &ast::Module) -> Vec<String> {
    let path = module.package.iter().flat_map(|p| &p.path);
    path.map(|ident| ident.name.clone()).collect()
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

/// What is bound before any body of a rule: roots and parameters.
fn bound_outside(rule: &Rule) -> NameSet {
    let mut out: NameSet = [Name::INPUT, Name::DATA].into_iter().collect();
    rule.args.iter().flatten().for_each(|arg| walk::collect_names(arg, &mut out));
    out
}

fn ground_name(rule: &Rule) -> String {
    let mut text = rule.name.clone();
    for step in rule.steps.iter().take_while(|t| t.is_const()) {
        if let Some(field) = step.as_str() {
            print::push_field(field, &mut text);
        }
    }
    text
}

fn unsafe_in_head(names: &Names, term: &Term, bound: &NameSet, scope: &str, found: &mut Vec<(Span, String)>) {
    walk::term(term, &mut |t| {
        if let TermKind::Var(name) = t.kind
            && !bound.contains(&name)
            && !name.is_root()
            && !names.is_generated(name)
        {
            let text = format!("var {} is unsafe{scope}", names.text(name));
            if !found.iter().any(|(_, other)| *other == text) {
                found.push((t.span, text));
            }
        }
        matches!(t.kind, TermKind::Comprehension(_))
    });
}

pub(crate) fn unsafe_error((span, message): (Span, String)) -> Diagnostic {
    Diagnostic::error("govc_unsafe_variable", "rego_unsafe_var_error", span, message)
}
