//! `--explain`: which rules fired for a decision, and which would have had to fire for another.
//!
//! The surprising fact: the program of the bundle does not know. Its sources are compiled to one that tells, which decides
//! once more, with the recorded answers; where that gives another result nothing is told.

use crate::files::{self, Loaded, Request};
use crate::output::Node;
use crate::problem::Problem;
use crate::run::query::{Ask, Asker};
use crate::run::{self, Rules};
use crate::world::Terminal;
use govc_compile::hir::Rule;
use govc_compile::{Checked, Marks, PlanRequest};
use govc_engine::{Decision, canonical_json};
use govc_syntax::Span;
use govc_vm::Image;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Every rule that holds is to be told, also where one is enough for the result.
const ALL: Marks = Marks { index: true, early_exit: false };

/// The rules of the bundle that the decision could rest on: `{"fired": [...], "not_fired": [...]}`.
pub(super) fn explain(bundle: &str, decision: &Decision, input: Option<&str>) -> Result<Node, Problem> {
    let loaded = files::load(&Request { bundles: vec![bundle.to_owned()], ..Request::default() });
    let first = |problems: Vec<Problem>| {
        problems.into_iter().next().unwrap_or_else(|| Problem::plain("the sources cannot be compiled"))
    };
    let found = run::check(&loaded, Rules::default(), |checked, _| {
        let told = Told::by(&loaded, &checked, decision, input)?;
        Ok(told.rules(&loaded, &checked))
    });
    found.map_err(first)
}

/// What a program told of its evaluation.
struct Told {
    /// Every place that is part of the program.
    known: BTreeSet<Span>,
    /// Those that were evaluated.
    seen: BTreeSet<Span>,
}

impl Told {
    fn by(
        loaded: &Loaded,
        checked: &Checked,
        decision: &Decision,
        input: Option<&str>,
    ) -> Result<Self, Vec<Problem>> {
        let entrypoints = vec![decision.entrypoint().to_owned()];
        let request = PlanRequest { entrypoints, marks: Some(ALL), ..PlanRequest::default() };
        let policy = run::plan(checked, &request, &loaded.sources)?;
        let image = run::image(run::emit(&policy, &loaded.sources)?, loaded)?;
        let marked = evaluate(&image, decision, input).map_err(|problem| vec![problem])?;
        let place = |mark: &u32| policy.marks.get(*mark as usize).copied();
        Ok(Self {
            seen: marked.iter().filter_map(place).collect(),
            known: policy.marks.into_iter().collect(),
        })
    }

    fn rules(&self, loaded: &Loaded, checked: &Checked) -> Node {
        let rules = checked.unit.rules.iter().filter(|rule| !rule.default);
        let heads = rules.flat_map(|rule| rule.branches.iter().map(move |branch| (rule, branch.head_span)));
        let (fired, not_fired): (Vec<_>, Vec<_>) = heads
            .filter(|(_, head)| self.known.contains(head))
            .partition(|(_, head)| self.seen.contains(head));
        let told = |rules: Vec<(&Rule, Span)>| {
            Node::Array(rules.into_iter().map(|(rule, head)| shown(rule, head, loaded)).collect())
        };
        Node::Object(vec![("fired".to_owned(), told(fired)), ("not_fired".to_owned(), told(not_fired))])
    }
}

/// Decides again, and gives what was evaluated.
fn evaluate(image: &Image, decision: &Decision, input: Option<&str>) -> Result<BTreeSet<u32>, Problem> {
    #[derive(Deserialize)]
    struct Given {
        result: Box<RawValue>,
    }
    let recorded = serde_json::to_string(decision.answers()).ok();
    let ask = Ask { input: input.map(str::to_owned), recorded, ..Ask::default() };
    let mut world = Terminal::keeping_prints();
    let answer = Asker::default().ask(image, decision.entrypoint(), &ask, &mut world)?;
    let given = answer.results.first().and_then(|text| serde_json::from_str::<Given>(text).ok());
    let again = given.and_then(|given| canonical_json(given.result.get().as_bytes()).ok());
    if again.as_deref() == decision.result().map(str::as_bytes) {
        return Ok(world.marked);
    }
    Err(Problem::coded("govc_decide_sources", "the sources of the bundle decide otherwise than its program"))
}

fn shown(rule: &Rule, head: Span, loaded: &Loaded) -> Node {
    let (row, _) = loaded.sources.position(head);
    let place = format!("{}:{row}", loaded.sources.get(head.file).name);
    let name = ("rule".to_owned(), Node::string(&rule.path.join(".")));
    Node::Object(vec![name, ("at".to_owned(), Node::string(&place))])
}
