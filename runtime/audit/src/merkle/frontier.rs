//! The right edge of a tree: all that is needed to append to it and to know its root.
//!
//! The surprising fact: a tree of a billion leaves has a frontier of at most thirty hashes, one for each bit
//! that is set in its size.

use super::many::parents;
use super::{Hash, empty_root, node_hash};

/// The roots of the perfect subtrees that a tree of some size falls into, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// A frontier from its parts; `None` when their number is not what the size asks for.
    pub fn new(size: u64, nodes: Vec<Hash>) -> Option<Self> {
        (nodes.len() == size.count_ones() as usize).then_some(Self { size, nodes })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, the largest first.
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            // The trailing ones of the size are nodes, by the invariant of `new`.
            let Some(left) = self.nodes.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }

    /// Appends the hashes of several leaves, level by level: nodes of one level can be hashed side by side.
    pub fn extend(&mut self, leaves: &[Hash]) {
        let mut level = leaves.to_vec();
        let mut bits = self.size;
        let mut edge = Vec::new();
        while !level.is_empty() {
            if bits & 1 == 1 {
                // A bit that is set in the size is a node, by the invariant of `new`.
                level.splice(0..0, self.nodes.pop());
            }
            if !level.len().is_multiple_of(2) {
                edge.extend(level.pop());
            }
            level = parents(&level);
            bits >>= 1;
        }
        self.nodes.extend(edge.into_iter().rev());
        self.size += leaves.len() as u64;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        let Some(last) = nodes.next() else { return empty_root() };
        nodes.fold(*last, |right, left| node_hash(left, &right))
    }
}
