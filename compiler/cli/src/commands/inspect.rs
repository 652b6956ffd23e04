//! `govc inspect`: what a bundle holds, as `opa inspect` tells it. Exit code 0 or 1.

use crate::exit::Exit;
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use crate::table;
use clap::{Args, ValueEnum};
use govc_engine::{Bundle, Trust};
use govc_syntax::{ParseOptions, Sources};
use std::collections::BTreeMap;

/// Show what a bundle holds
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc inspect bundle.tar.gz\n  $ govc inspect -f json bundle.tar.gz")]
pub(crate) struct Inspect {
    /// The bundle
    path: String,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Show annotations too
    #[arg(short, long)]
    annotations: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

pub(crate) fn run(args: &Inspect) -> Exit {
    match inspect(args) {
        Ok(text) => {
            output::println(text.trim_end());
            Exit::Success
        }
        Err(problem) => {
            output::eprintln(&format!("error: {}", problem.line()));
            Exit::Failure
        }
    }
}

fn inspect(args: &Inspect) -> Result<String, Problem> {
    if args.annotations {
        return Err(Problem::not_yet("`--annotations` is not supported yet"));
    }
    let bytes = policies::read(&args.path)?;
    let bundle = Bundle::open(&bytes, &Trust::unsigned().at(0)).map_err(policies::refusal)?;
    Ok(match args.format {
        Format::Json => json(&bundle).pretty(),
        Format::Pretty => pretty(&bundle),
    })
}

/// Files by the part of `data` that they define.
fn namespaces(bundle: &Bundle) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, content) in bundle.files() {
        let space = match path {
            _ if path.ends_with(".rego") => package(content),
            _ if path.ends_with("data.json") || path.ends_with("data.yaml") => Some(data(path)),
            _ => None,
        };
        if let Some(space) = space {
            found.entry(space).or_default().push(format!("/{path}"));
        }
    }
    found
}

fn package(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?;
    let file = Sources::default().add("", text);
    let module = govc_syntax::parse_module(file, text, &ParseOptions::default()).tree;
    let parts = module.package?.path;
    Some(parts.iter().fold("data".to_owned(), |path, part| format!("{path}.{}", part.name)))
}

fn data(path: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder
        .split('/')
        .filter(|part| !part.is_empty())
        .fold("data".to_owned(), |path, part| format!("{path}.{part}"))
}

fn json(bundle: &Bundle) -> Node {
    let spaces = namespaces(bundle);
    let mut manifest = serde_json::to_value(bundle.manifest()).unwrap_or_default();
    if let Some(object) = manifest.as_object_mut() {
        object.entry("roots").or_insert_with(|| serde_json::json!([""]));
    }
    Node::Object(vec![
        ("manifest".to_owned(), Node::of(&manifest)),
        ("signatures_config".to_owned(), signatures(bundle)),
        ("namespaces".to_owned(), Node::of(&spaces)),
    ])
}

fn signatures(bundle: &Bundle) -> Node {
    match bundle.file(".signatures.json").and_then(|text| std::str::from_utf8(text).ok()) {
        Some(text) => Node::Raw(text.to_owned()),
        None => Node::Object(Vec::new()),
    }
}

fn pretty(bundle: &Bundle) -> String {
    let manifest = bundle.manifest();
    let mut fields = Vec::new();
    if let Some(version) = manifest.rego_version {
        fields.push(vec!["Rego Version".to_owned(), version.to_string()]);
    }
    if !manifest.revision.is_empty() {
        fields.push(vec!["Revision".to_owned(), manifest.revision.clone()]);
    }
    if let Some(section) = bundle.section() {
        fields.push(vec!["Entrypoints".to_owned(), section.entrypoints.join(", ")]);
        fields.extend(section.expires.iter().map(|time| vec!["Expires".to_owned(), time.clone()]));
    }
    fields.push(vec!["Digest".to_owned(), bundle.digest().to_owned()]);
    let rows = namespaces(bundle)
        .into_iter()
        .flat_map(|(space, files)| files.into_iter().map(move |file| vec![space.clone(), file]));
    let header = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
    format!(
        "MANIFEST:\n{}NAMESPACES:\n{}",
        table::draw(&header("FIELD", "VALUE"), &fields),
        table::draw(&header("NAMESPACE", "FILE"), &rows.collect::<Vec<_>>())
    )
}
