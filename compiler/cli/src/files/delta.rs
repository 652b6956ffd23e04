//! Delta bundles: changes of documents (`patch.json`), for commands that load bundles anew each time.
//!
//! No two bundles share a root, so the changes find nothing where they are made.

use super::{Loader, Wording, join};
use crate::problem::Problem;
use govc_engine::Bundle;
use govc_engine::documents::{Change, Document};
use std::path::Path;

/// The name of the file with the changes.
pub(super) const PATCH: &str = "patch.json";

/// The files beside the changes.
enum Beside<'a> {
    Folder(&'a str),
    Archive(&'a Bundle),
}

impl Beside<'_> {
    /// Whether there is one with such a name.
    fn holds(&self, is: fn(&str) -> bool) -> bool {
        match self {
            Beside::Folder(folder) => folder_holds(folder, is),
            Beside::Archive(bundle) => bundle.files().any(|(name, _)| is(file_name(name))),
        }
    }
}

impl Loader<'_> {
    /// Makes the changes of a bundle that is a folder.
    pub(super) fn changes_of_folder(&mut self, path: &str, folder: &str) {
        match std::fs::read(path) {
            Ok(text) => self.changes(path, &text, Beside::Folder(folder)),
            Err(error) => self.fail(super::io_problem("open", path, &error)),
        }
    }

    /// Makes the changes of a bundle that is an archive.
    pub(super) fn changes_of_archive(&mut self, path: &str, bundle: &Bundle) {
        for (name, text) in bundle.files() {
            if file_name(name) == PATCH {
                self.changes(path, text, Beside::Archive(bundle));
            }
        }
    }

    fn changes(&mut self, path: &str, text: &[u8], beside: Beside) {
        if self.request.wording == Wording::Merge {
            return self.fail(Problem::not_yet(format!("{path}: a delta bundle is not built anew")));
        }
        match self.changed(text, &beside) {
            Ok(Some(documents)) => self.merge(path, documents, &[]),
            Ok(None) => {}
            Err(problem) => self.fail(problem),
        }
    }

    /// The documents that the changes make; a bundle without any is like all others.
    fn changed(&self, text: &[u8], beside: &Beside) -> Result<Option<String>, Problem> {
        let refused = |why: String| match self.current() {
            Some(bundle) => self.refusal(bundle, &why),
            None => Problem::plain(why),
        };
        let failed = |why| refused(format!("bundle load failed on patch decode: {why}"));
        let changes = Change::read(text).map_err(failed)?;
        if changes.is_empty() {
            return Ok(None);
        }
        let alone = "delta bundle expected to contain only patch file but";
        for (what, is) in [("data", is_data as fn(&str) -> bool), ("policy", is_policy)] {
            if beside.holds(is) {
                return Err(refused(format!("{alone} {what} files found")));
            }
        }
        let mut documents = Document::empty();
        for change in changes {
            if let Some(bundle) = self.current().filter(|bundle| !bundle.roots.own(&steps(change.path()))) {
                let (roots, path) = (&bundle.roots, change.path());
                return Err(refused(format!(
                    "manifest roots {roots} do not permit data patch at path '{path}'"
                )));
            }
            change.apply(&mut documents).map_err(|why| inapplicable(&why))?;
        }
        Ok(Some(documents.json()))
    }
}

/// Why a change cannot be made: OPA's store says it, or what activates bundles.
fn inapplicable(why: &str) -> Problem {
    let (code, message) = match why.split_once(": ").filter(|(code, _)| code.starts_with("storage_")) {
        Some((code, message)) => (code.to_owned(), message.to_owned()),
        None => (String::new(), format!("bundle activation failed: {why}")),
    };
    Problem { code, govc_code: "govc_bundle_patch".to_owned(), ..Problem::plain(message) }
}

fn steps(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_data(name: &str) -> bool {
    matches!(name, "data.json" | "data.yaml" | "data.yml")
}

fn is_policy(name: &str) -> bool {
    name.ends_with(".rego")
}

/// Whether a folder holds such a file, at any depth.
fn folder_holds(folder: &str, is: fn(&str) -> bool) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let below = join(folder, &name);
        // A link may lead around in a circle.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder { folder_holds(&below, is) } else { is(&name) && Path::new(&below).is_file() }
    })
}
