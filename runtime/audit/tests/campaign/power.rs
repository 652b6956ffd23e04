//! Power cuts: the recorded writes and syncs of a run, replayed up to a moment, with every choice that a disk
//! has among what was not synced.

use super::random::Random;
use super::{check, event, open};
use govc_audit::Checkpoint;
use govc_audit::disk::{Disk, MemoryDisk};
use govc_audit::reader::Reader;
use std::sync::Arc;

/// A log in use, with what it acknowledged and when.
struct Run {
    disk: MemoryDisk,
    events: Vec<Vec<u8>>,
    /// Moments at which an acknowledgement had come, with what it said.
    acknowledged: Vec<(usize, Checkpoint)>,
}

fn run(disk: MemoryDisk, mut events: Vec<Vec<u8>>, commits: u64, random: &mut Random) -> Result<Run, String> {
    let log = open(&disk)?;
    let mut acknowledged = Vec::new();
    events.truncate(usize::try_from(log.checkpoint().map_or(0, |c| c.checkpoint.size)).unwrap_or(0));
    for _ in 0..commits {
        let mut pending = Vec::new();
        for _ in 0..=random.below(20) {
            let event = event(events.len() as u64, random);
            pending.push(log.submit(&event).map_err(|error| error.to_string())?);
            events.push(event);
        }
        for one in pending {
            let receipt = one.wait().map_err(|error| error.to_string())?;
            acknowledged.push((disk.moment(), receipt.checkpoint.checkpoint.clone()));
        }
        if random.below(10) == 0 {
            log.publish().map_err(|error| error.to_string())?;
        }
    }
    if random.below(2) == 0 {
        log.close().map_err(|error| error.to_string())?;
    }
    Ok(Run { disk, events, acknowledged })
}

impl Run {
    /// Cuts the power at a moment of the run and opens what is left.
    fn cut(&self, random: &mut Random) -> Result<MemoryDisk, String> {
        let moment = random.index(self.disk.moment() + 1);
        let left = self.disk.cut(moment, &mut |end| random.below(end));
        let seen: Vec<_> =
            self.acknowledged.iter().filter(|(at, _)| *at <= moment).map(|(_, c)| c.clone()).collect();
        let remembered: Vec<Checkpoint> = seen.last().cloned().into_iter().collect();
        let log = open(&left).map_err(|error| format!("not opened after a cut at {moment}: {error}"))?;
        let _ = log.append(b"after the cut").map_err(|error| format!("not usable: {error}"))?;
        log.close().map_err(|error| format!("not closed after a cut at {moment}: {error}"))?;
        let entries = check(&left, &remembered)
            .map_err(|error| format!("not whole after a cut at {moment}: {error}"))?;
        self.compare(&left, entries, seen.last().map_or(0, |c| c.size))?;
        Ok(left)
    }

    /// What is left must be the beginning of what was handed in, and hold what was acknowledged.
    fn compare(&self, left: &MemoryDisk, entries: u64, acknowledged: u64) -> Result<(), String> {
        // The last one was written after the cut.
        if entries - 1 < acknowledged {
            return Err(format!("{acknowledged} were acknowledged and {} are left", entries - 1));
        }
        let disk: Arc<dyn Disk> = Arc::new(left.clone());
        let reader = Reader::at(disk, entries);
        for bundle in 0..entries.div_ceil(256) {
            let mut found = reader.bundle(bundle).map_err(|error| error.to_string())?;
            let from = usize::try_from(bundle * 256).unwrap_or(0);
            if bundle == (entries - 1) / 256 {
                found.pop();
            }
            if self.events.get(from..from + found.len()) != Some(&found[..]) {
                return Err(format!("bundle {bundle} holds other events"));
            }
        }
        Ok(())
    }
}

/// Plays a number of power cuts; each third is followed by more work and another cut.
pub(crate) fn campaign(cuts: u64, seed: u64) -> Result<(), String> {
    const CUTS_A_RUN: u64 = 50;
    let mut random = Random::new(seed);
    let mut played = 0;
    while played < cuts {
        let first = run(MemoryDisk::new(), Vec::new(), 40, &mut random)?;
        for _ in 0..CUTS_A_RUN.min(cuts - played) {
            let left =
                first.cut(&mut random).map_err(|error| format!("seed {seed}, cut {played}: {error}"))?;
            played += 1;
            if random.below(3) == 0 {
                again(&left, &mut random)
                    .map_err(|error| format!("seed {seed}, after cut {played}: {error}"))?;
            }
        }
    }
    Ok(())
}

fn again(left: &MemoryDisk, random: &mut Random) -> Result<(), String> {
    let disk: Arc<dyn Disk> = Arc::new(left.clone());
    let size = check(left, &[])?;
    let reader = Reader::at(disk, size);
    let mut events = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        events.extend(reader.bundle(bundle).map_err(|error| error.to_string())?);
    }
    // What is left is the new beginning, all of it durable, as after a power cut.
    run(left.copy(), events, 10, random)?.cut(random).map(drop)
}
