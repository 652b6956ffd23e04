//! From references to the documents behind them.
//!
//! A variable that only names a document (`roles := data.roles; roles.admin`) is followed, so what counts is `data.roles.admin`.
//! As in OPA, a document that is bound to a variable nobody uses does not count, nor do `else` branches.

use govc_compile::hir::{
    Branch, Callee, Const, Expr, ExprKind, Query, Ref, RefHead, Rule, Term, Unit, Var, WithValue,
};
use govc_syntax::lex::is_identifier;
use std::collections::{BTreeMap, BTreeSet};

/// The documents that something depends on, sorted.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// Base documents.
    pub(super) base: Vec<Path>,
    /// Virtual documents.
    pub(super) defined: Vec<Path>,
}

/// A document: the longest constant beginning of a reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    /// `data` or `input`.
    pub(super) root: &'static str,
    pub(super) steps: Vec<Step>,
}

/// A constant step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step(Const);

impl Step {
    /// OPA's name of its type.
    pub(super) fn kind(&self) -> &'static str {
        match self.0 {
            Const::Null => "null",
            Const::Bool(_) => "boolean",
            Const::Number(_) => "number",
            Const::String(_) => "string",
        }
    }

    /// Its value as JSON.
    pub(super) fn json(&self) -> String {
        match &self.0 {
            Const::Null => "null".to_owned(),
            Const::Bool(value) => value.to_string(),
            Const::Number(text) => text.clone(),
            Const::String(text) => crate::output::quote(text),
        }
    }
}

impl Path {
    /// As it is written in Rego.
    pub(super) fn text(&self) -> String {
        let step = |step: &Step| match &step.0 {
            Const::String(name) if is_identifier(name) => format!(".{name}"),
            _ => format!("[{}]", step.json()),
        };
        std::iter::once(self.root.to_owned()).chain(self.steps.iter().map(step)).collect()
    }

    fn starts_with(&self, other: &Self) -> bool {
        self.root == other.root && self.steps.starts_with(&other.steps)
    }
}

/// A reference with its variables followed to a document.
#[derive(Clone, Debug)]
struct Found<'t> {
    root: &'static str,
    steps: Vec<&'t Term>,
}

impl Found<'_> {
    fn path(&self) -> Path {
        let constant = self.steps.iter().map_while(|step| match step {
            Term::Const(value) => Some(Step(value.clone())),
            _ => None,
        });
        Path { root: self.root, steps: constant.collect() }
    }
}

/// The documents that a query depends on, through all rules on the way.
pub(super) fn find(unit: &Unit, query: &Query) -> Documents {
    let mut search = Search { unit, seen: BTreeSet::new(), base: BTreeSet::new(), defined: BTreeSet::new() };
    let shown: Vec<&Term> = query.expressions.iter().map(|(_, term)| term).collect();
    let written = query.scope.vars.iter().enumerate().filter(|(_, info)| info.written);
    let head = written.filter_map(|(at, _)| u32::try_from(at).ok()).map(Var).collect();
    search.follow(Body { expressions: &query.body, terms: shown, head }.documents());
    Documents { base: search.base.into_iter().collect(), defined: search.defined.into_iter().collect() }
}

struct Search<'u> {
    unit: &'u Unit,
    seen: BTreeSet<usize>,
    base: BTreeSet<Path>,
    defined: BTreeSet<Path>,
}

impl Search<'_> {
    fn follow(&mut self, paths: Vec<Path>) {
        for path in minimal(paths) {
            let rules: Vec<usize> = self.rules(&path);
            if rules.is_empty() {
                self.base.insert(path);
                continue;
            }
            for at in rules {
                if let Some(rule) = self.unit.rules.get(at).filter(|_| self.seen.insert(at)) {
                    self.defined.insert(document(rule));
                    let first = rule.branches.first();
                    self.follow(first.map(|branch| Body::of(rule, branch).documents()).unwrap_or_default());
                }
            }
        }
    }

    /// Rules above, at and below a path.
    fn rules(&self, path: &Path) -> Vec<usize> {
        let meets = |rule: &Rule| {
            let document = document(rule);
            document.starts_with(path) || path.starts_with(&document)
        };
        (0..self.unit.rules.len()).filter(|&at| self.unit.rules.get(at).is_some_and(meets)).collect()
    }
}

fn document(rule: &Rule) -> Path {
    let constant = rule.dynamic.iter().map_while(|step| match step {
        Term::Const(value @ Const::String(_)) => Some(Step(value.clone())),
        _ => None,
    });
    let ground = rule.path.iter().map(|name| Step(Const::String(name.clone())));
    Path { root: "data", steps: ground.chain(constant).collect() }
}

/// Leaves out what lies below another.
fn minimal(mut paths: Vec<Path>) -> Vec<Path> {
    paths.sort();
    paths.dedup();
    let mut kept: Vec<Path> = Vec::new();
    for path in paths {
        if !kept.last().is_some_and(|last| path.starts_with(last)) {
            kept.push(path);
        }
    }
    kept
}

/// What a rule's first branch or a query is made of.
struct Body<'t> {
    expressions: &'t [Expr],
    /// Terms of the head.
    terms: Vec<&'t Term>,
    /// Variables of the head.
    head: BTreeSet<Var>,
}

type Names<'t> = BTreeMap<Var, Vec<Found<'t>>>;

impl<'t> Body<'t> {
    fn of(rule: &'t Rule, branch: &'t Branch) -> Self {
        let params = rule.params.iter().flatten();
        let terms: Vec<&Term> = params.chain(&rule.dynamic).chain([&branch.value]).collect();
        let mut head = BTreeSet::new();
        let mut parts = Parts::default();
        terms.iter().for_each(|term| parts.term(term));
        head.extend(parts.vars);
        Self { expressions: &branch.body, terms, head }
    }

    fn documents(&self) -> Vec<Path> {
        let (bound, others): (Vec<_>, Vec<_>) =
            self.expressions.iter().map(|expr| (binding(expr), expr)).partition(|(bound, _)| bound.is_some());
        let mut parts = Parts::default();
        others.iter().for_each(|(_, expr)| parts.expr(expr));
        self.terms.iter().for_each(|term| parts.term(term));
        let bound: Vec<(Var, &'t Ref)> = bound.into_iter().filter_map(|(bound, _)| bound).collect();
        let names = names(&bound);
        let mut used = parts.vars.clone();
        let mut within = Parts::default();
        bound.iter().for_each(|(_, reference)| within.steps(reference));
        used.extend(within.vars);
        used.extend(&self.head);
        let mut found: Vec<Found<'_>> = Vec::new();
        for reference in parts.refs.iter().chain(&within.refs) {
            found.extend(follow(reference, &names));
        }
        for (var, refs) in &names {
            if used.contains(var) || refs.len() > 1 {
                found.extend(refs.iter().cloned());
            }
        }
        let call = |path: &&[String]| Path {
            root: "data",
            steps: path.iter().map(|name| Step(Const::String(name.clone()))).collect(),
        };
        let calls = parts.calls.iter().chain(&within.calls).map(call);
        found.iter().map(Found::path).chain(calls).collect()
    }
}

/// `x = data.a` makes `x` a name of the document.
fn binding(expr: &Expr) -> Option<(Var, &Ref)> {
    match &expr.kind {
        ExprKind::Unify(Term::Var(var), Term::Ref(reference))
        | ExprKind::Unify(Term::Ref(reference), Term::Var(var))
            if expr.with.is_empty() =>
        {
            Some((*var, reference))
        }
        _ => None,
    }
}

/// Each variable with the documents that it names, directly or through others.
fn names<'t>(bound: &[(Var, &'t Ref)]) -> Names<'t> {
    let mut names = Names::new();
    // One round for each name follows the longest chain of names.
    for _ in 0..=bound.len().min(32) {
        let mut next = Names::new();
        for (var, reference) in bound {
            next.entry(*var).or_default().extend(follow(reference, &names));
        }
        let done = next.values().map(Vec::len).eq(names.values().map(Vec::len));
        names = next;
        if done {
            break;
        }
    }
    names
}

fn follow<'t>(reference: &'t Ref, names: &Names<'t>) -> Vec<Found<'t>> {
    let steps: Vec<&Term> = reference.steps.iter().collect();
    match reference.head {
        RefHead::Input => vec![Found { root: "input", steps }],
        RefHead::Data => vec![Found { root: "data", steps }],
        RefHead::Var(var) => {
            let longer = |found: &Found<'t>| Found {
                root: found.root,
                steps: found.steps.iter().copied().chain(steps.iter().copied()).collect(),
            };
            names.get(&var).into_iter().flatten().take(64).map(longer).collect()
        }
    }
}

/// All references and all variables, but not the variables that references start with.
#[derive(Debug, Default)]
struct Parts<'t> {
    refs: Vec<&'t Ref>,
    /// Paths of the functions that are called.
    calls: Vec<&'t [String]>,
    vars: BTreeSet<Var>,
}

impl<'t> Parts<'t> {
    fn body(&mut self, body: &'t [Expr]) {
        body.iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Term(term) => self.term(term),
            ExprKind::Unify(left, right) => {
                self.term(left);
                self.term(right);
            }
            ExprKind::Call { callee, args, output } => {
                if let Callee::Function(path) = callee {
                    self.calls.push(path);
                }
                args.iter().chain(output).for_each(|term| self.term(term));
            }
            ExprKind::Not(body) => self.body(body),
            ExprKind::Every { domain, body, .. } => {
                self.term(domain);
                self.body(body);
            }
            ExprKind::Or(bodies) => bodies.iter().for_each(|body| self.body(body)),
        }
        for with in &expr.with {
            if let WithValue::Term(term) = &with.value {
                self.term(term);
            }
        }
    }

    fn term(&mut self, term: &'t Term) {
        match term {
            Term::Const(_) => {}
            Term::Var(var) => {
                self.vars.insert(*var);
            }
            Term::Ref(reference) => {
                self.refs.push(reference);
                self.steps(reference);
            }
            Term::Array(items) | Term::Set(items) => items.iter().for_each(|item| self.term(item)),
            Term::Object(entries) => entries.iter().for_each(|(key, value)| {
                self.term(key);
                self.term(value);
            }),
            Term::Comprehension(comprehension) => {
                use govc_compile::hir::ComprehensionKind::{Array, Object, Set};
                match &comprehension.kind {
                    Array(term) | Set(term) => self.term(term),
                    Object(key, value) => {
                        self.term(key);
                        self.term(value);
                    }
                }
                self.body(&comprehension.body);
            }
        }
    }

    fn steps(&mut self, reference: &'t Ref) {
        reference.steps.iter().for_each(|step| self.term(step));
    }
}
