//! Items to a module, with the checks that OPA's parser makes once a text has been read whole.

use crate::ast::*;
use crate::source::{FileId, Span};
use crate::{ParseOptions, RegoVersion};

use super::build::{Builder, Fault, Item, head_target, is_ground};
use super::{Items, message, metadata};

/// Assembles a module and says what is wrong with its statements.
pub(super) fn module(
    file: FileId,
    text: &str,
    options: &ParseOptions,
    items: Items,
    comments: Vec<Comment>,
) -> (Module, Vec<Fault>) {
    let version = if items.rego_v1 { RegoVersion::V1 } else { options.version };
    let mut assembly = Assembly {
        builder: Builder::new(file, text, &[], &[]),
        module: Module {
            version,
            package: None,
            imports: Vec::new(),
            rules: Vec::new(),
            comments: Vec::new(),
            annotations: Vec::new(),
            span: Span { file, start: 0, end: text.len() as u32 },
        },
        faults: Vec::new(),
        first: true,
    };
    let _ = items.not_bodies;
    for (item, span) in items.items {
        assembly.item(item, span);
    }
    assembly.finish(text, comments)
}

struct Assembly<'b> {
    builder: Builder<'b>,
    module: Module,
    faults: Vec<Fault>,
    first: bool,
}

impl Assembly<'_> {
    fn fault(&mut self, span: Span, message: impl Into<String>) {
        self.faults.push(Fault { span, message: message.into(), hint: None });
    }

    fn item(&mut self, item: Item, span: Span) {
        if self.first && !matches!(item, Item::Package(_)) {
            self.fault(span, "package expected");
        }
        let first = std::mem::take(&mut self.first);
        match item {
            Item::Package(package) if first || self.module.package.is_none() => {
                self.module.package = Some(package)
            }
            Item::Package(package) => self.fault(package.span, "unexpected package"),
            Item::Import(import) => self.module.imports.push(import),
            Item::Rule(rule) => self.rule(*rule),
            Item::Statements(list) => self.statements(list),
            Item::Error => {}
        }
    }

    fn rule(&mut self, rule: Rule) {
        self.module.rules.push(rule);
    }

    fn statements(&mut self, mut list: Vec<Literal>) {
        let Some(first) = list.first() else { return };
        let span = first.span;
        if list.len() > 1 {
            self.fault(span, "multiple expressions cannot be used for rule head");
            return;
        }
        let Some(literal) = list.pop() else { return };
        match as_rule(&mut self.builder, literal) {
            Ok(rule) => self.rule(rule),
            Err(why) => self.fault(span, why),
        }
    }

    fn finish(mut self, text: &str, comments: Vec<Comment>) -> (Module, Vec<Fault>) {
        if self.first {
            self.fault(Span { end: 0, ..self.module.span }, "empty module");
        }
        self.module.annotations = metadata::collect(text, &comments, &self.module);
        self.module.comments = comments;
        (self.module, self.faults)
    }
}

/// A statement at the top as a rule without a body, or why it cannot be one.
fn as_rule(builder: &mut Builder<'_>, literal: Literal) -> Result<Rule, String> {
    if !literal.with.is_empty() {
        return Err("expressions using with keyword cannot be used for rule head".to_owned());
    }
    let span = literal.span;
    refuse(&literal.kind)?;
    let head = builder.head(literal.kind, None, span.start, span.end);
    Ok(Rule { default: false, head, body: None, elses: Vec::new(), chained: Vec::new(), span })
}

/// Why a statement is no rule head.
fn refuse(kind: &LiteralKind) -> Result<(), String> {
    match kind {
        LiteralKind::Not(_) => Err("negated expressions cannot be used for rule head".to_owned()),
        LiteralKind::SomeDecl(_) | LiteralKind::SomeIn { .. } => {
            Err("'some' declarations cannot be used for rule head".to_owned())
        }
        LiteralKind::Term(term) => refuse_term(term),
        LiteralKind::Assign(lhs, _) | LiteralKind::Unify(lhs, _) => refuse_target(lhs),
        _ => Err("expression cannot be used for rule head".to_owned()),
    }
}

fn refuse_term(term: &Term) -> Result<(), String> {
    match &term.kind {
        TermKind::Paren(inner) => refuse_term(inner),
        TermKind::Ref { head, .. } if !matches!(head.kind, TermKind::Var(_)) => {
            Err("invalid rule head".to_owned())
        }
        TermKind::Ref { .. } => Ok(()),
        TermKind::Var(name) if name == "input" || name == "data" => {
            Err("refs cannot be used for rule head".to_owned())
        }
        TermKind::Binary { .. } | TermKind::MemberPair { .. } => {
            Err("rule name conflicts with built-in function".to_owned())
        }
        TermKind::Call { args, .. } if args.is_empty() => {
            Err("rule argument list must take at least one argument".to_owned())
        }
        TermKind::Call { .. } => {
            head_target(term.clone()).map(|_| ()).map_err(|_| "invalid rule head".to_owned())
        }
        kind => Err(format!("{} cannot be used for rule name", message::kind_name(kind))),
    }
}

fn refuse_target(lhs: &Term) -> Result<(), String> {
    match &lhs.kind {
        TermKind::Paren(inner) => refuse_target(inner),
        TermKind::Var(_) => Ok(()),
        TermKind::Ref { head, .. } if !matches!(head.kind, TermKind::Var(_)) => {
            Err("invalid rule head".to_owned())
        }
        TermKind::Ref { .. } => Ok(()),
        TermKind::Call { .. } => {
            head_target(lhs.clone()).map(|_| ()).map_err(|_| "invalid rule head".to_owned())
        }
        kind => Err(format!("{} cannot be used for rule name", message::kind_name(kind))),
    }
}

#[expect(dead_code, reason = "the head checks use it")]
fn ground(term: &Term) -> bool {
    is_ground(term)
}
