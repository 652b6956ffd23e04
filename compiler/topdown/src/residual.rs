//! Partial evaluation of a query: what is left of it when some documents are not known.

use crate::error::Error;
use crate::json::Writer;
use crate::partial::support::SupportModule;
use crate::partial::{self, Settings};
use crate::run::{Loaded, Surroundings, ended, frame, machine, names};
use crate::statement::Statement;
use crate::term::*;
use crate::trace::{Event, Op, TraceNode};
use crate::visit::{self, Shown};
use crate::{eval::Request, source};
use govc_syntax::format::{FormatOptions, format_source};
use govc_value::{Arena, Heap, SymbolTable};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How to evaluate partially.
#[derive(Clone, Debug)]
pub struct PartialOptions {
    /// What is not known: paths that begin with `input` or `data`, and go on with strings.
    pub unknowns: Vec<Vec<String>>,
    /// Documents whose rules are not evaluated in the place of references to them.
    pub disable_inlining: Vec<Vec<String>>,
    /// No rules are evaluated in the place of references to them.
    pub shallow_inlining: bool,
    /// Builtins that depend on the outside world are called where their arguments are known.
    pub nondeterministic_builtins: bool,
    /// First part of the packages of support rules.
    pub namespace: String,
    /// Support rules keep the paths of the rules that they are made of.
    pub skip_namespace: bool,
    /// Builtins that are never called, because `with` may replace them where the residual is evaluated.
    pub opaque_builtins: Vec<String>,
    /// Support modules begin with `import rego.v1`, to stand beside modules of v0.
    pub import_v1: bool,
    /// Rules are not looked up by the values of documents.
    pub without_index: bool,
    /// Tell the statements of each query, and those that did not hold, as [`Statement`]s.
    pub tell_statements: bool,
    /// Residual statements after which evaluation ends with `govc_limit_residual`; OPA has no such bound.
    pub most_statements: usize,
}

impl Default for PartialOptions {
    fn default() -> Self {
        Self {
            unknowns: vec![vec!["input".to_owned()]],
            disable_inlining: Vec::new(),
            shallow_inlining: false,
            nondeterministic_builtins: false,
            namespace: "partial".to_owned(),
            skip_namespace: false,
            opaque_builtins: Vec::new(),
            import_v1: false,
            without_index: false,
            tell_statements: false,
            most_statements: 200_000,
        }
    }
}

/// What is left of a query.
#[derive(Clone, Debug, Default)]
pub struct Residual {
    /// The query holds if one of these does: OPA's JSON of each. An empty one holds without conditions.
    pub queries: Vec<String>,
    /// Modules that the queries refer to: OPA's JSON of each.
    pub support: Vec<String>,
    /// The queries as text, a statement a line.
    pub query_texts: Vec<String>,
    /// The modules as formatted text.
    pub support_texts: Vec<String>,
    /// Future keywords that the texts of the queries need.
    pub keywords: Vec<&'static str>,
    /// The statements of each query, where they are asked for.
    pub conditions: Vec<Vec<Statement>>,
    /// Statements that did not hold while it was evaluated, where they are asked for.
    pub failed: Vec<Statement>,
    /// Statements in queries and modules, those of nested bodies too.
    pub statements: usize,
    /// Errors of builtins, which were taken for undefined.
    pub builtin_errors: Vec<Error>,
}

/// The residual in a heap.
pub(crate) struct Left<'q> {
    pub(crate) queries: Vec<Body<'q>>,
    pub(crate) support: BTreeMap<String, SupportModule<'q>>,
    failed: Vec<Statement>,
    builtin_errors: Vec<Error>,
}

/// Evaluates a query (checked without captured values) as far as it can be while `options.unknowns` are not
/// known.
///
/// The members of the answer are those of OPA's compile API: `queries` and `support`.
///
/// # Errors
/// OPA's evaluation errors, and limits: `govc_limit_residual` where the residual grows too large.
pub fn partial(request: Request<'_>, options: &PartialOptions) -> Result<Residual, Error> {
    let arena = Arena::new(request.memory);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let loaded = Loaded::new(heap, request.checked, request.options);
    let left = evaluate(&loaded, request, options)?;
    let writer = Writer { heap };
    let rules = left.support.values().flat_map(|m| &m.rules);
    let statements =
        left.queries.iter().map(|q| count(q)).sum::<usize>() + rules.map(|r| count(&r.body)).sum::<usize>();
    let keywords: BTreeSet<&'static str> = left.queries.iter().flat_map(|q| source::keywords(q)).collect();
    Ok(Residual {
        keywords: keywords.into_iter().collect(),
        queries: left.queries.iter().map(|q| writer.body(q)).collect(),
        support: left.support.values().map(|m| writer.module(m)).collect(),
        query_texts: left.queries.iter().map(source::query).collect(),
        support_texts: left
            .support
            .values()
            .map(|m| formatted(source::module(m, options.import_v1)))
            .collect(),
        conditions: if options.tell_statements { conditions(&left.queries) } else { Vec::new() },
        failed: left.failed,
        statements,
        builtin_errors: left.builtin_errors,
    })
}

fn conditions(queries: &[Body<'_>]) -> Vec<Vec<Statement>> {
    queries.iter().map(|query| query.iter().map(|e| Statement::of(e)).collect()).collect()
}

pub(crate) fn evaluate<'q>(
    loaded: &Loaded<'q>,
    request: Request<'_>,
    options: &PartialOptions,
) -> Result<Left<'q>, Error> {
    let heap = loaded.heap;
    let written = names(&request.query.rewritten);
    let body = loaded.query(request.query);
    let check = |body: &Body<'_>| crate::types::passes(request.checked, request.options, body);
    let settings = Settings {
        unknowns: options.unknowns.iter().map(|p| reference(heap, p)).collect(),
        disable: options.disable_inlining.iter().map(|p| reference(heap, p)).collect(),
        shallow: options.shallow_inlining,
        nondeterministic: options.nondeterministic_builtins,
        namespace: heap.string(&options.namespace),
        skip_namespace: options.skip_namespace,
        opaque: options.opaque_builtins.iter().cloned().collect(),
        passes: &check,
    };
    let failed = RefCell::new(Vec::new());
    let mut observe = |event: Event<'q>| {
        if let (Op::Fail, Some(TraceNode::Expr(e))) = (event.op, &event.node) {
            failed.borrow_mut().push(Statement::of(e));
        }
    };
    let surroundings = Surroundings {
        builtins: &request.options.builtins,
        data: heap.copy(request.data),
        input: request.input.map(|v| heap.copy(v)),
        world: request.world,
        written: &written,
        tracer: if options.tell_statements { Some(&mut observe) } else { None },
        plug_locals: false,
        fuel: request.fuel,
        time: request.time,
    };
    let live = live_vars(&body, &options.unknowns);
    let (mut machine, input) = machine(loaded, surroundings, Some(settings));
    machine.indexing = !options.without_index;
    let mut queries: Vec<Body<'q>> = Vec::new();
    let Some(state) = &machine.partial else {
        return Ok(Left {
            queries,
            support: BTreeMap::new(),
            failed: Vec::new(),
            builtin_errors: Vec::new(),
        });
    };
    let frame = frame(&machine, body, input);
    let size = Cell::new(0usize);
    let flow = frame.run(&mut || {
        let mut body = state.statements(heap, &machine.caller);
        let mut bound = crate::bindings::all(heap, &machine.caller, Some(&machine.caller));
        bound.sort();
        body.extend(bound.into_iter().map(|(k, v)| Rc::new(Expr::unify(k, v))));
        let body: Body<'q> = body.into();
        if !state.passes(&body) {
            return Ok(());
        }
        let body = match options.shallow_inlining {
            true => body,
            false => partial::propagate(&machine, &live, body, false),
        };
        size.set(size.get() + body.len());
        if size.get() > options.most_statements {
            let text = format!("residual of more than {} statements", options.most_statements);
            return Err(crate::error::Stop::error("govc_limit_residual", text, None));
        }
        queries.push(body);
        Ok(())
    });
    ended(flow)?;
    let mut support = state.support.borrow().modules.clone();
    support.values_mut().for_each(|m| m.rules.sort_by(|a, b| a.compare(b)));
    let builtin_errors = machine.errors.borrow().clone();
    Ok(Left { queries, support, failed: failed.take(), builtin_errors })
}

pub(crate) fn formatted(text: String) -> String {
    format_source(&text, FormatOptions::default()).unwrap_or(text)
}

fn reference<'q>(heap: Heap<'q>, path: &[String]) -> Rc<[Term<'q>]> {
    let (head, rest) = path.split_first().map_or(("input", &[][..]), |(h, r)| (h.as_str(), r));
    let steps = rest.iter().map(|s| Term::value(heap.string(s)));
    std::iter::once(Term::var(head)).chain(steps).collect()
}

/// Variables that the residual must bind: those of the query, and what is unknown.
fn live_vars(body: &Body<'_>, unknowns: &[Vec<String>]) -> BTreeSet<Name> {
    let mut live: BTreeSet<Name> =
        unknowns.iter().filter_map(|p| p.first()).map(|head| Rc::from(head.as_str())).collect();
    visit::body(body, &mut |shown| {
        if let Shown::Term(Term { node: Node::Var(name), .. }) = shown
            && !is_generated(name)
        {
            live.insert(name.clone());
        }
        false
    });
    live
}

/// OPA's idea of a generated variable: one that a rewrite made for nothing the author named.
fn is_generated(name: &str) -> bool {
    name.starts_with("__local")
}

fn count(body: &[Rc<Expr<'_>>]) -> usize {
    let mut count = 0;
    for e in body {
        visit::expr(e, &mut |shown| {
            count += usize::from(matches!(shown, Shown::Expr(_)));
            false
        });
    }
    count
}
