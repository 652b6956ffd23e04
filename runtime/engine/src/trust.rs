//! What an embedder trusts: keys, or explicitly nothing.

use crate::bundle::BundleLimits;
use crate::keys::VerifyingKey;
use jiff::Timestamp;

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
    signed: bool,
    scope: String,
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
        Self { keys, signed: true, scope: String::new(), now: None, limits: BundleLimits::default() }
    }

    /// The scope that the signature must have (OPA's `scope` claim); without, it must have none.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
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

    pub(crate) fn wanted_scope(&self) -> &str {
        &self.scope
    }

    pub(crate) fn bundle_limits(&self) -> &BundleLimits {
        &self.limits
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }
}
