//! Rules and queries after all rewrites, still as a tree of terms: what an evaluator of OPA's kind runs.
//!
//! The HIR says the same to a planner. This form keeps OPA's shape: outputs of calls are last arguments,
//! negation is a mark on a statement, and each name is the one that OPA's rewrites would have given.

use crate::hir::Const;
use crate::lower::names::{Name, Names};
use crate::lower::tree;
use crate::lower::{self, print};
use crate::{CheckOptions, Checked, QueryOptions};
use govc_syntax::{Diagnostic, Span, ast};
use std::sync::Arc;

/// All rules of a compilation, in the order of their sources' names and then as written.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The modules' packages, without `data`; some may have no rules.
    pub packages: Vec<Vec<String>>,
    /// The variables that rewrites gave other names, with what the author wrote.
    pub names: Vec<Var>,
}

/// A rule with its `else` branches.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The package, without `data`.
    pub package: Vec<String>,
    /// First word of the head.
    pub name: String,
    /// The rule in its module, by position.
    pub source: usize,
    /// `default` in front.
    pub default: bool,
    /// Steps of the head after the name.
    pub steps: Vec<Term>,
    /// It defines the elements of a set.
    pub multi: bool,
    /// Parameters of a function.
    pub args: Option<Vec<Term>>,
    /// The first branch and its `else` branches.
    pub branches: Vec<Branch>,
    /// The head as OPA places it.
    pub head_span: Span,
    /// The rule as OPA places it.
    pub span: Span,
}

/// A body and the value it gives.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The value, or the element of a set.
    pub value: Term,
    /// The body, in a safe order.
    pub body: Vec<Expr>,
    /// Where.
    pub span: Span,
    /// The head, or `else` with its value.
    pub head_span: Span,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// `not` in front.
    pub negated: bool,
    /// Replacements.
    pub with: Vec<With>,
    /// A rewrite made it.
    pub generated: bool,
    /// Where.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Neither undefined nor false.
    Term(Term),
    /// Unification.
    Unify(Term, Term),
    /// A call; an argument more than the function has parameters is its output.
    Call(Callee, Vec<Term>),
    /// `every`.
    Every {
        /// The key variable.
        key: Var,
        /// The value variable.
        value: Var,
        /// The collection.
        domain: Term,
        /// What must hold.
        body: Vec<Expr>,
    },
    /// `not` over a body.
    Not {
        /// What must not hold.
        body: Vec<Expr>,
        /// Written with braces.
        explicit: bool,
    },
    /// `and`.
    And(Vec<Expr>, Vec<Expr>),
    /// `or`.
    Or(Vec<Expr>, Vec<Expr>),
}

/// `with target as value`.
#[derive(Clone, Debug)]
pub struct With {
    /// What is replaced: a reference into `input` or `data`, or the name of a function.
    pub target: WithTarget,
    /// What stands in its place: for a function also the name of another one.
    pub value: Term,
    /// From `with` to the end.
    pub span: Span,
}

/// What `with` replaces.
#[derive(Clone, Debug)]
pub enum WithTarget {
    /// A document.
    Document(Term),
    /// A builtin.
    Builtin(String),
}

/// What a call calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A builtin, by name.
    Builtin(Arc<str>),
    /// Rules at a path without `data`.
    Function(Arc<[String]>),
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Var {
    /// The name as OPA's rewrites leave it: `x`, `__local1__`, `$3` for an occurrence of `_`.
    pub name: Arc<str>,
    /// What the author wrote for it, or `name`.
    pub written: Arc<str>,
    /// Where it first occurs.
    pub span: Span,
}

/// A term with its place.
#[derive(Clone, Debug)]
pub struct Term {
    /// What it is.
    pub kind: TermKind,
    /// Where.
    pub span: Span,
}

/// The kinds of terms.
#[derive(Clone, Debug)]
pub enum TermKind {
    /// A scalar.
    Const(Const),
    /// A variable.
    Var(Var),
    /// Head and steps; `input` and `data` alone are references of one part.
    Ref(Vec<Term>),
    /// The name of a builtin, where a function is a value of `with`.
    Builtin(Arc<str>),
    /// `[a]`.
    Array(Vec<Term>),
    /// `{k: v}`.
    Object(Vec<(Term, Term)>),
    /// `{a}`.
    Set(Vec<Term>),
    /// A comprehension.
    Comprehension(Box<Comprehension>),
}

/// A comprehension; what it builds is told by what it has.
#[derive(Clone, Debug)]
pub struct Comprehension {
    /// What it builds.
    pub kind: ComprehensionKind,
    /// Key of an object comprehension.
    pub key: Option<Term>,
    /// The element or value.
    pub term: Term,
    /// The body.
    pub body: Vec<Expr>,
}

/// What a comprehension builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComprehensionKind {
    /// An array.
    Array,
    /// A set.
    Set,
    /// An object.
    Object,
}

/// A query.
#[derive(Clone, Debug)]
pub struct Query {
    /// The body, in a safe order.
    pub body: Vec<Expr>,
    /// For each statement as written: its place, and the variable that holds its value, if it has one.
    pub shown: Vec<(Span, Option<Var>)>,
    /// The variables that rewrites gave other names, with what the author wrote.
    pub rewritten: Vec<Var>,
}

impl Checked {
    /// The rules after all rewrites; none where there are errors.
    pub fn rewritten(&self, options: &CheckOptions) -> Program {
        if !self.is_ok() {
            return Program::default();
        }
        let p = &self.program;
        let functions = p.functions(options);
        let captures = Vec::new();
        let view = View { names: &p.names, captures, is_builtin: &|name| functions.builtins.contains(name) };
        let rule = |&i: &usize| view.rule(&p.rules[i], &p.packages[p.rules[i].module]);
        Program {
            rules: p.order.iter().map(rule).collect(),
            packages: p.packages.clone(),
            names: view.rewritten(),
        }
    }
}

/// Checks a query as [`check_query`](crate::check_query) does and gives it after all rewrites.
///
/// With `capture`, statements bind their values to variables, which [`Query::shown`] names.
///
/// # Errors
/// The findings, in the order of OPA.
pub fn rewrite_query(
    checked: &Checked,
    body: &ast::Body,
    options: &CheckOptions,
    query: &QueryOptions,
    capture: bool,
) -> Result<Query, Vec<Diagnostic>> {
    let (names, body) = lower::rewrite_query(checked, body, options, query, capture)?;
    let captures = body.iter().filter_map(|e| e.capture).collect();
    let view = View { names: &names, captures, is_builtin: &|name| options.builtins.contains(name) };
    let written = body.iter().filter(|e| !e.generated);
    let shown = written.map(|e| (e.span, e.capture.map(|n| view.var(n)))).collect();
    Ok(Query { shown, body: view.body(&body), rewritten: view.rewritten() })
}

struct View<'a> {
    names: &'a Names,
    /// The variables that hold the values of statements; OPA numbers them.
    captures: Vec<Name>,
    is_builtin: &'a dyn Fn(&str) -> bool,
}

impl View<'_> {
    fn rule(&self, rule: &tree::Rule, package: &[String]) -> Rule {
        Rule {
            package: package.to_vec(),
            name: rule.name.clone(),
            source: rule.source,
            default: rule.default,
            steps: self.terms(&rule.steps),
            multi: rule.multi,
            args: rule.args.as_ref().map(|args| self.terms(args)),
            branches: rule.branches.iter().map(|b| self.branch(b)).collect(),
            head_span: rule.head_span,
            span: rule.span,
        }
    }

    fn branch(&self, branch: &tree::Branch) -> Branch {
        Branch {
            value: self.term(&branch.value),
            body: self.body(&branch.body),
            span: branch.span,
            head_span: branch.head_span,
        }
    }

    fn body(&self, body: &[tree::Expr]) -> Vec<Expr> {
        body.iter().filter(|e| !matches!(e.kind, tree::ExprKind::SomeDecl(_))).map(|e| self.expr(e)).collect()
    }

    fn expr(&self, e: &tree::Expr) -> Expr {
        Expr {
            kind: self.kind(&e.kind),
            negated: e.negated,
            with: e.with.iter().map(|w| self.with(w)).collect(),
            generated: e.generated,
            span: e.span,
        }
    }

    fn kind(&self, kind: &tree::ExprKind) -> ExprKind {
        match kind {
            tree::ExprKind::Term(t) => ExprKind::Term(self.term(t)),
            tree::ExprKind::Call(call) => {
                ExprKind::Call(self.callee(&call.op.target), self.terms(&call.args))
            }
            tree::ExprKind::Unify(a, b) | tree::ExprKind::Assign(a, b) => {
                ExprKind::Unify(self.term(a), self.term(b))
            }
            tree::ExprKind::Every(every) => ExprKind::Every {
                key: self.var(every.key.unwrap_or(every.value)),
                value: self.var(every.value),
                domain: self.term(&every.domain),
                body: self.body(&every.body),
            },
            tree::ExprKind::Not { body, explicit } => {
                ExprKind::Not { body: self.body(body), explicit: *explicit }
            }
            tree::ExprKind::And(l) => ExprKind::And(self.body(&l.lhs), self.body(&l.rhs)),
            tree::ExprKind::Or(l) => ExprKind::Or(self.body(&l.lhs), self.body(&l.rhs)),
            // Both have become other statements; what is left stands in a rule that was refused.
            tree::ExprKind::SomeDecl(_) | tree::ExprKind::SomeIn { .. } => {
                ExprKind::Term(Term { kind: TermKind::Const(Const::Bool(true)), span: Span::default() })
            }
        }
    }

    fn callee(&self, target: &tree::Target) -> Callee {
        match target {
            tree::Target::Function(path) => Callee::Function(path.clone()),
            other => Callee::Builtin(Arc::from(print::operator(self.names, other))),
        }
    }

    fn with(&self, with: &tree::With) -> With {
        let target = match lower::withs::builtin_name(self.names, &with.target) {
            Some(name) => WithTarget::Builtin(name),
            None => WithTarget::Document(self.term(&with.target)),
        };
        let name = lower::withs::builtin_name(self.names, &with.value).filter(|n| (self.is_builtin)(n));
        let is_function =
            |path: &tree::Term| matches!(path.kind, tree::TermKind::Ref(_) | tree::TermKind::Var(_));
        let value = match name {
            Some(name) if is_function(&with.value) && self.replaces_function(with) => {
                Term { kind: TermKind::Builtin(Arc::from(name)), span: with.value.span }
            }
            _ => self.term(&with.value),
        };
        With { target, value, span: with.span }
    }

    /// The target is no document of the input; whether rules there are functions is known to who evaluates.
    fn replaces_function(&self, with: &tree::With) -> bool {
        let head = with.target.as_ref_parts().and_then(|p| p.first()).and_then(tree::Term::as_var);
        head != Some(Name::INPUT)
    }

    fn terms(&self, terms: &[tree::Term]) -> Vec<Term> {
        terms.iter().map(|t| self.term(t)).collect()
    }

    fn var(&self, name: Name) -> Var {
        let raw = self.names.raw(name);
        if let Some(at) = self.captures.iter().position(|n| *n == name) {
            let text: Arc<str> = Arc::from(format!("$term{}", at + 1));
            return Var { name: text.clone(), written: text, span: self.names.span(name) };
        }
        let (name_text, written): (Arc<str>, Arc<str>) = match raw {
            "_" => (Arc::from(format!("${}", name.0)), Arc::from("_")),
            _ => (Arc::from(raw), Arc::from(self.names.text(name))),
        };
        Var { name: name_text, written, span: self.names.span(name) }
    }

    fn rewritten(&self) -> Vec<Var> {
        self.names.rewritten().map(|name| self.var(name)).collect()
    }

    fn term(&self, t: &tree::Term) -> Term {
        let kind = match &t.kind {
            tree::TermKind::Const(c) => TermKind::Const(c.clone()),
            tree::TermKind::Var(name) => TermKind::Var(self.var(*name)),
            tree::TermKind::Ref(parts) => TermKind::Ref(self.terms(parts)),
            tree::TermKind::Array(items) => TermKind::Array(self.terms(items)),
            tree::TermKind::Set(items) => TermKind::Set(self.terms(items)),
            tree::TermKind::Object(pairs) => {
                TermKind::Object(pairs.iter().map(|(k, v)| (self.term(k), self.term(v))).collect())
            }
            tree::TermKind::Comprehension(c) => TermKind::Comprehension(Box::new(Comprehension {
                kind: match c.shape {
                    tree::Shape::Array => ComprehensionKind::Array,
                    tree::Shape::Set => ComprehensionKind::Set,
                    tree::Shape::Object => ComprehensionKind::Object,
                },
                key: c.key.as_ref().map(|k| self.term(k)),
                term: self.term(&c.term),
                body: self.body(&c.body),
            })),
            // Both have become statements; what is left stands in a rule that was refused.
            tree::TermKind::Call(_) | tree::TermKind::Template(_) => TermKind::Const(Const::Null),
        };
        Term { kind, span: t.span }
    }
}
