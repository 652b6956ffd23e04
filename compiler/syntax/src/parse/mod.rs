//! Text to tree: strictly first, as OPA reads it; if that fails once more, tolerantly, for the tree.
//!
//! The surprising fact: items are parsed one by one from slices of one token vector, so an error can
//! never reach beyond the item that holds it, and the strict pass knows nothing of recovery.

pub(crate) mod build;
mod builtins;
mod check;
mod head;
mod message;
mod metadata;

use lalrpop_util::lalrpop_mod;

use crate::ast::*;
use crate::complaint::{self, Complaint, Refusal};
use crate::lex::{Lexed, lex};
use crate::prepass::{PrepassOptions, Prepassed, Tok, Token, prepass};
use crate::source::{FileId, Span};
use crate::{Diagnostic, ParseOptions, Parsed};

use build::{Builder, Fault, Item};
pub(crate) use check::{is_v0_keyword, is_v1_keyword};
pub(crate) use message::illegal_ref;

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
    let (items, lexed) = read(file, text, options, false);
    let complaints = |well_formed| complaints(file, text, options, &lexed, well_formed);
    let mut strict_tree = None;
    let diagnostics = if items.faults.is_empty() {
        let (tree, faults) = check::module(file, text, options, items, lexed.comments.clone());
        if faults.is_empty() {
            return Parsed { tree, diagnostics: Vec::new(), further: Vec::new() };
        }
        strict_tree = Some(tree);
        complaints(true).unwrap_or_else(|| self::diagnostics(faults))
    } else {
        let ours = || self::diagnostics(items.faults.into_iter().take(1));
        complaints(false).unwrap_or_else(ours)
    };
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

/// What OPA says about a text that we refuse; nothing where its way through the text tells us no more than ours.
fn complaints(
    file: FileId,
    text: &str,
    options: &ParseOptions,
    lexed: &Lexed,
    well_formed: bool,
) -> Option<Vec<Diagnostic>> {
    if !lexed.stray.is_empty() {
        return None;
    }
    let Refusal { complaints, of_text } = complaint::of_module(text, options);
    // Where all statements are well-formed, we know more of what they may not say.
    (!complaints.is_empty() && (of_text || !well_formed)).then(|| complained(file, complaints))
}

fn complained(file: FileId, complaints: Vec<Complaint>) -> Vec<Diagnostic> {
    let diagnostic = |c: Complaint| {
        let span = Span { file, start: c.at as u32, end: c.end as u32 };
        Diagnostic::error("govc_parse", "rego_parse_error", span, c.message)
    };
    complaints.into_iter().map(diagnostic).collect()
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

/// Whether something is wrong in an item or its tokens; then only the first complaint is kept.
fn stop(builder: &mut Builder<'_>, lexed: &Lexed, pre: &Prepassed, tokens: &[Token]) -> bool {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return false };
    let stray = |at: u32| at < last.end.max(first.start);
    let lexical = pre.faults.iter().any(|&(at, _)| stray(at)) || lexed.stray.iter().any(|&(at, _)| stray(at));
    if !lexical && pre.too_deep.is_none() && builder.faults.is_empty() {
        return false;
    }
    let found = std::mem::take(&mut builder.faults);
    builder.faults = with_lexical_of(builder, found, lexed, pre).into_iter().take(1).collect();
    true
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
    let mut diagnostics = diagnostics(faults.into_iter().take(1));
    if !diagnostics.is_empty() && lexed.stray.is_empty() {
        let theirs = complaint::of_query(text, options);
        if !theirs.is_empty() {
            diagnostics = complained(file, theirs);
            // Both readings of a query may stop at one place; that is one error.
            diagnostics.dedup();
        }
    }
    Parsed { tree, diagnostics, further: Vec::new() }
}
