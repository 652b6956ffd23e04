//! `govc exec`: one decision for each of many input files, as `opa exec` prints them. Exit code 0, or 1 where a flag
//! asks for it and when nothing can be evaluated.

use crate::duration;
use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::language::Language;
use crate::output::{self, Node};
use crate::problem::{self, Problem};
use crate::run::{
    self,
    query::{Ask, Asker},
};
use crate::world::{self, Terminal};
use clap::Args;
use govc_compile::{PlanRequest, QueryOptions};
use govc_vm::Image;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Decide about each of many input files
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc exec -b policy --decision access/allow input.json\n  \
                        $ govc exec -b policy --decision access/allow --fail input.json")]
pub(crate) struct Exec {
    /// Input files (`.json`, `.yaml`, `.yml`), and folders that hold such files
    paths: Vec<String>,
    /// Bundle files and folders
    #[arg(short, long)]
    bundle: Vec<String>,
    /// The document that decides, such as `access/allow`
    #[arg(long, default_value = "/system/main", value_name = "PATH")]
    decision: String,
    /// Exit with 1 if a decision is undefined
    #[arg(long, conflicts_with_all = ["fail_defined", "fail_non_empty"])]
    fail: bool,
    /// Exit with 1 if a decision is defined
    #[arg(long, conflicts_with = "fail_non_empty")]
    fail_defined: bool,
    /// Exit with 1 if a decision is anything but undefined or empty
    #[arg(long)]
    fail_non_empty: bool,
    /// Read one input from standard input, up to its first empty line
    #[arg(short = 'I', long)]
    stdin_input: bool,
    /// Wall time of one decision, such as `5s`
    #[arg(long, value_parser = duration::parse, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// How to print
    #[arg(short, long, default_value = "json", value_parser = ["json"])]
    format: String,
    #[command(flatten)]
    language: Language,
}

/// The path of an input, and its JSON text.
type Input = (String, Result<String, Problem>);

/// What came of one input.
enum Verdict {
    /// The decision as JSON text.
    Defined(String),
    Undefined,
    Failed(Problem),
}

pub(crate) fn run(args: &Exec) -> Exit {
    match execute(args) {
        Ok(exit) => exit,
        Err(problems) => {
            output::eprintln(&problem::summary(&problems));
            Exit::Failure
        }
    }
}

fn execute(args: &Exec) -> Result<Exit, Vec<Problem>> {
    if args.paths.is_empty() && !args.stdin_input {
        let text = "requires at least 1 path arg, or the --stdin-input flag";
        return Err(vec![Problem::plain(text)]);
    }
    let inputs = inputs(args).map_err(|p| vec![p])?;
    let image = program(args)?;
    let mut asker = Asker::default();
    let verdicts: Vec<(String, Verdict)> = inputs
        .into_iter()
        .map(|(path, input)| {
            let verdict = input.map_or_else(Verdict::Failed, |input| decide(args, &image, &mut asker, input));
            (path, verdict)
        })
        .collect();
    let results = verdicts.iter().map(|(path, verdict)| node(args, path, verdict)).collect();
    output::println(&Node::Object(vec![("result".to_owned(), Node::Array(results))]).pretty());
    Ok(verdict_of_all(args, &verdicts))
}

/// Paths with their inputs as JSON text.
fn inputs(args: &Exec) -> Result<Vec<Input>, Problem> {
    let mut found = Vec::new();
    if args.stdin_input {
        found.push(("--stdin-input".to_owned(), stdin()));
    }
    for path in &args.paths {
        walk(path, &mut found)?;
    }
    Ok(found)
}

fn stdin() -> Result<String, Problem> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| Problem::plain(error.to_string()))?;
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        let text = "cannot execute on empty input; please enter valid json or yaml when using the --stdin-input flag";
        return Err(Problem::plain(text));
    }
    files::any_document(lines.join("\n").as_bytes()).map_err(Problem::plain)
}

/// Files of other endings are passed over.
fn walk(path: &str, found: &mut Vec<Input>) -> Result<(), Problem> {
    let info = std::fs::metadata(path).map_err(|error| files::io_problem("lstat", path, &error))?;
    if info.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| files::io_problem("open", path, &error))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        return names.iter().try_for_each(|name| walk(&files::join(path, name), found));
    }
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
    if matches!(ending, Some("json" | "yaml" | "yml")) {
        found.push((path.to_owned(), files::document(path)));
    }
    Ok(())
}

/// The decision as a query, so that a document that is not there is undefined and no error.
fn program(args: &Exec) -> Result<Image, Vec<Problem>> {
    let mut loaded: Loaded = files::load(&files::Request {
        data: Vec::new(),
        bundles: args.bundle.clone(),
        ignore: Vec::new(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    });
    let steps = args.decision.split('/').filter(|step| !step.is_empty());
    let text = steps.fold("data".to_owned(), |text, step| format!("{text}[{}]", output::quote(step)));
    let file = loaded.sources.add("", &text);
    let body = govc_syntax::parse_query(file, &text, &args.language.parse());
    if !body.diagnostics.is_empty() {
        return Err(run::problems(&body.diagnostics, &loaded.sources));
    }
    let rules = run::Rules { error_limit: 10, ..run::Rules::default() };
    let program = run::check(&loaded, rules, |checked, options| {
        let query = govc_compile::check_query(&checked, &body.tree, options, &QueryOptions::default())
            .map_err(|found| run::problems(&found, &loaded.sources))?;
        let request = PlanRequest { queries: vec![("query".to_owned(), query)], ..PlanRequest::default() };
        run::emit(&run::plan(&checked, &request, &loaded.sources)?, &loaded.sources)
    })?;
    run::image(program, &loaded)
}

fn decide(args: &Exec, image: &Image, asker: &mut Asker, input: String) -> Verdict {
    let ask = Ask { input: Some(input), timeout: args.timeout, ..Ask::default() };
    match asker.ask(image, "query", &ask, &mut Terminal::new()) {
        Ok(answer) => answer.results.first().map_or(Verdict::Undefined, |row| value(row)),
        Err(problem) => Verdict::Failed(problem),
    }
}

/// The value of the only expression of a solution `[[value], {}]`.
fn value(row: &str) -> Verdict {
    type Row = (Vec<Box<RawValue>>, BTreeMap<String, Box<RawValue>>);
    match serde_json::from_str::<Row>(row).map(|(values, _)| values.into_iter().next()) {
        Ok(Some(value)) => Verdict::Defined(value.get().to_owned()),
        Ok(None) => Verdict::Undefined,
        Err(error) => Verdict::Failed(Problem::coded("govc_internal_error", error.to_string())),
    }
}

fn node(args: &Exec, path: &str, verdict: &Verdict) -> Node {
    let mut object = vec![("path".to_owned(), Node::string(path))];
    match verdict {
        Verdict::Defined(value) => {
            object.insert(0, ("decision_id".to_owned(), Node::string(&world::uuid_v4())));
            object.push(("result".to_owned(), Node::Raw(value.clone())));
        }
        Verdict::Undefined => {
            let text = format!("{} decision was undefined", args.decision);
            let error = vec![
                ("code".to_owned(), Node::string("opa_undefined_error")),
                ("message".to_owned(), Node::string(&text)),
            ];
            object.push(("error".to_owned(), Node::Object(error)));
        }
        Verdict::Failed(problem) => object.push(("error".to_owned(), problem.to_node())),
    }
    Node::Object(object)
}

/// As OPA counts: what is undefined is an error with `--fail` only.
fn verdict_of_all(args: &Exec, verdicts: &[(String, Verdict)]) -> Exit {
    let counts = |of: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|(_, verdict)| of(verdict)).count();
    let (flag, failures) = match () {
        () if args.fail => ("--fail", counts(&|v| matches!(v, Verdict::Defined(json) if json == "null"))),
        () if args.fail_defined => {
            ("--fail-defined", counts(&|v| matches!(v, Verdict::Defined(json) if json != "null")))
        }
        () if args.fail_non_empty => (
            "--fail-non-empty",
            counts(&|v| matches!(v, Verdict::Defined(json) if json != "null" && json != "[]")),
        ),
        () => return Exit::Success,
    };
    let undefined = |v: &Verdict| args.fail && matches!(v, Verdict::Undefined);
    let errors = counts(&|v| matches!(v, Verdict::Failed(_)) || undefined(v));
    if failures == 0 && errors == 0 {
        return Exit::Success;
    }
    output::eprintln(&format!(
        "there were {failures} failures and {errors} errors counted in the results list, and {flag} is set"
    ));
    Exit::Failure
}
