//! `eval --partial`: what is left of a query when some documents are not known.

use super::Eval;
use crate::files::Loaded;
use crate::metrics::Metrics;
use crate::output::Node;
use crate::problem::Problem;
use crate::run;
use crate::run::stepwise::{self, FUEL, MEMORY, path, problems};
use crate::world::Terminal;
use clap::Args;
use govc_compile::{CheckOptions, Checked, QueryOptions, rewritten};
use govc_syntax::ast;
use govc_topdown::{PartialOptions, Request, Residual};
use govc_value::{Arena, Heap, SymbolTable};
use std::time::Instant;

/// Flags of partial evaluation.
#[derive(Args, Debug)]
pub(super) struct Partial {
    /// Print what is left of the query when some documents are not known
    #[arg(short, long)]
    pub(super) partial: bool,
    /// What is not known
    #[arg(short, long, value_delimiter = ',', default_value = "input", value_name = "REF")]
    unknowns: Vec<String>,
    /// Documents whose rules are kept as rules
    #[arg(long, value_delimiter = ',', value_name = "REF")]
    disable_inlining: Vec<String>,
    /// All rules are kept as rules
    #[arg(long)]
    shallow_inlining: bool,
    // OPA's spelling.
    /// Call builtins that depend on the outside world where their arguments are known
    #[arg(long)]
    nondeterminstic_builtins: bool,
}

impl Partial {
    fn options(&self, loaded: &Loaded) -> Result<PartialOptions, Vec<Problem>> {
        let paths =
            |refs: &[String]| refs.iter().map(|r| path(r, &loaded.sources)).collect::<Result<Vec<_>, _>>();
        Ok(PartialOptions {
            unknowns: paths(&self.unknowns)?,
            disable_inlining: paths(&self.disable_inlining)?,
            shallow_inlining: self.shallow_inlining,
            nondeterministic_builtins: self.nondeterminstic_builtins,
            ..PartialOptions::default()
        })
    }

    /// Evaluates partially.
    pub(super) fn evaluate(
        &self,
        args: &Eval,
        loaded: &Loaded,
        (checked, check): (&Checked, &CheckOptions<'_>),
        (body, place): (&ast::Body, &QueryOptions),
        input: Option<&str>,
        metrics: &mut Metrics,
    ) -> Result<Residual, Vec<Problem>> {
        let options = self.options(loaded)?;
        let started = Instant::now();
        let query = rewritten::rewrite_query(checked, body, check, place, false)
            .map_err(|found| run::problems(&found, &loaded.sources))?;
        metrics.time("rego_query_compile", started.elapsed());
        let started = Instant::now();
        let arena = Arena::new(MEMORY);
        let heap = Heap::new(&arena, SymbolTable::empty());
        let data = stepwise::document(heap, &loaded.documents.to_json())?;
        let input = input.map(|text| stepwise::document(heap, text.as_bytes())).transpose()?;
        let mut world = Terminal::new();
        let request = Request {
            checked,
            options: check,
            query: &query,
            data,
            input,
            world: &mut world,
            fuel: FUEL,
            time: args.timeout,
            memory: MEMORY,
        };
        let residual = govc_topdown::partial(request, &options)
            .map_err(|error| problems(std::slice::from_ref(&error), &loaded.sources))?;
        metrics.time("rego_partial_eval", started.elapsed());
        match residual.builtin_errors.first().filter(|_| args.strict_builtin_errors) {
            Some(error) => Err(problems(std::slice::from_ref(error), &loaded.sources)),
            None => Ok(residual),
        }
    }
}

/// OPA's object: `queries`, `modules`, each only if there is something in it.
pub(crate) fn node(residual: &Residual) -> Node {
    let list = |texts: &[String]| Node::Array(texts.iter().map(|t| Node::Raw(t.clone())).collect());
    let mut object = Vec::new();
    if !residual.queries.is_empty() {
        object.push(("queries".to_owned(), list(&residual.queries)));
    }
    if !residual.support.is_empty() {
        object.push(("modules".to_owned(), list(&residual.support)));
    }
    Node::Object(object)
}

/// Queries and modules as Rego text.
pub(super) fn source(residual: Option<&Residual>) -> String {
    let Some(residual) = residual else { return String::new() };
    let queries = residual.query_texts.iter().enumerate();
    let queries = queries.map(|(i, text)| format!("# Query {}\n{text}\n\n", i + 1));
    let modules = residual.support_texts.iter().enumerate();
    let modules = modules.map(|(i, text)| format!("# Module {}\n{text}", i + 1));
    queries.chain(modules).collect()
}

/// Queries and modules in a table.
pub(crate) fn pretty(residual: &Residual) -> String {
    let cell = |text: &String| text.replace('\t', "  ").trim_matches('\n').to_owned();
    let rows = |name: &'static str, texts: &[String]| {
        texts.iter().enumerate().map(|(i, t)| [format!("{name} {}", i + 1), cell(t)]).collect::<Vec<_>>()
    };
    let mut all = rows("Query", &residual.query_texts);
    all.extend(rows("Support", &residual.support_texts));
    crate::table::blocks(&all)
}
