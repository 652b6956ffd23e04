//! Many statements under one signature.
//!
//! The statements are leaves of a Merkle tree (RFC 6962), and what is signed is a statement about its root. The surprising
//! fact: a leaf is not the statement but its pre-authentication encoding, what a signature of its own would have been over,
//! so that a statement means the same in both forms.

use super::{BATCH_V1, PAYLOAD_TYPE, ProofError, STATEMENT_TYPE, Subject, dsse};
use crate::digest;
use crate::keys::SigningKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use govc_audit::merkle::{self, Hash, Subtrees, inclusion_path, leaf_hash, verify_inclusion};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// A statement that shares a signature with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedProof {
    /// The statement, JSON.
    pub payload: Vec<u8>,
    /// Its place among those that share the signature.
    pub index: u64,
    /// How many they are.
    pub size: u64,
    /// The audit path, from the leaf up.
    pub path: Vec<Hash>,
    /// The envelope around the statement about their root.
    pub envelope: Arc<str>,
}

/// As it is written beside `payload` and `payloadType`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inclusion {
    index: u64,
    size: u64,
    path: Vec<String>,
    envelope: Box<RawValue>,
}

/// What is signed: the root stands as the subject `statements`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(rename = "_type")]
    kind: String,
    subject: [Subject; 1],
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Size,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    size: u64,
}

const SUBJECT: &str = "statements";

impl Batch {
    fn new(size: u64, root: &Hash) -> Self {
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: [Subject::sha256(SUBJECT, digest::to_hex(root))],
            predicate_type: BATCH_V1.to_owned(),
            predicate: Size { size },
        }
    }
}

/// The root of a batch, as its signed statement gives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    size: u64,
    hash: Hash,
}

impl Root {
    /// Reads the statement that an envelope holds.
    pub(super) fn read(payload: &[u8]) -> Result<Self, ProofError> {
        let wrong = |why: &str| ProofError::Statement(format!("the shared signature {why}"));
        let batch: Batch =
            serde_json::from_slice(payload).map_err(|e| ProofError::Statement(e.to_string()))?;
        let [subject] = &batch.subject;
        if batch.kind != STATEMENT_TYPE || batch.predicate_type != BATCH_V1 || subject.name != SUBJECT {
            return Err(wrong("is about something else"));
        }
        let hash = subject.digest.get("sha256").and_then(|text| from_hex(text));
        let hash = hash.filter(|_| subject.digest.len() == 1).ok_or_else(|| wrong("names no root"))?;
        Ok(Self { size: batch.predicate.size, hash })
    }
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    let digits = text.as_bytes().chunks_exact(2);
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

impl SharedProof {
    /// The proof as text, one line of JSON: `{"payload", "payloadType", "inclusion": {"index", "size", "path",
    /// "envelope"}}`.
    ///
    /// # Errors
    /// When the envelope is not JSON.
    pub fn text(&self) -> Result<String, ProofError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Text<'p> {
            payload: String,
            payload_type: &'p str,
            inclusion: Inclusion,
        }
        let malformed = |e: serde_json::Error| ProofError::Envelope(e.to_string());
        let inclusion = Inclusion {
            index: self.index,
            size: self.size,
            path: self.path.iter().map(|hash| STANDARD.encode(hash)).collect(),
            envelope: RawValue::from_string(self.envelope.to_string()).map_err(malformed)?,
        };
        let payload = STANDARD.encode(&self.payload);
        serde_json::to_string(&Text { payload, payload_type: PAYLOAD_TYPE, inclusion }).map_err(malformed)
    }

    pub(super) fn of(payload_type: &str, payload: &str, inclusion: &Inclusion) -> Result<Self, ProofError> {
        let hash = |text: &String| STANDARD.decode(text).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        let path: Option<Vec<Hash>> = inclusion.path.iter().map(hash).collect();
        Ok(Self {
            payload: dsse::payload(payload_type, payload)?,
            index: inclusion.index,
            size: inclusion.size,
            path: path.ok_or_else(|| ProofError::Envelope("the path is no list of hashes".to_owned()))?,
            envelope: Arc::from(inclusion.envelope.get()),
        })
    }

    /// Does the statement stand at its place under this root?
    pub(super) fn stands_under(&self, root: &Root) -> Result<(), ProofError> {
        let leaf = leaf_hash(&dsse::encoding(&self.payload));
        let stands =
            self.size == root.size && verify_inclusion(&leaf, self.index, self.size, &self.path, &root.hash);
        if stands { Ok(()) } else { Err(ProofError::BadSignature) }
    }
}

/// A statement that waits for others to share a signature with.
#[derive(Clone, Debug)]
pub struct Leaf {
    payload: Vec<u8>,
    hash: Hash,
}

impl Leaf {
    pub(super) fn new(payload: Vec<u8>) -> Self {
        let hash = leaf_hash(&dsse::encoding(&payload));
        Self { payload, hash }
    }
}

/// Signs statements together, in their order.
///
/// # Errors
/// When the key cannot sign, or is a secret of fewer than [`SECRET_BYTES`](super::SECRET_BYTES) bytes.
pub fn share(leaves: Vec<Leaf>, key: &SigningKey) -> Result<Vec<SharedProof>, ProofError> {
    let tree = Tree::new(leaves.iter().map(|leaf| leaf.hash).collect());
    let size = leaves.len() as u64;
    let missing = |()| ProofError::Envelope("the tree has no such leaf".to_owned());
    let root = merkle::root_of_range(&tree, 0, size).map_err(missing)?;
    let statement = serde_json::to_vec(&Batch::new(size, &root));
    let statement = statement.map_err(|e| ProofError::Statement(e.to_string()))?;
    let envelope: Arc<str> = dsse::seal(&statement, key)?.into();
    let proofs = leaves.into_iter().zip(0..).map(|(leaf, index)| {
        let path = inclusion_path(&tree, index, size).map_err(missing)?;
        Ok(SharedProof { payload: leaf.payload, index, size, path, envelope: Arc::clone(&envelope) })
    });
    proofs.collect()
}

/// The roots of all perfect subtrees, by level.
struct Tree(Vec<Vec<Hash>>);

impl Tree {
    fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let pairs = below.chunks_exact(2);
            let above = pairs.map(|pair| merkle::node_hash(&pair[0], &pair[1])).collect();
            levels.push(above);
        }
        Self(levels)
    }
}

impl Subtrees for Tree {
    type Error = ();

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, ()> {
        let level = self.0.get(level as usize).ok_or(())?;
        level.get(usize::try_from(index).map_err(|_| ())?).copied().ok_or(())
    }
}
