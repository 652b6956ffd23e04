//! `check_mutants [N] [SEED] [-S] [-v] [--through PROGRAM]`: N seeded mutants of OPA's cases that still parse, through
//! our checks and through `opa check` (with -S in strict mode). Prints how often both report the same errors: code, row,
//! column and text of each.
//!
//! A process of `opa` for each mutant means half an hour for 20,000. A program that embeds OPA's compiler needs seconds:
//! `--through` hands it the mutants, as [`opa::Program`] says.

mod opa;

use govc_compile::{CheckOptions, check};
use govc_conformance::cases;
use govc_conformance::fuzz::Random;
use govc_syntax::lex::lex;
use govc_syntax::{FileId, ParseOptions, RegoVersion, Sources, parse_module};
use opa::Opa;

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
    let program = args.iter().skip_while(|a| *a != "--through").nth(1);
    let (Some(folder), Some(mut opa)) = (govc_conformance::shared("opa/cases"), Opa::find(program)?) else {
        println!("skipped: this needs OPA's cases beside the checkout (or GOVC_SHARED) and `opa` on PATH");
        return Ok(());
    };
    let strict = args.iter().any(|a| a == "-S");
    let cases: Vec<Mutant> = cases::load(&folder).iter().map(|c| original(c, strict)).collect();
    let start = std::time::Instant::now();
    let (mut done, mut same, mut refused, mut same_rows) = (0, 0, 0, 0);
    while done < count && !cases.is_empty() {
        let Some(mutant) = mutant(&cases[random.below(cases.len())], &mut random) else { continue };
        let Some(ours) = our_findings(&mutant) else { continue };
        let mut theirs = opa.findings(&mutant)?;
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
            (d.opa_code.to_owned(), row, col, comparable(text))
        })
        .collect();
    // OPA's order within a statement is that of a hash map.
    found.sort();
    Some(found)
}

/// Which cycle OPA tells of those that lead through a rule depends on the order of a hash map.
fn comparable(message: String) -> String {
    match message.split_once(" is recursive: ") {
        Some((rule, _)) => format!("{rule} is recursive"),
        None => message,
    }
}
