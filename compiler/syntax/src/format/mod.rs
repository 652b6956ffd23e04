//! The formatter: what `opa fmt` prints, byte for byte where we know how.
//!
//! It prints OPA's tree ([`crate::opa`]), not ours, because OPA's layout follows from the rows that OPA's
//! parser ascribes to nodes. The surprising fact: where a comment stands inside a term that would be
//! joined to one line, OPA gives up on the term and prints its text as it was written; [`Stop`] carries
//! that decision outwards.

mod expr;
mod imports;
mod migrate;
mod rule;
mod term;
mod writer;

use crate::RegoVersion;
use crate::opa::{self, Expr, Module, Rule, Terms, Value};
use crate::{FileId, ParseOptions, parse_module};

use writer::{Style, Writer};

/// Which language to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatTarget {
    /// v1, as `opa fmt` does.
    #[default]
    V1,
    /// v0, as `opa fmt --v0-compatible` does.
    V0,
    /// v0 text to text that is v0 and v1 at once, as `opa fmt --v0-v1` does.
    V0ToV1,
}

impl FormatTarget {
    /// The language in which the text is read.
    pub fn reads(self) -> RegoVersion {
        match self {
            Self::V1 => RegoVersion::V1,
            Self::V0 | Self::V0ToV1 => RegoVersion::V0,
        }
    }
}

/// How to format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatOptions {
    /// The language to write, and with it the language that is read.
    pub target: FormatTarget,
    /// Leaves out imports of `rego.v1` and of keywords that v1 has without them.
    pub drop_v0_imports: bool,
}

/// Why a text cannot be formatted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FormatError {
    /// The text does not parse, or holds what v1 does not know; what OPA would say.
    Parse(Vec<crate::Diagnostic>),
    /// The text cannot be laid out; a message.
    Layout(String),
}

impl std::fmt::Display for FormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parse(diagnostics) => match diagnostics.first() {
                Some(first) => f.write_str(&first.message),
                None => f.write_str("the text does not parse"),
            },
            Self::Layout(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for FormatError {}

/// Formats a module. A v0 text may use names that are keywords to what was written; whether the result parses
/// is the caller's question.
///
/// # Errors
/// Where the text does not parse, or where the layout fails.
///
/// ```
/// use govc_syntax::format::{FormatOptions, format_source};
///
/// let text = "package a\nallow if{ input.x==1 }\n";
/// let formatted = format_source(text, FormatOptions::default()).unwrap();
/// assert_eq!(formatted, "package a\n\nallow if input.x == 1\n");
/// ```
pub fn format_source(text: &str, options: FormatOptions) -> Result<String, FormatError> {
    let parse = ParseOptions { version: options.target.reads(), ..ParseOptions::default() };
    let parsed = parse_module(FileId(0), text, &parse);
    if !parsed.diagnostics.is_empty() {
        return Err(FormatError::Parse(parsed.diagnostics));
    }
    let mut module = opa::module(text, &parsed.tree);
    if options.target != FormatTarget::V0 {
        let findings = migrate::check(&module);
        if !findings.is_empty() {
            return Err(FormatError::Parse(findings));
        }
    }
    let style = style(&module, options.target);
    imports::settle(&mut module, options);
    let mut writer = Writer::new(text, style, std::mem::take(&mut module.comments));
    writer.module(&module).map_err(FormatError::Layout)?;
    Ok(writer.finish())
}

/// What the module's imports and heads say about how to write rules.
fn style(module: &Module, target: FormatTarget) -> Style {
    let mut style = Style::default();
    if target != FormatTarget::V0 {
        (style.v1, style.ifs, style.contains) = (true, true, true);
    }
    for import in &module.imports {
        let names = imports::names(import);
        match names[..] {
            ["rego", "v1"] | ["future", "keywords"] => (style.contains, style.ifs) = (true, true),
            ["future", "keywords", word] => {
                style.contains |= word == "contains";
                style.ifs |= word == "if";
                style.keywords.push(word.to_owned());
            }
            _ => {}
        }
    }
    style.ref_heads = module.rules.iter().any(|r| {
        let len = r.head.reference.len();
        len > 2 || (len == 2 && r.head.key.is_some() && r.head.value.is_none())
    });
    style
}

/// Whether a body is the one that OPA gives to constants.
fn is_constant_body(rule: &Rule) -> bool {
    let [Expr { terms: Terms::Term(term), negated: false, with, .. }] = &rule.body[..] else { return false };
    with.is_empty() && term.value == Value::Bool(true) && rule.otherwise.is_none()
}
