//! Which rules of a document can be reached, and the order in which they are asked.
//!
//! OPA finds the rules that can hold in a trie over what their bodies demand of documents and arguments, and comes
//! first to those that demand nothing, then to those that demand that something be there, then to those that name its
//! value. It also knows that the first value is the only one where all that can be reached give the same constant. What
//! a document is does not depend on either, but a rule that is not asked raises no error; and of two spellings of one
//! number the order decides which is kept.
//! Source: `v1/ast/index.go` of OPA (`Update`, `Sorted`, `traverse`).

use super::Planner;
use super::demands::prints;
use super::visit;
use crate::hir::{Body, Branch, Callee, Const, Expr, ExprKind, Ref, RefHead, Rule, Term, Var};
use crate::ir;
use govc_syntax::Span;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Which branch of the trie is taken at the levels where something is demanded; a walk comes last to what demands
/// something first.
type Rank = Vec<(Reverse<usize>, u8)>;

/// What must hold for a rule to be reached: all of it.
type Way = Vec<Demand>;

/// What a way demands at each level.
type LookedAt<'w> = BTreeMap<usize, Vec<&'w Wanted>>;

/// That something must be so.
#[derive(Clone, Debug, PartialEq)]
struct Demand {
    of: Subject,
    wanted: Wanted,
}

/// What a rule can demand something of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    /// The parameter with this number.
    Param(usize),
    /// Steps below `input` (`true`) or `data`.
    Base(bool, Vec<Const>),
}

/// How it must be.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// It is there; a variable may stand for it.
    Defined(Option<Var>),
    /// It is an array of these.
    Array(Vec<Element>),
    /// It is this, or one of those that are wanted beside.
    Scalar(Const),
    /// It is a collection that holds this.
    Member(Const),
    /// It is a text that matches this pattern.
    Glob(Const),
}

/// An element of a wanted array.
#[derive(Clone, Debug, PartialEq)]
enum Element {
    Var(Var),
    Scalar(Const),
    /// What is evaluated first.
    Made,
}

impl Wanted {
    /// The order in which a walk through the trie takes the branches of a node; 0 is for what demands nothing.
    fn branch(&self) -> u8 {
        match self {
            Wanted::Defined(_) => 1,
            Wanted::Array(_) => 2,
            Wanted::Scalar(_) | Wanted::Member(_) => 3,
            Wanted::Glob(_) => 4,
        }
    }
}

/// How often something is demanded, and where first.
struct Frequency {
    times: usize,
    first: Option<Span>,
}

/// The ways to reach the rules of a document, by rule and branch.
pub(super) struct Index {
    rules: Vec<Vec<Vec<Way>>>,
    /// The order in which subjects are looked at.
    levels: FxHashMap<Subject, usize>,
}

/// Documents of more branches are not searched for pairs that exclude each other.
const MOST_BRANCHES: usize = 256;

impl Index {
    /// The places of the rules in the order in which OPA asks them.
    pub(super) fn order(&self) -> Vec<usize> {
        let rank = |branches: &Vec<Vec<Way>>| branches.iter().flatten().map(|way| self.rank(way)).min();
        let ranks: Vec<Rank> = self.rules.iter().map(|rule| rank(rule).unwrap_or_default()).collect();
        let mut order: Vec<usize> = (0..ranks.len()).collect();
        order.sort_by(|&a, &b| ranks[a].cmp(&ranks[b]));
        order
    }

    fn rank(&self, way: &Way) -> Rank {
        let looked_at = self.looked_at(way).into_iter();
        looked_at
            .filter_map(|(level, own)| Some((Reverse(level), own.iter().map(|w| w.branch()).min()?)))
            .collect()
    }

    /// What a way demands, by subject, as far as the trie looks: of several values any is enough, and ends it.
    fn looked_at<'w>(&self, way: &'w Way) -> LookedAt<'w> {
        let mut by_level = LookedAt::new();
        for demand in way {
            if let Some(&level) = self.levels.get(&demand.of) {
                by_level.entry(level).or_default().push(&demand.wanted);
            }
        }
        let closed =
            |own: &Vec<&Wanted>| own.len() > 1 && !own.iter().any(|w| matches!(w, Wanted::Defined(_)));
        if let Some(last) = by_level.iter().find(|(_, own)| closed(own)).map(|(&level, _)| level) {
            by_level.retain(|&level, _| level <= last);
        }
        by_level
    }

    /// For each rule and branch, whether its value ends the search: no rule that gives another value, or one that is
    /// not constant, can be reached where the branch holds.
    pub(super) fn decisive(&self, values: &[Vec<Option<ir::Const>>]) -> Vec<Vec<bool>> {
        let small = values.iter().map(Vec::len).sum::<usize>() <= MOST_BRANCHES;
        let branches = self.rules.iter().flatten().filter(|_| small);
        let all: Vec<Vec<LookedAt>> =
            branches.map(|ways| ways.iter().map(|way| self.looked_at(way)).collect()).collect();
        let alone = |ways: &Vec<Way>, value: &Option<ir::Const>| {
            let mut others = all.iter().zip(values.iter().flatten()).filter(|(_, other)| *other != value);
            small && value.is_some() && others.all(|(others, _)| self.exclude(ways, others))
        };
        let of_rule = |(branches, values): (&Vec<Vec<Way>>, &Vec<Option<ir::Const>>)| {
            branches.iter().zip(values).map(|(ways, value)| alone(ways, value)).collect()
        };
        self.rules.iter().zip(values).map(of_rule).collect()
    }

    /// Whether none of some ways is open where a branch holds that was reached by one of others.
    fn exclude(&self, held: &[Way], others: &[LookedAt]) -> bool {
        held.iter().all(|held| others.iter().all(|other| self.excludes(held, other)))
    }

    fn excludes(&self, held: &Way, other: &LookedAt) -> bool {
        let wanted = |level: usize| held.iter().filter(move |d| self.levels.get(&d.of) == Some(&level));
        other.iter().any(|(&level, other)| {
            let mut own = wanted(level).peekable();
            own.peek().is_some() && own.all(|d| other.iter().all(|other| d.wanted.excludes(other)))
        })
    }
}

impl Wanted {
    /// Whether what is as wanted cannot be as another wants it.
    fn excludes(&self, other: &Wanted) -> bool {
        match (self, other) {
            (Wanted::Scalar(is), Wanted::Scalar(other) | Wanted::Member(other)) => differ(is, other),
            (Wanted::Scalar(_), Wanted::Array(_)) => true,
            _ => false,
        }
    }
}

/// Numbers are compared by value: one may be spelled in several ways.
fn differ(a: &Const, b: &Const) -> bool {
    match (a, b) {
        (Const::Number(a), Const::Number(b)) => match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a != b,
            _ => false,
        },
        _ => a != b,
    }
}

impl Planner<'_> {
    /// Whether the order of the rules of a document shows: one can raise an error, or spell a number otherwise than
    /// another. Where it does not, authors put first what is decided fast.
    pub(super) fn shows_order(&self, rules: &[&Rule]) -> bool {
        let computed = |term: &Term| super::term::ground(term).is_none();
        let of_branch = |b: &Branch| computed(&b.value) || b.body.iter().any(|e| self.may_raise(e));
        rules.iter().any(|r| r.dynamic.iter().any(computed) || r.branches.iter().any(of_branch))
    }

    /// What the rules of a document demand.
    pub(super) fn index(&self, rules: &[&Rule]) -> Index {
        let mut frequencies = FxHashMap::default();
        let rules = rules.iter().map(|rule| self.ways(rule, &mut frequencies)).collect();
        let mut subjects: Vec<(Subject, Frequency)> = frequencies.into_iter().collect();
        let place = |f: &Frequency| f.first.map_or((true, 0, 0), |s| (false, s.file.0, s.start));
        subjects.sort_by(|(_, a), (_, b)| b.times.cmp(&a.times).then_with(|| place(a).cmp(&place(b))));
        let levels = subjects.into_iter().enumerate().map(|(level, (subject, _))| (subject, level)).collect();
        Index { rules, levels }
    }

    /// The ways to reach each branch of a rule.
    fn ways(&self, rule: &Rule, frequencies: &mut FxHashMap<Subject, Frequency>) -> Vec<Vec<Way>> {
        let params = rule.params.as_deref().unwrap_or_default();
        let mut read = |branch: &Branch| {
            let mut reading = Reading::new(self, params);
            if !branch.body.iter().any(prints) {
                reading.branch(rule, branch);
            }
            for (subject, place) in std::mem::take(&mut reading.counted) {
                frequencies.entry(subject).or_insert(Frequency { times: 0, first: place }).times += 1;
            }
            reading.ways()
        };
        rule.branches.iter().map(&mut read).collect()
    }
}

/// OPA caps the ways in which one rule may be reached.
const MOST_WAYS: usize = 32;

/// What the statements of a body demand.
struct Reading<'a, 'u> {
    planner: &'a Planner<'u>,
    params: &'a [Term],
    outer: Vec<Demand>,
    demands: Vec<Demand>,
    /// One of each must hold, too.
    choices: Vec<Vec<Way>>,
    /// A subject for each time that it was demanded.
    counted: Vec<(Subject, Option<Span>)>,
    constants: FxHashMap<Var, Const>,
}

impl<'a, 'u> Reading<'a, 'u> {
    fn new(planner: &'a Planner<'u>, params: &'a [Term]) -> Self {
        Reading {
            planner,
            params,
            outer: Vec::new(),
            demands: Vec::new(),
            choices: Vec::new(),
            counted: Vec::new(),
            constants: FxHashMap::default(),
        }
    }

    fn ways(&self) -> Vec<Way> {
        let mut ways = vec![self.demands.clone()];
        for choice in &self.choices {
            if ways.len() * choice.len() > MOST_WAYS {
                return vec![self.demands.clone()];
            }
            let both = |way: &Way, more: &Way| way.iter().chain(more).cloned().collect::<Way>();
            ways = ways.iter().flat_map(|way| choice.iter().map(move |more| both(way, more))).collect();
        }
        ways
    }

    /// References in a head are evaluated behind its body.
    fn branch(&mut self, rule: &Rule, branch: &Branch) {
        self.body(&branch.body);
        rule.dynamic.iter().chain([&branch.value]).for_each(|term| self.evaluated(term));
    }

    fn body(&mut self, body: &Body) {
        body.iter().filter(|e| e.with.is_empty()).for_each(|e| self.statement(e));
    }

    fn statement(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Term(term) => self.evaluated(term),
            ExprKind::Unify(a, b) => {
                visit::unified(a, b, &mut |r| self.defined(r));
                self.equal(a, b);
            }
            ExprKind::Call { callee, args, output } => {
                args.iter().for_each(|arg| self.evaluated(arg));
                if let (Callee::Builtin(name), None) = (callee, output) {
                    self.called(name, args);
                }
            }
            ExprKind::Every { domain, .. } => self.evaluated(domain),
            ExprKind::Or(arms) => self.choice(arms),
            ExprKind::Not(_) => {}
        }
    }

    /// A term whose references must be there.
    fn evaluated(&mut self, term: &Term) {
        visit::evaluated(term, &mut |r| self.defined(r));
    }

    fn defined(&mut self, r: &Ref) {
        if let Some(of) = self.base(r) {
            self.insert(of, Some(r.span), Wanted::Defined(None));
        }
    }

    fn called(&mut self, name: &str, args: &[Term]) {
        match (name, args) {
            ("equal", [a, b]) => self.equal(a, b),
            ("glob.match", [pattern, _, matched]) => {
                if let (Some(pattern), Some(of)) =
                    (super::demands::plain_pattern(pattern), self.subject(matched))
                {
                    self.insert(of, None, Wanted::Glob(pattern.clone()));
                }
            }
            ("internal.member_2", [element, collection]) => self.member(element, collection),
            _ => {}
        }
    }

    fn equal(&mut self, a: &Term, b: &Term) {
        if !self.element(a, b) && !self.element(b, a) && !self.compared(a, b) {
            self.compared(b, a);
        }
    }

    /// `input.roles[_] = "x"`.
    fn element(&mut self, a: &Term, b: &Term) -> bool {
        let Term::Ref(r) = a else { return false };
        let prefix = self.planner.open_base(r).and_then(|prefix| self.base(&prefix));
        let (Some(of), Some(scalar)) = (prefix, self.scalar(b)) else { return false };
        self.insert(of, Some(r.span), Wanted::Member(scalar));
        true
    }

    fn compared(&mut self, a: &Term, b: &Term) -> bool {
        if let (Term::Var(var), Term::Const(constant)) = (a, b) {
            self.constants.insert(*var, constant.clone());
        }
        let Some(of) = self.subject(a) else { return false };
        let wanted = match (a, self.scalar(b), b) {
            (_, Some(scalar), _) => Wanted::Scalar(scalar),
            (_, None, Term::Var(var)) => Wanted::Defined(Some(*var)),
            (_, None, Term::Array(items)) => match items.iter().map(element).collect() {
                Some(items) => Wanted::Array(items),
                None => return false,
            },
            _ => return false,
        };
        self.insert(of, place(a), wanted);
        true
    }

    fn member(&mut self, element: &Term, collection: &Term) {
        if let Some(of) = self.subject(element) {
            let items: Vec<&Term> = match collection {
                Term::Array(items) | Term::Set(items) => items.iter().collect(),
                Term::Object(pairs) => pairs.iter().map(|(_, value)| value).collect(),
                _ => Vec::new(),
            };
            for item in items {
                let wanted = item.as_const().map_or(Wanted::Defined(None), |c| Wanted::Scalar(c.clone()));
                self.insert(of.clone(), place(element), wanted);
            }
            return;
        }
        let wanted = match (self.scalar(element), element) {
            (Some(scalar), _) => Wanted::Member(scalar),
            (None, Term::Var(var)) => Wanted::Defined(Some(*var)),
            _ => return,
        };
        if let Some(of) = self.subject(collection) {
            self.insert(of, place(collection), wanted);
        }
    }

    /// `or`: one of the arms holds. What variables stand for is known in their arm alone.
    fn choice(&mut self, arms: &[Body]) {
        let mut ways = Vec::new();
        for arm in arms {
            let mut inner = Reading::new(self.planner, self.params);
            inner.outer = self.demands.iter().chain(&self.outer).cloned().collect();
            inner.constants = self.constants.clone();
            inner.body(arm);
            let own = inner.ways();
            if own.iter().all(Vec::is_empty) {
                return;
            }
            ways.extend(own);
        }
        for demand in ways.iter_mut().flatten() {
            if let Wanted::Defined(var) = &mut demand.wanted {
                *var = None;
            }
        }
        match ways.as_mut_slice() {
            [only] => std::mem::take(only).into_iter().for_each(|d| self.insert(d.of, None, d.wanted)),
            _ => {
                self.counted.extend(ways.iter().flatten().map(|d| (d.of.clone(), None)));
                self.choices.push(ways);
            }
        }
    }

    fn insert(&mut self, of: Subject, place: Option<Span>, wanted: Wanted) {
        let place = place.filter(|_| matches!(of, Subject::Base(..)));
        self.counted.push((of.clone(), place));
        let is_open = |w: &Wanted| matches!(w, Wanted::Defined(_));
        for other in self.demands.iter_mut().filter(|d| d.of == of) {
            if other.wanted == wanted {
                return;
            }
            if is_open(&other.wanted) && !is_open(&wanted) {
                other.wanted = wanted;
                return;
            }
        }
        self.demands.push(Demand { of, wanted });
    }

    /// What a term reads: a base document or a parameter, by itself or by a variable that stands for it.
    fn subject(&self, term: &Term) -> Option<Subject> {
        match term {
            Term::Ref(r) => self.base(r),
            Term::Var(var) => {
                let stands = |d: &&Demand| d.wanted == Wanted::Defined(Some(*var));
                let known = self.demands.iter().chain(&self.outer).find(stands).map(|d| d.of.clone());
                let is = |param: &Term| matches!(param, Term::Var(v) if v == var);
                known.or_else(|| self.params.iter().position(is).map(Subject::Param))
            }
            _ => None,
        }
    }

    fn base(&self, r: &Ref) -> Option<Subject> {
        let steps = self.planner.is_base(r).then(|| r.steps.iter().filter_map(Term::as_const).cloned())?;
        Some(Subject::Base(r.head == RefHead::Input, steps.collect()))
    }

    fn scalar(&self, term: &Term) -> Option<Const> {
        match term {
            Term::Const(scalar) => Some(scalar.clone()),
            Term::Var(var) => self.constants.get(var).cloned(),
            _ => None,
        }
    }
}

fn element(term: &Term) -> Option<Element> {
    match term {
        Term::Const(scalar) => Some(Element::Scalar(scalar.clone())),
        Term::Var(var) => Some(Element::Var(*var)),
        Term::Ref(_) | Term::Comprehension(_) => Some(Element::Made),
        Term::Array(_) | Term::Set(_) | Term::Object(_) => None,
    }
}

fn place(term: &Term) -> Option<Span> {
    match term {
        Term::Ref(r) => Some(r.span),
        _ => None,
    }
}
