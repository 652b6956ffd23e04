//! Names to absolute references: rules of the package (across its files), imports, `input` and `data`.
//!
//! A name that a body declares is never resolved, even in statements before its declaration: OPA collects
//! the declarations of a whole body first.

use crate::lower::names::{Name, NameSet, Names};
use crate::lower::print;
use crate::lower::tree::*;
use crate::lower::walk;
use govc_syntax::Span;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What a global name stands for.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    head: Name,
    path: Vec<String>,
    used: bool,
    /// Where an import was last used.
    place: Option<Span>,
}

/// The global names of one module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globals {
    map: FxHashMap<Name, Global>,
    /// Where a rule of the package was last used.
    place: Option<Span>,
    rules: NameSet,
}

impl Globals {
    /// A rule of the package.
    pub(crate) fn add_rule(&mut self, name: Name, package: &[String], rule: &str) {
        let mut path = package.to_vec();
        path.push(rule.to_owned());
        self.rules.insert(name);
        self.map.insert(name, Global { head: Name::DATA, path, used: false, place: None });
    }

    /// An import.
    pub(crate) fn add_import(&mut self, name: Name, head: Name, path: Vec<String>) {
        self.rules.remove(&name);
        self.map.insert(name, Global { head, path, used: false, place: None });
    }

    /// Where OPA says that references are which begin with a name. The references of a module share the path of its
    /// package, or of an import, and with it the place of the last of them.
    pub(crate) fn shared_place(&self, name: Name) -> Option<Span> {
        if self.rules.contains(&name) { self.place } else { self.map.get(&name)?.place }
    }

    /// Whether a reference resolved to it.
    pub(crate) fn is_used(&self, name: Name) -> bool {
        self.map.get(&name).is_some_and(|g| g.used)
    }
}

/// Resolves the references of one module.
pub(crate) struct Resolver<'a> {
    pub(crate) names: &'a Names,
    pub(crate) globals: &'a mut Globals,
    shadows: Vec<NameSet>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(names: &'a Names, globals: &'a mut Globals) -> Self {
        Self { names, globals, shadows: Vec::new() }
    }

    /// Resolves a rule; where a parameter shadows `input` or `data`, tells which and where.
    pub(crate) fn rule(&mut self, rule: &mut Rule) -> Result<(), Name> {
        let params = param_names(rule.args.as_deref().unwrap_or_default())?;
        for i in 0..rule.branches.len() {
            self.shadows = vec![params.clone(), walk::declared(&rule.branches[i].body)];
            if i == 0 {
                rule.steps.iter_mut().for_each(|t| self.term(t));
            }
            let branch = &mut rule.branches[i];
            self.term(&mut branch.value);
            self.body(&mut branch.body);
        }
        Ok(())
    }

    /// Resolves a query.
    pub(crate) fn query(&mut self, body: &mut Body) {
        self.shadows = vec![walk::declared(body)];
        self.body(body);
    }

    fn find(&mut self, name: Name, span: Span) -> Option<(Name, &[String])> {
        if self.shadows.iter().any(|s| s.contains(&name)) {
            return None;
        }
        let Globals { map, place, rules } = &mut *self.globals;
        let global = map.get_mut(&name)?;
        global.used = true;
        *(if rules.contains(&name) { place } else { &mut global.place }) = Some(span);
        Some((global.head, &global.path))
    }

    fn body(&mut self, body: &mut Body) {
        body.iter_mut().for_each(|e| self.expr(e));
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Term(t) => self.term(t),
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a);
                self.term(b);
            }
            ExprKind::SomeDecl(_) => {}
            ExprKind::SomeIn { key, value, domain } => {
                key.iter_mut().for_each(|k| self.term(k));
                self.term(value);
                self.term(domain);
            }
            ExprKind::Every(every) => self.every(every),
            ExprKind::Not { body, .. } => self.body(body),
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.body(&mut l.lhs);
                self.body(&mut l.rhs);
            }
        }
        for with in &mut expr.with {
            self.term(&mut with.target);
            self.term(&mut with.value);
        }
    }

    fn every(&mut self, every: &mut Every) {
        self.shadows.push(every.key.into_iter().chain([every.value]).collect());
        self.term(&mut every.domain);
        self.body(&mut every.body);
        self.shadows.pop();
    }

    fn call(&mut self, call: &mut Call, span: Span) {
        self.operator(&mut call.op, span);
        call.args.iter_mut().for_each(|t| self.term(t));
    }

    fn operator(&mut self, op: &mut Operator, span: Span) {
        let Some((head, fields)) = self.spelled(&op.target) else { return };
        let found = self.find(head, span).map(|(h, path)| (h, path.to_vec()));
        let (root, mut path) = match found {
            Some((root, path)) => (root, path),
            None if head.is_root() => (head, Vec::new()),
            None => {
                op.target = Target::Builtin(dotted(self.names.raw(head), &fields));
                return;
            }
        };
        path.extend(fields.iter().cloned());
        op.target = if root == Name::DATA {
            Target::Function(Arc::from(path))
        } else {
            let mut text = self.names.raw(root).to_owned();
            path.iter().for_each(|p| print::push_field(p, &mut text));
            Target::Other(Arc::from(text))
        };
    }

    /// The words of a name. An infix operator stands for the name of its function, which a module may give to a rule
    /// or an import of its own: after `mul(a, b) := 7`, `3 * 4` is 7.
    fn spelled(&self, target: &Target) -> Option<(Name, Arc<[String]>)> {
        match target {
            Target::Written(head, fields) => Some((*head, Arc::clone(fields))),
            Target::Builtin(text) => {
                let mut words = text.split('.');
                let head = self.names.find(words.next()?)?;
                self.globals.map.contains_key(&head).then(|| (head, words.map(str::to_owned).collect()))
            }
            Target::Function(_) | Target::Other(_) => None,
        }
    }

    fn term(&mut self, term: &mut Term) {
        let span = term.span;
        match &mut term.kind {
            TermKind::Const(_) => {}
            TermKind::Var(name) => {
                let name = *name;
                if let Some((head, path)) = self.find(name, span) {
                    term.kind = TermKind::Ref(absolute(head, path, span));
                }
            }
            TermKind::Ref(parts) => self.reference(parts),
            TermKind::Call(call) => self.call(call, span),
            TermKind::Array(items) | TermKind::Set(items) => items.iter_mut().for_each(|t| self.term(t)),
            TermKind::Object(pairs) => self.object(pairs),
            TermKind::Comprehension(c) => {
                self.shadows.push(walk::declared(&c.body));
                c.key.iter_mut().for_each(|k| self.term(k));
                self.term(&mut c.term);
                self.body(&mut c.body);
                self.shadows.pop();
            }
            TermKind::Template(parts) => {
                for part in parts {
                    if let Part::Expr(e) = part {
                        self.expr(e);
                    }
                }
            }
        }
    }

    /// Entries in the order of their keys, as OPA has them: which name is the last matters for [`Globals::shared_place`].
    fn object(&mut self, pairs: &mut [(Term, Term)]) {
        let mut sorted: Vec<&mut (Term, Term)> = pairs.iter_mut().collect();
        sorted.sort_by(|(a, _), (b, _)| match (&a.kind, &b.kind) {
            (TermKind::Const(a), TermKind::Const(b)) => a.cmp(b),
            (a, b) => matches!(b, TermKind::Const(_)).cmp(&matches!(a, TermKind::Const(_))),
        });
        for (key, value) in sorted {
            self.term(key);
            self.term(value);
        }
    }

    fn reference(&mut self, parts: &mut Vec<Term>) {
        let Some(head) = parts.first_mut() else { return };
        let span = head.span;
        let resolved = match head.as_var() {
            Some(name) => self.find(name, span).map(|(root, path)| absolute(root, path, span)),
            None => {
                self.term(head);
                None
            }
        };
        parts.iter_mut().skip(1).for_each(|t| self.term(t));
        if let Some(prefix) = resolved {
            parts.splice(0..1, prefix);
        }
    }
}

fn absolute(head: Name, path: &[String], span: Span) -> Vec<Term> {
    let steps = path.iter().map(|p| Term::string(p.clone(), span));
    std::iter::once(Term::var(head, span)).chain(steps).collect()
}

fn dotted(head: &str, fields: &[String]) -> Arc<str> {
    let mut text = head.to_owned();
    fields.iter().for_each(|f| print::push_field(f, &mut text));
    Arc::from(text)
}

/// The variables that parameters bind. Object keys, sets, comprehensions and calls are no patterns.
fn param_names(args: &[Term]) -> Result<NameSet, Name> {
    let mut out = NameSet::default();
    let mut shadowed = None;
    for arg in args {
        collect_params(arg, &mut out, &mut shadowed);
    }
    shadowed.map_or(Ok(out), Err)
}

fn collect_params(arg: &Term, out: &mut NameSet, shadowed: &mut Option<Name>) {
    match &arg.kind {
        TermKind::Var(name) => {
            out.insert(*name);
        }
        TermKind::Ref(parts) => match arg.as_root() {
            Some(root) => *shadowed = shadowed.or(Some(root)),
            None => parts.iter().for_each(|p| collect_params(p, out, shadowed)),
        },
        TermKind::Array(items) => items.iter().for_each(|t| collect_params(t, out, shadowed)),
        TermKind::Object(pairs) => pairs.iter().for_each(|(_, v)| collect_params(v, out, shadowed)),
        TermKind::Template(parts) => {
            for part in parts {
                match part {
                    Part::Expr(Expr { kind: ExprKind::Term(t), .. }) => collect_params(t, out, shadowed),
                    Part::Expr(Expr { kind: ExprKind::Call(call), .. }) => {
                        call.args.iter().for_each(|t| collect_params(t, out, shadowed));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
