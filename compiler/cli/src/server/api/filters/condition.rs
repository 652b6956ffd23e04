//! Conditions over fields: what all targets are written from.

use super::names::Names;
use govc_engine::documents::Document;
use govc_topdown::{Operand, OperandKind, Statement, StatementKind};
use std::sync::Arc;

/// A condition.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// A field, OPA's name of the comparison, and what it is compared with.
    Field(String, &'static str, Value),
}

/// What a field is compared with.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Field(String),
    Given(Arc<Document>),
}

/// The condition that holds when one of the queries does; nothing where one of them holds always.
///
/// # Errors
/// A statement that has been let through and says nothing about fields; better no filter than a wider one.
pub(super) fn of_queries(queries: &[Vec<Statement>], names: &Names<'_>) -> Result<Option<Condition>, String> {
    let mut any = Vec::with_capacity(queries.len());
    for query in queries {
        let all = query.iter().map(|s| of_statement(s, names)).collect::<Result<Vec<_>, _>>()?;
        match one_or(all, Condition::And) {
            None => return Ok(None),
            Some(condition) => any.push(condition),
        }
    }
    Ok(one_or(any, Condition::Or))
}

fn one_or(mut all: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Option<Condition> {
    match all.len() {
        0 | 1 => all.pop(),
        _ => Some(many(all)),
    }
}

fn of_statement(s: &Statement, names: &Names<'_>) -> Result<Condition, String> {
    let wrong = || format!("no condition for {}", s.text);
    let StatementKind::Call { operator, operands, .. } = &s.kind else { return Err(wrong()) };
    let [a, b] = operands.as_slice() else { return Err(wrong()) };
    let (field, other, turned) = match (&a.kind, &b.kind) {
        (OperandKind::Reference(steps), _) => (steps, b, false),
        (_, OperandKind::Reference(steps)) => (steps, a, true),
        _ => return Err(wrong()),
    };
    let operator = named(operator, turned).ok_or_else(wrong)?;
    let field = names.field(field).ok_or_else(wrong)?;
    let (operator, value) = match (operator, value(other, names).ok_or_else(wrong)?) {
        // A variable is any value: the field is there.
        ("eq", None) => ("ne", Value::Given(Arc::new(Document::Null))),
        (_, None) => return Err(wrong()),
        (operator, Some(value)) => (operator, value),
    };
    let condition = Condition::Field(field, operator, value);
    Ok(if s.negated { Condition::Not(Box::new(condition)) } else { condition })
}

/// The name of a comparison in conditions, where the field may stand on the right.
fn named(operator: &str, turned: bool) -> Option<&'static str> {
    Some(match (operator, turned) {
        ("eq", _) => "eq",
        ("neq", _) => "ne",
        ("lt", false) | ("gt", true) => "lt",
        ("lte", false) | ("gte", true) => "lte",
        ("gt", false) | ("lt", true) => "gt",
        ("gte", false) | ("lte", true) => "gte",
        ("startswith", false) => "startswith",
        ("endswith", false) => "endswith",
        ("contains", false) => "contains",
        ("internal.member_2", false) => "in",
        _ => return None,
    })
}

/// What an operand is; inside, nothing for a variable.
#[expect(clippy::option_option, reason = "no value is not any value")]
fn value(operand: &Operand, names: &Names<'_>) -> Option<Option<Value>> {
    match &operand.kind {
        OperandKind::Reference(steps) => names.field(steps).map(|field| Some(Value::Field(field))),
        OperandKind::Variable => Some(None),
        OperandKind::Scalar(json) | OperandKind::Collection(json) => {
            Document::read(json.as_bytes()).ok().map(|given| Some(Value::Given(given)))
        }
        OperandKind::Call | OperandKind::Other => None,
    }
}
