//! Solutions of a query: the values of its expressions and the bindings of its variables, still as JSON text.

use crate::output::Node;
use crate::problem::Problem;
use govc_syntax::{Sources, Span};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// An expression of the query as written.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    /// Its text.
    pub(crate) text: String,
    row: usize,
    col: usize,
}

impl Expression {
    /// The expression at a span of the query.
    pub(crate) fn new(span: Span, sources: &Sources) -> Self {
        let (row, col) = sources.position(span);
        Self { text: sources.slice(span).to_owned(), row, col }
    }
}

/// One solution.
#[derive(Clone, Debug)]
pub(crate) struct Solution {
    /// Values of the expressions, with what they are values of.
    pub(crate) expressions: Vec<(Expression, Box<RawValue>)>,
    /// Values of the variables.
    pub(crate) bindings: BTreeMap<String, Box<RawValue>>,
}

impl Solution {
    /// Reads what the plan of a query adds to its result: `[[values], {bindings}]`.
    pub(crate) fn read(json: &str, expressions: &[Expression]) -> Result<Self, Problem> {
        let defect = |error: serde_json::Error| Problem::coded("govc_internal_error", error.to_string());
        let (values, bindings): (Vec<Box<RawValue>>, BTreeMap<String, Box<RawValue>>) =
            serde_json::from_str(json).map_err(defect)?;
        Ok(Self { expressions: expressions.iter().cloned().zip(values).collect(), bindings })
    }

    /// OPA's object of one result.
    pub(crate) fn to_node(&self) -> Node {
        let expressions =
            self.expressions.iter().map(|(expression, value)| expression_node(expression, value));
        let mut object = vec![("expressions".to_owned(), Node::Array(expressions.collect()))];
        if !self.bindings.is_empty() {
            object.push(("bindings".to_owned(), self.bindings()));
        }
        Node::Object(object)
    }

    /// `[value, ..]`.
    pub(crate) fn values(&self) -> Node {
        Node::Array(self.expressions.iter().map(|(_, value)| raw(value)).collect())
    }

    /// `{variable: value, ..}`.
    pub(crate) fn bindings(&self) -> Node {
        Node::Object(self.bindings.iter().map(|(name, value)| (name.clone(), raw(value))).collect())
    }

    /// Values for scripts: strings without quotes, separated by blanks.
    pub(crate) fn raw(&self) -> String {
        let shown = self.expressions.iter().map(|(_, value)| {
            serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

fn raw(value: &RawValue) -> Node {
    Node::Raw(value.get().to_owned())
}

fn expression_node(expression: &Expression, value: &RawValue) -> Node {
    let place = vec![
        ("row".to_owned(), Node::int(expression.row as i64)),
        ("col".to_owned(), Node::int(expression.col as i64)),
    ];
    Node::Object(vec![
        ("value".to_owned(), raw(value)),
        ("text".to_owned(), Node::string(&expression.text)),
        ("location".to_owned(), Node::Object(place)),
    ])
}

/// An error of the evaluation as OPA tells it to people: in the place of row and column stands the expression.
pub(crate) fn for_people(problem: &Problem, expressions: &[Expression]) -> Problem {
    let place = problem.location.as_ref().filter(|place| place.file.is_empty());
    let before = |expression: &&Expression| {
        place.is_some_and(|place| (expression.row, expression.col) <= (place.row, place.col))
    };
    match expressions.iter().rfind(before) {
        Some(expression) if problem.code.starts_with("eval_") => {
            Problem::plain(format!("{}: {}: {}", expression.text, problem.code, problem.message))
        }
        _ => problem.clone(),
    }
}
