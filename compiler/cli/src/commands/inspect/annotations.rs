//! The annotations of policies, with what they describe.

use crate::output::{self, Node};
use crate::problem::{Location, Problem};
use crate::run;
use govc_compile::annotations::{self, Annotation};
use govc_syntax::ast::{Module, Rule, StepKind, TermKind};
use govc_syntax::{Sources, Span};
use serde_json::Value;

/// Width after which lists are cut.
const WIDTH: usize = 80;

/// An annotation and its place.
#[derive(Debug)]
pub(super) struct Noted {
    annotation: Annotation,
    /// Path of the package or rule, without `data`.
    path: Vec<String>,
    package: String,
    /// The rule's head as written.
    rule: Option<String>,
    location: Location,
}

/// All annotations, by the path of what they describe.
pub(super) fn find(modules: &[Module], sources: &Sources) -> Result<Vec<Noted>, Vec<Problem>> {
    let mut all = Vec::new();
    for module in modules {
        let (found, wrong) = annotations::read_module(module);
        if !wrong.is_empty() {
            return Err(run::problems(&wrong, sources));
        }
        all.extend(found.into_iter().map(|annotation| noted(annotation, module, sources)));
    }
    all.sort_by(|a: &Noted, b: &Noted| a.path.cmp(&b.path));
    Ok(all)
}

fn noted(annotation: Annotation, module: &Module, sources: &Sources) -> Noted {
    let package: Vec<String> =
        module.package.iter().flat_map(|package| &package.path).map(|part| part.name.clone()).collect();
    let rule = annotation.rule.and_then(|at| module.rules.get(at));
    let span = rule.map_or_else(
        || module.package.as_ref().map_or(module.span, |package| package.span),
        |rule| rule.span,
    );
    let (row, col) = sources.position(span);
    let file = sources.get(span.file).name.clone();
    let mut path = package.clone();
    path.extend(rule.into_iter().flat_map(constant));
    Noted {
        annotation,
        path,
        package: package.join("."),
        rule: rule.map(|rule| head(rule, sources)),
        location: Location { file, row, col },
    }
}

/// Name and constant steps of a rule.
fn constant(rule: &Rule) -> Vec<String> {
    let steps = rule.head.steps.iter().map_while(|step| match &step.kind {
        StepKind::Field(name) => Some(name.clone()),
        StepKind::Index(term) => match &term.kind {
            TermKind::String { value, .. } => Some(value.clone()),
            _ => None,
        },
        StepKind::Missing => None,
    });
    std::iter::once(rule.head.name.name.clone()).chain(steps).collect()
}

fn head(rule: &Rule, sources: &Sources) -> String {
    let last = rule.head.steps.last().map_or(rule.head.name.span, |step| step.span);
    let span: Span = rule.head.name.span.to(last);
    sources.slice(span).to_owned()
}

impl Noted {
    /// OPA's object.
    pub(super) fn to_node(&self) -> Node {
        let term = |kind: &str, value: &str| {
            Node::Object(vec![
                ("type".to_owned(), Node::string(kind)),
                ("value".to_owned(), Node::string(value)),
            ])
        };
        let steps = self.path.iter().map(|name| term("string", name));
        Node::Object(vec![
            ("annotations".to_owned(), Node::of(&self.annotation.value)),
            ("location".to_owned(), self.location.to_node()),
            ("path".to_owned(), Node::Array(std::iter::once(term("var", "data")).chain(steps).collect())),
        ])
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let value = &self.annotation.value;
        let field = |name: &str| value[name].as_str().map(str::trim).filter(|text| !text.is_empty());
        let title = field("title").map_or_else(|| self.path.join("."), str::to_owned);
        let mut text = format!("{title}\n{}\n\n", "=".repeat(title.len().min(WIDTH)));
        if let Some(description) = value["description"].as_str().filter(|text| !text.is_empty()) {
            text.push_str(&format!("{description}\n\n"));
        }
        text.push_str(&format!("Package:  {}\n", self.package));
        if let Some(rule) = &self.rule {
            text.push_str(&format!("Rule:     {rule}\n"));
        }
        text.push_str(&format!("Location: {}:{}\n", self.location.file, self.location.row));
        text.push_str(&format!("Scope: {}\n", self.annotation.scope.name()));
        if value["entrypoint"] == true {
            text.push_str("Entrypoint: true\n");
        }
        text.push('\n');
        text.push_str(&list("Organizations", &strings(&value["organizations"]), ""));
        text.push_str(&list("Authors", &authors(&value["authors"]), ""));
        text.push_str(&list("Schemas", &self.schemas(), ": "));
        text.push_str(&list("Related Resources", &resources(&value["related_resources"]), " "));
        text.push_str(&list("Custom", &custom(&value["custom"]), ": "));
        text
    }

    fn schemas(&self) -> Vec<(String, String)> {
        let row = |schema: &annotations::SchemaAnnotation| {
            let value = match (&schema.schema, &schema.definition) {
                (Some(name), _) => name.join("."),
                (None, definition) => {
                    definition.as_ref().map_or_else(String::new, |value| Node::of(value).compact())
                }
            };
            (schema.path.join("."), value)
        };
        self.annotation.schemas.iter().map(row).collect()
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn strings(value: &Value) -> Vec<(String, String)> {
    items(value).iter().filter_map(Value::as_str).map(|text| (text.to_owned(), String::new())).collect()
}

fn authors(value: &Value) -> Vec<(String, String)> {
    let author = |author: &Value| {
        let name = author["name"].as_str().unwrap_or_default().to_owned();
        let shown = match author["email"].as_str() {
            None => name,
            Some(email) if name.is_empty() => format!("<{email}>"),
            Some(email) => format!("{name} <{email}>"),
        };
        (shown, String::new())
    };
    items(value).iter().map(author).collect()
}

fn resources(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items(value).iter().map(|item| (text(&item["ref"]), text(&item["description"]))).collect()
}

fn custom(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), output::compact(&value.to_string()))).collect()
}

/// A titled list whose values stand below each other.
fn list(title: &str, rows: &[(String, String)], separator: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let line = |(key, value): &(String, String)| {
        let key = key.replace('\n', " ");
        let line = match value.is_empty() {
            true => format!(" {key}"),
            false => format!(" {key}{separator}{}{value}", " ".repeat(width.saturating_sub(key.len()))),
        };
        match line.char_indices().nth(WIDTH - 3) {
            Some((at, _)) if line.len() >= WIDTH => format!("{}...\n", &line[..at]),
            _ => format!("{line}\n"),
        }
    };
    format!("{title}:\n{}\n", rows.iter().map(line).collect::<String>())
}
