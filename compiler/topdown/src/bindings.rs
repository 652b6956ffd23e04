//! What variables stand for: one list a query, in which a value may name a variable of another list.

use crate::term::{Name, Node, Term, array, object, set};
use govc_value::Heap;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The bindings of one query or rule.
#[derive(Debug)]
pub(crate) struct Bindings<'q> {
    /// The query they belong to.
    pub(crate) id: u64,
    entries: RefCell<Vec<Entry<'q>>>,
    /// The names that variables of other queries have got for the caller: `x` of query 12 and `x1` of query 2
    /// must not both be `x12`.
    given: Rc<Given>,
}

/// Names for the caller, with the variables that have them.
pub(crate) type Given = RefCell<BTreeMap<String, (Name, u64)>>;

/// Shared bindings.
pub(crate) type Shared<'q> = Rc<Bindings<'q>>;

#[derive(Clone, Debug)]
struct Entry<'q> {
    key: Term<'q>,
    value: Term<'q>,
    /// Whose variables the value holds.
    of: Shared<'q>,
}

/// Takes a binding back when dropped.
pub(crate) struct Undo<'q> {
    name: Name,
    of: Shared<'q>,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        let mut entries = self.of.entries.borrow_mut();
        if let Some(at) = entries.iter().rposition(|e| e.key.as_var() == Some(&self.name)) {
            entries.swap_remove(at);
        }
    }
}

impl<'q> Bindings<'q> {
    pub(crate) fn new(id: u64) -> Shared<'q> {
        Rc::new(Self { id, entries: RefCell::default(), given: Rc::default() })
    }

    /// Those of another query of the same evaluation.
    pub(crate) fn another(&self, id: u64) -> Shared<'q> {
        Rc::new(Self { id, entries: RefCell::default(), given: self.given.clone() })
    }

    /// Keeps a name for a variable of the caller itself.
    pub(crate) fn keep(&self, name: &Name) {
        self.given.borrow_mut().insert(name.to_string(), (name.clone(), self.id));
    }

    fn name_for_caller(&self, name: &Name) -> String {
        let mut given = self.given.borrow_mut();
        let mut text = format!("{name}{}", self.id);
        loop {
            match given.get(&text) {
                Some((known, id)) if (known, *id) == (name, self.id) => return text,
                Some(_) => text.push('_'),
                None => {
                    given.insert(text.clone(), (name.clone(), self.id));
                    return text;
                }
            }
        }
    }

    fn get(&self, name: &str) -> Option<(Term<'q>, Shared<'q>)> {
        let entries = self.entries.borrow();
        let found = entries.iter().find(|e| e.key.as_var().is_some_and(|n| **n == *name))?;
        Some((found.value.clone(), found.of.clone()))
    }
}

/// Binds a variable until the answer is dropped.
pub(crate) fn bind<'q>(b: &Shared<'q>, var: &Term<'q>, value: Term<'q>, of: &Shared<'q>) -> Option<Undo<'q>> {
    let name = var.as_var()?.clone();
    b.entries.borrow_mut().push(Entry { key: var.clone(), value, of: of.clone() });
    Some(Undo { name, of: b.clone() })
}

/// Follows variables to what they stand for.
pub(crate) fn apply<'q>(b: &Shared<'q>, t: &Term<'q>) -> (Term<'q>, Shared<'q>) {
    let (mut term, mut of) = (t.clone(), b.clone());
    while let Some(next) = term.as_var().and_then(|name| of.get(name)) {
        (term, of) = next;
    }
    (term, of)
}

/// Replaces bound variables, everywhere but in comprehensions.
pub(crate) fn plug<'q>(heap: Heap<'q>, b: &Shared<'q>, t: &Term<'q>) -> Term<'q> {
    plug_for(heap, b, t, None)
}

/// The same for a caller: variables of other queries get the query's number as a suffix.
pub(crate) fn plug_for<'q>(
    heap: Heap<'q>,
    b: &Shared<'q>,
    t: &Term<'q>,
    caller: Option<&Shared<'q>>,
) -> Term<'q> {
    let each = |items: &[Term<'q>]| items.iter().map(|t| plug_for(heap, b, t, caller)).collect::<Vec<_>>();
    let node = match &t.node {
        Node::Var(_) => {
            let (end, of) = apply(b, t);
            return match end.as_var() {
                Some(_) => namespaced(&of, &end, caller),
                None => plug_for(heap, &of, &end, caller),
            };
        }
        Node::Array(items) => array(heap, each(items)),
        Node::Set(items) => set(heap, each(items)),
        Node::Object(pairs) => {
            let pair =
                |(k, v): &(Term<'q>, Term<'q>)| (plug_for(heap, b, k, caller), plug_for(heap, b, v, caller));
            object(heap, pairs.iter().map(pair).collect())
        }
        Node::Ref(parts) => Node::Ref(each(parts).into()),
        Node::Call(callee, args) => Node::Call(callee.clone(), each(args).into()),
        _ => return t.clone(),
    };
    Term { node, at: t.at }
}

/// A variable as the caller names it.
pub(crate) fn namespaced<'q>(of: &Shared<'q>, var: &Term<'q>, caller: Option<&Shared<'q>>) -> Term<'q> {
    match (var.as_var(), caller) {
        (Some(name), Some(caller)) if !Rc::ptr_eq(of, caller) && !is_root(name) => {
            Term::var(&of.name_for_caller(name)).at(var.at)
        }
        _ => var.clone(),
    }
}

/// `input` and `data` mean the same in all queries.
pub(crate) fn is_root(name: &str) -> bool {
    name == "input" || name == "data"
}

/// All variables that are bound, plugged.
pub(crate) fn all<'q>(
    heap: Heap<'q>,
    b: &Shared<'q>,
    caller: Option<&Shared<'q>>,
) -> Vec<(Term<'q>, Term<'q>)> {
    let keys: Vec<Term<'q>> = b.entries.borrow().iter().map(|e| e.key.clone()).collect();
    keys.into_iter().map(|key| (key.clone(), plug_for(heap, b, &key, caller))).collect()
}
