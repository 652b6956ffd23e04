//! Makes every chain that can be made of a few scopes, and tells what each lets its holder do.

use super::{Delegate, Delegation, DelegationPolicy, Scope};
use crate::principal::Principal;
use std::collections::BTreeSet;

const POLICY: DelegationPolicy = DelegationPolicy { max_links: 2, max_seconds: 2 };
const PEOPLE: [&str; 4] = ["ada", "bot", "tool", "eve"];
const ACTIONS: [&str; 3] = ["get", "get-all", "put"];
const TARGETS: [&str; 2] = ["dev", "prod"];
const END: i64 = 3;

fn delegate(name: &str) -> Delegate {
    Delegate { id: name.to_owned(), key: format!("key of {name}") }
}

fn person(name: &str) -> Principal {
    Principal::verified_elsewhere(name, Some(format!("key of {name}")))
}

fn scopes() -> Vec<Scope> {
    let actions = [&["get*"][..], &["get-all", "put"], &["*"]];
    let targets = [&["*"][..], &["dev"]];
    let both = actions.iter().flat_map(|actions| targets.iter().map(move |targets| (*actions, *targets)));
    both.flat_map(|(actions, targets)| {
        (1..=END).map(move |end| Scope::new(actions.iter().copied(), targets.iter().copied(), end))
    })
    .collect()
}

/// All that a chain lets somebody do at some time.
fn rights(chain: &Delegation, who: &str) -> BTreeSet<(usize, usize, i64)> {
    let mut rights = BTreeSet::new();
    for (a, action) in ACTIONS.iter().enumerate() {
        for (t, target) in TARGETS.iter().enumerate() {
            let times =
                (0..=END + 1).filter(|now| chain.allows(&person(who), action, target, &POLICY, *now).is_ok());
            rights.extend(times.map(|now| (a, t, now)));
        }
    }
    rights
}

/// Every link that anybody could add, made by anybody.
fn longer<'c>(
    chain: &'c Delegation,
    scopes: &'c [Scope],
) -> impl Iterator<Item = (&'static str, Delegation)> + 'c {
    // Who holds the right, and a stranger who would like to.
    let by = [chain.last().holder.id.as_str(), "eve"];
    let people = by.into_iter().flat_map(|by| PEOPLE.iter().map(move |to| (by, *to)));
    people.flat_map(move |(by, to)| {
        let made = scopes.iter().flat_map(move |scope| {
            (0..END).filter_map(move |now| {
                chain.narrow(&person(by), delegate(to), scope.clone(), &POLICY, now).ok()
            })
        });
        made.map(move |chain| (to, chain))
    })
}

#[test]
fn rights_never_widen_along_a_chain() {
    let scopes = scopes();
    let mut chains = 0;
    for scope in scopes.iter().filter(|scope| scope.expires_at == END) {
        let start = Delegation::begin(delegate("ada"), scope.clone(), 0);
        let mut open = vec![(rights(&start, "ada"), start)];
        while let Some((before, chain)) = open.pop() {
            chains += 1;
            assert!(chain.links().count() <= POLICY.max_links + 1);
            let others = chain.links().filter(|link| link.holder != chain.last().holder);
            for other in others {
                assert!(
                    rights(&chain, &other.holder.id).is_empty(),
                    "only the last of a chain has the right"
                );
            }
            for (to, next) in longer(&chain, &scopes) {
                let after = rights(&next, to);
                assert!(
                    after.is_subset(&before),
                    "{next:?} lets {to} do more than before: {after:?}, {before:?}"
                );
                let ends = next.last().scope.expires_at - next.last().at;
                assert!(ends <= POLICY.max_seconds);
                open.push((after, next));
            }
        }
    }
    println!("{chains} chains");
    assert!(chains > 1000);
}
