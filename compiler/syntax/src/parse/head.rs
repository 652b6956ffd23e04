//! What OPA's parser says about rule heads, default rules and imports while it reads them.

use crate::RegoVersion;
use crate::ast::*;
use crate::source::Span;

use super::build::{Builder, is_ground};
use super::{check, message};

/// The keywords that `import future.keywords.x` may name.
const FUTURE: [&str; 7] = ["and", "contains", "every", "if", "in", "not", "or"];

impl Builder<'_> {
    /// `else` stands after rules with one value only.
    pub(super) fn check_else(&mut self, head: &Head, first: &Else) {
        let at = self.span(first.span.start, first.span.start + 4);
        let variable = |s: &Step| matches!(&s.kind, StepKind::Index(t) if !is_ground(t));
        if head.steps.iter().any(variable) {
            self.fault(at, "else keyword cannot be used on rules with variables in head");
        } else if head.contains.is_some() || (!head.has_if && head.args.is_none() && head.steps.len() == 1) {
            self.fault(at, "else keyword cannot be used on multi-value rules");
        }
    }

    /// A default rule has a value, which is known before any evaluation, and plain parameters.
    pub(super) fn check_default(&mut self, span: Span, head: &Head) {
        let no_value = head.contains.is_some()
            || (head.steps.len() == 1 && head.args.as_ref().is_none_or(Vec::is_empty));
        let Some((_, value)) = &head.value else {
            if no_value {
                self.fault(span, "illegal default rule (must have a value)");
            }
            return;
        };
        if let Some(name) = reaches_out(value) {
            return self.fault(span, format!("illegal default rule (value cannot contain {name})"));
        }
        let mut seen: Vec<&str> = Vec::new();
        for arg in head.args.iter().flatten() {
            match &arg.kind {
                TermKind::Var(name) if name != "_" && seen.contains(&name.as_str()) => {
                    return self
                        .fault(span, format!("illegal default rule (arguments cannot be repeated {name})"));
                }
                TermKind::Var(name) => seen.push(name),
                kind => {
                    let name = message::kind_name(kind);
                    return self
                        .fault(span, format!("illegal default rule (arguments cannot contain {name})"));
                }
            }
        }
    }

    /// The path begins with a known root, and its last name can be used without an alias.
    pub(super) fn check_import(&mut self, path: &[Ident], alias: Option<&Ident>, version: RegoVersion) {
        if let Some(alias) = alias.filter(|a| check::is_root(&a.name)) {
            self.fault(alias.span, "unexpected identifier token: expected var");
        }
        let (Some(first), Some(last)) = (path.first(), path.last()) else { return };
        let names: Vec<&str> = path.iter().map(|i| i.name.as_str()).collect();
        let span = first.span.to(last.span);
        match names[0] {
            "data" | "input" => self.check_import_name(last, path.len(), alias, version),
            "future" => self.check_future(span, &names, alias),
            "rego" => {
                self.check_import_name(last, path.len(), alias, version);
                self.check_rego(span, &names, alias, version);
            }
            other => self.hinted(
                span,
                format!("unexpected import path, must begin with one of: {{data, future, input, rego}}, got: {other}"),
                "if this is unexpected, try updating OPA",
            ),
        }
    }

    fn check_import_name(&mut self, last: &Ident, len: usize, alias: Option<&Ident>, version: RegoVersion) {
        let keyword = match version {
            RegoVersion::V0 => check::is_v0_keyword(&last.name),
            RegoVersion::V1 => check::is_v1_keyword(&last.name),
        };
        if alias.is_none() && len > 1 && keyword {
            let message = format!("unexpected import path, must not end with a keyword, got: {}", last.name);
            self.hinted(last.span, message, "import a different path or use an alias");
        }
    }

    fn check_future(&mut self, span: Span, names: &[&str], alias: Option<&Ident>) {
        if names.get(1) != Some(&"keywords") {
            self.fault(span, "invalid import, must be `future.keywords`");
        } else if alias.is_some() {
            self.fault(span, "`future` imports cannot be aliased");
        } else if names.len() == 3 && !FUTURE.contains(&names[2]) {
            self.fault(span, format!("unexpected keyword, must be one of [{}]", FUTURE.join(" ")));
        }
    }

    fn check_rego(&mut self, span: Span, names: &[&str], alias: Option<&Ident>, version: RegoVersion) {
        if names != ["rego", "v1"] {
            self.fault(span, format!("invalid import `{}`, must be `rego.v1`", names.join(".")));
        } else if alias.is_some() && version == RegoVersion::V0 {
            self.fault(span, "`rego` imports cannot be aliased");
        }
    }
}

/// OPA's name of the first part of a value that evaluation would have to find out.
fn reaches_out(term: &Term) -> Option<&'static str> {
    match &term.kind {
        TermKind::Var(name) if name == "input" || name == "data" => Some("ref"),
        TermKind::Var(_) => Some("var"),
        TermKind::Ref { .. } => Some("ref"),
        TermKind::Call { .. } | TermKind::Binary { .. } | TermKind::MemberPair { .. } => Some("call"),
        TermKind::Paren(inner) => reaches_out(inner),
        TermKind::Array(items) | TermKind::Set(items) => items.iter().find_map(reaches_out),
        TermKind::Object(members) => {
            members.iter().find_map(|(k, v)| reaches_out(k).or_else(|| reaches_out(v)))
        }
        TermKind::Template { parts, .. } => parts.iter().find_map(|p| match p {
            TemplatePart::Expr(e) => match &e.kind {
                LiteralKind::Term(t) => reaches_out(t),
                _ => None,
            },
            TemplatePart::Text(..) => None,
        }),
        _ => None,
    }
}
