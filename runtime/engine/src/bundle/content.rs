//! An opened bundle: its files, checked as far as the trust demands.

use super::archive::{self, Files};
use super::data;
use super::{MANIFEST, Manifest, PROGRAM, SIGNATURES, Section, Signer, signature};
use crate::{LoadError, Trust, digest};
use serde_json::json;
use std::collections::BTreeMap;

/// The path under `data` where a document stands, and its JSON text.
pub(crate) type Document = (Vec<String>, Vec<u8>);

/// A bundle that was opened, and verified where the [`Trust`] has keys.
///
/// ```no_run
/// use govc_engine::{Bundle, Trust};
/// let bytes = std::fs::read("bundle.tar.gz")?;
/// let bundle = Bundle::open(&bytes, &Trust::unsigned())?;
/// for (path, content) in bundle.files() {
///     println!("{path}: {} bytes", content.len());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bundle {
    files: Files,
    digest: String,
    manifest: Manifest,
    section: Option<Section>,
    signer: Option<Signer>,
}

impl Bundle {
    /// Opens a bundle: archive, signature, every file against the signature, our section, expiry. The program
    /// is not looked at; [`Engine::load`](crate::Engine::load) does that.
    ///
    /// # Errors
    /// Whatever is wrong first, in that order.
    pub fn open(bytes: &[u8], trust: &Trust) -> Result<Self, LoadError> {
        let files = archive::read(bytes, trust.bundle_limits())?;
        let signer = match trust.demands_signature() {
            true => Some(signature::check(&files, trust)?),
            false => None,
        };
        refuse_unknown_forms(&files)?;
        let manifest = match files.get(MANIFEST) {
            Some(text) => Manifest::read(text)?,
            None => Manifest::default(),
        };
        let section = manifest.section()?;
        if let Some(section) = &section {
            check_section(&files, section, trust)?;
            check_expiry(section, trust)?;
        }
        check_version(section.as_ref(), trust)?;
        let digest = digest_of(&files);
        Ok(Self { files, digest, manifest, section, signer })
    }

    /// Path and content of every file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Content of a file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The compiled program, if there is one.
    pub fn program(&self) -> Option<&[u8]> {
        self.file(PROGRAM)
    }

    /// The digest of the bundle: SHA-256 over one line `<digest>  <path>` for each file but the signatures, sorted
    /// by path; what `sha256sum` prints over the unpacked files. 64 hex digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The digest of its policies alone: the program, the documents and the schemas that the policies were checked with.
    /// A file that takes no part in decisions (sources, a plan, the revision) leaves it as it is. SHA-256 of the canonical
    /// JSON `{"files": {path: digest}, "schemas": {path: digest}}`, 64 hex digits.
    pub fn policy_hash(&self) -> String {
        let deciding = |path: &str| path == PROGRAM || is_data(path);
        let files = self.files.iter().filter(|(path, _)| deciding(path));
        let files: BTreeMap<&String, String> =
            files.map(|(path, content)| (path, digest::hex(content))).collect();
        let schemas = self.section.as_ref().map(|section| &section.schemas);
        let text = json!({"files": files, "schemas": schemas}).to_string();
        // A JSON value is always within the limits of a canonical text; else its own text is as definite.
        digest::hex(&digest::canonical(text.as_bytes()).unwrap_or_else(|_| text.into_bytes()))
    }

    /// The manifest; the empty one where there is none.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Our section of the manifest.
    pub fn section(&self) -> Option<&Section> {
        self.section.as_ref()
    }

    /// Who signed it; absent under [`Trust::unsigned`].
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// The data files as JSON, each with the path of `data` where its content belongs.
    ///
    /// # Errors
    /// When a data file is not JSON, lies outside the roots of the manifest, or collides with another.
    pub(crate) fn data(&self) -> Result<Vec<Document>, LoadError> {
        let mut found = Vec::new();
        for (path, content) in &self.files {
            if let Some(place) = place(path) {
                found.push((path.as_str(), place, data::json(path, content)?));
            }
        }
        if found.len() > 1 || self.manifest.roots.is_some() {
            data::check(&found, &self.manifest)?;
        }
        Ok(found.into_iter().map(|(_, place, json)| (place, json.into_owned())).collect())
    }
}

/// No version is as old as can be.
fn check_version(section: Option<&Section>, trust: &Trust) -> Result<(), LoadError> {
    let given = section.and_then(|section| section.version);
    match trust.wanted_version() {
        Some(seen) if given.is_none_or(|given| given < seen) => Err(LoadError::Rollback { given, seen }),
        _ => Ok(()),
    }
}

/// The last part of a path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file holds documents.
pub(super) fn is_data(path: &str) -> bool {
    place(path).is_some()
}

/// The path of `data` where a file's content belongs, if it is a data file.
fn place(path: &str) -> Option<Vec<String>> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let names = folder.split('/').filter(|name| !name.is_empty());
    matches!(name, "data.json" | "data.yaml" | "data.yml").then(|| names.map(str::to_owned).collect())
}

/// What OPA would read and we do not must not be passed over in silence.
fn refuse_unknown_forms(files: &Files) -> Result<(), LoadError> {
    match files.keys().any(|path| name(path) == ".manifest.pb") {
        true => Err(LoadError::NotYet { what: "a manifest in protocol buffers" }),
        false => Ok(()),
    }
}

fn check_section(files: &Files, section: &Section, trust: &Trust) -> Result<(), LoadError> {
    let manifest = files.get(MANIFEST).map(Vec::as_slice).unwrap_or_default();
    if digest::canonical(manifest).ok().as_deref() != Some(manifest) {
        return Err(LoadError::ManifestForm);
    }
    for (path, content) in files.iter().filter(|(path, _)| *path != MANIFEST && *path != SIGNATURES) {
        if trust.excludes(path) {
            continue;
        }
        match section.files.get(path) {
            None => return Err(LoadError::ExtraFile { path: path.clone() }),
            Some(signed) if *signed != digest::hex(content) => {
                return Err(LoadError::ChangedFile { path: path.clone() });
            }
            Some(_) => {}
        }
    }
    match section.files.keys().find(|path| !files.contains_key(*path)) {
        Some(path) => Err(LoadError::MissingFile { path: path.clone() }),
        None => Ok(()),
    }
}

fn check_expiry(section: &Section, trust: &Trust) -> Result<(), LoadError> {
    let Some(expires) = &section.expires else { return Ok(()) };
    let end: jiff::Timestamp = expires
        .parse()
        .map_err(|_| LoadError::Manifest(format!("expiry `{expires}` is no RFC 3339 time")))?;
    if trust.now() >= end {
        return Err(LoadError::Expired { expires: expires.clone() });
    }
    Ok(())
}

/// As `sha256sum` prints it, hashed once more.
fn digest_of(files: &Files) -> String {
    let signed = files.iter().filter(|(path, _)| *path != SIGNATURES);
    let lines: String = signed.map(|(path, content)| format!("{}  {path}\n", digest::hex(content))).collect();
    digest::hex(lines.as_bytes())
}
