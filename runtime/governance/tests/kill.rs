//! Killed at random points: promotion is one transaction, and revalidation ends as if nobody had disturbed it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod campaign;
mod common;

#[test]
fn child() {
    let _ = campaign::child();
}

#[test]
fn a_killed_promotion_leaves_a_sandbox_or_a_governed_agent_with_its_proof() {
    let seen = campaign::promotion::campaign(200, 0x5eed);
    println!("{seen:?}");
    // On a busy machine most processes are killed before their first promotion.
    assert!(seen.promoted > 5 && seen.cut_off > 0, "{seen:?}");
}

#[test]
fn a_killed_revalidation_ends_equal_to_one_from_scratch() {
    let (kills, revalidations) = campaign::revalidation::campaign(20, 60, 0x5eed);
    println!("{kills} kills, {revalidations} revalidations");
}
