//! The log over a real folder: acknowledgements, proofs, several writers, reopening.

use govc_audit::merkle::verify_consistency;
use govc_audit::{Disk, FolderDisk, Log, LogError, Options, Reader, Signer, verify};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const ORIGIN: &str = "example.com/audit";

fn signer() -> Signer {
    Signer::log(ORIGIN, &[7; 32]).expect("a key")
}

fn options() -> Options {
    Options::new(ORIGIN).segments_of(256 << 10)
}

fn open(folder: &Path) -> Log {
    Log::open(FolderDisk::open(folder).expect("a folder"), signer(), options()).expect("a log")
}

fn disk(folder: &Path) -> Arc<dyn Disk> {
    Arc::new(FolderDisk::open(folder).expect("a folder"))
}

fn entries_verified(folder: &Path) -> u64 {
    verify(&disk(folder), ORIGIN, &signer().verifier(), &[], 2).expect("a whole log").entries
}

#[test]
fn an_acknowledged_event_is_proved_by_what_was_published() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path());
    let receipts: Vec<_> =
        (0..700).map(|n| log.submit(format!("event {n}").as_bytes()).expect("handed in")).collect();
    let receipts: Vec<_> =
        receipts.into_iter().map(|pending| pending.wait().expect("acknowledged")).collect();
    // One signature covers what was committed together, and each event has one at once.
    let sizes: BTreeSet<u64> = receipts.iter().map(|receipt| receipt.checkpoint.checkpoint.size).collect();
    assert!(sizes.len() < 350, "{} checkpoints for 700 events", sizes.len());
    for pair in receipts.windows(2) {
        let same = pair[0].checkpoint.checkpoint.size == pair[1].checkpoint.checkpoint.size;
        assert_eq!(Arc::ptr_eq(&pair[0].checkpoint, &pair[1].checkpoint), same);
    }
    log.publish().expect("published");
    let newest = Reader::newest(disk(folder.path()), ORIGIN, log.verifier()).expect("readable");
    let (reader, signed) = newest.expect("a checkpoint");
    assert_eq!(signed.checkpoint.size, 700);
    for (n, receipt) in receipts.iter().enumerate() {
        let proof = reader.prove(receipt.index).expect("a proof");
        assert_eq!(proof.entry, format!("event {n}").as_bytes());
        assert!(proof.holds(&signed.checkpoint));
        let earlier = &receipt.checkpoint.checkpoint;
        assert!(receipt.index < earlier.size);
        let path = reader.consistency(earlier.size).expect("a proof");
        assert!(verify_consistency(earlier.size, 700, &path, &earlier.root, &signed.checkpoint.root));
    }
    assert!(matches!(reader.entry(700), Err(LogError::NoLeaf { index: 700, size: 700 })));
    log.close().expect("closed");
    assert_eq!(entries_verified(folder.path()), 700);
}

#[test]
fn a_log_goes_on_where_it_was_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..20 {
        let log = open(folder.path());
        assert_eq!(log.checkpoint().map_or(0, |signed| signed.checkpoint.size), round * 60);
        for n in 0..60 {
            let receipt = log.append(&[b'x'; 3000]).expect("acknowledged");
            assert_eq!(receipt.index, round * 60 + n);
        }
        log.close().expect("closed");
        assert_eq!(entries_verified(folder.path()), (round + 1) * 60);
    }
}

#[test]
fn many_writers_make_one_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs: Vec<Log> = (0..3).map(|_| open(folder.path())).collect();
    let indices: Vec<u64> = std::thread::scope(|scope| {
        let writer = |log: usize, thread: usize| {
            let log = &logs[log];
            move || -> Vec<u64> {
                let write = |n| log.append(format!("{thread} {n}").as_bytes()).expect("acknowledged").index;
                (0..50).map(write).collect()
            }
        };
        let threads: Vec<_> = (0..12).map(|n| scope.spawn(writer(n % 3, n))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(indices.len(), 600);
    assert_eq!(indices.into_iter().collect::<BTreeSet<_>>(), (0..600).collect());
    drop(logs);
    assert_eq!(entries_verified(folder.path()), 600);
}

#[test]
fn a_log_of_another_key_or_origin_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _ = open(folder.path()).append(b"mine").expect("acknowledged");
    let reopen =
        |signer, options| Log::open(FolderDisk::open(folder.path()).expect("a folder"), signer, options);
    let other_key = Signer::log(ORIGIN, &[8; 32]).expect("a key");
    assert!(matches!(reopen(other_key, options()), Err(LogError::Foreign { .. })));
    let other_origin = Options::new("example.com/other");
    assert!(matches!(reopen(signer(), other_origin), Err(LogError::Foreign { .. })));
}

#[test]
fn an_event_that_is_too_large_is_refused_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path());
    assert!(matches!(log.append(&vec![0; 65_536]), Err(LogError::TooLarge { given: 65_536, limit: 65_535 })));
    assert_eq!(log.append(&vec![0; 65_535]).expect("acknowledged").index, 0);
}

#[test]
fn tiles_that_many_proofs_share_are_read_once() {
    const SIZE: u64 = 70_000;
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path());
    let pending: Vec<_> = (0..SIZE).map(|n| log.submit(&n.to_le_bytes()).expect("handed in")).collect();
    pending.into_iter().for_each(|pending| drop(pending.wait().expect("acknowledged")));
    log.publish().expect("published");
    let newest = Reader::newest(disk(folder.path()), ORIGIN, log.verifier()).expect("readable");
    let (reader, signed) = newest.expect("a checkpoint");
    let holds =
        |reader: &Reader, index| reader.prove(index).is_ok_and(|proof| proof.holds(&signed.checkpoint));
    assert!([0, SIZE / 2, SIZE - 1].into_iter().all(|index| holds(&reader, index)));
    // Whoever has read them does not need them again: a proof is the bundle of its entry and the tile above that.
    for level in ["1", "2"] {
        std::fs::remove_dir_all(folder.path().join("tile").join(level)).expect("there are such tiles");
    }
    assert!((0..SIZE).step_by(997).all(|index| holds(&reader, index)));
    assert!(!holds(&Reader::at(disk(folder.path()), SIZE), 1));
}
