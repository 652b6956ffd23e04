//! The command tree. Each command is a file of its own: its flags, and `run`.

mod acting;
mod activate;
mod admit;
mod approval;
mod audit;
pub(crate) mod bench;
mod build;
pub(crate) mod capabilities;
mod check;
mod completion;
mod cosign;
mod decide;
mod deps;
mod desk;
pub(crate) mod eval;
mod exact;
mod exec;
pub(crate) mod explain;
mod fmt;
mod init;
mod inspect;
mod keygen;
mod line;
mod lsp;
mod oracle;
mod parse;
mod person;
mod promote;
mod proof;
mod refactor;
mod revalidate;
mod revoke;
mod ruling;
pub(crate) mod run;
mod sign;
mod test;
mod ticket;
mod tour;
mod verify;
mod version;

use crate::exit::Exit;
use crate::output;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

/// Compile, test, sign, decide, prove and audit policies written in Rego
#[derive(Parser, Debug)]
#[command(
    name = "govc",
    version,
    propagate_version = false,
    disable_help_subcommand = false,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 done or allowed; 1 no, denied or refused; 2 error or wrong usage; 3 approval needed.\n\
                        `govc explain CODE` tells what a code means."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Tour(tour::Tour),
    Init(init::Init),
    Check(check::Check),
    Test(test::Test),
    Eval(Box<eval::Eval>),
    Parse(parse::Parse),
    Fmt(fmt::Fmt),
    Bench(bench::Bench),
    Build(Box<build::Build>),
    Inspect(inspect::Inspect),
    Deps(deps::Deps),
    Sign(sign::Sign),
    Cosign(cosign::Cosign),
    Verify(verify::Verify),
    Decide(Box<decide::Decide>),
    Promote(Box<promote::Promote>),
    Activate(Box<activate::Activate>),
    Revalidate(Box<revalidate::Revalidate>),
    Revoke(revoke::Revoke),
    Admit(Box<admit::Admit>),
    Proof(proof::Proof),
    Audit(audit::Audit),
    Ticket(ticket::Ticket),
    Approval(approval::Approval),
    Keygen(keygen::Keygen),
    Capabilities(capabilities::Capabilities),
    Exec(exec::Exec),
    Run(Box<run::Run>),
    Explain(explain::Explain),
    Lsp(lsp::Lsp),
    Completion(completion::Completion),
    Oracle(oracle::Oracle),
    Refactor(refactor::Refactor),
    Version(version::Version),
}

/// Reads the command line and runs it.
pub(crate) fn main() -> Exit {
    run_words(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// All commands with all flags.
fn tree() -> clap::Command {
    Cli::command().mut_subcommands(last_counts)
}

/// A flag may stand twice, as in OPA; the last one counts.
fn last_counts(command: clap::Command) -> clap::Command {
    command.args_override_self(true).mut_subcommands(last_counts)
}

fn run_words(words: Vec<String>) -> Exit {
    let mut tree = line::with_environment(tree());
    let words = line::normalize(words, &tree);
    let parsed = tree.try_get_matches_from_mut(&words).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => run(cli.command),
        Err(error) => usage(&error, &words, &tree),
    }
}

fn run(command: Command) -> Exit {
    match command {
        Command::Tour(args) => tour::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Parse(args) => parse::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Deps(args) => deps::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Cosign(args) => cosign::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Decide(args) => decide::run(&args),
        Command::Promote(args) => promote::run(&args),
        Command::Activate(args) => activate::run(&args),
        Command::Revalidate(args) => revalidate::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Admit(args) => admit::run(&args),
        Command::Proof(args) => proof::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Ticket(args) => ticket::run(&args),
        Command::Approval(args) => approval::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Capabilities(args) => capabilities::run(&args),
        Command::Exec(args) => exec::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Lsp(args) => lsp::run(&args),
        Command::Completion(args) => completion::run(&args),
        Command::Oracle(args) => oracle::run(&args),
        Command::Refactor(args) => refactor::run(&args),
        Command::Version(args) => version::run(&args),
    }
}

/// Runs a command line in this process, as the shell would.
pub(crate) fn run_line(words: &[&str]) -> Exit {
    run_words(words.iter().map(|&word| word.to_owned()).collect())
}

/// Commands that OPA does not have answer wrong usage with 2, all else with OPA's 1.
const OUR_COMMANDS: &[&str] = &[
    "tour",
    "init",
    "cosign",
    "verify",
    "decide",
    "promote",
    "activate",
    "revalidate",
    "admit",
    "proof",
    "audit",
    "ticket",
    "approval",
    "keygen",
    "explain",
    "lsp",
];

fn usage(error: &clap::Error, words: &[String], tree: &clap::Command) -> Exit {
    let shown = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    if shown.contains(&error.kind()) {
        let _ = error.print();
        return Exit::Success;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::print(&error.render().to_string());
        return Exit::Success;
    }
    if words.get(1).is_some_and(|word| word == "help") {
        output::println(&format!("Unknown help topic [`{}`]", words.get(2).map_or("", String::as_str)));
        return Exit::Success;
    }
    output::eprintln(line::complain(error, words, tree).trim_end());
    let first = words.get(1).map(String::as_str).unwrap_or_default();
    if OUR_COMMANDS.contains(&first) { Exit::Error } else { Exit::Failure }
}
