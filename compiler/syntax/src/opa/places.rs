//! The places of a module that can be covered by an evaluation.

use super::visit::{self, Node};
use super::{Loc, Rule, Terms, module};
use crate::{FileId, Span, ast};

/// The heads of rules (with `else`) and the statements that OPA's coverage report knows, nested ones among them;
/// declarations with `some` are none. In source order.
pub fn places(file: FileId, text: &str, tree: &ast::Module) -> Vec<Span> {
    let module = module(text, tree);
    let mut found = Vec::new();
    for rule in &module.rules {
        heads(rule, &mut found);
    }
    visit::rules(&module, &mut |node| match node {
        Node::Expr(expr) if !matches!(expr.terms, Terms::Some(_)) => found.push(expr.loc),
        Node::Expr(_) | Node::Term(_) => {}
    });
    let mut spans: Vec<Span> =
        found.iter().filter(|loc| !loc.generated).map(|loc| span(file, *loc)).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

fn heads(rule: &Rule, found: &mut Vec<Loc>) {
    let mut next = Some(rule);
    while let Some(rule) = next {
        found.push(rule.head.loc);
        next = rule.otherwise.as_deref();
    }
}

/// OPA counts the text of a place from the row and column of its first token, wherever the text began.
fn span(file: FileId, loc: Loc) -> Span {
    Span { file, start: loc.offset, end: loc.offset + loc.end.saturating_sub(loc.start) }
}
