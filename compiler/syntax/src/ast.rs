//! The faithful syntax tree: what the author wrote, with a span on every node.
//!
//! Nothing is resolved here: `x` may be a local, a rule, an import or `input`. The formatter and the
//! editor work on this tree; everything that asks for meaning works on the HIR of `govc-compile`.

use crate::source::Span;

/// Which language a module is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RegoVersion {
    /// Rego before OPA 1.0: `if` and `contains` are optional, future keywords need an import.
    V0,
    /// Rego of OPA 1.0 and later.
    #[default]
    V1,
}

/// An identifier with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The name as written.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// One source file.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// The language, after `import rego.v1` has had its say.
    pub version: RegoVersion,
    /// `package a.b`; absent only when the file is broken.
    pub package: Option<Package>,
    /// Imports in source order.
    pub imports: Vec<Import>,
    /// Rules in source order.
    pub rules: Vec<Rule>,
    /// All comments in source order.
    pub comments: Vec<Comment>,
    /// `# METADATA` blocks in source order.
    pub annotations: Vec<Annotations>,
    /// The whole file.
    pub span: Span,
}

impl Module {
    /// The path of the package without `data`; empty where there is none.
    pub fn package_path(&self) -> Vec<String> {
        self.package.iter().flat_map(|package| &package.path).map(|part| part.name.clone()).collect()
    }
}

/// `package a.b["c"]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Path without the leading `data`.
    pub path: Vec<Ident>,
    /// From `package` to the end of the path.
    pub span: Span,
}

/// `import data.a.b as c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The imported path; the first element is `data`, `input`, `rego` or `future`.
    pub path: Vec<Ident>,
    /// The name given by `as`.
    pub alias: Option<Ident>,
    /// From `import` to the end.
    pub span: Span,
}

/// A comment: from `#` to before the line end.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// Text after `#`.
    pub text: String,
    /// Where, with the `#`.
    pub span: Span,
}

/// A `# METADATA` block, still as YAML text.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotations {
    /// The YAML lines with comment markers removed.
    pub yaml: String,
    /// The whole block.
    pub span: Span,
    /// What the block precedes.
    pub target: AnnotationTarget,
}

/// What a `# METADATA` block precedes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnotationTarget {
    /// The package statement.
    Package,
    /// The rule with this index in [`Module::rules`].
    Rule(usize),
    /// Nothing it could be attached to.
    None,
}

/// A rule as written: head, body, `else` branches, and v0's chained bodies.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `default` in front.
    pub default: bool,
    /// The head.
    pub head: Head,
    /// The body; absent for constant rules.
    pub body: Option<Body>,
    /// `else` branches in order.
    pub elses: Vec<Else>,
    /// Further bodies of `p { .. } { .. }`: each is a rule of its own with the same head.
    pub chained: Vec<Body>,
    /// The whole rule.
    pub span: Span,
}

/// `p.q[x]`, `f(a, b) := v`, `p contains x`, `p[k] := v`.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The name and its bracketed or dotted steps; never contains a call.
    pub name: Ident,
    /// Steps after the name.
    pub steps: Vec<Step>,
    /// Parameters, if this is a function.
    pub args: Option<Vec<Term>>,
    /// The element after `contains`, if this is a multi-value rule.
    pub contains: Option<Term>,
    /// The value with its operator.
    pub value: Option<(HeadOp, Term)>,
    /// `if` stands before the body.
    pub has_if: bool,
    /// The head alone.
    pub span: Span,
}

/// The operator before a head's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadOp {
    /// `:=`
    Assign,
    /// `=`
    Unify,
}

/// `else := v if { .. }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Else {
    /// The value; `true` where absent.
    pub value: Option<(HeadOp, Term)>,
    /// The body; absent means always.
    pub body: Option<Body>,
    /// `if` stands before the body.
    pub has_if: bool,
    /// From `else` to the end.
    pub span: Span,
}

/// A query: literals that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The literals in source order.
    pub literals: Vec<Literal>,
    /// Braces stand around it.
    pub braced: bool,
    /// With the braces.
    pub span: Span,
}

/// One statement of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it says.
    pub kind: LiteralKind,
    /// `with` modifiers.
    pub with: Vec<With>,
    /// The whole statement with its modifiers.
    pub span: Span,
}

/// `some x in xs`, `some k, v in xs`.
#[derive(Clone, Debug, PartialEq)]
pub struct SomeIn {
    /// The pattern of the key.
    pub key: Option<Term>,
    /// The pattern of the value.
    pub value: Term,
    /// The collection.
    pub domain: Term,
}

/// `every k, v in xs { .. }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Every {
    /// The key variable.
    pub key: Option<Ident>,
    /// The value variable.
    pub value: Ident,
    /// The collection.
    pub domain: Term,
    /// What must hold for each element.
    pub body: Body,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralKind {
    /// `some x, y`.
    SomeDecl(Vec<Ident>),
    /// `some x in xs`, `some k, v in xs`. Boxed, as the parser moves statements often and these are rare.
    SomeIn(Box<SomeIn>),
    /// `every k, v in xs { .. }`.
    Every(Box<Every>),
    /// `not e`.
    Not(Box<Literal>),
    /// `not { .. }` (`future.keywords.not`).
    NotBody(Body),
    /// `a := b`.
    Assign(Term, Term),
    /// `a = b`.
    Unify(Term, Term),
    /// A term that must be neither undefined nor false.
    Term(Term),
    /// `a and b` (`future.keywords.and`): each operand is a body of one literal, or braced.
    And(Box<Body>, Box<Body>),
    /// `a or b` (`future.keywords.or`).
    Or(Box<Body>, Box<Body>),
    /// `( .. )` around `and`/`or` operands.
    Group(Box<Literal>),
    /// Where the parser recovered; a diagnostic exists.
    Error,
}

/// `with target as value`.
#[derive(Clone, Debug, PartialEq)]
pub struct With {
    /// A reference or the name of a function.
    pub target: Term,
    /// What stands in its place.
    pub value: Term,
    /// From `with` to the end.
    pub span: Span,
}

/// A term with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What it is.
    pub kind: TermKind,
    /// Where.
    pub span: Span,
}

/// The kinds of terms.
#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number as written, with its sign if `-` touches it where a term may begin.
    Number(String),
    /// A string, unescaped.
    String {
        /// The value.
        value: String,
        /// Written with backquotes.
        raw: bool,
    },
    /// `$"a {x} b"`.
    Template {
        /// Texts (unescaped) and expressions in order.
        parts: Vec<TemplatePart>,
        /// Written with backquotes.
        raw: bool,
    },
    /// A name that is not followed by a step; `_` is a name too.
    Var(String),
    /// `head.a[b]`: at least one step.
    Ref {
        /// What the steps start at: a variable, call, comprehension or literal.
        head: Box<Term>,
        /// The steps.
        steps: Vec<Step>,
    },
    /// `f(a, b)`; `function` is a [`TermKind::Var`] or [`TermKind::Ref`].
    Call {
        /// The function.
        function: Box<Term>,
        /// The arguments.
        args: Vec<Term>,
    },
    /// `a + b`, `a == b`, `a in b`, ...
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        lhs: Box<Term>,
        /// Right operand.
        rhs: Box<Term>,
    },
    /// `k, v in xs`.
    MemberPair {
        /// The key.
        key: Box<Term>,
        /// The value.
        value: Box<Term>,
        /// The collection.
        domain: Box<Term>,
    },
    /// `( .. )`.
    Paren(Box<Term>),
    /// `[a, b]`.
    Array(Vec<Term>),
    /// `{k: v}`.
    Object(Vec<(Term, Term)>),
    /// `{a, b}` or `set()`.
    Set(Vec<Term>),
    /// `[t | body]`.
    ArrayComprehension(Box<Term>, Body),
    /// `{t | body}`.
    SetComprehension(Box<Term>, Body),
    /// `{k: v | body}`.
    ObjectComprehension(Box<Term>, Box<Term>, Body),
    /// Where the parser recovered; a diagnostic exists.
    Error,
}

/// A piece of a template string.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text, unescaped.
    Text(String, Span),
    /// `{expr}`: one statement, which a check restricts to a term with `with` modifiers.
    Expr(Box<Literal>),
}

/// One step of a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is looked up.
    pub kind: StepKind,
    /// From the dot or bracket to the end.
    pub span: Span,
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// `.name`.
    Field(String),
    /// `[term]`.
    Index(Term),
    /// `.` with nothing after it, in a broken file.
    Missing,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `&`
    And,
    /// `|`
    Or,
    /// `in`
    In,
}

impl BinaryOp {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::And => "&",
            Self::Or => "|",
            Self::In => "in",
        }
    }

    /// The builtin that the operator calls.
    pub fn builtin(self) -> &'static str {
        match self {
            Self::Eq => "equal",
            Self::Ne => "neq",
            Self::Lt => "lt",
            Self::Le => "lte",
            Self::Gt => "gt",
            Self::Ge => "gte",
            Self::Add => "plus",
            Self::Sub => "minus",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Rem => "rem",
            Self::And => "and",
            Self::Or => "or",
            Self::In => "internal.member_2",
        }
    }
}
