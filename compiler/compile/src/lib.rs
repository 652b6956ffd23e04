//! Rego syntax trees to verified programs: names, safety, types, plan, optimization, bytecode.
//!
//! [`check`] takes modules to the [HIR](hir), [`check_query`] a query to be planned with them. Both report
//! what `opa check` reports: the findings of the first stage that has any.

pub mod emit;
pub mod hir;
pub mod ir;
pub mod opt;
pub mod plan;

pub mod annotations;
mod builtins;
pub mod catalog;
mod check;
mod conflicts;
mod declarations;
mod dependents;
mod lower;
mod recursion;
mod required;
mod resolve;
pub mod rewritten;
mod rules;
mod safety;
pub mod text;
pub mod ty;

pub use builtins::{Builtins, HostBuiltin};
pub use declarations::{BODIES, DeclarationError};
pub use dependents::dependents;
pub use emit::{EmitError, emit, emit_located, emit_with};
pub use plan::{Marks, PlanRequest, plan};
pub use required::{Required, required};
pub use ty::{TypeTable, Vocabulary};

use govc_syntax::{Diagnostic, Sources, ast};
use std::collections::BTreeMap;

/// Whether the base documents hold something at a path without `data`.
pub type DataExists<'a> = &'a dyn Fn(&[String]) -> bool;

/// How modules are checked.
#[derive(Clone)]
pub struct CheckOptions<'a> {
    /// OPA's strict mode: unused imports, assignments and arguments are errors, and what v1 refuses is
    /// refused in v0 too.
    pub strict: bool,
    /// The modules may be a part of a policy: they may call functions that are not there, and variables of bodies may be
    /// bound by such calls.
    pub open: bool,
    /// Keep `print` calls; otherwise they are erased.
    pub print: bool,
    /// Tests say which case they have come to, by calls of `internal.test_case`.
    pub cases: bool,
    /// The builtins that may be called.
    pub builtins: Builtins,
    /// Whether the base documents hold something at a path (without `data`): rules must not be there.
    pub data_exists: Option<DataExists<'a>>,
    /// Number of errors after which no more are reported; 0: no limit.
    pub error_limit: usize,
    /// JSON Schemas and known names.
    pub schemas: Schemas,
}

/// What is known of documents before any policy: JSON Schemas, and names of actions, tools and the like.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    /// Schemas by their name as a reference: `schema` is that of `input`, `schema.a.b` can be named by a
    /// `schemas` annotation.
    pub by_name: BTreeMap<String, serde_json::Value>,
    /// Strings that fields may hold.
    pub vocabulary: Vocabulary,
}

impl Default for CheckOptions<'_> {
    fn default() -> Self {
        Self {
            strict: false,
            open: false,
            print: false,
            cases: false,
            builtins: Builtins::default(),
            data_exists: None,
            error_limit: 10,
            schemas: Schemas::default(),
        }
    }
}

/// In whose place a query stands.
#[derive(Clone, Debug, Default)]
pub struct QueryOptions {
    /// The package whose rules can be named without a path.
    pub package: Option<Vec<String>>,
    /// Imports of the query.
    pub imports: Vec<ast::Import>,
    /// `not` negates all that its operand expands to (`future.keywords.not`).
    pub wrapping_not: bool,
}

/// What checking gives.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The rules; none where there are errors.
    pub unit: hir::Unit,
    /// Findings, in the order of OPA.
    pub diagnostics: Vec<Diagnostic>,
    /// The types of rules and of their variables; as far as there are no errors.
    pub types: TypeTable,
    program: lower::Program,
}

impl Checked {
    /// Whether no error was found.
    pub fn is_ok(&self) -> bool {
        self.diagnostics.iter().all(|d| d.severity != govc_syntax::Severity::Error)
    }
}

/// Resolves, checks and lowers modules.
pub fn check(sources: &Sources, modules: &[ast::Module], options: &CheckOptions) -> Checked {
    lower::check(sources, modules, options)
}

/// Resolves, checks and lowers a query over modules that have been checked without an error.
///
/// # Errors
/// The findings, in the order of OPA.
pub fn check_query(
    checked: &Checked,
    body: &ast::Body,
    options: &CheckOptions,
    query: &QueryOptions,
) -> Result<hir::Query, Vec<Diagnostic>> {
    lower::check_query(checked, body, options, query)
}

/// What the type checker finds in a query that was made by other means than [`check_query`].
pub fn query_type_errors(checked: &Checked, query: &hir::Query, options: &CheckOptions) -> Vec<Diagnostic> {
    infer_query(checked, query, options).1
}

/// The types of the variables of such a query, by position.
pub fn query_types(
    checked: &Checked,
    query: &hir::Query,
    options: &CheckOptions,
) -> Vec<Option<govc_value::Type>> {
    infer_query(checked, query, options).0
}

fn infer_query(
    checked: &Checked,
    query: &hir::Query,
    options: &CheckOptions,
) -> (Vec<Option<govc_value::Type>>, Vec<Diagnostic>) {
    let types = lower::type_options(options).unwrap_or_default();
    let edges = || recursion::Graph::new(&checked.program.rules, &checked.program.tree).edges;
    ty::infer_query(query, (&checked.unit, &edges), &checked.types, &types)
}
