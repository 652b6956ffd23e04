//! A proof in one text that needs nothing else to be checked (C2SP tlog-proof).
//!
//! The surprising fact: the entry is not in it. Who checks it has the entry from elsewhere, and the proof says
//! only that the log has it, too.

use crate::checkpoint::SignedCheckpoint;
use crate::merkle::{Hash, verify_inclusion};
use crate::note::{NoteError, Verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// That an entry stands at an index under a signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// Index of the leaf.
    pub index: u64,
    /// The audit path, from the leaf up.
    pub path: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
}

impl Proof {
    /// A proof from its parts.
    pub fn new(index: u64, path: Vec<Hash>, checkpoint: SignedCheckpoint) -> Self {
        Self { index, path, checkpoint }
    }

    /// Its text.
    pub fn text(&self) -> String {
        let path: String = self.path.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
        format!("{HEADER}\nindex {}\n{path}\n{}", self.index, self.checkpoint.note)
    }

    /// Reads a text whose checkpoint the log signed.
    ///
    /// # Errors
    /// When it is not a proof, or the checkpoint is not the log's.
    pub fn open(text: &str, verifier: &Verifier) -> Result<Self, NoteError> {
        let (head, note) = text.split_once("\n\n").ok_or(NoteError::Malformed)?;
        let mut lines = head.lines();
        let header = lines.next();
        let mut line = lines.next().unwrap_or_default();
        if line.starts_with("extra ") {
            line = lines.next().unwrap_or_default();
        }
        let index = line.strip_prefix("index ").and_then(|index| index.parse().ok());
        let path =
            lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<Vec<Hash>>>();
        match (header, index, path) {
            (Some(HEADER), Some(index), Some(path)) => {
                Ok(Self { index, path, checkpoint: SignedCheckpoint::open(note, verifier)? })
            }
            _ => Err(NoteError::Malformed),
        }
    }

    /// Whether it proves that the log has a leaf with this hash.
    pub fn holds(&self, leaf: &Hash) -> bool {
        let checkpoint = &self.checkpoint.checkpoint;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)
    }
}
