//! The tree that the rewrites work on: OPA's abstract syntax, in which calls still nest and names are
//! those of [`Names`](super::names::Names). It becomes the HIR in `finish`.

use crate::hir::Const;
use crate::lower::names::Name;
use govc_syntax::Span;
use std::sync::Arc;

/// A term with its place.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) kind: TermKind,
    pub(crate) span: Span,
}

/// The kinds of terms.
#[derive(Clone, Debug)]
pub(crate) enum TermKind {
    /// A scalar.
    Const(Const),
    /// A variable; never `input` or `data`.
    Var(Name),
    /// Head and steps; `input` and `data` alone are references too.
    Ref(Vec<Term>),
    /// A call.
    Call(Box<Call>),
    /// `[a]`.
    Array(Vec<Term>),
    /// `{k: v}`.
    Object(Vec<(Term, Term)>),
    /// `{a}`.
    Set(Vec<Term>),
    /// A comprehension.
    Comprehension(Box<Comprehension>),
    /// A template string.
    Template(Vec<Part>),
}

/// A call: operator and arguments.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) op: Operator,
    pub(crate) args: Vec<Term>,
}

/// What is called.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) target: Target,
}

/// How an operator is named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A builtin, declared or not, by its dotted name.
    Builtin(Arc<str>),
    /// Rules at this path, without `data`.
    Function(Arc<[String]>),
    /// Anything else that stands before `(`; its text.
    Other(Arc<str>),
    /// Not resolved yet: head and fields as written.
    Written(Name, Arc<[String]>),
}

/// The kinds of comprehensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Array,
    Set,
    Object,
}

/// A comprehension.
#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub(crate) shape: Shape,
    /// Key of an object comprehension.
    pub(crate) key: Option<Term>,
    pub(crate) term: Term,
    pub(crate) body: Body,
}

/// A piece of a template string.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String, Span),
    Expr(Expr),
}

/// Statements.
pub(crate) type Body = Vec<Expr>;

/// A statement.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    /// `not` without `future.keywords.not`.
    pub(crate) negated: bool,
    pub(crate) with: Vec<With>,
    /// A rewrite made it.
    pub(crate) generated: bool,
    /// It was `:=`: its left side is a pure output.
    pub(crate) assigned: bool,
    /// The variable that holds the value of a statement of a query.
    pub(crate) capture: Option<Name>,
    pub(crate) span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Term(Term),
    /// Arguments, and after them an output where there is one.
    Call(Call),
    Unify(Term, Term),
    Assign(Term, Term),
    SomeDecl(Vec<(Name, Span)>),
    SomeIn {
        key: Option<Term>,
        value: Term,
        domain: Term,
    },
    Every(Box<Every>),
    Not {
        body: Body,
        explicit: bool,
    },
    And(Box<Logical>),
    Or(Box<Logical>),
}

/// `every`.
#[derive(Clone, Debug)]
pub(crate) struct Every {
    pub(crate) key: Option<Name>,
    pub(crate) value: Name,
    pub(crate) domain: Term,
    pub(crate) body: Body,
}

/// The operands of `and` and `or`; an explicit one has braces.
#[derive(Clone, Debug)]
pub(crate) struct Logical {
    pub(crate) lhs: Body,
    pub(crate) rhs: Body,
    pub(crate) explicit_lhs: bool,
    pub(crate) explicit_rhs: bool,
}

/// `with`.
#[derive(Clone, Debug)]
pub(crate) struct With {
    pub(crate) target: Term,
    pub(crate) value: Term,
    pub(crate) span: Span,
}

/// A rule with its branches.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Position of the module among the modules given.
    pub(crate) module: usize,
    /// Position of the rule in its syntax tree.
    pub(crate) source: usize,
    pub(crate) default: bool,
    /// First word of the head.
    pub(crate) name: String,
    /// Steps of the head after the name.
    pub(crate) steps: Vec<Term>,
    /// `contains`, or a partial set of v0: [`Branch::value`] is the element.
    pub(crate) multi: bool,
    pub(crate) args: Option<Vec<Term>>,
    pub(crate) branches: Vec<Branch>,
    /// The head as OPA places it.
    pub(crate) head_span: Span,
    /// The rule as OPA places it.
    pub(crate) span: Span,
    /// The author's text holds an error that has been reported.
    pub(crate) broken: bool,
}

/// A body and its value.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) value: Term,
    pub(crate) body: Body,
    /// No body was written.
    pub(crate) bodiless: bool,
    pub(crate) span: Span,
    pub(crate) head_span: Span,
}

impl Term {
    pub(crate) fn new(kind: TermKind, span: Span) -> Self {
        Self { kind, span }
    }

    pub(crate) fn var(name: Name, span: Span) -> Self {
        Self::new(TermKind::Var(name), span)
    }

    pub(crate) fn bool(value: bool, span: Span) -> Self {
        Self::new(TermKind::Const(Const::Bool(value)), span)
    }

    pub(crate) fn string(value: impl Into<String>, span: Span) -> Self {
        Self::new(TermKind::Const(Const::String(value.into())), span)
    }

    pub(crate) fn is_const(&self) -> bool {
        matches!(self.kind, TermKind::Const(_))
    }

    /// Holds no variable, reference, call or comprehension.
    pub(crate) fn is_ground_literal(&self) -> bool {
        match &self.kind {
            TermKind::Const(_) => true,
            TermKind::Array(items) | TermKind::Set(items) => items.iter().all(Self::is_ground_literal),
            TermKind::Object(pairs) => {
                pairs.iter().all(|(k, v)| k.is_ground_literal() && v.is_ground_literal())
            }
            _ => false,
        }
    }

    /// Holds a reference or a comprehension, so that it must be evaluated in a body.
    pub(crate) fn requires_eval(&self) -> bool {
        match &self.kind {
            TermKind::Const(_) | TermKind::Var(_) => false,
            TermKind::Ref(_) | TermKind::Comprehension(_) => true,
            TermKind::Call(call) => call.args.iter().any(Self::requires_eval),
            TermKind::Array(items) | TermKind::Set(items) => items.iter().any(Self::requires_eval),
            TermKind::Object(pairs) => pairs.iter().any(|(k, v)| k.requires_eval() || v.requires_eval()),
            TermKind::Template(_) => true,
        }
    }

    /// The name where the term is `input` or `data` alone.
    pub(crate) fn as_root(&self) -> Option<Name> {
        match &self.kind {
            TermKind::Ref(parts) if parts.len() == 1 => parts[0].as_var().filter(|n| n.is_root()),
            _ => None,
        }
    }

    /// The name of a variable.
    pub(crate) fn as_var(&self) -> Option<Name> {
        match self.kind {
            TermKind::Var(name) => Some(name),
            _ => None,
        }
    }

    /// Head and steps of a reference.
    pub(crate) fn as_ref_parts(&self) -> Option<&[Term]> {
        match &self.kind {
            TermKind::Ref(parts) => Some(parts),
            _ => None,
        }
    }

    /// The string of a string constant.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            TermKind::Const(Const::String(s)) => Some(s),
            _ => None,
        }
    }
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, span: Span) -> Self {
        Self {
            kind,
            negated: false,
            with: Vec::new(),
            generated: false,
            assigned: false,
            capture: None,
            span,
        }
    }

    /// A unification that a rewrite makes.
    pub(crate) fn generated(lhs: Term, rhs: Term) -> Self {
        let span = rhs.span;
        Self { generated: true, ..Self::new(ExprKind::Unify(lhs, rhs), span) }
    }

    /// `true`: what an empty body says.
    pub(crate) fn truth(span: Span) -> Self {
        Self::new(ExprKind::Term(Term::bool(true, span)), span)
    }

    fn is_truth(&self) -> bool {
        matches!(&self.kind, ExprKind::Term(Term { kind: TermKind::Const(Const::Bool(true)), .. }))
    }
}

/// Whether a body says nothing.
pub(crate) fn is_empty_body(body: &[Expr]) -> bool {
    matches!(body, [only] if only.is_truth())
}

/// Appends to a body; a body that says nothing is replaced.
pub(crate) fn append_to_body(body: &mut Body, more: Vec<Expr>) {
    if !more.is_empty() && is_empty_body(body) {
        body.clear();
    }
    body.extend(more);
}
