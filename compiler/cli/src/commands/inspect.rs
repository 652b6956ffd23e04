//! `govc inspect`: what a bundle, a folder or a policy holds, as `opa inspect` tells it. Exit code 0 or 1.
//!
//! What only our bundles have (entrypoints, expiry, digest) is a table of its own.

mod annotations;

use crate::commands::capabilities;
use crate::exit::Exit;
use crate::files::{self, io_problem, join};
use crate::language::Language;
use crate::output::{self, Node};
use crate::policies;
use crate::problem::{self, Problem};
use crate::run;
use crate::table;
use annotations::Noted;
use clap::{Args, ValueEnum};
use govc_engine::{Bundle, Manifest, Trust};
use govc_syntax::{ParseOptions, Sources, ast};
use std::collections::BTreeMap;
use std::path::Path;

/// Show what a bundle, a folder or a policy holds
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc inspect bundle.tar.gz\n  $ govc inspect -a policy\n  \
                        $ govc inspect -f json bundle.tar.gz")]
pub(crate) struct Inspect {
    /// The bundle, folder or file
    path: String,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Show annotations too
    #[arg(short, long)]
    annotations: bool,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    manifest: Manifest,
    /// It is one file of Rego.
    is_policy: bool,
    /// There is a manifest, so what it says by being silent counts.
    has_manifest: bool,
    /// `.signatures.json`.
    signatures: Option<String>,
    /// Path and content of every file that counts.
    files: Vec<(String, Vec<u8>)>,
    /// Ours alone.
    program: Vec<Vec<String>>,
}

pub(crate) fn run(args: &Inspect) -> Exit {
    match inspect(args) {
        Ok(text) => {
            output::print(&text);
            Exit::Success
        }
        Err(problems) => {
            // What does not parse, OPA's loader tells of; it loads a bundle in another way.
            let unread = problems.iter().any(|problem| problem.code == "rego_parse_error");
            let told = match unread && args.path.ends_with(".rego") {
                true => problem::loading_summary(&problems),
                false => problem::complaint(&problems),
            };
            output::eprintln(&format!("error: {told}"));
            Exit::Failure
        }
    }
}

fn inspect(args: &Inspect) -> Result<String, Vec<Problem>> {
    let path = args.path.strip_prefix("file://").unwrap_or(&args.path);
    let info = std::fs::metadata(path).map_err(|error| {
        let problem = io_problem("stat", path, &error);
        vec![Problem::plain(format!("error reading \"{path}\": {}", problem.message))]
    })?;
    let found = match info.is_file() && !path.ends_with(".rego") {
        true => archive(path),
        false => folder(path),
    };
    let found = found.map_err(|problem| vec![problem])?;
    let mut sources = Sources::default();
    let (mut modules, mut languages) = (Vec::new(), Vec::new());
    for (name, content) in found.files.iter().filter(|(name, _)| name.ends_with(".rego")) {
        let text = String::from_utf8_lossy(content).into_owned();
        let file = sources.add(name, &text);
        let language = args.language.parse();
        let inner = name.strip_prefix(path).unwrap_or(name).trim_start_matches('/');
        let version = files::roots::version(&found.manifest, inner, language.version);
        let parsed = govc_syntax::parse_module(file, &text, &ParseOptions { version, ..language });
        let problems = run::problems(&parsed.diagnostics, &sources);
        if !problems.is_empty() {
            return Err(problems);
        }
        modules.push(parsed.tree);
        languages.push(version);
    }
    let spaces = namespaces(&found, &modules);
    let noted = if args.annotations { annotations::find(&modules, &sources)? } else { Vec::new() };
    let required = govc_compile::required(&sources, &modules, &languages)
        .map_err(|diagnostics| run::problems(&diagnostics, &sources))?;
    Ok(match args.format {
        Format::Json => {
            let mut object = json(&found, &spaces, &noted);
            object.push(("capabilities".to_owned(), capabilities::required(&required)));
            format!("{}\n", Node::Object(object).pretty())
        }
        Format::Pretty => pretty(&found, &spaces, &noted),
    })
}

fn archive(path: &str) -> Result<Found, Problem> {
    let bytes = policies::bundle(path)?;
    let bundle = Bundle::open(&bytes, &Trust::unsigned().at(0))?;
    let mut manifest = bundle.manifest().clone();
    manifest.metadata.remove("govc");
    let mut program = Vec::new();
    if let Some(section) = bundle.section() {
        program.push(vec!["Entrypoints".to_owned(), section.entrypoints.join(", ")]);
        program.extend(section.expires.iter().map(|time| vec!["Expires".to_owned(), time.clone()]));
        program.push(vec!["Digest".to_owned(), bundle.digest().to_owned()]);
    }
    let text = |name: &str| bundle.file(name).map(|text| String::from_utf8_lossy(text).into_owned());
    let files = bundle.files().map(|(name, content)| (format!("/{name}"), content.to_vec()));
    Ok(Found {
        is_policy: false,
        manifest,
        has_manifest: bundle.file(".manifest").is_some(),
        signatures: text(".signatures.json"),
        files: files.collect(),
        program,
    })
}

fn folder(path: &str) -> Result<Found, Problem> {
    let is_policy = !Path::new(path).is_dir();
    let mut found = Found { is_policy, ..Found::default() };
    if !is_policy {
        if let Ok(text) = std::fs::read(join(path, ".manifest")) {
            found.manifest = Manifest::read(&text)?;
            found.has_manifest = true;
        }
        found.signatures = std::fs::read_to_string(join(path, ".signatures.json")).ok();
    }
    walk(path, &mut found.files)?;
    Ok(found)
}

fn walk(path: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Problem> {
    if Path::new(path).is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| io_problem("open", path, &error))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        return names.iter().try_for_each(|name| walk(&join(path, name), files));
    }
    if is_data(path) || path.ends_with(".rego") {
        files.push((path.to_owned(), policies::read(path)?));
    }
    Ok(())
}

fn is_data(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "data.json" | "data.yaml" | "data.yml")
}

/// Files by the part of `data` that they define.
fn namespaces(found: &Found, modules: &[ast::Module]) -> BTreeMap<String, Vec<String>> {
    let mut spaces: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut modules = modules.iter();
    let archive = found.files.iter().all(|(name, _)| name.starts_with('/'));
    for (name, _) in &found.files {
        let space = match name.ends_with(".rego") {
            true => modules.next().map(package),
            false => is_data(name).then(|| data(name, archive)),
        };
        if let Some(space) = space {
            spaces.entry(space).or_default().push(name.clone());
        }
    }
    spaces
}

fn package(module: &ast::Module) -> String {
    module.package_path().iter().fold("data".to_owned(), |path, part| format!("{path}.{part}"))
}

/// The document that a file below the root defines; the root of a folder has a name that does not count.
fn data(path: &str, archive: bool) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let parts = folder.split('/').filter(|part| !part.is_empty()).skip(usize::from(!archive));
    parts.fold("data".to_owned(), |path, part| format!("{path}.{part}"))
}

fn roots(found: &Found) -> Vec<String> {
    found.manifest.roots.clone().unwrap_or_else(|| vec![String::new()])
}

fn json(found: &Found, spaces: &BTreeMap<String, Vec<String>>, noted: &[Noted]) -> Vec<(String, Node)> {
    let manifest = &found.manifest;
    let mut fields = vec![
        ("revision".to_owned(), Node::string(&manifest.revision)),
        ("roots".to_owned(), Node::of(&roots(found))),
    ];
    fields.extend(manifest.rego_version.map(|version| ("rego_version".to_owned(), Node::of(&version))));
    if !manifest.metadata.is_empty() {
        fields.push(("metadata".to_owned(), Node::of(&manifest.metadata)));
    }
    let mut object = Vec::new();
    if !found.is_policy {
        object.push(("manifest".to_owned(), Node::Object(fields)));
    }
    object.push(("signatures_config".to_owned(), signatures(found)));
    object.push(("namespaces".to_owned(), Node::of(spaces)));
    if !noted.is_empty() {
        object.push(("annotations".to_owned(), Node::Array(noted.iter().map(Noted::to_node).collect())));
    }
    object
}

/// The file, with the way of signing that OPA names where it says nothing.
fn signatures(found: &Found) -> Node {
    let text = found.signatures.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let Some(serde_json::Value::Object(mut object)) = text else { return Node::Object(Vec::new()) };
    object.entry("plugin").or_insert_with(|| serde_json::json!("_default"));
    let parts = ["signatures", "plugin"].iter().filter_map(|name| object.get_key_value(*name));
    Node::Object(parts.map(|(name, value)| (name.clone(), Node::of(value))).collect())
}

fn pretty(found: &Found, spaces: &BTreeMap<String, Vec<String>>, noted: &[Noted]) -> String {
    let manifest = &found.manifest;
    let mut fields = Vec::new();
    let mut field = |name: &str, value: String| fields.push(vec![name.to_owned(), value]);
    if let Some(version) = manifest.rego_version {
        field("Rego Version", version.to_string());
    }
    if !manifest.revision.is_empty() {
        field("Revision", manifest.revision.clone());
    }
    let mut roots = if found.has_manifest { roots(found) } else { Vec::new() };
    roots.sort();
    roots.into_iter().filter(|root| !root.is_empty()).for_each(|root| field("Roots", root));
    if !manifest.metadata.is_empty() {
        field("Metadata", Node::of(&manifest.metadata).compact());
    }
    let files =
        spaces.iter().flat_map(|(space, files)| files.iter().map(|file| vec![space.clone(), file.clone()]));
    let mut text = section("MANIFEST", ["FIELD", "VALUE"], fields);
    text.push_str(&section("NAMESPACES", ["NAMESPACE", "FILE"], files.collect()));
    if !noted.is_empty() {
        text.push_str("ANNOTATIONS:\n");
        noted.iter().for_each(|noted| text.push_str(&noted.text()));
    }
    text.push_str(&section("PROGRAM", ["FIELD", "VALUE"], found.program.clone()));
    text
}

/// A table in which a first cell that is the same as the one above is left out.
fn section(title: &str, header: [&str; 2], mut rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    for at in (1..rows.len()).rev() {
        if rows[at].first() == rows[at - 1].first() {
            rows[at][0].clear();
        }
    }
    format!("{title}:\n{}", table::draw(&header.map(str::to_owned), &rows))
}
