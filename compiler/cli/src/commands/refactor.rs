//! `govc refactor move`: gives packages and rules another path, in their own files and wherever they are named. Exit code 0 or 1.
//!
//! Paths are found among the tokens: `data.a.b`, in an import too, and `a.b` after `package`. So comments and strings stay.

use crate::exit::Exit;
use crate::files::{self, Loaded, io_problem};
use crate::language::Language;
use crate::output;
use crate::problem::{self, Problem};
use crate::run;
use clap::{Args, Subcommand};
use govc_syntax::RegoVersion;
use govc_syntax::format::{FormatOptions, FormatTarget, format_source};
use govc_syntax::lex::{Raw, RawToken, lex};

/// Rewrite policies
#[derive(Args, Debug)]
#[command(hide = true, arg_required_else_help = true)]
pub(crate) struct Refactor {
    #[command(subcommand)]
    change: Change,
}

#[derive(Subcommand, Debug)]
enum Change {
    Move(Move),
}

/// Give packages and rules another path
#[derive(Args, Debug)]
struct Move {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<String>,
    /// Old and new path: `data.a.b:data.c`
    #[arg(short, long, value_name = "FROM:TO")]
    path: Vec<String>,
    /// Write the files instead of printing them
    #[arg(short, long)]
    write: bool,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    ignore: Vec<String>,
    #[command(flatten)]
    language: Language,
}

/// Names from the root, `data` first.
type Path = Vec<String>;

pub(crate) fn run(args: &Refactor) -> Exit {
    let Change::Move(args) = &args.change;
    match move_all(args) {
        Ok(()) => Exit::Success,
        Err(text) => {
            output::eprintln(&format!("error: {text}"));
            Exit::Failure
        }
    }
}

fn move_all(args: &Move) -> Result<(), String> {
    if args.path.is_empty() {
        return Err("specify at least one mapping of the form <from>:<to>".to_owned());
    }
    let mappings = args.path.iter().map(|text| mapping(text)).collect::<Result<Vec<_>, _>>()?;
    let loaded = load(args, args.paths.clone());
    if !loaded.problems.is_empty() {
        return Err(problem::loading_summary(&loaded.problems));
    }
    let mut moved = Vec::new();
    for module in &loaded.modules {
        let source = loaded.sources.get(module.span.file);
        let text = rewrite(&source.text, &mappings);
        let target = match args.language.version() {
            RegoVersion::V0 => FormatTarget::V0,
            RegoVersion::V1 => FormatTarget::V1,
        };
        let options = FormatOptions { target, drop_v0_imports: false };
        let text = format_source(&text, options).map_err(|error| error.to_string())?;
        moved.push((source.name.clone(), text));
    }
    check(args, &moved).map_err(|problems| problem::summary(&problems))?;
    for (name, text) in moved {
        match args.write {
            true => std::fs::write(&name, text).map_err(|error| io_problem("open", &name, &error).line())?,
            false => output::print(&text),
        }
    }
    Ok(())
}

fn load(args: &Move, paths: Vec<String>) -> Loaded {
    files::load(&files::Request {
        data: paths,
        ignore: args.ignore.clone(),
        parse: args.language.parse(),
        declared: args.language.declared(),
        ..files::Request::default()
    })
}

/// What was moved must still fit together.
fn check(args: &Move, moved: &[(String, String)]) -> Result<(), Vec<Problem>> {
    let mut loaded = load(args, Vec::new());
    for (name, text) in moved {
        let file = loaded.sources.add(name, text);
        loaded.modules.push(govc_syntax::parse_module(file, text, &args.language.parse()).tree);
    }
    run::check(&loaded, run::Rules { error_limit: 10, ..run::Rules::default() }, |_, _| Ok(()))
}

fn mapping(text: &str) -> Result<(Path, Path), String> {
    let path = |text: &str| -> Path { text.split('.').map(str::to_owned).collect() };
    match text.split(':').collect::<Vec<_>>().as_slice() {
        [from, to] if !from.is_empty() && !to.is_empty() => Ok((path(from), path(to))),
        parts => Err(format!("expected mapping of the form <from>:<to> ({})", parts.len() + 1)),
    }
}

/// The text with all paths replaced.
fn rewrite(text: &str, mappings: &[(Path, Path)]) -> String {
    let mut sources = govc_syntax::Sources::default();
    let file = sources.add("", text);
    let tokens = lex(file, text, true).tokens;
    let written = |token: &RawToken| text.get(token.start as usize..token.end as usize).unwrap_or_default();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let package = at > 0 && tokens.get(at - 1).is_some_and(|before| before.kind == Raw::Package);
        let step = at > 0 && tokens.get(at - 1).is_some_and(|before| before.kind == Raw::Dot);
        if step || !(package || written(token) == "data") {
            at += 1;
            continue;
        }
        let length = dotted(&tokens[at..]);
        let names = tokens[at..at + length].iter().step_by(2).map(|token| written(token).to_owned());
        let root = package.then(|| "data".to_owned());
        let path: Path = root.into_iter().chain(names).collect();
        if let Some((from, to)) = mappings.iter().find(|(from, _)| path.starts_with(from)) {
            let all: Vec<&str> = to.iter().chain(&path[from.len()..]).map(String::as_str).collect();
            out.push_str(&text[copied..token.start as usize]);
            out.push_str(&all[usize::from(package)..].join("."));
            copied = tokens[at + length - 1].end as usize;
        }
        at += length;
    }
    out.push_str(&text[copied..]);
    out
}

/// How many tokens a name with its dotted steps has.
fn dotted(tokens: &[RawToken]) -> usize {
    let mut length = 1;
    while let [dot, name, ..] = &tokens[length..] {
        if dot.kind != Raw::Dot || name.kind != Raw::Ident || dot.newline || name.newline {
            break;
        }
        length += 2;
    }
    length
}
