//! `rego.metadata.rule()` and `rego.metadata.chain()` become literals: what they show is known here.

use crate::annotations::AnnotationSet;
use crate::annotations::Place;
use crate::hir::Const;
use crate::lower::tree::*;
use crate::lower::walk;
use govc_syntax::Span;
use serde_json::Value;

const CHAIN: &str = "rego.metadata.chain";
const RULE: &str = "rego.metadata.rule";

/// Replaces the calls in the bodies of a branch, and in those of the comprehensions in its value.
pub(crate) fn rewrite(set: &AnnotationSet, place: &Place, branch: &mut Branch) {
    let mut rewrite = |body: &mut Body| body.iter_mut().for_each(|e| rewrite_call(set, place, e));
    walk::rewrite_bodies(&mut branch.body, &mut rewrite);
    walk::rewrite_closures(&mut branch.value, &mut rewrite);
}

fn rewrite_call(set: &AnnotationSet, place: &Place, e: &mut Expr) {
    let ExprKind::Call(call) = &mut e.kind else { return };
    let Target::Builtin(name) = &call.op.target else { return };
    let value = match &**name {
        CHAIN => set.chain(place),
        RULE => set.rule(place),
        _ => return,
    };
    let literal = literal(&value, e.span);
    e.generated = true;
    e.kind = match call.args.pop() {
        Some(output) => ExprKind::Unify(output, literal),
        None => ExprKind::Term(literal),
    };
}

/// A JSON value as a term.
fn literal(value: &Value, span: Span) -> Term {
    let kind = match value {
        Value::Null => TermKind::Const(Const::Null),
        Value::Bool(b) => TermKind::Const(Const::Bool(*b)),
        Value::Number(n) => TermKind::Const(Const::Number(n.to_string())),
        Value::String(s) => TermKind::Const(Const::String(s.clone())),
        Value::Array(items) => TermKind::Array(items.iter().map(|i| literal(i, span)).collect()),
        Value::Object(map) => TermKind::Object(
            map.iter().map(|(k, v)| (Term::string(k.clone(), span), literal(v, span))).collect(),
        ),
    };
    Term { kind, span }
}
