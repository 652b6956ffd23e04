//! Proofs that share a signature: each holds as one with its own would, and nothing else does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{policy, signing, verifying};
use govc_engine::proof::{self, Opener, Proof, ProofError, SharedProof, share};
use govc_engine::{Algorithm, Policy, Query, Scratch, SigningKey};

/// A proof of the decision on a number.
fn proof_of(policy: &Policy, number: usize) -> Proof {
    let input = format!("{{\"n\":{number}}}");
    let query = Query::new("verdicts/echo").input_json(input.as_bytes());
    Proof::of(&policy.decide(&mut Scratch::new(), &query), Some(input.as_bytes())).unwrap()
}

fn batch(size: usize) -> (Policy, Vec<SharedProof>) {
    let policy = policy("verdicts");
    let leaves = (0..size).map(|number| proof_of(&policy, number).leaf().unwrap()).collect();
    (policy, share(leaves, &signing("ed25519")).unwrap())
}

fn check(proof: &SharedProof, policy: &Policy) -> Result<(), ProofError> {
    proof::check(proof.text().unwrap().as_bytes(), &[verifying("ed25519")], policy).map(drop)
}

#[test]
fn every_statement_of_a_batch_holds_and_replays() {
    for size in [0, 1, 2, 3, 4, 5, 7, 8, 9, 33] {
        let (policy, proofs) = batch(size);
        assert_eq!(proofs.len(), size);
        let keys = [verifying("ed25519")];
        let mut opener = Opener::new(&keys);
        for (proof, number) in proofs.into_iter().zip(0..) {
            let text = proof.text().unwrap();
            let checked = proof::check(text.as_bytes(), &keys, &policy).unwrap();
            assert_eq!(checked.key, keys[0].fingerprint().unwrap());
            assert_eq!(checked.statement.predicate.input.unwrap().get(), format!("{{\"n\":{number}}}"));
            let peeked = proof::peek(text.as_bytes()).unwrap();
            assert_eq!(peeked.key, checked.key);
            assert!(peeked.verify(&keys).is_ok());
            assert!(opener.open(text.as_bytes()).is_ok());
            assert!(opener.open_shared(proof).is_ok());
        }
    }
}

#[test]
fn nothing_of_a_batch_can_be_exchanged() {
    let (policy, proofs) = batch(5);
    let (_, others) = batch(6);
    let good = &proofs[2];
    let refused = |change: &dyn Fn(&mut SharedProof)| {
        let mut changed = good.clone();
        change(&mut changed);
        check(&changed, &policy).unwrap_err()
    };
    let bad = ProofError::BadSignature;
    assert_eq!(refused(&|p| p.payload = proofs[3].payload.clone()), bad);
    assert_eq!(
        refused(&|p| p.payload = proof_of(&policy, 99).leaf().map(|_| p.payload[1..].to_vec()).unwrap()),
        bad
    );
    assert_eq!(refused(&|p| p.index = 3), bad);
    assert_eq!(refused(&|p| p.index = 5), bad);
    assert_eq!(refused(&|p| p.index = u64::MAX), bad);
    assert_eq!(refused(&|p| p.size = 4), bad);
    assert_eq!(refused(&|p| p.size = 0), bad);
    assert_eq!(refused(&|p| p.path = proofs[3].path.clone()), bad);
    assert_eq!(refused(&|p| p.path.reverse()), bad);
    assert_eq!(refused(&|p| p.path.truncate(1)), bad);
    assert_eq!(refused(&|p| p.path.push([0; 32])), bad);
    assert_eq!(refused(&|p| p.path.clear()), bad);
    assert_eq!(refused(&|p| p.envelope = others[2].envelope.clone()), bad);
    // The root's own statement, and a plain proof in the place of the root.
    let plain = proof_of(&policy, 2).sign(&signing("ed25519")).unwrap();
    assert_eq!(refused(&|p| p.envelope = plain.as_str().into()).code(), "govc_proof_statement");
    assert_eq!(refused(&|p| p.envelope = p.text().unwrap().into()).code(), "govc_proof_envelope");
    assert_eq!(
        proof::open(good.envelope.as_bytes(), &[verifying("ed25519")]).unwrap_err().code(),
        "govc_proof_statement"
    );
    // A node of the tree is no leaf.
    let node = [proofs[0].path[0], proofs[1].path[0]].concat();
    assert_eq!(refused(&|p| (p.payload, p.index, p.size) = (node.clone(), 0, 3)), bad);
    assert_eq!(check(good, &policy), Ok(()));
}

#[test]
fn a_batch_is_believed_for_its_key_only() {
    let (_, proofs) = batch(3);
    let text = proofs[1].text().unwrap();
    assert_eq!(
        proof::open(text.as_bytes(), &[verifying("other")]).unwrap_err().code(),
        "govc_proof_wrong_key"
    );
    let other = [verifying("other")];
    assert_eq!(
        Opener::new(&other).open_shared(proofs[1].clone()).unwrap_err().code(),
        "govc_proof_wrong_key"
    );
    let short = SigningKey::from_secret(&[7; 31], Algorithm::Hs256).unwrap();
    assert_eq!(share(Vec::new(), &short).unwrap_err().code(), "govc_key_short");
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (policy, proofs) = batch(5);
    let good = proofs[4].text().unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1 << (at % 7);
        assert!(proof::check(&bytes, &[verifying("ed25519")], &policy).is_err(), "byte {at}");
    }
}

#[test]
fn texts_of_neither_form_are_refused() {
    let (policy, proofs) = batch(2);
    let good: serde_json::Value = serde_json::from_str(&proofs[0].text().unwrap()).unwrap();
    let code = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = good.clone();
        change(&mut changed);
        proof::check(changed.to_string().as_bytes(), &[verifying("ed25519")], &policy).unwrap_err().code()
    };
    let own: serde_json::Value = serde_json::from_str(&proofs[0].envelope).unwrap();
    assert_eq!(code(&|v| v["signatures"] = own["signatures"].clone()), "govc_proof_envelope");
    assert_eq!(code(&|v| drop(v.as_object_mut().unwrap().remove("inclusion"))), "govc_proof_envelope");
    assert_eq!(code(&|v| v["inclusion"]["extra"] = 1.into()), "govc_proof_envelope");
    assert_eq!(code(&|v| v["inclusion"]["path"][0] = "AAAA".into()), "govc_proof_envelope");
    assert_eq!(code(&|v| v["inclusion"]["index"] = (-1).into()), "govc_proof_envelope");
    assert_eq!(code(&|v| v["payloadType"] = "text/plain".into()), "govc_proof_envelope");
}
