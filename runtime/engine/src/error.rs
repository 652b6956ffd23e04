//! Why a bundle is refused.

use std::fmt;

/// Why a bundle is refused. Every variant has a code of its own; none is ever a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// Something is larger than the limit.
    TooLarge {
        /// What: `bundle`, `content`, `files`, or the path of a file.
        what: String,
        /// Its size in bytes, or the number of files; at least this much.
        given: u64,
        /// The limit.
        limit: u64,
    },
    /// The bytes are not gzip, or damaged.
    Gzip(String),
    /// The content is not a tar archive, or damaged.
    Tar(String),
    /// Bytes follow the end of the archive.
    TrailingBytes,
    /// A path that leaves the bundle, or is no plain UTF-8 path.
    UnsafePath {
        /// The path.
        path: String,
    },
    /// A symbolic or hard link.
    Link {
        /// Its path.
        path: String,
    },
    /// A device, pipe, sparse file or the like.
    EntryKind {
        /// Its path.
        path: String,
    },
    /// Two entries of one path.
    Duplicate {
        /// The path.
        path: String,
    },
    /// The manifest is not what a manifest must be.
    Manifest(String),
    /// The manifest holds something else than the one way to write it, although it is one of ours.
    ManifestForm,
    /// A part of OPA's bundles that is not supported yet.
    NotYet {
        /// What it is.
        what: &'static str,
    },
    /// The signature file is not what it must be.
    Signatures(String),
    /// There is no signature, and the trust demands one.
    Unsigned,
    /// The signature names an algorithm that none of the trusted keys has.
    Algorithm {
        /// The algorithm, as written.
        algorithm: String,
    },
    /// The bundle was signed with a key that is not trusted.
    WrongKey {
        /// The name of the signer's key, as the bundle gives it.
        key: String,
    },
    /// The signature does not belong to what is signed.
    BadSignature,
    /// The signature is for another scope.
    Scope {
        /// What the signature says.
        given: String,
        /// What the trust asks for.
        wanted: String,
    },
    /// Fewer trusted keys have signed than must.
    Threshold {
        /// Trusted keys that have signed.
        given: usize,
        /// Keys that must have signed.
        wanted: usize,
    },
    /// The bundle was signed with a key that is not good any more.
    RevokedKey {
        /// The name or fingerprint of the key.
        key: String,
    },
    /// The bundle was signed with a key that is not good at this time.
    KeyTime {
        /// The name or fingerprint of the key.
        key: String,
    },
    /// The bundle is older than one that was in force.
    Rollback {
        /// Its version, if it has one.
        given: Option<u64>,
        /// The version that must be reached.
        seen: u64,
    },
    /// The bundle has the version of one that was in force, and other content.
    Fork {
        /// The version of both.
        version: u64,
    },
    /// What was in force before cannot be known.
    Memory {
        /// The file that remembers it.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A file that the signature does not name.
    ExtraFile {
        /// Its path.
        path: String,
    },
    /// A file that the signature names and the bundle does not have.
    MissingFile {
        /// Its path.
        path: String,
    },
    /// A file that is not the one that was signed.
    ChangedFile {
        /// Its path.
        path: String,
    },
    /// The bundle is past the expiry in its manifest.
    Expired {
        /// The expiry, RFC 3339.
        expires: String,
    },
    /// The bundle changes documents (`patch.json`), and cannot change those that are there.
    Patch(String),
    /// The bundle has no compiled program for this engine.
    NoProgram,
    /// The program is not one that this engine accepts.
    Program(String),
    /// A data file is not JSON, or two of them collide.
    Data {
        /// Its path.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl LoadError {
    /// Our stable code, for logs and `govc explain`.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::TooLarge { .. } => "govc_bundle_too_large",
            LoadError::Gzip(_) => "govc_bundle_gzip",
            LoadError::Tar(_) => "govc_bundle_tar",
            LoadError::TrailingBytes => "govc_bundle_trailing_bytes",
            LoadError::UnsafePath { .. } => "govc_bundle_unsafe_path",
            LoadError::Link { .. } => "govc_bundle_link",
            LoadError::EntryKind { .. } => "govc_bundle_entry_kind",
            LoadError::Duplicate { .. } => "govc_bundle_duplicate",
            LoadError::Manifest(_) => "govc_bundle_manifest",
            LoadError::ManifestForm => "govc_bundle_manifest_form",
            LoadError::NotYet { .. } => "govc_not_yet",
            LoadError::Signatures(_) => "govc_bundle_signatures",
            LoadError::Unsigned => "govc_bundle_unsigned",
            LoadError::Algorithm { .. } => "govc_bundle_algorithm",
            LoadError::WrongKey { .. } => "govc_bundle_wrong_key",
            LoadError::BadSignature => "govc_bundle_bad_signature",
            LoadError::Scope { .. } => "govc_bundle_scope",
            LoadError::Threshold { .. } => "govc_bundle_threshold",
            LoadError::RevokedKey { .. } => "govc_bundle_revoked_key",
            LoadError::KeyTime { .. } => "govc_bundle_key_time",
            LoadError::Rollback { .. } => "govc_bundle_rollback",
            LoadError::Fork { .. } => "govc_bundle_fork",
            LoadError::Memory { .. } => "govc_bundle_memory",
            LoadError::ExtraFile { .. } => "govc_bundle_extra_file",
            LoadError::MissingFile { .. } => "govc_bundle_missing_file",
            LoadError::ChangedFile { .. } => "govc_bundle_changed_file",
            LoadError::Expired { .. } => "govc_bundle_expired",
            LoadError::Patch(_) => "govc_bundle_patch",
            LoadError::NoProgram => "govc_bundle_no_program",
            LoadError::Program(_) => "govc_bundle_program",
            LoadError::Data { .. } => "govc_bundle_data",
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::TooLarge { what, given, limit } => {
                write!(f, "`{what}` has size {given}, the limit is {limit}")
            }
            LoadError::Gzip(why) => write!(f, "the bundle is not sound gzip: {why}"),
            LoadError::Tar(why) => write!(f, "the bundle is not a sound tar archive: {why}"),
            LoadError::TrailingBytes => f.write_str("bytes follow the end of the archive"),
            LoadError::UnsafePath { path } => {
                write!(f, "path `{path}` is not a plain path inside the bundle")
            }
            LoadError::Link { path } => write!(f, "`{path}` is a link"),
            LoadError::EntryKind { path } => write!(f, "`{path}` is neither a file nor a folder"),
            LoadError::Duplicate { path } => write!(f, "`{path}` stands in the bundle twice"),
            LoadError::Manifest(why) => write!(f, "the manifest cannot be read: {why}"),
            LoadError::ManifestForm => {
                f.write_str("the manifest is not in canonical form, so it was changed")
            }
            LoadError::NotYet { what } => write!(f, "{what} is not supported yet"),
            LoadError::Signatures(why) => write!(f, "the signatures cannot be read: {why}"),
            LoadError::Unsigned => f.write_str("the bundle is not signed"),
            LoadError::Algorithm { algorithm } => {
                write!(f, "no trusted key takes signatures with algorithm `{algorithm}`")
            }
            LoadError::WrongKey { key } => {
                write!(f, "the bundle was signed with key `{key}`, which is not trusted")
            }
            LoadError::BadSignature => f.write_str("the signature does not belong to this bundle"),
            LoadError::Scope { given, wanted } => {
                write!(f, "the signature is for scope `{given}`, not `{wanted}`")
            }
            LoadError::Threshold { given, wanted } => {
                write!(f, "the bundle has signatures of {given} trusted keys, and needs {wanted}")
            }
            LoadError::RevokedKey { key } => {
                write!(f, "the bundle was signed with key `{key}`, which was revoked")
            }
            LoadError::KeyTime { key } => {
                write!(f, "the bundle was signed with key `{key}`, which is not good at this time")
            }
            LoadError::Rollback { given: Some(given), seen } => {
                write!(f, "the bundle has version {given}, and version {seen} was in force already")
            }
            LoadError::Rollback { given: None, seen } => {
                write!(f, "the bundle has no version, and version {seen} was in force already")
            }
            LoadError::Fork { version } => {
                write!(f, "another bundle with version {version} was in force already")
            }
            LoadError::Memory { path, why } => {
                write!(f, "`{path}` must tell which bundle was in force, and cannot: {why}")
            }
            LoadError::ExtraFile { path } => write!(f, "file `{path}` is not included in the signature"),
            LoadError::MissingFile { path } => write!(f, "file `{path}` is signed but not in the bundle"),
            LoadError::ChangedFile { path } => write!(f, "file `{path}` is not the one that was signed"),
            LoadError::Expired { expires } => write!(f, "the bundle expired at {expires}"),
            LoadError::Patch(why) => write!(f, "the changes cannot be made: {why}"),
            LoadError::NoProgram => {
                f.write_str("the bundle has no compiled program; build it with `govc build`")
            }
            LoadError::Program(why) => write!(f, "the program is refused: {why}"),
            LoadError::Data { path, message } => write!(f, "data file `{path}` cannot be used: {message}"),
        }
    }
}

impl std::error::Error for LoadError {}
