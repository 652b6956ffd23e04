//! Writes records: one write and one sync for a group of events.
//!
//! The surprising fact: each commit looks whether another process wrote since, although it holds the lock only
//! for itself. What it finds it checks as it would after a crash, because the other may have died writing.

use super::batch::Batch;
use super::error::LogError;
use super::recover::{Tip, recover};
use super::segment::{self, HEADER, Header, Segment};
use super::{Options, SPARE, record};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::disk::{Disk, DiskFile, Lock, Mode, read_some, write_all};
use crate::merkle::Frontier;
use crate::note::{Signer, Verifier};
use std::sync::Arc;

/// The file whose lock makes processes take turns.
const LOCK: &str = "journal/lock";

/// The file with the [`Word`]. Never synced: it is for processes that live at the same time.
const CURRENT: &str = "journal/current";

/// What processes tell each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Word {
    /// The newest segment, plus one.
    generation: u64,
    state: State,
}

/// How the last writer left the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// All that it wrote is durable.
    #[default]
    Settled,
    /// It was about to write or to sync, and did not finish.
    Writing,
    /// A sync failed.
    Poisoned,
}

impl Word {
    fn encode(self) -> [u8; 16] {
        let state: u64 = match self.state {
            State::Settled => 0,
            State::Writing => 1,
            State::Poisoned => 2,
        };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.generation.to_le_bytes());
        bytes[8..].copy_from_slice(&state.to_le_bytes());
        bytes
    }

    /// What is missing or unknown counts as unfinished.
    fn decode(bytes: &[u8]) -> Self {
        let word = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        let state = match word(8) {
            Some(0) => State::Settled,
            Some(2) => State::Poisoned,
            _ => State::Writing,
        };
        Self { generation: word(0).unwrap_or(0), state }
    }
}

/// What a commit made of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    /// Index of the first event of the batch.
    pub(crate) first: u64,
    /// The checkpoint over all of them.
    pub(crate) signed: Arc<SignedCheckpoint>,
}

#[derive(Debug)]
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    signer: Signer,
    verifier: Verifier,
    options: Options,
    current: Arc<dyn DiskFile>,
    tip: Tip,
    poisoned: bool,
}

impl Writer {
    /// Finds the end of the log and makes it durable: another process may have died between write and sync.
    pub(crate) fn open(disk: Arc<dyn Disk>, signer: Signer, options: Options) -> Result<Self, LogError> {
        let verifier = signer.verifier();
        disk.create_folder(segment::FOLDER).map_err(LogError::io("make the folder of the journal"))?;
        let _turn = turn(&*disk)?;
        let current = disk.open(CURRENT, Mode::Write).map_err(LogError::io("open the journal"))?;
        let tip = recover(&*disk, &options.origin, &verifier, Mode::Write)?;
        let mut writer = Self { disk, signer, verifier, options, current, tip, poisoned: false };
        writer.settle()?;
        Ok(writer)
    }

    fn settle(&mut self) -> Result<(), LogError> {
        let word = self.read_current()?;
        if let Some(segment) = &self.tip.segment {
            if word.state == State::Poisoned {
                rewrite(&*segment.file, self.tip.offset)?;
            }
            segment.file.sync().map_err(LogError::io("sync the journal"))?;
        }
        self.disk.sync_folder(segment::FOLDER).map_err(LogError::io("sync the folder of the journal"))?;
        self.write_current(State::Settled)
    }

    pub(crate) fn tip(&self) -> &Tip {
        &self.tip
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Takes in what other processes wrote, and makes it durable.
    pub(crate) fn refresh(&mut self) -> Result<(), LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        let _turn = turn(&*self.disk)?;
        self.catch_up()
    }

    /// Makes a batch durable.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<Committed, LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        let _turn = turn(&*self.disk)?;
        self.catch_up()?;
        let first = self.tip.frontier.size();
        let (frontier, signed) = self.sign(batch);
        self.make_room(record::span(batch.entries().len(), signed.note.len()))?;
        self.write(batch, first, &signed.note)?;
        let signed = Arc::new(signed);
        self.tip.frontier = frontier;
        self.tip.signed = Some(signed.clone());
        Ok(Committed { first, signed })
    }

    fn sign(&self, batch: &Batch) -> (Frontier, SignedCheckpoint) {
        let mut frontier = self.tip.frontier.clone();
        frontier.extend(batch.leaves());
        let (size, root) = (frontier.size(), frontier.root());
        let checkpoint = Checkpoint { origin: self.options.origin.clone(), size, root };
        (frontier, SignedCheckpoint::sign(checkpoint, &self.signer))
    }

    fn write(&mut self, batch: &Batch, first: u64, note: &str) -> Result<(), LogError> {
        let Some(segment) = &self.tip.segment else { return Err(LogError::Closed) };
        // A batch holds far fewer than 2^32 events.
        let count = u32::try_from(batch.leaves().len()).unwrap_or(u32::MAX);
        let bytes = record::encode(count, first, batch.entries(), note, &segment.header.nonce);
        let file = segment.file.clone();
        self.write_current(State::Writing)?;
        write_all(&*file, &bytes, self.tip.offset).map_err(LogError::io("write the journal"))?;
        self.sync(&*file)?;
        self.tip.offset += bytes.len() as u64;
        // Where this fails, the next writer syncs once more than it needs to.
        let _ = self.write_current(State::Settled);
        Ok(())
    }

    /// After a failed sync the system may take lost pages for written ones. Nobody goes on until the log is
    /// opened again, which writes the pages anew.
    fn sync(&mut self, file: &dyn DiskFile) -> Result<(), LogError> {
        let result = file.sync().map_err(LogError::io("sync the journal"));
        if result.is_err() {
            self.poisoned = true;
            // If this fails too, this process still stops here.
            let _ = self.write_current(State::Poisoned);
        }
        result
    }

    fn catch_up(&mut self) -> Result<(), LogError> {
        let word = self.read_current()?;
        if word.state == State::Poisoned {
            self.poisoned = true;
            return Err(LogError::Poisoned);
        }
        if word.generation == self.tip.generation() {
            self.tip.advance()?;
        } else {
            self.tip = recover(&*self.disk, &self.options.origin, &self.verifier, Mode::Write)?;
        }
        match (&self.tip.segment, word.state) {
            // At most one record is ever not durable: else a power cut could leave the second without the first.
            (Some(segment), State::Writing) => {
                let file = segment.file.clone();
                self.sync(&*file)?;
                self.write_current(State::Settled)
            }
            _ => Ok(()),
        }
    }

    fn make_room(&mut self, span: u64) -> Result<(), LogError> {
        let full = self.tip.offset + span > self.options.segment_bytes;
        if self.tip.segment.is_some() && !full {
            return Ok(());
        }
        if let Some(segment) = &self.tip.segment {
            // A record that was adopted from a process that died may not be durable yet.
            segment
                .file
                .sync()
                .map_err(|error| LogError::Io { doing: "sync the journal", reason: error.to_string() })?;
        }
        self.begin_segment()
    }

    fn begin_segment(&mut self) -> Result<(), LogError> {
        let number = self.tip.generation();
        let file = self.fresh_file(number)?;
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce)
            .map_err(|_| LogError::Io { doing: "draw random bytes", reason: "none to be had".to_owned() })?;
        let header = Header { number, nonce, before: self.tip.frontier.clone() };
        let segment = Segment::begin(file, header)?;
        self.disk.sync_folder(segment::FOLDER).map_err(LogError::io("sync the folder of the journal"))?;
        self.tip.segment = Some(segment);
        self.tip.offset = HEADER;
        self.write_current(State::Settled)
    }

    /// A file for a segment: one that was filled ahead, or a new one.
    fn fresh_file(&self, number: u64) -> Result<Arc<dyn DiskFile>, LogError> {
        let path = segment::path(number);
        let spares = self.disk.list(SPARE).map_err(LogError::io("list the spare segments"))?;
        let taken = spares
            .iter()
            .filter(|name| name.len() == 16)
            .any(|name| self.disk.rename(&format!("{SPARE}/{name}"), &path).is_ok());
        let file = self.disk.open(&path, Mode::Write).map_err(LogError::io("open the journal"))?;
        if taken {
            self.disk.sync_folder(SPARE).map_err(LogError::io("sync the folder of spare segments"))?;
        } else {
            fill(&*file, self.options.segment_bytes)?;
        }
        Ok(file)
    }

    fn read_current(&self) -> Result<Word, LogError> {
        let bytes = read_some(&*self.current, 0, 16).map_err(LogError::io("read the journal"))?;
        Ok(Word::decode(&bytes))
    }

    fn write_current(&self, state: State) -> Result<(), LogError> {
        let word = Word { generation: self.tip.generation(), state };
        write_all(&*self.current, &word.encode(), 0).map_err(LogError::io("write the journal"))
    }
}

fn turn(disk: &dyn Disk) -> Result<Option<Box<dyn Lock>>, LogError> {
    disk.lock(LOCK, true).map_err(LogError::io("lock the journal"))
}

/// Fills a file with zeros, so that later writes neither move its end nor look for room.
pub(crate) fn fill(file: &dyn DiskFile, length: u64) -> Result<(), LogError> {
    const STEP: u64 = 1 << 20;
    let io = LogError::io("make room for the journal");
    let zeros = vec![0; usize::try_from(length.min(STEP)).unwrap_or_default()];
    let mut at = 0;
    while at < length {
        let step = usize::try_from((length - at).min(STEP)).unwrap_or_default();
        write_all(file, zeros.get(..step).unwrap_or_default(), at).map_err(&io)?;
        at += step as u64;
    }
    file.sync().map_err(&io)
}

/// Writes what a file holds once more, so that the system sees it as not yet written.
fn rewrite(file: &dyn DiskFile, length: u64) -> Result<(), LogError> {
    let bytes = read_some(file, 0, usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(LogError::io("read the journal"))?;
    write_all(file, &bytes, 0).map_err(LogError::io("write the journal"))
}
