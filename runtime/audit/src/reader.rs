//! Reads a log from its tiles: entries, proofs, roots.
//!
//! The surprising fact: a reader needs no key and trusts no tile. Whoever gets a proof checks it against a
//! signed checkpoint, and a wrong tile only makes a proof that fails.

mod resident;

use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::disk::{Disk, Mode, read_into};
use crate::log::{Entries, LogError, published};
use crate::merkle::{
    Hash, Subtrees, TILE_WIDTH, Tile, bundle_path, consistency_path, fold, inclusion_path, leaf_hash,
    root_of_range,
};
use crate::note::Verifier;
use resident::{Hashes, Place, Resident};
use std::cell::RefCell;
use std::sync::Arc;

/// A log at the size of one checkpoint.
#[derive(Clone, Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    size: u64,
    resident: Arc<Resident>,
}

/// The proof that an entry stands in a log, with all that is needed to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InclusionProof {
    /// Index of the leaf.
    pub index: u64,
    /// The entry.
    pub entry: Vec<u8>,
    /// The audit path, from the leaf up.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// Whether it proves that the entry stands under a checkpoint.
    pub fn holds(&self, checkpoint: &Checkpoint) -> bool {
        let leaf = leaf_hash(&self.entry);
        crate::merkle::verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)
    }
}

impl Reader {
    /// Reads at the size of the newest published checkpoint, which comes with it; none when the log has none.
    ///
    /// # Errors
    /// When the disk fails or the checkpoint is not the log's.
    pub fn newest(
        disk: Arc<dyn Disk>,
        origin: &str,
        verifier: &Verifier,
    ) -> Result<Option<(Self, SignedCheckpoint)>, LogError> {
        let signed = published(&*disk, origin, verifier)?;
        Ok(signed.map(|signed| (Self::at(disk, signed.checkpoint.size), signed)))
    }

    /// Reads at a size that was published.
    pub fn at(disk: Arc<dyn Disk>, size: u64) -> Self {
        Self { disk, size, resident: Arc::default() }
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The entries of a bundle: those from `256 * bundle` on, 256 at most.
    ///
    /// # Errors
    /// When the disk fails or the bundle is damaged.
    pub fn bundle(&self, bundle: u64) -> Result<Vec<Vec<u8>>, LogError> {
        let mut bytes = Vec::new();
        let entries = self.whole_bundle(bundle, &mut bytes)?;
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    fn whole_bundle<'b>(&self, bundle: u64, bytes: &'b mut Vec<u8>) -> Result<Vec<&'b [u8]>, LogError> {
        self.read_bundle(bundle, bytes)?;
        let (entries, rest) = self.split(bundle, bytes);
        if entries.len() as u64 == self.bundle_width(bundle) && rest == 0 {
            return Ok(entries);
        }
        Err(LogError::damaged("the bundle is not entries", bundle * TILE_WIDTH + entries.len() as u64))
    }

    /// The entries of bytes of a bundle, and how many bytes are left.
    pub(crate) fn split<'b>(&self, bundle: u64, bytes: &'b [u8]) -> (Vec<&'b [u8]>, usize) {
        let width = usize::try_from(self.bundle_width(bundle)).unwrap_or_default();
        let mut entries = Entries::new(bytes);
        let found = entries.by_ref().take(width).collect();
        // A full bundle in the place of a partial one holds later entries, too.
        let rest = if (width as u64) < TILE_WIDTH { 0 } else { entries.rest().len() };
        (found, rest)
    }

    pub(crate) fn bundle_width(&self, bundle: u64) -> u64 {
        self.size.saturating_sub(bundle.saturating_mul(TILE_WIDTH)).min(TILE_WIDTH)
    }

    pub(crate) fn read_bundle(&self, bundle: u64, bytes: &mut Vec<u8>) -> Result<(), LogError> {
        let width = self.bundle_width(bundle);
        self.partial_or_full(width, bundle * TILE_WIDTH, |width| bundle_path(bundle, width), bytes)
    }

    /// The hashes of a tile.
    ///
    /// # Errors
    /// When the disk fails or the tile is missing or too short.
    pub fn tile(&self, level: u32, index: u64) -> Result<Vec<Hash>, LogError> {
        let leaf = index.saturating_mul(TILE_WIDTH) << (8 * level);
        let tile = Tile::holding(level, index * TILE_WIDTH, self.size)
            .ok_or(LogError::NoLeaf { index: leaf, size: self.size })?;
        let mut bytes = Vec::new();
        self.partial_or_full(tile.width, leaf, |width| Tile { width, ..tile }.path(), &mut bytes)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        let width = usize::try_from(tile.width).unwrap_or_default();
        match hashes.get(..width) {
            Some(hashes) if rest.is_empty() => Ok(hashes.to_vec()),
            _ => Err(LogError::damaged(format!("`{}` is not a tile", tile.path()), leaf)),
        }
    }

    /// A tile as paths need it: from memory where many paths need it.
    fn shared_tile(&self, level: u32, index: u64) -> Result<Hashes, LogError> {
        if let Some(hashes) = self.resident.get(level, index) {
            return Ok(hashes);
        }
        let hashes: Hashes = self.tile(level, index)?.into();
        let at_the_end = (index + 1) * TILE_WIDTH >= self.size >> (8 * level);
        if level > 0 || at_the_end {
            self.resident.keep(level, index, &hashes);
        }
        Ok(hashes)
    }

    /// A partial tile may have been removed once the full one was there.
    fn partial_or_full(
        &self,
        width: u64,
        leaf: u64,
        path: impl Fn(u64) -> String,
        bytes: &mut Vec<u8>,
    ) -> Result<(), LogError> {
        for width in [width, TILE_WIDTH] {
            let file = match self.disk.open(&path(width), Mode::Read) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                file => file.map_err(LogError::io("read a tile"))?,
            };
            let length = file.len().map_err(LogError::io("read a tile"))?;
            // A bundle of the longest entries has 16 MB.
            let length = usize::try_from(length.min(17 << 20)).unwrap_or_default();
            return read_into(&*file, 0, length, bytes).map_err(LogError::io("read a tile"));
        }
        Err(LogError::damaged(format!("`{}` is missing", path(width)), leaf))
    }

    /// An entry.
    ///
    /// # Errors
    /// When there is none of this index, the disk fails or the bundle is damaged.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        let mut bytes = Vec::new();
        let none = LogError::NoLeaf { index, size: self.size };
        if index >= self.size {
            return Err(none);
        }
        let entries = self.whole_bundle(index / TILE_WIDTH, &mut bytes)?;
        let place = usize::try_from(index % TILE_WIDTH).unwrap_or_default();
        entries.get(place).map(|entry| entry.to_vec()).ok_or(none)
    }

    /// The proof that an entry stands in the log at this size.
    ///
    /// # Errors
    /// When there is none of this index, the disk fails or a tile is damaged.
    pub fn prove(&self, index: u64) -> Result<InclusionProof, LogError> {
        let entry = self.entry(index)?;
        let path = inclusion_path(&Path::over(self), index, self.size)?;
        Ok(InclusionProof { index, entry, path })
    }

    /// The proof that the log at an earlier size is the beginning of it.
    ///
    /// # Errors
    /// When it was never that large, the disk fails or a tile is damaged.
    pub fn consistency(&self, old: u64) -> Result<Vec<Hash>, LogError> {
        if old > self.size {
            return Err(LogError::Rollback { signed: old, found: self.size });
        }
        consistency_path(&Path::over(self), old, self.size)
    }

    /// The root that the tiles give at a size.
    ///
    /// # Errors
    /// When it was never that large, the disk fails or a tile is damaged.
    pub fn root(&self, size: u64) -> Result<Hash, LogError> {
        if size > self.size {
            return Err(LogError::Rollback { signed: size, found: self.size });
        }
        root_of_range(&Path::over(self), 0, size)
    }
}

/// Reads the nodes of a path. The tile that was read last is kept, because of eight levels each lies in one tile; those that
/// many paths share, the reader keeps.
struct Path<'r> {
    reader: &'r Reader,
    last: RefCell<Option<(Place, Hashes)>>,
}

impl<'r> Path<'r> {
    fn over(reader: &'r Reader) -> Self {
        Self { reader, last: RefCell::default() }
    }
}

impl Subtrees for Path<'_> {
    type Error = LogError;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, LogError> {
        let (tiles, inside) = (level / 8, level % 8);
        let first = index << inside;
        let tile = first / TILE_WIDTH;
        let mut last = self.last.borrow_mut();
        let hashes = match last.take() {
            Some((place, hashes)) if place == (tiles, tile) => hashes,
            _ => self.reader.shared_tile(tiles, tile)?,
        };
        let from = usize::try_from(first % TILE_WIDTH).unwrap_or_default();
        let subtree = hashes.get(from..from + (1 << inside)).and_then(fold);
        *last = Some(((tiles, tile), hashes));
        subtree.ok_or(LogError::NoLeaf { index: index << level, size: self.reader.size })
    }
}
