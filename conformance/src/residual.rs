//! Partial evaluation proved by full evaluation: what is left of a query, with the input given, must answer as
//! the query does, under `opa` and under us; and it must not be longer than opa's by more than half.

use crate::cases::Case;
use crate::front::{self, Answer};
use crate::topdown;
use govc_compile::opt::Level;
use govc_compile::rewritten::{Expr, ExprKind, Term, TermKind};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What was found out about a case.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// Our statements, those of nested bodies too.
    pub ours: usize,
    /// Those of opa.
    pub opas: usize,
    /// Some query or module of ours refers to `input` or to support.
    pub depends: bool,
    /// Ours refers to rules or data that are not its own; opa's does too.
    pub foreign: bool,
}

/// Why a case tells nothing.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// All was as it must be.
    Pass(Measure),
    /// It cannot be asked in this way.
    Skipped(String),
    /// What was wrong.
    Fail(String),
}

/// Judges a case in a folder of its own.
pub fn judge(opa: &Path, folder: &Path, case: &Case) -> Verdict {
    match measure(opa, folder, case) {
        Ok(measure) => Verdict::Pass(measure),
        Err(Stop::Skip(why)) => Verdict::Skipped(why),
        Err(Stop::Fail(why)) => Verdict::Fail(why),
    }
}

pub(crate) enum Stop {
    Skip(String),
    Fail(String),
}

fn skip<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skip(why.into()))
}

fn fail<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(why.into()))
}

/// Here opa's residual holds even if the input is undefined, which the case is about.
const OPA_FORGETS_THE_INPUT: &str = "test-with-builtin-mock.yaml#23";

/// Cases of errors, and those whose query is not plain, say nothing here.
pub(crate) fn is_asked(case: &Case) -> bool {
    !["want_error", "want_error_code", "input_term"].iter().any(|field| case.json(field).is_some())
        && !case.flag("strict_error")
        && !case.flag("experimental_keywords")
        && !case.name.contains(OPA_FORGETS_THE_INPUT)
        && !case.modules().iter().any(|m| m.contains("opa.runtime"))
}

fn measure(opa: &Path, folder: &Path, case: &Case) -> Result<Measure, Stop> {
    if !is_asked(case) {
        return skip("errors or other languages");
    }
    let Answer::Solutions(full) = topdown::answer(case) else { return skip("no answer") };
    let theirs = match opa_partial(opa, folder, case)? {
        Ok(theirs) => theirs,
        Err(why) => return skip(format!("opa: {why}")),
    };
    let (checks, ours) = match topdown::residual(case) {
        Ok(found) => found,
        Err(answer) => return fail(format!("ours: {answer:?}")),
    };
    let names = written(&checks.query.body);
    let want = rows_of(&full, &names);
    let mut modules = case.modules();
    modules.extend(ours.support_texts.iter().cloned());
    modules.push(rows_module(case, &names, &ours));
    let again = case.with_modules(&modules);
    let us = match front::answer_to(&again, "data.govc_residual.rows = rows", Level::Full) {
        Answer::Solutions(found) => rows_in(&found)?,
        other => return fail(format!("residual under us: {other:?}\n{}", modules.join("\n---\n"))),
    };
    if us != want {
        return fail(format!("under us {us:?}, wanted {want:?}\n{}", modules.join("\n---\n")));
    }
    let them = opa_rows(opa, folder, &again)?;
    if them != want {
        return fail(format!("under opa {them:?}, wanted {want:?}\n{}", modules.join("\n---\n")));
    }
    compare(&ours, &theirs)
}

fn compare(ours: &govc_topdown::Residual, theirs: &Json) -> Result<Measure, Stop> {
    let parse = |texts: &[String]| -> Vec<Json> {
        texts.iter().map(|t| serde_json::from_str(t).unwrap_or_default()).collect()
    };
    let own = serde_json::json!({"queries": parse(&ours.queries), "modules": parse(&ours.support)});
    let (mine, other) = (Shape::of(&own), Shape::of(theirs));
    let texts = || format!("ours {:?} {:?}\nopa {theirs}", ours.query_texts, ours.support_texts);
    if mine.empty != other.empty || mine.unconditional != other.unconditional {
        return fail(format!("shapes: ours {mine:?}, opa {other:?}\n{}", texts()));
    }
    if mine.foreign && !other.foreign {
        return fail(format!("mentions more than its own\n{}", texts()));
    }
    if mine.statements * 2 > other.statements * 3 {
        return fail(format!("{} statements, opa {}\n{}", mine.statements, other.statements, texts()));
    }
    Ok(Measure {
        ours: mine.statements,
        opas: other.statements,
        depends: mine.depends,
        foreign: mine.foreign,
    })
}

#[derive(Debug, Default)]
struct Shape {
    empty: bool,
    unconditional: bool,
    statements: usize,
    depends: bool,
    foreign: bool,
}

impl Shape {
    fn of(residual: &Json) -> Self {
        let queries = residual["queries"].as_array().cloned().unwrap_or_default();
        let mut shape = Self { empty: queries.is_empty(), ..Self::default() };
        shape.unconditional = queries.iter().any(|q| {
            let mut one = Self::default();
            one.visit(q);
            !one.depends && !one.foreign
        });
        shape.visit(residual);
        shape
    }

    fn visit(&mut self, json: &Json) {
        match json {
            Json::Array(items) => items.iter().for_each(|i| self.visit(i)),
            Json::Object(members) => {
                if members.contains_key("package") {
                    return self.visit(&members["rules"]);
                }
                self.statements += usize::from(members.contains_key("terms"));
                if members.get("type").and_then(Json::as_str) == Some("ref") {
                    self.reference(&members["value"]);
                }
                members.values().for_each(|m| self.visit(m));
            }
            _ => {}
        }
    }

    fn reference(&mut self, parts: &Json) {
        let text = |at: usize| parts[at]["value"].as_str().unwrap_or_default();
        match text(0) {
            "input" => self.depends = true,
            "data" if text(1) == "partial" => self.depends = true,
            "data" => self.foreign = true,
            _ => {}
        }
    }
}

/// Variables of a query that its author wrote and no rewrite renamed.
fn written(body: &[Expr]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    body.iter().for_each(|e| expr_names(e, &mut out));
    out.retain(|n| !n.starts_with("__local") && !n.starts_with('$') && n != "input" && n != "data");
    out
}

fn expr_names(e: &Expr, out: &mut BTreeSet<String>) {
    match &e.kind {
        ExprKind::Term(t) if !e.negated => names(t, out),
        ExprKind::Unify(a, b) if !e.negated => {
            names(a, out);
            names(b, out);
        }
        ExprKind::Call(_, args) if !e.negated => args.iter().for_each(|t| names(t, out)),
        _ => {}
    }
}

fn names(t: &Term, out: &mut BTreeSet<String>) {
    match &t.kind {
        TermKind::Var(v) => {
            out.insert(v.name.to_string());
        }
        TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
            items.iter().for_each(|t| names(t, out));
        }
        TermKind::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            names(k, out);
            names(v, out);
        }),
        _ => {}
    }
}

/// A module whose `rows` are the solutions of the residual.
fn rows_module(case: &Case, names: &BTreeSet<String>, residual: &govc_topdown::Residual) -> String {
    let queries = &residual.query_texts;
    let pairs: Vec<String> = names.iter().map(|n| format!("{n:?}: {n}")).collect();
    let row = format!("{{{}}}", pairs.join(", "));
    let mut out = "package govc_residual\n\n".to_owned();
    if case.version == "v0" {
        out.push_str("import rego.v1\n\n");
    }
    for keyword in &residual.keywords {
        out.push_str(&format!("import future.keywords.{keyword}\n\n"));
    }
    for query in queries {
        let query = if query.is_empty() { "true" } else { query };
        out.push_str(&format!("rows contains {row} if {{\n{query}\n}}\n\n"));
    }
    if queries.is_empty() {
        out.push_str("rows := set()\n");
    }
    out
}

/// Solutions as rows of the variables that count.
fn rows_of(solutions: &[String], names: &BTreeSet<String>) -> BTreeSet<String> {
    let row = |text: &String| {
        let mut row: serde_json::Map<String, Json> = serde_json::from_str(text).unwrap_or_default();
        row.retain(|k, _| names.contains(k));
        Json::Object(row).to_string()
    };
    solutions.iter().map(row).collect()
}

fn rows_in(solutions: &[String]) -> Result<BTreeSet<String>, Stop> {
    let Some(first) = solutions.first() else { return fail("no rows") };
    let json: Json = serde_json::from_str(first).unwrap_or_default();
    Ok(rows(&json["rows"]))
}

fn rows(json: &Json) -> BTreeSet<String> {
    json.as_array().into_iter().flatten().map(Json::to_string).collect()
}

pub(crate) fn prepare(folder: &Path, case: &Case) -> Result<Vec<String>, Stop> {
    let _ = std::fs::remove_dir_all(folder);
    let policy = folder.join("policy");
    let write = || -> std::io::Result<Vec<String>> {
        std::fs::create_dir_all(&policy)?;
        let mut args = Vec::new();
        for (i, text) in case.modules().iter().enumerate() {
            std::fs::write(policy.join(format!("m{i}.rego")), text)?;
        }
        args.extend(["-d".to_owned(), policy.display().to_string()]);
        if let Some(data) = case.json("data") {
            std::fs::write(folder.join("data.json"), data)?;
            args.extend(["-d".to_owned(), folder.join("data.json").display().to_string()]);
        }
        if case.version == "v0" {
            args.push("--v0-compatible".to_owned());
        }
        Ok(args)
    };
    write().map_err(|e| Stop::Fail(e.to_string()))
}

pub(crate) fn run(opa: &Path, args: &[String]) -> Result<Json, Stop> {
    let output = Command::new(opa).args(args).output().map_err(|e| Stop::Fail(e.to_string()))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let text = String::from_utf8_lossy(&output.stderr);
        match text.starts_with("panic") {
            true => Stop::Skip("opa panics".to_owned()),
            false => Stop::Fail(format!("opa: {text}")),
        }
    })
}

/// opa's own residual, or the first of its errors.
fn opa_partial(opa: &Path, folder: &Path, case: &Case) -> Result<Result<Json, String>, Stop> {
    let mut args = vec![
        "eval".to_owned(),
        "--partial".to_owned(),
        "--format=json".to_owned(),
        "--timeout=10s".to_owned(),
    ];
    args.extend(prepare(folder, case)?);
    args.push(topdown::query_text(case));
    let json = match run(opa, &args) {
        Ok(json) => json,
        Err(_) => return Ok(Err("no answer".to_owned())),
    };
    match json["errors"].as_array().and_then(|e| e.first()) {
        Some(error) => Ok(Err(error["message"].to_string())),
        None => Ok(Ok(json["partial"].clone())),
    }
}

fn opa_rows(opa: &Path, folder: &Path, case: &Case) -> Result<BTreeSet<String>, Stop> {
    let mut args = vec!["eval".to_owned(), "--format=json".to_owned()];
    args.extend(prepare(folder, case)?);
    if case.has("input") {
        let input = folder.join("input.json");
        std::fs::write(&input, case.json("input").unwrap_or("null"))
            .map_err(|e| Stop::Fail(e.to_string()))?;
        args.extend(["-i".to_owned(), input.display().to_string()]);
    }
    args.push("data.govc_residual.rows".to_owned());
    let json = run(opa, &args)?;
    if let Some(error) = json["errors"].as_array().and_then(|e| e.first()) {
        return fail(format!("opa refuses the residual: {error}\n{}", case.modules().join("\n---\n")));
    }
    Ok(rows(&json["result"][0]["expressions"][0]["value"]))
}
