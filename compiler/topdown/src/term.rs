//! Terms, statements and rules as the evaluator sees them: OPA's tree, with ground parts as values.
//!
//! The surprising fact: a composite without variables, references, calls and comprehensions is always a
//! [`Node::Value`], never an [`Node::Array`] and the like. Equality relies on it, so composites are made by
//! [`array`], [`object`] and [`set`].

use govc_compile::rewritten::ComprehensionKind;
use govc_syntax::Span;
use govc_value::{Heap, Value, View};
use std::cmp::Ordering;
use std::rc::Rc;

/// The name of a variable.
pub(crate) type Name = Rc<str>;

/// A term with its place, where it has one.
#[derive(Clone, Debug)]
pub(crate) struct Term<'q> {
    pub(crate) node: Node<'q>,
    pub(crate) at: Option<Span>,
}

/// The kinds of terms.
#[derive(Clone, Debug)]
pub(crate) enum Node<'q> {
    /// Ground and in need of no evaluation.
    Value(Value<'q>),
    Var(Name),
    /// Head and steps. The head is a variable (`input` and `data` too) or, after plugging, any term.
    Ref(Rc<[Term<'q>]>),
    Array(Rc<[Term<'q>]>),
    /// Sorted by key.
    Object(Rc<[(Term<'q>, Term<'q>)]>),
    /// Sorted, without duplicates.
    Set(Rc<[Term<'q>]>),
    Comprehension(Rc<Comprehension<'q>>),
    /// A call inside a term, which only copy propagation makes.
    Call(Callee<'q>, Rc<[Term<'q>]>),
    /// The name of a builtin, as a value of `with`.
    Builtin(Name),
}

/// A comprehension.
#[derive(Clone, Debug)]
pub(crate) struct Comprehension<'q> {
    pub(crate) kind: ComprehensionKind,
    pub(crate) key: Option<Term<'q>>,
    pub(crate) term: Term<'q>,
    pub(crate) body: Body<'q>,
}

/// What a call calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Callee<'q> {
    Builtin(Name),
    /// Rules at a path without `data`.
    Function(Rc<[Value<'q>]>),
}

/// Statements that must all hold.
pub(crate) type Body<'q> = Rc<[Rc<Expr<'q>>]>;

/// A statement.
#[derive(Clone, Debug)]
pub(crate) struct Expr<'q> {
    pub(crate) kind: ExprKind<'q>,
    pub(crate) negated: bool,
    pub(crate) with: Rc<[With<'q>]>,
    pub(crate) generated: bool,
    pub(crate) at: Option<Span>,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind<'q> {
    Term(Term<'q>),
    Unify(Term<'q>, Term<'q>),
    Call(Callee<'q>, Rc<[Term<'q>]>),
    Every(Rc<Every<'q>>),
    Not { body: Body<'q>, explicit: bool },
    And(Body<'q>, Body<'q>),
    Or(Body<'q>, Body<'q>),
}

/// `every`.
#[derive(Clone, Debug)]
pub(crate) struct Every<'q> {
    pub(crate) key: Term<'q>,
    pub(crate) value: Term<'q>,
    pub(crate) domain: Term<'q>,
    pub(crate) body: Body<'q>,
}

/// `with target as value`.
#[derive(Clone, Debug)]
pub(crate) struct With<'q> {
    pub(crate) target: Target<'q>,
    pub(crate) value: Term<'q>,
}

/// What `with` replaces.
#[derive(Clone, Debug)]
pub(crate) enum Target<'q> {
    /// A reference below `input` or `data`: no function.
    Document(Rc<[Term<'q>]>),
    Function(Callee<'q>),
}

/// A rule: one branch; `else` branches are rules of their own that hang on it.
#[derive(Debug)]
pub(crate) struct Rule<'q> {
    /// `data`, the package, and the head's own path.
    pub(crate) path: Vec<Term<'q>>,
    /// Parts of `path` that are `data` and the package.
    pub(crate) package: usize,
    pub(crate) args: Option<Vec<Term<'q>>>,
    /// The element of a set.
    pub(crate) key: Option<Term<'q>>,
    /// The value; absent for sets.
    pub(crate) value: Option<Term<'q>>,
    pub(crate) default: bool,
    pub(crate) body: Body<'q>,
    pub(crate) elses: Vec<Rc<Rule<'q>>>,
    pub(crate) at: Option<Span>,
    pub(crate) head_at: Option<Span>,
}

impl<'q> Rule<'q> {
    /// It defines the elements of a set.
    pub(crate) fn is_multi(&self) -> bool {
        self.key.is_some() && self.value.is_none()
    }

    /// Number of parameters.
    pub(crate) fn arity(&self) -> usize {
        self.args.as_ref().map_or(0, Vec::len)
    }

    /// It gives one value at a path without variables.
    pub(crate) fn is_complete(&self) -> bool {
        !self.is_multi() && self.path.iter().skip(1).all(Term::is_ground)
    }

    /// The terms of the head that OPA's visitors see: of its path only the key of a plain object.
    pub(crate) fn head_terms(&self) -> impl Iterator<Item = &Term<'q>> {
        let keyed = !self.is_multi() && self.path.len() == self.package + 2;
        let key = self.path.last().filter(|_| keyed);
        self.args.iter().flatten().chain(&self.key).chain(key).chain(&self.value)
    }

    /// What the rule gives: its value, or the element of its set.
    pub(crate) fn result(&self) -> Term<'q> {
        self.value.clone().or_else(|| self.key.clone()).unwrap_or_else(|| Term::value(Value::TRUE))
    }
}

impl<'q> Term<'q> {
    pub(crate) fn new(node: Node<'q>) -> Self {
        Self { node, at: None }
    }

    pub(crate) fn value(value: Value<'q>) -> Self {
        Self::new(Node::Value(value))
    }

    pub(crate) fn var(name: &str) -> Self {
        Self::new(Node::Var(Rc::from(name)))
    }

    pub(crate) fn reference(parts: impl Into<Rc<[Term<'q>]>>) -> Self {
        Self::new(Node::Ref(parts.into()))
    }

    pub(crate) fn at(mut self, at: Option<Span>) -> Self {
        self.at = at;
        self
    }

    pub(crate) fn as_value(&self) -> Option<Value<'q>> {
        match self.node {
            Node::Value(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn as_var(&self) -> Option<&Name> {
        match &self.node {
            Node::Var(name) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn as_ref_parts(&self) -> Option<&Rc<[Term<'q>]>> {
        match &self.node {
            Node::Ref(parts) => Some(parts),
            _ => None,
        }
    }

    pub(crate) fn is_false(&self) -> bool {
        self.as_value() == Some(Value::FALSE)
    }

    pub(crate) fn is_comprehension(&self) -> bool {
        matches!(self.node, Node::Comprehension(_))
    }

    /// A scalar value.
    pub(crate) fn is_scalar(&self) -> bool {
        self.as_value().is_some_and(|v| !v.is_collection())
    }

    pub(crate) fn is_set(&self) -> bool {
        match &self.node {
            Node::Set(_) => true,
            Node::Value(v) => v.as_set().is_some(),
            _ => false,
        }
    }

    /// Holds no variables. A reference is ground when its steps are, and so is what OPA calls ground.
    pub(crate) fn is_ground(&self) -> bool {
        match &self.node {
            Node::Value(_) | Node::Builtin(_) => true,
            Node::Var(_) => false,
            Node::Ref(parts) => parts.iter().skip(1).all(Term::is_ground),
            Node::Array(items) | Node::Set(items) | Node::Call(_, items) => items.iter().all(Term::is_ground),
            Node::Object(pairs) => pairs.iter().all(|(k, v)| k.is_ground() && v.is_ground()),
            Node::Comprehension(_) => false,
        }
    }

    /// The elements of an array, values or not.
    pub(crate) fn array_items(&self) -> Option<Vec<Term<'q>>> {
        match &self.node {
            Node::Array(items) => Some(items.to_vec()),
            Node::Value(v) => v.as_array().map(|a| a.iter().map(Term::value).collect()),
            _ => None,
        }
    }

    /// The pairs of an object, values or not.
    pub(crate) fn object_pairs(&self) -> Option<Vec<(Term<'q>, Term<'q>)>> {
        match &self.node {
            Node::Object(pairs) => Some(pairs.to_vec()),
            Node::Value(v) => {
                v.as_object().map(|o| o.iter().map(|(k, v)| (Term::value(k), Term::value(v))).collect())
            }
            _ => None,
        }
    }

    /// The elements of a set, values or not.
    pub(crate) fn set_items(&self) -> Option<Vec<Term<'q>>> {
        match &self.node {
            Node::Set(items) => Some(items.to_vec()),
            Node::Value(v) => v.as_set().map(|s| s.iter().map(Term::value).collect()),
            _ => None,
        }
    }

    /// OPA's order of kinds.
    fn rank(&self) -> u8 {
        match &self.node {
            Node::Value(v) => match v.view() {
                View::Undefined | View::Null => 0,
                View::Bool(_) => 1,
                View::Number(_) => 2,
                View::String(_) => 3,
                View::Array(_) => 6,
                View::Object(_) => 7,
                View::Set(_) => 8,
            },
            Node::Var(_) => 4,
            Node::Ref(_) | Node::Builtin(_) => 5,
            Node::Array(_) => 6,
            Node::Object(_) => 7,
            Node::Set(_) => 8,
            Node::Comprehension(c) => match c.kind {
                ComprehensionKind::Array => 9,
                ComprehensionKind::Object => 10,
                ComprehensionKind::Set => 11,
            },
            Node::Call(..) => 12,
        }
    }
}

impl PartialEq for Term<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.node, &other.node) {
            (Node::Value(a), Node::Value(b)) => a == b,
            (Node::Var(a), Node::Var(b)) => a == b,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Term<'_> {}

impl PartialOrd for Term<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Term<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.node, &other.node) {
            (Node::Value(a), Node::Value(b)) => return a.cmp(b),
            (Node::Var(a), Node::Var(b)) => return a.cmp(b),
            (Node::Builtin(a), Node::Builtin(b)) => return a.cmp(b),
            (Node::Ref(a), Node::Ref(b)) => return a.cmp(b),
            (Node::Call(f, a), Node::Call(g, b)) => return f.text().cmp(&g.text()).then_with(|| a.cmp(b)),
            (Node::Comprehension(a), Node::Comprehension(b)) if self.rank() == other.rank() => {
                return compare_comprehensions(a, b);
            }
            _ => {}
        }
        match self.rank().cmp(&other.rank()) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        if let (Some(a), Some(b)) = (self.array_items(), other.array_items()) {
            return a.cmp(&b);
        }
        if let (Some(a), Some(b)) = (self.object_pairs(), other.object_pairs()) {
            return a.cmp(&b);
        }
        if let (Some(a), Some(b)) = (self.set_items(), other.set_items()) {
            return a.cmp(&b);
        }
        Ordering::Equal
    }
}

fn compare_comprehensions(a: &Comprehension<'_>, b: &Comprehension<'_>) -> Ordering {
    a.key.cmp(&b.key).then_with(|| a.term.cmp(&b.term)).then_with(|| compare_bodies(&a.body, &b.body))
}

/// OPA's order of bodies.
pub(crate) fn compare_bodies(a: &[Rc<Expr<'_>>], b: &[Rc<Expr<'_>>]) -> Ordering {
    let mut pairs = a.iter().zip(b);
    let unequal = pairs.find_map(|(x, y)| Some(x.compare(y)).filter(|o| o.is_ne()));
    unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
}

impl<'q> Callee<'q> {
    /// As OPA writes it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Builtin(name) => name.to_string(),
            Self::Function(path) => {
                let mut out = "data".to_owned();
                path.iter().for_each(|v| crate::text::step(&Term::value(*v), &mut out));
                out
            }
        }
    }

    /// The reference to the function, with `data`.
    pub(crate) fn reference(&self, heap: Heap<'q>) -> Vec<Term<'q>> {
        match self {
            Self::Builtin(name) => {
                let mut parts = name.split('.');
                let head = Term::var(parts.next().unwrap_or_default());
                std::iter::once(head).chain(parts.map(|p| Term::value(heap.string(p)))).collect()
            }
            Self::Function(path) => data_reference(path),
        }
    }
}

/// `data` and a path.
pub(crate) fn data_reference<'q>(path: &[Value<'q>]) -> Vec<Term<'q>> {
    std::iter::once(Term::var("data")).chain(path.iter().map(|v| Term::value(*v))).collect()
}

impl<'q> Expr<'q> {
    pub(crate) fn new(kind: ExprKind<'q>) -> Self {
        Self { kind, negated: false, with: Rc::from([]), generated: false, at: None }
    }

    pub(crate) fn unify(a: Term<'q>, b: Term<'q>) -> Self {
        Self::new(ExprKind::Unify(a, b))
    }

    /// The same without its modifiers.
    pub(crate) fn without_with(&self) -> Self {
        Self { with: Rc::from([]), ..self.clone() }
    }

    /// The opposite, without modifiers.
    pub(crate) fn complement_without_with(&self) -> Self {
        Self { negated: !self.negated, ..self.without_with() }
    }

    /// OPA's order of statements; places do not count.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let rank = |e: &Self| match &e.kind {
            ExprKind::Every(_) => 3,
            ExprKind::Term(_) => 0,
            ExprKind::Unify(..) | ExprKind::Call(..) => 1,
            ExprKind::Not { .. } => 4,
            ExprKind::And(..) => 5,
            ExprKind::Or(..) => 6,
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| self.negated.cmp(&other.negated))
            .then_with(|| self.compare_kinds(other))
            .then_with(|| crate::text::withs(&self.with).cmp(&crate::text::withs(&other.with)))
    }

    fn compare_kinds(&self, other: &Self) -> Ordering {
        match (&self.kind, &other.kind) {
            (ExprKind::Term(a), ExprKind::Term(b)) => a.cmp(b),
            (ExprKind::Unify(a, b), ExprKind::Unify(c, d)) => (a, b).cmp(&(c, d)),
            (ExprKind::Call(f, a), ExprKind::Call(g, b)) => f.text().cmp(&g.text()).then_with(|| a.cmp(b)),
            (ExprKind::Unify(..), ExprKind::Call(g, _)) => "eq".cmp(g.text().as_str()),
            (ExprKind::Call(f, _), ExprKind::Unify(..)) => f.text().as_str().cmp("eq"),
            (ExprKind::Every(a), ExprKind::Every(b)) => (&a.key, &a.value, &a.domain)
                .cmp(&(&b.key, &b.value, &b.domain))
                .then_with(|| compare_bodies(&a.body, &b.body)),
            (ExprKind::Not { body: a, .. }, ExprKind::Not { body: b, .. }) => compare_bodies(a, b),
            (ExprKind::And(a, b), ExprKind::And(c, d)) | (ExprKind::Or(a, b), ExprKind::Or(c, d)) => {
                compare_bodies(a, c).then_with(|| compare_bodies(b, d))
            }
            _ => Ordering::Equal,
        }
    }
}

/// An array; a value if all elements are.
pub(crate) fn array<'q>(heap: Heap<'q>, items: Vec<Term<'q>>) -> Node<'q> {
    match items.iter().map(Term::as_value).collect::<Option<Vec<_>>>() {
        Some(values) => Node::Value(heap.array(&values)),
        None => Node::Array(items.into()),
    }
}

/// An object; of equal keys the last wins.
pub(crate) fn object<'q>(heap: Heap<'q>, pairs: Vec<(Term<'q>, Term<'q>)>) -> Node<'q> {
    let values = pairs.iter().map(|(k, v)| Some((k.as_value()?, v.as_value()?)));
    if let Some(mut values) = values.collect::<Option<Vec<_>>>() {
        return Node::Value(heap.object(&mut values));
    }
    let mut sorted: Vec<(Term<'q>, Term<'q>)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        match sorted.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(at) => sorted[at].1 = value,
            Err(at) => sorted.insert(at, (key, value)),
        }
    }
    Node::Object(sorted.into())
}

/// A set.
pub(crate) fn set<'q>(heap: Heap<'q>, mut items: Vec<Term<'q>>) -> Node<'q> {
    match items.iter().map(Term::as_value).collect::<Option<Vec<_>>>() {
        Some(mut values) => Node::Value(heap.set(&mut values)),
        None => {
            items.sort();
            items.dedup();
            Node::Set(items.into())
        }
    }
}

/// Whether `prefix` begins `whole`.
pub(crate) fn has_prefix(whole: &[Term<'_>], prefix: &[Term<'_>]) -> bool {
    whole.len() >= prefix.len() && whole.iter().zip(prefix).all(|(a, b)| a == b)
}
