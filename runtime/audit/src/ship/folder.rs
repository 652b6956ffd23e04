//! A folder that gets a file for each batch.

use crate::disk::{Disk, replace};
use crate::outbox::{Batch, Destination};
use std::sync::Arc;

/// A folder on a disk.
#[derive(Clone, Debug)]
pub struct Folder {
    disk: Arc<dyn Disk>,
}

impl Folder {
    /// The folder that a disk is.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }
}

impl Destination for Folder {
    fn deliver(&self, batch: &Batch) -> Result<(), String> {
        let path = format!("{}.jsonl", batch.name());
        replace(&*self.disk, &path, batch.lines.as_bytes(), true).map_err(|error| error.to_string())
    }
}
