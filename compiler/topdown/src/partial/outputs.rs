//! Which variables a statement binds, when others are bound already.

use crate::bindings::is_root;
use crate::machine::Machine;
use crate::term::*;
use std::collections::{BTreeMap, BTreeSet};

/// Variables.
pub(super) type Vars = BTreeSet<Name>;

/// The variables of a statement outside closures and operators.
pub(super) fn expr_vars(e: &Expr<'_>, out: &mut Vars) {
    match &e.kind {
        ExprKind::Term(t) => vars(t, &Skip::default(), out),
        ExprKind::Unify(a, b) => {
            vars(a, &Skip::default(), out);
            vars(b, &Skip::default(), out);
        }
        ExprKind::Call(_, args) => args.iter().for_each(|t| vars(t, &Skip::default(), out)),
        ExprKind::Every(every) => vars(&every.domain, &Skip::default(), out),
        ExprKind::Not { body, .. } => body.iter().for_each(|e| expr_vars(e, out)),
        ExprKind::And(a, b) | ExprKind::Or(a, b) => a.iter().chain(b.iter()).for_each(|e| expr_vars(e, out)),
    }
    e.with.iter().for_each(|w| vars(&w.value, &Skip::default(), out));
}

/// What is left out of a collection of variables.
#[derive(Clone, Copy, Default)]
struct Skip {
    heads: bool,
    keys: bool,
    sets: bool,
}

fn vars(t: &Term<'_>, skip: &Skip, out: &mut Vars) {
    match &t.node {
        Node::Var(name) => {
            out.insert(name.clone());
        }
        Node::Ref(parts) => parts.iter().skip(usize::from(skip.heads)).for_each(|t| vars(t, skip, out)),
        Node::Set(_) if skip.sets => {}
        Node::Array(items) | Node::Set(items) | Node::Call(_, items) => {
            items.iter().for_each(|t| vars(t, skip, out));
        }
        Node::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            if !skip.keys {
                vars(k, skip, out);
            }
            vars(v, skip, out);
        }),
        _ => {}
    }
}

fn is_safe_ref(parts: &[Term<'_>], safe: &Vars) -> bool {
    let Some(head) = parts.first() else { return true };
    if let Some(name) = head.as_var() {
        return is_root(name) || safe.contains(name);
    }
    is_safe(head, safe)
}

fn is_safe(t: &Term<'_>, safe: &Vars) -> bool {
    let mut found = Vars::new();
    vars(t, &Skip::default(), &mut found);
    found.iter().all(|v| is_root(v) || safe.contains(v))
}

/// What the references of a term bind by iterating.
fn term_outputs(t: &Term<'_>, safe: &Vars, out: &mut Vars) {
    match &t.node {
        Node::Ref(parts) => {
            if !is_safe_ref(parts, safe) {
                return;
            }
            for part in parts.iter().skip(1) {
                vars(part, &Skip { heads: true, ..Skip::default() }, out);
            }
            parts.iter().for_each(|t| term_outputs(t, safe, out));
        }
        Node::Array(items) | Node::Set(items) | Node::Call(_, items) => {
            items.iter().for_each(|t| term_outputs(t, safe, out));
        }
        Node::Object(pairs) => pairs.iter().for_each(|(k, v)| {
            term_outputs(k, safe, out);
            term_outputs(v, safe, out);
        }),
        _ => {}
    }
}

/// What a statement binds.
pub(super) fn of_expr(m: &Machine<'_, '_>, e: &Expr<'_>, safe: &Vars) -> Vars {
    let mut out = Vars::new();
    if e.negated || !e.with.iter().all(|w| is_safe(&w.value, safe)) {
        return out;
    }
    match &e.kind {
        ExprKind::Term(t) => term_outputs(t, safe, &mut out),
        ExprKind::Unify(a, b) => {
            term_outputs(a, safe, &mut out);
            term_outputs(b, safe, &mut out);
            out.extend(safe.iter().cloned());
            let unified = unify(&out, a, b);
            out.extend(unified);
            out.retain(|v| !safe.contains(v));
        }
        ExprKind::Call(callee, args) => {
            args.iter().for_each(|t| term_outputs(t, safe, &mut out));
            let Some(arity) = call_arity(m, callee) else { return Vars::new() };
            let Some((inputs, outputs)) = args.split_at_checked(arity) else { return out };
            if outputs.is_empty() {
                return out;
            }
            let skip = Skip { heads: true, keys: true, sets: true };
            let mut needed = Vars::new();
            inputs.iter().for_each(|t| vars(t, &skip, &mut needed));
            if needed.iter().any(|v| !safe.contains(v) && !out.contains(v) && !is_root(v)) {
                return Vars::new();
            }
            outputs.iter().for_each(|t| vars(t, &skip, &mut out));
        }
        ExprKind::Every(every) => term_outputs(&every.domain, safe, &mut out),
        ExprKind::Not { .. } | ExprKind::And(..) | ExprKind::Or(..) => {}
    }
    out
}

/// Number of parameters; support functions have those of what they were made of.
pub(super) fn call_arity(m: &Machine<'_, '_>, callee: &Callee<'_>) -> Option<usize> {
    match callee {
        Callee::Builtin(name) => m.builtins.arity(name),
        Callee::Function(path) => {
            let node = m.tree.find(path.iter().copied());
            let arity = node.and_then(|n| m.tree.rules(n).first().map(|r| r.arity()));
            arity.or_else(|| {
                let partial = m.partial.as_ref()?;
                let support = partial.support.borrow();
                let path: Vec<Term<'_>> =
                    std::iter::once(Term::var("data")).chain(path.iter().map(|v| Term::value(*v))).collect();
                let (package, rule) = super::support::split(&path);
                let module = support.modules.get(&crate::text::reference(&package))?;
                let found = module
                    .rules
                    .iter()
                    .find(|r| crate::text::reference(&r.path) == crate::text::reference(&rule))?;
                Some(found.args.as_ref().map_or(0, Vec::len))
            })
        }
    }
}

/// What the statements of a body bind, one after another.
pub(super) fn of_body(m: &Machine<'_, '_>, body: &[std::rc::Rc<Expr<'_>>], safe: &Vars) -> Vars {
    let mut all = safe.clone();
    for e in body {
        let more = of_expr(m, e, &all);
        all.extend(more);
    }
    all.retain(|v| !safe.contains(v));
    all
}

/// What becomes bound by unifying two terms.
struct Unifier<'s> {
    safe: &'s Vars,
    unified: Vars,
    waiting: BTreeMap<Name, Vars>,
}

fn unify(safe: &Vars, a: &Term<'_>, b: &Term<'_>) -> Vars {
    let mut u = Unifier { safe, unified: Vars::new(), waiting: BTreeMap::new() };
    u.unify(a, b);
    u.unified
}

impl Unifier<'_> {
    fn is_safe(&self, name: &Name) -> bool {
        self.safe.contains(name) || self.unified.contains(name) || is_root(name)
    }

    fn unify(&mut self, a: &Term<'_>, b: &Term<'_>) {
        match (&a.node, &b.node) {
            (Node::Var(x), Node::Var(y)) => match (self.is_safe(x), self.is_safe(y)) {
                (_, true) => self.mark(x),
                (true, _) => self.mark(y),
                _ => {
                    self.wait(x, y);
                    self.wait(y, x);
                }
            },
            (Node::Var(x), Node::Array(_) | Node::Object(_)) => self.unify_all(x, b),
            (Node::Array(_) | Node::Object(_), Node::Var(y)) => self.unify_all(y, a),
            (Node::Var(x), _) => {
                if self.is_evaluable(b) {
                    self.mark(x);
                }
            }
            (_, Node::Var(y)) => {
                if self.is_evaluable(a) {
                    self.mark(y);
                }
            }
            (Node::Ref(_) | Node::Call(..) | Node::Comprehension(_), _) => {
                if self.is_evaluable(a) && matches!(b.node, Node::Array(_) | Node::Object(_)) {
                    self.mark_all(b);
                }
            }
            (_, Node::Ref(_) | Node::Call(..) | Node::Comprehension(_)) => {
                if self.is_evaluable(b) && matches!(a.node, Node::Array(_) | Node::Object(_)) {
                    self.mark_all(a);
                }
            }
            _ => self.unify_parts(a, b),
        }
    }

    fn unify_parts(&mut self, a: &Term<'_>, b: &Term<'_>) {
        if let (Some(x), Some(y)) = (a.array_items(), b.array_items())
            && x.len() == y.len()
        {
            x.iter().zip(&y).for_each(|(x, y)| self.unify(x, y));
        }
        if let (Some(x), Some(y)) = (a.object_pairs(), b.object_pairs())
            && x.len() == y.len()
        {
            for (key, value) in &x {
                if let Some((_, other)) = y.iter().find(|(k, _)| k == key) {
                    self.unify(value, other);
                }
            }
        }
    }

    fn is_evaluable(&self, t: &Term<'_>) -> bool {
        match &t.node {
            Node::Ref(parts) => is_safe_ref(parts, self.safe),
            Node::Call(..) => is_safe(t, self.safe),
            _ => true,
        }
    }

    fn mark_all(&mut self, t: &Term<'_>) {
        let mut found = Vars::new();
        vars(t, &Skip { heads: true, keys: true, sets: false }, &mut found);
        found.iter().for_each(|v| self.mark(v));
    }

    fn mark(&mut self, name: &Name) {
        self.unified.insert(name.clone());
        for other in self.waiting.remove(name).unwrap_or_default() {
            self.mark(&other);
        }
        let mut ready = Vec::new();
        for (other, needed) in &mut self.waiting {
            if needed.remove(name) && needed.is_empty() {
                ready.push(other.clone());
            }
        }
        ready.iter().for_each(|v| self.mark(v));
    }

    fn wait(&mut self, name: &Name, other: &Name) {
        self.waiting.entry(name.clone()).or_default().insert(other.clone());
    }

    fn unify_all(&mut self, name: &Name, t: &Term<'_>) {
        if self.is_safe(name) {
            return self.mark_all(t);
        }
        let mut found = Vars::new();
        vars(t, &Skip { heads: true, keys: true, sets: false }, &mut found);
        found.retain(|v| !self.is_safe(v));
        match found.is_empty() {
            true => self.mark(name),
            false => found.iter().for_each(|v| self.wait(name, v)),
        }
    }
}
