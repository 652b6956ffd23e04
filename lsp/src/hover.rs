//! Hover: what a name is, with its type and what its author says about it.

use crate::definition::{absolute, definitions, rules_at};
use crate::locate::name_at;
use crate::workspace::{File, Snapshot};
use govc_stdlib::Builtin;
use govc_syntax::Span;
use govc_syntax::ast::AnnotationTarget;

/// A card with Markdown text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Markdown.
    pub text: String,
    /// The name that it explains.
    pub span: Span,
}

/// The card for the name at an offset of a file.
pub fn hover(snapshot: &Snapshot, file: &str, offset: u32) -> Option<Card> {
    let file = snapshot.file(file)?;
    let name = name_at(&file.module, offset)?;
    let called = name.path.join(".");
    if let Some(builtin) = govc_stdlib::lookup(&called) {
        return Some(Card { text: builtin_card(builtin), span: name.span });
    }
    if let Some(declared) = snapshot.builtins().host.get(&called) {
        return Some(Card { text: declared_card(&called, &declared.ty.to_string()), span: name.span });
    }
    let path = absolute(file, &name.path);
    let is_local =
        definitions(snapshot, &file.name, offset).iter().any(|p| p.file == file.name && name.path.len() == 1)
            && rules_at(snapshot, &path).is_empty();
    if is_local || name.path.first().is_some_and(|n| n == "input") {
        return Some(Card { text: plain_card(&name.path), span: name.span });
    }
    rule_card(snapshot, &path).map(|text| Card { text, span: name.span })
}

fn builtin_card(builtin: &Builtin) -> String {
    let args: Vec<String> = builtin.args.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
    let result = builtin.result.map(|r| format!(" -> {r}")).unwrap_or_default();
    format!("```\n{}({}){result}\n```\n\n{}", builtin.name, args.join(", "), builtin.doc)
}

/// A builtin of the host. OPA writes types in words.
fn declared_card(name: &str, ty: &str) -> String {
    format!("```\n{name}: {ty}\n```\n\nA builtin of the host.")
}

fn plain_card(path: &[String]) -> String {
    format!("```rego\n{}\n```", path.join("."))
}

fn rule_card(snapshot: &Snapshot, path: &[String]) -> Option<String> {
    let places = rules_at(snapshot, path);
    let first = places.first()?;
    let file = snapshot.file(&first.file)?;
    let heads: Vec<String> =
        places.iter().filter_map(|p| head_text(snapshot.file(&p.file)?, p.span)).collect();
    let mut text = format!("```rego\n{}\n```\n\n`data.{}`", heads.join("\n"), path.join("."));
    if let Some(about) = annotation(file, first.span) {
        text.push_str("\n\n");
        text.push_str(&about);
    }
    Some(text)
}

fn head_text(file: &File, name: Span) -> Option<String> {
    let rule = file.module.rules.iter().find(|r| r.head.name.span == name)?;
    let text = file.document.text().get(rule.head.span.start as usize..rule.head.span.end as usize)?;
    Some(text.trim_end().to_owned())
}

/// Title and description of the metadata block before a rule.
fn annotation(file: &File, name: Span) -> Option<String> {
    let rule = file.module.rules.iter().position(|r| r.head.name.span == name)?;
    let block = file.module.annotations.iter().find(|a| a.target == AnnotationTarget::Rule(rule))?;
    let lines: Vec<String> =
        ["title", "description"].iter().filter_map(|key| scalar(&block.yaml, key)).collect();
    (!lines.is_empty()).then(|| lines.join("\n\n"))
}

fn scalar(yaml: &str, key: &str) -> Option<String> {
    let line = yaml.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))?;
    let text = line.trim().trim_matches(['"', '\'']);
    (!text.is_empty() && !matches!(text, "|" | ">" | "|-" | ">-")).then(|| text.to_owned())
}
