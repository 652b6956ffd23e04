//! The log: many clients, one chain, an acknowledgement only for what is on the disk.
//!
//! The surprising fact: no thread is there to commit. Whoever waits for an acknowledgement while nobody commits
//! does it for all who wait, so that a single client pays for no hand-over and a crowd shares one sync.

mod batch;
mod cursor;
mod entries;
mod error;
mod publish;
mod record;
mod recover;
mod resume;
mod segment;
mod tiles;
mod writer;

pub use entries::ENTRY_LIMIT;
pub use error::LogError;

pub(crate) use cursor::{Cursor, first_in_journal};
pub(crate) use entries::Entries;
pub(crate) use publish::durable_size;
pub(crate) use record::Record;
pub(crate) use recover::{published, recover};

use crate::checkpoint::SignedCheckpoint;
use crate::disk::Disk;
use crate::group::{Group, Joined};
use crate::merkle::leaf_hash;
use crate::note::{Signer, Verifier};
use batch::Batch;
use publish::Publisher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::{Committed, Writer};

/// The file with the newest checkpoint whose tiles are there.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// The file whose lock lets one process at a time publish and recycle the journal.
pub(crate) const TILE_LOCK: &str = "tile/lock";

/// The folder of segments that wait for use.
pub(crate) const SPARE: &str = "spare";

/// How a log works. All of it may change from one opening to the next but the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The first line of every checkpoint; names the log.
    pub origin: String,
    /// Bytes of a segment of the journal; 256 KB at least.
    pub segment_bytes: u64,
    /// The most bytes of events that one commit takes.
    pub batch_bytes: usize,
    /// How long tiles may lag behind acknowledgements.
    pub publish_every: Duration,
    /// Bytes of the journal after which tiles are synced and the journal is used again.
    pub sync_tiles_every: u64,
}

impl Options {
    /// The usual options for a log of this origin.
    pub fn new(origin: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            segment_bytes: 16 << 20,
            batch_bytes: 4 << 20,
            publish_every: Duration::from_millis(20),
            sync_tiles_every: 64 << 20,
        }
    }

    /// The same with other lengths of segments, and batches that fit them.
    #[must_use]
    pub fn segments_of(mut self, bytes: u64) -> Self {
        const LEAST: u64 = 256 << 10;
        self.segment_bytes = bytes.max(LEAST);
        self.batch_bytes =
            self.batch_bytes.min(usize::try_from(self.segment_bytes / 3).unwrap_or(usize::MAX));
        self
    }
}

/// The acknowledgement of an event: it is on the disk, under a signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Receipt {
    /// Index of its leaf, from 0.
    pub index: u64,
    /// A checkpoint that covers it.
    pub checkpoint: Arc<SignedCheckpoint>,
}

/// An event that was handed in and is not yet acknowledged.
#[derive(Debug)]
#[must_use = "an event counts only once it is acknowledged"]
pub struct Pending<'l> {
    log: &'l Log,
    joined: Joined<Result<Committed, LogError>>,
    place: u64,
}

impl Pending<'_> {
    /// Waits until the event is durable.
    ///
    /// # Errors
    /// When it is not known to be durable.
    pub fn wait(self) -> Result<Receipt, LogError> {
        let shared = &self.log.shared;
        // Who panics in a commit leaves a journal of which nothing is known.
        let committed =
            shared.group.wait(&self.joined, |batch| shared.commit(batch)).ok_or(LogError::Poisoned)??;
        Ok(Receipt { index: committed.first + self.place, checkpoint: committed.signed })
    }
}

#[derive(Debug)]
struct Shared {
    group: Group<Batch, Result<Committed, LogError>>,
    batch_bytes: usize,
    writer: Mutex<Writer>,
    publisher: Mutex<Publisher>,
    /// The newest checkpoint that this process made durable or found so, and the journal's generation.
    newest: Mutex<(Option<Arc<SignedCheckpoint>>, u64)>,
    closing: AtomicBool,
    wake: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here is left half done by a panic: what a thread changes it changes at its end.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn commit(&self, batch: &Batch) -> Result<Committed, LogError> {
        let mut writer = lock(&self.writer);
        let committed = writer.commit(batch)?;
        *lock(&self.newest) = (Some(committed.signed.clone()), writer.tip().generation());
        Ok(committed)
    }

    fn publish(&self, wait: bool) -> Result<(), LogError> {
        let (newest, generation) = lock(&self.newest).clone();
        let Some(newest) = newest else { return Ok(()) };
        let mut publisher = lock(&self.publisher);
        publisher.publish(&newest, wait)?;
        publisher.prepare(generation)
    }

    /// Until the log is closed: commits what nobody waits for, and publishes.
    fn run(&self, every: Duration) {
        while !self.closing.load(Ordering::Acquire) {
            let newest = lock(&self.newest);
            drop(self.wake.wait_timeout(newest, every).unwrap_or_else(PoisonError::into_inner));
            self.group.flush(|batch| self.commit(batch));
            // What fails here is tried again; a reader that needs it asks for it and gets the error.
            let _ = self.publish(false);
        }
    }
}

/// An open log. Any number of threads may use it, and any number of processes may have it open.
///
/// ```
/// use govc_audit::{FolderDisk, Log, Options, Signer};
/// let folder = tempfile::tempdir()?;
/// let signer = Signer::log("example.com/audit", &[7; 32])?;
/// let log = Log::open(FolderDisk::open(folder.path())?, signer, Options::new("example.com/audit"))?;
/// let receipt = log.append(b"{\"decision\":\"DENY\"}")?;
/// assert_eq!((receipt.index, receipt.checkpoint.checkpoint.size), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    verifier: Verifier,
    publishing: Option<JoinHandle<()>>,
}

impl Log {
    /// Opens a log, or begins one where there is none.
    ///
    /// # Errors
    /// When the disk fails, or what is there is damaged, shorter than it was, or another's.
    pub fn open(disk: impl Disk + 'static, signer: Signer, options: Options) -> Result<Self, LogError> {
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let segment_bytes = options.segment_bytes;
        let options = options.segments_of(segment_bytes);
        let verifier = signer.verifier();
        let writer = Writer::open(disk.clone(), signer, options.clone())?;
        let newest = Mutex::new((writer.tip().signed.clone(), writer.tip().generation()));
        let shared = Arc::new(Shared {
            group: Group::default(),
            batch_bytes: options.batch_bytes,
            writer: Mutex::new(writer),
            publisher: Mutex::new(Publisher::new(disk, verifier.clone(), options.clone())),
            newest,
            closing: AtomicBool::new(false),
            wake: Condvar::new(),
        });
        let publishing = std::thread::Builder::new()
            .name("audit-publisher".to_owned())
            .spawn({
                let shared = shared.clone();
                move || shared.run(options.publish_every)
            })
            .map_err(LogError::io("start a thread"))?;
        Ok(Self { shared, verifier, publishing: Some(publishing) })
    }

    /// Hands in an event, without waiting for it to be durable unless too many others wait already.
    ///
    /// # Errors
    /// When it is too large.
    pub fn submit(&self, entry: &[u8]) -> Result<Pending<'_>, LogError> {
        if entry.len() > ENTRY_LIMIT {
            return Err(LogError::TooLarge { given: entry.len(), limit: ENTRY_LIMIT });
        }
        // Hashed here, where others do not wait for it.
        let (shared, leaf) = (&self.shared, leaf_hash(entry));
        let is_full = |batch: &Batch| !batch.has_room(entry, shared.batch_bytes);
        let (place, joined) =
            shared.group.join(is_full, |batch| batch.push(entry, leaf), |batch| shared.commit(batch));
        Ok(Pending { log: self, joined, place: place? })
    }

    /// Records an event and returns when it is durable.
    ///
    /// # Errors
    /// When it is not known to be durable.
    pub fn append(&self, entry: &[u8]) -> Result<Receipt, LogError> {
        self.submit(entry)?.wait()
    }

    /// The newest checkpoint; none in an empty log.
    pub fn checkpoint(&self) -> Option<Arc<SignedCheckpoint>> {
        lock(&self.shared.newest).0.clone()
    }

    /// What checks the log's checkpoints.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Waits until the tiles hold everything that was acknowledged so far.
    ///
    /// # Errors
    /// When the disk fails, or the journal is damaged.
    pub fn publish(&self) -> Result<(), LogError> {
        self.shared.publish(true)
    }

    /// Commits what is still waiting, publishes it and closes the log. Dropping it does the same, but cannot
    /// say what went wrong.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn close(mut self) -> Result<(), LogError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), LogError> {
        let Some(thread) = self.publishing.take() else { return Ok(()) };
        self.shared.closing.store(true, Ordering::Release);
        self.shared.wake.notify_all();
        // The thread does not panic; if it did, there is still what it left to do.
        let _ = thread.join();
        self.shared.group.flush(|batch| self.shared.commit(batch));
        self.shared.publish(true)?;
        lock(&self.shared.publisher).close()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Everything acknowledged is in the journal, whatever becomes of the tiles.
        let _ = self.finish();
    }
}
