//! Builds and signs bundles.

use super::archive::{self, Files};
use super::{Bundle, MANIFEST, Manifest, PROGRAM, SIGNATURES, Section, signature};
use crate::keys::{KeyError, SigningKey};
use crate::{LoadError, Trust, digest};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// What goes into a bundle.
///
/// ```
/// use govc_engine::{Bundle, BundleSpec, Trust, build_bundle};
/// let mut spec = BundleSpec::default();
/// spec.revision = "42".to_owned();
/// spec.sources.insert("policy/a.rego".to_owned(), b"package a\n\nallow := true\n".to_vec());
/// spec.data = Some(b"{}".to_vec());
/// let bytes = build_bundle(&spec)?;
/// assert_eq!(bytes, build_bundle(&spec)?, "equal content, equal bytes");
/// let bundle = Bundle::open(&bytes, &Trust::unsigned())?;
/// assert_eq!(bundle.manifest().revision, "42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BundleSpec {
    /// Policy sources by path; a bundle may go without them, but then OPA cannot evaluate it.
    pub sources: BTreeMap<String, Vec<u8>>,
    /// The compiled program, as the bytecode's encoder writes it.
    pub program: Option<Vec<u8>>,
    /// Base documents: the JSON text of `data`.
    pub data: Option<Vec<u8>>,
    /// Any other files by path, such as `plan.json`.
    pub extra: BTreeMap<String, Vec<u8>>,
    /// Free text that names the state of the policies.
    pub revision: String,
    /// The paths of `data` that the bundle owns.
    pub roots: Option<Vec<String>>,
    /// The version of the language, 0 or 1.
    pub rego_version: Option<u8>,
    /// Another version of some files, by their paths with a slash before them.
    pub file_rego_versions: BTreeMap<String, u8>,
    /// Other entries of the manifest's metadata.
    pub metadata: Map<String, Value>,
    /// Entrypoints of the program.
    pub entrypoints: Vec<String>,
    /// When the bundle stops being good, RFC 3339.
    pub expires: Option<String>,
    /// The version of the bundle, counted by its author.
    pub version: Option<u64>,
    /// The schemas that the policies were checked with, by path; only their digests go into the bundle.
    pub schemas: BTreeMap<String, Vec<u8>>,
}

/// Why a bundle cannot be built or signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BundleError {
    /// A path that no bundle may have, or that means something else in one.
    Path {
        /// The path.
        path: String,
    },
    /// Two files of one path.
    Duplicate {
        /// The path.
        path: String,
    },
    /// The expiry is no RFC 3339 time.
    Expiry {
        /// The text.
        text: String,
    },
    /// A file that must be JSON is not.
    Json {
        /// Its path.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The key cannot sign.
    Key(KeyError),
    /// The bundle to sign cannot be opened.
    Open(LoadError),
    /// The archive could not be written.
    Write(String),
}

impl BundleError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            BundleError::Path { .. } => "govc_build_path",
            BundleError::Duplicate { .. } => "govc_build_duplicate",
            BundleError::Expiry { .. } => "govc_build_expiry",
            BundleError::Json { .. } => "govc_build_json",
            BundleError::Key(key) => key.code(),
            BundleError::Open(load) => load.code(),
            BundleError::Write(_) => "govc_build_write",
        }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BundleError::Path { path } => write!(f, "`{path}` is not a path that a bundle can have"),
            BundleError::Duplicate { path } => write!(f, "`{path}` is given twice"),
            BundleError::Expiry { text } => write!(f, "expiry `{text}` is no RFC 3339 time"),
            BundleError::Json { path, message } => write!(f, "`{path}` is not JSON: {message}"),
            BundleError::Key(key) => key.fmt(f),
            BundleError::Open(load) => load.fmt(f),
            BundleError::Write(why) => write!(f, "the bundle could not be written: {why}"),
        }
    }
}

impl std::error::Error for BundleError {}

impl From<KeyError> for BundleError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<LoadError> for BundleError {
    fn from(error: LoadError) -> Self {
        Self::Open(error)
    }
}

/// Builds an unsigned bundle. Equal specifications give equal bytes, on any machine.
///
/// # Errors
/// When a path, the data or the expiry is not what it must be.
pub fn build(spec: &BundleSpec) -> Result<Vec<u8>, BundleError> {
    let mut files = Files::new();
    let sources = spec.sources.iter().chain(&spec.extra).map(|(path, content)| (path.as_str(), content));
    let named = [(PROGRAM, &spec.program), ("data.json", &spec.data)];
    let named = named.into_iter().filter_map(|(path, content)| Some((path, content.as_ref()?)));
    for (path, content) in sources.chain(named) {
        add(&mut files, path, content)?;
    }
    let manifest = manifest(spec, &files)?;
    files.insert(MANIFEST.to_owned(), manifest);
    pack(&files)
}

/// Signs a bundle; an older signature is replaced. `claims` are further claims of the token, such as `scope`.
///
/// # Errors
/// When the bundle cannot be opened or the key cannot sign.
pub fn sign(bundle: &[u8], key: &SigningKey, claims: &Map<String, Value>) -> Result<Vec<u8>, BundleError> {
    let trust = Trust::unsigned().ignoring_expiry();
    let opened = Bundle::open(bundle, &trust)?;
    let mut files: Files =
        opened.files().map(|(path, content)| (path.to_owned(), content.to_vec())).collect();
    files.remove(SIGNATURES);
    let signatures = signature::make(&files, key, claims)?;
    files.insert(SIGNATURES.to_owned(), signatures);
    pack(&files)
}

/// Adds the signature of one more key to a signed bundle. OPA sees the first signature only.
///
/// # Errors
/// When the bundle cannot be opened, is not signed, or the key cannot sign.
pub fn cosign(bundle: &[u8], key: &SigningKey, claims: &Map<String, Value>) -> Result<Vec<u8>, BundleError> {
    let opened = Bundle::open(bundle, &Trust::unsigned().ignoring_expiry())?;
    let mut files: Files =
        opened.files().map(|(path, content)| (path.to_owned(), content.to_vec())).collect();
    let signatures = signature::add(&files, key, claims)?;
    files.insert(SIGNATURES.to_owned(), signatures);
    pack(&files)
}

fn pack(files: &Files) -> Result<Vec<u8>, BundleError> {
    archive::write(files).map_err(|e| BundleError::Write(e.to_string()))
}

fn add(files: &mut Files, path: &str, content: &[u8]) -> Result<(), BundleError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // OPA takes every file whose path ends so for the signatures or the manifest of the bundle.
    let reserved =
        path.ends_with("signatures.json") || path.ends_with(".manifest") || path.ends_with(".manifest.pb");
    if reserved || !archive::is_plain(path) {
        return Err(BundleError::Path { path: path.to_owned() });
    }
    if super::hash::is_structured(path) {
        serde_json::from_slice::<serde::de::IgnoredAny>(content)
            .map_err(|e| BundleError::Json { path: path.to_owned(), message: e.to_string() })?;
    }
    if files.insert(path.to_owned(), content.to_vec()).is_some() {
        return Err(BundleError::Duplicate { path: path.to_owned() });
    }
    Ok(())
}

fn digests<'f>(files: impl Iterator<Item = (&'f String, &'f Vec<u8>)>) -> BTreeMap<String, String> {
    files.map(|(path, content)| (path.clone(), digest::hex(content))).collect()
}

fn manifest(spec: &BundleSpec, files: &Files) -> Result<Vec<u8>, BundleError> {
    if let Some(text) = &spec.expires {
        text.parse::<jiff::Timestamp>().map_err(|_| BundleError::Expiry { text: text.clone() })?;
    }
    let section = Section {
        format: 1,
        entrypoints: spec.entrypoints.clone(),
        expires: spec.expires.clone(),
        version: spec.version,
        files: digests(files.iter()),
        schemas: digests(spec.schemas.iter()),
    };
    let json = |e: serde_json::Error| BundleError::Json { path: MANIFEST.to_owned(), message: e.to_string() };
    let mut metadata = spec.metadata.clone();
    metadata.insert("govc".to_owned(), serde_json::to_value(&section).map_err(json)?);
    let manifest = Manifest {
        revision: spec.revision.clone(),
        roots: spec.roots.clone(),
        rego_version: spec.rego_version,
        file_rego_versions: spec.file_rego_versions.clone(),
        metadata,
        ..Manifest::default()
    };
    let text = serde_json::to_vec(&manifest).map_err(json)?;
    digest::canonical(&text)
        .map_err(|e| BundleError::Json { path: MANIFEST.to_owned(), message: e.kind.to_string() })
}

/// The text of `.signatures.json` for files that are no bundle yet, such as those of a folder. `claims` go into the token.
///
/// # Errors
/// When a file that must be JSON is not, or the key cannot sign.
pub fn sign_files(
    files: &BTreeMap<String, Vec<u8>>,
    key: &SigningKey,
    claims: &Map<String, Value>,
) -> Result<Vec<u8>, BundleError> {
    signature::make(files, key, claims)
}
