//! Optimized builds proved by `opa`: the modules that are left answer as the case does, and hold no rule that
//! opa's own optimized build drops.

use crate::cases::Case;
use crate::front::Answer;
use crate::residual::{Verdict, is_asked, prepare, run};
use crate::topdown;
use crate::world::SuiteWorld;
use govc_compile::CheckOptions;
use govc_syntax::{ParseOptions, RegoVersion, Sources, ast, parse_module};
use govc_topdown::{Optimization, OptimizeError};
use govc_value::{Arena, Heap, SymbolTable, json};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The entrypoint that a case asks for: its query is `data.a.b = x`.
pub fn entrypoint(case: &Case) -> Option<Vec<String>> {
    let query = case.text("query")?;
    let path = query.strip_suffix(" = x")?.strip_prefix("data.")?;
    let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    let word = |p: &String| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (parts.len() > 1 && parts.iter().all(word) && is_asked(case)).then_some(parts)
}

/// How a case is built.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// `-O`.
    pub level: u32,
    /// Every rule that has a plain name is an entrypoint too, and `--prune-unused` is given.
    pub all: bool,
}

impl How {
    /// The entrypoints of a case: the one that it asks for, and the others.
    fn entrypoints(self, case: &Case, asked: Vec<String>) -> Vec<Vec<String>> {
        let mut found = vec![asked];
        for text in case.modules().iter().filter(|_| self.all) {
            let tree = parsed(text, case);
            let package = package(&tree);
            for rule in
                tree.rules.iter().filter(|rule| rule.head.args.is_none() && rule.head.steps.is_empty())
            {
                let path = [package.as_slice(), std::slice::from_ref(&rule.head.name.name)].concat();
                if path.len() > 1 && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// opa cannot answer from what is left (one case makes it panic).
const PANICS: &str = "opa panics";

/// Judges a case, in a folder of its own.
pub fn judge(opa: &Path, folder: &Path, case: &Case, how: How) -> Verdict {
    let Some(entrypoint) = entrypoint(case) else { return Verdict::Skipped("no entrypoint".to_owned()) };
    let Answer::Solutions(full) = topdown::answer(case) else {
        return Verdict::Skipped("no answer".to_owned());
    };
    let entrypoints = how.entrypoints(case, entrypoint);
    let theirs = match opa_rules(opa, folder, case, &entrypoints, how) {
        Ok(rules) => rules,
        Err(why) => return Verdict::Skipped(format!("opa: {why}")),
    };
    let modules = match ours(case, entrypoints, how.level) {
        Ok(modules) => modules,
        Err(error) => return Verdict::Fail(format!("ours: {error}")),
    };
    let texts: Vec<String> = modules.iter().map(|(_, text)| text.clone()).collect();
    let kept: BTreeSet<String> = texts.iter().flat_map(|t| rules_in(t, case)).collect();
    // The part of a rule's path that both builds keep, whichever evaluates more of it.
    let meets = |a: &str, b: &str| a.split('.').zip(b.split('.')).all(|(a, b)| a == b);
    // Rules that stand for negations are made, not kept.
    let kept = kept.iter().filter(|k| !k.starts_with("partial."));
    let more: Vec<&String> = kept.filter(|k| !theirs.iter().any(|t| meets(k, t))).collect();
    if !more.is_empty() {
        return Verdict::Fail(format!("holds {more:?}, which opa's drops\n{}", texts.join("\n---\n")));
    }
    match answer(opa, folder, &case.with_modules(&texts)) {
        Ok(got) if got == wanted(&full) => Verdict::Pass(Default::default()),
        Ok(got) => Verdict::Fail(format!("{got:?}, wanted {full:?}\n{}", texts.join("\n---\n"))),
        Err(why) if why == PANICS => Verdict::Skipped(why),
        Err(why) => Verdict::Fail(format!("{why}\n{}", texts.join("\n---\n"))),
    }
}

fn version(case: &Case) -> RegoVersion {
    if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 }
}

fn ours(
    case: &Case,
    entrypoints: Vec<Vec<String>>,
    level: u32,
) -> Result<Vec<(String, String)>, OptimizeError> {
    let arena = Arena::new(1 << 30);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let data = json::read(heap, case.json("data").unwrap_or("{}").as_bytes(), &json::Limits::default());
    let mut world = SuiteWorld::default();
    let named = case.modules().into_iter().enumerate().map(|(i, text)| (format!("m{i}.rego"), text));
    govc_topdown::optimize(Optimization {
        modules: named.collect(),
        parse: ParseOptions { version: version(case), ..ParseOptions::default() },
        check: CheckOptions::default(),
        data: data.unwrap_or_default(),
        entrypoints,
        level,
        namespace: "partial".to_owned(),
        world: &mut world,
        fuel: 5_000_000,
        memory: 1 << 30,
    })
}

fn parsed(text: &str, case: &Case) -> ast::Module {
    let mut sources = Sources::default();
    let file = sources.add("m.rego", text);
    parse_module(file, text, &ParseOptions { version: version(case), ..ParseOptions::default() }).tree
}

fn package(tree: &ast::Module) -> Vec<String> {
    tree.package.iter().flat_map(|p| &p.path).map(|ident| ident.name.clone()).collect()
}

/// The paths of the rules of a module.
fn rules_in(text: &str, case: &Case) -> BTreeSet<String> {
    let tree = parsed(text, case);
    let package = package(&tree).join(".");
    let numbered =
        |name: &str| if name.starts_with("__not") { "__not__".to_owned() } else { name.to_owned() };
    let path = |rule: &ast::Rule| format!("{package}.{}", numbered(&rule.head.name.name));
    tree.rules.iter().map(path).collect()
}

fn opa_rules(
    opa: &Path,
    folder: &Path,
    case: &Case,
    entrypoints: &[Vec<String>],
    how: How,
) -> Result<BTreeSet<String>, String> {
    prepare(folder, case).map_err(|_| "no folder".to_owned())?;
    let mut build = Command::new(opa);
    build.current_dir(folder).args(["build", "policy", "-O", &how.level.to_string(), "-o", "b.tar.gz"]);
    entrypoints.iter().for_each(|path| {
        build.args(["-e", &path.join("/")]);
    });
    if how.all {
        build.arg("--prune-unused");
    }
    if case.json("data").is_some() {
        build.arg("data.json");
    }
    if case.version == "v0" {
        build.arg("--v0-compatible");
    }
    let output = build.output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).chars().take(40).collect());
    }
    let into = folder.join("opas");
    std::fs::create_dir_all(&into).map_err(|e| e.to_string())?;
    let unpacked = Command::new("tar").args(["-xzf", "../b.tar.gz"]).current_dir(&into).output();
    if !unpacked.is_ok_and(|o| o.status.success()) {
        return Err("tar".to_owned());
    }
    let files = crate::cases::files(&into, &["rego"]);
    let texts = files.iter().filter_map(|f| std::fs::read_to_string(f).ok());
    Ok(texts.flat_map(|t| rules_in(&t, case)).collect())
}

fn wanted(full: &[String]) -> Option<Json> {
    let first: Json = serde_json::from_str(full.first()?).unwrap_or_default();
    Some(first["x"].clone())
}

fn answer(opa: &Path, folder: &Path, case: &Case) -> Result<Option<Json>, String> {
    let failed = |_| PANICS.to_owned();
    let mut args = vec!["eval".to_owned(), "--format=json".to_owned()];
    args.extend(prepare(folder, case).map_err(failed)?);
    if case.has("input") {
        let input = folder.join("input.json");
        std::fs::write(&input, case.json("input").unwrap_or("null")).map_err(|e| e.to_string())?;
        args.extend(["-i".to_owned(), input.display().to_string()]);
    }
    args.push(entrypoint(case).map(|e| format!("data.{}", e.join("."))).unwrap_or_default());
    let json = run(opa, &args).map_err(failed)?;
    match json["errors"].as_array().and_then(|e| e.first()) {
        Some(error) => Err(format!("opa refuses: {error}")),
        None => Ok(json["result"][0]["expressions"].get(0).map(|e| e["value"].clone())),
    }
}
