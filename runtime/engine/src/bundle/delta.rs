//! Delta bundles: changes of documents (`patch.json`) in the place of policies and documents.
//!
//! The surprising fact: OPA takes them without a signature, also where it has keys. Here they need one like all others.

use super::content::{self, Bundle};
use super::{Manifest, PROGRAM};
use crate::LoadError;
use crate::documents::{Change, Document};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Changes of documents.
const PATCH: &str = "patch.json";

impl Bundle {
    /// Whether it holds changes of documents (`patch.json`) in the place of policies and documents.
    pub fn is_delta(&self) -> bool {
        self.files().any(|(path, _)| is_patch(path))
    }

    /// The documents of a bundle with the changes of this one.
    ///
    /// # Errors
    /// [`LoadError::Patch`].
    pub(crate) fn applied(
        &self,
        manifest: &Manifest,
        documents: &mut Arc<Document>,
    ) -> Result<(), LoadError> {
        self.stands_alone()?;
        if roots(self.manifest()) != roots(manifest) {
            return Err(LoadError::Patch("its roots are not those of the bundle in force".to_owned()));
        }
        for (_, text) in self.files().filter(|(path, _)| is_patch(path)) {
            for change in Change::read(text).map_err(LoadError::Patch)? {
                permitted(&change, manifest)?;
                change.apply(documents).map_err(LoadError::Patch)?;
            }
        }
        Ok(())
    }

    fn stands_alone(&self) -> Result<(), LoadError> {
        let decides = |path: &str| path == PROGRAM || path.ends_with(".rego") || content::is_data(path);
        match self.files().find(|(path, _)| decides(path)) {
            Some((path, _)) => Err(LoadError::Patch(format!("`{path}` stands beside `{PATCH}`"))),
            None => Ok(()),
        }
    }
}

fn is_patch(path: &str) -> bool {
    path.rsplit('/').next() == Some(PATCH)
}

/// Without roots a bundle owns all.
fn roots(manifest: &Manifest) -> BTreeSet<&str> {
    match &manifest.roots {
        Some(roots) => roots.iter().map(|root| root.trim_matches('/')).collect(),
        None => BTreeSet::from([""]),
    }
}

fn permitted(change: &Change, manifest: &Manifest) -> Result<(), LoadError> {
    let path: Vec<String> = change.path().split('/').map(str::to_owned).collect();
    match manifest.owns(&path) {
        true => Ok(()),
        false => {
            let path = change.path();
            Err(LoadError::Patch(format!("the roots of the manifest do not permit a change at `{path}`")))
        }
    }
}
