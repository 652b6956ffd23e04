//! Signers that are no longer believed.

use std::collections::BTreeSet;

/// Where admission asks whether a signer was revoked.
pub trait Revocations: Sync {
    /// Was the signer of this name or fingerprint revoked?
    ///
    /// # Errors
    /// When it cannot be known; then the start is denied.
    fn is_revoked(&self, signer: &str) -> Result<bool, String>;
}

/// A list of revoked signers.
///
/// ```
/// use govc_governance::{RevocationList, Revocations};
/// let list = RevocationList::parse("# lost laptop\n0a1b  2026-01-05\n");
/// assert_eq!(list.is_revoked("0a1b"), Ok(true));
/// assert_eq!(list.is_revoked("ffff"), Ok(false));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList(BTreeSet<String>);

impl RevocationList {
    /// Reads a list: one signer a line, its name or the fingerprint of its key, anything after white space is remark; empty
    /// lines and lines with `#` are passed over. Letters of fingerprints may be large or small.
    pub fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let signers =
            lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
        signers.map(str::to_owned).collect()
    }
}

impl FromIterator<String> for RevocationList {
    fn from_iter<I: IntoIterator<Item = String>>(signers: I) -> Self {
        Self(signers.into_iter().map(|signer| signer.to_ascii_lowercase()).collect())
    }
}

impl Revocations for RevocationList {
    fn is_revoked(&self, signer: &str) -> Result<bool, String> {
        Ok(self.0.contains(&signer.to_ascii_lowercase()))
    }
}
