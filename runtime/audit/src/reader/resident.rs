//! Tiles that many proofs need: those above the leaves, and those at the end of the log.
//!
//! With them in memory a proof reads two files, however large the log is: the bundle of its entry and the tile above that.

use crate::merkle::Hash;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The hashes of a tile.
pub(super) type Hashes = Arc<[Hash]>;

/// Level and index of a tile.
pub(super) type Place = (u32, u64);

/// Tiles by their places.
#[derive(Debug, Default)]
pub(super) struct Resident(Mutex<HashMap<Place, Hashes>>);

/// Tiles that are kept, of 8 KB each: all above the leaves of a log of 130 M entries.
const MOST: usize = 2048;

impl Resident {
    pub(super) fn get(&self, level: u32, index: u64) -> Option<Hashes> {
        // Only whole tiles are ever in it, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(level, index)).cloned()
    }

    /// Keeps a tile, as long as there is room.
    pub(super) fn keep(&self, level: u32, index: u64, hashes: &Hashes) {
        let mut tiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tiles.len() < MOST {
            tiles.insert((level, index), Arc::clone(hashes));
        }
    }
}
