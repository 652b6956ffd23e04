//! Rego source text to syntax trees and diagnostics. Knows nothing of meaning, values or files on disk.
//!
//! [`parse_module`] always returns a tree, however broken the text: a statement that cannot be read
//! becomes an error node and a diagnostic, and every other rule is still there.

pub mod ast;
mod complaint;
pub mod diagnostic;
pub mod format;
pub mod lex;
pub mod literal;
mod opa;
mod parse;
pub mod prepass;
pub mod source;

/// OPA's JSON form of a module.
pub mod opa_json {
    pub use crate::opa::json::{Annotation, JsonOptions, parse, to_json};
}

pub use ast::RegoVersion;
pub use diagnostic::{Diagnostic, Reported, Severity};
pub use opa::places;
pub use source::{FileId, Source, Sources, Span};

/// How a text is read.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    /// The language when the text does not say `import rego.v1`.
    pub version: RegoVersion,
    /// The text must be v0 and v1 at once: it is read as v0, and its rules must be as v1 wants them.
    pub both: bool,
    /// Future keywords that are on without an import (`and`, `or`, `not`).
    pub keywords: Vec<String>,
}

/// What parsing gives: a tree, whatever the text, and what was wrong with it.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// The tree; parts that could not be read are error nodes or missing.
    pub tree: T,
    /// What OPA would say, in source order; empty if and only if the text is accepted.
    pub diagnostics: Vec<Diagnostic>,
    /// What else is wrong, found after recovery: for editors, beside `diagnostics`.
    pub further: Vec<Diagnostic>,
}

/// Parses one module. The text must be one of `sources`, so that spans can be shown.
pub fn parse_module(file: FileId, text: &str, options: &ParseOptions) -> Parsed<ast::Module> {
    parse::module(file, text, options)
}

/// Parses a query, as given to `govc eval`: a body without braces.
pub fn parse_query(file: FileId, text: &str, options: &ParseOptions) -> Parsed<ast::Body> {
    parse::query(file, text, options)
}
