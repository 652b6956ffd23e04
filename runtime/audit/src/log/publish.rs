//! Makes tiles and the checkpoint of what the journal acknowledged, and frees the journal of it.
//!
//! The surprising fact: tiles are not synced when they are written. From time to time everything is synced at
//! once and the size that is then safe is noted; after a crash the tiles from there on are made again.

use super::cursor::Cursor;
use super::error::LogError;
use super::recover::published_whole;
use super::tiles::Edge;
use super::writer::fill;
use super::{CHECKPOINT, Options, SPARE, TILE_LOCK, segment};
use crate::checkpoint::SignedCheckpoint;
use crate::disk::{Disk, Lock, Mode, read_if_there, replace};
use crate::merkle::{Frontier, leaf_hashes};
use crate::note::Verifier;
use std::sync::Arc;

/// The file with the size up to which tiles are durable.
const DURABLE: &str = "tile/durable";

/// Segments that are kept filled for the journal.
const SPARES: usize = 2;

#[derive(Debug)]
pub(crate) struct Publisher {
    disk: Arc<dyn Disk>,
    verifier: Verifier,
    options: Options,
    place: Option<Place>,
    /// Partial tiles written since the last sync of everything.
    partial: Vec<String>,
    unsynced: u64,
}

/// Where publishing stands.
#[derive(Clone, Debug)]
struct Place {
    edge: Edge,
    frontier: Frontier,
    cursor: Option<Cursor>,
}

impl Publisher {
    pub(crate) fn new(disk: Arc<dyn Disk>, verifier: Verifier, options: Options) -> Self {
        Self { disk, verifier, options, place: None, partial: Vec::new(), unsynced: 0 }
    }

    /// Publishes up to a checkpoint that was acknowledged. Does nothing when another process is at it, unless
    /// told to wait.
    pub(crate) fn publish(&mut self, signed: &SignedCheckpoint, wait: bool) -> Result<(), LogError> {
        if self.place.as_ref().is_some_and(|place| place.edge.size() >= signed.checkpoint.size) {
            return Ok(());
        }
        let Some(_turn) = self.turn(wait)? else { return Ok(()) };
        let result = self.publish_locked(signed);
        if result.is_err() {
            // Half a step was done: the next try begins at what is known to be good.
            self.place = None;
        }
        result
    }

    fn turn(&self, wait: bool) -> Result<Option<Box<dyn Lock>>, LogError> {
        self.disk.lock(TILE_LOCK, wait).map_err(LogError::io("lock the tiles"))
    }

    fn publish_locked(&mut self, signed: &SignedCheckpoint) -> Result<(), LogError> {
        let known = published_whole(&*self.disk, &self.options.origin, &self.verifier)?;
        let known = known.map_or(0, |signed| signed.checkpoint.size);
        let mut place = match self.place.take().filter(|place| place.edge.size() == known) {
            Some(place) => place,
            None => self.start()?,
        };
        let size = signed.checkpoint.size;
        if place.edge.size() < size {
            self.advance(&mut place, size)?;
            self.show(&place, signed, known)?;
        }
        self.place = Some(place);
        if self.unsynced >= self.options.sync_tiles_every {
            self.make_durable()?;
        }
        Ok(())
    }

    /// Begins at the size that was safe last; what was published beyond it a crash may have lost.
    fn start(&self) -> Result<Place, LogError> {
        let size = durable_size(&*self.disk)?;
        let edge = Edge::read(&*self.disk, size)?;
        let frontier =
            edge.frontier().ok_or_else(|| LogError::damaged("the tiles do not fit together", 0))?;
        Ok(Place { edge, frontier, cursor: None })
    }

    fn advance(&mut self, place: &mut Place, size: u64) -> Result<(), LogError> {
        let disk = &*self.disk;
        let missing = |leaf| LogError::damaged("the journal lacks the entry", leaf);
        let mut cursor = match place.cursor.take() {
            Some(cursor) => cursor,
            None => Cursor::seek(disk, place.edge.size())?.ok_or_else(|| missing(place.edge.size()))?,
        };
        while place.edge.size() < size {
            let at = place.edge.size();
            let record = cursor.next(disk)?.ok_or_else(|| missing(at))?;
            let skip = at.checked_sub(record.head.first).ok_or_else(|| missing(at))?;
            let entries: Vec<&[u8]> =
                record.entries().skip(usize::try_from(skip).unwrap_or(usize::MAX)).collect();
            let leaves = leaf_hashes(&entries);
            place.frontier.extend(&leaves);
            for (entry, leaf) in entries.into_iter().zip(leaves) {
                place.edge.push(disk, entry, leaf)?;
            }
            let covers = record.checkpoint().is_some_and(|signed| {
                signed.checkpoint.size == place.frontier.size()
                    && signed.checkpoint.root == place.frontier.root()
            });
            if !covers {
                return Err(LogError::damaged("a record of the journal was changed", at));
            }
            self.unsynced += record.head.span();
        }
        place.cursor = Some(cursor);
        Ok(())
    }

    /// Lets readers see the tiles, the checkpoint last.
    fn show(&mut self, place: &Place, signed: &SignedCheckpoint, known: u64) -> Result<(), LogError> {
        if place.frontier.size() != signed.checkpoint.size || place.frontier.root() != signed.checkpoint.root
        {
            return Err(LogError::damaged(
                "the journal does not have the root that was signed",
                signed.checkpoint.size,
            ));
        }
        let paths = place.edge.write_partial(&*self.disk)?;
        self.partial.extend(paths);
        // After a crash of another process the tiles may lag behind the checkpoint that is shown already.
        if signed.checkpoint.size >= known {
            replace(&*self.disk, CHECKPOINT, signed.note.as_bytes(), false)
                .map_err(LogError::io("write the checkpoint"))?;
        }
        Ok(())
    }

    /// Syncs all tiles and lets the journal use again what is then safe.
    fn make_durable(&mut self) -> Result<(), LogError> {
        let Some(place) = &self.place else { return Ok(()) };
        let io = LogError::io("sync the tiles");
        self.disk.sync_everything().map_err(&io)?;
        replace(&*self.disk, DURABLE, place.edge.size().to_string().as_bytes(), true).map_err(&io)?;
        let first_needed = place.cursor.as_ref().map(Cursor::segment);
        self.unsynced = 0;
        self.forget_partial()?;
        first_needed.map_or(Ok(()), |number| self.recycle(number))
    }

    /// Removes partial tiles whose full ones are durable.
    fn forget_partial(&mut self) -> Result<(), LogError> {
        let size = self.place.as_ref().map_or(0, |place| place.edge.size());
        for path in std::mem::take(&mut self.partial) {
            let full = path.split_once(".p/").map_or(path.as_str(), |(full, _)| full);
            let there = self.disk.open(full, Mode::Read).is_ok();
            match there && size > 0 {
                true => self.disk.remove(&path).map_err(LogError::io("remove a partial tile"))?,
                false => self.partial.push(path),
            }
        }
        Ok(())
    }

    /// Makes spares of the segments before one.
    fn recycle(&self, first_needed: u64) -> Result<(), LogError> {
        let io = LogError::io("recycle the journal");
        let mut spares = self.disk.list(SPARE).map_err(&io)?.len();
        for number in segment::numbers(&*self.disk)?.into_iter().filter(|number| *number < first_needed) {
            let path = segment::path(number);
            if spares
                < SPARES
                    + usize::try_from(self.options.sync_tiles_every / self.options.segment_bytes).unwrap_or(0)
            {
                self.disk.create_folder(SPARE).map_err(&io)?;
                self.disk.rename(&path, &format!("{SPARE}/{number:016x}")).map_err(&io)?;
                spares += 1;
            } else {
                self.disk.remove(&path).map_err(&io)?;
            }
        }
        Ok(())
    }

    /// Fills spare segments ahead, once the log has grown beyond its first.
    pub(crate) fn prepare(&self, generation: u64) -> Result<(), LogError> {
        if generation < 2 {
            return Ok(());
        }
        let Some(_turn) = self.turn(false)? else { return Ok(()) };
        let io = LogError::io("make room for the journal");
        let spares = self.disk.list(SPARE).map_err(&io)?;
        for number in spares.len()..SPARES {
            let (fresh, path) =
                (format!("{SPARE}/fresh"), format!("{SPARE}/{:016x}", generation << 8 | number as u64));
            let file = self.disk.open(&fresh, Mode::Write).map_err(&io)?;
            fill(&*file, self.options.segment_bytes)?;
            self.disk.rename(&fresh, &path).map_err(&io)?;
        }
        Ok(())
    }

    /// Makes the tiles durable if enough was written since the last time that making them again would take long.
    pub(crate) fn close(&mut self) -> Result<(), LogError> {
        const LITTLE: u64 = 1 << 20;
        if self.unsynced < LITTLE.min(self.options.sync_tiles_every) {
            return Ok(());
        }
        match self.turn(true)? {
            Some(_turn) => self.make_durable(),
            None => Ok(()),
        }
    }
}

/// The size up to which the tiles are durable.
pub(crate) fn durable_size(disk: &dyn Disk) -> Result<u64, LogError> {
    let bytes = read_if_there(disk, DURABLE).map_err(LogError::io("read the tiles"))?;
    let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    text.map_or(Ok(0), |text| {
        text.parse().map_err(|_| LogError::damaged("the noted size is not a number", 0))
    })
}
