//! `# METADATA` blocks: found among the comments, kept as YAML text, attached to what they precede.

use crate::ast::{AnnotationTarget, Annotations, Comment, Module};
use crate::source::Span;

/// Finds all blocks. A block is a run of comments in column 0 on successive lines, the first of which
/// begins with `METADATA`.
pub(crate) fn collect(text: &str, comments: &[Comment], module: &Module) -> Vec<Annotations> {
    let mut blocks = Vec::new();
    let mut i = 0;
    while i < comments.len() {
        if !opens(text, &comments[i]) {
            i += 1;
            continue;
        }
        let first = i;
        i += 1;
        while i < comments.len() && continues(text, &comments[i - 1], &comments[i]) {
            i += 1;
        }
        blocks.push(block(&comments[first..i], module));
    }
    blocks
}

fn in_column_zero(text: &str, span: Span) -> bool {
    span.start == 0 || text.as_bytes()[span.start as usize - 1] == b'\n'
}

fn opens(text: &str, comment: &Comment) -> bool {
    comment.text.trim().starts_with("METADATA") && in_column_zero(text, comment.span)
}

fn continues(text: &str, previous: &Comment, comment: &Comment) -> bool {
    let between = &text[previous.span.end as usize..comment.span.start as usize];
    in_column_zero(text, comment.span) && between.trim_start_matches('\r') == "\n" && !opens(text, comment)
}

fn block(comments: &[Comment], module: &Module) -> Annotations {
    let mut yaml = String::new();
    for comment in &comments[1..] {
        yaml.push_str(comment.text.strip_prefix(' ').unwrap_or(&comment.text));
        yaml.push('\n');
    }
    let span = comments[0].span.to(comments[comments.len() - 1].span);
    Annotations { yaml, span, target: target(span, module) }
}

/// The first statement after the block.
fn target(span: Span, module: &Module) -> AnnotationTarget {
    let package = module.package.as_ref().map(|p| p.span.start).filter(|&s| s > span.start);
    let import = module.imports.iter().map(|i| i.span.start).find(|&s| s > span.start);
    let at = module.rules.partition_point(|r| r.span.start < span.start);
    let rule = module.rules.get(at).map(|r| r.span.start);
    let first = [package, import, rule].into_iter().flatten().min();
    match first {
        Some(s) if Some(s) == package => AnnotationTarget::Package,
        Some(s) if Some(s) == rule => AnnotationTarget::Rule(at),
        _ => AnnotationTarget::None,
    }
}
