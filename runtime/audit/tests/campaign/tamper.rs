//! Tampering: what somebody who can write to the disk does to a log, with and without the log's own key.
//!
//! Who verifies remembers one checkpoint that the log gave out before. Each kind must be noticed every time.

use super::random::Random;
use super::{ORIGIN, check, event, open, signer};
use govc_audit::disk::MemoryDisk;
use govc_audit::merkle::{TILE_WIDTH, Tile, bundle_path, leaf_hash, node_hash};
use govc_audit::{Checkpoint, Log, Options, SignedCheckpoint, Signer};

/// A log with its past.
pub(crate) struct Victim {
    disk: MemoryDisk,
    events: Vec<Vec<u8>>,
    /// Checkpoints that it gave out, from the first to the last.
    given: Vec<SignedCheckpoint>,
}

impl Victim {
    fn new(random: &mut Random) -> Result<Self, String> {
        let disk = MemoryDisk::new();
        let log = open(&disk)?;
        let size = 300 + random.below(900);
        let (mut events, mut given) = (Vec::new(), Vec::new());
        while (events.len() as u64) < size {
            let batch: Vec<Vec<u8>> =
                (0..=random.below(60)).map(|n| small(events.len() as u64 + n, random)).collect();
            let pending: Result<Vec<_>, _> = batch.iter().map(|event| log.submit(event)).collect();
            for pending in pending.map_err(|error| error.to_string())? {
                let receipt = pending.wait().map_err(|error| error.to_string())?;
                if given.last() != Some(&*receipt.checkpoint) {
                    given.push(SignedCheckpoint::clone(&receipt.checkpoint));
                }
            }
            events.extend(batch);
        }
        log.close().map_err(|error| error.to_string())?;
        Ok(Self { disk, events, given })
    }

    fn size(&self) -> u64 {
        self.events.len() as u64
    }

    fn last(&self) -> &SignedCheckpoint {
        &self.given[self.given.len() - 1]
    }
}

/// Events of which hundreds fit a segment.
fn small(number: u64, random: &mut Random) -> Vec<u8> {
    let mut bytes = event(number, random);
    bytes.truncate(120);
    bytes
}

/// One attempt: the disk to change, the log that it was, the checkpoint that the verifier remembers.
pub(crate) struct Attempt<'v> {
    victim: &'v Victim,
    disk: MemoryDisk,
    seen: Checkpoint,
    random: &'v mut Random,
}

pub(crate) type Kind = (&'static str, fn(&mut Attempt<'_>));

/// All kinds.
pub(crate) const KINDS: &[Kind] = &[
    ("a bit of an entry", |a| a.bundle(|bytes, r| flip(bytes, r, 2))),
    ("the length of an entry", |a| a.bundle(|bytes, _| bytes[1] ^= 1)),
    ("a bundle cut off", |a| a.bundle(|bytes, r| bytes.truncate(r.index(bytes.len())))),
    ("a bundle emptied", |a| a.bundle(|bytes, _| bytes.clear())),
    ("a bundle of zeros", |a| a.bundle(|bytes, _| bytes.fill(0))),
    ("a bundle removed", |a| a.remove_bundle()),
    ("bundles exchanged", |a| a.exchange_bundles()),
    ("an entry exchanged with the next", |a| a.entries(|e, r| swap_next(e, r))),
    ("an entry doubled", |a| a.entries(double)),
    ("an entry left out", |a| a.entries(|e, r| drop(e.remove(r.index(e.len()))))),
    ("an entry put in", |a| a.entries(|e, r| e.insert(r.index(e.len()), b"put in".to_vec()))),
    ("an entry emptied", |a| a.entries(|e, r| empty_one(e, r))),
    ("an entry replaced", |a| a.entries(|e, r| replace_one(e, r))),
    ("the last entry lengthened", |a| a.entries(|e, _| last(e).push(b' '))),
    ("two entries made one", |a| a.entries(join)),
    ("an entry made two", |a| a.entries(cut_in_two)),
    ("bytes behind a full bundle", |a| a.full_bundle(|bytes| bytes.extend([0, 0]))),
    ("a bit of a lowest tile", |a| a.tile(0, |bytes, r| flip(bytes, r, 0))),
    ("a lowest tile cut off", |a| a.tile(0, |bytes, r| bytes.truncate(r.index(bytes.len())))),
    ("a lowest tile of zeros", |a| a.tile(0, |bytes, _| bytes.fill(0))),
    ("a lowest tile lengthened", |a| a.tile(0, |bytes, _| bytes.push(0))),
    ("hashes of a lowest tile exchanged", |a| a.tile(0, |bytes, _| bytes.rotate_left(32))),
    ("a lowest tile removed", |a| a.remove_tile(0)),
    ("lowest tiles exchanged", |a| a.exchange_tiles()),
    ("a bit of an upper tile", |a| a.tile(1, |bytes, r| flip(bytes, r, 0))),
    ("an upper tile cut off", |a| a.tile(1, |bytes, r| bytes.truncate(r.index(bytes.len())))),
    ("an upper tile of zeros", |a| a.tile(1, |bytes, _| bytes.fill(0))),
    ("an upper tile removed", |a| a.remove_tile(1)),
    ("an entry and its hash", |a| a.entry_and_tiles(false)),
    ("an entry and all tiles over it", |a| a.entry_and_tiles(true)),
    ("a bit of the checkpoint's signature", |a| a.signature()),
    ("the checkpoint's size", |a| a.checkpoint(|c| c.size += 1)),
    ("the checkpoint's smaller size", |a| a.checkpoint(|c| c.size -= 1)),
    ("the checkpoint's root", |a| a.checkpoint(|c| c.root[0] ^= 1)),
    ("the checkpoint's origin", |a| a.checkpoint(|c| c.origin.push('x'))),
    ("the checkpoint cut off", |a| a.cut_checkpoint()),
    ("a checkpoint by another key", |a| a.foreign_checkpoint()),
    ("a checkpoint that promises more", |a| a.promising_checkpoint()),
    ("the log of another key", |a| a.anew_by(&[9; 32], |_, _| {})),
    ("back to an old state", |a| a.roll_back()),
    ("everything removed", |a| a.remove_all()),
    ("made anew with an entry changed", |a| a.anew(|e, r| replace_one(e, r))),
    ("made anew without an entry", |a| a.anew(|e, r| drop(e.remove(r.index(e.len()))))),
    ("made anew with one more", |a| a.anew(|e, r| e.insert(r.index(e.len()), b"put in".to_vec()))),
    ("made anew in another order", |a| a.anew(|e, r| swap_next(e, r))),
    ("made anew and shorter", |a| a.anew(|e, r| e.truncate(r.index(e.len())))),
    ("made anew with one split", |a| a.anew(cut_in_two)),
    ("made anew with two joined", |a| a.anew(join)),
    ("made anew with a time set back", |a| {
        a.anew(|e, r| {
            let at = r.index(e.len());
            e[at].insert(0, b'-');
        })
    }),
    ("forked and gone on", |a| a.fork_and_go_on()),
    ("another log's bundle", |a| a.splice()),
    ("a bit of the journal's entries", |a| {
        a.journal(|bytes, r| {
            let at = 4096 + 48 + r.index(100);
            bytes[at] ^= 1;
        })
    }),
    ("a bit of a record's head", |a| {
        a.journal(|bytes, r| {
            let at = 4096 + r.index(12);
            bytes[at] ^= 1;
        })
    }),
    ("a bit of a segment's head", |a| {
        a.journal(|bytes, r| {
            let at = r.index(72);
            bytes[at] ^= 1 << r.below(8);
        })
    }),
    ("the journal's records emptied", |a| a.journal(|bytes, _| bytes[4096..].fill(0))),
    ("the journal cut off", |a| a.journal(|bytes, _| bytes.truncate(4096 + 100))),
    ("the journal removed", |a| a.remove_journal()),
    ("the size noted as durable", |a| {
        let size = a.victim.size() + 1 + a.random.below(1000);
        a.disk.tamper("tile/durable", Some(size.to_string().into_bytes()));
    }),
];

fn flip(bytes: &mut [u8], random: &mut Random, from: usize) {
    let at = (from + random.index(bytes.len().saturating_sub(from))).min(bytes.len() - 1);
    bytes[at] ^= 1 << random.below(8);
}

fn last(entries: &mut [Vec<u8>]) -> &mut Vec<u8> {
    let at = entries.len() - 1;
    &mut entries[at]
}

fn swap_next(entries: &mut [Vec<u8>], random: &mut Random) {
    let at = random.index(entries.len() - 1);
    entries.swap(at, at + 1);
}

fn double(entries: &mut Vec<Vec<u8>>, random: &mut Random) {
    let at = random.index(entries.len());
    entries.insert(at, entries[at].clone());
}

fn empty_one(entries: &mut [Vec<u8>], random: &mut Random) {
    let at = random.index(entries.len());
    entries[at].clear();
}

fn replace_one(entries: &mut [Vec<u8>], random: &mut Random) {
    let at = random.index(entries.len());
    entries[at] = b"replaced".to_vec();
}

fn join(entries: &mut Vec<Vec<u8>>, random: &mut Random) {
    let at = random.index(entries.len() - 1);
    let next = entries.remove(at + 1);
    entries[at].extend(next);
}

fn cut_in_two(entries: &mut Vec<Vec<u8>>, random: &mut Random) {
    let at = random.index(entries.len());
    let rest = entries[at].split_off(3);
    entries.insert(at + 1, rest);
}

fn bundled(entries: &[Vec<u8>]) -> Vec<u8> {
    entries.iter().flat_map(|e| [&(e.len() as u16).to_be_bytes()[..], e].concat()).collect()
}

impl Attempt<'_> {
    fn size(&self) -> u64 {
        self.victim.size()
    }

    fn bundle_at(&self, index: u64) -> String {
        bundle_path(index, TILE_WIDTH.min(self.size() - index * TILE_WIDTH))
    }

    fn any_bundle(&mut self) -> u64 {
        self.random.below(self.size().div_ceil(TILE_WIDTH))
    }

    fn change(&mut self, path: &str, with: impl FnOnce(&mut Vec<u8>, &mut Random)) {
        let mut bytes = self.disk.content(path).unwrap_or_else(|| panic!("no {path}"));
        with(&mut bytes, self.random);
        self.disk.tamper(path, Some(bytes));
    }

    fn bundle(&mut self, with: impl FnOnce(&mut Vec<u8>, &mut Random)) {
        let index = self.any_bundle();
        self.change(&self.bundle_at(index), with);
    }

    fn full_bundle(&mut self, with: impl FnOnce(&mut Vec<u8>)) {
        let index = self.random.below(self.size() / TILE_WIDTH);
        self.change(&self.bundle_at(index), |bytes, _| with(bytes));
    }

    fn remove_bundle(&mut self) {
        let index = self.any_bundle();
        self.disk.tamper(&self.bundle_at(index), None);
    }

    fn exchange_bundles(&mut self) {
        let (first, second) = (self.bundle_at(0), self.bundle_at(1));
        self.exchange(&first, &second);
    }

    fn exchange(&mut self, first: &str, second: &str) {
        let (a, b) = (self.disk.content(first), self.disk.content(second));
        self.disk.tamper(first, b);
        self.disk.tamper(second, a);
    }

    /// Changes the entries of a bundle, two at least.
    fn entries(&mut self, with: impl FnOnce(&mut Vec<Vec<u8>>, &mut Random)) {
        let index = self.random.below(self.size() / TILE_WIDTH);
        let from = usize::try_from(index * TILE_WIDTH).unwrap_or(0);
        let mut entries = self.victim.events[from..from + 256].to_vec();
        with(&mut entries, self.random);
        self.disk.tamper(&self.bundle_at(index), Some(bundled(&entries)));
    }

    fn tile_at(&mut self, level: u32) -> String {
        let hashes = self.size() >> (8 * level);
        let first = self.random.below(hashes);
        Tile::holding(level, first, self.size()).map_or_else(String::new, |tile| tile.path())
    }

    fn tile(&mut self, level: u32, with: impl FnOnce(&mut Vec<u8>, &mut Random)) {
        let path = self.tile_at(level);
        let before = self.disk.content(&path);
        self.change(&path, with);
        if self.disk.content(&path) == before {
            self.change(&path, |bytes, r| flip(bytes, r, 0));
        }
    }

    fn remove_tile(&mut self, level: u32) {
        let path = self.tile_at(level);
        self.disk.tamper(&path, None);
    }

    fn exchange_tiles(&mut self) {
        let path =
            |index| Tile::holding(0, index * TILE_WIDTH, self.size()).map_or_else(String::new, |t| t.path());
        let (first, second) = (path(0), path(1));
        self.exchange(&first, &second);
    }

    /// Changes an entry and makes the tiles fit.
    fn entry_and_tiles(&mut self, upper: bool) {
        let at = self.random.below(self.size() / TILE_WIDTH * TILE_WIDTH);
        let (index, place) = (at / TILE_WIDTH, usize::try_from(at % TILE_WIDTH).unwrap_or(0));
        let from = usize::try_from(index * TILE_WIDTH).unwrap_or(0);
        let mut entries = self.victim.events[from..from + 256].to_vec();
        entries[place].push(b'!');
        let mut hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        self.disk.tamper(&self.bundle_at(index), Some(bundled(&entries)));
        self.disk.tamper(&Tile { level: 0, index, width: 256 }.path(), Some(hashes.as_flattened().to_vec()));
        if !upper {
            return;
        }
        while hashes.len() > 1 {
            hashes = hashes.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        let above = Tile::holding(1, index, self.size()).map_or_else(String::new, |tile| tile.path());
        let place = usize::try_from(index).unwrap_or(0) * 32;
        self.change(&above, |bytes, _| bytes[place..place + 32].copy_from_slice(&hashes[0]));
    }

    fn signature(&mut self) {
        self.change("checkpoint", |bytes, r| {
            // Within the encoded signature, where each letter counts.
            let at = bytes.len() - 60 + r.index(40);
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        });
    }

    /// Changes the text and leaves the signature.
    fn checkpoint(&mut self, with: impl FnOnce(&mut Checkpoint)) {
        let last = self.victim.last();
        let mut checkpoint = last.checkpoint.clone();
        with(&mut checkpoint);
        let note = last.note.replace(&last.checkpoint.text(), &checkpoint.text());
        self.disk.tamper("checkpoint", Some(note.into_bytes()));
    }

    fn cut_checkpoint(&mut self) {
        self.change("checkpoint", |bytes, r| bytes.truncate(1 + r.index(bytes.len() - 1)));
    }

    fn foreign_checkpoint(&mut self) {
        let other = Signer::log(ORIGIN, &[8; 32]).expect("a key");
        let note = SignedCheckpoint::sign(self.victim.last().checkpoint.clone(), &other).note;
        self.disk.tamper("checkpoint", Some(note.into_bytes()));
    }

    /// By the log's own key, but over entries that are not there.
    fn promising_checkpoint(&mut self) {
        let mut checkpoint = self.victim.last().checkpoint.clone();
        checkpoint.size += 1 + self.random.below(300);
        self.disk.tamper("checkpoint", Some(SignedCheckpoint::sign(checkpoint, &signer()).note.into_bytes()));
    }

    fn remove_journal(&mut self) {
        self.disk
            .paths()
            .iter()
            .filter(|path| path.starts_with("journal/"))
            .for_each(|p| self.disk.tamper(p, None));
    }

    fn remove_all(&mut self) {
        self.disk.paths().iter().for_each(|path| self.disk.tamper(path, None));
    }

    /// A log with the log's own key over events of the attacker's choice, up to what was seen and beyond.
    fn anew(&mut self, with: impl FnOnce(&mut Vec<Vec<u8>>, &mut Random)) {
        self.anew_by(&[7; 32], with);
    }

    fn anew_by(&mut self, key: &[u8; 32], with: impl FnOnce(&mut Vec<Vec<u8>>, &mut Random)) {
        let seen = usize::try_from(self.seen.size).unwrap_or(0);
        let mut events = self.victim.events[..seen].to_vec();
        with(&mut events, self.random);
        let kept = self.random.below(2) == 0 && events.len() >= seen;
        if kept {
            events.extend_from_slice(&self.victim.events[seen..]);
        }
        self.disk = made(key, &events);
    }

    fn fork_and_go_on(&mut self) {
        let seen = usize::try_from(self.seen.size).unwrap_or(0);
        let from = self.random.index(seen);
        let more = self.random.index(600);
        let mut events = self.victim.events[..from].to_vec();
        events.extend((0..seen - from + more).map(|n| format!("another {n}").into_bytes()));
        self.disk = made(&[7; 32], &events);
    }

    /// The state of an earlier day, whole and signed.
    fn roll_back(&mut self) {
        let size = usize::try_from(self.random.below(self.seen.size)).unwrap_or(0);
        self.disk = made(&[7; 32], &self.victim.events[..size]);
    }

    fn splice(&mut self) {
        let other: Vec<Vec<u8>> = (0..self.size()).map(|n| format!("other {n}").into_bytes()).collect();
        let other = made(&[7; 32], &other);
        let index = self.any_bundle();
        self.disk.tamper(&self.bundle_at(index), other.content(&self.bundle_at(index)));
    }

    fn journal(&mut self, with: impl FnOnce(&mut Vec<u8>, &mut Random)) {
        let segments: Vec<String> = self.disk.paths().into_iter().filter(|path| is_segment(path)).collect();
        let path = segments[self.random.index(segments.len())].clone();
        self.change(&path, with);
    }
}

fn is_segment(path: &str) -> bool {
    path.strip_prefix("journal/").is_some_and(|name| name.len() == 16)
}

/// A whole log over some events.
fn made(key: &[u8; 32], events: &[Vec<u8>]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let signer = Signer::log(ORIGIN, key).expect("a key");
    let log = Log::open(disk.clone(), signer, Options::new(ORIGIN).segments_of(0)).expect("a log");
    let pending: Vec<_> = events.iter().map(|event| log.submit(event).expect("handed in")).collect();
    pending.into_iter().for_each(|pending| drop(pending.wait().expect("acknowledged")));
    log.close().expect("closed");
    disk
}

/// Tries each kind a number of times; gives what was missed, and false alarms over clean logs.
pub(crate) fn campaign(each: u64, seed: u64) -> Result<(), String> {
    const VICTIMS: u64 = 20;
    let mut random = Random::new(seed);
    let victims: Result<Vec<_>, _> = (0..VICTIMS.min(each)).map(|_| Victim::new(&mut random)).collect();
    let victims = victims?;
    for round in 0..each {
        let victim = &victims[usize::try_from(round).unwrap_or(0) % victims.len()];
        let seen = victim.given[random.index(victim.given.len())].checkpoint.clone();
        check(&victim.disk, std::slice::from_ref(&seen))
            .map_err(|error| format!("a false alarm: {error}"))?;
        for (kind, attack) in KINDS {
            let (disk, seen) = (victim.disk.copy(), seen.clone());
            let mut attempt = Attempt { victim, disk, seen, random: &mut random };
            attack(&mut attempt);
            if check(&attempt.disk, &[attempt.seen]).is_ok() {
                return Err(format!("seed {seed}, round {round}: `{kind}` was not noticed"));
            }
        }
    }
    Ok(())
}
