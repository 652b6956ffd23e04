//! Safety: every variable is bound before it is needed. Bodies are reordered for it as little as possible,
//! with OPA's algorithm, so that the same bodies are accepted and the same variables are named.

mod repeated;
pub(crate) mod unify;
pub(crate) mod vars;

use crate::lower::names::{Name, NameSet, Names};
use crate::lower::tree::*;
use crate::lower::walk;
use govc_syntax::Span;
use vars::{Arity, Collector, Skip};

/// Variables that are not bound, by statement.
#[derive(Debug, Default)]
pub(crate) struct Unsafe {
    by_statement: Vec<(Span, NameSet)>,
}

impl Unsafe {
    fn set(&mut self, span: Span, names: NameSet) {
        if !names.is_empty() {
            self.by_statement.push((span, names));
        }
    }

    fn update(&mut self, other: Unsafe) {
        self.by_statement.extend(other.by_statement);
    }

    /// Whether nothing is unsafe.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_statement.is_empty()
    }

    /// Messages in source order; `scope` is appended to each.
    pub(crate) fn messages(&self, names: &Names, scope: &str) -> Vec<(Span, String)> {
        let mut out = self.variables(names, scope);
        if out.is_empty() {
            out = self.statements(names, scope);
        }
        out
    }

    fn variables(&self, names: &Names, scope: &str) -> Vec<(Span, String)> {
        let mut first: std::collections::BTreeMap<Name, Span> = std::collections::BTreeMap::new();
        for (span, set) in &self.by_statement {
            for name in set {
                let place = first.entry(*name).or_insert(*span);
                *place = (*place).min(*span);
            }
        }
        let mut sorted: Vec<(Span, Name)> = first.into_iter().map(|(n, s)| (s, n)).collect();
        sorted.sort();
        let shown = sorted.into_iter().filter(|(_, n)| !names.is_generated(*n));
        shown.map(|(span, name)| (span, unsafe_variable(names.text(name), scope))).collect()
    }

    fn statements(&self, names: &Names, scope: &str) -> Vec<(Span, String)> {
        let mut sorted: Vec<&(Span, NameSet)> = self.by_statement.iter().collect();
        sorted.sort_by_key(|(span, _)| *span);
        let mut seen = NameSet::default();
        let mut out = Vec::new();
        for (span, set) in sorted {
            let before = seen.len();
            seen.extend(set.iter().filter(|n| names.is_generated(**n)));
            if seen.len() > before {
                out.push((*span, format!("expression is unsafe{scope}")));
            }
        }
        out
    }
}

const FUTURE_KEYWORDS: [&str; 7] = ["in", "every", "contains", "if", "and", "or", "not"];

fn unsafe_variable(name: &str, scope: &str) -> String {
    if FUTURE_KEYWORDS.contains(&name) {
        let hint = format!("(hint: `import future.keywords.{name}` to import a future keyword)");
        return format!("var {name} is unsafe{scope} {hint}");
    }
    format!("var {name} is unsafe{scope}")
}

/// Reorders a body and the bodies in it so that each variable is bound before it is needed.
pub(crate) fn reorder(body: &mut Body, arity: Arity, globals: &NameSet) -> Unsafe {
    let trapped = is_trapped(body, arity, globals);
    let mut state = Reorder::new(body, arity, globals);
    while state.pass() {}
    if state.is_done() && !trapped {
        *body = state.reordered.into_iter().map(|(_, e)| e).collect();
        return check_nested(body, arity, globals);
    }
    let mut original = state.original();
    let mut told = Reorder::new(&mut original, arity, globals);
    told.carried = Some(NameSet::default());
    while told.pass() {}
    let mut found = told.left();
    *body = told.reordered.iter().map(|(_, e)| e.clone()).collect();
    found.update(check_nested(body, arity, globals));
    // A body that cannot be ordered keeps its statements; nothing runs it.
    body.extend(told.slots.into_iter().flatten());
    found
}

/// Whether OPA refuses a body that could be ordered: what it carries over from a call to an `every` before it looks
/// like a binding of that `every` itself, which then waits for itself.
fn is_trapped(body: &Body, arity: Arity, globals: &NameSet) -> bool {
    let any = |wanted: fn(&ExprKind) -> bool| body.iter().any(|e| wanted(&e.kind));
    if !any(|k| matches!(k, ExprKind::Every(_))) || !any(|k| matches!(k, ExprKind::Call(_))) {
        return false;
    }
    let mut body = body.clone();
    let mut state = Reorder::new(&mut body, arity, globals);
    state.carried = Some(NameSet::default());
    while state.pass() {}
    !state.is_done()
}

struct Reorder<'a> {
    arity: Arity<'a>,
    safe: NameSet,
    slots: Vec<Option<Expr>>,
    needs: Vec<NameSet>,
    closed_over: Vec<NameSet>,
    /// Statements placed so far, with their positions.
    reordered: Vec<(usize, Expr)>,
    /// What OPA carries over from a call to the next equation or `every`, even where the call is not safe: it decides
    /// which variables are named, so it is followed where there is something to tell.
    carried: Option<NameSet>,
}

impl<'a> Reorder<'a> {
    fn new(body: &mut Body, arity: Arity<'a>, globals: &NameSet) -> Self {
        let each: Vec<NameSet> = body.iter().map(|e| vars::of_expr(e, arity)).collect();
        let names: NameSet = each.iter().flatten().copied().collect();
        let safe: NameSet = names.intersection(globals).copied().collect();
        let needs = each.into_iter().map(|set| set.difference(&safe).copied().collect()).collect();
        let closed_over = body.iter().map(|e| closed_over(e, &names, globals)).collect();
        Self {
            arity,
            safe,
            slots: std::mem::take(body).into_iter().map(Some).collect(),
            needs,
            closed_over,
            reordered: Vec::new(),
            carried: None,
        }
    }

    fn is_done(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// The statements as they were.
    fn original(self) -> Body {
        let mut all = self.reordered;
        all.extend(self.slots.into_iter().enumerate().filter_map(|(i, e)| Some((i, e?))));
        all.sort_by_key(|(i, _)| *i);
        all.into_iter().map(|(_, e)| e).collect()
    }

    /// The statements that could not be placed.
    fn left(&self) -> Unsafe {
        let mut found = Unsafe::default();
        for (slot, needs) in self.slots.iter().zip(&self.needs) {
            if let Some(e) = slot {
                found.set(e.span, needs.clone());
            }
        }
        found
    }

    fn outputs(&mut self, i: usize) -> NameSet {
        let Some(e) = &self.slots[i] else { return NameSet::default() };
        let Some(carried) = &mut self.carried else { return vars::outputs(e, self.arity, &self.safe) };
        if !vars::may_bind(e, &self.safe) {
            return NameSet::default();
        }
        match &e.kind {
            ExprKind::Unify(a, b) => {
                let known = std::mem::take(carried);
                vars::outputs_carrying(e, (a, b), &self.safe, &known)
            }
            ExprKind::Call(_) => {
                *carried = vars::outputs(e, self.arity, &self.safe);
                carried.clone()
            }
            ExprKind::Every(_) => {
                carried.extend(vars::outputs(e, self.arity, &self.safe));
                carried.clone()
            }
            _ => vars::outputs(e, self.arity, &self.safe),
        }
    }

    /// Places every statement that has become safe, in source order; `false` when there was none.
    fn pass(&mut self) -> bool {
        let before = self.reordered.len();
        for i in 0..self.slots.len() {
            self.try_place(i);
        }
        self.reordered.len() > before
    }

    fn try_place(&mut self, i: usize) {
        let Some(e) = &self.slots[i] else { return };
        if self.reordered.get(i).is_some_and(|(_, placed)| repeated::same(placed, e)) {
            if self.needs[i].is_empty() {
                self.slots[i] = None;
            }
            return;
        }
        let outputs = self.outputs(i);
        // A statement that only waits for itself waits for ever.
        let closed_over = &self.closed_over[i];
        if !closed_over.is_empty() && *closed_over == outputs {
            return;
        }
        self.needs[i].extend(closed_over);
        let safe = &self.safe;
        self.needs[i].retain(|n| !outputs.contains(n) && !safe.contains(n));
        if !self.needs[i].is_empty() {
            return;
        }
        if let Some(e) = self.slots[i].take() {
            self.safe.extend(outputs);
            self.reordered.push((i, e));
        }
    }
}

/// Variables of the body that closures in the statement close over.
fn closed_over(e: &Expr, names: &NameSet, globals: &NameSet) -> NameSet {
    let mut c = Collector::new(Skip::default());
    match &e.kind {
        ExprKind::Every(every) => {
            c.body(&every.body);
            closures_of(&every.domain, &mut c);
        }
        ExprKind::Not { body, .. } => c.body(body),
        ExprKind::And(l) | ExprKind::Or(l) => {
            c.body(&l.lhs);
            c.body(&l.rhs);
        }
        _ => {}
    }
    walk::expr(e, &mut |t| match &t.kind {
        TermKind::Comprehension(_) => {
            c.term(t);
            true
        }
        _ => false,
    });
    c.out.into_iter().filter(|n| names.contains(n) && !globals.contains(n)).collect()
}

fn closures_of(t: &Term, c: &mut Collector) {
    walk::term(t, &mut |t| match &t.kind {
        TermKind::Comprehension(_) => {
            c.term(t);
            true
        }
        _ => false,
    });
}

/// Reorders the bodies inside the statements of an ordered body.
fn check_nested(body: &mut Body, arity: Arity, globals: &NameSet) -> Unsafe {
    let mut nested = Nested { arity, globals: globals.clone(), found: Unsafe::default() };
    for i in 0..body.len() {
        if i > 0 {
            let more = vars::of_expr(&body[i - 1], arity);
            nested.globals.extend(more);
        }
        nested.expr(&mut body[i]);
    }
    nested.found
}

struct Nested<'a> {
    arity: Arity<'a>,
    globals: NameSet,
    found: Unsafe,
}

impl Nested<'_> {
    fn expr(&mut self, e: &mut Expr) {
        let span = e.span;
        match &mut e.kind {
            ExprKind::Every(every) => {
                self.term(&mut every.domain, span);
                self.globals.extend(every.key);
                self.globals.insert(every.value);
                self.body(&mut every.body);
            }
            ExprKind::Not { body, .. } => self.body(body),
            ExprKind::And(l) | ExprKind::Or(l) => {
                self.body(&mut l.lhs);
                self.body(&mut l.rhs);
            }
            ExprKind::Term(t) => self.term(t, span),
            ExprKind::Call(c) => c.args.iter_mut().for_each(|t| self.term(t, span)),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a, span);
                self.term(b, span);
            }
            ExprKind::SomeDecl(_) | ExprKind::SomeIn { .. } => {}
        }
        for with in &mut e.with {
            self.term(&mut with.target, span);
            self.term(&mut with.value, span);
        }
    }

    fn body(&mut self, body: &mut Body) {
        let found = reorder(body, self.arity, &self.globals);
        self.found.update(found);
    }

    fn term(&mut self, t: &mut Term, span: Span) {
        let mut found = Vec::new();
        walk::term_mut(t, &mut |t| match &mut t.kind {
            TermKind::Comprehension(c) => {
                found.push(comprehension(c, span, self.arity, &self.globals));
                true
            }
            _ => false,
        });
        found.into_iter().for_each(|u| self.found.update(u));
    }
}

/// Terms of a comprehension must be bound by its body or around it.
fn comprehension(c: &mut Comprehension, statement: Span, arity: Arity, globals: &NameSet) -> Unsafe {
    let mut needed = walk::names_of(&c.term);
    c.key.iter().for_each(|k| walk::collect_names(k, &mut needed));
    let bound = vars::of_body(&c.body, arity);
    needed.retain(|n| !bound.contains(n) && !globals.contains(n));
    let mut found = Unsafe::default();
    found.set(statement, needed);
    found.update(reorder(&mut c.body, arity, globals));
    found
}
