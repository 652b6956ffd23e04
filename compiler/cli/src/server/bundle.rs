//! A bundle as the server keeps it: policies, documents and manifest, from an archive or a folder.
//!
//! Activating one replaces all that its roots own in one step: nobody sees half of it.

use super::bundles;
use super::policies::Module;
use super::store::Draft;
use crate::files;
use crate::files::roots::{self, Roots, Tree};
use crate::problem::Problem;
use govc_engine::documents::{Change, Document, Operation, StoreError};
use govc_engine::{Bundle, LoadError, Manifest, Trust};
use govc_syntax::ParseOptions;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Files of a bundle by their paths in it.
type Files = BTreeMap<String, Vec<u8>>;

/// A bundle that was read.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// Policies by path.
    modules: BTreeMap<String, Module>,
    data: Arc<Document>,
    /// Changes in the place of policies and documents.
    changes: Vec<Change>,
    manifest: Arc<Document>,
    pub(crate) revision: String,
    roots: Roots,
}

impl Opened {
    /// An archive.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn archive(bytes: &[u8], trust: &Trust, parse: &ParseOptions) -> Result<Self, Problem> {
        let refused = |error: LoadError| Problem {
            govc_code: error.code().to_owned(),
            ..Problem::plain(error.to_string())
        };
        let bundle = Bundle::open(bytes, trust).map_err(refused)?;
        let files = bundle.files().map(|(path, content)| (path.to_owned(), content.to_vec())).collect();
        Self::new(&files, parse)
    }

    /// A folder.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn folder(path: &str, parse: &ParseOptions) -> Result<Self, Problem> {
        let mut found = Files::new();
        walk(Path::new(path), "", &mut found, 0)?;
        let mut opened = Self::new(&found, parse)?;
        // As in OPA, the names of policies tell the folder too.
        let folder = path.trim_start_matches("./").trim_end_matches('/').trim_start_matches('/');
        let named = opened.modules.into_iter().map(|(name, module)| (format!("{folder}/{name}"), module));
        opened.modules = named.collect();
        Ok(opened)
    }

    fn new(files: &Files, parse: &ParseOptions) -> Result<Self, Problem> {
        let manifest = match files.get(".manifest") {
            Some(text) => read(".manifest", text)?,
            None => Document::empty(),
        };
        let revision = manifest.get("revision").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        let typed =
            Manifest::read(manifest.json().as_bytes()).map_err(|error| Problem::plain(error.to_string()))?;
        let mut opened = Self {
            modules: BTreeMap::new(),
            data: Document::empty(),
            changes: Vec::new(),
            manifest,
            revision,
            roots: Roots::of(&typed),
        };
        for (path, content) in files {
            opened.add(path, content, &typed, parse)?;
        }
        opened.check_delta()?;
        opened.check_roots()?;
        Ok(opened)
    }

    /// Whether it holds changes of documents only.
    pub(crate) fn is_delta(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Changes stand alone, and below the roots.
    fn check_delta(&self) -> Result<(), Problem> {
        if !self.is_delta() {
            return Ok(());
        }
        let holds_data = self.data.entries().is_some_and(|entries| !entries.is_empty());
        for (there, what) in [(holds_data, "data"), (!self.modules.is_empty(), "policy")] {
            if there {
                let text = "delta bundle expected to contain only patch file but";
                return Err(Problem::plain(format!("{text} {what} files found")));
            }
        }
        let outside = self.changes.iter().map(Change::path).find(|path| {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            !self.roots.own(&path)
        });
        outside.map_or(Ok(()), |path| {
            let roots = &self.roots;
            Err(Problem::plain(format!("manifest roots {roots} do not permit data patch at path '{path}'")))
        })
    }

    fn add(
        &mut self,
        path: &str,
        content: &[u8],
        typed: &Manifest,
        parse: &ParseOptions,
    ) -> Result<(), Problem> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let at: Vec<String> = folder.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        match name {
            _ if name.ends_with(".rego") => {
                let text = String::from_utf8_lossy(content);
                let parse =
                    ParseOptions { version: roots::version(typed, path, parse.version), ..parse.clone() };
                self.modules.insert(path.to_owned(), Module { text: text.as_ref().into(), parse });
                Ok(())
            }
            "data.json" | "data.yaml" | "data.yml" => {
                let value = read(path, content)?;
                let wrong = |error: &dyn std::fmt::Display| {
                    Problem::plain(format!("bundle load failed on {path}: {error}"))
                };
                if at.is_empty() {
                    self.data = self.data.merged(&value).ok_or_else(|| wrong(&"manifest roots overlap"))?;
                    return Ok(());
                }
                let there = self.data.at(&at).unwrap_or_else(|_| Document::empty());
                let value = there.merged(&value).ok_or_else(|| wrong(&"merge error"))?;
                let parents = at.split_last().map_or(&[][..], |(_, parents)| parents);
                self.data.make_objects(parents).map_err(|error| wrong(&error))?;
                self.data.write(Operation::Add, &at, Some(value)).map_err(|error| wrong(&error))
            }
            "patch.json" => {
                let failed = |why| Problem::plain(format!("bundle load failed on patch decode: {why}"));
                self.changes = Change::read(content).map_err(failed)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// All that the bundle holds lies below its roots.
    fn check_roots(&self) -> Result<(), Problem> {
        let refused = self.modules.iter().find_map(|(path, module)| {
            let tree = super::policies::Policies::parse(path, &module.text, &module.parse).ok()?;
            self.roots.refuse_module(&format!("/{path}"), &tree)
        });
        let refused = refused.or_else(|| self.roots.refuse_data(&*self.data, &mut Vec::new()));
        refused.map_or(Ok(()), |text| Err(Problem::plain(text)))
    }

    /// Puts the bundle in the place of the one that had its name.
    ///
    /// # Errors
    /// Its roots overlap with those of another, or its policies do not compile with those that are there.
    pub(crate) fn activate(&self, name: &str, etag: &str, draft: &mut Draft<'_>) -> Result<(), Vec<Problem>> {
        if self.is_delta() {
            return self.change(name, etag, draft);
        }
        let mut modules = self.place(name, etag, draft)?;
        modules.extend(draft.policies.modules.clone().into_iter().filter(|(id, _)| !is_of(id, name)));
        draft.set_policies(modules)
    }

    /// Changes the documents of the bundle that has the name; its policies stay.
    fn change(&self, name: &str, etag: &str, draft: &mut Draft<'_>) -> Result<(), Vec<Problem>> {
        let plain = |text: String| vec![Problem::plain(text)];
        overlap(&draft.data, name, &self.roots).map_err(plain)?;
        let sorted = |roots: &[String]| roots.iter().cloned().collect::<BTreeSet<_>>();
        let before = bundles::roots(&draft.data, "").remove(name);
        if before.is_some_and(|before| sorted(&before) != sorted(self.roots.paths())) {
            let text = "has wasm resolvers or manifest roots that are different from those in the store";
            return Err(plain(format!("delta bundle '{name}' {text}")));
        }
        for change in &self.changes {
            change.apply(&mut draft.data).map_err(plain)?;
        }
        let data = Arc::clone(&draft.data);
        draft.policies.accept_data(&|path| data.holds(path))?;
        self.tell(name, etag, draft)
    }

    /// Puts the documents in their places and gives the policies with their ids; changes leave policies alone.
    ///
    /// # Errors
    /// The roots overlap with those of another bundle.
    pub(crate) fn place(
        &self,
        name: &str,
        etag: &str,
        draft: &mut Draft<'_>,
    ) -> Result<BTreeMap<String, Module>, Vec<Problem>> {
        if self.is_delta() {
            self.change(name, etag, draft)?;
            return Ok(BTreeMap::new());
        }
        let plain = |text: String| vec![Problem::plain(text)];
        overlap(&draft.data, name, &self.roots).map_err(plain)?;
        let before = roots_before(&draft.data, name);
        remove(&mut draft.data, &before);
        let failed = |error: StoreError| plain(error.to_string());
        for root in self.roots.paths() {
            let at: Vec<String> = root.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
            let Ok(value) = self.data.at(&at) else { continue };
            match at.split_last() {
                None => {
                    for (key, value) in value.entries().into_iter().flatten() {
                        let at = [key.to_string()];
                        draft.data.write(Operation::Add, &at, Some(Arc::clone(value))).map_err(failed)?;
                    }
                }
                Some((_, parents)) => {
                    draft.data.make_objects(parents).map_err(failed)?;
                    draft.data.write(Operation::Add, &at, Some(value)).map_err(failed)?;
                }
            }
        }
        self.tell(name, etag, draft)?;
        Ok(self.modules.iter().map(|(path, module)| (format!("{name}/{path}"), module.clone())).collect())
    }

    /// Writes down that the bundle is there.
    fn tell(&self, name: &str, etag: &str, draft: &mut Draft<'_>) -> Result<(), Vec<Problem>> {
        let failed = |error: StoreError| vec![Problem::plain(error.to_string())];
        let about = Document::object([("manifest", self.full_manifest()), ("etag", Document::string(etag))]);
        let place = ["system", "bundles", name].map(str::to_owned);
        draft.data.make_objects(&place[..2]).map_err(failed)?;
        draft.data.write(Operation::Add, &place, Some(about)).map_err(failed)
    }

    /// The manifest with its roots.
    fn full_manifest(&self) -> Arc<Document> {
        let mut manifest = self.manifest.entries().cloned().unwrap_or_default();
        let roots = self.roots.paths().iter().map(|root| Document::string(root)).collect();
        manifest.insert("roots".into(), Arc::new(Document::Array(roots)));
        manifest.entry("revision".into()).or_insert_with(|| Document::string(""));
        Arc::new(Document::Object(manifest))
    }
}

/// Whether a policy came with a bundle.
fn is_of(id: &str, bundle: &str) -> bool {
    id.strip_prefix(bundle).is_some_and(|rest| rest.starts_with('/'))
}

fn roots_before(data: &Arc<Document>, name: &str) -> Vec<String> {
    bundles::roots(data, "").remove(name).unwrap_or_default()
}

/// Takes away what roots own; the server's own documents stay.
fn remove(data: &mut Arc<Document>, roots: &[String]) {
    for root in roots {
        let at: Vec<String> = root.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        if at.is_empty() {
            let system = data.get("system").cloned();
            *data = Document::empty();
            if let Some(system) = system {
                let _ = data.write(Operation::Add, &["system".to_owned()], Some(system));
            }
        } else {
            // What is not there need not be taken away.
            let _ = data.write(Operation::Remove, &at, None);
        }
    }
}

/// No two bundles own one path.
fn overlap(data: &Arc<Document>, name: &str, roots: &Roots) -> Result<(), String> {
    let others: Vec<(String, Roots)> =
        bundles::roots(data, name).into_iter().map(|(other, paths)| (other, Roots::new(&paths))).collect();
    let others = others.iter().map(|(other, roots)| (other.as_str(), roots));
    roots::disjoint(&std::iter::once((name, roots)).chain(others).collect::<Vec<_>>())
        .map_err(|overlap| overlap.to_string())
}

impl Tree for Document {
    fn children(&self) -> Option<Vec<(&str, &Self)>> {
        Some(self.entries()?.iter().map(|(key, value)| (&**key, &**value)).collect())
    }
}

fn read(path: &str, content: &[u8]) -> Result<Arc<Document>, Problem> {
    let wrong = |error: String| Problem::plain(format!("bundle load failed on {path}: {error}"));
    let json = super::call::any_document(content).map_err(wrong)?;
    Document::read(json.as_bytes()).map_err(|error| wrong(error.to_string()))
}

/// Folders nested deeper are taken for a loop of links.
const DEPTH: usize = 200;

fn walk(folder: &Path, inside: &str, found: &mut Files, depth: usize) -> Result<(), Problem> {
    let shown = folder.display().to_string();
    if depth > DEPTH {
        return Err(Problem::plain(format!("{shown}: folders are nested deeper than {DEPTH}")));
    }
    let entries = std::fs::read_dir(folder).map_err(|error| files::io_problem("open", &shown, &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
        if entry.path().is_dir() {
            walk(&entry.path(), &path, found, depth + 1)?;
        } else if name.ends_with(".rego")
            || matches!(name.as_str(), ".manifest" | "data.json" | "data.yaml" | "data.yml" | "patch.json")
        {
            let shown = entry.path().display().to_string();
            let content = std::fs::read(entry.path());
            found.insert(path, content.map_err(|error| files::io_problem("open", &shown, &error))?);
        }
    }
    Ok(())
}
