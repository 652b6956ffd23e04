//! Whole queries: rules and documents in, solutions or residuals out.

use crate::bindings::Bindings;
use crate::error::{Error, Flow, Stop};
use crate::frame::Frame;
use crate::load::Loader;
use crate::machine::{Machine, Tracer};
use crate::memo::Memo;
use crate::partial::Partial;
use crate::term::*;
use crate::tree::RuleTree;
use crate::visit::{self, Shown};
use govc_compile::{Builtins, CheckOptions, Checked, rewritten};
use govc_stdlib::{Cache, World};
use govc_value::{Heap, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Rules in a heap, ready to be evaluated.
pub(crate) struct Loaded<'q> {
    pub(crate) heap: Heap<'q>,
    pub(crate) tree: RuleTree<'q>,
    functions: BTreeSet<Vec<String>>,
    /// What the author wrote for the variables that rewrites named.
    pub(crate) written: BTreeMap<String, String>,
}

impl<'q> Loaded<'q> {
    pub(crate) fn new(heap: Heap<'q>, checked: &Checked, options: &CheckOptions<'_>) -> Self {
        let program = checked.rewritten(options);
        let functions: BTreeSet<Vec<String>> = program.rules.iter().filter_map(function_path).collect();
        let is_function = |path: &[String]| functions.contains(path);
        let loader = Loader { heap, is_function: &is_function };
        let rules: Vec<Rc<Rule<'q>>> = program.rules.iter().map(|r| Rc::new(loader.rule(r))).collect();
        let package = |p: &Vec<String>| p.iter().map(|s| heap.string(s)).collect();
        let packages: Vec<Vec<Value<'q>>> = program.packages.iter().map(package).collect();
        let tree = RuleTree::new(&rules, &packages);
        Self { heap, tree, functions, written: names(&program.names) }
    }

    pub(crate) fn query(&self, query: &rewritten::Query) -> Body<'q> {
        let is_function = |path: &[String]| self.functions.contains(path);
        Loader { heap: self.heap, is_function: &is_function }.body(&query.body)
    }
}

fn function_path(rule: &rewritten::Rule) -> Option<Vec<String>> {
    rule.args.as_ref()?;
    let mut path = rule.package.clone();
    path.push(rule.name.clone());
    for step in &rule.steps {
        match &step.kind {
            rewritten::TermKind::Const(govc_compile::hir::Const::String(s)) => path.push(s.clone()),
            _ => return None,
        }
    }
    Some(path)
}

pub(crate) fn names(vars: &[rewritten::Var]) -> BTreeMap<String, String> {
    vars.iter().map(|v| (v.name.to_string(), v.written.to_string())).collect()
}

/// What a query is evaluated on.
pub(crate) struct Surroundings<'m, 'q> {
    pub(crate) builtins: &'m Builtins,
    pub(crate) data: Value<'q>,
    pub(crate) input: Option<Value<'q>>,
    pub(crate) world: &'m mut dyn World,
    pub(crate) written: &'m BTreeMap<String, String>,
    pub(crate) tracer: Option<Tracer<'m, 'q>>,
    pub(crate) plug_locals: bool,
    pub(crate) fuel: u64,
    pub(crate) time: Option<Duration>,
}

/// The machine for a query.
pub(crate) fn machine<'m, 'q>(
    loaded: &'m Loaded<'q>,
    s: Surroundings<'m, 'q>,
    partial: Option<crate::partial::Settings<'m, 'q>>,
) -> (Machine<'m, 'q>, Option<Term<'q>>) {
    let caller = Bindings::new(0);
    let partial = partial.map(|settings| Partial::new(settings, &caller));
    let input = s.input.map(Term::value);
    let machine = Machine {
        heap: loaded.heap,
        tree: &loaded.tree,
        builtins: s.builtins,
        base: s.data,
        world: RefCell::new(s.world),
        cache: RefCell::new(Cache::default()),
        recorded: RefCell::default(),
        memo: RefCell::new(vec![Memo::default()]),
        targets: RefCell::default(),
        mocks: RefCell::new(vec![Vec::new()]),
        next_id: Cell::new(1),
        next_var: Cell::new(0),
        errors: RefCell::default(),
        caller,
        partial,
        tracer: s.tracer.map(RefCell::new),
        plug_locals: s.plug_locals,
        written: s.written,
        fuel: Cell::new(s.fuel),
        deadline: s.time.map(|time| Instant::now() + time),
        operations: None,
        early_exit: true,
        indexing: true,
    };
    (machine, input)
}

/// The frame of a query.
pub(crate) fn frame<'m, 'q>(
    m: &'m Machine<'m, 'q>,
    query: Body<'q>,
    input: Option<Term<'q>>,
) -> Frame<'m, 'q> {
    visit::body(&query, &mut |shown| {
        if let Shown::Term(Term { node: Node::Var(name), .. }) = shown {
            m.caller.keep(name);
        }
        false
    });
    Frame {
        m,
        query,
        index: Cell::new(0),
        id: 0,
        parent: 0,
        bindings: m.caller.clone(),
        input,
        data: None,
        find_one: false,
        last_location: Cell::new(None),
    }
}

/// Ends an evaluation: an exit that nobody asked for is none.
pub(crate) fn ended(flow: Flow) -> Result<(), Error> {
    match flow {
        Err(Stop::Error(e)) => Err(*e),
        _ => Ok(()),
    }
}
