//! Rules and queries of the compiler to the evaluator's trees.

use crate::term::*;
use govc_compile::hir::Const;
use govc_compile::rewritten as tree;
use govc_value::{Heap, Value};
use std::rc::Rc;

/// Makes trees in a heap.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'q, 'a> {
    pub(crate) heap: Heap<'q>,
    /// Whether rules at a path (without `data`) are functions.
    pub(crate) is_function: &'a dyn Fn(&[String]) -> bool,
}

impl<'q> Loader<'q, '_> {
    pub(crate) fn rule(self, rule: &tree::Rule) -> Rule<'q> {
        let strings = rule.package.iter().chain(std::iter::once(&rule.name));
        let mut path = vec![Term::var("data").at(Some(rule.head_span))];
        path.extend(strings.map(|s| self.string(s).at(Some(rule.head_span))));
        path.extend(self.terms(&rule.steps));
        let args = rule.args.as_ref().map(|args| self.terms(args));
        let mut branches: Vec<Rule<'q>> = Vec::new();
        for branch in &rule.branches {
            let value = self.term(&branch.value);
            branches.push(Rule {
                path: path.clone(),
                package: rule.package.len() + 1,
                args: args.clone(),
                key: rule.multi.then(|| value.clone()),
                value: (!rule.multi).then_some(value),
                default: rule.default,
                body: self.body(&branch.body),
                elses: Vec::new(),
                at: Some(branch.span),
                head_at: Some(branch.head_span),
            });
        }
        let elses = branches.split_off(1.min(branches.len()));
        let Some(mut first) = branches.pop() else { unreachable!("a rule has a branch") };
        first.elses = elses.into_iter().map(Rc::new).collect();
        first
    }

    pub(crate) fn body(self, body: &[tree::Expr]) -> Body<'q> {
        body.iter().map(|e| Rc::new(self.expr(e))).collect()
    }

    fn expr(self, e: &tree::Expr) -> Expr<'q> {
        Expr {
            kind: self.kind(&e.kind),
            negated: e.negated,
            with: e.with.iter().map(|w| self.with(w)).collect(),
            generated: e.generated,
            // OPA's calls that tell of cases have no place of their own.
            at: (!tells_of_case(&e.kind)).then_some(e.span),
        }
    }

    fn kind(self, kind: &tree::ExprKind) -> ExprKind<'q> {
        match kind {
            tree::ExprKind::Term(t) => ExprKind::Term(self.term(t)),
            tree::ExprKind::Unify(a, b) => ExprKind::Unify(self.term(a), self.term(b)),
            tree::ExprKind::Call(callee, args) => {
                ExprKind::Call(self.callee(callee), self.terms(args).into())
            }
            tree::ExprKind::Every { key, value, domain, body } => ExprKind::Every(Rc::new(Every {
                key: self.var(key),
                value: self.var(value),
                domain: self.term(domain),
                body: self.body(body),
            })),
            tree::ExprKind::Not { body, explicit } => {
                ExprKind::Not { body: self.body(body), explicit: *explicit }
            }
            tree::ExprKind::And(a, b) => ExprKind::And(self.body(a), self.body(b)),
            tree::ExprKind::Or(a, b) => ExprKind::Or(self.body(a), self.body(b)),
        }
    }

    fn callee(self, callee: &tree::Callee) -> Callee<'q> {
        match callee {
            tree::Callee::Builtin(name) => Callee::Builtin(Rc::from(&**name)),
            tree::Callee::Function(path) => self.function(path),
        }
    }

    fn function(self, path: &[String]) -> Callee<'q> {
        Callee::Function(path.iter().map(|s| self.heap.string(s)).collect())
    }

    fn with(self, with: &tree::With) -> With<'q> {
        let target = match &with.target {
            tree::WithTarget::Builtin(name) => Target::Function(Callee::Builtin(Rc::from(name.as_str()))),
            tree::WithTarget::Document(t) => {
                let parts = match &t.kind {
                    tree::TermKind::Ref(parts) => self.terms(parts),
                    _ => vec![self.term(t)],
                };
                match self.function_at(t) {
                    Some(path) => Target::Function(self.function(&path)),
                    None => Target::Document(parts.into()),
                }
            }
        };
        With { target, value: self.term(&with.value) }
    }

    /// The path of a reference to a function of the policy.
    fn function_at(self, t: &tree::Term) -> Option<Vec<String>> {
        let tree::TermKind::Ref(parts) = &t.kind else { return None };
        let data = |t: &tree::Term| matches!(&t.kind, tree::TermKind::Var(v) if &*v.name == "data");
        if !parts.first().is_some_and(data) {
            return None;
        }
        let path: Option<Vec<String>> = parts[1..].iter().map(string).collect();
        path.filter(|p| (self.is_function)(p))
    }

    fn string(self, text: &str) -> Term<'q> {
        Term::value(self.heap.string(text))
    }

    pub(crate) fn var(self, var: &tree::Var) -> Term<'q> {
        Term::var(&var.name).at(Some(var.span))
    }

    pub(crate) fn terms(self, terms: &[tree::Term]) -> Vec<Term<'q>> {
        terms.iter().map(|t| self.term(t)).collect()
    }

    pub(crate) fn term(self, t: &tree::Term) -> Term<'q> {
        let node = match &t.kind {
            tree::TermKind::Const(c) => Node::Value(self.constant(c)),
            tree::TermKind::Var(v) => Node::Var(Rc::from(&*v.name)),
            tree::TermKind::Ref(parts) => Node::Ref(self.terms(parts).into()),
            tree::TermKind::Builtin(name) => Node::Builtin(Rc::from(&**name)),
            tree::TermKind::Array(items) => array(self.heap, self.terms(items)),
            tree::TermKind::Set(items) => set(self.heap, self.terms(items)),
            tree::TermKind::Object(pairs) => {
                object(self.heap, pairs.iter().map(|(k, v)| (self.term(k), self.term(v))).collect())
            }
            tree::TermKind::Comprehension(c) => Node::Comprehension(Rc::new(Comprehension {
                kind: c.kind,
                key: c.key.as_ref().map(|k| self.term(k)),
                term: self.term(&c.term),
                body: self.body(&c.body),
            })),
        };
        Term { node, at: Some(t.span) }
    }

    fn constant(self, c: &Const) -> Value<'q> {
        match c {
            Const::Null => Value::NULL,
            Const::Bool(b) => Value::bool(*b),
            Const::Number(text) => self.heap.number(text).unwrap_or(Value::NULL),
            Const::String(text) => self.heap.string(text),
        }
    }
}

fn string(t: &tree::Term) -> Option<String> {
    match &t.kind {
        tree::TermKind::Const(Const::String(s)) => Some(s.clone()),
        _ => None,
    }
}

fn tells_of_case(kind: &tree::ExprKind) -> bool {
    matches!(kind, tree::ExprKind::Call(tree::Callee::Builtin(name), _) if &**name == "internal.test_case")
}
