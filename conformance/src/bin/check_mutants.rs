//! `check_mutants [N] [SEED] [-S] [-v]`: N seeded mutants of OPA's cases that still parse, through our checks and
//! through `opa check` (with -S in strict mode), a process for each: 20,000 take half an hour. Prints how often both report the same errors: code, row, column and text of each.

use govc_compile::{CheckOptions, check};
use govc_conformance::cases;
use govc_conformance::fuzz::Random;
use govc_syntax::lex::lex;
use govc_syntax::{FileId, ParseOptions, RegoVersion, Sources, parse_module};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One error: code, row, column, text.
type Finding = (String, usize, usize, String);

/// Modules of one case, one of which was changed.
struct Mutant {
    version: RegoVersion,
    strict: bool,
    modules: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.iter().any(|a| a == "-v");
    let mut numbers = args.iter().filter_map(|a| a.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(500) as usize;
    let mut random = Random::new(numbers.next().unwrap_or(1));
    let (Some(folder), Some(opa)) = (govc_conformance::shared("opa/cases"), govc_conformance::opa()) else {
        println!("skipped: this needs OPA's cases beside the checkout (or GOVC_SHARED) and `opa` on PATH");
        return Ok(());
    };
    let strict = args.iter().any(|a| a == "-S");
    let cases: Vec<Mutant> = cases::load(&folder).iter().map(|c| original(c, strict)).collect();
    let scratch = std::env::temp_dir().join(format!("govc-check-mutants-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let start = std::time::Instant::now();
    let (mut done, mut same, mut refused, mut same_rows) = (0, 0, 0, 0);
    while done < count && !cases.is_empty() {
        let Some(mutant) = mutant(&cases[random.below(cases.len())], &mut random) else { continue };
        let Some(ours) = our_findings(&mutant) else { continue };
        let mut theirs = opa_findings(&opa, &scratch, &mutant)?;
        theirs.sort();
        if theirs.iter().any(|f| f.0 == "rego_parse_error") {
            continue;
        }
        done += 1;
        if done % 1_000 == 0 {
            eprintln!("{done} mutants, {} s", start.elapsed().as_secs());
        }
        refused += usize::from(!theirs.is_empty());
        let rows = |f: &[Finding]| f.iter().map(|f| (f.0.clone(), f.1)).collect::<Vec<_>>();
        same_rows += usize::from(rows(&ours) == rows(&theirs));
        if ours == theirs {
            same += 1;
        } else if verbose {
            println!("--- {:?}\nours   {ours:?}\ntheirs {theirs:?}", mutant.version);
            mutant.modules.iter().for_each(|m| println!("{m}"));
        }
    }
    std::fs::remove_dir_all(&scratch)?;
    println!(
        "{same_rows} of {done} mutants with the same codes and rows, {same} with the same places and texts too; opa refuses {refused}"
    );
    Ok(())
}

fn original(case: &cases::Case, strict: bool) -> Mutant {
    let version = if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
    Mutant { version, strict, modules: case.modules() }
}

/// Changes one word: to another word of the same text, or away with its line.
fn mutant(case: &Mutant, random: &mut Random) -> Option<Mutant> {
    let mut modules = case.modules.clone();
    let at = random.below(modules.len());
    let text = modules.get(at)?.clone();
    let tokens = lex(FileId(0), &text, false).tokens;
    let piece = |i: usize| &text[tokens[i].start as usize..tokens[i].end as usize];
    let i = random.below(tokens.len());
    let changed = match random.below(5) {
        0 => {
            let start = text[..tokens.get(i)?.start as usize].rfind('\n').map_or(0, |n| n + 1);
            let end = text[start..].find('\n').map_or(text.len(), |n| start + n + 1);
            format!("{}{}", &text[..start], &text[end..])
        }
        _ => {
            let j = random.below(tokens.len());
            let is_operand = |t: &str| t.starts_with(|c: char| c.is_alphanumeric() || c == '"' || c == '_');
            if !is_operand(piece(i)) || piece(i) == piece(j) {
                return None;
            }
            format!("{}{}{}", &text[..tokens[i].start as usize], piece(j), &text[tokens[i].end as usize..])
        }
    };
    modules[at] = changed;
    Some(Mutant { modules, ..*case })
}

/// Our errors; nothing where a module does not parse.
fn our_findings(mutant: &Mutant) -> Option<Vec<Finding>> {
    let mut sources = Sources::default();
    let mut trees = Vec::new();
    for (i, text) in mutant.modules.iter().enumerate() {
        let file = sources.add(format!("{i}.rego"), text.as_str());
        let options = ParseOptions { version: mutant.version, ..ParseOptions::default() };
        let parsed = parse_module(file, text, &options);
        if !parsed.diagnostics.is_empty() {
            return None;
        }
        trees.push(parsed.tree);
    }
    let options = CheckOptions { print: true, strict: mutant.strict, ..CheckOptions::default() };
    let mut found: Vec<Finding> = check(&sources, &trees, &options)
        .diagnostics
        .iter()
        .map(|d| {
            let (row, col) = d.opa_span().map_or((0, 0), |span| sources.position(span));
            let typed = d.opa_code == "rego_type_error" && !d.message.contains("conflict");
            let notes = d.notes.iter().filter(|n| typed && !n.starts_with("did you mean"));
            let text = notes.fold(d.message.clone(), |text, note| format!("{text}\n\t{note}"));
            (d.opa_code.to_owned(), row, col, text)
        })
        .collect();
    // OPA's order within a statement is that of a hash map.
    found.sort();
    Some(found)
}

fn opa_findings(
    opa: &Path,
    scratch: &Path,
    mutant: &Mutant,
) -> Result<Vec<Finding>, Box<dyn std::error::Error>> {
    let mut command = Command::new(opa);
    command.args(["check", "--format", "json"]).current_dir(scratch);
    if mutant.version == RegoVersion::V0 {
        command.arg("--v0-compatible");
    }
    if mutant.strict {
        command.arg("--strict");
    }
    for (i, text) in mutant.modules.iter().enumerate() {
        std::fs::write(scratch.join(format!("{i}.rego")), text)?;
        command.arg(format!("{i}.rego"));
    }
    let json = output(&mut command)?;
    let document: Value = serde_json::from_slice(&json).unwrap_or(Value::Null);
    let errors = document["errors"].as_array().cloned().unwrap_or_default();
    let mut found: Vec<Finding> = errors.iter().map(finding).collect();
    if found.iter().any(|f| f.0 == "rego_type_error") {
        // Details are lines of text only in the other format.
        let text = String::from_utf8_lossy(&output(command.args(["--format", "pretty"]))?).into_owned();
        add_details(&mut found, &text);
    }
    Ok(found)
}

fn output(command: &mut Command) -> std::io::Result<Vec<u8>> {
    let output = command.output()?;
    Ok(if output.stdout.is_empty() { output.stderr } else { output.stdout })
}

/// Appends to each message the lines that follow it in OPA's text.
fn add_details(found: &mut [Finding], text: &str) {
    let mut lines = text.lines().peekable();
    let mut at = 0;
    while let Some(line) = lines.next() {
        let Some(finding) = found.get_mut(at) else { return };
        if !line.ends_with(finding.3.lines().last().unwrap_or_default()) || finding.3.contains('\n') {
            continue;
        }
        while let Some(detail) = lines.next_if(|l| l.starts_with('\t')) {
            finding.3 = format!("{}\n{detail}", finding.3);
        }
        at += 1;
    }
}

fn finding(error: &Value) -> Finding {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let number = |v: &Value| v.as_u64().unwrap_or(0) as usize;
    let location = &error["location"];
    (text(&error["code"]), number(&location["row"]), number(&location["col"]), text(&error["message"]))
}
