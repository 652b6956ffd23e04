//! `govc parse`: one file as tokens, as a tree, and in every form that follows.

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
    emit: Form,
    #[command(flatten)]
    language: Language,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

pub(crate) fn run(args: &Parse) -> Exit {
    if args.emit == Form::Tokens {
        return tokens(args);
    }
    let request = files::Request {
        data: vec![args.path.clone()],
        parse: args.language.parse(),
        declared: args.language.declared(),
        ..Default::default()
    };
    let loaded = files::load(&request);
    if !loaded.problems.is_empty() {
        report(&loaded.problems);
        return Exit::Failure;
    }
    if args.format == Format::Json && args.emit == Form::Ast {
        let problem = problem::Problem::not_yet("OPA's JSON form of the tree is not printed yet");
        report(&[problem]);
        return Exit::Failure;
    }
    if emit::sources(args.emit, &loaded) {
        return Exit::Success;
    }
    let found = run::check(&loaded, run::Rules::default(), |checked, _| {
        let entrypoints = entrypoints::find(&[], &loaded);
        let request = PlanRequest { entrypoints, ..PlanRequest::default() };
        emit::checked(args.emit, &checked, &request, &loaded.sources)
    });
    match found {
        Ok(()) => Exit::Success,
        Err(problems) => {
            report(&problems);
            Exit::Failure
        }
    }
}

fn report(problems: &[problem::Problem]) {
    // As OPA: JSON whatever the format.
    output::eprintln(&problem::errors_node(problems).pretty());
}

fn tokens(args: &Parse) -> Exit {
    match std::fs::read_to_string(&args.path) {
        Ok(text) => {
            output::print(&emit::tokens(&text));
            Exit::Success
        }
        Err(error) => {
            output::eprintln(&files::io_problem("open", &args.path, &error).line());
            Exit::Failure
        }
    }
}
