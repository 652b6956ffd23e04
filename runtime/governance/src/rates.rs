//! How often a caller may ask, and when one who is refused too often must wait.
//!
//! The surprising fact: a request that is turned away for its rate does not count towards the rate, but one that a policy
//! denies does. Callers are told apart by the name that was proved, never by what a request says of itself: all who proved
//! none share one count, so that nobody gets more by other names, and nobody uses up what is another's.

use crate::principal::Principal;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many requests in a window of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Requests that pass.
    pub requests: usize,
    /// Seconds; greater than 0.
    pub seconds: f64,
}

/// When a caller who is denied too often is turned away for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breaker {
    /// Denials in the window that open it.
    pub denials: usize,
    /// Seconds in which they are counted.
    pub seconds: f64,
    /// Seconds for which it stays open.
    pub cooldown: f64,
}

/// Limits for each caller. All windows hold at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateLimits {
    /// The windows, in the order in which they are looked at.
    pub windows: Vec<Window>,
    /// The breaker; absent: nobody has to wait.
    pub breaker: Option<Breaker>,
}

/// Why a caller is turned away.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnedAway {
    /// Too many requests in a window.
    Rate {
        /// Whose.
        caller: String,
        /// The window that is full.
        window: Window,
    },
    /// Too many denials.
    Breaker {
        /// Whose.
        caller: String,
        /// Seconds until it closes.
        remaining: f64,
    },
}

impl fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Half seconds go to the even neighbour.
            Self::Rate { caller, window } => write!(
                f,
                "Rate limit exceeded for caller '{caller}': {} requests per {:.0}s window.",
                window.requests, window.seconds
            ),
            Self::Breaker { caller, remaining } => write!(
                f,
                "Circuit breaker open for caller '{caller}': too many denied requests. Auto-resumes in {remaining:.0}s."
            ),
        }
    }
}

impl std::error::Error for TurnedAway {}

/// What is remembered of one caller. Times are seconds of one clock that never goes back.
#[derive(Debug, Default)]
struct Caller {
    requests: VecDeque<f64>,
    denials: VecDeque<f64>,
    open_since: Option<f64>,
}

/// Counts requests and denials. Threads share one.
///
/// ```
/// use govc_governance::Principal;
/// use govc_governance::rates::{RateLimiter, RateLimits, Window};
/// let limits = RateLimits { windows: vec![Window { requests: 2, seconds: 60.0 }], breaker: None };
/// let limiter = RateLimiter::new(limits);
/// let agents = ["agent-1", "agent-2"].map(|name| Principal::verified_elsewhere(name, None));
/// let [one, two] = agents.each_ref().map(Some);
/// assert!(limiter.admit(one, 0.0).is_ok() && limiter.admit(one, 1.0).is_ok());
/// assert!(limiter.admit(one, 2.0).is_err());
/// assert!(limiter.admit(two, 2.0).is_ok() && limiter.admit(None, 2.0).is_ok());
/// assert!(limiter.admit(one, 60.5).is_ok());
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    limits: RateLimits,
    /// By name; under none, all who have proved none.
    callers: Mutex<HashMap<Option<String>, Caller>>,
}

impl RateLimiter {
    /// A limiter that has seen nobody.
    pub fn new(limits: RateLimits) -> Self {
        Self { limits, callers: Mutex::default() }
    }

    /// Lets a request pass and counts it, `now` seconds after the start of the clock. `None` is a caller who has proved no name.
    ///
    /// # Errors
    /// Why it is turned away.
    pub fn admit(&self, caller: Option<&Principal>, now: f64) -> Result<(), TurnedAway> {
        let mut callers = self.callers();
        let known = callers.entry(caller.map(|caller| caller.id().to_owned())).or_default();
        if let Some(remaining) = self.limits.breaker.and_then(|breaker| known.waits(&breaker, now)) {
            return Err(TurnedAway::Breaker { caller: shown(caller), remaining });
        }
        // A clock that goes back stands still, so that times stay in order.
        let now = known.requests.back().map_or(now, |last| last.max(now));
        let longest = self.limits.windows.iter().map(|window| window.seconds).fold(0.0, f64::max);
        prune(&mut known.requests, now - longest);
        for window in &self.limits.windows {
            let since = now - window.seconds;
            let before = known.requests.partition_point(|at| *at < since);
            if known.requests.len() - before >= window.requests {
                return Err(TurnedAway::Rate { caller: shown(caller), window: *window });
            }
        }
        known.requests.push_back(now);
        Ok(())
    }

    /// Counts a denial, which may open the breaker.
    pub fn denied(&self, caller: Option<&Principal>, now: f64) {
        let Some(breaker) = self.limits.breaker else { return };
        let mut callers = self.callers();
        let known = callers.entry(caller.map(|caller| caller.id().to_owned())).or_default();
        prune(&mut known.denials, now - breaker.seconds);
        known.denials.push_back(now);
        if known.denials.len() >= breaker.denials {
            known.open_since = Some(now);
        }
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<Option<String>, Caller>> {
        // A panic between two steps leaves counts that are at most one too high, which denies.
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller {
    /// Seconds until the breaker closes; closes one whose time is over.
    fn waits(&mut self, breaker: &Breaker, now: f64) -> Option<f64> {
        let elapsed = now - self.open_since?;
        if elapsed < breaker.cooldown {
            return Some(breaker.cooldown - elapsed);
        }
        self.open_since = None;
        self.denials.clear();
        None
    }
}

fn shown(caller: Option<&Principal>) -> String {
    caller.map_or("anonymous", Principal::id).to_owned()
}

/// Forgets what lies before a time.
fn prune(times: &mut VecDeque<f64>, since: f64) {
    while times.front().is_some_and(|at| *at < since) {
        times.pop_front();
    }
}
