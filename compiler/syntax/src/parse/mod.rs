//! Text to tree: strictly first, as OPA reads it; if that fails once more, tolerantly, for the tree.
//!
//! The surprising fact: items are parsed one by one from slices of one token vector, so an error can
//! never reach beyond the item that holds it, and the strict pass knows nothing of recovery.

mod backtrack;
pub(crate) mod build;
mod builtins;
mod check;
mod head;
mod message;
mod metadata;

use lalrpop_util::lalrpop_mod;

use crate::ast::*;
use crate::lex::{Lexed, lex};
use crate::prepass::{PrepassOptions, Prepassed, Tok, Token, prepass};
use crate::source::{FileId, Span};
use crate::{Diagnostic, ParseOptions, Parsed};

use build::{Builder, Fault, Item};

lalrpop_mod!(
    #[allow(
        clippy::all,
        clippy::unwrap_used,
        missing_docs,
        unused,
        unreachable_pub,
        unused_qualifications,
        reason = "generated"
    )]
    grammar
);

/// The items of a text with what was wrong in them.
struct Items {
    items: Vec<(Item, Span)>,
    faults: Vec<Fault>,
    rego_v1: bool,
}

pub(crate) fn module(file: FileId, text: &str, options: &ParseOptions) -> Parsed<Module> {
    let strict = read(file, text, options, false);
    let comments = strict.1.comments;
    let mut diagnostics = Vec::new();
    let mut strict_tree = None;
    if strict.0.faults.is_empty() {
        let (tree, faults) = check::module(file, text, options, strict.0, comments);
        if faults.is_empty() {
            return Parsed { tree, diagnostics, further: Vec::new() };
        }
        diagnostics.extend(faults.into_iter().map(diagnostic));
        strict_tree = Some(tree);
    } else {
        diagnostics.extend(strict.0.faults.into_iter().take(1).map(diagnostic));
    }
    let (tolerant, lexed) = read(file, text, options, true);
    let mut further = self::diagnostics(tolerant.faults.clone());
    further.retain(|d| diagnostics.iter().all(|first| first.span.start != d.span.start));
    let (tree, _) = check::module(file, text, options, tolerant, lexed.comments);
    // Where all statements were well-formed, the tolerant tree must be worth its guesses.
    match strict_tree {
        Some(strict) if strict.rules.len() > tree.rules.len() => {
            Parsed { tree: strict, diagnostics, further: Vec::new() }
        }
        _ => Parsed { tree, diagnostics, further },
    }
}

fn diagnostics(faults: impl IntoIterator<Item = Fault>) -> Vec<Diagnostic> {
    faults.into_iter().map(diagnostic).collect()
}

fn diagnostic(fault: Fault) -> Diagnostic {
    let message = match &fault.hint {
        Some(hint) => format!("{} (hint: {hint})", fault.message),
        None => fault.message,
    };
    Diagnostic::error("govc_parse", "rego_parse_error", fault.span, message)
}

fn read(file: FileId, text: &str, options: &ParseOptions, tolerant: bool) -> (Items, Lexed) {
    let lexed = lex(file, text, tolerant);
    let pre = prepass(text, &lexed.tokens, prepass_options(options, false, tolerant));
    let items = items(file, text, options, &lexed, &pre, tolerant);
    (items, lexed)
}

fn prepass_options(options: &ParseOptions, query: bool, tolerant: bool) -> PrepassOptions<'_> {
    PrepassOptions { version: options.version, keywords: &options.keywords, query, tolerant }
}

fn items(
    file: FileId,
    text: &str,
    options: &ParseOptions,
    lexed: &Lexed,
    pre: &Prepassed,
    tolerant: bool,
) -> Items {
    let mut builder = Builder::new(file, text, &pre.tokens, &pre.faults).for_version(options.version);
    let mut items = Vec::new();
    let mut start = 0;
    let ends = pre.splits.iter().copied().chain([pre.tokens.len()]);
    for end in ends {
        let tokens = &pre.tokens[start..end];
        start = (end + 1).min(pre.tokens.len());
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { continue };
        let span = builder.span(first.start, last.end);
        if tolerant {
            pieces(&mut builder, tokens, &mut items);
            continue;
        }
        items.push((item(&mut builder, tokens), span));
        if stop(&mut builder, lexed, pre, tokens) {
            break;
        }
    }
    let faults = if tolerant { with_lexical(builder, lexed, pre) } else { builder.faults };
    Items { items, faults, rego_v1: pre.rego_v1 }
}

/// The most pieces into which a broken item is cut, and the most cuts that are tried for each.
const MAX_PIECES: usize = 16;

/// Reads an item that may be broken. What stands before the line of the first complaint, or before an
/// earlier line, is often a whole item, and the rest belongs to one that lost its beginning.
fn pieces(builder: &mut Builder<'_>, mut tokens: &[Token], items: &mut Vec<(Item, Span)>) {
    for _ in 0..MAX_PIECES {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
        let before = builder.faults.len();
        let whole = item(builder, tokens);
        let Some(complaint) = builder.faults.get(before).map(|f| f.span.start) else {
            return items.push((whole, builder.span(first.start, last.end)));
        };
        let found = builder.faults.split_off(before);
        let cuts = builder.line_cuts(tokens, complaint).into_iter().rev().take(MAX_PIECES);
        let Some((head, cut)) =
            cuts.filter_map(|cut| Some((whole_item(builder, &tokens[..cut])?, cut))).next()
        else {
            builder.faults.extend(found);
            return items.push((whole, builder.span(first.start, last.end)));
        };
        items.push((head, builder.span(first.start, tokens[cut - 1].end)));
        tokens = &tokens[cut..];
    }
}

/// An item, if nothing is wrong with it.
fn whole_item(builder: &mut Builder<'_>, tokens: &[Token]) -> Option<Item> {
    let before = builder.faults.len();
    let head = item(builder, tokens);
    let whole = builder.faults.len() == before;
    builder.faults.truncate(before);
    whole.then_some(head)
}

/// Whether something is wrong in an item or its tokens; then only the first complaint is kept, where
/// OPA would have it.
fn stop(builder: &mut Builder<'_>, lexed: &Lexed, pre: &Prepassed, tokens: &[Token]) -> bool {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return false };
    let stray = |at: u32| at < last.end.max(first.start);
    let lexical = pre.faults.iter().any(|&(at, _)| stray(at)) || lexed.stray.iter().any(|&(at, _)| stray(at));
    if !lexical && pre.too_deep.is_none() && builder.faults.is_empty() {
        return false;
    }
    let found = std::mem::take(&mut builder.faults);
    let lexical = with_lexical_of(builder, Vec::new(), lexed, pre).into_iter().next();
    builder.faults = first_for_opa(builder, found, lexical, tokens).into_iter().collect();
    true
}

/// The complaint that OPA makes first: in the order of detection, not of places, and where OPA makes it.
fn first_for_opa(
    builder: &Builder<'_>,
    found: Vec<Fault>,
    lexical: Option<Fault>,
    tokens: &[Token],
) -> Option<Fault> {
    let syntax = found.iter().find(|f| f.backs_out).cloned();
    let syntax = match (syntax, lexical) {
        (Some(s), Some(l)) if s.span.start < l.span.start => Some(s),
        (s, l) => l.or(s),
    };
    let placed = syntax.clone().map(|s| builder.placed_as_opa(s, tokens));
    let semantic = found.into_iter().next().filter(|f| !f.backs_out);
    match (semantic, placed) {
        // A complaint before the place that OPA goes back to stands; a later one is forgotten.
        (Some(a), Some(b))
            if a.span.start < b.span.start && syntax.is_none_or(|s| a.span.start < s.span.start) =>
        {
            Some(a)
        }
        (a, b) => b.or(a),
    }
}

fn item(builder: &mut Builder<'_>, tokens: &[Token]) -> Item {
    builder.begin(tokens);
    let stream = tokens.iter().map(|t| Ok((t.start, t.kind, t.end)));
    match grammar::ItemParser::new().parse(builder, stream) {
        Ok(item) => item,
        Err(error) => {
            builder.syntax_error(error);
            Item::Error
        }
    }
}

/// The complaints of the parser with those of the lexer and the nesting limit, by place.
fn with_lexical(mut builder: Builder<'_>, lexed: &Lexed, pre: &Prepassed) -> Vec<Fault> {
    let faults = std::mem::take(&mut builder.faults);
    builder.begin(&[]);
    with_lexical_of(&builder, faults, lexed, pre)
}

fn with_lexical_of(builder: &Builder<'_>, found: Vec<Fault>, lexed: &Lexed, pre: &Prepassed) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for &(at, fault) in &pre.faults {
        let end = lexed.tokens.partition_point(|t| t.start < at);
        let end = lexed.tokens.get(end).map_or(at, |t| t.end);
        faults.push(builder.lex_fault(at, end, fault));
    }
    for &(at, fault) in &lexed.stray {
        faults.push(builder.lex_fault(at, at + 1, fault));
    }
    if let Some(at) = pre.too_deep {
        faults.push(Fault {
            span: builder.span(at, at + 1),
            message: "max parsing recursion depth exceeded".to_owned(),
            hint: None,
            backs_out: false,
        });
    }
    faults.retain(|f| found.iter().all(|other| other.span.start != f.span.start));
    faults.extend(found);
    faults.sort_by_key(|f| f.span.start);
    faults
}

pub(crate) fn query(file: FileId, text: &str, options: &ParseOptions) -> Parsed<Body> {
    let lexed = lex(file, text, false);
    let pre = prepass(text, &lexed.tokens, prepass_options(options, true, false));
    let mut builder = Builder::new(file, text, &pre.tokens, &pre.faults).for_version(options.version);
    let stream = pre.tokens.iter().map(|t| Ok((t.start, t.kind, t.end)));
    let literals = if pre.tokens.iter().all(|t| t.kind == Tok::Sep) {
        Vec::new()
    } else {
        match grammar::QueryParser::new().parse(&mut builder, stream) {
            Ok(literals) => literals,
            Err(error) => {
                builder.syntax_error(error);
                Vec::new()
            }
        }
    };
    let tree = builder.body(0, literals, text.len() as u32);
    let faults = with_lexical(builder, &lexed, &pre);
    Parsed { tree, diagnostics: diagnostics(faults.into_iter().take(1)), further: Vec::new() }
}
