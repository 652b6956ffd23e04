//! Statements of a residual in a form that can become conditions over fields: what they call, and with what.

use crate::term::*;
use crate::text;
use govc_syntax::Span;
use govc_value::{View, json};

/// A statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// As OPA prints it.
    pub text: String,
    /// What it was written as.
    pub at: Option<Span>,
    /// `not` in front.
    pub negated: bool,
    /// It replaces documents or functions (`with`).
    pub replaces: bool,
    /// What it says.
    pub kind: StatementKind,
}

/// What a statement says.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// A term that must be neither undefined nor false.
    Term(Operand),
    /// A comparison, a unification, or another call.
    Call {
        /// OPA's name of the builtin, or the path of the function with `data`.
        operator: String,
        /// It is a function of the policies.
        function: bool,
        /// The operands; an output is the last of them.
        operands: Vec<Operand>,
    },
    /// `every`.
    Every,
    /// `not` over several statements, `and`, `or`.
    Nested,
}

/// A term.
#[derive(Clone, Debug)]
pub struct Operand {
    /// As OPA prints it.
    pub text: String,
    /// What it was written as.
    pub at: Option<Span>,
    /// What it is.
    pub kind: OperandKind,
}

/// What a term is.
#[derive(Clone, Debug)]
pub enum OperandKind {
    /// A reference: its head and its steps; a step that is no name is absent.
    Reference(Vec<Option<String>>),
    /// A variable.
    Variable,
    /// A scalar, as JSON.
    Scalar(String),
    /// A collection without variables and references, as JSON; a set is an array.
    Collection(String),
    /// A call.
    Call,
    /// Anything else.
    Other,
}

impl Statement {
    pub(crate) fn of(e: &Expr<'_>) -> Self {
        Self {
            text: text::expr(e),
            at: e.at,
            negated: e.negated,
            replaces: !e.with.is_empty(),
            kind: kind(e),
        }
    }
}

fn kind(e: &Expr<'_>) -> StatementKind {
    let operands = |terms: &[Term<'_>]| terms.iter().map(operand).collect();
    match &e.kind {
        ExprKind::Term(t) => StatementKind::Term(operand(t)),
        ExprKind::Unify(a, b) => StatementKind::Call {
            operator: "eq".to_owned(),
            function: false,
            operands: vec![operand(a), operand(b)],
        },
        ExprKind::Call(callee, args) => {
            let name = callee.text();
            StatementKind::Call {
                // What is compared OPA's compiler unifies.
                operator: if name == "equal" { "eq".to_owned() } else { name },
                function: matches!(callee, Callee::Function(_)),
                operands: operands(args),
            }
        }
        ExprKind::Every(_) => StatementKind::Every,
        ExprKind::Not { .. } | ExprKind::And(..) | ExprKind::Or(..) => StatementKind::Nested,
    }
}

fn operand(t: &Term<'_>) -> Operand {
    let kind = match &t.node {
        Node::Value(v) => match v.view() {
            View::Array(_) | View::Set(_) | View::Object(_) => OperandKind::Collection(json::to_string(*v)),
            _ => OperandKind::Scalar(json::to_string(*v)),
        },
        Node::Var(_) => OperandKind::Variable,
        Node::Ref(parts) => OperandKind::Reference(parts.iter().map(name).collect()),
        Node::Call(..) => OperandKind::Call,
        _ => OperandKind::Other,
    };
    Operand { text: text::term(t), at: t.at, kind }
}

fn name(step: &Term<'_>) -> Option<String> {
    let text = step.as_value().and_then(|value| value.as_str()).map(str::to_owned);
    text.or_else(|| step.as_var().map(|name| name.to_string()))
}
