//! Compiles sources to a program that tells which rules fired, and which would have had to fire.

use crate::files::{self, Loaded, Request};
use crate::problem::Problem;
use crate::run::{self, Rules};
use govc_compile::{Checked, Marks, PlanRequest};
use govc_engine::{Telling, ToldRule};
use govc_syntax::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Every rule that holds is to be told, also where one is enough for the result.
const ALL: Marks = Marks { index: true, early_exit: false };

/// What tells of an entrypoint of a bundle, from the sources in it.
pub(crate) fn of_bundle(path: &str, entrypoint: &str) -> Result<Telling, Problem> {
    let loaded = files::load(&Request { bundles: vec![path.to_owned()], ..Request::default() });
    let asked = [entrypoint.to_owned()];
    let compiled = run::check(&loaded, Rules::default(), |checked, _| compile(&loaded, &checked, &asked));
    let first = |problems: Vec<Problem>| {
        problems.into_iter().next().unwrap_or_else(|| Problem::plain("the sources cannot be compiled"))
    };
    compiled.map_err(first)
}

/// What tells of entrypoints.
pub(crate) fn compile(
    loaded: &Loaded,
    checked: &Checked,
    entrypoints: &[String],
) -> Result<Telling, Vec<Problem>> {
    let plan = |entrypoints: &[String]| {
        let request =
            PlanRequest { entrypoints: entrypoints.to_vec(), marks: Some(ALL), ..PlanRequest::default() };
        run::plan(checked, &request, &loaded.sources)
    };
    let policy = plan(entrypoints)?;
    let (rules, heads) = rules(loaded, checked);
    // An entrypoint alone shows what is part of its program.
    let known = |entrypoint: &String| {
        let places = plan(std::slice::from_ref(entrypoint))?.marks;
        let known: BTreeSet<usize> = places.iter().filter_map(|place| heads.get(place).copied()).collect();
        Ok((entrypoint.clone(), known))
    };
    let marks = govc_engine::Marks {
        heads: (0..)
            .zip(&policy.marks)
            .filter_map(|(mark, place)| Some((mark, *heads.get(place)?)))
            .collect(),
        entrypoints: entrypoints.iter().map(known).collect::<Result<_, Vec<Problem>>>()?,
        rules,
    };
    let program = run::emit(&policy, &loaded.sources)?;
    Ok(Telling { program: govc_bytecode::encode(&program), marks })
}

/// The rules, and the number of each by the place of its head.
fn rules(loaded: &Loaded, checked: &Checked) -> (Vec<ToldRule>, BTreeMap<Span, usize>) {
    let rules = checked.unit.rules.iter().filter(|rule| !rule.default);
    let heads = rules.flat_map(|rule| rule.branches.iter().map(move |branch| (rule, branch.head_span)));
    let (mut told, mut numbers) = (Vec::new(), BTreeMap::new());
    for (rule, head) in heads {
        let (row, _) = loaded.sources.position(head);
        let at = format!("{}:{row}", loaded.sources.get(head.file).name);
        numbers.insert(head, told.len());
        told.push(ToldRule { rule: rule.path.join("."), at });
    }
    (told, numbers)
}
