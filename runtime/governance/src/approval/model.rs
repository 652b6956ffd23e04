//! Goes through every order in which two requesters and their approvers can act, over the functions that run.
//!
//! What must hold is told by ghosts: they remember what people tried, and know nothing of how approvals are kept. The people
//! try what they may not do, too: they vote on their own requests, twice, under each other's names, fetch each other's tickets,
//! use them again, and come too late.

use super::{Approval, ApprovalRule, Progress, Vote};
use crate::action::CanonicalAction;
use crate::ledger::Records;
use crate::outbox::Draft;
use crate::principal::Principal;
use crate::store::StoreError;
use crate::ticket::{Burn, Claims, Order};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Name and key of each person. The last has the key of an approver and the name of another.
const PEOPLE: [(&str, &str); 5] =
    [("eve", "key-e"), ("mal", "key-m"), ("ada", "key-a"), ("bob", "key-b"), ("bob", "key-a")];
const APPROVERS: [&str; 3] = ["ada", "bob", "eve"];
const REQUESTERS: [usize; 2] = [0, 1];
const LIFETIME: i64 = 1;
const END: i64 = 2;

fn person(number: usize) -> Principal {
    let (name, key) = PEOPLE[number];
    Principal::verified_elsewhere(name, Some(key.to_owned()))
}

fn action(requester: usize) -> CanonicalAction {
    CanonicalAction::new("delete", PEOPLE[requester].0, &json!({}), &"ab".repeat(32)).unwrap()
}

/// What people tried, by request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Ghost {
    /// Names and keys of approvers other than the requester who allowed it in time.
    allowed: BTreeSet<(&'static str, &'static str)>,
    /// Whether one of them denied it in time.
    denied: bool,
    asked_at: i64,
    executions: usize,
}

impl Ghost {
    /// How many allowed it: nobody is two for having two keys, and none is two for having two names.
    fn persons(&self) -> usize {
        let names: BTreeSet<&str> = self.allowed.iter().map(|(name, _)| *name).collect();
        let keys: BTreeSet<&str> = self.allowed.iter().map(|(_, key)| *key).collect();
        names.len().min(keys.len())
    }

    fn is_over(&self, now: i64) -> bool {
        self.denied || self.executions > 0 || now >= self.asked_at + LIFETIME
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    now: i64,
    approvals: BTreeMap<String, Approval>,
    burnt: BTreeSet<String>,
    tickets: BTreeSet<(usize, String)>,
    issued: BTreeMap<String, Claims>,
    ghosts: BTreeMap<usize, Ghost>,
}

impl Records for State {
    fn burn(&mut self, ticket: &str, _: i64) -> Result<bool, StoreError> {
        Ok(self.burnt.insert(ticket.to_owned()))
    }

    fn approval(&mut self, id: &str) -> Result<Option<Approval>, StoreError> {
        Ok(self.approvals.get(id).cloned())
    }

    /// Order and times of ballots decide nothing, so states that differ only in these are the same.
    fn put_approval(&mut self, approval: &Approval) -> Result<(), StoreError> {
        let mut approval = approval.clone();
        approval.ballots.iter_mut().for_each(|ballot| ballot.at = 0);
        approval.ballots.sort_by(|a, b| (&a.by, &a.key, a.vote as u8).cmp(&(&b.by, &b.key, b.vote as u8)));
        self.approvals.insert(approval.id.clone(), approval);
        Ok(())
    }

    fn put_event(&mut self, _: &Draft) -> Result<String, StoreError> {
        Ok(String::new())
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Request(usize),
    Vote(usize, usize, Vote),
    /// Who fetches the ticket of which request, for the action of which.
    Fetch(usize, usize, usize),
    /// The ticket of which request is used.
    Use(usize),
    Wait,
}

/// What these people can do about the requests of these requesters.
fn steps(requesters: &[usize], people: &[usize]) -> Vec<Step> {
    let mut steps = vec![Step::Wait];
    for &request in requesters {
        steps.extend([Step::Request(request), Step::Use(request)]);
        for &person in people {
            steps.extend([Vote::Allow, Vote::Deny].map(|vote| Step::Vote(person, request, vote)));
        }
        for by in REQUESTERS {
            steps.extend(REQUESTERS.map(|action| Step::Fetch(by, request, action)));
        }
    }
    steps
}

fn id(request: usize) -> String {
    format!("apr-{request}")
}

impl State {
    fn take(&mut self, step: Step, needed: usize) {
        match step {
            Step::Wait => self.now = (self.now + 1).min(END),
            Step::Request(request) => self.request(request, needed),
            Step::Vote(by, request, vote) => self.vote(by, request, vote),
            Step::Fetch(by, request, action) => self.fetch(by, request, action),
            Step::Use(request) => self.use_tickets(request, needed),
        }
    }

    fn request(&mut self, request: usize, needed: usize) {
        if self.approvals.contains_key(&id(request)) {
            return;
        }
        let rule =
            ApprovalRule { approvers: APPROVERS.map(str::to_owned).into(), needed, lifetime: LIFETIME };
        let made =
            Approval::request(&id(request), &person(request), &action(request), "here", &rule, self.now);
        self.put_approval(&made.unwrap()).unwrap();
        self.ghosts.insert(request, Ghost { asked_at: self.now, ..Ghost::default() });
    }

    fn vote(&mut self, by: usize, request: usize, vote: Vote) {
        let Some(approval) = self.approvals.get(&id(request)) else { return };
        if let Ok(next) = approval.vote(&person(by), vote, self.now) {
            let ghost = self.ghosts.entry(request).or_default();
            assert!(!ghost.is_over(self.now), "broken: nobody votes on what is over");
            self.put_approval(&next).unwrap();
        }
        let ((name, key), (own_name, own_key)) = (PEOPLE[by], PEOPLE[request]);
        let stood_in = by == 4 || self.stood_in(request);
        let ghost = self.ghosts.entry(request).or_default();
        let counts = APPROVERS.contains(&name) && name != own_name && key != own_key;
        if counts && self.now < ghost.asked_at + LIFETIME && ghost.executions == 0 {
            match vote {
                Vote::Allow => drop(ghost.allowed.insert((name, key))),
                // Who stands for two persons may be taken for either, who then has voted: his denial may not count.
                Vote::Deny => ghost.denied |= !stood_in,
            }
        }
    }

    /// Whether the one with two names has voted.
    fn stood_in(&self, request: usize) -> bool {
        let ballots = self.approvals.get(&id(request)).map(|approval| &approval.ballots);
        ballots
            .is_some_and(|ballots| ballots.iter().any(|b| b.by == "bob" && b.key.as_deref() == Some("key-a")))
    }

    fn fetch(&mut self, by: usize, request: usize, wanted: usize) {
        let Some(approval) = self.approvals.get(&id(request)) else { return };
        // Each fetch would make another ticket, if it made one.
        let count = self.tickets.iter().filter(|(of, _)| *of == request).count();
        let name = format!("{request}-{count}");
        let now = self.now;
        let (caller, exact) = (person(by), action(wanted));
        let order = Order { caller: &caller, action: &exact, audience: "here" };
        let fresh = || Ok(Claims::of(order, "govc", (now, now + 9), name)?);
        let Ok((next, claims)) = approval.claim(&person(by), &action(wanted), now, fresh) else { return };
        assert_eq!(
            (by, wanted),
            (request, request),
            "broken: only the requester gets a ticket, and for his action"
        );
        self.put_approval(&next).unwrap();
        self.tickets.insert((request, claims.jti.clone()));
        self.issued.insert(claims.jti.clone(), claims);
        assert!(
            self.tickets.iter().filter(|(of, _)| *of == request).count() <= 1,
            "broken: one approval, one ticket"
        );
    }

    fn use_tickets(&mut self, request: usize, needed: usize) {
        let mine: Vec<String> =
            self.tickets.iter().filter(|(of, _)| *of == request).map(|(_, name)| name.clone()).collect();
        for claims in mine.iter().filter_map(|name| self.issued.get(name).cloned()).collect::<Vec<_>>() {
            // A verifier looks at the times of a ticket; this is what is left to the store.
            let mut other = claims.clone();
            other.target = "another".to_owned();
            other.jti.push_str("-other");
            let burn = Burn::of(other, self.now).unwrap();
            // What comes of it is kept by nobody, because nothing may come of it.
            let taken = burn.carry_out(&mut self.clone()).unwrap();
            assert!(taken.is_err(), "broken: no other ticket executes an approval");
            let burn = Burn::of(claims, self.now).unwrap();
            if burn.carry_out(self).unwrap().is_ok() {
                self.executed(request, needed);
            }
        }
    }

    /// What must hold whenever something is executed.
    fn executed(&mut self, request: usize, needed: usize) {
        let now = self.now;
        let ghost = self.ghosts.get_mut(&request).expect("nothing is executed that nobody asked for");
        ghost.executions += 1;
        assert_eq!(ghost.executions, 1, "broken: never two executions of one approval");
        assert!(ghost.persons() >= needed, "broken: not without the votes of enough others: {ghost:?}");
        assert!(!ghost.denied, "broken: not after a denial");
        assert!(now < ghost.asked_at + LIFETIME, "broken: not after its end");
    }
}

/// Visits all states, and gives how many there are and how many of them have an execution.
fn explore(steps: &[Step], needed: usize) -> (usize, usize) {
    let (mut seen, mut open) = (HashSet::new(), vec![State::default()]);
    let mut executed = 0;
    while let Some(state) = open.pop() {
        for step in steps {
            let mut next = state.clone();
            next.take(*step, needed);
            if !seen.contains(&next) {
                executed +=
                    usize::from(next.approvals.values().any(|a| matches!(a.progress, Progress::Executed(_))));
                seen.insert(next.clone());
                open.push(next);
            }
        }
    }
    (seen.len(), executed)
}

fn holds_for(requesters: &[usize], people: &[usize], votes: &[usize]) {
    for &needed in votes {
        let (states, executed) = explore(&steps(requesters, people), needed);
        println!("{needed} votes: {states} states, {executed} with an execution");
        assert!(executed > 0 && executed < states);
    }
}

/// A ticket that needs no approval.
fn plain_tickets_are_used_once() {
    let (caller, exact, mut state) = (person(0), action(0), State::default());
    let order = Order { caller: &caller, action: &exact, audience: "here" };
    let claims = Claims::of(order, "govc", (0, 9), "plain".to_owned()).unwrap();
    let mut used = || Burn::of(claims.clone(), 0).unwrap().carry_out(&mut state).unwrap().is_ok();
    assert!(used() && !used(), "broken: a ticket is used once");
}

/// All that the tests below go through.
pub(crate) fn explore_all() {
    plain_tickets_are_used_once();
    nothing_is_executed_without_a_live_approval_and_nothing_twice();
    requesters_and_people_with_two_names_count_once();
}

#[test]
fn nothing_is_executed_without_a_live_approval_and_nothing_twice() {
    // Two requesters and two approvers.
    holds_for(&REQUESTERS, &[2, 3], &[2]);
}

#[test]
fn requesters_and_people_with_two_names_count_once() {
    // One request of somebody who is an approver of others, and one of somebody who is none.
    holds_for(&[0], &[0, 1, 2, 3, 4], &[1, 2]);
    holds_for(&[1], &[0, 1, 2, 3, 4], &[1, 2]);
}
