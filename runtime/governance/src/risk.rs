//! Risk that adds up: many small steps of one caller weigh as one large one.

use crate::principal::Principal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// How risky something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskClass {
    /// Can be taken back by itself.
    Low,
    /// Can be taken back with work.
    Medium,
    /// Hurts.
    High,
    /// Must not happen unseen.
    Critical,
}

/// How risks add up. The defaults are those of Agent-Safe.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskLimits {
    /// Seconds for which a step counts.
    pub window_seconds: f64,
    /// What a step of each class counts.
    pub risk_scores: BTreeMap<RiskClass, u64>,
    /// From this sum on an allowed step needs approval.
    pub escalation_threshold: u64,
    /// From this sum on every step is denied.
    pub deny_threshold: u64,
}

impl Default for RiskLimits {
    fn default() -> Self {
        use RiskClass::{Critical, High, Low, Medium};
        Self {
            window_seconds: 3600.0,
            risk_scores: [(Low, 1), (Medium, 5), (High, 15), (Critical, 50)].into(),
            escalation_threshold: 30,
            deny_threshold: 75,
        }
    }
}

/// The sum of a caller's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulated {
    /// The sum.
    pub score: u64,
    /// Its class.
    pub class: RiskClass,
    /// What follows from it.
    pub escalation: Escalation,
}

/// What follows from a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escalation {
    /// Nothing.
    None,
    /// What is allowed needs approval.
    Approval,
    /// All is denied.
    Deny,
}

/// When each step was made, and what it counts.
type Steps = VecDeque<(f64, u64)>;

/// Sums risks for each caller. Threads share one.
///
/// ```
/// use govc_governance::Principal;
/// use govc_governance::risk::{Escalation, RiskClass, RiskLimits, RiskTracker};
/// let tracker = RiskTracker::new(RiskLimits::default());
/// let agent = Principal::verified_elsewhere("agent-1", None);
/// assert_eq!(tracker.add(Some(&agent), RiskClass::High, 0.0).escalation, Escalation::None);
/// assert_eq!(tracker.add(Some(&agent), RiskClass::High, 1.0).escalation, Escalation::Approval);
/// assert_eq!(tracker.add(Some(&agent), RiskClass::Critical, 2.0).escalation, Escalation::Deny);
/// ```
#[derive(Debug)]
pub struct RiskTracker {
    limits: RiskLimits,
    /// By name; under none, all who have proved none.
    steps: Mutex<HashMap<Option<String>, Steps>>,
}

impl RiskTracker {
    /// A tracker that has seen nobody.
    pub fn new(limits: RiskLimits) -> Self {
        Self { limits, steps: Mutex::default() }
    }

    /// The limits.
    pub fn limits(&self) -> &RiskLimits {
        &self.limits
    }

    /// Adds a step of a caller that was not denied, `now` seconds after the start of the clock. `None` is a caller who has
    /// proved no name.
    pub fn add(&self, caller: Option<&Principal>, risk: RiskClass, now: f64) -> Accumulated {
        let worth = self.limits.risk_scores.get(&risk).copied().unwrap_or(0);
        // A step that was half added weighs what it weighs.
        let mut all = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = all.entry(caller.map(|caller| caller.id().to_owned())).or_default();
        let since = now - self.limits.window_seconds;
        while steps.front().is_some_and(|(at, _)| *at < since) {
            steps.pop_front();
        }
        steps.push_back((now, worth));
        let score = steps.iter().map(|(_, worth)| worth).sum();
        Accumulated { score, class: self.class(score), escalation: self.escalation(score) }
    }

    fn class(&self, score: u64) -> RiskClass {
        let RiskLimits { deny_threshold, escalation_threshold, .. } = self.limits;
        match score {
            s if s >= deny_threshold => RiskClass::Critical,
            s if s >= escalation_threshold => RiskClass::High,
            s if s >= escalation_threshold / 2 => RiskClass::Medium,
            _ => RiskClass::Low,
        }
    }

    fn escalation(&self, score: u64) -> Escalation {
        match score {
            s if s >= self.limits.deny_threshold => Escalation::Deny,
            s if s >= self.limits.escalation_threshold => Escalation::Approval,
            _ => Escalation::None,
        }
    }
}
