//! The order in which the rules of a document are asked.
//!
//! OPA finds the rules that can hold in a trie over what their bodies demand of documents and arguments, and comes
//! first to those that demand nothing, then to those that demand that something be there, then to those that name its
//! value. Values do not depend on it, but a rule that has its value asks no further rule, so errors do; and of two
//! spellings of one number it decides which is kept.
//! Source: `v1/ast/index.go` of OPA (`Update`, `Sorted`, `traverse`).

use super::Planner;
use super::demands::prints;
use crate::hir::{Body, Branch, Callee, Const, Expr, ExprKind, Ref, RefHead, Rule, Term, Var};
use govc_syntax::Span;
use rustc_hash::FxHashMap;

/// Which branch of the trie is taken at each reference, from the one that is demanded most on.
type Rank = Vec<u8>;

/// What must hold for a rule to be reached: all of it.
type Way = Vec<Demand>;

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
    /// It is this, or a collection that holds it.
    Scalar(Const),
    /// It is a text that matches this pattern.
    Glob(Const),
}

/// An element of a wanted array.
#[derive(Clone, Debug, PartialEq)]
enum Element {
    Var(Var),
    Scalar(Const),
}

impl Wanted {
    /// The order in which a walk through the trie takes the branches of a node; 0 is for what demands nothing.
    fn branch(&self) -> u8 {
        match self {
            Wanted::Defined(_) => 1,
            Wanted::Array(_) => 2,
            Wanted::Scalar(_) => 3,
            Wanted::Glob(_) => 4,
        }
    }
}

/// How often something is demanded, and where first.
struct Frequency {
    times: usize,
    first: Option<Span>,
}

impl Planner<'_> {
    /// Puts rules into the order in which OPA asks them, where it matters: authors put what is decided fast first.
    pub(super) fn rank<T>(&self, rules: &mut [T], rule: impl Fn(&T) -> &Rule) {
        if !rules.iter().any(|r| self.shows_order(rule(r))) {
            return;
        }
        let mut frequencies = FxHashMap::default();
        let ways: Vec<Vec<Way>> = rules.iter().map(|r| self.ways(rule(r), &mut frequencies)).collect();
        let mut subjects: Vec<(Subject, Frequency)> = frequencies.into_iter().collect();
        let place = |f: &Frequency| f.first.map_or((true, 0, 0), |s| (false, s.file.0, s.start));
        subjects.sort_by(|(_, a), (_, b)| b.times.cmp(&a.times).then_with(|| place(a).cmp(&place(b))));
        let ranks: Vec<Rank> = ways
            .iter()
            .map(|ways| ways.iter().map(|way| rank(way, &subjects)).min().unwrap_or_default())
            .collect();
        let mut order: Vec<usize> = (0..rules.len()).collect();
        order.sort_by(|&a, &b| ranks[a].cmp(&ranks[b]));
        reorder(rules, order);
    }

    /// Whether a rule can raise an error, or can spell a number otherwise than another.
    fn shows_order(&self, rule: &Rule) -> bool {
        let computed = |term: &Term| super::term::ground(term).is_none();
        let of_branch = |b: &Branch| computed(&b.value) || b.body.iter().any(|e| self.may_raise(e));
        rule.dynamic.iter().any(computed) || rule.branches.iter().any(of_branch)
    }

    /// The ways to reach a rule, of all of its branches.
    fn ways(&self, rule: &Rule, frequencies: &mut FxHashMap<Subject, Frequency>) -> Vec<Way> {
        let params = rule.params.as_deref().unwrap_or_default();
        let mut ways = Vec::new();
        for branch in rule.branches.iter().filter(|_| !rule.default) {
            let mut reading = Reading::new(self, params);
            if !branch.body.iter().any(prints) {
                reading.branch(rule, branch);
            }
            for (subject, place) in std::mem::take(&mut reading.counted) {
                frequencies.entry(subject).or_insert(Frequency { times: 0, first: place }).times += 1;
            }
            ways.extend(reading.ways());
        }
        ways
    }
}

fn reorder<T>(items: &mut [T], mut order: Vec<usize>) {
    for at in 0..items.len() {
        let mut from = order[at];
        while from < at {
            from = order[from];
        }
        items.swap(at, from);
        order[at] = from;
    }
}

fn rank(way: &Way, subjects: &[(Subject, Frequency)]) -> Rank {
    let mut rank = Rank::new();
    if way.is_empty() {
        return rank;
    }
    for (subject, _) in subjects {
        let own: Vec<&Wanted> = way.iter().filter(|d| d.of == *subject).map(|d| &d.wanted).collect();
        rank.push(own.iter().map(|w| w.branch()).min().unwrap_or(0));
        let open = own.iter().any(|w| matches!(w, Wanted::Defined(_)));
        if own.len() > 1 && !open {
            break;
        }
    }
    rank
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
                [a, b].into_iter().for_each(|side| self.nested(side));
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
        match term {
            Term::Ref(r) => self.insert_ref(r, Wanted::Defined(None)),
            _ => self.nested(term),
        }
    }

    fn nested(&mut self, term: &Term) {
        match term {
            Term::Array(items) | Term::Set(items) => items.iter().for_each(|item| self.evaluated(item)),
            Term::Object(pairs) => pairs.iter().flat_map(|(k, v)| [k, v]).for_each(|t| self.evaluated(t)),
            Term::Const(_) | Term::Var(_) | Term::Ref(_) | Term::Comprehension(_) => {}
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
        let (Some((last, _)), Some(scalar)) = (r.steps.split_last(), self.scalar(b)) else { return false };
        if last.as_const().is_some() {
            return false;
        }
        let prefix = Ref { steps: r.steps[..r.steps.len() - 1].to_vec(), ..Ref::clone(r) };
        let Some(of) = self.base(&prefix) else { return false };
        self.insert(of, Some(r.span), Wanted::Scalar(scalar));
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
            (Some(scalar), _) => Wanted::Scalar(scalar),
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

    fn insert_ref(&mut self, r: &Ref, wanted: Wanted) {
        if let Some(of) = self.base(r) {
            self.insert(of, Some(r.span), wanted);
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
        _ => None,
    }
}

fn place(term: &Term) -> Option<Span> {
    match term {
        Term::Ref(r) => Some(r.span),
        _ => None,
    }
}
