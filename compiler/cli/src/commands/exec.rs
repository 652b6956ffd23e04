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
    #[arg(long, value_name = "PATH")]
    decision: Option<String>,
    /// Configuration file; its `default_decision` and `bundles` are looked at
    #[arg(short, long, value_name = "FILE")]
    config_file: Option<String>,
    /// Replace a part of the configuration: `a.b=value`
    #[arg(long, value_name = "PART=VALUE")]
    set: Vec<String>,
    /// Replace a part of the configuration by the text of a file: `a.b=file`
    #[arg(long, value_name = "PART=FILE")]
    set_file: Vec<String>,
    /// What is logged; nothing is but errors
    #[arg(short, long, default_value = "error", value_parser = ["debug", "info", "error"], hide = true)]
    log_level: String,
    /// How errors are logged
    #[arg(long, default_value = "json", value_parser = ["text", "json", "json-pretty"], hide = true)]
    log_format: String,
    /// Layout of times in the log
    #[arg(long, default_value = "", hide = true)]
    log_timestamp_format: String,
    /// Exit with 1 if a decision is undefined
    #[arg(long)]
    fail: bool,
    /// Exit with 1 if a decision is defined
    #[arg(long)]
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
    if args.paths.is_empty() && !args.stdin_input {
        let text = "requires at least 1 path arg, or the --stdin-input flag";
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        output::eprintln(&format!(r#"time="{now}" level=error msg="Unexpected error." err="{text}""#));
        return Exit::Failure;
    }
    match execute(args) {
        Ok(exit) => exit,
        Err(Stop::Arguments(text)) => log(args, &format!("exec error: {text}")),
        Err(Stop::Problems(problems)) => {
            log(args, &format!("runtime error: {}", problem::summary(&problems)))
        }
    }
}

/// Why nothing is decided, or not all.
enum Stop {
    /// The flags, the inputs, or what a flag asks to fail for.
    Arguments(String),
    /// The policies.
    Problems(Vec<Problem>),
}

/// An error as OPA's logger writes it.
fn log(args: &Exec, error: &str) -> Exit {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let fields = [("err", error), ("level", "error"), ("msg", "Unexpected error."), ("time", &now)];
    let node =
        Node::Object(fields.into_iter().map(|(name, text)| (name.to_owned(), Node::string(text))).collect());
    output::eprintln(&match args.log_format.as_str() {
        "text" => format!(
            "time={} level=error msg=\"Unexpected error.\" err={}",
            output::quote(&now),
            output::quote(error)
        ),
        "json-pretty" => node.pretty(),
        _ => node.compact(),
    });
    Exit::Failure
}

fn execute(args: &Exec) -> Result<Exit, Stop> {
    let clash = match () {
        () if args.fail && args.fail_defined => Some("specify --fail or --fail-defined but not both"),
        () if args.fail_non_empty && args.fail => Some("specify --fail-non-empty or --fail but not both"),
        () if args.fail_non_empty && args.fail_defined => {
            Some("specify --fail-non-empty or --fail-defined but not both")
        }
        () => None,
    };
    if let Some(clash) = clash {
        return Err(Stop::Arguments(clash.to_owned()));
    }
    let settings = Settings::read(args).map_err(|p| Stop::Problems(vec![p]))?;
    let image = program(args, &settings).map_err(Stop::Problems)?;
    let inputs = inputs(args).map_err(|p| Stop::Arguments(p.message))?;
    let mut asker = Asker::default();
    let verdicts: Vec<(String, Verdict)> = inputs
        .into_iter()
        .map(|(path, input)| {
            let verdict = input.map_or_else(Verdict::Failed, |input| decide(args, &image, &mut asker, input));
            (path, verdict)
        })
        .collect();
    let results = verdicts.iter().map(|(path, verdict)| node(&settings, path, verdict)).collect();
    output::println(&Node::Object(vec![("result".to_owned(), Node::Array(results))]).pretty());
    verdict_of_all(args, &verdicts).map(|()| Exit::Success).map_err(Stop::Arguments)
}

/// What the configuration says about one decision after the other.
struct Settings {
    /// The path of the decision.
    decision: String,
    /// Folders and files of bundles.
    bundles: Vec<String>,
}

impl Settings {
    fn read(args: &Exec) -> Result<Self, Problem> {
        let file = args.config_file.as_deref().map(files::document).transpose()?;
        let config: serde_json::Value = match file {
            Some(text) => serde_json::from_str(&text).map_err(|error| Problem::plain(error.to_string()))?,
            None => serde_json::Value::Null,
        };
        let mut bundles = args.bundle.clone();
        for bundle in config["bundles"].as_object().into_iter().flat_map(serde_json::Map::values) {
            match bundle["resource"].as_str().and_then(|resource| resource.strip_prefix("file://")) {
                Some(path) => bundles.push(path.to_owned()),
                None => return Err(Problem::not_yet("bundles of services are not fetched for `exec` yet")),
            }
        }
        let replaced = args.set.iter().rev().find_map(|part| part.strip_prefix("default_decision="));
        let file = args.set_file.iter().rev().find_map(|part| part.strip_prefix("default_decision="));
        let file = file.map(std::fs::read_to_string).transpose();
        let file =
            file.map_err(|error| Problem::plain(error.to_string()))?.map(|text| text.trim().to_owned());
        let given = args.decision.clone().or(replaced.map(str::to_owned)).or(file);
        let default = config["default_decision"].as_str().unwrap_or("/system/main");
        Ok(Self { decision: given.unwrap_or_else(|| default.to_owned()), bundles })
    }
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
fn program(args: &Exec, settings: &Settings) -> Result<Image, Vec<Problem>> {
    let mut loaded: Loaded = files::load(&files::Request {
        data: Vec::new(),
        bundles: settings.bundles.clone(),
        wording: files::Wording::Plain,
        ignore: Vec::new(),
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    });
    let steps = settings.decision.split('/').filter(|step| !step.is_empty());
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

fn node(settings: &Settings, path: &str, verdict: &Verdict) -> Node {
    let mut object = vec![("path".to_owned(), Node::string(path))];
    match verdict {
        Verdict::Defined(value) => {
            object.insert(0, ("decision_id".to_owned(), Node::string(&world::uuid_v4())));
            object.push(("result".to_owned(), Node::Raw(value.clone())));
        }
        Verdict::Undefined => {
            let text = format!("{} decision was undefined", settings.decision);
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
fn verdict_of_all(args: &Exec, verdicts: &[(String, Verdict)]) -> Result<(), String> {
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
        () => return Ok(()),
    };
    let undefined = |v: &Verdict| args.fail && matches!(v, Verdict::Undefined);
    let errors = counts(&|v| matches!(v, Verdict::Failed(_)) || undefined(v));
    match failures + errors {
        0 => Ok(()),
        _ => Err(format!(
            "there were {failures} failures and {errors} errors counted in the results list, and {flag} is set"
        )),
    }
}
