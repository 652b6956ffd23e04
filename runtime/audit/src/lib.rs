//! An audit log that survives power cuts and that others can check.
//!
//! Events become leaves of a Merkle tree (RFC 6962) that lies on the disk as tiles (C2SP tlog-tiles) under
//! signed checkpoints (C2SP tlog-checkpoint). The surprising fact: the tiles are not what makes an event
//! durable. An event is acknowledged when the journal that holds it, with a checkpoint that covers it, is
//! synced once for a whole group of events; tiles follow later and can be made again from the journal.

pub mod chain;
pub mod checkpoint;
pub mod disk;
pub mod erase;
pub mod event;
pub mod export;
pub mod group;
pub mod log;
pub mod merkle;
pub mod monitor;
pub mod note;
pub mod outbox;
pub mod proof;
pub mod reader;
pub mod ship;
pub mod verify;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use disk::{Disk, FolderDisk};
pub use erase::Vault;
pub use event::Event;
pub use log::{Log, LogError, Options, Receipt};
pub use monitor::{Monitor, Refusal, Witness};
pub use note::{Signer, Verifier};
pub use outbox::Outbox;
pub use proof::Proof;
pub use reader::Reader;
pub use verify::verify;
