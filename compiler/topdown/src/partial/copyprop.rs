//! Copy propagation: intermediate variables of residual queries are replaced by what they stand for.

use super::outputs::{self, Vars};
use crate::bindings::is_root;
use crate::machine::Machine;
use crate::term::*;
use crate::visit::{self, Shown};
use govc_value::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A shorter query with the same solutions for the variables in `live`.
pub(crate) fn propagate<'q>(
    m: &Machine<'_, 'q>,
    live: &Vars,
    query: Body<'q>,
    never_empty: bool,
) -> Body<'q> {
    let mut p =
        Propagation { m, live, removed: BTreeMap::new(), heads: Vars::new(), placeholders: Vars::new() };
    p.apply(&query, never_empty).unwrap_or(query)
}

struct Propagation<'a, 'm, 'q> {
    m: &'a Machine<'m, 'q>,
    live: &'a Vars,
    /// What variables stand for, whose equalities were taken out.
    removed: BTreeMap<Name, Term<'q>>,
    /// Variables that references begin with.
    heads: Vars,
    /// Variables made to keep a reference whose value nobody needs.
    placeholders: Vars,
}

/// Variables that must be equal.
#[derive(Default)]
struct Sets<'q> {
    parents: BTreeMap<Name, Name>,
    constants: BTreeMap<Name, Term<'q>>,
}

impl<'q> Sets<'q> {
    fn find(&self, name: &Name) -> Option<Name> {
        let mut at = name.clone();
        loop {
            let parent = self.parents.get(&at)?;
            if *parent == at {
                return Some(at);
            }
            at = parent.clone();
        }
    }

    fn make(&mut self, name: &Name) -> Name {
        self.find(name).unwrap_or_else(|| {
            self.parents.insert(name.clone(), name.clone());
            name.clone()
        })
    }

    /// Whether the constants agree.
    fn merge(&mut self, a: &Name, b: &Name, live: &Vars) -> bool {
        let (a, b) = (self.make(a), self.make(b));
        if a == b {
            return true;
        }
        let (root, other) = if live.contains(&a) { (a, b) } else { (b, a) };
        self.parents.insert(other.clone(), root.clone());
        match (self.constants.remove(&other), self.constants.get(&root)) {
            (Some(x), Some(y)) => x == *y,
            (Some(x), None) => {
                self.constants.insert(root, x);
                true
            }
            _ => true,
        }
    }

    fn set(&mut self, name: &Name, constant: &Term<'q>) -> bool {
        let root = self.make(name);
        match self.constants.get(&root) {
            Some(old) if old != constant => false,
            _ => {
                self.constants.insert(root, constant.clone());
                true
            }
        }
    }

    /// The constant or variable that stands for a variable.
    fn value(&self, name: &Name) -> Option<Term<'q>> {
        let root = self.find(name)?;
        Some(self.constants.get(&root).cloned().unwrap_or_else(|| Term::new(Node::Var(root))))
    }
}

fn disjoint_sets<'q>(live: &Vars, query: &Body<'q>) -> Option<Sets<'q>> {
    let mut sets = Sets::default();
    for e in query.iter().filter(|e| !e.negated && e.with.is_empty()) {
        let ExprKind::Unify(a, b) = &e.kind else { continue };
        let agrees = match (&a.node, &b.node) {
            (Node::Var(x), Node::Var(y)) => sets.merge(x, y, live),
            (Node::Var(x), Node::Value(_)) => sets.set(x, b),
            (Node::Value(_), Node::Var(y)) => sets.set(y, a),
            _ => true,
        };
        if !agrees {
            return None;
        }
    }
    Some(sets)
}

impl<'q> Propagation<'_, '_, 'q> {
    /// None where the query cannot hold, or the result would bind too little.
    fn apply(&mut self, query: &Body<'q>, never_empty: bool) -> Option<Body<'q>> {
        let mut sets = disjoint_sets(self.live, query)?;
        visit::body(query, &mut |shown| {
            if let Shown::Term(Term { node: Node::Ref(parts), .. }) = shown
                && let Some(name) = parts.first().and_then(Term::as_var)
            {
                match sets.find(name) {
                    Some(root) => {
                        sets.constants.remove(&root);
                        self.heads.insert(root);
                    }
                    None => {
                        self.heads.insert(name.clone());
                    }
                }
            }
            false
        });
        let mut result: Vec<Rc<Expr<'q>>> = Vec::new();
        for e in query.iter() {
            let negated = e.negated || matches!(e.kind, ExprKind::Not { .. });
            let mut e = self.expr(&sets, negated, e);
            if let ExprKind::Not { body, explicit } = &e.kind {
                let live = self.live_in(&sets, body);
                let body = propagate(self.m, &live, body.clone(), true);
                e.kind = ExprKind::Not { body, explicit: *explicit };
            }
            if self.keep(negated, &e) {
                result.push(Rc::new(e));
            }
        }
        self.bind_live(&sets, &mut result);
        self.restore(&mut result)?;
        if never_empty && result.is_empty() {
            result.push(Rc::new(Expr::new(ExprKind::Term(Term::value(Value::TRUE)))));
        }
        Some(result.into())
    }

    fn live_in(&self, sets: &Sets<'q>, body: &Body<'q>) -> Vars {
        let mut vars = Vars::new();
        body.iter().for_each(|e| outputs::expr_vars(e, &mut vars));
        let known =
            |v: &Name| self.live.contains(v) || sets.find(v).is_some() || self.removed.contains_key(v);
        vars.into_iter().filter(known).collect()
    }

    /// Equalities for the variables that the caller needs.
    fn bind_live(&self, sets: &Sets<'q>, result: &mut Vec<Rc<Expr<'q>>>) {
        for name in self.live {
            let Some(root) = sets.find(name) else { continue };
            let var = Term::new(Node::Var(name.clone()));
            let value = match (sets.constants.get(&root), self.removed.get(&root)) {
                (Some(constant), _) => constant.clone(),
                (None, Some(term)) => term.clone(),
                (None, None) if root != *name => Term::new(Node::Var(root)),
                _ => continue,
            };
            result.push(Rc::new(Expr::unify(var, value)));
        }
    }

    /// Puts equalities back that bind what is used, or whose value must be defined.
    fn restore(&self, result: &mut Vec<Rc<Expr<'q>>>) -> Option<()> {
        let mut safe: Vars = self.live.clone();
        safe.extend([Rc::from("input"), Rc::from("data")]);
        safe.extend(outputs::of_body(self.m, result, &safe));
        let mut unbound = Vars::new();
        result.iter().for_each(|e| outputs::expr_vars(e, &mut unbound));
        unbound.retain(|v| !safe.contains(v));
        for (name, term) in self.removed.iter().rev() {
            let var = Term::new(Node::Var(name.clone()));
            let equality = Expr::unify(var, term.clone());
            let bound = outputs::of_expr(self.m, &equality, &safe);
            let before = unbound.len();
            unbound.retain(|v| !bound.contains(v));
            let is_safe_var = match term.as_ref_parts().map(|p| &p[..]) {
                // The input itself may be undefined, which OPA forgets here.
                Some([head]) => head.as_var().is_some_and(|v| safe.contains(v) && &**v != "input"),
                _ => false,
            };
            if unbound.len() < before || (!is_safe_var && !contained(term, result)) {
                let bare = self.placeholders.contains(name) && term.as_ref_parts().is_some();
                result.push(Rc::new(match bare {
                    true => Expr::new(ExprKind::Term(term.clone())),
                    false => equality,
                }));
                safe.extend(bound);
            }
        }
        unbound.is_empty().then_some(())
    }

    /// Whether a statement stays; otherwise what it binds is remembered.
    fn keep(&mut self, negated: bool, e: &Expr<'q>) -> bool {
        if negated || !e.with.is_empty() {
            return true;
        }
        match &e.kind {
            ExprKind::Unify(a, b) if a == b => {
                let head = a.as_ref_parts().and_then(|p| p.first()).and_then(Term::as_var);
                if head.is_some_and(|h| self.live.contains(h)) {
                    let name: Name = Rc::from(format!("__localcp{}__", self.placeholders.len()));
                    self.placeholders.insert(name.clone());
                    self.removed.insert(name, a.clone());
                }
                false
            }
            ExprKind::Unify(a, b) => match self.replaceable(a, b).or_else(|| self.replaceable(b, a)) {
                Some((name, term)) => {
                    self.removed.insert(name, term);
                    false
                }
                None => true,
            },
            ExprKind::Call(callee, args) => {
                if outputs::call_arity(self.m, callee).is_some_and(|n| n + 1 == args.len())
                    && let Some((output, inputs)) = args.split_last()
                    && let Some(name) = output.as_var()
                    && !self.live.contains(name)
                    && !self.heads.contains(name)
                {
                    self.removed.insert(name.clone(), Term::new(Node::Call(callee.clone(), inputs.into())));
                    return false;
                }
                !matches!((callee, args.as_ref()), (Callee::Builtin(f), [a, b]) if &**f == "equal" && a == b)
            }
            ExprKind::Term(t) => t.as_value().is_none() || t.is_false(),
            _ => true,
        }
    }

    fn replaceable(&self, a: &Term<'q>, b: &Term<'q>) -> Option<(Name, Term<'q>)> {
        let name = a.as_var().filter(|n| !self.live.contains(*n))?;
        matches!(b.node, Node::Ref(_) | Node::Call(..)).then(|| (name.clone(), b.clone()))
    }

    fn body(&self, sets: &Sets<'q>, negated: bool, body: &Body<'q>) -> Body<'q> {
        body.iter().map(|e| Rc::new(self.expr(sets, negated, e))).collect()
    }

    fn expr(&self, sets: &Sets<'q>, negated: bool, e: &Expr<'q>) -> Expr<'q> {
        let plug = |t: &Term<'q>| self.term(sets, negated, t);
        let kind = match &e.kind {
            ExprKind::Term(t) => ExprKind::Term(plug(t)),
            ExprKind::Unify(a, b) => ExprKind::Unify(plug(a), plug(b)),
            ExprKind::Call(callee, args) => ExprKind::Call(callee.clone(), args.iter().map(plug).collect()),
            ExprKind::Every(every) => ExprKind::Every(Rc::new(Every {
                key: plug(&every.key),
                value: plug(&every.value),
                domain: plug(&every.domain),
                body: self.body(sets, negated, &every.body),
            })),
            ExprKind::Not { body, explicit } => {
                ExprKind::Not { body: self.body(sets, negated, body), explicit: *explicit }
            }
            ExprKind::And(a, b) => ExprKind::And(self.body(sets, negated, a), self.body(sets, negated, b)),
            ExprKind::Or(a, b) => ExprKind::Or(self.body(sets, negated, a), self.body(sets, negated, b)),
        };
        let with = e.with.iter().map(|w| With { target: w.target.clone(), value: plug(&w.value) });
        Expr { kind, with: with.collect(), ..e.clone() }
    }

    fn term(&self, sets: &Sets<'q>, negated: bool, t: &Term<'q>) -> Term<'q> {
        let heap = self.m.heap;
        let plug = |t: &Term<'q>| self.term(sets, negated, t);
        let node = match &t.node {
            Node::Var(name) => {
                let plugged = self.variable(sets, negated, name);
                return match plugged.as_var() {
                    Some(_) => Term { at: t.at, ..plugged },
                    None => plug(&plugged),
                };
            }
            Node::Ref(parts) => self.reference(sets, negated, parts),
            Node::Array(items) => array(heap, items.iter().map(plug).collect()),
            Node::Set(items) => set(heap, items.iter().map(plug).collect()),
            Node::Object(pairs) => object(heap, pairs.iter().map(|(k, v)| (plug(k), plug(v))).collect()),
            Node::Call(callee, args) => Node::Call(callee.clone(), args.iter().map(plug).collect()),
            Node::Comprehension(c) => Node::Comprehension(Rc::new(Comprehension {
                kind: c.kind,
                key: c.key.as_ref().map(plug),
                term: plug(&c.term),
                body: self.body(sets, negated, &c.body),
            })),
            other => other.clone(),
        };
        Term { node, at: t.at }
    }

    fn variable(&self, sets: &Sets<'q>, negated: bool, name: &Name) -> Term<'q> {
        let result = sets.value(name).unwrap_or_else(|| Term::new(Node::Var(name.clone())));
        let Some(root) = result.as_var() else { return result };
        match self.removed.get(root) {
            Some(term) if (!negated || term.is_ground()) && !mentions(term, root) => term.clone(),
            _ => result,
        }
    }

    fn reference(&self, sets: &Sets<'q>, negated: bool, parts: &[Term<'q>]) -> Node<'q> {
        let plug = |t: &Term<'q>| self.term(sets, negated, t);
        let Some((head, steps)) = parts.split_first() else { return Node::Ref(parts.into()) };
        let mut head = head.clone();
        if let Some(name) = head.as_var().filter(|n| !is_root(n)) {
            head = sets.value(name).unwrap_or(head);
        }
        let mut out: Vec<Term<'q>> = Vec::new();
        match head.as_var().and_then(|n| self.removed.get(n)) {
            Some(base) if !negated || base.is_ground() => match &base.node {
                Node::Ref(parts) => out.extend(parts.iter().map(plug)),
                _ => out.push(plug(base)),
            },
            _ => out.push(head),
        }
        out.extend(steps.iter().map(plug));
        Node::Ref(out.into())
    }
}

fn mentions(t: &Term<'_>, name: &Name) -> bool {
    let mut found = false;
    visit::term(t, &mut |shown| {
        found |= matches!(shown, Shown::Term(Term { node: Node::Var(n), .. }) if n == name);
        found
    });
    found
}

/// Whether a term occurs in statements, outside bodies of their own.
fn contained(wanted: &Term<'_>, body: &[Rc<Expr<'_>>]) -> bool {
    body.iter().any(|e| contained_in(wanted, e))
}

fn contained_in(wanted: &Term<'_>, e: &Expr<'_>) -> bool {
    if let ExprKind::Every(every) = &e.kind {
        return [&every.key, &every.value, &every.domain].into_iter().any(|t| occurs(wanted, t));
    }
    let mut found = false;
    visit::expr(e, &mut |shown| {
        match shown {
            Shown::Term(t) => found = found || is_at(wanted, t),
            Shown::Expr(inner) => {
                if matches!(inner.kind, ExprKind::Every(_)) {
                    found = found || contained_in(wanted, inner);
                    return true;
                }
                // A call that was taken out of the very place where it now stands.
                if let (ExprKind::Call(f, args), Node::Call(g, wanted)) = (&inner.kind, &wanted.node) {
                    found = found || (f == g && args == wanted);
                }
            }
        }
        found || matches!(shown, Shown::Term(t) if t.is_comprehension())
    });
    found
}

fn occurs(wanted: &Term<'_>, t: &Term<'_>) -> bool {
    let mut found = false;
    visit::term(t, &mut |shown| {
        if let Shown::Term(t) = shown {
            found = found || is_at(wanted, t);
            return found || t.is_comprehension();
        }
        found
    });
    found
}

fn is_at(wanted: &Term<'_>, t: &Term<'_>) -> bool {
    match (&wanted.node, &t.node) {
        (Node::Ref(wanted), Node::Ref(parts)) => has_prefix(parts, wanted),
        _ => wanted == t,
    }
}
