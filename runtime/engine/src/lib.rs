//! The embedder's door.
#![deny(missing_docs)]

pub mod audit;
mod bundle;
mod digest;
mod error;
mod keys;
mod trust;

pub use bundle::{
    Bundle, BundleError, BundleLimits, BundleSpec, Manifest, Section, SignedFile, Signer,
    build as build_bundle, sign as sign_bundle,
};
pub use digest::{canonical as canonical_json, hex as sha256_hex};
pub use error::LoadError;
pub use govc_value::json::Error as JsonError;
pub use keys::{Algorithm, KeyError, SigningKey, VerifyingKey};
pub use trust::Trust;
