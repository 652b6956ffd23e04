//! Admission: what must hold each time an agent starts.
//!
//! Seven checks in a fixed order. Governed agents pass the five of the proof, sandboxed agents the two of the sandbox; an agent
//! whose state makes no sense is put through all seven, and denied. All failures are reported, the first gives the code.

mod checks;
mod evidence;
mod statement;

pub use evidence::TrustedKeys;
pub use statement::{ADMISSION_V1, Admission, Found, SCHEMA};

use crate::code::DecisionCode;
use crate::revocation::Revocations;
use crate::spec::AgentSpec;
use crate::state::{State, Tier};
use evidence::Evidence;
use serde::{Serialize, Serializer};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An agent that wants to start, and what is known about it.
pub struct Request<'a> {
    /// Its specification as it is now.
    pub spec: &'a AgentSpec,
    /// Its mode and status.
    pub state: State,
    /// The envelope of its proof.
    pub proof: Option<&'a [u8]>,
    /// The digest of the policies in force, see [`govc_engine::Policy::policy_hash`].
    pub policy_hash: Option<&'a str>,
    /// Keys of the authorities that may promote.
    pub keys: &'a TrustedKeys,
    /// Authorities that were revoked.
    pub revocations: &'a dyn Revocations,
    /// When the sandbox expires, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// One check that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// Its code.
    pub code: DecisionCode,
    /// The number of the check, 1 to 7; 0 when the state itself denies.
    pub check: u8,
    /// What is wrong.
    pub reason: String,
}

/// The answer of admission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an agent must not start before its verdict is seen"]
#[non_exhaustive]
pub struct Verdict {
    /// Everything that was found, in the order of the checks. Empty means that the agent may start.
    pub failures: Vec<Failure>,
}

impl Verdict {
    /// May the agent start?
    #[must_use]
    pub fn is_allow(&self) -> bool {
        self.failures.is_empty()
    }

    /// The first failure's code, or [`DecisionCode::AdmissionAllow`].
    pub fn code(&self) -> DecisionCode {
        self.failures.first().map_or(DecisionCode::AdmissionAllow, |failure| failure.code)
    }

    /// `ALLOW` or `DENY`.
    pub fn decision(&self) -> &'static str {
        if self.is_allow() { "ALLOW" } else { "DENY" }
    }
}

/// `{decision, code, failures}`.
impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("decision", self.decision())?;
        map.serialize_entry("code", &self.code())?;
        map.serialize_entry("failures", &self.failures)?;
        map.end()
    }
}

/// What a check found.
pub(crate) enum Finding {
    Pass,
    Fail(String),
    /// It could not be made.
    Error(String),
}

struct Check {
    number: u8,
    code: DecisionCode,
    run: fn(&Request<'_>, &Evidence) -> Finding,
}

/// The seven checks, in order.
const CHECKS: [Check; 7] = [
    Check { number: 1, code: DecisionCode::ProofMissing, run: checks::proof_exists },
    Check { number: 2, code: DecisionCode::SpecHashMismatch, run: checks::spec_hash_matches },
    Check { number: 3, code: DecisionCode::PolicyHashMismatch, run: checks::policy_hash_matches },
    Check { number: 4, code: DecisionCode::SignerRevoked, run: checks::signer_is_not_revoked },
    Check { number: 5, code: DecisionCode::SignatureInvalid, run: checks::signature_is_valid },
    Check { number: 6, code: DecisionCode::SandboxExpired, run: checks::is_not_expired },
    Check { number: 7, code: DecisionCode::ContainmentViolation, run: checks::is_contained },
];

/// The numbers of the checks that a tier must pass.
fn applies(tier: Tier, check: u8) -> bool {
    match tier {
        Tier::Governed | Tier::Quarantined => check <= 5,
        Tier::Sandbox => check >= 6,
        Tier::Contradictory => true,
    }
}

/// Decides whether an agent may start. A check that fails to answer, or panics, denies.
pub fn admit(request: &Request<'_>) -> Verdict {
    let tier = request.state.tier();
    // Reading the proof is part of each check that looks at it: where it panics, each of them could not be made.
    let evidence = catch_unwind(AssertUnwindSafe(|| match tier {
        Tier::Sandbox => Evidence::none(),
        _ => request.keys.evidence(request),
    }));
    let evidence = evidence.as_deref().map_err(|_| "the proof could not be read: a panic");
    let mut failures: Vec<Failure> = CHECKS
        .iter()
        .filter(|check| applies(tier, check.number))
        .filter_map(|check| check.failure(request, evidence))
        .collect();
    failures.extend(tier_failure(tier, &request.state));
    Verdict { failures }
}

impl Check {
    fn failure(&self, request: &Request<'_>, evidence: Result<&Evidence, &str>) -> Option<Failure> {
        let found = catch_unwind(AssertUnwindSafe(|| match evidence {
            Ok(evidence) => (self.run)(request, evidence),
            Err(why) => Finding::Error(why.to_owned()),
        }));
        let (code, reason) = match found {
            Ok(Finding::Pass) => return None,
            Ok(Finding::Fail(reason)) => (self.code, reason),
            Ok(Finding::Error(reason)) => (DecisionCode::InterceptorError, reason),
            Err(_) => (DecisionCode::InterceptorError, "the check panicked".to_owned()),
        };
        Some(Failure { code, check: self.number, reason })
    }
}

/// States that deny whatever the checks say.
fn tier_failure(tier: Tier, state: &State) -> Option<Failure> {
    let (code, reason) = match tier {
        Tier::Sandbox | Tier::Governed => return None,
        Tier::Quarantined => {
            (DecisionCode::Quarantined, "the agent was invalidated and needs remediation".to_owned())
        }
        Tier::Contradictory => (
            DecisionCode::InterceptorError,
            format!("mode `{}` and status `{}` do not fit together", state.mode, state.status),
        ),
    };
    Some(Failure { code, check: 0, reason })
}
