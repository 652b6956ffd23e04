//! METADATA blocks with their meaning: scopes, schemas, and what `rego.metadata` sees of them.
//!
//! A block belongs to the first statement after it, however far away that is.

mod set;
mod yaml;

pub(crate) use set::{AnnotationSet, Place};

use govc_syntax::ast::{AnnotationTarget, Annotations as Block, Comment};
use govc_syntax::{Diagnostic, FileId, ParseOptions, Span, ast, parse_query};
use serde_json::{Map, Value};

/// What a block describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One rule.
    Rule,
    /// All rules at the path of a rule.
    Document,
    /// The package.
    Package,
    /// The package and all below it.
    Subpackages,
}

impl Scope {
    /// OPA's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Document => "document",
            Self::Package => "package",
            Self::Subpackages => "subpackages",
        }
    }
}

/// A `schemas` entry: the document at a path has a schema, by name or written out.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaAnnotation {
    /// `input` or `data`, then the steps.
    pub path: Vec<String>,
    /// The schema's name, `schema` first.
    pub schema: Option<Vec<String>>,
    /// The schema itself.
    pub definition: Option<Value>,
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// What it describes.
    pub scope: Scope,
    /// All fields as `rego.metadata` shows them.
    pub value: Value,
    /// Its `schemas`.
    pub schemas: Vec<SchemaAnnotation>,
    /// The rule it precedes, by position in its module's tree; absent: the package.
    pub rule: Option<usize>,
    /// The block.
    pub span: Span,
}

/// Reads the blocks of a module.
pub fn read_module(module: &ast::Module) -> (Vec<Annotation>, Vec<Diagnostic>) {
    let error = |(span, message)| Diagnostic::error("govc_metadata", "rego_parse_error", span, message);
    let mut raw = Vec::new();
    let mut found = Vec::new();
    for block in &module.annotations {
        match read(block, &module.comments) {
            Ok(map) => raw.push((block, map)),
            Err(problem) => found.push(error(problem)),
        }
    }
    let mut out = Vec::new();
    // What a block says is only looked at where all blocks are YAML.
    for (block, map) in raw.iter().filter(|_| found.is_empty()).collect::<Vec<_>>() {
        match annotation(block, map) {
            Ok(annotation) => out.push(annotation),
            Err(message) => found.push(error((block.span, message))),
        }
    }
    (out, found)
}

type Outcome<T> = Result<T, String>;

fn read(block: &Block, comments: &[Comment]) -> Result<Map<String, Value>, (Span, String)> {
    if block.yaml.trim().is_empty() {
        return Err((block.span, "expected METADATA block, found whitespace".to_owned()));
    }
    match yaml::read(&block.yaml) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => {
            let message = "yaml: unmarshal errors:\n  line 1: cannot unmarshal into ast.rawAnnotation";
            Err((line_of(block, comments, 0), message.to_owned()))
        }
        Err((line, message)) => Err((line_of(block, comments, line.saturating_sub(1)), message)),
    }
}

/// The comment with a line of a block's YAML, or its last one.
fn line_of(block: &Block, comments: &[Comment], line: usize) -> Span {
    let inside = |c: &&Comment| block.span.start < c.span.start && c.span.end <= block.span.end;
    let lines: Vec<Span> = comments.iter().filter(inside).map(|c| c.span).collect();
    lines.get(line).or(lines.last()).copied().unwrap_or(block.span)
}

fn annotation(block: &Block, raw: &Map<String, Value>) -> Outcome<Annotation> {
    let mut value = Map::new();
    let entrypoint = raw.get("entrypoint").and_then(Value::as_bool).unwrap_or(false);
    let schemas = list(raw, "schemas").iter().map(schema).collect::<Outcome<Vec<_>>>()?;
    let scope = scope(block, raw, entrypoint)?;
    value.insert("scope".to_owned(), scope.name().into());
    for key in ["title", "description"] {
        if let Some(text) = raw.get(key).and_then(text_of).filter(|t| !t.is_empty()) {
            value.insert(key.to_owned(), text.into());
        }
    }
    if entrypoint {
        value.insert("entrypoint".to_owned(), true.into());
    }
    let organizations = list(raw, "organizations").iter().filter_map(text_of).map(Value::from).collect();
    add_list(&mut value, "organizations", organizations);
    let related = list(raw, "related_resources").iter().map(related_resource).collect::<Outcome<_>>()?;
    add_list(&mut value, "related_resources", related);
    let authors = list(raw, "authors").iter().map(author).collect::<Outcome<_>>()?;
    add_list(&mut value, "authors", authors);
    add_list(&mut value, "schemas", schemas.iter().map(shown_schema).collect());
    for key in ["custom", "labels"] {
        if let Some(Value::Object(map)) =
            raw.get(key).filter(|v| v.as_object().is_some_and(|m| !m.is_empty()))
        {
            value.insert(key.to_owned(), Value::Object(map.clone()));
        }
    }
    let rule = match block.target {
        AnnotationTarget::Rule(at) => Some(at),
        _ => None,
    };
    Ok(Annotation { scope, value: Value::Object(value), schemas, rule, span: block.span })
}

fn list<'v>(raw: &'v Map<String, Value>, key: &str) -> &'v [Value] {
    raw.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn add_list(value: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        value.insert(key.to_owned(), Value::Array(items));
    }
}

/// A field of text that YAML may have read as something else.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

fn scope(block: &Block, raw: &Map<String, Value>, entrypoint: bool) -> Outcome<Scope> {
    let written = raw.get("scope").and_then(Value::as_str).unwrap_or_default();
    let scope = match (written, block.target) {
        ("", AnnotationTarget::Rule(_)) if entrypoint => Scope::Document,
        ("", AnnotationTarget::Rule(_)) | ("rule", _) => Scope::Rule,
        ("", AnnotationTarget::Package) | ("package", _) => Scope::Package,
        ("document", _) => Scope::Document,
        ("subpackages", _) => Scope::Subpackages,
        (other, _) => {
            let other = if other.is_empty() { "import" } else { other };
            return Err(format!(
                "invalid annotation scope '{other}'. \
                 Use one of 'rule', 'document', 'package', or 'subpackages'"
            ));
        }
    };
    attached(scope, block.target)?;
    if entrypoint && !matches!(scope, Scope::Document | Scope::Package) {
        let name = scope.name();
        return Err(format!("annotation entrypoint applied to non-document or package scope '{name}'"));
    }
    Ok(scope)
}

fn attached(scope: Scope, target: AnnotationTarget) -> Outcome<()> {
    let wanted = match scope {
        Scope::Rule | Scope::Document => "rule",
        Scope::Package | Scope::Subpackages => "package",
    };
    let found = match target {
        AnnotationTarget::Rule(_) => "rule",
        AnnotationTarget::Package => "package",
        AnnotationTarget::None => "import",
    };
    if wanted == found {
        return Ok(());
    }
    Err(format!("annotation scope '{}' must be applied to {wanted} (have {found})", scope.name()))
}

fn related_resource(value: &Value) -> Outcome<Value> {
    let mut out = Map::new();
    let problem = |why: &str| Err(format!("invalid related-resource definition {value}: {why}"));
    match value {
        Value::String(url) if url.is_empty() => return problem("ref URL may not be empty string"),
        Value::String(url) => {
            out.insert("ref".to_owned(), url.clone().into());
        }
        Value::Object(map) => {
            let field = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default().trim();
            if field("ref").is_empty() {
                return problem("'ref' value required in object");
            }
            out.insert("ref".to_owned(), field("ref").into());
            if !field("description").is_empty() {
                out.insert("description".to_owned(), field("description").into());
            }
        }
        _ => return problem("invalid value type, must be string or map"),
    }
    Ok(Value::Object(out))
}

fn author(value: &Value) -> Outcome<Value> {
    let problem = |why: &str| Err(format!("invalid author definition {value}: {why}"));
    let (name, email) = match value {
        Value::String(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let Some((last, first)) = words.split_last() else {
                return problem("author is an empty string");
            };
            match last.strip_prefix('<').and_then(|t| t.strip_suffix('>')) {
                Some(email) => (first.join(" "), email.to_owned()),
                None => (words.join(" "), String::new()),
            }
        }
        Value::Object(map) => {
            let field = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default().trim();
            (field("name").to_owned(), field("email").to_owned())
        }
        _ => return problem("invalid value type, must be string or map"),
    };
    let mut out = Map::new();
    for (key, text) in [("name", name), ("email", email)] {
        if !text.is_empty() {
            out.insert(key.to_owned(), text.into());
        }
    }
    if out.is_empty() {
        return problem("'name' and/or 'email' values required in object");
    }
    Ok(Value::Object(out))
}

fn schema(value: &Value) -> Outcome<SchemaAnnotation> {
    let pair = value.as_object().and_then(|map| map.iter().next());
    let Some((key, value)) = pair else { return Err("invalid document reference".to_owned()) };
    let path = reference(key).ok_or("invalid document reference")?;
    match value {
        Value::String(name) => {
            let schema = reference(name).filter(|r| r.first().is_some_and(|h| h == "schema"));
            let schema = schema.ok_or("invalid schema reference")?;
            Ok(SchemaAnnotation { path, schema: Some(schema), definition: None })
        }
        Value::Object(_) => Ok(SchemaAnnotation { path, schema: None, definition: Some(value.clone()) }),
        _ => Err(format!("invalid schema declaration for path {key:?}")),
    }
}

fn shown_schema(schema: &SchemaAnnotation) -> Value {
    let mut out = Map::new();
    out.insert("path".to_owned(), schema.path.clone().into());
    if let Some(name) = &schema.schema {
        out.insert("schema".to_owned(), name.clone().into());
    }
    if let Some(definition) = &schema.definition {
        out.insert("definition".to_owned(), definition.clone());
    }
    Value::Object(out)
}

/// The words of a ground reference.
fn reference(text: &str) -> Option<Vec<String>> {
    let parsed = parse_query(FileId(0), text, &ParseOptions::default());
    let [literal] = parsed.tree.literals.as_slice() else { return None };
    let ast::LiteralKind::Term(term) = &literal.kind else { return None };
    let (head, steps) = match &term.kind {
        ast::TermKind::Var(_) => (term, &[][..]),
        ast::TermKind::Ref { head, steps } => (&**head, steps.as_slice()),
        _ => return None,
    };
    let ast::TermKind::Var(name) = &head.kind else { return None };
    let mut out = vec![name.clone()];
    for step in steps {
        match &step.kind {
            ast::StepKind::Field(field) => out.push(field.clone()),
            ast::StepKind::Index(ast::Term { kind: ast::TermKind::String { value, .. }, .. }) => {
                out.push(value.clone());
            }
            _ => return None,
        }
    }
    Some(out)
}
