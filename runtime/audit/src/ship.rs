//! Receivers of shipped entries: a folder, a webhook, a bucket of an S3-compatible store.
//!
//! The surprising fact: a bucket may end in a batch that a later, longer one contains. Who reads them takes the
//! last of those that begin at the same entry.

mod folder;
#[cfg(feature = "ship")]
mod http;

pub use folder::Folder;
#[cfg(feature = "ship")]
pub use http::{Bucket, Webhook};
