//! `govc parse`: one file as OPA's tree, and with `--emit` in every form between text and machine code.

mod tree;

use super::build::entrypoints;
use crate::emit::{self, Form};
use crate::exit::Exit;
use crate::files;
use crate::language::Language;
use crate::output;
use crate::problem;
use crate::run;
use clap::{Args, ValueEnum};
use govc_compile::PlanRequest;
use govc_compile::annotations;
use govc_syntax::Sources;
use govc_syntax::opa_json::{self, JsonOptions};

/// Parse one file and print what was read
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc parse policy/access.rego\n  $ govc parse policy/access.rego --emit tokens"
)]
pub(crate) struct Parse {
    /// The file; of several the first
    #[arg(required = true)]
    paths: Vec<String>,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// What the JSON holds: `locations`, `comments` (the default), `-comments`
    #[arg(long, default_value = "", allow_hyphen_values = true, value_name = "PARTS")]
    json_include: String,
    /// Print another form: that of a stage of govc
    #[arg(long)]
    emit: Option<Form>,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

impl Parse {
    fn path(&self) -> &str {
        let first = self.paths.first().map(String::as_str).unwrap_or_default();
        first.strip_prefix("file://").unwrap_or(first)
    }
}

pub(crate) fn run(args: &Parse) -> Exit {
    match args.emit {
        None => opa(args),
        Some(Form::Tokens) => tokens(args),
        Some(form) => stage(args, form),
    }
}

/// OPA's tree.
fn opa(args: &Parse) -> Exit {
    let path = args.path();
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return refuse(&[files::io_problem("open", path, &error)]),
    };
    let mut sources = Sources::default();
    let file = sources.add(path, &text);
    let parsed = govc_syntax::parse_module(file, &text, &args.language.parse());
    let problems = run::problems(&parsed.diagnostics, &sources);
    if !problems.is_empty() {
        return refuse(&problems);
    }
    let (annotations, found) = annotations::read_module(&parsed.tree);
    if !found.is_empty() {
        return refuse(&run::problems(&found, &sources));
    }
    let part = |name: &str| args.json_include.split(',').rev().find(|part| part.ends_with(name));
    let options = JsonOptions {
        locations: part("locations").is_some_and(|part| !part.starts_with('-')),
        without_comments: part("comments").is_some_and(|part| part.starts_with('-')),
        annotations: annotations.iter().map(annotation).collect(),
    };
    let json = opa_json::to_json(path, &text, &parsed.tree, &options);
    match (args.format, serde_json::from_str(&json)) {
        (Format::Pretty, Ok(module)) => output::print(&tree::draw(&module)),
        _ => output::print(&json),
    }
    Exit::Success
}

/// What a block says, with its parts in OPA's order.
fn annotation(read: &annotations::Annotation) -> opa_json::Annotation {
    let fields = read.value.as_object().into_iter().flatten();
    let part = |(name, value): (&String, &serde_json::Value)| match (name.as_str(), value) {
        ("authors", serde_json::Value::Array(authors)) => {
            let authors: Vec<String> =
                authors.iter().map(|author| ordered(author, &["name", "email"])).collect();
            (name.clone(), format!("[{}]", authors.join(",")))
        }
        ("schemas", serde_json::Value::Array(schemas)) => {
            let parts = ["path", "schema", "definition"];
            let schemas: Vec<String> =
                schemas.iter().map(|schema| ordered(&with_terms(schema), &parts)).collect();
            (name.clone(), format!("[{}]", schemas.join(",")))
        }
        _ => (name.clone(), value.to_string()),
    };
    opa_json::Annotation {
        fields: fields.map(part).collect(),
        document: read.scope == annotations::Scope::Document,
    }
}

/// A schema with its references as terms.
fn with_terms(schema: &serde_json::Value) -> serde_json::Value {
    let mut schema = schema.clone();
    for name in ["path", "schema"] {
        let Some(steps) = schema.get_mut(name).and_then(serde_json::Value::as_array_mut) else { continue };
        for (at, step) in steps.iter_mut().enumerate() {
            let kind = if at == 0 { "var" } else { "string" };
            *step = serde_json::json!({"type": kind, "value": step});
        }
    }
    schema
}

/// An object with its known members in an order.
fn ordered(object: &serde_json::Value, names: &[&str]) -> String {
    let member = |name: &&str| Some(format!("{:?}:{}", name, object.get(*name)?));
    format!("{{{}}}", names.iter().filter_map(member).collect::<Vec<_>>().join(","))
}

/// Another form.
fn stage(args: &Parse, form: Form) -> Exit {
    let request = files::Request {
        data: vec![args.path().to_owned()],
        parse: args.language.parse(),
        declared: args.language.declared(),
        ..Default::default()
    };
    let loaded = files::load(&request);
    if !loaded.problems.is_empty() {
        return refuse(&loaded.problems);
    }
    if emit::sources(form, &loaded) {
        return Exit::Success;
    }
    let found = run::check(&loaded, run::Rules::default(), |checked, _| {
        let entrypoints = entrypoints::find(&[], &loaded);
        let request = PlanRequest { entrypoints, ..PlanRequest::default() };
        emit::checked(form, &checked, &request, &loaded.sources)
    });
    match found {
        Ok(()) => Exit::Success,
        Err(problems) => refuse(&problems),
    }
}

fn refuse(problems: &[problem::Problem]) -> Exit {
    report(problems);
    Exit::Failure
}

fn report(problems: &[problem::Problem]) {
    // As OPA: JSON whatever the format.
    output::eprintln(&problem::errors_node(problems).pretty());
}

fn tokens(args: &Parse) -> Exit {
    match std::fs::read_to_string(args.path()) {
        Ok(text) => {
            output::print(&emit::tokens(&text));
            Exit::Success
        }
        Err(error) => {
            output::eprintln(&files::io_problem("open", args.path(), &error).line());
            Exit::Failure
        }
    }
}
