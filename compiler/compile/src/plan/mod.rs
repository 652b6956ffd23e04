//! HIR to IR: what OPA's planner does, without recursion over bodies and without a unifier.
//!
//! Functions are planned from a work list when something calls them, so what no entrypoint reaches is
//! not in the program. A reference that enumerates rules (`data.p[x]`) becomes a call of a function made
//! for it, so that no code is written twice.

mod body;
mod builder;
mod call;
mod demands;
mod index;
mod keyed;
mod lookup;
mod marks;
mod refs;
mod rules;
mod shadow;
mod term;
mod trie;
mod unify;
mod visit;

use crate::hir::{self, Unit};
use crate::ir::{self, Block, BuiltinId, ConstId, Func, FuncId, Local, Operand, Plan, Policy, StmtKind};
use builder::Builder;
use govc_syntax::{Diagnostic, Span};
use lookup::Shape;
use rustc_hash::FxHashMap;
use shadow::{ShadowId, Shadows, Vertex};
use trie::{GroupId, NodeId, Trie};

/// What is to be planned.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// Paths of rules or packages without `data`, such as `agent/promotion/decision`; `""` is all of `data`.
    pub entrypoints: Vec<String>,
    /// Names and queries.
    pub queries: Vec<(String, hir::Query)>,
    /// Tell the world of each statement and rule head that is evaluated ([`ir::Policy::marks`]).
    pub marks: Option<Marks>,
    /// Documents are only made whole, as in OPA's own plans: a conflict at any key is one of all of them.
    pub whole: bool,
    /// The first error of a builtin will end the evaluation, so that documents whose builtins may raise one are made
    /// for single keys, too, as those that may conflict are.
    pub strict: bool,
}

/// How a program that tells of its evaluation evaluates, so that it tells what OPA's tracer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// A rule whose conditions on `input` cannot hold is not entered, as where OPA's index leaves it out.
    pub index: bool,
    /// The first of several equal values ends the evaluation of a document.
    pub early_exit: bool,
}

/// Plans the entrypoints and queries, and all that they reach.
///
/// The plan of an entrypoint adds one object `{"result": value}` to its result set, or nothing where the
/// document is undefined. The plan of a query adds, for each solution, the array of the values of its
/// expressions and the object of its written variables.
///
/// # Errors
/// An entrypoint that is no rule or package, nesting beyond the limit, and what HIR never holds (an
/// unbound variable where a value is needed).
pub fn plan(unit: &Unit, request: &PlanRequest) -> Result<Policy, Vec<Diagnostic>> {
    let mut planner = Planner::new(unit);
    planner.marks = request.marks;
    planner.whole = request.whole;
    planner.strict = request.strict;
    for entrypoint in &request.entrypoints {
        planner.entrypoint(entrypoint);
    }
    for (name, query) in &request.queries {
        planner.query(name, query);
    }
    planner.drain();
    planner.settle_keyed();
    match planner.diagnostics.is_empty() {
        true => Ok(planner.policy),
        false => Err(planner.diagnostics),
    }
}

/// What a function of the program computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum FuncKey {
    /// What a group of rules defines.
    Group(GroupId),
    /// What of it lies at so many keys.
    Keyed(GroupId, usize),
    /// The object of all virtual documents below a node.
    Virtual(NodeId),
    /// The same merged with the base documents there.
    Extent(NodeId),
    /// What a reference below a node gives.
    Lookup(NodeId, Vec<Shape>),
}

struct Planner<'u> {
    unit: &'u Unit,
    trie: Trie,
    shadows: Shadows,
    policy: Policy,
    consts: FxHashMap<ir::Const, ConstId>,
    builtins: FxHashMap<(String, usize), BuiltinId>,
    funcs: FxHashMap<(FuncKey, ShadowId), FuncId>,
    queue: Vec<(FuncKey, ShadowId, FuncId)>,
    diagnostics: Vec<Diagnostic>,
    marks: Option<Marks>,
    whole: bool,
    strict: bool,
    keyed: Vec<keyed::Request>,
    places: FxHashMap<Span, u32>,
    b: Builder,
}

/// A statement cannot be planned; the diagnostic has been recorded.
struct Refused;

type Planned<T> = Result<T, Refused>;

impl<'u> Planner<'u> {
    fn new(unit: &'u Unit) -> Self {
        Planner {
            unit,
            trie: Trie::new(unit),
            shadows: Shadows::new(),
            policy: Policy::default(),
            consts: FxHashMap::default(),
            builtins: FxHashMap::default(),
            funcs: FxHashMap::default(),
            queue: Vec::new(),
            diagnostics: Vec::new(),
            marks: None,
            whole: false,
            strict: false,
            keyed: Vec::new(),
            places: FxHashMap::default(),
            b: Builder::new(2, 0, Span::default(), ShadowId::NONE),
        }
    }

    fn refuse<T>(&mut self, message: impl Into<String>) -> Planned<T> {
        let d = Diagnostic::error("govc_plan", "plan_error", self.b.span, message);
        self.diagnostics.push(d);
        Err(Refused)
    }

    fn constant(&mut self, value: ir::Const) -> Operand {
        if let ir::Const::Bool(b) = value {
            return Operand::Bool(b);
        }
        Operand::Const(self.const_id(value))
    }

    fn const_id(&mut self, value: ir::Const) -> ConstId {
        let next = ConstId(self.policy.consts.len() as u32);
        *self.consts.entry(value).or_insert_with_key(|value| {
            self.policy.consts.push(value.clone());
            next
        })
    }

    fn string(&mut self, text: &str) -> Operand {
        self.constant(ir::Const::String(text.to_owned()))
    }

    fn builtin_id(&mut self, name: &str, arity: usize) -> BuiltinId {
        let key = (name.to_owned(), arity);
        if let Some(&id) = self.builtins.get(&key) {
            return id;
        }
        let id = BuiltinId(self.policy.builtins.len() as u32);
        self.policy.builtins.push(ir::Builtin { name: name.to_owned(), arity: arity as u32 });
        self.builtins.insert(key, id);
        id
    }

    /// The function for a key where `shadow` is in force, with the extra arguments it takes there.
    fn func(&mut self, key: FuncKey, shadow: ShadowId) -> (FuncId, ShadowId) {
        let vertex = match &key {
            FuncKey::Group(g) | FuncKey::Keyed(g, _) => Vertex::Group(*g),
            FuncKey::Virtual(n) | FuncKey::Extent(n) | FuncKey::Lookup(n, _) => Vertex::Node(*n),
        };
        let shadow = self.shadows.project(self.unit, &self.trie, vertex, shadow);
        if let Some(&id) = self.funcs.get(&(key.clone(), shadow)) {
            return (id, shadow);
        }
        let id = FuncId(self.policy.funcs.len() as u32);
        self.policy.funcs.push(Func {
            name: String::new(),
            path: Vec::new(),
            params: Vec::new(),
            ret: Local(0),
            blocks: Vec::new(),
            memoize: false,
            span: Span::default(),
        });
        self.funcs.insert((key.clone(), shadow), id);
        self.queue.push((key, shadow, id));
        (id, shadow)
    }

    /// Calls the function of a key with arguments beyond `input` and `data`.
    fn call_func(&mut self, key: FuncKey, shadow: ShadowId, args: &[Operand]) -> Planned<Local> {
        let (id, shadow) = self.func(key, shadow);
        let all = self.arguments(args, shadow)?;
        let result = self.b.local();
        self.b.emit(StmtKind::Call { callee: ir::Callee::Func(id), args: all, result });
        Ok(result)
    }

    /// `input`, `data`, these arguments, and the values of mocks.
    fn arguments(&mut self, args: &[Operand], shadow: ShadowId) -> Planned<Vec<Operand>> {
        let mut all = vec![Operand::Local(Local::INPUT), Operand::Local(Local::DATA)];
        all.extend_from_slice(args);
        for mock in self.shadows.get(shadow).value_mocks() {
            let Some(&value) = self.b.mocks.get(mock) else {
                return self.refuse("the value of a `with` is missing");
            };
            all.push(value);
        }
        Ok(all)
    }

    /// Plans the functions that have been asked for, until none is left.
    fn drain(&mut self) {
        while let Some((key, shadow, id)) = self.queue.pop() {
            let func = match &key {
                FuncKey::Group(group) => self.group(*group, 0, shadow),
                FuncKey::Keyed(group, keys) => self.group(*group, *keys, shadow),
                FuncKey::Virtual(node) => self.virtual_extent(*node, shadow),
                FuncKey::Extent(node) => self.extent(*node, shadow),
                FuncKey::Lookup(node, shapes) => self.lookup(*node, shapes, shadow),
            };
            if self.b.too_deep {
                let _: Planned<()> = self.refuse("too many loops in one another");
                self.b.too_deep = false;
            }
            if let (Ok(mut func), Some(slot)) = (func, self.policy.funcs.get_mut(id.0 as usize)) {
                if let FuncKey::Lookup(..) | FuncKey::Keyed(..) = key {
                    func.name = format!("{}#{}", func.name, id.0);
                }
                *slot = func;
            }
        }
    }

    /// Starts a function; returns its parameters and the local of its result.
    fn start(&mut self, args: usize, vars: usize, span: Span, shadow: ShadowId) -> (Vec<Local>, Local) {
        self.b = Builder::new(2, vars, span, shadow);
        let mut params = vec![Local::INPUT, Local::DATA];
        params.extend((0..args).map(|_| self.b.local()));
        for mock in self.shadows.get(shadow).value_mocks() {
            let local = self.b.local();
            params.push(local);
            self.b.mocks.insert(mock.clone(), Operand::Local(local));
        }
        let ret = self.b.local();
        (params, ret)
    }

    fn entrypoint(&mut self, name: &str) {
        let path: Vec<&str> = name.split('/').filter(|s| !s.is_empty()).collect();
        self.start(0, 0, Span::default(), ShadowId::NONE);
        if !self.is_entrypoint(&path) {
            let text = format!("entrypoint `{name}` does not refer to a rule or policy decision");
            let _: Planned<()> = self.refuse(text);
            return;
        }
        self.b.open();
        let steps: Vec<hir::Term> =
            path.iter().map(|s| hir::Term::Const(hir::Const::String((*s).to_owned()))).collect();
        if let Ok(value) = self.data_ref(&steps) {
            let key = self.string("result");
            let object = self.b.local();
            self.b.emit(StmtKind::MakeObject { target: object });
            self.b.emit(StmtKind::ObjectInsert { key, value, object });
            self.b.emit(StmtKind::ResultSetAdd { value: object });
        }
        let block = self.b.close();
        self.add_plan(name, block);
    }

    /// A rule, a step into the value of a rule, or a package; not a function.
    fn is_entrypoint(&self, path: &[&str]) -> bool {
        let mut at = self.trie.root();
        for step in path {
            if self.trie.node(at).group.is_some() {
                break;
            }
            match self.trie.child(at, step) {
                Some(child) => at = child,
                None => return false,
            }
        }
        !matches!(
            self.trie.node(at).group.map(|g| self.trie.group(g).kind),
            Some(trie::GroupKind::Function(_))
        )
    }

    fn add_plan(&mut self, name: &str, block: Block) {
        self.policy.plans.push(Plan { name: name.to_owned(), blocks: vec![block] });
    }

    fn query(&mut self, name: &str, query: &hir::Query) {
        let span = query.body.first().map(|e| e.span).unwrap_or_default();
        self.start(0, query.scope.vars.len(), span, ShadowId::NONE);
        self.b.open();
        let planned = self.body(&query.body).and_then(|()| self.solution(query));
        let block = self.b.close();
        if self.b.too_deep {
            let _: Planned<()> = self.refuse("too many loops in one another");
        }
        if planned.is_ok() {
            self.add_plan(name, block);
        }
    }

    /// Adds `[[expressions], {bindings}]` to the result set.
    fn solution(&mut self, query: &hir::Query) -> Planned<()> {
        let mut values = Vec::new();
        for (_, shown) in &query.expressions {
            values.push(self.term(shown)?);
        }
        let expressions = self.make_array(&values);
        let bindings = self.b.local();
        self.b.emit(StmtKind::MakeObject { target: bindings });
        for (i, var) in query.scope.vars.iter().enumerate().filter(|(_, v)| v.written) {
            let Some(value) = self.b.value(hir::Var(i as u32)) else { continue };
            let key = self.string(&var.name);
            self.b.emit(StmtKind::ObjectInsert { key, value, object: bindings });
        }
        let row = self.make_array(&[Operand::Local(expressions), Operand::Local(bindings)]);
        self.b.emit(StmtKind::ResultSetAdd { value: row });
        Ok(())
    }

    fn make_array(&mut self, values: &[Operand]) -> Local {
        let target = self.b.local();
        self.b.emit(StmtKind::MakeArray { capacity: values.len() as u32, target });
        for &value in values {
            self.b.emit(StmtKind::ArrayAppend { array: target, value });
        }
        target
    }

    /// A local that holds an operand.
    fn in_local(&mut self, operand: Operand) -> Local {
        if let Operand::Local(local) = operand {
            return local;
        }
        let target = self.b.local();
        self.b.emit(StmtKind::AssignVar { source: operand, target });
        target
    }

    /// Makes what follows in this block unreachable.
    fn fail(&mut self) {
        self.b.emit(StmtKind::IsTruthy { source: Operand::Bool(false) });
    }

    /// The constant behind an operand, if it is one.
    fn known(&self, operand: Operand) -> Option<&ir::Const> {
        match operand {
            Operand::Const(id) => self.policy.consts.get(id.0 as usize),
            Operand::Local(_) | Operand::Bool(_) => None,
        }
    }
}
