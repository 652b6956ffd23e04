//! The high-level intermediate representation: Rego with its sugar and its names resolved.
//!
//! Every reference is absolute (`input...`, `data...` or a local), every local is unique in its rule,
//! calls are statements of their own (`f(g(x))` has become `g(x, $0); f($0, $1)`), and each body is in
//! an order in which every variable is bound before it is needed. The words are OPA's.

use govc_syntax::{FileId, Span};
use std::collections::BTreeMap;

/// A rule of [`Unit::rules`], by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// A variable of one rule or query, by position in its [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Var(pub u32);

/// The variables of one rule (with its `else` branches) or query.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Name for messages, and whether the author wrote it (`false`: made by a rewrite, or `_`).
    pub vars: Vec<VarInfo>,
}

/// What is known of a variable.
#[derive(Clone, Debug)]
pub struct VarInfo {
    /// The author's name, or OPA's `__localN__`.
    pub name: String,
    /// The author wrote it; such variables of a query are its bindings.
    pub written: bool,
    /// It bears the author's name still, because nothing declares it: OPA takes it for the builtin of that name.
    pub undeclared: bool,
    /// Where it first occurs.
    pub span: Span,
}

/// One compilation: all modules, or all modules and a query.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// All rules, defaults among them, in order of module and source.
    pub rules: Vec<Rule>,
    /// The modules' packages, as paths without `data`.
    pub modules: Vec<ModuleInfo>,
    /// Builtins of the host that are written in Rego: the path of the rules, without `data`, by name.
    pub bodies: BTreeMap<String, Vec<String>>,
}

/// A module in a unit.
#[derive(Clone, Debug)]
pub struct ModuleInfo {
    /// The source.
    pub file: FileId,
    /// The package path without `data`.
    pub package: Vec<String>,
}

/// A rule definition.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The module in [`Unit::modules`].
    pub module: u32,
    /// Ground prefix of the head's path, without `data`: package and leading constant string steps.
    pub path: Vec<String>,
    /// Steps after the ground prefix (general refs, and the key of a partial object). For
    /// `p[k] := v` this is `[k]`; for `p.q[x].r[y] := v` it is `[x, "r", y]`.
    pub dynamic: Vec<Term>,
    /// What the rule defines at the end of its path.
    pub kind: RuleKind,
    /// `default` in front.
    pub default: bool,
    /// Parameters of a function; patterns.
    pub params: Option<Vec<Term>>,
    /// The first branch and its `else` branches, in order.
    pub branches: Vec<Branch>,
    /// All variables.
    pub scope: Scope,
    /// The whole rule.
    pub span: Span,
    /// The head.
    pub head_span: Span,
}

/// What a rule defines at the end of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// One value: [`Branch::value`]. With [`Rule::dynamic`] steps, one value per key.
    Single,
    /// An element of a set: [`Branch::value`] is the element (`contains`).
    Multi,
}

/// A body and the value it gives.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The value or set element. Calls in it are statements at the end of `body`.
    pub value: Term,
    /// The body, in a safe order.
    pub body: Body,
    /// Where.
    pub span: Span,
    /// The head, or `else` with its value.
    pub head_span: Span,
}

/// Statements that must all hold.
pub type Body = Vec<Expr>;

/// A statement.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Replacements that hold while it is evaluated, in source order.
    pub with: Vec<With>,
    /// The statement of the author that it comes from.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Neither undefined nor false.
    Term(Term),
    /// Unification. `:=`, `some .. in` and pattern parameters have become this.
    Unify(Term, Term),
    /// A call. Without `output` the result must be neither undefined nor false (relations and void: hold);
    /// with it the result is unified with the term. Arguments hold no calls.
    Call {
        /// What is called.
        callee: Callee,
        /// The arguments.
        args: Vec<Term>,
        /// What the result is unified with.
        output: Option<Term>,
    },
    /// Negation of a body: holds when the body has no solution.
    Not(Body),
    /// `every`: `domain` is a variable or ground reference; the body must hold for each element.
    Every {
        /// The key variable.
        key: Option<Var>,
        /// The value variable.
        value: Var,
        /// The collection.
        domain: Term,
        /// What must hold.
        body: Body,
    },
    /// `or`: holds once if one of the bodies has a solution; no bindings escape. (`and` is two statements,
    /// or a one-armed `or` where it must not branch.)
    Or(Vec<Body>),
}

/// What a call calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A builtin function, by name; operators among them.
    Builtin(String),
    /// A function defined by rules at this path (without `data`).
    Function(Vec<String>),
}

/// `with target as value`.
#[derive(Clone, Debug)]
pub struct With {
    /// What is replaced.
    pub target: WithTarget,
    /// What stands in its place.
    pub value: WithValue,
    /// From `with` to the end.
    pub span: Span,
}

/// What `with` replaces.
#[derive(Clone, Debug)]
pub enum WithTarget {
    /// `input.a.b`; an empty path is all of `input`.
    Input(Vec<Term>),
    /// `data.a.b`; an empty path is all of `data`.
    Data(Vec<Term>),
    /// A builtin or a user-defined function.
    Function(Callee),
}

/// What `with` puts in place.
#[derive(Clone, Debug)]
pub enum WithValue {
    /// A value.
    Term(Term),
    /// Another function (only for function targets).
    Function(Callee),
}

/// A term without calls.
#[derive(Clone, Debug)]
pub enum Term {
    /// A scalar.
    Const(Const),
    /// A local variable.
    Var(Var),
    /// A reference. Steps may hold unbound variables: then it iterates.
    Ref(Box<Ref>),
    /// `[a, b]`.
    Array(Vec<Term>),
    /// `{k: v}`.
    Object(Vec<(Term, Term)>),
    /// `{a, b}`.
    Set(Vec<Term>),
    /// A comprehension.
    Comprehension(Box<Comprehension>),
}

impl Term {
    /// The scalar, if it is one.
    pub fn as_const(&self) -> Option<&Const> {
        match self {
            Term::Const(scalar) => Some(scalar),
            _ => None,
        }
    }
}

/// A reference.
#[derive(Clone, Debug)]
pub struct Ref {
    /// Where it starts.
    pub head: RefHead,
    /// Its steps.
    pub steps: Vec<Term>,
    /// Where it stands in the source.
    pub span: Span,
}

/// Where a reference starts. (Calls, comprehensions and literals have been bound to a local.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefHead {
    /// `input`.
    Input,
    /// `data`.
    Data,
    /// A local variable.
    Var(Var),
}

/// A comprehension.
#[derive(Clone, Debug)]
pub struct Comprehension {
    /// What it builds.
    pub kind: ComprehensionKind,
    /// The body, in a safe order. Its variables live in the enclosing [`Scope`].
    pub body: Body,
}

/// What a comprehension builds from each solution.
#[derive(Clone, Debug)]
pub enum ComprehensionKind {
    /// An array element.
    Array(Term),
    /// A set element.
    Set(Term),
    /// A key and a value.
    Object(Term, Term),
}

/// A scalar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Const {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number as its decimal text.
    Number(String),
    /// A string.
    String(String),
}

/// A query: what `govc eval` and the REPL evaluate.
#[derive(Clone, Debug)]
pub struct Query {
    /// The body, in a safe order.
    pub body: Body,
    /// Its variables; the written ones are the bindings of each result.
    pub scope: Scope,
    /// For each expression as written: its text span, and the term whose value is shown
    /// (`true` for statements that only hold).
    pub expressions: Vec<(Span, Term)>,
}
