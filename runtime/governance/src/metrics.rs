//! The seven counters of governance.
//!
//! The surprising fact: they count events that were committed, not calls, so that they equal the audit log. The labels are
//! bounded: a reason that is none of ours counts as `OTHER`.

use crate::events;
use govc_audit::Event;
use govc_audit::event::{Code, Kind, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Reasons of denied promotions that have a label of their own.
pub const PROMOTION_REASONS: [&str; 9] = [
    "PERMISSION_DENIED",
    "ANATOMY_INCOMPLETE",
    "CONTAINMENT_VIOLATION",
    "INVALID_CAPABILITIES",
    "TEMPERATURE_VIOLATION",
    "BUDGET_EXCEEDED",
    "POLICY_DENIED",
    "NOT_IN_SANDBOX",
    "SPEC_CHANGED",
];

/// Counters of what was committed since the store was opened.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Counts>);

/// The counters at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// `agent_starts_allowed_total`.
    pub starts_allowed: u64,
    /// `agent_starts_denied_total` by code.
    pub starts_denied: BTreeMap<String, u64>,
    /// `agent_invalidation_events_total`.
    pub invalidations: u64,
    /// `policy_reload_success_total`.
    pub reloads: u64,
    /// `policy_reload_failure_total`.
    pub reload_failures: u64,
    /// `promotion_attempts_total`.
    pub promotion_attempts: u64,
    /// `promotion_denies_total` by the first reason.
    pub promotion_denies: BTreeMap<String, u64>,
}

impl Counters {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Numbers only grow, and no code that could panic stands between two of them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, more: Counts) {
        self.counts().add(more);
    }

    /// The counters now.
    pub fn now(&self) -> Counts {
        self.counts().clone()
    }

    /// Back to zero.
    pub fn reset(&self) {
        *self.counts() = Counts::default();
    }
}

impl Counts {
    fn add(&mut self, more: Self) {
        let Self { starts_allowed, starts_denied, invalidations, reloads, reload_failures, .. } = more;
        self.starts_allowed += starts_allowed;
        self.invalidations += invalidations;
        self.reloads += reloads;
        self.reload_failures += reload_failures;
        self.promotion_attempts += more.promotion_attempts;
        let by_reason =
            [(&mut self.starts_denied, starts_denied), (&mut self.promotion_denies, more.promotion_denies)];
        for (all, some) in by_reason {
            some.into_iter().for_each(|(reason, count)| *all.entry(reason).or_default() += count);
        }
    }

    /// Counts an event of the audit log.
    pub fn observe(&mut self, event: &Event) {
        let Some(code) = event.code else {
            self.invalidations += u64::from(events::is_quarantine(event));
            return;
        };
        match (code, event.outcome.verdict) {
            (Code::AdmissionAllow, _) => self.starts_allowed += 1,
            (Code::PromotionAttempt, _) => self.promotion_attempts += 1,
            (Code::PromotionDenied, _) => *self.promotion_denies.entry(reason(event)).or_default() += 1,
            (Code::PolicyHotreload, Verdict::Success) => self.reloads += 1,
            (Code::PolicyHotreload, _) => self.reload_failures += 1,
            (Code::PolicyRevalidation, Verdict::Deny) => self.invalidations += 1,
            _ if event.kind == Kind::Admission => {
                *self.starts_denied.entry(code.text().to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// In the text format of Prometheus.
    pub fn export(&self) -> String {
        let plain = |value: u64| BTreeMap::from([(String::new(), value)]);
        let all = [
            ("agent_starts_allowed_total", plain(self.starts_allowed)),
            ("agent_starts_denied_total", self.starts_denied.clone()),
            ("agent_invalidation_events_total", plain(self.invalidations)),
            ("policy_reload_success_total", plain(self.reloads)),
            ("policy_reload_failure_total", plain(self.reload_failures)),
            ("promotion_attempts_total", plain(self.promotion_attempts)),
            ("promotion_denies_total", self.promotion_denies.clone()),
        ];
        let mut text = String::new();
        for (name, values) in all {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# TYPE {name} counter");
            for (reason, value) in values {
                let label = if reason.is_empty() { reason } else { format!("{{reason=\"{reason}\"}}") };
                let _ = writeln!(text, "{name}{label} {value}");
            }
        }
        text
    }
}

fn reason(event: &Event) -> String {
    let first = event.outcome.error_codes.first().map_or("OTHER", String::as_str);
    let ours = PROMOTION_REASONS.contains(&first) || first.starts_with("govc_");
    if ours { first } else { "OTHER" }.to_owned()
}
