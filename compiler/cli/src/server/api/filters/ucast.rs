//! Conditions as UCAST: a tree of JSON.

use super::condition::{Condition, Value};
use crate::output::quote;

/// The tree as JSON; an empty object where every row is let through.
pub(super) fn write(condition: Option<&Condition>) -> String {
    condition.map_or_else(|| "{}".to_owned(), node)
}

fn node(condition: &Condition) -> String {
    match condition {
        Condition::And(all) => compound("and", all),
        Condition::Or(any) => compound("or", any),
        Condition::Not(inner) => compound("not", std::slice::from_ref(inner)),
        Condition::Field(field, operator, value) => {
            let value = match value {
                Value::Field(other) => format!("{{\"field\":{}}}", quote(other)),
                Value::Given(given) => given.json(),
            };
            let (field, operator) = (quote(field), quote(operator));
            format!("{{\"field\":{field},\"operator\":{operator},\"type\":\"field\",\"value\":{value}}}")
        }
    }
}

fn compound(operator: &str, parts: &[Condition]) -> String {
    let parts: Vec<String> = parts.iter().map(node).collect();
    format!("{{\"operator\":\"{operator}\",\"type\":\"compound\",\"value\":[{}]}}", parts.join(","))
}
