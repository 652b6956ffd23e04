//! Document symbols: the outline of a file.

use crate::definition::head_path;
use crate::workspace::File;
use govc_syntax::Span;
use govc_syntax::ast::Rule;

/// An entry of the outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The rule's name, with its parameters' number as `name/2` for functions.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name_span: Span,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// The package.
    Package,
    /// A rule with one value.
    Rule,
    /// A rule with a set of values.
    Set,
    /// A function.
    Function,
    /// A test.
    Test,
}

/// The outline of a file: its package, then its rules in source order.
pub fn symbols(file: &File) -> Vec<Symbol> {
    let package = file.module.package.iter().map(|p| Symbol {
        name: p.path.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join("."),
        kind: SymbolKind::Package,
        span: p.span,
        name_span: p.span,
    });
    package.chain(file.module.rules.iter().map(rule_symbol)).collect()
}

fn rule_symbol(rule: &Rule) -> Symbol {
    let path = head_path(&rule.head).join(".");
    let kind = kind(rule, &path);
    let name = match &rule.head.args {
        Some(args) => format!("{path}/{}", args.len()),
        None => path,
    };
    Symbol { name, kind, span: rule.span, name_span: rule.head.name.span }
}

fn kind(rule: &Rule, path: &str) -> SymbolKind {
    if rule.head.args.is_some() {
        SymbolKind::Function
    } else if path.starts_with("test_") || path.starts_with("todo_test_") {
        SymbolKind::Test
    } else if rule.head.contains.is_some() {
        SymbolKind::Set
    } else {
        SymbolKind::Rule
    }
}
