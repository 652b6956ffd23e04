//! Signed bundles with one random thing wrong: nothing is accepted that has other content.
//!
//! `GOVC_MUTATIONS` says how many are tried; 2,000 without it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{Files, files_of, gzip, signed, signing, tar_of, verifying};
use govc_engine::{Bundle, BundleLimits, LoadError, Trust};
use std::collections::BTreeMap;
use std::io::Read;
use std::panic::catch_unwind;

/// A reproducible stream of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }
}

type Entry = (Vec<u8>, tar::EntryType, Vec<u8>);

fn entries(files: &Files) -> Vec<Entry> {
    let entry = |(path, content): (&String, &Vec<u8>)| {
        (format!("/{path}").into_bytes(), tar::EntryType::Regular, content.clone())
    };
    files.iter().map(entry).collect()
}

fn packed(entries: &[Entry]) -> Vec<u8> {
    let parts: Vec<_> = entries.iter().map(|(p, k, c)| (p.as_slice(), *k, c.as_slice())).collect();
    tar_of(&parts)
}

fn unpacked(bundle: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bundle).read_to_end(&mut tar).unwrap();
    tar
}

/// What is wrong, and whether no bundle with it may ever be accepted, whatever it holds.
struct Mutation {
    name: &'static str,
    never: bool,
    bytes: Vec<u8>,
}

const KINDS: usize = 16;

fn mutate(bundle: &[u8], kind: usize, random: &mut Random) -> Mutation {
    let files = files_of(bundle);
    let mut list = entries(&files);
    let at = random.below(list.len());
    let made = |name, never, bytes| Mutation { name, never, bytes };
    let flipped = |mut bytes: Vec<u8>, random: &mut Random| {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        bytes
    };
    match kind {
        0 => made("bit of the archive", false, flipped(bundle.to_vec(), random)),
        1 => made("bit of the tar", false, gzip(&flipped(unpacked(bundle), random))),
        2 => {
            list[at].2 = flipped(std::mem::take(&mut list[at].2), random);
            made("bit of a file", true, gzip(&packed(&list)))
        }
        3 => made("cut archive", true, bundle[..random.below(bundle.len())].to_vec()),
        4 => {
            let tar = packed(&list);
            let length = random.below(tar.len() - 1024);
            made("cut tar", false, gzip(&tar[..length]))
        }
        5 => {
            let other = random.below(list.len());
            list.swap(at, other);
            made("reordered entries", false, gzip(&packed(&list)))
        }
        6 => {
            let again = list[at].clone();
            list.push(again);
            made("duplicate entry", true, gzip(&packed(&list)))
        }
        7 => {
            let evil: [&[u8]; 5] = [b"/../etc/passwd", b"/a/../../b", b"//x", b"/a\\b", b"/./x"];
            list[at].0 = evil[random.below(evil.len())].to_vec();
            made("unsafe path", true, gzip(&packed(&list)))
        }
        8 => {
            let kinds =
                [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo, tar::EntryType::Char];
            list[at].1 = kinds[random.below(kinds.len())];
            list[at].2.clear();
            made("link or device", true, gzip(&packed(&list)))
        }
        9 => {
            list.remove(at);
            made("missing file", true, gzip(&packed(&list)))
        }
        10 => {
            list.push((b"/policy/extra.rego".to_vec(), tar::EntryType::Regular, b"package b".to_vec()));
            made("extra file", true, gzip(&packed(&list)))
        }
        11 => {
            let mut bytes = bundle.to_vec();
            bytes.extend((0..=random.below(64)).map(|n| n as u8));
            made("trailing bytes", true, bytes)
        }
        12 => made("second gzip member", true, [bundle, bundle].concat()),
        13 => {
            let mut tar = packed(&list);
            // The size of an entry, in octal digits.
            tar[124 + random.below(11)] = b'0' + random.below(8) as u8;
            made("lying header", false, gzip(&tar))
        }
        14 => {
            let other = (at + 1) % list.len();
            let (path, other_path) = (list[at].0.clone(), list[other].0.clone());
            (list[at].0, list[other].0) = (other_path, path);
            made("exchanged contents", true, gzip(&packed(&list)))
        }
        _ => {
            list[at].2 = vec![0; 1 << 21];
            made("bomb", true, gzip(&packed(&list)))
        }
    }
}

#[test]
fn nothing_with_other_content_is_accepted() {
    let count = std::env::var("GOVC_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let bundle = signed(&signing("ed25519"));
    let good = Bundle::open(&bundle, &Trust::unsigned()).unwrap();
    let limits = BundleLimits { total: 1 << 20, ..BundleLimits::default() };
    let trust = Trust::key(verifying("ed25519")).limits(limits);
    let mut random = Random(7);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for nth in 0..count {
        let mutation = mutate(&bundle, nth % KINDS, &mut random);
        let opened: Result<Bundle, LoadError> = catch_unwind(|| Bundle::open(&mutation.bytes, &trust))
            .unwrap_or_else(|_| panic!("{} {nth}: a panic", mutation.name));
        let entry = counts.entry(mutation.name).or_default();
        entry.0 += 1;
        if let Ok(opened) = opened {
            entry.1 += 1;
            assert!(!mutation.never, "{} {nth} is accepted", mutation.name);
            assert_eq!(opened.digest(), good.digest(), "{} {nth}", mutation.name);
            assert!(opened.files().eq(good.files()), "{} {nth}", mutation.name);
        }
    }
    for (name, (tried, accepted)) in &counts {
        println!("{name}: {tried} tried, {accepted} accepted with the same content");
    }
    assert_eq!(counts.len(), KINDS);
}
