//! What is asked: the query, its package and imports, and the input.

use super::{Eval, Stop};
use crate::files::{self, Loaded};
use crate::problem::Problem;
use crate::run;
use govc_compile::QueryOptions;
use govc_syntax::{FileId, ast};
use std::io::Read;

/// Texts that are read once, however often they are asked.
pub(super) struct Question {
    /// The query.
    pub(super) text: String,
    /// The input as JSON.
    pub(super) input: Option<String>,
}

impl Question {
    pub(super) fn read(args: &Eval) -> Result<Self, Stop> {
        Ok(Self { text: text(args)?, input: input(args)? })
    }
}

fn text(args: &Eval) -> Result<String, Stop> {
    match &args.query {
        Some(query) => Ok(query.clone()),
        None => stdin(),
    }
}

fn stdin() -> Result<String, Stop> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| Stop::Plain(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Stop::Plain(error.to_string()))
}

fn input(args: &Eval) -> Result<Option<String>, Stop> {
    if args.stdin_input {
        let text = files::any_document(stdin()?.as_bytes());
        return text.map(Some).map_err(|error| Stop::Plain(format!("unable to parse input: {error}")));
    }
    let read = args.input.as_deref().map(files::document).transpose();
    read.map_err(|problem| Stop::Plain(problem.line()))
}

/// Parses the query; its errors come after those of the files.
pub(super) fn parse(args: &Eval, loaded: &mut Loaded, file: FileId, text: &str) -> Result<ast::Body, Stop> {
    if !loaded.problems.is_empty() {
        return Err(Stop::Problems(loaded.problems.clone()));
    }
    let parsed = govc_syntax::parse_query(file, text, &args.language.parse());
    match parsed.diagnostics.is_empty() {
        true if parsed.tree.literals.is_empty() => {
            Err(Stop::Problems(vec![Problem::plain("cannot evaluate empty query")]))
        }
        true => Ok(parsed.tree),
        false => Err(run::problems(&parsed.diagnostics, &loaded.sources).into()),
    }
}

/// Problems of the head, each as if its line had stood alone, as OPA reads them.
fn head_problems(args: &Eval, mut problems: Vec<Problem>) -> Vec<Problem> {
    if args.package.as_deref().is_some_and(|package| package.trim().contains(char::is_whitespace)) {
        return vec![Problem::plain("expected exactly one statement")];
    }
    problems.iter_mut().filter_map(|problem| problem.location.as_mut()).for_each(|place| place.row = 1);
    problems
}

/// Package and imports are read as the head of a module.
pub(super) fn options(args: &Eval, loaded: &mut Loaded) -> Result<QueryOptions, Stop> {
    let mut text = format!("package {}\n", args.package.as_deref().unwrap_or("repl"));
    args.import.iter().for_each(|import| text.push_str(&format!("import {import}\n")));
    let file = loaded.sources.add("", &text);
    let parsed = govc_syntax::parse_module(file, &text, &args.language.parse());
    if !parsed.diagnostics.is_empty() {
        return Err(head_problems(args, run::problems(&parsed.diagnostics, &loaded.sources)).into());
    }
    let path = parsed.tree.package.map(|p| p.path.into_iter().map(|part| part.name).collect());
    Ok(QueryOptions {
        package: path.filter(|_| args.package.is_some()),
        imports: parsed.tree.imports,
        wrapping_not: args.language.experimental_keywords,
    })
}
