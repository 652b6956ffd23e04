//! Monitors and witnesses: what they sign, and what they refuse.

use govc_audit::disk::MemoryDisk;
use govc_audit::merkle::leaf_hash;
use govc_audit::note::NoteError;
use govc_audit::{
    Disk, Log, Monitor, Options, Proof, Reader, Refusal, SignedCheckpoint, Signer, Verifier, Witness,
};
use std::sync::Arc;

const ORIGIN: &str = "example.com/audit";

fn log(disk: &MemoryDisk) -> Log {
    let signer = Signer::log(ORIGIN, &[7; 32]).expect("a key");
    Log::open(disk.clone(), signer, Options::new(ORIGIN).segments_of(0)).expect("a log")
}

/// Appends events that begin with a word and gives the newest state.
fn grow(disk: &MemoryDisk, word: &str, events: u64) -> (Reader, SignedCheckpoint) {
    let log = log(disk);
    for number in 0..events {
        let _ = log.append(format!("{word} {number}").as_bytes()).expect("acknowledged");
    }
    log.publish().expect("published");
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Reader::newest(disk, ORIGIN, log.verifier()).expect("readable").expect("not empty")
}

fn verifier() -> Verifier {
    Signer::log(ORIGIN, &[7; 32]).expect("a key").verifier()
}

fn witness(memory: &MemoryDisk) -> Witness {
    let monitor = Monitor::new(Arc::new(memory.clone()), "seen", verifier());
    Witness::new(monitor, Signer::witness("witness.example", &[9; 32]).expect("a key"))
}

#[test]
fn a_witness_signs_what_continues_and_nothing_else() {
    let (disk, memory) = (MemoryDisk::new(), MemoryDisk::new());
    let (reader, first) = grow(&disk, "event", 10);
    let signed =
        witness(&memory).cosign(&first, 1_700_000_000, |old| reader.consistency(old)).expect("signed");
    let key = Signer::witness("witness.example", &[9; 32]).expect("a key").verifier();
    assert_eq!(signed.seen_by(&key), Ok(1_700_000_000));
    assert_eq!(
        SignedCheckpoint::open(&signed.note, &verifier()).map(|s| s.checkpoint),
        Ok(first.checkpoint.clone())
    );

    let (reader, second) = grow(&disk, "event", 300);
    // Another process of the same witness remembers.
    let again = witness(&memory).cosign(&second, 1_700_000_060, |old| reader.consistency(old));
    assert!(again.is_ok());
    let back = witness(&memory).cosign(&first, 1_700_000_120, |old| reader.consistency(old));
    assert_eq!(back, Err(Refusal::Rollback { seen: 310, given: 10 }));

    let (reader, fork) = grow(&MemoryDisk::new(), "another", 400);
    let forked = witness(&memory).cosign(&fork, 1_700_000_180, |old| reader.consistency(old));
    assert_eq!(forked, Err(Refusal::Fork { seen: 310 }));
    let monitor = Monitor::new(Arc::new(memory), "seen", verifier());
    assert_eq!(monitor.seen().map(|seen| seen.map(|seen| seen.checkpoint)), Ok(Some(second.checkpoint)));
}

#[test]
fn a_time_that_was_changed_is_no_signature() {
    let (_, signed) = grow(&MemoryDisk::new(), "event", 3);
    let key = Signer::witness("witness.example", &[9; 32]).expect("a key");
    let cosigned = signed.clone().cosigned(&key, 5);
    let other = signed.cosigned(&key, 6);
    assert_ne!(cosigned.note, other.note);
    assert_eq!(cosigned.seen_by(&key.verifier()), Ok(5));
    let stranger = Signer::witness("witness.example", &[10; 32]).expect("a key").verifier();
    let unsigned = NoteError::Unsigned { name: "witness.example".to_owned() };
    assert_eq!(cosigned.seen_by(&stranger), Err(unsigned));
}

#[test]
fn a_proof_in_a_text_is_checked_alone() {
    let (reader, signed) = grow(&MemoryDisk::new(), "event", 700);
    let found = reader.prove(600).expect("a proof");
    let text = Proof::new(found.index, found.path, signed).text();
    let read = Proof::open(&text, &verifier()).expect("a proof");
    assert!(read.holds(&leaf_hash(b"event 600")));
    assert!(!read.holds(&leaf_hash(b"event 601")));
    assert_eq!(read.text(), text);
    assert_eq!(Proof::open(&text.replace("index 600", "index six"), &verifier()), Err(NoteError::Malformed));
    let moved = Proof::open(&text.replace("index 600", "index 601"), &verifier()).expect("in form");
    assert!(!moved.holds(&leaf_hash(b"event 600")));
}
