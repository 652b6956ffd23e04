//! The embedder's door.
#![deny(missing_docs)]

mod bundle;
mod decision;
mod digest;
pub mod documents;
mod effect;
mod error;
mod glob;
mod host;
mod keys;
mod layout;
mod machine;
#[cfg(feature = "jit")]
mod native;
mod policy;
pub mod proof;
mod query;
mod telling;
mod trust;

pub use bundle::{
    Bundle, BundleError, BundleLimits, BundleSpec, Manifest, Section, SignedFile, Signer,
    build as build_bundle, cosign as cosign_bundle, sign as sign_bundle, sign_files,
};
pub use decision::{DecideError, Decision, ENGINE};
pub use digest::{canonical as canonical_json, hex as sha256_hex};
pub use effect::Effect;
pub use error::LoadError;
pub use glob::matches as name_matches;
pub use govc_value::json::Error as JsonError;
pub use host::{Answers, FunctionError, Host, HostError, HostFunctions, Sealed, SystemHost};
pub use keys::{Algorithm, KeyError, SigningKey, VerifyingKey, generate as generate_key};
pub use layout::{Layer, Layout, LayoutError};
pub use policy::{Engine, Entrypoint, Policy, PolicyHandle};
pub use query::{Limits, Query, Scratch};
pub use telling::{Marks, Rules, Telling, ToldRule};
pub use trust::{Trust, TrustError, VersionMemory};
