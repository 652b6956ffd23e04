//! Inclusion and consistency proofs (RFC 6962, section 2.1; verification as RFC 9162, sections 2.1.3 and 2.1.4).
//!
//! The surprising fact: whoever makes a proof only needs the roots of perfect subtrees, so that the same code
//! works over tiles on a disk, over HTTP and over a tree in memory.

use super::{Hash, empty_root, node_hash};

/// Where the roots of perfect subtrees come from.
pub trait Subtrees {
    /// Why one cannot be had.
    type Error;

    /// The root of the subtree over the leaves from `index * 2^level` to `(index + 1) * 2^level - 1`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root over the leaves `from..until`, where `from` is a multiple of the largest power of two below the
/// length, as all ranges of a tree are.
///
/// # Errors
/// When a subtree cannot be read.
pub fn root_of_range<S: Subtrees>(tree: &S, from: u64, until: u64) -> Result<Hash, S::Error> {
    let mut at = from;
    let mut roots = Vec::new();
    while at < until {
        let level = (until - at).ilog2();
        roots.push(tree.subtree(level, at >> level)?);
        at += 1 << level;
    }
    let mut roots = roots.into_iter().rev();
    let Some(last) = roots.next() else { return Ok(empty_root()) };
    Ok(roots.fold(last, |right, left| node_hash(&left, &right)))
}

/// The audit path of a leaf in the tree of `size` leaves, from the leaf up.
///
/// # Errors
/// When a subtree cannot be read.
pub fn inclusion_path<S: Subtrees>(tree: &S, leaf: u64, size: u64) -> Result<Vec<Hash>, S::Error> {
    let (mut from, mut until) = (0, size);
    let mut path = Vec::new();
    while until - from > 1 {
        let middle = from + split(until - from);
        if leaf < middle {
            path.push(root_of_range(tree, middle, until)?);
            until = middle;
        } else {
            path.push(root_of_range(tree, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves.
///
/// # Errors
/// When a subtree cannot be read.
pub fn consistency_path<S: Subtrees>(tree: &S, old: u64, new: u64) -> Result<Vec<Hash>, S::Error> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    let (mut from, mut until) = (0, new);
    let mut path = Vec::new();
    while until != old {
        let middle = from + split(until - from);
        if old <= middle {
            path.push(root_of_range(tree, middle, until)?);
            until = middle;
        } else {
            path.push(root_of_range(tree, from, middle)?);
            from = middle;
        }
    }
    if from > 0 {
        path.push(root_of_range(tree, from, until)?);
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below a length of at least two.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// Whether a path proves that a leaf stands at an index of the tree with this size and root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether a path proves that the tree with `old_root` is the beginning of the tree with `new_root`.
///
/// A tree without leaves is the beginning of every tree, which needs no path.
pub fn verify_consistency(old: u64, new: u64, path: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    match (old, new) {
        (old, new) if old > new => false,
        (old, new) if old == new => path.is_empty() && old_root == new_root,
        (0, _) => path.is_empty() && *old_root == empty_root(),
        _ => walk(old, new, path, old_root, new_root),
    }
}

fn walk(old: u64, new: u64, path: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // A tree of a power of two leaves is a node of the new tree, and need not be told.
    let (start, rest) = match path {
        path if old.is_power_of_two() => (old_root, path),
        [first, rest @ ..] => (first, rest),
        [] => return false,
    };
    let (mut first, mut second) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            first = node_hash(sibling, &first);
            second = node_hash(sibling, &second);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            second = node_hash(&second, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && first == *old_root && second == *new_root
}
