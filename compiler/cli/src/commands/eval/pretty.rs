//! The pretty format: one value as JSON, anything else as a table.

use super::answer::Solution;
use crate::output;
use crate::table;
use serde_json::value::RawValue;

/// The text for all solutions; values longer than `limit` characters are cut.
pub(crate) fn text(solutions: &[Solution], limit: usize) -> String {
    match solutions {
        [] => "undefined\n".to_owned(),
        [one] if one.bindings.is_empty() && (one.expressions.len() == 1 || all_boolean(one)) => {
            let first = one.expressions.first().map_or("null", |(_, value)| value.get());
            format!("{}\n", output::indent(first))
        }
        many => rows_of(many, limit),
    }
}

fn all_boolean(solution: &Solution) -> bool {
    solution.expressions.iter().all(|(_, value)| matches!(value.get(), "true" | "false"))
}

/// A column: a variable, or an expression by position.
enum Column {
    Variable(String),
    Expression(usize),
}

/// Expressions (where there are variables, only those whose first value is no Boolean), then variables.
fn columns(solutions: &[Solution]) -> Vec<Column> {
    let Some(first) = solutions.first() else { return Vec::new() };
    let told = |i: usize| first.expressions.get(i).is_some_and(|(_, v)| !matches!(v.get(), "true" | "false"));
    let expressions = (0..first.expressions.len()).filter(|&i| first.bindings.is_empty() || told(i));
    let variables = first.bindings.keys().map(|name| Column::Variable(name.clone()));
    expressions.map(Column::Expression).chain(variables).collect()
}

fn rows_of(solutions: &[Solution], limit: usize) -> String {
    let columns = columns(solutions);
    let header: Vec<String> = columns.iter().map(|c| title(c, &solutions[0])).collect();
    let rows: Vec<Vec<String>> =
        solutions.iter().map(|s| columns.iter().map(|c| cut(cell(c, s), limit)).collect()).collect();
    table::draw(&header, &rows)
}

fn title(column: &Column, solution: &Solution) -> String {
    match column {
        Column::Variable(name) => name.clone(),
        Column::Expression(i) => {
            solution.expressions.get(*i).map_or_else(String::new, |(e, _)| e.text.clone())
        }
    }
}

fn cell(column: &Column, solution: &Solution) -> String {
    let value: Option<&RawValue> = match column {
        Column::Variable(name) => solution.bindings.get(name).map(|v| &**v),
        Column::Expression(i) => solution.expressions.get(*i).map(|(_, v)| &**v),
    };
    value.map_or_else(String::new, |v| v.get().to_owned())
}

fn cut(text: String, limit: usize) -> String {
    if limit == 0 || text.chars().count() <= limit {
        return text;
    }
    text.chars().take(limit).chain("...".chars()).collect()
}
