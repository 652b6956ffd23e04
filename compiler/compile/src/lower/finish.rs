//! The tree of rewrites to the HIR: names become variables numbered per rule, outputs of calls get their
//! place, and a name that two closures use for themselves becomes two variables.

use crate::check::Functions;
use crate::hir;
use crate::lower::names::{Name, NameSet, Names};
use crate::lower::order::rank;
use crate::lower::print;
use crate::lower::tree::*;
use crate::lower::withs::builtin_name;
use crate::rules::RuleTree;
use crate::safety::vars::{Collector, Skip};
use rustc_hash::FxHashMap;

/// What finishing needs to know.
pub(crate) struct Finisher<'a> {
    pub(crate) names: &'a Names,
    pub(crate) functions: Functions<'a>,
    pub(crate) tree: &'a RuleTree,
}

struct Build<'a> {
    f: &'a Finisher<'a>,
    scope: hir::Scope,
    map: FxHashMap<Name, hir::Var>,
    depth: u32,
}

impl Finisher<'_> {
    /// A rule as HIR.
    pub(crate) fn rule(&self, rule: &Rule, package: &[String]) -> hir::Rule {
        let mut b = self.build();
        let mut head = Collector::new(Skip { closures: true, ..Skip::default() });
        head.terms(&rule.steps);
        head.terms(rule.args.as_deref().unwrap_or_default());
        b.declare(&head.out);
        let mut path = package.to_vec();
        path.push(rule.name.clone());
        let fixed = rule.steps.iter().take_while(|t| t.as_str().is_some()).count();
        path.extend(rule.steps[..fixed].iter().filter_map(Term::as_str).map(str::to_owned));
        let dynamic = rule.steps[fixed..].iter().map(|t| b.term(t)).collect();
        let params = rule.args.as_ref().map(|args| b.terms(args));
        let branches = rule.branches.iter().map(|branch| b.branch(branch)).collect();
        hir::Rule {
            module: rule.module as u32,
            path,
            dynamic,
            kind: if rule.multi { hir::RuleKind::Multi } else { hir::RuleKind::Single },
            default: rule.default,
            params,
            branches,
            scope: b.scope,
            span: rule.span,
            head_span: rule.head_span,
        }
    }

    /// A query as HIR.
    pub(crate) fn query(&self, body: &[Expr]) -> hir::Query {
        let mut b = self.build();
        let own = own_names(body);
        b.declare(&own);
        let expressions = body.iter().filter(|e| !e.generated).map(|e| (e.span, b.shown(e))).collect();
        let body = b.statements(body);
        hir::Query { body, scope: b.scope, expressions }
    }

    fn build(&self) -> Build<'_> {
        Build { f: self, scope: hir::Scope::default(), map: FxHashMap::default(), depth: 0 }
    }
}

fn own_names(body: &[Expr]) -> NameSet {
    let mut c = Collector::new(Skip { closures: true, ..Skip::default() });
    c.body(body);
    c.out
}

impl Build<'_> {
    /// Numbers the names that are not visible yet and gives them back.
    fn declare(&mut self, names: &NameSet) -> Vec<Name> {
        let mut new: Vec<Name> =
            names.iter().copied().filter(|n| !n.is_root() && !self.map.contains_key(n)).collect();
        new.sort();
        for &name in &new {
            self.number(name);
        }
        new
    }

    fn number(&mut self, name: Name) -> hir::Var {
        let var = hir::Var(self.scope.vars.len() as u32);
        let names = self.f.names;
        let generated = names.is_generated(name);
        let text = if generated { names.raw(name) } else { names.text(name) };
        self.scope.vars.push(hir::VarInfo {
            name: text.to_owned(),
            written: !generated && !names.is_wildcard(name) && self.depth == 0,
            undeclared: !names.is_rewritten(name) && !names.is_wildcard(name),
            span: names.span(name),
        });
        self.map.insert(name, var);
        var
    }

    fn forget(&mut self, names: Vec<Name>) {
        names.iter().for_each(|n| {
            self.map.remove(n);
        });
    }

    fn branch(&mut self, branch: &Branch) -> hir::Branch {
        let mut own = own_names(&branch.body);
        let mut value = Collector::new(Skip { closures: true, ..Skip::default() });
        value.term(&branch.value);
        own.extend(value.out);
        let new = self.declare(&own);
        let body = self.statements(&branch.body);
        let value = self.term(&branch.value);
        self.forget(new);
        hir::Branch { value, body, span: branch.span, head_span: branch.head_span }
    }

    /// A body with a scope of its own.
    fn body(&mut self, body: &[Expr]) -> hir::Body {
        self.depth += 1;
        let new = self.declare(&own_names(body));
        let out = self.statements(body);
        self.forget(new);
        self.depth -= 1;
        out
    }

    fn statements(&mut self, body: &[Expr]) -> hir::Body {
        body.iter().map(|e| self.expr(e)).collect()
    }

    /// The term whose value a query shows for a statement.
    fn shown(&mut self, e: &Expr) -> hir::Term {
        match e.capture {
            Some(name) => self.var(name),
            None => hir::Term::Const(hir::Const::Bool(true)),
        }
    }

    fn expr(&mut self, e: &Expr) -> hir::Expr {
        let kind = self.kind(e);
        let with = e.with.iter().filter_map(|w| self.with(w)).collect();
        let kind = if e.negated {
            hir::ExprKind::Not(vec![hir::Expr { kind, with: Vec::new(), span: e.span }])
        } else {
            kind
        };
        hir::Expr { kind, with, span: e.span }
    }

    fn kind(&mut self, e: &Expr) -> hir::ExprKind {
        match &e.kind {
            ExprKind::Term(t) => hir::ExprKind::Term(self.term(t)),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                hir::ExprKind::Unify(self.term(a), self.term(b))
            }
            ExprKind::Every(every) => self.every(every),
            // OPA does not check the calls in a negated body; a one-armed `or` says so.
            ExprKind::Not { body, .. } => {
                let arm = hir::ExprKind::Or(vec![self.body(body)]);
                hir::ExprKind::Not(vec![hir::Expr { kind: arm, with: Vec::new(), span: e.span }])
            }
            ExprKind::And(l) => {
                let arms = [&l.lhs, &l.rhs].map(|body| {
                    let arm = hir::ExprKind::Or(vec![self.body(body)]);
                    hir::Expr { kind: arm, with: Vec::new(), span: e.span }
                });
                hir::ExprKind::Or(vec![arms.into()])
            }
            ExprKind::Or(l) => hir::ExprKind::Or(vec![self.body(&l.lhs), self.body(&l.rhs)]),
            ExprKind::SomeDecl(_) | ExprKind::SomeIn { .. } => {
                hir::ExprKind::Term(hir::Term::Const(hir::Const::Bool(true)))
            }
        }
    }

    fn call(&mut self, call: &Call) -> hir::ExprKind {
        let mut args = self.terms(&call.args);
        let arity = self.f.functions.arity(&call.op.target);
        let output = if arity.is_some_and(|n| args.len() > n) { args.pop() } else { None };
        let callee = callee(self.f.names, &call.op.target);
        hir::ExprKind::Call { callee, args, output }
    }

    fn every(&mut self, every: &Every) -> hir::ExprKind {
        let domain = self.term(&every.domain);
        self.depth += 1;
        let names: NameSet = every.key.into_iter().chain([every.value]).collect();
        let new = self.declare(&names);
        let key =
            every.key.filter(|k| !self.f.names.is_generated(*k)).and_then(|k| self.map.get(&k).copied());
        let value = self.map.get(&every.value).copied().unwrap_or(hir::Var(0));
        let body = self.body(&every.body);
        self.forget(new);
        self.depth -= 1;
        hir::ExprKind::Every { key, value, domain, body }
    }

    fn with(&mut self, with: &With) -> Option<hir::With> {
        let target = self.target(&with.target)?;
        let value = self.value(&with.value, &target);
        Some(hir::With { target, value, span: with.span })
    }

    fn target(&mut self, t: &Term) -> Option<hir::WithTarget> {
        if let Some(name) = builtin_name(self.f.names, t) {
            return Some(hir::WithTarget::Function(hir::Callee::Builtin(name)));
        }
        let parts = t.as_ref_parts()?;
        let head = parts.first()?.as_var()?;
        if head == Name::INPUT {
            return Some(hir::WithTarget::Input(self.terms(&parts[1..])));
        }
        match self.function_at(parts) {
            Some(path) => Some(hir::WithTarget::Function(hir::Callee::Function(path))),
            None => Some(hir::WithTarget::Data(self.terms(&parts[1..]))),
        }
    }

    /// The path of a reference to a function of the policy.
    fn function_at(&self, parts: &[Term]) -> Option<Vec<String>> {
        let node = self.f.tree.at_ref(parts)?;
        let is_function = |&r: &usize| self.f.functions.params[r] > 0;
        self.f.tree.node(node).rules.iter().any(is_function).then(|| strings(parts))
    }

    fn value(&mut self, t: &Term, target: &hir::WithTarget) -> hir::WithValue {
        let replaces_function = matches!(target, hir::WithTarget::Function(_));
        if let Some(path) = t.as_ref_parts().and_then(|p| self.function_at(p)) {
            return hir::WithValue::Function(hir::Callee::Function(path));
        }
        if replaces_function
            && let Some(name) =
                builtin_name(self.f.names, t).filter(|n| self.f.functions.builtins.contains(n))
        {
            return hir::WithValue::Function(hir::Callee::Builtin(name));
        }
        hir::WithValue::Term(self.term(t))
    }

    fn terms(&mut self, terms: &[Term]) -> Vec<hir::Term> {
        terms.iter().map(|t| self.term(t)).collect()
    }

    fn var(&mut self, name: Name) -> hir::Term {
        let var = match self.map.get(&name) {
            Some(&var) => var,
            None => self.number(name),
        };
        hir::Term::Var(var)
    }

    fn term(&mut self, t: &Term) -> hir::Term {
        match &t.kind {
            TermKind::Const(c) => hir::Term::Const(c.clone()),
            TermKind::Var(name) => self.var(*name),
            TermKind::Ref(parts) => self.reference(t, parts),
            TermKind::Array(items) => hir::Term::Array(self.terms(items)),
            TermKind::Set(items) => {
                // What goes through the set meets its elements in the order of OPA's terms, too.
                let mut items: Vec<_> = items.iter().collect();
                items.sort_by_cached_key(|item| rank(self.f.names, item));
                hir::Term::Set(items.into_iter().map(|item| self.term(item)).collect())
            }
            TermKind::Object(pairs) => {
                // Of equal keys the last one counts, and OPA goes through them in the order of its terms.
                let mut pairs: Vec<_> = pairs.iter().collect();
                pairs.sort_by_cached_key(|(key, _)| rank(self.f.names, key));
                hir::Term::Object(pairs.into_iter().map(|(k, v)| (self.term(k), self.term(v))).collect())
            }
            TermKind::Comprehension(c) => self.comprehension(c),
            // Both have become statements; what is left stands in a rule that was refused.
            TermKind::Call(_) | TermKind::Template(_) => hir::Term::Const(hir::Const::Null),
        }
    }

    fn reference(&mut self, t: &Term, parts: &[Term]) -> hir::Term {
        let head = match parts.first().and_then(Term::as_var) {
            Some(Name::INPUT) => hir::RefHead::Input,
            Some(Name::DATA) => hir::RefHead::Data,
            Some(name) => match self.var(name) {
                hir::Term::Var(var) => hir::RefHead::Var(var),
                _ => hir::RefHead::Data,
            },
            None => return hir::Term::Const(hir::Const::Null),
        };
        let steps = self.terms(&parts[1..]);
        hir::Term::Ref(Box::new(hir::Ref { head, steps, span: t.span }))
    }

    fn comprehension(&mut self, c: &Comprehension) -> hir::Term {
        self.depth += 1;
        let new = self.declare(&own_names(&c.body));
        let body = self.statements(&c.body);
        let kind = match (c.shape, &c.key) {
            (Shape::Object, Some(key)) => hir::ComprehensionKind::Object(self.term(key), self.term(&c.term)),
            (Shape::Set, _) => hir::ComprehensionKind::Set(self.term(&c.term)),
            _ => hir::ComprehensionKind::Array(self.term(&c.term)),
        };
        self.forget(new);
        self.depth -= 1;
        hir::Term::Comprehension(Box::new(hir::Comprehension { kind, body }))
    }
}

fn callee(names: &Names, target: &Target) -> hir::Callee {
    match target {
        Target::Function(path) => hir::Callee::Function(path.to_vec()),
        other => hir::Callee::Builtin(print::operator(names, other)),
    }
}

fn strings(parts: &[Term]) -> Vec<String> {
    parts[1..].iter().filter_map(Term::as_str).map(str::to_owned).collect()
}
