//! Turns entries into tiles and bundles.
//!
//! The surprising fact: a full tile is written once and never again, and a partial one has its width in its
//! name, so that no reader ever sees a file change.

use super::entries::{self, Entries};
use super::error::LogError;
use crate::disk::{Disk, Mode, read_if_there, write_all};
use crate::merkle::{Frontier, Hash, TILE_WIDTH, Tile, bundle_path, fold};

/// The right edge of the tiles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    bundle: Vec<u8>,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// Number of leaves in the tiles.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The same tree as a frontier; nothing when the tiles do not fit its size.
    pub(crate) fn frontier(&self) -> Option<Frontier> {
        let mut nodes = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                nodes.extend(fold(subtree));
                rest = after;
            }
        }
        Frontier::new(self.size, nodes)
    }

    /// Reads the edge of a tree whose tiles are on the disk.
    pub(crate) fn read(disk: &dyn Disk, size: u64) -> Result<Self, LogError> {
        let mut levels = Vec::new();
        let mut level = 0;
        while size >> (8 * level) > 0 {
            levels.push(edge_tile(disk, level, size)?);
            level += 1;
            if level == 8 {
                break;
            }
        }
        Ok(Self { size, bundle: edge_bundle(disk, size)?, levels })
    }

    /// Appends an entry; writes what becomes full.
    pub(crate) fn push(&mut self, disk: &dyn Disk, entry: &[u8], leaf: Hash) -> Result<(), LogError> {
        entries::push(&mut self.bundle, entry)?;
        if (self.size + 1).is_multiple_of(TILE_WIDTH) {
            write(disk, &bundle_path(self.size / TILE_WIDTH, TILE_WIDTH), &self.bundle)?;
            self.bundle.clear();
        }
        self.push_hash(disk, 0, leaf)?;
        self.size += 1;
        Ok(())
    }

    fn push_hash(&mut self, disk: &dyn Disk, level: usize, hash: Hash) -> Result<(), LogError> {
        if self.levels.len() <= level {
            self.levels.push(Vec::with_capacity(256));
        }
        let Some(tile) = self.levels.get_mut(level) else { return Ok(()) };
        tile.push(hash);
        if tile.len() as u64 != TILE_WIDTH {
            return Ok(());
        }
        let full = std::mem::take(tile);
        // The tree is 8 levels of tiles high at most.
        let depth = u32::try_from(level).unwrap_or(8);
        let index = self.size >> (8 * (depth + 1));
        write(disk, &Tile { level: depth, index, width: TILE_WIDTH }.path(), full.as_flattened())?;
        fold(&full).map_or(Ok(()), |root| self.push_hash(disk, level + 1, root))
    }

    /// Writes the tiles that are not full, and gives their paths.
    pub(crate) fn write_partial(&self, disk: &dyn Disk) -> Result<Vec<String>, LogError> {
        let mut paths = Vec::new();
        for (level, hashes) in (0..).zip(&self.levels).filter(|(_, hashes)| !hashes.is_empty()) {
            let index = (self.size >> (8 * level)) / TILE_WIDTH;
            paths.push(Tile { level, index, width: hashes.len() as u64 }.path());
            write(disk, &paths[paths.len() - 1], hashes.as_flattened())?;
        }
        if !self.size.is_multiple_of(TILE_WIDTH) {
            paths.push(bundle_path(self.size / TILE_WIDTH, self.size % TILE_WIDTH));
            write(disk, &paths[paths.len() - 1], &self.bundle)?;
        }
        Ok(paths)
    }
}

fn edge_tile(disk: &dyn Disk, level: u32, size: u64) -> Result<Vec<Hash>, LogError> {
    let hashes = size >> (8 * level);
    let (index, width) = (hashes / TILE_WIDTH, hashes % TILE_WIDTH);
    if width == 0 {
        return Ok(Vec::new());
    }
    let bytes = partial_or_full(disk, |width| Tile { level, index, width }.path(), width)?;
    let (hashes, _) = bytes.as_chunks::<32>();
    hashes
        .get(..usize::try_from(width).unwrap_or_default())
        .map(<[Hash]>::to_vec)
        .ok_or_else(|| LogError::damaged("the last tile is too short", index * TILE_WIDTH))
}

fn edge_bundle(disk: &dyn Disk, size: u64) -> Result<Vec<u8>, LogError> {
    let (index, width) = (size / TILE_WIDTH, size % TILE_WIDTH);
    if width == 0 {
        return Ok(Vec::new());
    }
    let bytes = partial_or_full(disk, |width| bundle_path(index, width), width)?;
    let mut bundle = Vec::with_capacity(bytes.len());
    let mut kept = 0;
    for entry in Entries::new(&bytes).take(usize::try_from(width).unwrap_or_default()) {
        entries::push(&mut bundle, entry)?;
        kept += 1;
    }
    if kept == width {
        Ok(bundle)
    } else {
        Err(LogError::damaged("the last bundle is too short", index * TILE_WIDTH))
    }
}

/// A partial tile may have been removed once the full one was there.
fn partial_or_full(disk: &dyn Disk, path: impl Fn(u64) -> String, width: u64) -> Result<Vec<u8>, LogError> {
    for width in [width, TILE_WIDTH] {
        let found = read_if_there(disk, &path(width)).map_err(LogError::io("read a tile"))?;
        if let Some(bytes) = found {
            return Ok(bytes);
        }
    }
    Err(LogError::damaged(format!("`{}` is missing", path(width)), 0))
}

/// Writes a file whose content never changes; what is there already from before a crash is written over.
fn write(disk: &dyn Disk, path: &str, bytes: &[u8]) -> Result<(), LogError> {
    let io = LogError::io("write a tile");
    let file = disk.open(path, Mode::Write).map_err(&io)?;
    if file.len().map_err(&io)? > bytes.len() as u64 {
        file.set_len(bytes.len() as u64).map_err(&io)?;
    }
    write_all(&*file, bytes, 0).map_err(&io)
}
