//! Bodies in the form that the type checker reads: a residual that cannot be true is not kept, and the shell tells types.

use crate::run::Loaded;
use crate::term::*;
use crate::text;
use crate::visit::{self, Shown};
use govc_compile::{CheckOptions, Checked, hir, rewritten};
use govc_syntax::Span;
use govc_value::{Arena, Heap, SymbolTable, Type, Value, View, json};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a body can be true as far as types go.
pub(crate) fn passes(checked: &Checked, options: &CheckOptions<'_>, body: &Body<'_>) -> bool {
    let mut build = Build { policies: Some(&checked.unit), ..Build::default() };
    let body = build.body(body);
    let query = hir::Query { body, scope: build.scope, expressions: Vec::new() };
    govc_compile::query_type_errors(checked, &query, options).is_empty()
}

/// The types in a query as OPA's shell tells them: of operators and references as they are met, then of variables; each
/// with its text. A type that is not known is absent.
pub fn types_in(
    checked: &Checked,
    options: &CheckOptions<'_>,
    query: &rewritten::Query,
) -> Vec<(String, Option<Type>)> {
    let arena = Arena::new(MEMORY);
    let loaded = Loaded::new(Heap::new(&arena, SymbolTable::empty()), checked, options);
    let body = loaded.query(query);
    let mut build = Build::default();
    let mut statements = build.body(&body);
    let (references, variables) = named(&body);
    let mut asked: Vec<(String, Result<hir::Var, Option<Type>>)> = Vec::new();
    for reference in references {
        asked.push(match reference {
            Named::Operator(name) => (name.to_string(), Err(options.builtins.ty(&name))),
            Named::Document(term) => {
                // A variable of its own has the type of the reference.
                let var = build.var(&format!("__type{}__", asked.len()));
                let kind = hir::ExprKind::Unify(hir::Term::Var(var), build.term(&term));
                statements.push(hir::Expr { kind, with: Vec::new(), span: Span::default() });
                (text::term(&term), Ok(var))
            }
        });
    }
    asked.extend(variables.iter().map(|name| (name.to_string(), Ok(build.var(name)))));
    let query = hir::Query { body: statements, scope: build.scope, expressions: Vec::new() };
    let types = govc_compile::query_types(checked, &query, options);
    let found = |what| match what {
        Ok(hir::Var(at)) => types.get(at as usize).cloned().flatten(),
        Err(ty) => ty,
    };
    asked.into_iter().map(|(name, what)| (name, found(what))).collect()
}

/// Something that has a type and is no variable.
enum Named<'q> {
    Operator(Name),
    Document(Term<'q>),
}

/// Operators and references in the order in which OPA meets them, and the variables by name.
fn named<'q>(query: &Body<'q>) -> (Vec<Named<'q>>, BTreeSet<Name>) {
    let (mut references, mut variables) = (Vec::new(), BTreeSet::new());
    visit::body(query, &mut |shown| {
        match shown {
            Shown::Expr(e) => match &e.kind {
                ExprKind::Unify(..) => references.push(Named::Operator("eq".into())),
                ExprKind::Call(Callee::Builtin(name), _) => references.push(Named::Operator(name.clone())),
                _ => {}
            },
            Shown::Term(t) => match &t.node {
                Node::Ref(_) => references.push(Named::Document(t.clone())),
                Node::Var(name) if !matches!(&**name, "input" | "data") => {
                    variables.insert(name.clone());
                }
                _ => {}
            },
        }
        false
    });
    (references, variables)
}

/// Bytes that a query may take.
const MEMORY: usize = 1 << 26;

#[derive(Default)]
struct Build<'c> {
    /// Functions that no rule of these defines are support, whose types nobody knows.
    policies: Option<&'c hir::Unit>,
    scope: hir::Scope,
    vars: BTreeMap<String, hir::Var>,
    /// Calls inside terms, which must stand before the statement.
    before: Vec<hir::Expr>,
}

impl Build<'_> {
    fn body(&mut self, body: &Body<'_>) -> hir::Body {
        let outer = std::mem::take(&mut self.before);
        let mut out = Vec::new();
        for e in body.iter() {
            let expr = self.expr(e);
            out.append(&mut self.before);
            out.push(expr);
        }
        self.before = outer;
        out
    }

    fn expr(&mut self, e: &Expr<'_>) -> hir::Expr {
        let span = e.at.unwrap_or_default();
        let mut kind = match &e.kind {
            ExprKind::Term(t) => hir::ExprKind::Term(self.term(t)),
            ExprKind::Unify(a, b) => hir::ExprKind::Unify(self.term(a), self.term(b)),
            ExprKind::Call(callee, args) => self.call(callee, args),
            ExprKind::Every(every) => hir::ExprKind::Every {
                key: every.key.as_var().map(|n| self.var(n)),
                value: self.var(every.value.as_var().map_or("_", |n| n)),
                domain: self.term(&every.domain),
                body: self.body(&every.body),
            },
            ExprKind::Not { body, .. } => hir::ExprKind::Not(self.body(body)),
            ExprKind::And(a, b) => {
                let both = [a, b].map(|body| {
                    let kind = hir::ExprKind::Or(vec![self.body(body)]);
                    hir::Expr { kind, with: Vec::new(), span }
                });
                hir::ExprKind::Or(vec![both.into()])
            }
            ExprKind::Or(a, b) => hir::ExprKind::Or(vec![self.body(a), self.body(b)]),
        };
        if e.negated {
            kind = hir::ExprKind::Not(vec![hir::Expr { kind, with: Vec::new(), span }]);
        }
        hir::Expr { kind, with: Vec::new(), span }
    }

    fn call(&mut self, callee: &Callee<'_>, args: &[Term<'_>]) -> hir::ExprKind {
        let mut args: Vec<hir::Term> = args.iter().map(|t| self.term(t)).collect();
        let callee = match callee {
            Callee::Builtin(name) => {
                let arity = govc_stdlib::lookup(name).map(|b| b.args.len());
                let output = if arity.is_some_and(|n| args.len() > n) { args.pop() } else { None };
                return hir::ExprKind::Call { callee: hir::Callee::Builtin(name.to_string()), args, output };
            }
            Callee::Function(path) => {
                let path: Vec<String> = path.iter().filter_map(|v| v.as_str()).map(str::to_owned).collect();
                if self.policies.is_some_and(|unit| unit.rules.iter().all(|rule| rule.path != path)) {
                    return hir::ExprKind::Term(hir::Term::Const(hir::Const::Bool(true)));
                }
                hir::Callee::Function(path)
            }
        };
        hir::ExprKind::Call { callee, args, output: None }
    }

    fn var(&mut self, name: &str) -> hir::Var {
        if let Some(&var) = self.vars.get(name) {
            return var;
        }
        let var = hir::Var(self.scope.vars.len() as u32);
        let info =
            hir::VarInfo { name: name.to_owned(), written: false, undeclared: false, span: Span::default() };
        self.scope.vars.push(info);
        self.vars.insert(name.to_owned(), var);
        var
    }

    fn term(&mut self, t: &Term<'_>) -> hir::Term {
        let mut each = |items: &[Term<'_>]| items.iter().map(|t| self.term(t)).collect::<Vec<_>>();
        match &t.node {
            Node::Value(v) => value(*v),
            Node::Var(name) => hir::Term::Var(self.var(name)),
            Node::Builtin(_) => hir::Term::Const(hir::Const::Null),
            Node::Array(items) => hir::Term::Array(each(items)),
            Node::Set(items) => hir::Term::Set(each(items)),
            Node::Object(pairs) => {
                hir::Term::Object(pairs.iter().map(|(k, v)| (self.term(k), self.term(v))).collect())
            }
            Node::Ref(parts) => self.reference(t, parts),
            Node::Call(callee, args) => {
                let output = self.var(&format!("__call{}__", self.scope.vars.len()));
                let kind = match self.call(callee, args) {
                    hir::ExprKind::Call { callee, args, output: None } => {
                        hir::ExprKind::Call { callee, args, output: Some(hir::Term::Var(output)) }
                    }
                    other => other,
                };
                self.before.push(hir::Expr { kind, with: Vec::new(), span: Span::default() });
                hir::Term::Var(output)
            }
            Node::Comprehension(c) => {
                let body = self.body(&c.body);
                let term = self.term(&c.term);
                let kind = match (c.kind, &c.key) {
                    (govc_compile::rewritten::ComprehensionKind::Object, Some(key)) => {
                        hir::ComprehensionKind::Object(self.term(key), term)
                    }
                    (govc_compile::rewritten::ComprehensionKind::Array, _) => {
                        hir::ComprehensionKind::Array(term)
                    }
                    _ => hir::ComprehensionKind::Set(term),
                };
                hir::Term::Comprehension(Box::new(hir::Comprehension { kind, body }))
            }
        }
    }

    fn reference(&mut self, t: &Term<'_>, parts: &[Term<'_>]) -> hir::Term {
        let Some((head, steps)) = parts.split_first() else { return hir::Term::Const(hir::Const::Null) };
        let head = match head.as_var().map(|n| &**n) {
            Some("input") => hir::RefHead::Input,
            Some("data") => hir::RefHead::Data,
            Some(name) => hir::RefHead::Var(self.var(name)),
            None => {
                let value = self.term(head);
                let var = self.var(&format!("__head{}__", self.scope.vars.len()));
                let kind = hir::ExprKind::Unify(hir::Term::Var(var), value);
                self.before.push(hir::Expr { kind, with: Vec::new(), span: Span::default() });
                hir::RefHead::Var(var)
            }
        };
        let steps = steps.iter().map(|t| self.term(t)).collect();
        hir::Term::Ref(Box::new(hir::Ref { head, steps, span: t.at.unwrap_or_default() }))
    }
}

fn value(v: Value<'_>) -> hir::Term {
    match v.view() {
        View::Undefined | View::Null => hir::Term::Const(hir::Const::Null),
        View::Bool(b) => hir::Term::Const(hir::Const::Bool(b)),
        View::Number(_) => hir::Term::Const(hir::Const::Number(json::to_string(v))),
        View::String(text) => hir::Term::Const(hir::Const::String(text.to_owned())),
        View::Array(a) => hir::Term::Array(a.iter().map(value).collect()),
        View::Set(s) => hir::Term::Set(s.iter().map(value).collect()),
        View::Object(o) => hir::Term::Object(o.iter().map(|(k, v)| (value(k), value(v))).collect()),
    }
}
