//! The seven checks.
//!
//! The surprising fact: checks 2 to 4 read the statement before its signature is checked. They can only find fault with it; that
//! the statement is genuine is the business of check 5, and all five must pass.

use super::evidence::Evidence;
use super::{Finding, Request};
use govc_engine::Effect;
use govc_engine::proof::PROMOTION_V1;
use jiff::Timestamp;

/// A finding from whether something holds.
fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Finding {
    if holds { Finding::Pass } else { Finding::Fail(otherwise()) }
}

/// 1. There is a proof, and it is one of a promotion that succeeded.
pub(super) fn proof_exists(_: &Request<'_>, evidence: &Evidence) -> Finding {
    let stated = match &evidence.stated {
        Ok(stated) => stated,
        Err(why) => return Finding::Fail(why.clone()),
    };
    if stated.predicate_type != PROMOTION_V1 {
        return Finding::Fail(format!("the proof is of type `{}`", stated.predicate_type));
    }
    must(Effect::from_name(&stated.decision) == Some(Effect::Allow), || {
        format!("the proof says {}", stated.decision)
    })
}

/// 2. The specification is the one that was promoted.
pub(super) fn spec_hash_matches(request: &Request<'_>, evidence: &Evidence) -> Finding {
    let promoted = evidence.stated.as_ref().ok().and_then(|stated| stated.spec_hash.as_deref());
    must(promoted == Some(request.spec.digest()), || {
        format!("the specification has digest {}, promoted was {}", request.spec.digest(), shown(promoted))
    })
}

/// 3. The policies in force are those that promoted it.
pub(super) fn policy_hash_matches(request: &Request<'_>, evidence: &Evidence) -> Finding {
    let promoted = evidence.stated.as_ref().ok().and_then(|stated| stated.policy_hash.as_deref());
    let known = promoted.is_some_and(|hash| !hash.is_empty());
    must(known && promoted == request.policy_hash, || {
        format!("the policies have digest {}, promoted by {}", shown(request.policy_hash), shown(promoted))
    })
}

/// 4. The authority that signed is still believed.
pub(super) fn signer_is_not_revoked(request: &Request<'_>, evidence: &Evidence) -> Finding {
    let Ok(stated) = &evidence.stated else { return Finding::Fail("nobody signed".to_owned()) };
    // The key as the envelope names it, and every name that a trusted key of this fingerprint has.
    let keys = request.keys.keys().iter().filter(|key| key.fingerprint() == Some(&stated.signer));
    for name in keys.filter_map(|key| key.id()).chain([stated.signer.as_str()]) {
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

/// 5. The signature verifies with a key that may promote, and may still.
pub(super) fn signature_is_valid(request: &Request<'_>, evidence: &Evidence) -> Finding {
    let key = match &evidence.signed {
        Ok(place) => request.keys.keys().get(*place),
        Err(why) => return Finding::Fail(why.clone()),
    };
    let now = Timestamp::from_second(request.now);
    let good = key.is_some_and(|key| now.is_ok_and(|now| key.is_good_at(now)));
    must(good, || "the key of the signature is not good at this time".to_owned())
}

/// 6. The sandbox is not past its expiry; one without expiry is.
pub(super) fn is_not_expired(request: &Request<'_>, _: &Evidence) -> Finding {
    match request.expires_at {
        None => Finding::Fail("the sandbox has no expiry".to_owned()),
        Some(end) => must(request.now < end, || {
            format!("the sandbox expired {} seconds ago", request.now.saturating_sub(end))
        }),
    }
}

/// 7. The sandbox can neither call out nor leave anything behind.
pub(super) fn is_contained(request: &Request<'_>, _: &Evidence) -> Finding {
    must(request.spec.is_contained(), || "external_calls and persistent_writes must be false".to_owned())
}

fn shown(digest: Option<&str>) -> &str {
    digest.unwrap_or("(none)")
}
