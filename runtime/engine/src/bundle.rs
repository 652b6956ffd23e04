//! Bundles: OPA's format (gzip tar with `.manifest`, policies, data and `.signatures.json`), with our
//! compiled program as one more file and our own section in the manifest's metadata, which OPA ignores.
//!
//! The surprising fact: the digest of a bundle is over its files, not over the archive. Two archives
//! with the same files have the same digest, however they were packed and whoever signed them.

mod archive;
mod build;
mod content;
mod data;
mod delta;
mod hash;
mod manifest;
mod signature;

pub use archive::BundleLimits;
pub use build::{BundleError, BundleSpec, build, cosign, sign, sign_files};
pub use content::Bundle;
pub(crate) use content::Document;
pub use manifest::{Manifest, Section};
pub use signature::{SignedFile, Signer};

/// Path of the compiled program inside a bundle.
pub(crate) const PROGRAM: &str = "policy.govc";
/// Path of the manifest.
pub(crate) const MANIFEST: &str = ".manifest";
/// Path of the signatures.
pub(crate) const SIGNATURES: &str = ".signatures.json";
