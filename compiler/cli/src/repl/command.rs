//! The commands of the shell: everything but statements. Their complaints are OPA's.

use super::session::{Session, Trace};
use super::{Next, help};
use crate::output::{self, Node};

/// What a command answers: the next line, or a complaint.
type Done = Result<Next, String>;

/// Runs a line that is a command; any other line is none.
pub(super) fn run(session: &mut Session, line: &str) -> Option<Done> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_lowercase();
    let args: Vec<&str> = words.collect();
    let settings = &mut session.settings;
    let done = match name.as_str() {
        "exit" => return Some(Ok(Next::End)),
        "help" => help(&args),
        "show" => show(session, &args),
        "unset" => unset(session, &args),
        "unset-package" => unset_package(session, &args),
        "dump" => dump(session, &args),
        "json" => set(&mut settings.json, true),
        "pretty" => set(&mut settings.json, false),
        "pretty-limit" => pretty_limit(&mut settings.pretty_limit, &args),
        "trace" => trace(&mut settings.trace, args.first().copied().filter(|_| args.len() == 1)),
        "notes" => trace(&mut settings.trace, Some("notes")),
        "fails" => trace(&mut settings.trace, Some("fails")),
        "metrics" => {
            settings.metrics = !settings.metrics;
            set(&mut settings.instrument, false)
        }
        "instrument" => {
            settings.instrument = !settings.instrument;
            settings.metrics = settings.instrument;
            Ok(())
        }
        "profile" => toggle(&mut settings.profile),
        "types" => toggle(&mut settings.types),
        "strict-builtin-errors" => toggle(&mut settings.strict),
        "unknown" => unknown(&mut settings.unknowns, &args),
        "target" => target(&args),
        _ => return None,
    };
    Some(done.map(|()| Next::Line))
}

fn set(flag: &mut bool, to: bool) -> Result<(), String> {
    *flag = to;
    Ok(())
}

fn toggle(flag: &mut bool) -> Result<(), String> {
    let to = !*flag;
    set(flag, to)
}

fn help(args: &[&str]) -> Result<(), String> {
    let text = match args.first() {
        None => help::COMMANDS,
        Some(&"input") => help::INPUT,
        Some(&"partial") => help::PARTIAL,
        Some(topic) => return Err(format!("unknown topic '{topic}'")),
    };
    output::println(text);
    Ok(())
}

fn show(session: &Session, args: &[&str]) -> Result<(), String> {
    match args.first() {
        None => output::print(&session.shown()?),
        Some(&"debug") => output::println(&debug(session)),
        Some(other) => return Err(format!("unknown option '{other}'")),
    }
    Ok(())
}

/// The settings as JSON, indented by tabs.
fn debug(session: &Session) -> String {
    let settings = &session.settings;
    let flags = [
        ("metrics", settings.metrics),
        ("instrument", settings.instrument),
        ("profile", settings.profile),
        ("strict-builtin-errors", settings.strict),
    ];
    let explain = ("explain".to_owned(), Node::string(settings.trace.name()));
    let flags = flags.into_iter().map(|(name, on)| (name.to_owned(), Node::bool(on)));
    Node::Object(std::iter::once(explain).chain(flags).collect()).pretty().replace("  ", "\t")
}

fn unset(session: &mut Session, args: &[&str]) -> Result<(), String> {
    let [name] = args else {
        return Err("code bad arguments: unset <ref>: expects exactly one argument".to_owned());
    };
    if !session.unset(name)? {
        output::println("warning: no matching rules in current module");
    }
    Ok(())
}

fn unset_package(session: &mut Session, args: &[&str]) -> Result<(), String> {
    let [name] = args else {
        return Err("code bad arguments: unset-package <var>: expects exactly one argument".to_owned());
    };
    if !session.unset_package(name)? {
        output::println("warning: no matching package");
    }
    Ok(())
}

fn dump(session: &Session, args: &[&str]) -> Result<(), String> {
    let text = session.documents();
    match args.first() {
        None => output::println(&text),
        Some(path) => std::fs::write(path, text + "\n")
            .map_err(|error| crate::files::io_problem("open", path, &error).line())?,
    }
    Ok(())
}

fn pretty_limit(limit: &mut usize, args: &[&str]) -> Result<(), String> {
    let [text] = args else { return Err("usage: pretty-limit <n>".to_owned()) };
    let number: i64 =
        text.parse().map_err(|_| format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))?;
    *limit = usize::try_from(number).unwrap_or(0);
    Ok(())
}

/// A mode that is on goes off.
fn trace(current: &mut Trace, mode: Option<&str>) -> Result<(), String> {
    let mode = match mode {
        None => Trace::Full,
        Some(name) => Trace::named(name).ok_or_else(|| {
            "invalid explain mode, expected one of: off, full, notes, fails, debug".to_owned()
        })?,
    };
    *current = if *current == mode { Trace::Off } else { mode };
    Ok(())
}

fn unknown(unknowns: &mut Vec<String>, args: &[&str]) -> Result<(), String> {
    // A name alone is a variable, but for the roots of documents.
    let usable = |arg: &&str| {
        let head = arg.split(['.', '[']).next().unwrap_or_default();
        let named = head.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        named && (head.len() < arg.len() || matches!(head, "input" | "data"))
    };
    if (args.is_empty() && unknowns.is_empty()) || !args.iter().all(usable) {
        let usage =
            "usage: unknown <input/data reference> [<input/data reference> [...]] (hint: try 'input')";
        return Err(usage.to_owned());
    }
    *unknowns = args.iter().map(|&arg| arg.to_owned()).collect();
    Ok(())
}

fn target(args: &[&str]) -> Result<(), String> {
    match args {
        ["rego"] => Ok(()),
        ["wasm"] => Err("govc_not_yet: the target `wasm` is not supported yet".to_owned()),
        [other] => Err(format!("invalid target \"{other}\":must be one of {{rego,wasm}}")),
        _ => Err("code bad arguments: target <mode>: expects exactly one argument".to_owned()),
    }
}
