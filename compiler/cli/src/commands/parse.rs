//! `govc parse`: tokens and tree of one file.

use crate::exit::Exit;
use crate::files;
use crate::language::Language;
use crate::output;
use crate::problem;
use clap::{Args, ValueEnum};

/// Parse one file and print what was read
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc parse policy/access.rego\n  $ govc parse policy/access.rego --emit tokens"
)]
pub(crate) struct Parse {
    /// The file
    path: String,
    /// How to print
    #[arg(short, long, default_value = "pretty")]
    format: Format,
    /// Which form to print
    #[arg(long, default_value = "ast")]
    emit: Emit,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Emit {
    Tokens,
    Ast,
}

pub(crate) fn run(args: &Parse) -> Exit {
    if args.emit == Emit::Tokens {
        return tokens(args);
    }
    let request =
        files::Request { data: vec![args.path.clone()], parse: args.language.parse(), ..Default::default() };
    let loaded = files::load(&request);
    if !loaded.problems.is_empty() {
        report(args, &loaded.problems);
        return Exit::Failure;
    }
    if args.format == Format::Json {
        let problem = problem::Problem::not_yet("OPA's JSON form of the tree is not printed yet");
        report(args, &[problem]);
        return Exit::Failure;
    }
    for module in &loaded.modules {
        output::println(&format!("{module:#?}"));
    }
    Exit::Success
}

fn report(args: &Parse, problems: &[problem::Problem]) {
    match args.format {
        Format::Json => output::println(&problem::errors_node(problems).pretty()),
        Format::Pretty => output::eprintln(&problem::summary(problems)),
    }
}

fn tokens(args: &Parse) -> Exit {
    match std::fs::read_to_string(&args.path) {
        Ok(text) => {
            output::print(&tokens_of(&text));
            Exit::Success
        }
        Err(error) => {
            output::eprintln(&files::io_problem("open", &args.path, &error).line());
            Exit::Failure
        }
    }
}

/// One line a token: row, column, kind, text.
fn tokens_of(text: &str) -> String {
    let mut sources = govc_syntax::Sources::default();
    let file = sources.add("", text);
    let mut out = String::new();
    for token in govc_syntax::lex::lex(file, text, true).tokens {
        let (row, col) = sources.get(file).position(token.start);
        let written = text.get(token.start as usize..token.end as usize).unwrap_or_default();
        out.push_str(&format!("{row}:{col}\t{:?}\t{written}\n", token.kind));
    }
    out
}
