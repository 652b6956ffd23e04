//! Which rules can match at all: equalities with known documents, looked at before any body is evaluated.
//!
//! OPA keeps a trie; here each way to reach a rule is a list of conditions, in the order in which a walk
//! through that trie would come to them. What matters, since events and early exit depend on it, is that the
//! same rules are found in the same order.

use crate::error::{Deferred, Flow, Stop};
use crate::term::*;
use crate::tree::RuleTree;
use govc_value::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the reference of a condition stands for when rules are looked up.
pub(crate) enum Resolved<'q> {
    Unknown,
    Undefined,
    Value(Term<'q>),
}

/// Resolves the references of conditions.
pub(crate) type Resolve<'r, 'q, E> = dyn FnMut(&[Term<'q>]) -> Result<Resolved<'q>, E> + 'r;

/// What the parameter with a number is called in conditions.
pub(crate) const ARGS: &str = "args";

/// The rules of one node.
#[derive(Debug)]
pub(crate) struct Index<'q> {
    rules: Vec<Rc<Rule<'q>>>,
    default: Option<Rc<Rule<'q>>>,
    pub(crate) multi: bool,
    pub(crate) only_ground: bool,
    ways: Vec<Way<'q>>,
}

/// One way to reach a rule.
#[derive(Debug)]
struct Way<'q> {
    /// The rule among those of the index; 0 is its first branch, then its `else` branches.
    place: (usize, usize),
    conditions: Vec<Condition<'q>>,
    /// Which branch of the trie it takes at each reference.
    order: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Condition<'q> {
    /// Its reference's position among those of the index.
    level: usize,
    reference: Rc<[Term<'q>]>,
    any_of: Vec<Wanted<'q>>,
}

#[derive(Clone, Debug)]
enum Wanted<'q> {
    Defined,
    Scalar(Value<'q>),
    Array(Vec<Option<Value<'q>>>),
    /// An array of the parts of a text between delimiters.
    Parts(String, Vec<Option<String>>),
}

#[derive(Clone, Debug)]
struct Entry<'q> {
    reference: Rc<[Term<'q>]>,
    value: IndexValue<'q>,
}

#[derive(Clone, Debug, PartialEq)]
enum IndexValue<'q> {
    /// A value or a variable.
    Term(Term<'q>),
    Any,
    Parts(String, Vec<Option<String>>),
}

impl IndexValue<'_> {
    fn is_var(&self) -> bool {
        matches!(self, Self::Any) || matches!(self, Self::Term(t) if t.as_var().is_some())
    }
}

/// What a look-up found.
#[derive(Clone, Debug)]
pub(crate) struct Found<'q> {
    /// Each rule with its `else` branches that may match.
    pub(crate) rules: Vec<(Rc<Rule<'q>>, Vec<Rc<Rule<'q>>>)>,
    pub(crate) default: Option<Rc<Rule<'q>>>,
    pub(crate) multi: bool,
    pub(crate) only_ground: bool,
    pub(crate) early_exit: bool,
}

impl<'q> Found<'q> {
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.default.is_none()
    }

    /// Evaluates the rules in order with `one`, each with its `else` branches until one has a value; `one` is told the
    /// value that is known. Gives that of the end, and the exit that no rule asked for.
    pub(crate) fn known_value(
        &self,
        mut one: impl FnMut(&Rc<Rule<'q>>, Option<Term<'q>>) -> (Flow, Option<Term<'q>>),
    ) -> Result<(Option<Term<'q>>, Deferred), Stop> {
        let mut known: Option<Term<'q>> = None;
        let mut deferred = Deferred::default();
        for (rule, elses) in &self.rules {
            for branch in std::iter::once(rule).chain(elses) {
                let (flow, value) = one(branch, known.clone());
                deferred.take(flow, false)?;
                if value.is_some() {
                    known = value;
                    break;
                }
            }
        }
        Ok((known, deferred))
    }

    /// Some rule has `else` branches.
    pub(crate) fn is_ordered(&self) -> bool {
        self.rules.iter().any(|(_, elses)| !elses.is_empty())
    }

    /// The first rule, or the default.
    pub(crate) fn first(&self) -> Option<&Rc<Rule<'q>>> {
        self.rules.first().map(|(r, _)| r).or(self.default.as_ref())
    }
}

impl<'q> Index<'q> {
    pub(crate) fn new(tree: &RuleTree<'q>, rules: &[Rc<Rule<'q>>]) -> Self {
        let mut index = Self {
            rules: rules.to_vec(),
            default: None,
            multi: rules.first().is_some_and(|r| r.is_multi()),
            only_ground: true,
            ways: Vec::new(),
        };
        let mut paths = Vec::new();
        let mut counted: Vec<(Rc<[Term<'q>]>, usize)> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let branches = std::iter::once(rule).chain(&rule.elses).enumerate();
            for (priority, branch) in branches {
                if branch.default {
                    index.default = Some(branch.clone());
                    continue;
                }
                index.only_ground &= branch.path.iter().skip(branch.package).skip(1).all(Term::is_ground);
                let reading = reading(tree, branch);
                for reference in &reading.counted {
                    match counted.iter_mut().find(|(r, _)| r == reference) {
                        Some((_, count)) => *count += 1,
                        None => counted.push((reference.clone(), 1)),
                    }
                }
                paths.extend(reading.paths().into_iter().map(|path| ((at, priority), path)));
            }
        }
        // What stands nowhere, the parameters, comes last.
        let place = |r: &Rc<[Term<'q>]>| {
            let at = r.first().and_then(|t| t.at);
            (at.is_none(), at.map(|at| (at.file, at.start)))
        };
        counted
            .sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| place(a).cmp(&place(b))).then_with(|| a.cmp(b)));
        let sorted: Vec<Rc<[Term<'q>]>> = counted.into_iter().map(|(r, _)| r).collect();
        index.ways = paths.into_iter().map(|(place, path)| way(place, &path, &sorted)).collect();
        index.ways.sort_by(|a, b| a.order.cmp(&b.order));
        index
    }

    /// The rules that can match.
    pub(crate) fn look_up<E>(&self, resolve: &mut Resolve<'_, 'q, E>) -> Result<Found<'q>, E> {
        let mut reached = Vec::new();
        let mut known: BTreeMap<Vec<Term<'q>>, Resolved<'q>> = BTreeMap::new();
        for way in &self.ways {
            // Members of a collection are walked in their order.
            let mut key: Vec<(u8, usize)> = way.order.iter().map(|branch| (*branch, 0)).collect();
            let mut all = true;
            for condition in &way.conditions {
                let reference = condition.reference.to_vec();
                if !known.contains_key(&reference) {
                    known.insert(reference.clone(), resolve(&condition.reference)?);
                }
                let at = match &known[&reference] {
                    Resolved::Unknown => Some(0),
                    Resolved::Undefined => None,
                    Resolved::Value(value) => condition.any_of.iter().filter_map(|w| holds(w, value)).min(),
                };
                match at {
                    Some(at) => key[condition.level].1 = at,
                    None => {
                        all = false;
                        break;
                    }
                }
            }
            if all {
                reached.push((key, way.place));
            }
        }
        reached.sort_by(|(a, _), (b, _)| a.cmp(b));
        let reached: Vec<(usize, usize)> = reached.into_iter().map(|(_, place)| place).collect();
        Ok(self.found(&reached, true))
    }

    /// All rules.
    pub(crate) fn all(&self) -> Found<'q> {
        let mut places: Vec<(usize, usize)> = self.ways.iter().map(|w| w.place).collect();
        places.sort_unstable();
        self.found(&places, false)
    }

    fn branch(&self, (rule, priority): (usize, usize)) -> &Rc<Rule<'q>> {
        match priority.checked_sub(1) {
            None => &self.rules[rule],
            Some(at) => &self.rules[rule].elses[at],
        }
    }

    fn found(&self, reached: &[(usize, usize)], looked_up: bool) -> Found<'q> {
        let mut by_rule: Vec<(usize, Vec<usize>)> = Vec::new();
        for &(rule, priority) in reached {
            match by_rule.iter_mut().find(|(r, _)| *r == rule) {
                Some((_, priorities)) if priorities.contains(&priority) => {}
                Some((_, priorities)) => priorities.push(priority),
                None => by_rule.push((rule, vec![priority])),
            }
        }
        let mut multiple = false;
        let mut value: Option<Term<'q>> = None;
        for &place in reached {
            let branch = self.branch(place);
            let own = branch.value.clone();
            if let Some(own) = own {
                multiple |= !own.is_ground() || value.as_ref().is_some_and(|v| *v != own);
                value = Some(own);
            }
        }
        let mut rules = Vec::new();
        for (rule, mut priorities) in by_rule {
            priorities.sort_unstable();
            let mut branches = priorities.into_iter().map(|p| self.branch((rule, p)).clone());
            let Some(first) = branches.next() else { continue };
            multiple |= looked_up && !first.is_complete();
            rules.push((first, branches.collect()));
        }
        Found {
            rules,
            default: self.default.clone(),
            multi: self.multi,
            only_ground: self.only_ground,
            early_exit: !multiple,
        }
    }
}

/// Whether a value is as wanted, and the position of the member that is, where the value is a collection.
fn holds<'q>(wanted: &Wanted<'q>, value: &Term<'q>) -> Option<usize> {
    let plain = |holds: bool| holds.then_some(0);
    match wanted {
        Wanted::Defined => Some(0),
        Wanted::Scalar(scalar) => match value.as_value() {
            Some(v) if !v.is_collection() => plain(v == *scalar),
            // A member of a collection, because of `in`.
            Some(v) => v.entries().position(|(_, element)| element == *scalar),
            None => Some(0),
        },
        Wanted::Array(parts) => match value.as_value().map(|v| v.as_array()) {
            Some(Some(array)) => {
                let same = array.iter().zip(parts).all(|(v, p)| p.is_none_or(|p| v == p));
                plain(array.len() == parts.len() && same)
            }
            Some(None) => None,
            None => Some(0),
        },
        Wanted::Parts(delimiters, parts) => match value.as_value().and_then(|v| v.as_str()) {
            Some(text) => {
                let split = split_unescaped(text, delimiters);
                let same = split.iter().zip(parts).all(|(s, p)| p.as_ref().is_none_or(|p| p == s));
                plain(split.len() == parts.len() && same)
            }
            None => plain(value.as_value().is_none()),
        },
    }
}

/// The conditions of a path, reference by reference as the trie has them. Of several scalars for one
/// reference any is enough, and the trie looks no further then.
fn way<'q>(place: (usize, usize), path: &[Entry<'q>], sorted: &[Rc<[Term<'q>]>]) -> Way<'q> {
    let mut way = Way { place, conditions: Vec::new(), order: Vec::new() };
    if path.is_empty() {
        return way;
    }
    for (level, reference) in sorted.iter().enumerate() {
        let own: Vec<&Entry<'q>> = path.iter().filter(|e| e.reference == *reference).collect();
        let any_of: Vec<Wanted<'q>> = own.iter().map(|e| wanted(&e.value)).collect();
        way.order.push(any_of.iter().map(branch).min().unwrap_or(0));
        if any_of.is_empty() {
            continue;
        }
        let several = own.len() > 1;
        let open = own.iter().any(|e| e.value.is_var());
        let any_of = if several && open { vec![Wanted::Defined] } else { any_of };
        way.conditions.push(Condition { level, reference: reference.clone(), any_of });
        if several && !open {
            break;
        }
    }
    way
}

/// The branches of a node of the trie, in the order in which they are walked; 0 is for no condition.
fn branch(wanted: &Wanted<'_>) -> u8 {
    match wanted {
        Wanted::Defined => 1,
        Wanted::Array(_) => 2,
        Wanted::Scalar(_) => 3,
        Wanted::Parts(..) => 4,
    }
}

fn wanted<'q>(value: &IndexValue<'q>) -> Wanted<'q> {
    let term = match value {
        IndexValue::Any => return Wanted::Defined,
        IndexValue::Parts(delimiters, parts) => return Wanted::Parts(delimiters.clone(), parts.clone()),
        IndexValue::Term(t) => t,
    };
    match (term.as_value(), term.array_items()) {
        (Some(v), _) if !v.is_collection() => Wanted::Scalar(v),
        (_, Some(items)) => {
            let scalar = |t: &Term<'q>| t.as_value().filter(|v| !v.is_collection());
            Wanted::Array(items.iter().map(scalar).collect())
        }
        _ => Wanted::Defined,
    }
}

/// OPA caps the ways in which one rule may be reached.
const MOST_WAYS: usize = 32;

type Alternatives<'q> = Vec<Vec<Entry<'q>>>;

/// What the statements of a rule demand.
struct Reading<'a, 'q> {
    tree: &'a RuleTree<'q>,
    rule: &'a Rule<'q>,
    entries: Vec<Entry<'q>>,
    outer: Vec<Entry<'q>>,
    choices: Vec<Alternatives<'q>>,
    /// A reference for each time that it was demanded.
    counted: Vec<Rc<[Term<'q>]>>,
    constants: Vec<(Name, Term<'q>)>,
}

fn reading<'a, 'q>(tree: &'a RuleTree<'q>, rule: &'a Rule<'q>) -> Reading<'a, 'q> {
    let mut reading = Reading {
        tree,
        rule,
        entries: Vec::new(),
        outer: Vec::new(),
        choices: Vec::new(),
        counted: Vec::new(),
        constants: Vec::new(),
    };
    if !must_be_evaluated(&rule.body) {
        rule.body.iter().for_each(|e| reading.update(e));
    }
    reading
}

/// Rules that print must not be skipped.
fn must_be_evaluated(body: &Body<'_>) -> bool {
    let is_print = |e: &Expr<'_>| {
        matches!(&e.kind, ExprKind::Call(Callee::Builtin(name), _)
            if &**name == "internal.print" || &**name == "internal.test_case")
    };
    body.iter().any(|e| {
        is_print(e)
            || match &e.kind {
                ExprKind::Every(every) => must_be_evaluated(&every.body),
                ExprKind::Not { body, .. } => must_be_evaluated(body),
                ExprKind::And(a, b) | ExprKind::Or(a, b) => must_be_evaluated(a) || must_be_evaluated(b),
                _ => false,
            }
    })
}

impl<'q> Reading<'_, 'q> {
    fn paths(&self) -> Alternatives<'q> {
        let mut paths = vec![self.entries.clone()];
        for choice in &self.choices {
            if paths.len() * choice.len() > MOST_WAYS {
                return vec![self.entries.clone()];
            }
            let with = |path: &Vec<Entry<'q>>, more: &Vec<Entry<'q>>| {
                path.iter().chain(more).cloned().collect::<Vec<_>>()
            };
            paths = paths.iter().flat_map(|p| choice.iter().map(move |c| with(p, c))).collect();
        }
        paths
    }

    fn update(&mut self, e: &Expr<'q>) {
        if !e.with.is_empty() || e.negated {
            return;
        }
        match &e.kind {
            ExprKind::And(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                self.require(a);
                self.require(b);
            }
            ExprKind::Or(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                if !a.is_empty() && !b.is_empty() {
                    self.require(a.into_iter().chain(b).collect());
                }
            }
            ExprKind::Term(t) => {
                if let Node::Ref(parts) = &t.node
                    && self.is_valid(parts)
                {
                    self.insert(Entry { reference: parts.clone(), value: IndexValue::Any });
                }
            }
            ExprKind::Unify(a, b) => self.equality(a, b),
            ExprKind::Call(Callee::Builtin(name), args) => match (&**name, args.as_ref()) {
                ("equal", [a, b]) => self.equality(a, b),
                ("glob.match", [pattern, delimiters, matched]) => self.glob(pattern, delimiters, matched),
                ("internal.member_2", [element, collection]) => self.member(element, collection),
                _ => {}
            },
            _ => {}
        }
    }

    fn operand(&self, body: &Body<'q>) -> Alternatives<'q> {
        let mut inner = Reading {
            tree: self.tree,
            rule: self.rule,
            entries: Vec::new(),
            outer: self.entries.iter().chain(&self.outer).cloned().collect(),
            choices: Vec::new(),
            counted: Vec::new(),
            constants: self.constants.clone(),
        };
        body.iter().for_each(|e| inner.update(e));
        let mut paths = inner.paths();
        if let [only] = paths.as_slice()
            && only.is_empty()
        {
            return Vec::new();
        }
        for entry in paths.iter_mut().flatten() {
            if entry.value.is_var() {
                entry.value = IndexValue::Any;
            }
        }
        paths
    }

    fn require(&mut self, mut alternatives: Alternatives<'q>) {
        match alternatives.len() {
            0 => {}
            1 => alternatives.remove(0).into_iter().for_each(|e| self.insert(e)),
            _ => {
                self.counted.extend(alternatives.iter().flatten().map(|e| e.reference.clone()));
                self.choices.push(alternatives);
            }
        }
    }

    fn is_valid(&self, parts: &[Term<'q>]) -> bool {
        let root = parts.first().and_then(Term::as_var).is_some_and(|n| crate::bindings::is_root(n));
        root && parts[1..].iter().all(|t| t.as_value().is_some()) && !self.tree.is_virtual(parts)
    }

    fn insert(&mut self, entry: Entry<'q>) {
        self.counted.push(entry.reference.clone());
        for other in self.entries.iter_mut().filter(|o| o.reference == entry.reference) {
            if other.value == entry.value {
                return;
            }
            if !entry.value.is_var() && other.value.is_var() {
                *other = entry;
                return;
            }
        }
        self.entries.push(entry);
    }

    fn equality(&mut self, a: &Term<'q>, b: &Term<'q>) {
        if !self.wildcard(a, b) && !self.wildcard(b, a) && !self.reference_and_value(a, b) {
            self.reference_and_value(b, a);
        }
    }

    fn constant(&self, t: &Term<'q>) -> Option<Term<'q>> {
        let name = t.as_var()?;
        self.constants.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }

    /// `input.roles[_] = "x"`.
    fn wildcard(&mut self, a: &Term<'q>, b: &Term<'q>) -> bool {
        let Some(parts) = a.as_ref_parts() else { return false };
        let Some((last, prefix)) = parts.split_last() else { return false };
        if last.is_ground() || !self.is_valid(prefix) {
            return false;
        }
        let value = match b.as_var() {
            Some(_) => self.constant(b),
            None => index_value(b),
        };
        let Some(value) = value.filter(Term::is_scalar) else { return false };
        self.insert(Entry { reference: prefix.into(), value: IndexValue::Term(value) });
        true
    }

    fn reference_and_value(&mut self, a: &Term<'q>, b: &Term<'q>) -> bool {
        match &a.node {
            Node::Var(name) => {
                if b.as_value().is_some() {
                    self.constants.push((name.clone(), b.clone()));
                }
                let Some(value) = index_value(b) else { return false };
                let Some(reference) = self.resolve(name) else { return false };
                self.insert(Entry { reference, value: IndexValue::Term(value) });
                true
            }
            Node::Ref(parts) if self.is_valid(parts) => {
                let value = match b.as_var() {
                    Some(_) => Some(self.constant(b).unwrap_or_else(|| b.clone())),
                    None => index_value(b),
                };
                let Some(value) = value else { return false };
                self.insert(Entry { reference: parts.clone(), value: IndexValue::Term(value) });
                true
            }
            _ => false,
        }
    }

    /// The reference that a variable stands for: one it was unified with before, or a parameter.
    fn resolve(&self, name: &Name) -> Option<Rc<[Term<'q>]>> {
        let is = |t: &Term<'q>| t.as_var() == Some(name);
        let own = self.entries.iter().chain(&self.outer);
        let known = own.into_iter().find(|e| matches!(&e.value, IndexValue::Term(t) if is(t)));
        if let Some(entry) = known {
            return Some(entry.reference.clone());
        }
        let at = self.rule.args.iter().flatten().position(is)?;
        Some(Rc::from([Term::var(ARGS), Term::value(Value::int(at as i64))]))
    }

    fn glob(&mut self, pattern: &Term<'q>, delimiters: &Term<'q>, matched: &Term<'q>) {
        let parts = delimiter_text(delimiters)
            .and_then(|d| Some((pattern_parts(pattern.as_value()?.as_str()?, &d)?, d)));
        let (Some((parts, delimiters)), Some(name)) = (parts, matched.as_var()) else { return };
        if let Some(reference) = self.resolve(name) {
            self.insert(Entry { reference, value: IndexValue::Parts(delimiters, parts) });
        }
    }

    fn member(&mut self, element: &Term<'q>, collection: &Term<'q>) {
        if let Some(reference) = element.as_var().and_then(|name| self.resolve(name)) {
            let collection = self.constant(collection).unwrap_or_else(|| collection.clone());
            let items = collection
                .array_items()
                .or_else(|| collection.set_items())
                .or_else(|| Some(collection.object_pairs()?.into_iter().map(|(_, v)| v).collect()));
            for item in items.into_iter().flatten() {
                self.insert(Entry { reference: reference.clone(), value: IndexValue::Term(item) });
            }
            return;
        }
        let value = match element.as_var() {
            Some(_) => self.constant(element).unwrap_or_else(|| element.clone()),
            None if element.is_scalar() => element.clone(),
            None => return,
        };
        let reference = match &collection.node {
            Node::Ref(parts) => Some(parts.clone()),
            Node::Var(name) => self.resolve(name),
            _ => None,
        };
        if let Some(reference) = reference.filter(|r| self.is_valid(r)) {
            self.insert(Entry { reference, value: IndexValue::Term(value) });
        }
    }
}

/// Scalars, variables, and arrays of them.
fn index_value<'q>(t: &Term<'q>) -> Option<Term<'q>> {
    if t.as_var().is_some() || t.is_scalar() {
        return Some(t.clone());
    }
    let items = t.array_items()?;
    items.iter().all(|i| i.as_var().is_some() || i.is_scalar()).then(|| t.clone())
}

fn delimiter_text(t: &Term<'_>) -> Option<String> {
    let array = t.as_value()?.as_array()?;
    if array.is_empty() {
        return Some(".".to_owned());
    }
    array.iter().map(|v| v.as_str()).collect()
}

/// The parts of a pattern between delimiters; `*` alone is absent. None for patterns that are not so plain.
fn pattern_parts(pattern: &str, delimiters: &str) -> Option<Vec<Option<String>>> {
    let mut out = Vec::new();
    for part in split_unescaped(pattern, delimiters) {
        if part == "*" {
            out.push(None);
            continue;
        }
        let mut escaped = false;
        for c in part.chars() {
            if c == '\\' {
                escaped = !escaped;
                continue;
            }
            if !escaped && matches!(c, '[' | '?' | '{' | '*') {
                return None;
            }
            escaped = false;
        }
        out.push(Some(part.to_owned()));
    }
    Some(out)
}

/// The pieces between delimiters that no backslash stands before.
fn split_unescaped<'t>(text: &'t str, delimiters: &str) -> Vec<&'t str> {
    let (mut out, mut last, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == '\\' || escaped {
            escaped = !escaped;
            continue;
        }
        if delimiters.contains(c) {
            out.push(&text[last..at]);
            last = at + c.len_utf8();
        }
    }
    out.push(&text[last..]);
    out
}
