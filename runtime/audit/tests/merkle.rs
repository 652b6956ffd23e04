//! The tree against the vectors of RFC 6962's reference implementation, and against itself in every small size.

use govc_audit::merkle::{
    Frontier, Hash, Subtrees, consistency_path, empty_root, inclusion_path, leaf_hash, leaf_hashes,
    node_hash, root_of_range, verify_consistency, verify_inclusion,
};
use std::convert::Infallible;

/// The leaves that certificate-transparency's own tests use.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// The roots over the first one, two, ... of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter_map(|c| (c as char).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hash(hex: &str) -> Hash {
    bytes(hex).try_into().expect("64 digits")
}

/// A tree in memory, after the definition and not after our code.
struct Leaves(Vec<Hash>);

fn defined(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&defined(left), &defined(right))
        }
    }
}

impl Subtrees for Leaves {
    type Error = Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let (from, until) = (index << level, (index + 1) << level);
        Ok(defined(&self.0[from as usize..until as usize]))
    }
}

#[test]
fn roots_are_those_of_the_reference() {
    assert_eq!(empty_root(), hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let mut frontier = Frontier::default();
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        frontier.push(leaf_hash(&bytes(leaf)));
        assert_eq!(frontier.root(), hash(root), "after {leaf}");
    }
}

#[test]
fn paths_are_those_of_the_reference() {
    let tree = Leaves(LEAVES.iter().map(|leaf| leaf_hash(&bytes(leaf))).collect());
    let Ok(path) = inclusion_path(&tree, 0, 8);
    let expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(path, expected.map(hash));
    let Ok(path) = consistency_path(&tree, 6, 8);
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(path, expected.map(hash));
}

#[test]
fn every_proof_of_a_small_tree_holds_and_no_other_does() {
    let leaves: Vec<Hash> = (0u8..40).map(|n| leaf_hash(&[n])).collect();
    let tree = Leaves(leaves.clone());
    for size in 1..=leaves.len() as u64 {
        let root = defined(&leaves[..size as usize]);
        assert_eq!(root_of_range(&tree, 0, size), Ok(root));
        for leaf in 0..size {
            let Ok(path) = inclusion_path(&tree, leaf, size);
            assert!(verify_inclusion(&leaves[leaf as usize], leaf, size, &path, &root));
            for other in (0..size).filter(|&other| other != leaf) {
                assert!(!verify_inclusion(&leaves[leaf as usize], other, size, &path, &root));
                assert!(!verify_inclusion(&leaves[other as usize], leaf, size, &path, &root));
            }
        }
        for old in 0..=size {
            let old_root = defined(&leaves[..old as usize]);
            let Ok(path) = consistency_path(&tree, old, size);
            assert!(verify_consistency(old, size, &path, &old_root, &root), "{old} to {size}");
            let wrong = leaf_hash(b"another");
            assert!(!verify_consistency(old, size, &path, &wrong, &root));
            assert!(old == 0 || !verify_consistency(old, size, &path, &old_root, &wrong));
            let longer: Vec<Hash> = path.iter().copied().chain([wrong]).collect();
            assert!(!verify_consistency(old, size, &longer, &old_root, &root));
            if let Some((_, shorter)) = path.split_last() {
                assert!(!verify_consistency(old, size, shorter, &old_root, &root));
            }
        }
    }
}

#[test]
fn leaves_hashed_side_by_side_have_the_hashes_they_have_alone() {
    let content: Vec<u8> = (0..1500u32).map(|place| (place * 7) as u8).collect();
    let alone = |contents: &[&[u8]]| contents.iter().map(|content| leaf_hash(content)).collect::<Vec<_>>();
    for length in (0..200).chain([600, 601, 1023, 1024, 1500]) {
        let alike: Vec<&[u8]> = (0..70).map(|first| &content[first.min(1500 - length)..][..length]).collect();
        assert_eq!(leaf_hashes(&alike), alone(&alike), "{length} bytes each");
    }
    for count in 0..300 {
        let mixed: Vec<&[u8]> = (0..count).map(|first| &content[first..][..first * 37 % 1201]).collect();
        assert_eq!(leaf_hashes(&mixed), alone(&mixed), "{count} of different lengths");
    }
}

#[test]
fn a_tree_grows_by_many_leaves_as_by_one_after_the_other() {
    let leaves: Vec<Hash> = (0u16..600).map(|n| leaf_hash(&n.to_le_bytes())).collect();
    for first in 0..70 {
        for count in [0, 1, 2, 3, 7, 8, 64, 100, 255, 256, 511, 530] {
            let mut together = Frontier::default();
            leaves[..first].iter().for_each(|leaf| together.push(*leaf));
            let mut one_by_one = together.clone();
            together.extend(&leaves[first..first + count]);
            leaves[first..first + count].iter().for_each(|leaf| one_by_one.push(*leaf));
            assert_eq!(together, one_by_one, "{count} after {first}");
        }
    }
}
