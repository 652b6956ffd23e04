//! What an embedder trusts: keys, or explicitly nothing.

mod memory;
mod policy;

pub use memory::VersionMemory;
pub use policy::TrustError;

use crate::bundle::{BundleLimits, PROGRAM};
use crate::glob;
use crate::keys::VerifyingKey;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Whom to believe when a bundle is loaded. There is no default: say which keys, or say [`Trust::unsigned`].
///
/// ```
/// use govc_engine::{Trust, VerifyingKey};
/// let pem = "-----BEGIN PUBLIC KEY-----\n\
///     MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
///     -----END PUBLIC KEY-----";
/// let trust = Trust::key(VerifyingKey::from_pem(pem)?).scope("write");
/// assert!(trust.demands_signature());
/// assert!(!Trust::unsigned().demands_signature());
/// # Ok::<(), govc_engine::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trust {
    keys: Vec<VerifyingKey>,
    threshold: usize,
    revoked: BTreeSet<String>,
    minimum_version: Option<u64>,
    signed: bool,
    scope: String,
    excluded: Vec<String>,
    now: Option<Timestamp>,
    limits: BundleLimits,
}

impl Trust {
    /// A bundle must be signed with this key.
    pub fn key(key: VerifyingKey) -> Self {
        Self::keys_of(vec![key])
    }

    /// A bundle must be signed with one of these keys. With none, every bundle is refused.
    pub fn any_of(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self::keys_of(keys.into_iter().collect())
    }

    /// Signatures are not asked for and not looked at. For tests, and where the bytes come from a place that is
    /// trusted by other means. What a bundle says about itself (digests, expiry) is still checked.
    pub fn unsigned() -> Self {
        Self { signed: false, ..Self::keys_of(Vec::new()) }
    }

    fn keys_of(keys: Vec<VerifyingKey>) -> Self {
        Self {
            keys,
            threshold: 1,
            revoked: BTreeSet::new(),
            minimum_version: None,
            signed: true,
            scope: String::new(),
            excluded: Vec::new(),
            now: None,
            limits: BundleLimits::default(),
        }
    }

    /// So many of the keys must have signed; at least one.
    #[must_use]
    pub fn threshold(mut self, keys: usize) -> Self {
        self.threshold = keys.max(1);
        self
    }

    /// Keys with these fingerprints are not good any more, whoever lists them.
    #[must_use]
    pub fn revoked(mut self, fingerprints: impl IntoIterator<Item = String>) -> Self {
        self.revoked.extend(fingerprints.into_iter().map(|fingerprint| fingerprint.to_ascii_lowercase()));
        self
    }

    /// A bundle must have a version, and at least this one.
    #[must_use]
    pub fn minimum_version(mut self, version: u64) -> Self {
        self.minimum_version = Some(version);
        self
    }

    /// The scope that the signature must have (OPA's `scope` claim); without, it must have none.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Files that need not be what was signed, nor signed at all: names with `*`, `?` and `[a-z]`, as OPA's `exclude_files`
    /// (a `*` stops at slashes). The compiled program is never one of them.
    #[must_use]
    pub fn excluding(mut self, patterns: impl IntoIterator<Item = String>) -> Self {
        self.excluded.extend(patterns);
        self
    }

    /// The time to check expiry against, in seconds since 1970; without, the system's clock.
    #[must_use]
    pub fn at(mut self, unix_seconds: i64) -> Self {
        self.now = Some(Timestamp::from_second(unix_seconds).unwrap_or(Timestamp::MAX));
        self
    }

    /// Bounds on the bundle.
    #[must_use]
    pub fn limits(mut self, limits: BundleLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Must a bundle be signed?
    pub fn demands_signature(&self) -> bool {
        self.signed
    }

    /// The trusted keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    pub(crate) fn ignoring_expiry(mut self) -> Self {
        self.now = Some(Timestamp::MIN);
        self
    }

    pub(crate) fn wanted_keys(&self) -> usize {
        self.threshold
    }

    pub(crate) fn is_revoked(&self, key: &VerifyingKey) -> bool {
        key.fingerprint().is_some_and(|fingerprint| self.revoked.contains(fingerprint))
    }

    pub(crate) fn wanted_version(&self) -> Option<u64> {
        self.minimum_version
    }

    pub(crate) fn wanted_scope(&self) -> &str {
        &self.scope
    }

    /// Need this file not be what was signed?
    pub(crate) fn excludes(&self, path: &str) -> bool {
        path != PROGRAM && self.excluded.iter().any(|pattern| glob::matches(pattern, path))
    }

    pub(crate) fn bundle_limits(&self) -> &BundleLimits {
        &self.limits
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }
}
