//! Walks over the sources of the workspace, without their tests.

use std::path::Path;

/// Calls `see` with the text of every Rust source below a folder.
pub(crate) fn each(folder: &Path, see: &mut dyn FnMut(&str)) {
    let entries = std::fs::read_dir(folder).expect("the folder is part of the checkout");
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "tests" && name != "benches" {
            each(&path, see);
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
            see(&std::fs::read_to_string(&path).expect("sources are UTF-8"));
        }
    }
}
