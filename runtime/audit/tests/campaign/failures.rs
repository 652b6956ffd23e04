//! Disks that fill up, fail to write, write short or fail to sync.

use super::random::Random;
use super::{check, event, open};
use govc_audit::Checkpoint;
use govc_audit::disk::{Fault, MemoryDisk};

fn draw(random: &mut Random) -> Fault {
    match random.below(4) {
        0 => Fault::Full { after: random.below(800_000) },
        1 => Fault::Write { after: random.below(150) },
        2 => Fault::Short,
        _ => Fault::Sync { after: random.below(60) },
    }
}

/// Plays a number of failing disks.
pub(crate) fn campaign(times: u64, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    for time in 0..times {
        let fault = draw(&mut random);
        play(fault, &mut random).map_err(|error| format!("seed {seed}, time {time}, {fault:?}: {error}"))?;
    }
    Ok(())
}

fn play(fault: Fault, random: &mut Random) -> Result<(), String> {
    let disk = MemoryDisk::new();
    let mut acknowledged = Vec::new();
    let log = open(&disk)?;
    write(&log, 10, &mut acknowledged, random);
    disk.fail(Some(fault));
    let refused = write(&log, 40, &mut acknowledged, random);
    if fault == Fault::Short && refused > 0 {
        return Err("short writes lost events".to_owned());
    }
    let (moment, before) = (disk.moment(), acknowledged.clone());
    // The process ends with the disk still failing, or gets well before.
    if random.below(2) == 0 {
        disk.fail(None);
        write(&log, 5, &mut acknowledged, random);
    }
    drop(log);
    disk.fail(None);
    whole(&disk, &acknowledged)?;
    // And the power fails right after.
    whole(&disk.cut(moment, &mut |end| random.below(end)), &before)
}

type Acknowledged = (u64, Vec<u8>, Checkpoint);

/// Appends events and counts those that were refused.
fn write(
    log: &govc_audit::Log,
    commits: u64,
    acknowledged: &mut Vec<Acknowledged>,
    random: &mut Random,
) -> u64 {
    let mut refused = 0;
    for number in 0..commits {
        let events: Vec<Vec<u8>> = (0..=random.below(8)).map(|_| event(number, random)).collect();
        let pending: Vec<_> = events.iter().map(|event| log.submit(event)).collect();
        for (event, pending) in events.into_iter().zip(pending) {
            match pending.and_then(govc_audit::log::Pending::wait) {
                Ok(receipt) => {
                    acknowledged.push((receipt.index, event, receipt.checkpoint.checkpoint.clone()))
                }
                Err(_) => refused += 1,
            }
        }
    }
    refused
}

fn whole(disk: &MemoryDisk, acknowledged: &[Acknowledged]) -> Result<(), String> {
    let log = open(disk).map_err(|error| format!("not opened: {error}"))?;
    log.publish().map_err(|error| format!("not published: {error}"))?;
    log.close().map_err(|error| format!("not closed: {error}"))?;
    let last: Vec<Checkpoint> =
        acknowledged.last().map(|(.., checkpoint)| checkpoint.clone()).into_iter().collect();
    let entries = check(disk, &last).map_err(|error| format!("not whole: {error}"))?;
    let reader = govc_audit::Reader::at(std::sync::Arc::new(disk.clone()), entries);
    for (index, event, _) in acknowledged {
        if reader.entry(*index).map_err(|error| error.to_string())? != *event {
            return Err(format!("entry {index} is another"));
        }
    }
    Ok(())
}
