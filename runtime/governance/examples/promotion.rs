//! Kills thousands of processes that promote agents, and checks what each has left.
//!
//! `cargo run --release -p govc-governance --example promotion -- 2000`

#[path = "../tests/campaign/mod.rs"]
mod campaign;
#[path = "../tests/common/mod.rs"]
mod common;

fn main() {
    if campaign::child() {
        return;
    }
    let kills = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2000);
    let seen = campaign::promotion::campaign(kills, 0x9e37_79b9);
    println!(
        "{} processes killed while they promoted; {} agents governed, each with a valid proof and one success; {} attempts cut \
         off, their agents in the sandbox until the next one; 0 between",
        seen.kills, seen.promoted, seen.cut_off
    );
}
