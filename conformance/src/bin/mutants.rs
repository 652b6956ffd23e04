//! `mutants [N] [SEED] [FOLDER] [-v]`: N seeded single-token mutants of OPA's case modules, or of the modules of a folder,
//! through our parser and OPA's.
//!
//! Prints how often both accept, or both refuse with the same first row and code, and how often all complaints are
//! equal. OPA reads all mutants in one process: it loads a folder and reports every file it cannot parse; a file that
//! is always broken keeps it from going on to compile the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use govc_conformance::cases;
use govc_conformance::fuzz::Random;
use govc_syntax::lex::lex;
use govc_syntax::{Diagnostic, FileId, ParseOptions, RegoVersion, Sources, parse_module};
use serde_json::Value;

/// A text that is wrong in one token, or not.
struct Mutant {
    version: RegoVersion,
    what: String,
    text: String,
}

/// What a parser says: its complaints in order, each with row, code, column and text.
type Verdict = Vec<(usize, String, usize, String)>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.iter().any(|a| a == "-v");
    let mut numbers = args.iter().filter_map(|a| a.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(5_000) as usize;
    let seed = numbers.next().unwrap_or(1);
    let (Some(folder), Some(opa)) = (govc_conformance::shared("opa/cases"), govc_conformance::opa()) else {
        println!("skipped: this needs OPA's cases beside the checkout (or GOVC_SHARED) and `opa` on PATH");
        return Ok(());
    };
    let given = args.iter().map(Path::new).find(|path| path.is_dir());
    let modules = given.map_or_else(|| case_modules(&folder), folder_modules);
    let mutants = mutants(&modules, count, seed);
    let theirs = opa_verdicts(&opa, &mutants)?;
    report(&mutants, &theirs, verbose);
    Ok(())
}

fn case_modules(root: &Path) -> Vec<(RegoVersion, String)> {
    let version = |v: &str| if v == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
    cases::load(root)
        .iter()
        .flat_map(|c| c.modules().into_iter().map(move |m| (version(c.version), m)))
        .collect()
}

/// The modules of a folder, each in the language in which it is well-formed; tests of large repositories are alike, and
/// long modules are slow.
fn folder_modules(folder: &Path) -> Vec<(RegoVersion, String)> {
    const LONGEST: usize = 4_000;
    let texts =
        cases::files(folder, &["rego"]).into_iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts
        .filter(|text| text.len() < LONGEST)
        .filter_map(|text| {
            let accepted = |&version: &RegoVersion| complaints(version, &text).is_empty();
            let version = [RegoVersion::V1, RegoVersion::V0].into_iter().find(accepted)?;
            Some((version, text))
        })
        .collect()
}

fn mutants(modules: &[(RegoVersion, String)], count: usize, seed: u64) -> Vec<Mutant> {
    let mut random = Random::new(seed);
    let mut mutants = Vec::with_capacity(count);
    while mutants.len() < count && !modules.is_empty() {
        let (version, text) = &modules[random.below(modules.len())];
        mutants.extend(mutant(*version, text, &mut random));
    }
    mutants
}

fn mutant(version: RegoVersion, text: &str, random: &mut Random) -> Option<Mutant> {
    let tokens = lex(FileId(0), text, false).tokens;
    if tokens.len() < 2 {
        return None;
    }
    let piece = |i: usize| &text[tokens[i].start as usize..tokens[i].end as usize];
    let i = random.below(tokens.len() - 1);
    let (before, after) = (&text[..tokens[i].start as usize], &text[tokens[i].end as usize..]);
    let (what, text) = match random.below(4) {
        0 => (format!("delete `{}`", piece(i)), format!("{before}{after}")),
        1 => {
            let between = &text[tokens[i].end as usize..tokens[i + 1].start as usize];
            let rest = &text[tokens[i + 1].end as usize..];
            let swapped = format!("{before}{}{between}{}{rest}", piece(i + 1), piece(i));
            (format!("swap `{}` and `{}`", piece(i), piece(i + 1)), swapped)
        }
        2 => (format!("duplicate `{}`", piece(i)), format!("{before}{} {}{after}", piece(i), piece(i))),
        _ => {
            let with = piece(random.below(tokens.len())).to_owned();
            (format!("replace `{}` with `{with}`", piece(i)), format!("{before}{with}{after}"))
        }
    };
    Some(Mutant { version, what, text })
}

fn complaints(version: RegoVersion, text: &str) -> Verdict {
    let mut sources = Sources::default();
    let file = sources.add("m.rego", text);
    let options = ParseOptions { version, ..ParseOptions::default() };
    let parsed = parse_module(file, text, &options);
    let complaint = |d: &Diagnostic| {
        let (row, column) = d.opa_span().map_or((0, 0), |span| sources.position(span));
        (row, d.opa_code.to_owned(), column, d.message.clone())
    };
    parsed.diagnostics.iter().map(complaint).collect()
}

fn opa_verdicts(opa: &Path, mutants: &[Mutant]) -> Result<Vec<Verdict>, Box<dyn std::error::Error>> {
    let mut verdicts = vec![Verdict::new(); mutants.len()];
    for version in [RegoVersion::V0, RegoVersion::V1] {
        let folder = std::env::temp_dir().join(format!("govc-mutants-{}-{version:?}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("broken.rego"), "package\n")?;
        for (i, mutant) in mutants.iter().enumerate().filter(|(_, m)| m.version == version) {
            std::fs::write(folder.join(format!("{i}.rego")), &mutant.text)?;
        }
        let errors = opa_errors(opa, &folder, version);
        std::fs::remove_dir_all(&folder)?;
        for (i, verdict) in errors? {
            verdicts[i] = verdict;
        }
    }
    Ok(verdicts)
}

/// The complaints about each file of a folder, by the number in its name.
fn opa_errors(
    opa: &Path,
    folder: &Path,
    version: RegoVersion,
) -> Result<BTreeMap<usize, Verdict>, Box<dyn std::error::Error>> {
    let mut command = Command::new(opa);
    command.args(["check", "--format", "json"]);
    if version == RegoVersion::V0 {
        command.arg("--v0-compatible");
    }
    let output = command.arg(folder).output()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let document: Value = serde_json::from_slice(&text)?;
    let mut errors: BTreeMap<usize, Verdict> = BTreeMap::new();
    for error in document["errors"].as_array().into_iter().flatten() {
        let file = error["location"]["file"].as_str().unwrap_or_default();
        let Some(i) = Path::new(file).file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok())
        else {
            continue;
        };
        let number = |key: &str| error["location"][key].as_u64().unwrap_or(0) as usize;
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        errors.entry(i).or_default().push((number("row"), text("code"), number("col"), text("message")));
    }
    Ok(errors)
}

fn report(mutants: &[Mutant], theirs: &[Verdict], verbose: bool) {
    let (mut agree, mut refused, mut same) = (0, 0, 0);
    for (i, (mutant, their)) in mutants.iter().zip(theirs).enumerate() {
        let our = complaints(mutant.version, &mutant.text);
        let place = |v: &Verdict| v.first().map(|(row, code, ..)| (*row, code.clone()));
        let agrees = place(&our) == place(their);
        refused += usize::from(!their.is_empty());
        agree += usize::from(agrees);
        same += usize::from(!their.is_empty() && our == *their);
        if verbose && (!agrees || our != *their) {
            let what = if agrees { "words" } else { "verdict" };
            println!(
                "--- {what} {i} {:?} {}\nours   {our:?}\ntheirs {their:?}\n{}",
                mutant.version, mutant.what, mutant.text
            );
        }
    }
    let share = 100.0 * agree as f64 / mutants.len().max(1) as f64;
    println!(
        "{agree} of {} mutants agree ({share:.2} %); opa refuses {refused}, {same} with all our complaints, word for word",
        mutants.len()
    );
}
