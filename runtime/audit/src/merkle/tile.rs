//! Where tiles lie (C2SP tlog-tiles).
//!
//! The surprising fact: a tile holds only every eighth level of the tree. What is between is hashed again when
//! it is needed, at most 255 hashes.

use std::fmt::Write;

/// Hashes in a full tile, and events in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// A tile: up to 256 hashes of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Levels of eight: the hashes are subtrees over `256^level` leaves.
    pub level: u32,
    /// Which tile of its level, from 0.
    pub index: u64,
    /// Number of hashes, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The tile of a tree of `size` leaves that holds a hash; `None` where the tree has no such hash.
    pub fn holding(level: u32, hash: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * level).unwrap_or(0);
        let index = hash / TILE_WIDTH;
        (hash < hashes).then(|| Self { level, index, width: TILE_WIDTH.min(hashes - index * TILE_WIDTH) })
    }

    /// Its path under the folder or address of the log.
    ///
    /// ```
    /// let tile = govc_audit::merkle::Tile { level: 0, index: 1_234_067, width: 8 };
    /// assert_eq!(tile.path(), "tile/0/x001/x234/067.p/8");
    /// ```
    pub fn path(&self) -> String {
        path(&self.level.to_string(), self.index, self.width)
    }
}

/// The path of the bundle that holds the events from `256 * index` on.
pub fn bundle_path(index: u64, width: u64) -> String {
    path("entries", index, width)
}

fn path(level: &str, index: u64, width: u64) -> String {
    let mut path = format!("tile/{level}/");
    let mut parts = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        parts.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    parts.reverse();
    path.push_str(&parts.join("/"));
    if width < TILE_WIDTH {
        // Writing to a String cannot fail.
        let _ = write!(path, ".p/{width}");
    }
    path
}
