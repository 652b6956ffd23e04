//! Checks entries against tiles and tiles against the signed root.
//!
//! The surprising fact: which of two that differ is the bad one, entry or tile, only the root can tell.

use crate::checkpoint::Checkpoint;
use crate::log::LogError;
use crate::merkle::{Frontier, Hash, TILE_WIDTH, fold, leaf_hashes, node_hash};
use crate::reader::Reader;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one bundle and its tile amount to.
struct Leaves {
    /// The hashes that the entries have.
    hashes: Vec<Hash>,
    /// The first entry that differs from the tile, and why.
    differs: Option<(u64, String)>,
}

/// Checks everything under a checkpoint.
pub(super) fn check(reader: &Reader, checkpoint: &Checkpoint, threads: usize) -> Result<(), LogError> {
    let bundles = checkpoint.size.div_ceil(TILE_WIDTH);
    let roots = Mutex::new(vec![None; usize::try_from(bundles).unwrap_or_default()]);
    let first_difference: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let next = AtomicU64::new(0);
    let work = || -> Result<(), LogError> {
        let mut bytes = Vec::new();
        loop {
            let bundle = next.fetch_add(1, Ordering::Relaxed);
            if bundle >= bundles {
                return Ok(());
            }
            let Leaves { hashes, differs } = leaves(reader, bundle, &mut bytes)?;
            if let Some(found) = differs {
                keep_first(&mut locked(&first_difference), found);
            }
            if let Some(place) = locked(&roots).get_mut(usize::try_from(bundle).unwrap_or_default()) {
                *place = Some(Part::of(hashes));
            }
        }
    };
    run(threads, work)?;
    let parts = roots.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let root = root(checkpoint.size, &parts)?;
    let difference = first_difference.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match (root == checkpoint.root, difference) {
        (true, None) => bad_tile(reader, &parts)?.map_or(Ok(()), Err),
        (true, Some((leaf, _))) => Err(LogError::damaged("the tile over it was changed", leaf)),
        (false, Some((leaf, why))) => Err(LogError::damaged(why, leaf)),
        (false, None) => Err(first_bad_tile(reader, &parts)?),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn run(threads: usize, work: impl Fn() -> Result<(), LogError> + Sync) -> Result<(), LogError> {
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                if let Err(error) = work() {
                    locked(&failed).get_or_insert(error);
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failed.map_or(Ok(()), Err)
}

fn keep_first(kept: &mut Option<(u64, String)>, found: (u64, String)) {
    if kept.as_ref().is_none_or(|(leaf, _)| found.0 < *leaf) {
        *kept = Some(found);
    }
}

/// A bundle's part of the tree.
#[derive(Clone)]
enum Part {
    Full(Hash),
    Edge(Vec<Hash>),
}

impl Part {
    fn of(hashes: Vec<Hash>) -> Self {
        match fold(&hashes).filter(|_| hashes.len() as u64 == TILE_WIDTH) {
            Some(root) => Part::Full(root),
            None => Part::Edge(hashes),
        }
    }
}

fn leaves(reader: &Reader, bundle: u64, bytes: &mut Vec<u8>) -> Result<Leaves, LogError> {
    reader.read_bundle(bundle, bytes)?;
    let (entries, rest) = reader.split(bundle, bytes);
    let first = bundle * TILE_WIDTH;
    if (entries.len() as u64) < reader.bundle_width(bundle) || rest > 0 {
        return Err(LogError::damaged("the bundle is cut off or too long", first + entries.len() as u64));
    }
    let hashes = leaf_hashes(&entries);
    let tile = reader.tile(0, bundle)?;
    let bad = hashes.iter().zip(&tile).position(|(entry, tile)| entry != tile);
    let differs = bad.map(|place| (first + place as u64, "the entry was changed".to_owned()));
    Ok(Leaves { hashes, differs })
}

/// The root over all parts.
fn root(size: u64, parts: &[Option<Part>]) -> Result<Hash, LogError> {
    let mut above = Frontier::default();
    let mut edge = Frontier::default();
    for part in parts.iter().flatten() {
        match part {
            Part::Full(root) => above.push(*root),
            Part::Edge(hashes) => edge.extend(hashes),
        }
    }
    if above.size() * TILE_WIDTH + edge.size() != size {
        return Err(LogError::damaged("entries are missing", above.size() * TILE_WIDTH + edge.size()));
    }
    Ok(match (above.size(), edge.size()) {
        (_, 0) if above.size() > 0 => above.root(),
        (0, _) => edge.root(),
        _ => above.nodes().iter().rev().fold(edge.root(), |right, left| node_hash(left, &right)),
    })
}

/// Where entries and lowest tiles agree and yet the root is another, somebody made them anew.
fn first_bad_tile(reader: &Reader, parts: &[Option<Part>]) -> Result<LogError, LogError> {
    let unknown = || LogError::damaged("the entries do not have the root that was signed", 0);
    Ok(bad_tile(reader, parts)?.unwrap_or_else(unknown))
}

/// The first tile above the lowest that is not what those below it give. The lowest are what the entries give, `parts`.
fn bad_tile(reader: &Reader, parts: &[Option<Part>]) -> Result<Option<LogError>, LogError> {
    let mut level = 1;
    while level < 8 && reader.size() >> (8 * level) > 0 {
        let hashes = reader.size() >> (8 * level);
        for index in 0..hashes.div_ceil(TILE_WIDTH) {
            for (place, hash) in (0..).zip(reader.tile(level, index)?) {
                let below = index * TILE_WIDTH + place;
                if root_of_tile(reader, parts, level - 1, below)? != Some(hash) {
                    let leaf = below << (8 * level);
                    let what = "the tiles over it and the 255 next to it do not fit together";
                    return Ok(Some(LogError::damaged(what, leaf)));
                }
            }
        }
        level += 1;
    }
    Ok(None)
}

/// The root over a full tile.
fn root_of_tile(
    reader: &Reader,
    parts: &[Option<Part>],
    level: u32,
    index: u64,
) -> Result<Option<Hash>, LogError> {
    if level > 0 {
        return Ok(fold(&reader.tile(level, index)?));
    }
    Ok(match usize::try_from(index).ok().and_then(|index| parts.get(index)) {
        Some(Some(Part::Full(root))) => Some(*root),
        _ => None,
    })
}
