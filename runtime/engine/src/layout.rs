//! Bundles from an OCI image layout: a folder as `oras` and `skopeo` write it, with a bundle as a layer.
//!
//! The surprising fact: nothing is believed for its name. A blob is read by its digest, and its bytes must have that
//! digest and length before anything looks at them. Source: OCI image specification 1.1, "Image Layout".

use crate::digest;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The media type of a layer that is a bundle, as OPA takes it from registries.
const BUNDLE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const REFERENCE_NAME: &str = "org.opencontainers.image.ref.name";

/// The most bytes of `oci-layout`, an index or a manifest.
const DOCUMENT_LIMIT: u64 = 4 << 20;

/// A bundle in a layout, written as `oci:FOLDER`, `oci:FOLDER:TAG` or `oci:FOLDER@sha256:HEX`.
///
/// ```
/// use govc_engine::Layout;
/// let layout = Layout::parse("oci:store/policies:v2").expect("it is one");
/// assert_eq!(layout.to_string(), "oci:store/policies:v2");
/// assert!(Layout::parse("bundle.tar.gz").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    folder: PathBuf,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// The only manifest that there is.
    Only,
    Tag(String),
    Digest(String),
}

/// A bundle as it lies in a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layer {
    /// SHA-256 of the bundle's bytes, 64 hex digits. While it stays the same, so does the bundle.
    pub digest: String,
    /// The bundle.
    pub bytes: Vec<u8>,
}

/// Why there is no bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// A file cannot be read.
    Read {
        /// Its path.
        path: String,
        /// Why.
        why: String,
    },
    /// A document is not what the specification says.
    Form {
        /// What it is.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Nothing has the tag or digest, or several could be meant.
    Choice(String),
    /// A blob is not what its descriptor says.
    Blob {
        /// The digest that it should have.
        digest: String,
        /// What is wrong.
        why: String,
    },
}

impl LayoutError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            LayoutError::Read { .. } => "govc_file",
            LayoutError::Form { .. } => "govc_layout_form",
            LayoutError::Choice(_) => "govc_layout_choice",
            LayoutError::Blob { .. } => "govc_layout_blob",
        }
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::Read { path, why } => write!(f, "open {path}: {why}"),
            LayoutError::Form { what, why } => write!(f, "the {what} of the layout: {why}"),
            LayoutError::Choice(why) => f.write_str(why),
            LayoutError::Blob { digest, why } => write!(f, "blob sha256:{digest}: {why}"),
        }
    }
}

impl std::error::Error for LayoutError {}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci:{}", self.folder.display())?;
        match &self.wanted {
            Wanted::Only => Ok(()),
            Wanted::Tag(tag) => write!(f, ":{tag}"),
            Wanted::Digest(digest) => write!(f, "@sha256:{digest}"),
        }
    }
}

/// A descriptor of the specification.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

#[derive(Debug, Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    layers: Vec<Descriptor>,
}

impl Layout {
    /// Reads a name, or gives nothing where it does not begin with `oci:`. A tag stands behind the last colon of the
    /// last part of the path.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("oci:")?;
        if let Some((folder, digest)) = rest.split_once("@sha256:") {
            let wanted = Wanted::Digest(digest.to_ascii_lowercase());
            return Some(Self { folder: folder.into(), wanted });
        }
        Some(match rest.rsplit_once(':') {
            Some((folder, tag)) if !tag.contains(['/', '\\']) && !tag.is_empty() => {
                Self { folder: folder.into(), wanted: Wanted::Tag(tag.to_owned()) }
            }
            _ => Self { folder: rest.into(), wanted: Wanted::Only },
        })
    }

    /// Reads the bundle, of at most `limit` bytes.
    ///
    /// # Errors
    /// When the layout is not one, or a blob is not what its descriptor says.
    pub fn read(&self, limit: u64) -> Result<Layer, LayoutError> {
        self.layer(&self.descriptor()?, limit)
    }

    /// As [`read`](Self::read), but leaves the bundle alone where it still has the digest that is known.
    ///
    /// # Errors
    /// When the layout is not one, or a blob is not what its descriptor says.
    pub fn read_if_changed(&self, known: &str, limit: u64) -> Result<Option<Layer>, LayoutError> {
        let descriptor = self.descriptor()?;
        if hex_of(&descriptor)? == known {
            return Ok(None);
        }
        self.layer(&descriptor, limit).map(Some)
    }

    fn layer(&self, descriptor: &Descriptor, limit: u64) -> Result<Layer, LayoutError> {
        Ok(Layer { digest: hex_of(descriptor)?.to_owned(), bytes: self.blob(descriptor, limit)? })
    }

    fn descriptor(&self) -> Result<Descriptor, LayoutError> {
        let marker: Marker = document("marker", &self.file("oci-layout")?)?;
        if !marker.image_layout_version.starts_with("1.") {
            let why = format!("version {} is not known", marker.image_layout_version);
            return Err(LayoutError::Form { what: "marker", why });
        }
        let index: Index = document("index", &self.file("index.json")?)?;
        let chosen = self.choose(index.manifests)?;
        let manifest: Manifest = document("manifest", &self.blob(&chosen, DOCUMENT_LIMIT)?)?;
        let bundle = manifest.layers.into_iter().find(|layer| layer.media_type == BUNDLE);
        bundle.ok_or_else(|| LayoutError::Form {
            what: "manifest",
            why: format!("it has no layer of type {BUNDLE}"),
        })
    }

    fn choose(&self, manifests: Vec<Descriptor>) -> Result<Descriptor, LayoutError> {
        let mut fitting: Vec<Descriptor> =
            manifests.into_iter().filter(|one| one.media_type == MANIFEST && self.means(one)).collect();
        let count = fitting.len();
        match fitting.pop() {
            Some(one) if count == 1 => Ok(one),
            None => Err(LayoutError::Choice(format!("{self}: there is no such manifest"))),
            Some(_) => Err(LayoutError::Choice(format!(
                "{self}: {count} manifests could be meant; name a tag, as in oci:FOLDER:TAG"
            ))),
        }
    }

    fn means(&self, manifest: &Descriptor) -> bool {
        match &self.wanted {
            Wanted::Only => true,
            Wanted::Tag(tag) => manifest.annotations.get(REFERENCE_NAME) == Some(tag),
            Wanted::Digest(digest) => manifest.digest.strip_prefix("sha256:") == Some(digest),
        }
    }

    fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let wanted = hex_of(descriptor)?;
        let wrong = |why: String| LayoutError::Blob { digest: wanted.to_owned(), why };
        if descriptor.size > limit {
            return Err(wrong(format!("{} bytes, more than {limit}", descriptor.size)));
        }
        let path = self.folder.join("blobs").join("sha256").join(wanted);
        // One byte more than there should be, so that a longer file is found to be longer.
        let bytes = read(&path, descriptor.size + 1)?;
        if bytes.len() as u64 != descriptor.size {
            return Err(wrong(format!("its length is not {}", descriptor.size)));
        }
        match digest::hex(&bytes) {
            found if found == wanted => Ok(bytes),
            found => Err(wrong(format!("its bytes have digest {found}"))),
        }
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, LayoutError> {
        read(&self.folder.join(name), DOCUMENT_LIMIT)
    }
}

/// The hex digits of a descriptor's digest. They become part of a path, so nothing else may be in them.
fn hex_of(descriptor: &Descriptor) -> Result<&str, LayoutError> {
    let hex = descriptor.digest.strip_prefix("sha256:").filter(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    hex.ok_or_else(|| LayoutError::Form {
        what: "descriptor",
        why: format!("`{}` is no SHA-256 digest", descriptor.digest),
    })
}

fn document<T: for<'d> Deserialize<'d>>(what: &'static str, bytes: &[u8]) -> Result<T, LayoutError> {
    serde_json::from_slice(bytes).map_err(|error| LayoutError::Form { what, why: error.to_string() })
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, LayoutError> {
    let mut bytes = Vec::new();
    let reading = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    reading
        .map(|_| bytes)
        .map_err(|error| LayoutError::Read { path: path.display().to_string(), why: plain(&error) })
}

/// The reason of an error without the number that the standard library adds.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(reason, _)| reason.to_ascii_lowercase())
}
