//! Checkpoints (C2SP tlog-checkpoint): a log's word on its size and root.
//!
//! The surprising fact: the first line, the origin, names the log and not the key; two logs under one key stay
//! apart by it.

use crate::merkle::Hash;
use crate::note::{self, NoteError, Signer, Verifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The size and root of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads the text; lines of extensions after the third are passed over.
    ///
    /// # Errors
    /// When it is not a checkpoint.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split_terminator('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::Malformed);
        };
        let canonical_size = size == "0" || !size.starts_with(['0', '+']);
        let decoded = STANDARD.decode(root).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        match (size.parse(), decoded) {
            (Ok(size), Some(root)) if canonical_size && !origin.is_empty() && text.ends_with('\n') => {
                Ok(Self { origin: origin.to_owned(), size, root })
            }
            _ => Err(NoteError::Malformed),
        }
    }
}

/// A checkpoint and the note that signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The note, with all its signatures.
    pub note: String,
}

impl SignedCheckpoint {
    /// Signs a checkpoint.
    pub fn sign(checkpoint: Checkpoint, signer: &Signer) -> Self {
        let note = signer.sign(&checkpoint.text());
        Self { checkpoint, note }
    }

    /// Reads a note that the log signed.
    ///
    /// # Errors
    /// When the signature is missing or wrong, or the text is not a checkpoint.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, NoteError> {
        let (text, _) = verifier.open(note)?;
        Ok(Self { checkpoint: Checkpoint::parse(text)?, note: note.to_owned() })
    }

    /// Reads a note without checking who signed it.
    pub(crate) fn unchecked(note: &str) -> Result<Self, NoteError> {
        let (text, _) = note::parts(note)?;
        Ok(Self { checkpoint: Checkpoint::parse(text)?, note: note.to_owned() })
    }

    /// Adds the signature of a witness.
    #[must_use]
    pub fn cosigned(mut self, witness: &Signer, time: u64) -> Self {
        let line = witness.cosign(&self.text(), time);
        self.note.push_str(&line);
        self
    }

    /// When a witness saw it, in seconds since 1970.
    ///
    /// # Errors
    /// When the witness has not signed it, or wrongly.
    pub fn seen_by(&self, witness: &Verifier) -> Result<u64, NoteError> {
        let (_, time) = witness.open(&self.note)?;
        time.ok_or(NoteError::Key)
    }

    fn text(&self) -> String {
        // Extensions are part of what is signed, so the text comes from the note.
        note::parts(&self.note).map_or_else(|_| self.checkpoint.text(), |(text, _)| text.to_owned())
    }
}
