//! From loaded files to a program that can be asked: check, plan, optimize, emit, load.

pub(crate) mod query;
pub(crate) mod stepwise;

use crate::files::Loaded;
use crate::problem::Problem;
use govc_bytecode::Program;
use govc_compile::{CheckOptions, Checked, PlanRequest, Schemas, ir, opt};
use govc_syntax::{Diagnostic, Severity, Sources};
use govc_vm::Image;

/// How policies are checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// OPA's strict mode.
    pub(crate) strict: bool,
    /// Errors after which no more are reported; 0: no limit.
    pub(crate) error_limit: usize,
    /// Tests say which case they have come to.
    pub(crate) cases: bool,
    /// JSON Schemas.
    pub(crate) schemas: Schemas,
}

/// Checks the modules, and hands the result with the options to `then`, which may check queries with them.
pub(crate) fn check<T>(
    loaded: &Loaded,
    rules: Rules,
    then: impl FnOnce(Checked, &CheckOptions<'_>) -> Result<T, Vec<Problem>>,
) -> Result<T, Vec<Problem>> {
    if !loaded.problems.is_empty() {
        return Err(loaded.problems.clone());
    }
    let exists = |path: &[String]| loaded.documents.holds(path);
    let options = CheckOptions {
        strict: rules.strict,
        open: false,
        print: true,
        cases: rules.cases,
        data_exists: Some(&exists),
        error_limit: rules.error_limit,
        schemas: rules.schemas,
        builtins: loaded.builtins.clone(),
    };
    let checked = govc_compile::check(&loaded.sources, &loaded.modules, &options);
    if !checked.is_ok() {
        return Err(problems(&checked.diagnostics, &loaded.sources));
    }
    then(checked, &options)
}

/// The errors among findings.
pub(crate) fn problems(found: &[Diagnostic], sources: &Sources) -> Vec<Problem> {
    let errors = found.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| Problem::from_diagnostic(d, sources)).collect()
}

/// Plans and optimizes.
pub(crate) fn plan(
    checked: &Checked,
    request: &PlanRequest,
    sources: &Sources,
) -> Result<ir::Policy, Vec<Problem>> {
    // What is marked is told of in the order of the source, so nothing is moved.
    let level = if request.marks.is_some() { opt::Level::None } else { opt::Level::Full };
    plan_at(level, checked, request, sources)
}

/// Plans, and optimizes as far as the level says.
pub(crate) fn plan_at(
    level: opt::Level,
    checked: &Checked,
    request: &PlanRequest,
    sources: &Sources,
) -> Result<ir::Policy, Vec<Problem>> {
    let mut policy = govc_compile::plan(&checked.unit, request).map_err(|found| problems(&found, sources))?;
    policy.files = sources.iter().map(|(_, source)| source.name.clone()).collect();
    opt::run(&mut policy, level);
    Ok(policy)
}

/// Emits bytecode that knows where its statements come from.
pub(crate) fn emit(policy: &ir::Policy, sources: &Sources) -> Result<Program, Vec<Problem>> {
    govc_compile::emit_located(policy, sources)
        .map_err(|error| vec![Problem::coded("govc_emit_error", error.to_string())])
}

/// Makes a program ready to run over the loaded documents.
pub(crate) fn image(program: Program, loaded: &Loaded) -> Result<Image, Vec<Problem>> {
    Image::load(program, &[(Vec::new(), loaded.documents.to_json())])
        .map_err(|error| vec![Problem::coded("govc_load_error", error.to_string())])
}
