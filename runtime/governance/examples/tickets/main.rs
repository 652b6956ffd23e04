//! Measures tickets and tries to use them twice: `tickets [REDEMPTIONS] [CUTS]`.
//!
//! Prints how many tickets a second one process takes beside what disk and library can do; then lets 8 processes that are
//! killed again and again use so many tickets, and cuts the power so many times.

mod crowd;
mod power;
mod rate;
mod world;

use world::Kind;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if crowd::work_as_child() || power::work_as_child() {
        return Ok(());
    }
    let mut arguments = std::env::args().skip(1);
    let redemptions = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let cuts = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    rate::disk(folder.path())?;
    for (kind, count, name) in [(Kind::Ed25519, 40_000, "ed25519"), (Kind::Hs256, 100_000, "hs256")] {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder)?;
        rate::measure(kind, count, &folder);
    }
    match power::run(folder.path(), 600, cuts, &[]) {
        Some(report) => println!("{report:?}"),
        None => println!("no strace here: power cuts were skipped"),
    }
    let crowd = folder.path().join("crowd");
    std::fs::create_dir(&crowd)?;
    println!("{:?}", crowd::run(&crowd, redemptions, 8, 12, &[]));
    Ok(())
}
