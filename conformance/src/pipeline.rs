//! The whole compiler as one function, for suites and benchmarks that are not about the command line.

use govc_bytecode::Program;
use govc_compile::ir::Policy;
use govc_compile::opt::Level;
use govc_compile::{CheckOptions, PlanRequest};
use govc_stdlib::{BuiltinError, World};
use govc_syntax::{Diagnostic, ParseOptions, RegoVersion, Sources};
use govc_value::{Heap, Value};

/// Compiles modules (name, text) to a program with entrypoints (`a/b/rule`).
///
/// # Errors
/// `code: message` of what the first stage that fails finds.
pub fn compile(
    modules: &[(&str, &str)],
    version: RegoVersion,
    entrypoints: &[&str],
    level: Level,
) -> Result<Program, Vec<String>> {
    let mut policy = planned(modules, version, entrypoints, false)?;
    govc_compile::opt::run(&mut policy, level);
    govc_compile::emit(&policy).map_err(|error| vec![error.to_string()])
}

/// Plans modules (name, text) with entrypoints (`a/b/rule`) so that OPA's IR can say it.
///
/// # Errors
/// `code: message` of what the first stage that fails finds.
pub fn plan(
    modules: &[(&str, &str)],
    version: RegoVersion,
    entrypoints: &[&str],
) -> Result<Policy, Vec<String>> {
    planned(modules, version, entrypoints, true)
}

fn planned(
    modules: &[(&str, &str)],
    version: RegoVersion,
    entrypoints: &[&str],
    whole: bool,
) -> Result<Policy, Vec<String>> {
    let options = ParseOptions { version, ..ParseOptions::default() };
    let (mut sources, mut trees, mut found) = (Sources::default(), Vec::new(), Vec::new());
    for (name, text) in modules {
        let file = sources.add(*name, *text);
        let parsed = govc_syntax::parse_module(file, text, &options);
        trees.push(parsed.tree);
        found.extend(parsed.diagnostics);
    }
    refuse(&found)?;
    let checked = govc_compile::check(&sources, &trees, &CheckOptions::default());
    if !checked.is_ok() {
        return Err(texts(&checked.diagnostics));
    }
    let entrypoints = entrypoints.iter().map(|e| (*e).to_owned()).collect();
    let request = PlanRequest { entrypoints, whole, ..PlanRequest::default() };
    govc_compile::plan(&checked.unit, &request).map_err(|found| texts(&found))
}

fn refuse(found: &[Diagnostic]) -> Result<(), Vec<String>> {
    if found.is_empty() { Ok(()) } else { Err(texts(found)) }
}

fn texts(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(|d| format!("{}: {}", d.opa_code, d.message)).collect()
}

/// A world with a fixed clock and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct StillWorld;

impl World for StillWorld {
    fn now_ns(&mut self) -> i64 {
        1_700_000_000_000_000_000
    }

    fn call<'q>(&mut self, name: &str, _: Heap<'q>, _: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
        Err(BuiltinError::Unsupported(name.to_owned()))
    }

    fn print(&mut self, _: &str, _: &str, _: u32) {}
}
