//! The modules that the server knows: what is open in the editor, over what lies in the workspace folders.
//!
//! A request works on a [`Snapshot`], which later edits do not change.

use crate::text::Document;
use govc_compile::Builtins;
use govc_syntax::{Diagnostic, FileId, ParseOptions, Sources, ast};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files beyond this size are left to the editor: no policy is so long, and a typo in a path should not hang it.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Folders that never hold policies of the workspace.
const IGNORED_FOLDERS: &[&str] = &["node_modules", "target", ".git"];

/// One parsed file.
#[derive(Debug)]
pub struct File {
    /// Its path, or the address of a buffer that has none.
    pub name: String,
    /// Its text.
    pub document: Document,
    /// Its tree and what the parser found.
    pub module: ast::Module,
    /// What the parser found.
    pub findings: Vec<Diagnostic>,
}

/// All files at one moment. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    files: BTreeMap<String, Arc<File>>,
    builtins: Arc<Builtins>,
}

/// All files, changed as the editor and the disk change.
#[derive(Debug, Default)]
pub struct Workspace {
    snapshot: Snapshot,
}

impl Workspace {
    /// Reads the policies of a folder. Files that cannot be read are left out.
    pub fn add_folder(&mut self, folder: &Path) {
        for path in policies(folder) {
            if let Ok(text) = std::fs::read_to_string(&path) {
                self.set(&path.to_string_lossy(), Document::new(text));
            }
        }
    }

    /// Makes builtins known, beside those that are known already.
    pub fn declare(&mut self, builtins: Builtins) {
        let known = Arc::make_mut(&mut self.snapshot.builtins);
        known.host.extend(builtins.host);
        known.refused.extend(builtins.refused);
        known.only = known.only.take().or(builtins.only);
    }

    /// Puts a document in place of a file.
    pub fn set(&mut self, name: &str, document: Document) {
        let parsed = govc_syntax::parse_module(FileId(0), document.text(), &ParseOptions::default());
        let file =
            File { name: name.to_owned(), document, module: parsed.tree, findings: parsed.diagnostics };
        self.snapshot.files.insert(name.to_owned(), Arc::new(file));
    }

    /// Goes back to what the disk holds when a buffer is closed.
    pub fn close(&mut self, name: &str) {
        match std::fs::read_to_string(name) {
            Ok(text) => self.set(name, Document::new(text)),
            Err(_) => {
                self.snapshot.files.remove(name);
            }
        }
    }

    /// The files as they are now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.clone()
    }
}

impl Snapshot {
    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&Arc<File>> {
        self.files.get(name)
    }

    /// The builtins that policies may call.
    pub fn builtins(&self) -> &Builtins {
        &self.builtins
    }

    /// All files by name.
    pub fn files(&self) -> impl Iterator<Item = &Arc<File>> {
        self.files.values()
    }

    /// The texts as one compilation with every tree in the same order, and the position of `name` in it.
    pub fn compilation(&self) -> (Sources, Vec<ast::Module>, Vec<Diagnostic>) {
        let mut sources = Sources::default();
        let (mut modules, mut findings) = (Vec::new(), Vec::new());
        for file in self.files.values() {
            let id = sources.add(file.name.clone(), file.document.text());
            let parsed = govc_syntax::parse_module(id, file.document.text(), &ParseOptions::default());
            modules.push(parsed.tree);
            findings.extend(parsed.diagnostics);
        }
        (sources, modules, findings)
    }
}

fn policies(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() && !IGNORED_FOLDERS.iter().any(|f| path.ends_with(f)) {
            found.extend(policies(&path));
        } else if kind.is_file()
            && is_policy(&path)
            && entry.metadata().is_ok_and(|m| m.len() <= MAX_FILE_BYTES)
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_policy(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "rego")
}
