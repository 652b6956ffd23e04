//! The Merkle tree of RFC 6962: hashes of leaves and nodes.
//!
//! The surprising fact: a leaf and a node can never have the same hash, because the first byte hashed tells
//! them apart. Without it an attacker could pass a node off as an event.

mod frontier;
mod proof;
mod tile;

pub use frontier::Frontier;
pub use proof::{
    Subtrees, consistency_path, inclusion_path, root_of_range, verify_consistency, verify_inclusion,
};
pub use tile::{TILE_WIDTH, Tile, bundle_path};

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf with this content (RFC 6962, section 2.1).
///
/// ```
/// let hash = govc_audit::merkle::leaf_hash(b"");
/// assert_eq!(hash[..4], [0x6e, 0x34, 0x0b, 0x9c]);
/// ```
pub fn leaf_hash(content: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(content).finalize().into()
}

/// The hash of a node over its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// The root of a tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root of a perfect subtree over hashes of one level; their number is a power of two.
pub(crate) fn fold(hashes: &[Hash]) -> Option<Hash> {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node_hash(left, right),
                [single] => *single,
                _ => empty_root(),
            })
            .collect();
    }
    level.first().copied()
}
