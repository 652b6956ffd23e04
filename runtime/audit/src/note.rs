//! Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature.
//!
//! The surprising fact: a key is named by its holder's name and four bytes of a hash over name and key, so that
//! a verifier can tell a signature it does not know from one that is wrong. The former is passed over.

use crate::merkle::sha256_of;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The algorithm byte of Ed25519 signatures over the text.
const ED25519_NOTE: u8 = 1;

/// The algorithm byte of witnesses' Ed25519 signatures over a time and the text (C2SP tlog-cosignature).
const ED25519_COSIGNATURE: u8 = 4;

/// What is wrong with a note or a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteError {
    /// The note is not in the form of a signed note.
    Malformed,
    /// The text of a key is not in the form of a note's key.
    Key,
    /// The note has no signature by the key.
    Unsigned {
        /// The name that the key belongs to.
        name: String,
    },
    /// The signature by the key is not right.
    Signature {
        /// The name that the key belongs to.
        name: String,
    },
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoteError::Malformed => f.write_str("not a signed note"),
            NoteError::Key => f.write_str("not a key of signed notes"),
            NoteError::Unsigned { name } => write!(f, "the note has no signature by `{name}`"),
            NoteError::Signature { name } => write!(f, "the signature by `{name}` is wrong"),
        }
    }
}

impl std::error::Error for NoteError {}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A log signs the text.
    Log,
    /// A witness signs a time and the text.
    Witness,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Log => ED25519_NOTE,
            Kind::Witness => ED25519_COSIGNATURE,
        }
    }
}

/// A name with a private key.
pub struct Signer {
    name: String,
    kind: Kind,
    id: [u8; 4],
    key: Ed25519KeyPair,
}

impl fmt::Debug for Signer {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Signer {
    /// The signer of a log, from the 32 bytes that an Ed25519 key is made of.
    ///
    /// # Errors
    /// When the name is empty or holds spaces or `+`.
    pub fn log(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Self::new(name, Kind::Log, Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?)
    }

    /// The signer of a log, from a private key in PKCS #8.
    ///
    /// # Errors
    /// When the key is not an Ed25519 key, or the name is none.
    pub fn log_from_pkcs8(name: &str, key: &[u8]) -> Result<Self, NoteError> {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key).map_err(|_| NoteError::Key)?;
        Self::new(name, Kind::Log, key)
    }

    /// The signer of a log, from a private key in PEM.
    ///
    /// # Errors
    /// When the text is not an Ed25519 key in PKCS #8, or the name is none.
    pub fn log_from_pem(name: &str, text: &str) -> Result<Self, NoteError> {
        Self::log_from_pkcs8(name, pem::parse(text).map_err(|_| NoteError::Key)?.contents())
    }

    /// The signer of a witness, from a private key in PEM.
    ///
    /// # Errors
    /// When the text is not an Ed25519 key in PKCS #8, or the name is none.
    pub fn witness_from_pem(name: &str, text: &str) -> Result<Self, NoteError> {
        let key = pem::parse(text).map_err(|_| NoteError::Key)?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.contents()).map_err(|_| NoteError::Key)?;
        Self::new(name, Kind::Witness, key)
    }

    /// The signer of a witness.
    ///
    /// # Errors
    /// When the name is empty or holds spaces or `+`.
    pub fn witness(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?;
        Self::new(name, Kind::Witness, key)
    }

    fn new(name: &str, kind: Kind, key: Ed25519KeyPair) -> Result<Self, NoteError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(NoteError::Key);
        }
        let id = key_id(name, kind, key.public_key().as_ref());
        Ok(Self { name: name.to_owned(), kind, id, key })
    }

    /// Whose signatures these are.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What checks its signatures.
    pub fn verifier(&self) -> Verifier {
        let key = self.key.public_key().as_ref().to_vec();
        Verifier { name: self.name.clone(), kind: self.kind, id: self.id, key }
    }

    /// The note of a text with one signature.
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.signature_line(self.key.sign(text.as_bytes()).as_ref()))
    }

    /// The line that a witness adds to a note, which says that it saw the text at a time in seconds since 1970.
    pub(crate) fn cosign(&self, text: &str, time: u64) -> String {
        let signature = self.key.sign(&cosigned(text, time));
        self.signature_line(&[&time.to_be_bytes()[..], signature.as_ref()].concat())
    }

    fn signature_line(&self, signature: &[u8]) -> String {
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode([&self.id[..], signature].concat()))
    }
}

/// What a witness signs (C2SP tlog-cosignature, version 1).
fn cosigned(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

fn key_id(name: &str, kind: Kind, key: &[u8]) -> [u8; 4] {
    let hash = sha256_of(&[name.as_bytes(), b"\n", &[kind.byte()], key]);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A name with a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    kind: Kind,
    id: [u8; 4],
    key: Vec<u8>,
}

impl Verifier {
    /// Reads the text form `NAME+ID+KEY` that signed notes use.
    ///
    /// # Errors
    /// When it is not in that form, or the id is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let (kind, key) = match bytes.split_first() {
            Some((&ED25519_NOTE, key)) if key.len() == 32 => (Kind::Log, key),
            Some((&ED25519_COSIGNATURE, key)) if key.len() == 32 => (Kind::Witness, key),
            _ => return Err(NoteError::Key),
        };
        let verifier = Self::new(name, kind, key);
        if id.len() == 8 && verifier.hex_id() == id { Ok(verifier) } else { Err(NoteError::Key) }
    }

    /// The verifier of a log, from the 32 bytes of an Ed25519 public key.
    pub fn log(name: &str, key: &[u8; 32]) -> Self {
        Self::new(name, Kind::Log, key)
    }

    /// The verifier of a log, from an Ed25519 public key in PEM (RFC 8410).
    ///
    /// # Errors
    /// When the text is not such a key.
    pub fn log_from_pem(name: &str, text: &str) -> Result<Self, NoteError> {
        const BEFORE_KEY: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let key = pem::parse(text).map_err(|_| NoteError::Key)?;
        let key = key.contents().strip_prefix(&BEFORE_KEY).and_then(|key| key.try_into().ok());
        key.map(|key| Self::log(name, key)).ok_or(NoteError::Key)
    }

    fn new(name: &str, kind: Kind, key: &[u8]) -> Self {
        Self { name: name.to_owned(), kind, id: key_id(name, kind, key), key: key.to_vec() }
    }

    /// Whose signatures it checks.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text form that signed notes use.
    pub fn text(&self) -> String {
        let key = STANDARD.encode([&[self.kind.byte()], &self.key[..]].concat());
        format!("{}+{}+{key}", self.name, self.hex_id())
    }

    fn hex_id(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The text of a note that this key signed. For a witness, the time comes with it.
    ///
    /// # Errors
    /// When the note has no signature by the key, or a wrong one.
    pub fn open<'n>(&self, note: &'n str) -> Result<(&'n str, Option<u64>), NoteError> {
        let (text, signatures) = split(note)?;
        let mine = signatures.iter().find(|s| s.name == self.name && s.bytes.starts_with(&self.id));
        let signature = mine.ok_or_else(|| NoteError::Unsigned { name: self.name.clone() })?;
        let wrong = || NoteError::Signature { name: self.name.clone() };
        let rest = signature.bytes.get(self.id.len()..).ok_or_else(wrong)?;
        let time = self.check(text, rest).ok_or_else(wrong)?;
        Ok((text, time))
    }

    fn check(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (message, signature, time) = match self.kind {
            Kind::Log => (text.as_bytes().to_vec(), signature, None),
            Kind::Witness => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                (cosigned(text, time), signature, Some(time))
            }
        };
        UnparsedPublicKey::new(&ED25519, &self.key).verify(&message, signature).ok()?;
        Some(time)
    }
}

struct Signature<'n> {
    name: &'n str,
    bytes: Vec<u8>,
}

/// The text of a note, with its last line end, and its signatures.
fn split(note: &str) -> Result<(&str, Vec<Signature<'_>>), NoteError> {
    let at = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, lines) = (note.get(..=at), note.get(at + 2..));
    let (Some(text), Some(lines)) = (text, lines) else { return Err(NoteError::Malformed) };
    if lines.is_empty() || !lines.ends_with('\n') || note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed);
    }
    let signatures = lines.lines().map(signature).collect::<Option<Vec<_>>>();
    Ok((text, signatures.ok_or(NoteError::Malformed)?))
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    (bytes.len() > 4 && !name.is_empty()).then_some(Signature { name, bytes })
}

/// The text of a note and its signature lines, unchecked.
pub(crate) fn parts(note: &str) -> Result<(&str, &str), NoteError> {
    let (text, _) = split(note)?;
    let lines = note.get(text.len() + 1..).ok_or(NoteError::Malformed)?;
    Ok((text, lines))
}
