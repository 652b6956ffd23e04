//! What evaluations step by step have in common: their bounds, the documents they read, and how their errors are told.

use crate::problem::{Location, Problem};
use crate::run;
use govc_syntax::{Sources, ast};
use govc_topdown::Error;
use govc_value::{Heap, Value, json};

/// Bytes that the documents and the evaluation may take.
pub(crate) const MEMORY: usize = 1 << 31;

/// Steps of an evaluation.
pub(crate) const FUEL: u64 = 500_000_000;

/// Reads a document into the heap of an evaluation.
pub(crate) fn document<'q>(heap: Heap<'q>, text: &[u8]) -> Result<Value<'q>, Vec<Problem>> {
    json::read(heap, text, &json::Limits::default()).map_err(|error| vec![Problem::plain(error.to_string())])
}

/// A reference of strings below `input` or `data`.
pub(crate) fn path(text: &str, sources: &Sources) -> Result<Vec<String>, Vec<Problem>> {
    let mut sources = sources.clone();
    let file = sources.add("", text);
    let parsed = govc_syntax::parse_query(file, text, &govc_syntax::ParseOptions::default());
    if !parsed.diagnostics.is_empty() {
        return Err(run::problems(&parsed.diagnostics, &sources));
    }
    let term = match parsed.tree.literals.as_slice() {
        [ast::Literal { kind: ast::LiteralKind::Term(term), .. }] => strings(term),
        _ => None,
    };
    term.ok_or_else(|| vec![Problem::plain(format!("`{text}` must be a reference without variables"))])
}

fn strings(term: &ast::Term) -> Option<Vec<String>> {
    match &term.kind {
        ast::TermKind::Var(name) => Some(vec![name.clone()]),
        ast::TermKind::Ref { head, steps } => {
            let mut out = strings(head)?;
            for step in steps {
                match &step.kind {
                    ast::StepKind::Field(name) => out.push(name.clone()),
                    ast::StepKind::Index(ast::Term { kind: ast::TermKind::String { value, .. }, .. }) => {
                        out.push(value.clone());
                    }
                    _ => return None,
                }
            }
            Some(out)
        }
        _ => None,
    }
}

/// Errors of evaluation in OPA's shape.
pub(crate) fn problems(errors: &[Error], sources: &Sources) -> Vec<Problem> {
    let one = |e: &Error| Problem {
        govc_code: if e.code.starts_with("govc_") { e.code.to_owned() } else { String::new() },
        code: e.code.to_owned(),
        message: e.message.clone(),
        location: e.at.map(|span| {
            let (row, col) = sources.position(span);
            Location { file: sources.get(span.file).name.clone(), row, col }
        }),
        ..Problem::default()
    };
    errors.iter().map(one).collect()
}
