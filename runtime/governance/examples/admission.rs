//! How long an admission takes, beside the library's own verification of a signature.
//!
//! `cargo run --release -p govc-governance --example admission`

#[path = "../tests/common/mod.rs"]
mod common;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use common::{NOW, authority, policy, request, signing, verifying};
use govc_governance::admission::{Request, TrustedKeys, admit};
use govc_governance::{RevocationList, State, promotion};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
    let request = request(|_| ());
    let promotion = promotion::decide(&authority(&policy, &key), &request);
    let proof = promotion.proof.ok_or("the promotion was denied")?;
    // A list of some length, none of it the signer.
    let revoked: RevocationList = (0..1000).map(|n| format!("{n:064x}")).collect();
    let start = |keys: &TrustedKeys| {
        let verdict = admit(&Request {
            spec: request.spec(),
            state: State::governed(),
            proof: Some(proof.as_bytes()),
            policy_hash: Some(policy.policy_hash()),
            keys,
            revocations: &revoked,
            expires_at: None,
            now: NOW,
        });
        assert!(verdict.is_allow());
    };
    let remembering = TrustedKeys::remembering(vec![verifying("ed25519")], 1000);
    let plain = TrustedKeys::new(vec![verifying("ed25519")]);
    let library = library(proof.len())?;
    // In turns, so that a busy machine is equally busy for all three.
    let (mut warm, mut cold, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(took(&library));
        cold.push(took(|| start(&plain)));
        warm.push(took(|| start(&remembering)));
    }
    let (warm, cold, own) = (median(warm), median(cold), median(own));
    println!("proof of {} bytes, {ROUNDS} rounds, medians", proof.len());
    println!("warm admission, verification remembered:  {warm:?} (wanted: 3 us)");
    println!("admission without memory:                 {cold:?}");
    println!("aws-lc-rs, one Ed25519 verification:      {own:?}");
    println!(
        "ratio of the last two:                    {:.2} (wanted: 1.3)",
        cold.as_secs_f64() / own.as_secs_f64()
    );
    Ok(())
}

/// One verification of a message as long as what a proof signs.
fn library(length: usize) -> Result<impl Fn(), Box<dyn std::error::Error>> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32])?;
    let message = vec![b'x'; length * 3 / 4];
    let signature = pair.sign(&message).as_ref().to_vec();
    let public = pair.public_key().as_ref().to_vec();
    Ok(move || {
        let key = UnparsedPublicKey::new(&ED25519, &public);
        assert!(black_box(key.verify(&message, &signature)).is_ok());
    })
}

fn took(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
