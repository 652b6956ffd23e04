//! Delta bundles: changes of base documents (`patch.json`) in the place of policies and documents.

use super::document::{Document, Operation};
use super::path;
use super::store::Draft;
use crate::problem::Problem;
use std::sync::Arc;

/// One change as the bundle tells it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    operation: String,
    path: String,
    value: Option<Arc<Document>>,
}

/// The changes in the text of a `patch.json`.
///
/// # Errors
/// It is no list of changes.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Change>, Problem> {
    let failed = |why: &str| Problem::plain(format!("bundle load failed on patch decode: {why}"));
    let patch = Document::read(text).map_err(|error| failed(&error.to_string()))?;
    let changes = match patch.get("data").map(|changes| &**changes) {
        Some(Document::Array(changes)) => changes.as_slice(),
        None | Some(Document::Null) => &[],
        Some(_) => return Err(failed("`data` must be a list")),
    };
    let text = |change: &Document, name: &str| {
        change.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    let read = |change: &Arc<Document>| Change {
        operation: text(change, "op"),
        path: text(change, "path"),
        value: change.get("value").cloned(),
    };
    Ok(changes.iter().map(read).collect())
}

impl Change {
    /// Where it happens, without slashes at the ends.
    pub(crate) fn path(&self) -> &str {
        self.path.trim_matches('/')
    }

    /// Changes the documents of a draft.
    ///
    /// # Errors
    /// OPA's complaint.
    pub(crate) fn apply(&self, draft: &mut Draft<'_>) -> Result<(), Problem> {
        let plain = |text: String| Problem::plain(text);
        let at = path::patch_keys(&format!("/{}", self.path()));
        let at = at.ok_or_else(|| plain("error parsing patch path".to_owned()))?;
        let operation = match self.operation.as_str() {
            "upsert" => Operation::Add,
            "remove" => Operation::Remove,
            "replace" => Operation::Replace,
            other => return Err(plain(format!("bad patch operation: {other}"))),
        };
        let failed = |error: super::store_error::StoreError| plain(error.to_string());
        if let (Operation::Add, Some((_, parents))) = (operation, at.split_last())
            && draft.data.at(parents).is_err()
        {
            draft.data.make_objects(parents).map_err(failed)?;
        }
        let value = self.value.clone().unwrap_or_else(|| Arc::new(Document::Null));
        let value = (operation != Operation::Remove).then_some(value);
        draft.data.write(operation, &at, value).map_err(failed)
    }
}
