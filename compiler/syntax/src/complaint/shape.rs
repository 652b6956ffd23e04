//! What the walk keeps of what it has read: as much as later complaints ask for.

use std::rc::Rc;

/// A term, with the byte at which OPA has it begin.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) kind: Rc<Kind>,
    pub(super) at: usize,
}

/// What a term is.
#[derive(Debug)]
pub(super) enum Kind {
    /// `null`, a boolean or a number, by OPA's name.
    Scalar(&'static str),
    /// A string with its text, as it is written.
    String(String),
    /// A template string.
    Template,
    /// A variable.
    Var(String),
    /// A head and what follows it; a name after a dot is a string.
    Ref(Vec<Term>),
    /// A function and its arguments; infix operators have the name of their function.
    Call { name: String, infix: bool, args: Vec<Term>, target: Option<Term> },
    /// An array.
    Array(Vec<Term>),
    /// A set.
    Set(Vec<Term>),
    /// Keys and values.
    Object(Vec<Term>),
    /// A comprehension, by OPA's name.
    Comprehension(&'static str),
}

impl Term {
    pub(super) fn new(kind: Kind, at: usize) -> Self {
        Self { kind: Rc::new(kind), at }
    }

    /// OPA's name of the kind.
    pub(super) fn name(&self) -> &'static str {
        match &*self.kind {
            Kind::Scalar(name) | Kind::Comprehension(name) => name,
            Kind::String(_) => "string",
            Kind::Template => "templatestring",
            Kind::Var(_) => "var",
            Kind::Ref(_) => "ref",
            Kind::Call { .. } => "call",
            Kind::Array(_) => "array",
            Kind::Set(_) => "set",
            Kind::Object(_) => "object",
        }
    }

    pub(super) fn is_var(&self) -> bool {
        matches!(*self.kind, Kind::Var(_))
    }

    pub(super) fn is_ref(&self) -> bool {
        matches!(*self.kind, Kind::Ref(_))
    }

    /// Whether it holds no variable.
    pub(super) fn is_ground(&self) -> bool {
        match &*self.kind {
            Kind::Scalar(_) | Kind::String(_) => true,
            Kind::Var(_) | Kind::Comprehension(_) | Kind::Template => false,
            Kind::Ref(parts) => parts.iter().skip(1).all(Self::is_ground),
            Kind::Call { args: all, .. } | Kind::Array(all) | Kind::Set(all) | Kind::Object(all) => {
                all.iter().all(Self::is_ground)
            }
        }
    }

    /// The kinds of what the value of a default rule may not be made of, in the order in which they stand.
    pub(super) fn not_constant(&self, found: &mut Vec<&'static str>) {
        match &*self.kind {
            Kind::Var(_) | Kind::Ref(_) | Kind::Call { .. } => found.push(self.name()),
            Kind::Array(all) | Kind::Set(all) | Kind::Object(all) => {
                all.iter().for_each(|t| t.not_constant(found));
            }
            _ => {}
        }
    }

    /// The value that a leading brace opens: the first operand of infix operators.
    pub(super) fn led_by(&self) -> &Self {
        match &*self.kind {
            Kind::Call { infix: true, args, .. } => args.first().map_or(self, Self::led_by),
            _ => self,
        }
    }
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) kind: ExprKind,
    pub(super) negated: bool,
    pub(super) with: bool,
    pub(super) at: usize,
    pub(super) end: usize,
}

/// What a statement says.
#[derive(Clone, Debug)]
pub(super) enum ExprKind {
    /// A term that is no call.
    Term(Term),
    /// A call, or an infix operator.
    Call(Term),
    /// `=`
    Unify,
    /// `:=`
    Assign,
    /// `some`
    Some,
    /// `every`
    Every,
    /// `not`, as a statement that holds another one.
    Not,
    /// `and` or `or`
    Logical,
}

impl Expr {
    pub(super) fn new(kind: ExprKind, at: usize, end: usize) -> Self {
        Self { kind, negated: false, with: false, at, end }
    }

    /// The whole statement, where it is one term.
    pub(super) fn term(&self) -> Option<&Term> {
        match &self.kind {
            ExprKind::Term(term) => Some(term),
            _ => None,
        }
    }
}
