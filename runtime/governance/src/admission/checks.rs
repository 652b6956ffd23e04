//! The seven checks.
//!
//! The surprising fact: checks 2 to 4 read the statement before its signature is checked. They can only find fault with it; that
//! the statement is genuine is the business of check 5, and all five must pass.

use super::{Finding, Request};
use govc_engine::Effect;
use govc_engine::proof::{self, PROMOTION_V1, Statement};

/// A finding from whether something holds.
fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Finding {
    if holds { Finding::Pass } else { Finding::Fail(otherwise()) }
}

fn statement(request: &Request<'_>) -> Result<Statement, String> {
    let envelope = request.proof.ok_or("there is no proof")?;
    proof::peek(envelope).map(|peeked| peeked.statement).map_err(|e| e.to_string())
}

/// 1. There is a proof, and it is one of a promotion that succeeded.
pub(super) fn proof_exists(request: &Request<'_>) -> Finding {
    let statement = match statement(request) {
        Ok(statement) => statement,
        Err(why) => return Finding::Fail(why),
    };
    if statement.predicate_type != PROMOTION_V1 {
        return Finding::Fail(format!("the proof is of type `{}`", statement.predicate_type));
    }
    let decision = &statement.predicate.decision;
    must(Effect::from_name(decision) == Some(Effect::Allow), || format!("the proof says {decision}"))
}

/// 2. The specification is the one that was promoted.
pub(super) fn spec_hash_matches(request: &Request<'_>) -> Finding {
    let promoted = statement(request).ok().and_then(|s| s.subject_sha256("agent-spec").map(str::to_owned));
    must(promoted.as_deref() == Some(request.spec.digest()), || {
        format!(
            "the specification has digest {}, promoted was {}",
            request.spec.digest(),
            shown(promoted.as_deref())
        )
    })
}

/// 3. The policies in force are those that promoted it.
pub(super) fn policy_hash_matches(request: &Request<'_>) -> Finding {
    let promoted = statement(request).ok().map(|s| s.predicate.bundle);
    let known = promoted.as_deref().is_some_and(|hash| !hash.is_empty());
    must(known && promoted.as_deref() == request.policy_hash, || {
        format!(
            "the policies have digest {}, promoted by {}",
            shown(request.policy_hash),
            shown(promoted.as_deref())
        )
    })
}

/// 4. The authority that signed is still believed.
pub(super) fn signer_is_not_revoked(request: &Request<'_>) -> Finding {
    let Some(peeked) = request.proof.and_then(|envelope| proof::peek(envelope).ok()) else {
        return Finding::Fail("nobody signed".to_owned());
    };
    // The key as the envelope names it, and every name that a trusted key of this fingerprint has.
    let names =
        request.keys.iter().filter(|key| key.fingerprint() == Some(&peeked.key)).filter_map(|key| key.id());
    for name in names.chain([peeked.key.as_str()]) {
        match request.revocations.is_revoked(name) {
            Ok(false) => {}
            Ok(true) => return Finding::Fail(format!("signer `{name}` was revoked")),
            Err(why) => {
                return Finding::Error(format!("nobody knows whether signer `{name}` was revoked: {why}"));
            }
        }
    }
    Finding::Pass
}

/// 5. The signature verifies with a key that may promote.
pub(super) fn signature_is_valid(request: &Request<'_>) -> Finding {
    let Some(envelope) = request.proof else { return Finding::Fail("there is no signature".to_owned()) };
    match proof::open(envelope, request.keys) {
        Ok(_) => Finding::Pass,
        Err(error) => Finding::Fail(error.to_string()),
    }
}

/// 6. The sandbox is not past its expiry; one without expiry is.
pub(super) fn is_not_expired(request: &Request<'_>) -> Finding {
    match request.expires_at {
        None => Finding::Fail("the sandbox has no expiry".to_owned()),
        Some(end) => must(request.now < end, || {
            format!("the sandbox expired {} seconds ago", request.now.saturating_sub(end))
        }),
    }
}

/// 7. The sandbox can neither call out nor leave anything behind.
pub(super) fn is_contained(request: &Request<'_>) -> Finding {
    must(request.spec.is_contained(), || "external_calls and persistent_writes must be false".to_owned())
}

fn shown(digest: Option<&str>) -> &str {
    digest.unwrap_or("(none)")
}
