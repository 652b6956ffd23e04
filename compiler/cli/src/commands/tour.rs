//! `govc tour`: one policy through its whole life, each step a command line that can be typed by hand.

mod example;

use crate::commands;
use crate::exit::Exit;
use crate::output;
use clap::Args;
use example::Example;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Take one policy through its whole life: checked, tested, signed, verified, decided, proved, admitted, audited
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc tour\n  $ govc tour --keep kept")]
pub(crate) struct Tour {
    /// Folder with policy, data, inputs and example.json; without one, the built-in example of agent promotion
    example: Option<String>,
    /// Folder to work in and to leave the files in; without one, nothing is left
    #[arg(long, value_name = "FOLDER")]
    keep: Option<String>,
}

pub(crate) fn run(args: &Tour) -> Exit {
    match prepare(args) {
        Ok((folder, example)) => {
            let exit = walk(&example);
            if args.keep.is_none() {
                leave(&folder);
            }
            exit
        }
        Err(message) => {
            output::eprintln(&format!("tour: {message}"));
            Exit::Error
        }
    }
}

/// Copies the example to where the tour works, and goes there.
fn prepare(args: &Tour) -> Result<(PathBuf, Example), String> {
    let folder = match &args.keep {
        Some(folder) => PathBuf::from(folder),
        None => std::env::temp_dir().join(format!("govc-tour-{}", std::process::id())),
    };
    if folder.join("keys").exists() {
        return Err(format!("`{}` holds a tour already; choose another folder", folder.display()));
    }
    let failed = |error: std::io::Error| format!("`{}`: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(failed)?;
    match &args.example {
        Some(example) => example::copy(Path::new(example), &folder)?,
        None => example::unpack(&folder).map_err(failed)?,
    }
    std::env::set_current_dir(&folder).map_err(failed)?;
    let example = Example::read()?;
    Ok((folder, example))
}

fn leave(folder: &Path) {
    let _ = std::env::set_current_dir(std::env::temp_dir());
    let _ = std::fs::remove_dir_all(folder);
}

/// What a step must end with.
#[derive(Clone, Copy)]
enum Wanted {
    Exit(Exit),
    Any,
}

fn walk(example: &Example) -> Exit {
    title(&example.title);
    let (bundle, public, private) = ("bundle.tar.gz", "keys/public.pem", "keys/private.pem");
    let trusted = format!("-b {bundle} --verification-key {public}");
    let asked = format!("-e {}", example.entrypoint);
    let (sources, schema) = (&example.sources, &example.schema);
    let allow = Wanted::Exit(Exit::Success);
    let deny = Wanted::Exit(Exit::Failure);
    let mut steps = vec![
        ("typed: names, safety, and types from the schemas", format!("govc check policy{schema}"), allow),
        ("tested", format!("govc test {sources}"), allow),
        ("a key to sign with", "govc keygen keys".to_owned(), allow),
        (
            "compiled and signed",
            format!("govc build {sources}{schema} {asked} --signing-key {private} -o {bundle}"),
            allow,
        ),
        ("verified", format!("govc verify {bundle} --verification-key {public}"), allow),
        (
            "decided: allowed, with a proof, and on record",
            format!(
                "govc decide {trusted} {asked} -i {} --audit audit --proof proof.json --signing-key {private}",
                example.allow
            ),
            allow,
        ),
        (
            "decided: denied, with reasons",
            format!("govc decide {trusted} {asked} -i {} --audit audit", example.deny),
            deny,
        ),
    ];
    if let Some(approve) = &example.approve {
        let line = format!("govc decide {trusted} {asked} -i {approve} --audit audit");
        steps.push(("decided: a person must approve", line, Wanted::Exit(Exit::RequireApproval)));
    }
    steps.push((
        "proved: decided again offline, and compared",
        format!("govc proof check proof.json {trusted}"),
        allow,
    ));
    if let Some(spec) = &example.spec {
        steps.push((
            "promoted",
            format!(
                "govc promote {spec} {trusted} {asked} --signing-key {private} --proof promotion.json --audit audit"
            ),
            allow,
        ));
        steps.push((
            "admitted",
            format!("govc admit {spec} --proof promotion.json {trusted} --audit audit"),
            allow,
        ));
    }
    steps.push(("audited", "govc audit verify audit".to_owned(), allow));
    steps.push((
        "a copy that somebody touched",
        format!(
            "mkdir copy && tar xzf {bundle} -C copy 2>/dev/null && echo '# touched' >> copy/{} && \
             tar czf touched.tar.gz -C copy $(ls -A copy)",
            example.touched
        ),
        Wanted::Any,
    ));
    steps.push(("refused", format!("govc verify touched.tar.gz --verification-key {public}"), deny));
    let last =
        format!("govc decide -b touched.tar.gz --verification-key {public} {asked} -i {}", example.allow);
    steps.push(("and nothing is decided with it", last, deny));
    for (what, line, wanted) in &steps {
        if !step(what, line, *wanted) {
            return Exit::Failure;
        }
    }
    Exit::Success
}

fn title(text: &str) {
    output::println(&format!("{text}\n{}", "=".repeat(text.chars().count())));
}

/// Prints a line, runs it, and says what exit code it gave when that is not 0.
fn step(what: &str, line: &str, wanted: Wanted) -> bool {
    output::println(&format!("\n# {what}\n$ {line}"));
    let words: Vec<&str> = line.split(' ').collect();
    let exit = match words.first() {
        Some(&"govc") => commands::run_line(&words),
        _ => shell(line),
    };
    if exit != Exit::Success {
        output::println(&format!("(exit code {})", exit.code()));
    }
    match wanted {
        Wanted::Exit(wanted) if exit != wanted => {
            output::eprintln(&format!("tour: expected exit code {}, got {}", wanted.code(), exit.code()));
            false
        }
        _ => true,
    }
}

fn shell(line: &str) -> Exit {
    match Command::new("sh").arg("-c").arg(line).status() {
        Ok(status) if status.success() => Exit::Success,
        _ => Exit::Failure,
    }
}
