//! Group commit: everything that is handed in is committed once, and a commit that panics fails only those who shared it.

use govc_audit::group::Group;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

type Numbers = Group<Vec<u64>, u64>;

/// Hands in a number and waits; gives its place in its batch and what the commit gave.
fn run(group: &Numbers, number: u64, commit: impl Fn(&Vec<u64>) -> u64) -> (u64, Option<u64>) {
    let add = |batch: &mut Vec<u64>| {
        batch.push(number);
        batch.len() as u64 - 1
    };
    let (place, joined) = group.join(|batch| batch.len() == 5, add, &commit);
    (place, group.wait(&joined, commit))
}

#[test]
fn a_crowd_shares_commits_and_each_is_committed_once() {
    let (group, committed) = (Numbers::default(), Mutex::new(Vec::<u64>::new()));
    let commit = |batch: &Vec<u64>| {
        std::thread::sleep(Duration::from_micros(300));
        let mut committed = committed.lock().unwrap();
        committed.extend(batch);
        committed.len() as u64 - batch.len() as u64
    };
    std::thread::scope(|scope| {
        for client in 0..16 {
            let (group, committed) = (&group, &committed);
            scope.spawn(move || {
                for number in 0..50 {
                    let number = client * 50 + number;
                    let (place, first) = run(group, number, commit);
                    let index = (first.unwrap() + place) as usize;
                    assert_eq!(committed.lock().unwrap()[index], number);
                }
            });
        }
    });
    let mut committed = committed.into_inner().unwrap();
    committed.sort_unstable();
    assert!(committed.into_iter().eq(0..800));
}

#[test]
fn what_nobody_waits_for_is_committed_when_it_is_flushed() {
    let (group, committed) = (Numbers::default(), Mutex::new(Vec::<u64>::new()));
    let commit = |batch: &Vec<u64>| {
        committed.lock().unwrap().extend(batch);
        7
    };
    let ((), joined) = group.join(|_| false, |batch| batch.push(1), commit);
    group.flush(commit);
    assert_eq!(*committed.lock().unwrap(), [1]);
    assert_eq!(group.wait(&joined, commit), Some(7));
}

#[test]
fn a_commit_that_panics_fails_those_who_shared_it_and_nobody_else() {
    let group = Numbers::default();
    let ((), shared) = group.join(|_| false, |batch| batch.push(1), |_| 0);
    let died = catch_unwind(AssertUnwindSafe(|| run(&group, 2, |_| panic!("the disk is gone"))));
    assert!(died.is_err());
    assert_eq!(group.wait(&shared, |_| 0), None);
    assert_eq!(run(&group, 3, |batch| batch.len() as u64), (0, Some(1)));
}
