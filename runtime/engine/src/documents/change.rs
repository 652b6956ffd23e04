//! Changes of base documents as delta bundles tell them (`patch.json`).

use super::{Document, Operation, step};
use std::sync::Arc;

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    operation: String,
    path: String,
    value: Option<Arc<Document>>,
}

impl Change {
    /// The changes in the text of a `patch.json`, in their order.
    ///
    /// # Errors
    /// It is no list of changes.
    pub fn read(text: &[u8]) -> Result<Vec<Self>, String> {
        let patch = Document::read(text).map_err(|error| error.to_string())?;
        match patch.get("data").map(|changes| &**changes) {
            Some(Document::Array(changes)) => Ok(changes.iter().map(|change| Self::of(change)).collect()),
            None | Some(Document::Null) => Ok(Vec::new()),
            Some(_) => Err("`data` must be a list".to_owned()),
        }
    }

    fn of(change: &Document) -> Self {
        let text =
            |name: &str| change.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        Self { operation: text("op"), path: text("path"), value: change.get("value").cloned() }
    }

    /// Where it happens, without slashes at the ends.
    pub fn path(&self) -> &str {
        self.path.trim_matches('/')
    }

    /// Changes documents.
    ///
    /// # Errors
    /// OPA's complaint; then the documents may be changed in part.
    pub fn apply(&self, documents: &mut Arc<Document>) -> Result<(), String> {
        let at = step::of_patch(&format!("/{}", self.path())).ok_or("error parsing patch path")?;
        let operation = match self.operation.as_str() {
            "upsert" => Operation::Add,
            "remove" => Operation::Remove,
            "replace" => Operation::Replace,
            other => return Err(format!("bad patch operation: {other}")),
        };
        if let (Operation::Add, Some((_, parents))) = (operation, at.split_last())
            && documents.at(parents).is_err()
        {
            documents.make_objects(parents).map_err(|error| error.to_string())?;
        }
        let value = self.value.clone().unwrap_or_else(|| Arc::new(Document::Null));
        let value = (operation != Operation::Remove).then_some(value);
        documents.write(operation, &at, value).map_err(|error| error.to_string())
    }
}
