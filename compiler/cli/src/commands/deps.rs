//! `govc deps`: which documents a query depends on. Exit code 0; 1 when something cannot be read.

mod walk;

use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::language::Language;
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run;
use crate::table;
use clap::{Args, ValueEnum};
use govc_compile::QueryOptions;
use walk::{Documents, Path};

/// Show the documents that a query depends on
///
/// Base documents come from outside, virtual documents are defined by rules.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc deps -d policy data.access.allow\n  $ govc deps -d policy -f json data.access"
)]
pub(crate) struct Deps {
    /// The query
    query: String,
    /// Policy and data files or folders
    #[arg(short, long, value_name = "PATH")]
    data: Vec<String>,
    /// Bundle files or folders
    #[arg(short, long, value_name = "PATH")]
    bundle: Vec<String>,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    ignore: Vec<String>,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

pub(crate) fn run(args: &Deps) -> Exit {
    match documents(args) {
        Ok(documents) => {
            print(args.format, &documents);
            Exit::Success
        }
        Err(text) => {
            output::eprintln(&text);
            Exit::Failure
        }
    }
}

fn documents(args: &Deps) -> Result<Documents, String> {
    let mut loaded = files::load(&files::Request {
        data: args.data.clone(),
        bundles: args.bundle.clone(),
        ignore: args.ignore.clone(),
        parse: args.language.parse(),
        declared: args.language.declared(),
        ..files::Request::default()
    });
    let file = loaded.sources.add("", &args.query);
    let parsed = govc_syntax::parse_query(file, &args.query, &args.language.parse());
    if !parsed.diagnostics.is_empty() {
        return Err(problem::summary(&run::problems(&parsed.diagnostics, &loaded.sources)));
    }
    if !loaded.problems.is_empty() {
        return Err(problem::loading_summary(&loaded.problems));
    }
    find(&loaded, &parsed.tree).map_err(|problems| problem::summary(&problems))
}

fn find(loaded: &Loaded, query: &govc_syntax::ast::Body) -> Result<Documents, Vec<Problem>> {
    let rules = run::Rules { error_limit: 10, ..run::Rules::default() };
    run::check(loaded, rules, |checked, check| {
        let query = govc_compile::check_query(&checked, query, check, &QueryOptions::default())
            .map_err(|found| run::problems(&found, &loaded.sources))?;
        Ok(walk::find(&checked.unit, &query))
    })
}

fn print(format: Format, documents: &Documents) {
    match format {
        Format::Json => output::println(&json(documents).pretty()),
        Format::Pretty => output::print(&pretty(documents)),
    }
}

/// OPA's object: `base` and `virtual`, each only if there are some.
fn json(documents: &Documents) -> Node {
    let lists = [("base", &documents.base), ("virtual", &documents.defined)];
    let lists = lists.into_iter().filter(|(_, paths)| !paths.is_empty());
    let list = |paths: &Vec<Path>| Node::Array(paths.iter().map(reference).collect());
    Node::Object(lists.map(|(name, paths)| (name.to_owned(), list(paths))).collect())
}

fn reference(path: &Path) -> Node {
    let term = |kind: &str, value: &str| {
        Node::Object(vec![
            ("type".to_owned(), Node::string(kind)),
            ("value".to_owned(), Node::Raw(value.to_owned())),
        ])
    };
    let head = term("var", &output::quote(path.root));
    let steps = path.steps.iter().map(|step| term(step.kind(), &step.json()));
    Node::Array(std::iter::once(head).chain(steps).collect())
}

fn pretty(documents: &Documents) -> String {
    let columns = [("BASE DOCUMENTS", &documents.base), ("VIRTUAL DOCUMENTS", &documents.defined)];
    let columns: Vec<_> = columns.into_iter().filter(|(_, paths)| !paths.is_empty()).collect();
    if columns.is_empty() {
        return String::new();
    }
    let header: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let height = columns.iter().map(|(_, paths)| paths.len()).max().unwrap_or(0);
    let cell = |paths: &[Path], row: usize| paths.get(row).map_or_else(String::new, Path::text);
    let rows: Vec<Vec<String>> =
        (0..height).map(|row| columns.iter().map(|(_, paths)| cell(paths, row)).collect()).collect();
    table::draw(&header, &rows)
}
