//! Documents of which only some keys are asked for.
//!
//! A set or object is made whole and kept, which is faster than to make each of its keys anew. But a conflict at a key
//! that nobody asks for is none in OPA, which matches the key with the heads of the rules before it evaluates their
//! bodies. So a document that may have conflicts is called together with a second function, which makes what lies at
//! the given keys alone; evaluation turns to it where the whole document is a conflict. Where errors of builtins end
//! the evaluation, the same holds for them.

use super::demands::compares;
use super::lookup::Shape;
use super::trie::GroupId;
use super::{FuncKey, Planned, Planner, ShadowId};
use crate::hir::{Branch, Rule, RuleKind, Term};
use crate::ir::{Block, BuiltinId, Callee, FuncId, Local, Operand, Policy, StmtKind};
use rustc_hash::FxHashMap;

/// A call of a document at keys. Until the plan is finished, the call names the number of this as its second function.
pub(super) struct Request {
    group: GroupId,
    keys: usize,
    shadow: ShadowId,
    whole: FuncId,
    func: Option<FuncId>,
}

impl Planner<'_> {
    /// The document of a group, or at least what of it lies at some keys.
    pub(super) fn document(&mut self, group: GroupId, keys: &[Operand]) -> Planned<Local> {
        if keys.is_empty() || self.whole {
            return self.call_func(FuncKey::Group(group), self.b.shadow, &[]);
        }
        let (whole, shadow) = self.func(FuncKey::Group(group), self.b.shadow);
        let mut args = self.arguments(&[], shadow)?;
        args.extend_from_slice(keys);
        let result = self.b.local();
        let keyed = FuncId(self.keyed.len() as u32);
        self.keyed.push(Request { group, keys: keys.len(), shadow, whole, func: None });
        self.b.emit(StmtKind::CallKeyed { whole, keyed, args, result });
        Ok(result)
    }

    /// The steps into a document up to the first that is not known, as far as heads of rules reach.
    pub(super) fn leading_keys(&mut self, group: GroupId, steps: &[Term]) -> Planned<Vec<Operand>> {
        let reach = self.reach(group);
        let known = |p: &Self, step: &Term| p.is_bound(step) || matches!(step, Term::Ref(_));
        let count = steps.iter().take(reach).take_while(|step| known(self, step)).count();
        self.terms(steps.get(..count).unwrap_or_default())
    }

    /// The same in a lookup function.
    pub(super) fn asked_keys(&mut self, group: GroupId, shapes: &[Shape], params: &[Local]) -> Vec<Operand> {
        let mut params = params.iter();
        let key = |shape: &Shape| match shape {
            Shape::Const(c) => Some(self.constant(super::term::scalar(c))),
            Shape::Bound => params.next().map(|&param| Operand::Local(param)),
            Shape::Free => None,
        };
        let keys: Vec<Operand> = shapes.iter().map_while(key).collect();
        let reach = self.reach(group).min(keys.len());
        keys.get(..reach).unwrap_or_default().to_vec()
    }

    /// How many keys the head of a rule of the group names at most.
    fn reach(&self, group: GroupId) -> usize {
        let group = self.trie.group(group);
        if !group.kind.has_keys() {
            return 0;
        }
        let multi = |rule: &Rule| usize::from(rule.kind == RuleKind::Multi);
        let rule = |m: &super::trie::Member| self.unit.rules.get(m.rule.0 as usize).map_or(0, multi);
        group.members.iter().map(|m| m.steps.len() + rule(m)).max().unwrap_or(0)
    }

    /// Matches the keys that are asked for with the head of a rule: patterns before its body is evaluated, so that
    /// they bind the variables in it, and what must be computed afterwards.
    pub(super) fn match_keys(&mut self, head: &[&Term], keys: &[Local], before: bool) -> Planned<()> {
        for (term, &key) in head.iter().zip(keys).filter(|(term, _)| is_pattern(term) == before) {
            self.unify_operand(Operand::Local(key), term)?;
        }
        Ok(())
    }

    /// Plans the second functions of documents that may have errors; the others are just called.
    pub(super) fn settle_keyed(&mut self) {
        while self.plan_keyed() {
            self.drain();
        }
        let requests = std::mem::take(&mut self.keyed);
        if requests.is_empty() {
            return;
        }
        let plans = self.policy.plans.iter_mut().flat_map(|p| &mut p.blocks);
        let funcs = self.policy.funcs.iter_mut().flat_map(|f| &mut f.blocks);
        plans.chain(funcs).for_each(|block| settle(block, &requests));
    }

    /// Asks for the functions that are needed and not there yet. Whether there were any.
    fn plan_keyed(&mut self) -> bool {
        if self.keyed.iter().all(|r| r.func.is_some()) {
            return false;
        }
        let failing = failing(&self.policy, self.strict);
        let before = self.policy.funcs.len();
        let mut requests = std::mem::take(&mut self.keyed);
        for r in requests.iter_mut().filter(|r| failing[r.whole.0 as usize]) {
            r.func = Some(self.func(FuncKey::Keyed(r.group, r.keys), r.shadow).0);
        }
        self.keyed = requests;
        self.policy.funcs.len() > before
    }
}

/// What the head of a rule names below the document of its group: keys, and the element of a set.
pub(super) fn head<'t>(rule: &Rule, branch: &'t Branch, steps: &'t [Term]) -> Vec<&'t Term> {
    let element = (rule.kind == RuleKind::Multi).then_some(&branch.value);
    steps.iter().chain(element).collect()
}

/// Whether a term can be matched with a value before its variables are bound.
fn is_pattern(term: &Term) -> bool {
    match term {
        Term::Const(_) | Term::Var(_) => true,
        Term::Array(items) => items.iter().all(is_pattern),
        Term::Object(pairs) => pairs.iter().all(|(k, v)| super::term::ground(k).is_some() && is_pattern(v)),
        Term::Set(_) | Term::Ref(_) | Term::Comprehension(_) => false,
    }
}

fn settle(block: &mut Block, requests: &[Request]) {
    for stmt in &mut block.stmts {
        stmt.kind.blocks_mut().iter_mut().for_each(|b| settle(b, requests));
        let StmtKind::CallKeyed { whole, keyed, args, result } = &mut stmt.kind else { continue };
        let Some(request) = requests.get(keyed.0 as usize) else { continue };
        match request.func {
            Some(func) => *keyed = func,
            None => {
                args.truncate(args.len() - request.keys);
                let (callee, args) = (Callee::Func(*whole), std::mem::take(args));
                stmt.kind = StmtKind::Call { callee, args, result: *result };
            }
        }
    }
}

/// Which functions may end in a conflict, or, where it is strict, in an error of a builtin.
fn failing(policy: &Policy, strict: bool) -> Vec<bool> {
    let raises = |id: BuiltinId| {
        let builtin = policy.builtins.get(id.0 as usize);
        strict && builtin.is_none_or(|builtin| !compares(&builtin.name))
    };
    let effects: Vec<Effects> = policy.funcs.iter().map(|f| Effects::of(&f.blocks, &raises)).collect();
    let mut callers = vec![Vec::new(); effects.len()];
    for (caller, effects) in effects.iter().enumerate() {
        effects.calls.iter().for_each(|callee| callers[callee.0 as usize].push(caller));
    }
    let mut found: Vec<bool> = effects.iter().map(|e| e.conflict || e.raises).collect();
    let mut work: Vec<usize> = (0..found.len()).filter(|&f| found[f]).collect();
    while let Some(callee) = work.pop() {
        for &caller in &callers[callee] {
            if !std::mem::replace(&mut found[caller], true) {
                work.push(caller);
            }
        }
    }
    found
}

/// What the statements of a function do.
#[derive(Default)]
struct Effects {
    /// Two different values may meet where there can be one.
    conflict: bool,
    /// A builtin that may fail is called.
    raises: bool,
    calls: Vec<FuncId>,
    /// The value that was put, by where it was put: a local, or any object that is made.
    once: FxHashMap<Option<Local>, Operand>,
}

impl Effects {
    fn of(blocks: &[Block], raises: &dyn Fn(BuiltinId) -> bool) -> Self {
        let mut effects = Effects::default();
        blocks.iter().for_each(|block| effects.block(block, raises, false));
        effects
    }

    fn block(&mut self, block: &Block, raises: &dyn Fn(BuiltinId) -> bool, looped: bool) {
        for stmt in &block.stmts {
            match &stmt.kind {
                StmtKind::AssignVarOnce { source, target } => self.put(Some(*target), *source, looped),
                StmtKind::ObjectInsertOnce { value, .. } => self.put(None, *value, looped),
                StmtKind::Call { callee: Callee::Func(func), .. } => self.calls.push(*func),
                StmtKind::Call { callee: Callee::Builtin(id), .. } => self.raises |= raises(*id),
                StmtKind::CallKeyed { whole, .. } => self.calls.push(*whole),
                _ => {}
            }
            let looped = looped || matches!(stmt.kind, StmtKind::Scan { .. });
            stmt.kind.blocks().iter().for_each(|b| self.block(b, raises, looped));
        }
    }

    /// A second value is a conflict unless both are one constant.
    fn put(&mut self, place: Option<Local>, value: Operand, looped: bool) {
        let constant = !matches!(value, Operand::Local(_));
        let same = self.once.insert(place, value).is_none_or(|other| other == value);
        self.conflict |= !same || (looped && !constant);
    }
}
