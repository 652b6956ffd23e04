//! Optimized builds: entrypoints evaluated as far as they can be without the input, as modules that take the
//! place of the rules they were made of.

use crate::eval::Request;
use crate::partial::support::{SupportModule, SupportRule};
use crate::residual::{self, PartialOptions};
use crate::run::Loaded;
use crate::source;
use crate::term::*;
use crate::visit::{self, Shown};
use govc_compile::{CheckOptions, Checked, QueryOptions, rewritten};
use govc_stdlib::World;
use govc_syntax::ast::{self, AnnotationTarget};
use govc_syntax::{Diagnostic, ParseOptions, RegoVersion, Sources, Span, parse_module, parse_query};
use govc_value::{Arena, Heap, SymbolTable, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is to be optimized.
pub struct Optimization<'a> {
    /// Names and texts of the modules.
    pub modules: Vec<(String, String)>,
    /// How they are read.
    pub parse: ParseOptions,
    /// How they are checked.
    pub check: CheckOptions<'a>,
    /// The base documents.
    pub data: Value<'a>,
    /// Paths without `data`, in the order in which they are optimized.
    pub entrypoints: Vec<Vec<String>>,
    /// 1: rules stay rules; 2: rules are evaluated in the place of references to them.
    pub level: u32,
    /// The package of rules that stand for negations.
    pub namespace: String,
    /// The outside world.
    pub world: &'a mut dyn World,
    /// Steps for each entrypoint.
    pub fuel: u64,
    /// Bytes for each entrypoint.
    pub memory: usize,
}

/// Why there is no optimized build.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OptimizeError {
    /// The modules, or what was made of them, are refused.
    Refused(Vec<Diagnostic>),
    /// Evaluation failed.
    Failed(crate::Error),
    /// An entrypoint is undefined whatever the input.
    Undefined(String),
    /// An entrypoint is no rule in a package.
    Invalid(String),
}

impl fmt::Display for OptimizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(found) => f.write_str(found.first().map_or("refused", |d| d.message.as_str())),
            Self::Failed(error) => error.fmt(f),
            Self::Undefined(path) => write!(f, "undefined entrypoint {path}"),
            Self::Invalid(path) => write!(
                f,
                "invalid entrypoint {path}: to create optimized support module, the entrypoint ref must have at \
                 least two components in addition to the 'data' root"
            ),
        }
    }
}

impl std::error::Error for OptimizeError {}

/// The variable that holds the value of an entrypoint.
const RESULT: &str = "__result__";

/// Optimizes modules for entrypoints. The modules that are left have the names and, as far as their rules are
/// kept, the texts that they had.
///
/// # Errors
/// See [`OptimizeError`].
pub fn optimize(mut o: Optimization<'_>) -> Result<Vec<(String, String)>, OptimizeError> {
    let mut used = BTreeMap::new();
    for entrypoint in std::mem::take(&mut o.entrypoints) {
        if entrypoint.len() < 2 {
            return Err(OptimizeError::Invalid(dotted(&entrypoint)));
        }
        o.modules = one(&mut o, &entrypoint, &mut used)?;
    }
    check(&o).map_err(OptimizeError::Refused)?;
    o.modules.sort();
    Ok(o.modules)
}

fn dotted(path: &[String]) -> String {
    format!("data.{}", path.join("."))
}

struct Read {
    sources: Sources,
    trees: Vec<ast::Module>,
    checked: Checked,
}

fn check(o: &Optimization<'_>) -> Result<Read, Vec<Diagnostic>> {
    let (mut sources, mut trees) = (Sources::default(), Vec::new());
    for (name, text) in &o.modules {
        let file = sources.add(name.as_str(), text.as_str());
        let parsed = parse_module(file, text, &o.parse);
        if !parsed.diagnostics.is_empty() {
            return Err(parsed.diagnostics);
        }
        trees.push(parsed.tree);
    }
    let checked = govc_compile::check(&sources, &trees, &o.check);
    match checked.is_ok() {
        true => Ok(Read { sources, trees, checked }),
        false => Err(checked.diagnostics),
    }
}

fn one(
    o: &mut Optimization<'_>,
    entrypoint: &[String],
    used: &mut BTreeMap<String, usize>,
) -> Result<Vec<(String, String)>, OptimizeError> {
    let mut read = check(o).map_err(OptimizeError::Refused)?;
    let steps: String =
        entrypoint.iter().map(|s| format!("[{}]", serde_json::Value::from(s.as_str()))).collect();
    let text = format!("{RESULT} = data{steps}");
    let file = read.sources.add("", text.as_str());
    let body = parse_query(file, &text, &o.parse).tree;
    let query = rewritten::rewrite_query(&read.checked, &body, &o.check, &QueryOptions::default(), false)
        .map_err(OptimizeError::Refused)?;
    let arena = Arena::new(o.memory);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let loaded = Loaded::new(heap, &read.checked, &o.check);
    let replaced = Replaced::in_rules(&read.checked.rewritten(&o.check));
    let options = PartialOptions {
        shallow_inlining: o.level <= 1,
        skip_namespace: true,
        namespace: o.namespace.clone(),
        disable_inlining: replaced.documents.into_iter().collect(),
        opaque_builtins: replaced.builtins.into_iter().collect(),
        import_v1: o.parse.version == RegoVersion::V0,
        ..PartialOptions::default()
    };
    let request = Request {
        checked: &read.checked,
        options: &o.check,
        query: &query,
        data: o.data,
        input: None,
        world: &mut *o.world,
        fuel: o.fuel,
        time: None,
        memory: o.memory,
    };
    let left = residual::evaluate(&loaded, request, &options).map_err(OptimizeError::Failed)?;
    if left.queries.is_empty() {
        return Err(OptimizeError::Undefined(dotted(entrypoint)));
    }
    let mut modules: Vec<SupportModule<'_>> = left.support.into_values().collect();
    modules.extend(entrypoint_module(heap, entrypoint, &left.queries));
    let made: BTreeSet<Vec<String>> = modules.iter().flat_map(paths).collect();
    let mut out: Vec<(String, String)> = modules
        .iter()
        .map(|m| (file_name(m, used), residual::formatted(source::module(m, options.import_v1))))
        .collect();
    let old = o.modules.iter().zip(&read.trees);
    out.extend(old.filter_map(|((name, text), tree)| Some((name.clone(), kept(text, tree, &made)?))));
    Ok(out)
}

/// The queries as rules of the entrypoint; none where they refer to it themselves.
fn entrypoint_module<'q>(
    heap: Heap<'q>,
    entrypoint: &[String],
    queries: &[Body<'q>],
) -> Option<SupportModule<'q>> {
    let (name, package) = entrypoint.split_last()?;
    let values: Vec<Value<'q>> = package.iter().map(|s| heap.string(s)).collect();
    let package = data_reference(&values);
    let mut path = package.clone();
    path.push(Term::value(heap.string(name)));
    if queries.iter().any(|q| mentions(q, &path)) {
        return None;
    }
    let rule = |body: &Body<'q>| SupportRule {
        path: vec![Term::var(name)],
        args: None,
        key: None,
        value: Some(Term::var(RESULT)),
        default: false,
        body: body.clone(),
    };
    Some(SupportModule { package, rules: queries.iter().map(rule).collect() })
}

fn mentions<'q>(body: &Body<'q>, path: &[Term<'q>]) -> bool {
    let mut found = false;
    visit::body(body, &mut |shown| {
        if let Shown::Term(Term { node: Node::Ref(parts), .. }) = shown {
            found = found || has_prefix(parts, path);
        }
        found
    });
    found
}

/// The constant paths of a module's rules, without `data`.
fn paths(module: &SupportModule<'_>) -> Vec<Vec<String>> {
    let strings = |t: &Term<'_>| t.as_value().and_then(|v| v.as_str()).map(str::to_owned);
    let package: Vec<String> = module.package.iter().filter_map(strings).collect();
    let rule = |r: &SupportRule<'_>| {
        let name = r.path.first().and_then(Term::as_var).map(|n| n.to_string());
        let steps = r.path.iter().skip(1).map_while(strings);
        package.iter().cloned().chain(name).chain(steps).collect()
    };
    module.rules.iter().map(rule).collect()
}

/// `optimized`, the package, and a number where there are several.
fn file_name(module: &SupportModule<'_>, used: &mut BTreeMap<String, usize>) -> String {
    let parts = module.package.iter().filter_map(|t| t.as_value().and_then(|v| v.as_str()));
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let parts: Vec<String> = parts.map(|p| p.chars().map(safe).collect()).collect();
    let name = format!("optimized/{}", parts.join("/"));
    let count = used.entry(name.clone()).or_default();
    *count += 1;
    match *count {
        1 => format!("{name}.rego"),
        n => format!("{name}.{}.rego", n - 1),
    }
}

/// What some rule replaces by `with`: rules that are made must not have been evaluated with the original.
#[derive(Default)]
struct Replaced {
    /// Documents and functions below `data`, with `data`.
    documents: BTreeSet<Vec<String>>,
    builtins: BTreeSet<String>,
}

impl Replaced {
    fn in_rules(program: &rewritten::Program) -> Self {
        let mut out = Self::default();
        for rule in &program.rules {
            rule.branches.iter().for_each(|b| out.in_body(&b.body));
        }
        out
    }

    fn in_body(&mut self, body: &[rewritten::Expr]) {
        for e in body {
            e.with.iter().for_each(|w| self.target(&w.target));
            match &e.kind {
                rewritten::ExprKind::Every { body, .. } | rewritten::ExprKind::Not { body, .. } => {
                    self.in_body(body);
                }
                rewritten::ExprKind::And(a, b) | rewritten::ExprKind::Or(a, b) => {
                    self.in_body(a);
                    self.in_body(b);
                }
                rewritten::ExprKind::Term(t) => self.in_term(t),
                rewritten::ExprKind::Unify(a, b) => {
                    self.in_term(a);
                    self.in_term(b);
                }
                rewritten::ExprKind::Call(_, args) => args.iter().for_each(|t| self.in_term(t)),
            }
        }
    }

    /// Comprehensions have bodies too.
    fn in_term(&mut self, t: &rewritten::Term) {
        match &t.kind {
            rewritten::TermKind::Comprehension(c) => self.in_body(&c.body),
            rewritten::TermKind::Ref(items)
            | rewritten::TermKind::Array(items)
            | rewritten::TermKind::Set(items) => items.iter().for_each(|t| self.in_term(t)),
            rewritten::TermKind::Object(pairs) => pairs.iter().for_each(|(k, v)| {
                self.in_term(k);
                self.in_term(v);
            }),
            _ => {}
        }
    }

    fn target(&mut self, target: &rewritten::WithTarget) {
        match target {
            rewritten::WithTarget::Builtin(name) => {
                self.builtins.insert(name.clone());
            }
            rewritten::WithTarget::Document(t) => {
                let rewritten::TermKind::Ref(parts) = &t.kind else { return };
                let is_data = |t: &rewritten::Term| matches!(&t.kind, rewritten::TermKind::Var(v) if &*v.name == "data");
                if !parts.first().is_some_and(is_data) {
                    return;
                }
                let string = |t: &rewritten::Term| match &t.kind {
                    rewritten::TermKind::Const(govc_compile::hir::Const::String(s)) => Some(s.clone()),
                    _ => None,
                };
                let path = parts[1..].iter().map_while(string);
                self.documents.insert(std::iter::once("data".to_owned()).chain(path).collect());
            }
        }
    }
}

/// The text of a module without the rules whose paths begin one that was made, or begin with one; none if no
/// rule is left.
fn kept(text: &str, tree: &ast::Module, made: &BTreeSet<Vec<String>>) -> Option<String> {
    let package: Vec<String> =
        tree.package.iter().flat_map(|p| &p.path).map(|ident| ident.name.clone()).collect();
    let overlaps = |rule: &ast::Rule| {
        let path = rule_path(&package, rule);
        made.iter().any(|m| m.iter().zip(&path).all(|(a, b)| a == b))
    };
    let gone: BTreeSet<usize> =
        tree.rules.iter().enumerate().filter(|(_, r)| overlaps(r)).map(|(i, _)| i).collect();
    if gone.len() == tree.rules.len() {
        return None;
    }
    let rules = gone.iter().map(|&i| tree.rules[i].span);
    let own = |t: AnnotationTarget| matches!(t, AnnotationTarget::Rule(i) if gone.contains(&i));
    let annotations = tree.annotations.iter().filter(|a| own(a.target)).map(|a| a.span);
    let mut cuts: Vec<Span> = rules.chain(annotations).collect();
    cuts.sort_by_key(|s| s.start);
    let (mut out, mut at) = (String::new(), 0);
    for cut in cuts {
        out.push_str(text.get(at..cut.start as usize).unwrap_or_default());
        at = at.max(cut.end as usize);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Some(out)
}

fn rule_path(package: &[String], rule: &ast::Rule) -> Vec<String> {
    let step = |step: &ast::Step| match &step.kind {
        ast::StepKind::Field(name) => Some(name.clone()),
        ast::StepKind::Index(ast::Term { kind: ast::TermKind::String { value, .. }, .. }) => {
            Some(value.clone())
        }
        _ => None,
    };
    let steps = rule.head.steps.iter().map_while(step);
    package.iter().cloned().chain(std::iter::once(rule.head.name.name.clone())).chain(steps).collect()
}
