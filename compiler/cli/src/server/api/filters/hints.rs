//! Hints: a name that is nearly that of something unknown was likely meant to be it.

use crate::commands::explain::distance;
use crate::output::quote;
use crate::problem::Location;
use govc_syntax::Sources;
use govc_topdown::{Operand, OperandKind, Statement, StatementKind};
use std::collections::BTreeSet;

/// OPA's farthest name.
const FARTHEST: usize = 3;

/// A hint for each reference into the input that failed and is nearly an unknown one, as JSON.
pub(super) fn of(failed: &[Statement], unknowns: &[Vec<String>], sources: &Sources) -> Vec<String> {
    let known: Vec<&str> = unknowns.iter().filter_map(|path| path.get(1)).map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    let mut hints = Vec::new();
    for statement in failed {
        let Some((operand, name)) = input(statement) else { continue };
        if known.contains(&name) || !seen.insert(operand.text.clone()) {
            continue;
        }
        let Some(message) = message(operand, name, &known) else {
            seen.remove(&operand.text);
            continue;
        };
        let place = statement.at.map(|at| {
            let (row, col) = sources.position(at);
            let place = Location { file: sources.get(at.file).name.clone(), row, col };
            format!(",\"location\":{}", place.to_node().compact())
        });
        hints.push(format!("{{\"message\":{}{}}}", quote(&message), place.unwrap_or_default()));
    }
    hints
}

/// The last operand that refers into the input, and the first name in it.
fn input(statement: &Statement) -> Option<(&Operand, &str)> {
    let StatementKind::Call { operands, .. } = &statement.kind else { return None };
    operands.iter().rev().find_map(|operand| match &operand.kind {
        OperandKind::Reference(steps) => match steps.as_slice() {
            [Some(head), Some(name), ..] if head == "input" => Some((operand, name.as_str())),
            _ => None,
        },
        _ => None,
    })
}

fn message(operand: &Operand, name: &str, known: &[&str]) -> Option<String> {
    let near = known.iter().map(|known| distance(name, known)).filter(|far| *far <= FARTHEST).min()?;
    let mut nearest: Vec<&str> =
        known.iter().copied().filter(|known| distance(name, known) == near).collect();
    nearest.sort_unstable();
    let rest =
        operand.text.strip_prefix("input.").and_then(|text| text.strip_prefix(name)).unwrap_or_default();
    let meant: Vec<String> = nearest.iter().map(|known| format!("input.{known}{rest}")).collect();
    let text = &operand.text;
    Some(match meant.as_slice() {
        [one] => format!("{text} undefined, did you mean {one}?"),
        many => format!("{text} undefined, did you mean any of [{}]?", many.join(" ")),
    })
}
