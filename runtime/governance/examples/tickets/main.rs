//! Measures tickets and tries to use them twice: `tickets [REDEMPTIONS] [CUTS]`.
//!
//! Prints how many tickets a second one process takes beside what disk and library can do; then lets 8 processes that are
//! killed again and again use so many tickets, and cuts the power so many times.

mod crowd;
mod power;
mod rate;
mod world;

use std::path::Path;
use world::Kind;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if crowd::work_as_child() || power::work_as_child() {
        return Ok(());
    }
    let mut arguments = std::env::args().skip(1);
    let redemptions = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let cuts = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    // Where a trace shows it: by its whole path.
    let folder = tempfile::tempdir_in(std::env::current_dir()?)?;
    rate::disk(folder.path())?;
    for (kind, count, name) in [(Kind::Ed25519, 40_000, "ed25519"), (Kind::Hs256, 100_000, "hs256")] {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder)?;
        rate::measure(kind, count, &folder);
    }
    cut(folder.path(), cuts);
    crowd(&folder.path().join("crowd"), redemptions)?;
    Ok(())
}

fn cut(folder: &Path, cuts: usize) {
    let Some(report) = power::run(folder, 600, cuts, &[]) else {
        return println!("no strace here: power cuts were skipped");
    };
    let power::Report { cuts, told, syncs, twice } = report;
    println!(
        "power: {told} uses with {syncs} syncs of the disk, {cuts} cuts: {twice} tickets were good again"
    );
    assert_eq!(twice, 0, "a used ticket was good again");
}

fn crowd(folder: &Path, redemptions: u64) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    let crowd::Report { used, twice, logged, wrong, kills } = crowd::run(folder, redemptions, 8, 12, &[]);
    println!("crowd: 8 processes, {kills} kills: {used} uses told, {twice} of them twice");
    println!("crowd: {logged} uses in the audit log, {wrong} of the told ones missing there or there twice");
    assert_eq!((twice, wrong), (0, 0), "a ticket was used twice");
    Ok(())
}
