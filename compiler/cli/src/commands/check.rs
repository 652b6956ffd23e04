//! `govc check`: parse and compile without running. Silent and 0 when all is well, otherwise 1.

use crate::exit::Exit;
use crate::files;
use crate::language::Language;
use crate::output;
use crate::problem::{self, Problem};
use crate::render;
use crate::run;
use clap::{Args, ValueEnum};
use govc_syntax::{ParseOptions, RegoVersion};
use std::io::IsTerminal;
use std::mem::ManuallyDrop;

/// Check policies for errors
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc check policy\n  $ govc check --strict --format json policy")]
pub(crate) struct Check {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<String>,
    /// Load the paths as bundles
    #[arg(short, long)]
    bundle: bool,
    /// How errors are printed; `pretty` shows source lines on a terminal, `full` always
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    /// Errors after which no more are reported; without limit where it is not positive
    #[arg(short, long, default_value_t = 10, allow_negative_numbers = true)]
    max_errors: i64,
    /// Refuse what OPA's strict mode refuses
    #[arg(short = 'S', long)]
    strict: bool,
    /// JSON Schema of the input, or a folder of schemas
    #[arg(short, long)]
    schema: Option<String>,
    /// Files and folders that say which actions, tools, targets and agents there are (other files in a folder are passed over)
    #[arg(long, value_name = "PATH")]
    catalog: Vec<String>,
    /// Refuse policies that are not v0 and v1 at once
    #[arg(long, alias = "rego-v1")]
    v0_v1: bool,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
    Full,
}

pub(crate) fn run(args: &Check) -> Exit {
    let paths = args.paths.clone();
    let (data, bundles) = if args.bundle { (Vec::new(), paths) } else { (paths, Vec::new()) };
    let request = files::Request {
        data,
        bundles,
        wording: files::Wording::Plain,
        ignore: args.ignore.clone(),
        only_rego: !args.bundle,
        parse: parse(args),
        declared: args.language.declared(),
    };
    let loaded = files::load(&request);
    let mut schemas = match files::schema::load(args.schema.as_deref()) {
        Ok(schemas) => schemas,
        Err(problem) => {
            output::eprintln(&problem::loading_summary(&[problem]));
            return Exit::Failure;
        }
    };
    if let Err(problem) = files::schema::add_catalogs(&args.catalog, &mut schemas) {
        return refuse(args, &loaded, &[problem]);
    }
    let rules = run::Rules {
        strict: args.strict,
        error_limit: usize::try_from(args.max_errors).unwrap_or(0),
        schemas,
        cases: false,
    };
    // The process ends: the system takes back at once what would be freed piece by piece.
    let exit = match run::check(&loaded, rules, |checked, _| Ok(ManuallyDrop::new(checked))) {
        Ok(_) => Exit::Success,
        Err(problems) => refuse(args, &loaded, &problems),
    };
    std::mem::forget(loaded);
    exit
}

/// A text that must be both is read as v0, and its rules are checked as those of v1.
fn parse(args: &Check) -> ParseOptions {
    match args.v0_v1 {
        true => ParseOptions { version: RegoVersion::V0, both: true, ..args.language.parse() },
        false => args.language.parse(),
    }
}

fn refuse(args: &Check, loaded: &files::Loaded, problems: &[Problem]) -> Exit {
    let terminal = std::io::stderr().is_terminal();
    let text = match args.format {
        Format::Json => problem::errors_node(problems).pretty(),
        Format::Pretty if !terminal && !loaded.problems.is_empty() => problem::loading_summary(problems),
        Format::Pretty if !terminal => problem::summary(problems),
        Format::Pretty | Format::Full => rendered(loaded, problems, terminal),
    };
    output::eprintln(text.trim_end());
    Exit::Failure
}

/// Source lines for findings of the compiler, one line for everything else.
fn rendered(loaded: &files::Loaded, problems: &[Problem], colored: bool) -> String {
    let found: Vec<_> = problems.iter().filter_map(|p| Some(&*p.finding()?.diagnostic)).collect();
    let others = problems.iter().filter(|p| p.finding().is_none());
    let lines: String = others.map(|p| format!("{}\n", p.line())).collect();
    format!("{}{lines}", render::diagnostics(&found, &loaded.sources, colored))
}
