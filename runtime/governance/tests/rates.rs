//! Rates, breakers and risks of callers, under a clock of the test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_governance::Principal;
use govc_governance::rates::{Breaker, RateLimiter, RateLimits, TurnedAway, Window};
use govc_governance::risk::{Escalation, RiskClass, RiskLimits, RiskTracker};

const MINUTE: Window = Window { requests: 60, seconds: 60.0 };
const HOUR: Window = Window { requests: 1_000, seconds: 3_600.0 };
const DAY: Window = Window { requests: 10_000, seconds: 86_400.0 };

fn limiter(breaker: Option<Breaker>) -> RateLimiter {
    RateLimiter::new(RateLimits { windows: vec![MINUTE, HOUR, DAY], breaker })
}

fn person(name: &str) -> Principal {
    Principal::verified_elsewhere(name, None)
}

fn full(limiter: &RateLimiter, caller: Option<&Principal>, now: f64) -> Option<Window> {
    match limiter.admit(caller, now) {
        Ok(()) => None,
        Err(TurnedAway::Rate { window, .. }) => Some(window),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn each_window_turns_away_the_first_request_too_many() {
    let ada = person("ada");
    let limiter = limiter(None);
    // Sixty at once; the next has to wait until the first is more than a minute old.
    assert!((0..60).all(|_| full(&limiter, Some(&ada), 0.0).is_none()));
    assert_eq!(full(&limiter, Some(&ada), 0.0), Some(MINUTE));
    assert_eq!(full(&limiter, Some(&ada), 60.0), Some(MINUTE));
    assert_eq!(full(&limiter, Some(&ada), 60.01), None);
    // One in four seconds is never too many for a minute, and the thousand and first is for an hour.
    let eve = person("eve");
    let steady = |n: u32| f64::from(n) * 3.5;
    assert!((0..1_000).all(|n| full(&limiter, Some(&eve), steady(n)).is_none()));
    assert_eq!(full(&limiter, Some(&eve), steady(1_000)), Some(HOUR));
    // Nor one in eight for an hour; the ten thousand and first is for a day.
    let bob = person("bob");
    let slow = |n: u32| f64::from(n) * 8.0;
    assert!((0..10_000).all(|n| full(&limiter, Some(&bob), slow(n)).is_none()));
    assert_eq!(full(&limiter, Some(&bob), slow(10_000)), Some(DAY));
    assert_eq!(full(&limiter, Some(&bob), 86_400.5), None, "the first is more than a day old");
}

#[test]
fn what_is_turned_away_does_not_count() {
    let (ada, limiter) = (person("ada"), limiter(None));
    (0..60).for_each(|_| limiter.admit(Some(&ada), 0.0).unwrap());
    assert!((0..5_000).all(|_| full(&limiter, Some(&ada), 30.0) == Some(MINUTE)));
    assert!((0..60).all(|_| full(&limiter, Some(&ada), 61.0).is_none()));
}

#[test]
fn a_clock_that_goes_back_gives_nothing() {
    let (ada, limiter) = (person("ada"), limiter(None));
    assert!((0..60).all(|n| full(&limiter, Some(&ada), 7_200.0 + f64::from(n) / 60.0).is_none()));
    assert!((0..10).all(|n| full(&limiter, Some(&ada), 3_600.0 - f64::from(n)) == Some(MINUTE)));
    assert_eq!(full(&limiter, Some(&ada), 7_261.0), None);
}

#[test]
fn nobody_uses_up_what_is_anothers_and_the_nameless_share_one_count() {
    let limiter = limiter(None);
    assert!((0..60).all(|_| full(&limiter, None, 0.0).is_none()));
    assert_eq!(full(&limiter, None, 0.0), Some(MINUTE));
    for name in ["ada", "", "anonymous"] {
        assert_eq!(full(&limiter, Some(&person(name)), 0.0), None, "{name}");
    }
}

#[test]
fn threads_together_get_no_more_than_the_limit() {
    let (ada, limiter) = (person("ada"), limiter(None));
    let admitted = || (0..100).filter(|_| limiter.admit(Some(&ada), 1.0).is_ok()).count();
    let all: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(admitted)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(all, 60);
}

#[test]
fn a_breaker_opens_for_whom_it_counts_and_closes_after_its_time() {
    let breaker = Breaker { denials: 3, seconds: 10.0, cooldown: 30.0 };
    let (ada, eve, limiter) = (person("ada"), person("eve"), limiter(Some(breaker)));
    // Two are not enough, nor is a third when the first is long past.
    let deny = |times: &[f64]| times.iter().for_each(|now| limiter.denied(Some(&ada), *now));
    deny(&[0.0, 1.0, 11.5]);
    assert_eq!(limiter.admit(Some(&ada), 11.5), Ok(()));
    deny(&[12.0, 13.0]);
    let waits = |now| match limiter.admit(Some(&ada), now) {
        Err(TurnedAway::Breaker { caller, remaining }) => {
            assert_eq!(caller, "ada");
            Some(remaining)
        }
        Err(other) => panic!("{other}"),
        Ok(()) => None,
    };
    assert_eq!(waits(13.0), Some(30.0));
    assert_eq!(waits(42.0), Some(1.0));
    assert_eq!(limiter.admit(Some(&eve), 13.0), Ok(()));
    assert_eq!(waits(43.0), None);
    deny(&[44.0]);
    assert_eq!(waits(44.0), None, "it counts anew");
}

#[test]
fn small_risks_add_up_to_large_ones_and_are_forgotten() {
    let (ada, eve) = (person("ada"), person("eve"));
    let tracker = RiskTracker::new(RiskLimits::default());
    let add = |who: &Principal, risk, now| {
        let sum = tracker.add(Some(who), risk, now);
        (sum.score, sum.escalation)
    };
    assert!((1..30).all(|n| add(&ada, RiskClass::Low, 0.0) == (n, Escalation::None)));
    assert_eq!(add(&ada, RiskClass::Low, 1.0), (30, Escalation::Approval));
    assert_eq!(add(&eve, RiskClass::Low, 1.0), (1, Escalation::None));
    assert!((1..9).all(|n| add(&ada, RiskClass::Medium, 2.0) == (30 + 5 * n, Escalation::Approval)));
    assert_eq!(add(&ada, RiskClass::Medium, 3_600.0), (75, Escalation::Deny));
    // The first steps are more than an hour old, then all of them.
    assert_eq!(add(&ada, RiskClass::Low, 3_600.5), (47, Escalation::Approval));
    assert_eq!(add(&ada, RiskClass::Low, 9_000.0), (1, Escalation::None));
}
