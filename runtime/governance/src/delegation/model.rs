//! Makes every chain that can be made of a few scopes, and tells what each lets its holder do.

use super::{Delegate, Delegation, DelegationPolicy, Link, Scope};
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
                let next = chain.narrow(&person(by), delegate(to), scope.clone(), &POLICY, now).ok()?;
                assert_eq!(by, chain.last().holder.id, "broken: only who holds a right passes it on");
                Some(next)
            })
        });
        made.map(move |chain| (to, chain))
    })
}

/// Whether names with and without `*` stand for a name, told apart from how scopes tell it.
fn named(patterns: &BTreeSet<String>, name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.as_str() {
        "*" => true,
        "get*" => name.starts_with("get"),
        exact => exact == name,
    })
}

/// Only what the last link says, and in its time.
fn check_rights(chain: &Delegation, rights: &BTreeSet<(usize, usize, i64)>) {
    let last = chain.last();
    for (action, target, now) in rights {
        let covered =
            named(&last.scope.actions, ACTIONS[*action]) && named(&last.scope.targets, TARGETS[*target]);
        assert!(covered, "broken: a right is used for what it covers");
        assert!(last.at <= *now && *now < last.scope.expires_at, "broken: a right is used in its time");
    }
}

/// A link that nobody could make, because it ends after all others.
fn check_forged(chain: &Delegation) {
    let scope = Scope::new(["*"], ["*"], END + 9);
    let mut forged = chain.clone();
    forged.links.push(Link { holder: delegate("forger"), scope, at: chain.last().at });
    assert!(rights(&forged, "forger").is_empty(), "broken: a chain that nobody could make gives nothing");
}

fn check_links(chain: &Delegation) {
    let links: Vec<&Link> = chain.links().collect();
    assert!(links.len() <= POLICY.max_links + 1, "broken: chains end where policy says");
    let holders: BTreeSet<&str> = links.iter().map(|link| link.holder.id.as_str()).collect();
    assert_eq!(holders.len(), links.len(), "broken: nobody stands in a chain twice");
    for pair in links.windows(2) {
        let (before, link) = (pair[0], pair[1]);
        let good = before.at <= link.at && link.at < before.scope.expires_at;
        assert!(good, "broken: a link begins while the one before is good");
    }
}

/// All that the test below goes through.
pub(crate) fn explore_all() {
    rights_never_widen_along_a_chain();
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
            check_links(&chain);
            check_rights(&chain, &before);
            check_forged(&chain);
            let others = chain.links().filter(|link| link.holder != chain.last().holder);
            for other in others {
                assert!(
                    rights(&chain, &other.holder.id).is_empty(),
                    "broken: only the last of a chain has the right"
                );
            }
            for (to, next) in longer(&chain, &scopes) {
                let after = rights(&next, to);
                assert!(
                    after.is_subset(&before),
                    "broken: {next:?} lets {to} do more than before: {after:?}, {before:?}"
                );
                let ends = next.last().scope.expires_at - next.last().at;
                assert!(ends <= POLICY.max_seconds, "broken: links end when policy says");
                open.push((after, next));
            }
        }
    }
    println!("{chains} chains");
    assert!(chains > 1000);
}
