//! Disk to sources and base documents, by OPA's rules.
//!
//! `-d` takes every `.rego`, `.json` and `.yaml` file of a folder and puts data under the names of the folders on the
//! way; `-b` takes only `data.json` and `data.yaml` beside the policies. The named file itself may have any ending.

pub(crate) mod declared;
mod delta;
pub(crate) mod documents;
pub(crate) mod roots;
pub(crate) mod schema;

use crate::go_json;
use crate::parallel;
use crate::problem::{Location, Problem};
use declared::Declared;
use documents::Documents;
use govc_compile::Builtins;
use govc_engine::{Bundle, Layout, Manifest, Trust};
use govc_syntax::{FileId, ParseOptions, Parsed, RegoVersion, Severity, Sources, ast};
use roots::{Overlap, Roots};
use serde_json::value::RawValue;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Folders nested deeper are taken for a loop of links.
const MAX_DEPTH: usize = 200;

/// The code of what bundles hold outside of their roots, and of roots that two share.
const OUTSIDE_ROOTS: &str = "govc_bundle_roots";

/// What is to be loaded, and how it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// `-d`: files, folders, `prefix:path`.
    pub(crate) data: Vec<String>,
    /// `-b`: bundle archives and folders.
    pub(crate) bundles: Vec<String>,
    /// What stands before complaints about bundles.
    pub(crate) wording: Wording,
    /// `--ignore`: shell patterns for names of files and folders.
    pub(crate) ignore: Vec<String>,
    /// Only `.rego` files.
    pub(crate) only_rego: bool,
    /// How modules are parsed.
    pub(crate) parse: ParseOptions,
    /// Where the builtins come from that may be called.
    pub(crate) declared: Declared,
}

/// How a command of OPA begins its complaints about bundles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wording {
    /// At once.
    #[default]
    Plain,
    /// `eval`: which step failed.
    Steps,
    /// `test`: which bundle.
    Names,
    /// `build`: loading, or merging.
    Merge,
}

impl Wording {
    /// A complaint about one bundle.
    fn of_bundle(self, code: &str, path: &str, text: &str) -> Problem {
        let message = match self {
            Self::Plain | Self::Merge => text.to_owned(),
            Self::Steps => format!("loading error: {text}"),
            Self::Names => format!("unable to load bundle {path}: {text}"),
        };
        Problem { govc_code: code.to_owned(), ..Problem::plain(message) }
    }

    /// A complaint about bundles that do not go together.
    fn of_activation(self, overlap: &Overlap) -> Problem {
        let message = match self {
            Self::Steps => format!("bundle activation failed: {overlap}"),
            Self::Merge => format!("bundle merge failed: {}", overlap.in_merge()),
            Self::Plain | Self::Names => overlap.to_string(),
        };
        Problem { govc_code: OUTSIDE_ROOTS.to_owned(), ..Problem::plain(message) }
    }
}

/// What was loaded.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The texts.
    pub(crate) sources: Sources,
    /// The trees of all modules, in the order in which they were found.
    pub(crate) modules: Vec<ast::Module>,
    /// The language that each module was read in.
    pub(crate) versions: Vec<RegoVersion>,
    /// The bundles that were named, and archives found on the way.
    pub(crate) bundles: Vec<Opened>,
    /// Base documents.
    pub(crate) documents: Documents,
    /// The builtins that may be called.
    pub(crate) builtins: Builtins,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
    /// How much of the loading was parsing.
    pub(crate) parsing: Duration,
}

/// A bundle as far as others have to know of it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// As it was named.
    pub(crate) path: String,
    /// What it says of itself.
    pub(crate) manifest: Manifest,
    /// What it owns.
    pub(crate) roots: Roots,
    /// Named by `-b`: nobody else may own what it owns.
    claims: bool,
}

impl Opened {
    /// The path of a file in the bundle.
    fn inner<'p>(&self, file: &'p str) -> &'p str {
        let folder = join(&self.path, "");
        file.strip_prefix(&folder).unwrap_or(file).trim_start_matches('/')
    }
}

/// Loads everything that can be loaded.
pub(crate) fn load(request: &Request) -> Loaded {
    let mut loader = Loader { request, loaded: Loaded::default(), waiting: Vec::new(), inside: false };
    if let Some(problem) = request.declared.refuses_v1().filter(|_| request.parse.version == RegoVersion::V1)
    {
        loader.fail(problem);
        return loader.loaded;
    }
    for path in &request.data {
        let (prefix, path) = split_prefix(path);
        loader.walk(path, &prefix, 0, Mode::Data);
    }
    for path in &request.bundles {
        loader.bundle(strip_scheme(path));
    }
    loader.parse_waiting();
    loader.check_roots();
    loader.builtins();
    loader.loaded
}

/// Reads a file that holds one JSON or YAML document, as OPA reads inputs.
pub(crate) fn document(path: &str) -> Result<String, Problem> {
    let path = strip_scheme(path);
    let bytes = std::fs::read(path).map_err(|error| io_problem("open", path, &error))?;
    any_document(&bytes).map_err(|error| Problem::plain(format!("unable to parse input: {error}")))
}

/// As [`document`], where a key that stands twice in one map is an error.
pub(crate) fn document_of_unique_keys(path: &str) -> Result<String, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| io_problem("open", path, &error))?;
    // JSON is YAML.
    govc_stdlib::yaml_of_unique_keys_to_json(&text)
        .map_err(|error| Problem::plain(format!("{path}: {error}")))
}

/// A JSON text, or a YAML text as JSON.
pub(crate) fn any_document(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => govc_stdlib::yaml_to_json(text),
    }
}

/// OPA's text of an I/O error.
pub(crate) fn io_problem(verb: &str, path: &str, error: &io::Error) -> Problem {
    Problem::plain(format!("{verb} {path}: {}", io_text(error)))
}

fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => error.to_string(),
    }
}

fn strip_scheme(path: &str) -> &str {
    path.strip_prefix("file://").unwrap_or(path)
}

/// `a.b:path` puts documents under `data.a.b`; a URL has no prefix.
fn split_prefix(path: &str) -> (Vec<String>, &str) {
    match path.split_once(':') {
        Some((prefix, rest)) if !prefix.is_empty() && !rest.starts_with("//") => {
            (prefix.split('.').map(str::to_owned).collect(), strip_scheme(rest))
        }
        _ => (Vec::new(), strip_scheme(path)),
    }
}

/// Which files of a folder count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Data,
    Bundle,
}

struct Loader<'r> {
    request: &'r Request,
    loaded: Loaded,
    waiting: Vec<Waiting>,
    /// Whether what is read belongs to the last bundle.
    inside: bool,
}

/// A policy that is not parsed yet.
struct Waiting {
    file: FileId,
    /// How many problems stand before its own.
    place: usize,
    version: RegoVersion,
    /// The bundle that it belongs to.
    bundle: Option<usize>,
}

impl Loader<'_> {
    fn fail(&mut self, problem: Problem) {
        self.loaded.problems.push(problem);
    }

    /// Bodies of builtins are v1 whatever the language of the policies is.
    fn builtins(&mut self) {
        let found = match self.request.declared.load(Path::new("")) {
            Ok(found) => found,
            Err(problem) => return self.fail(problem),
        };
        self.loaded.builtins = found.builtins;
        let Some(path) = found.bodies else { return };
        match std::fs::read(&path) {
            Ok(bytes) => self.module(&path, &bytes, &ParseOptions::default()),
            Err(error) => self.fail(io_problem("open", &path, &error)),
        }
    }

    fn walk(&mut self, path: &str, prefix: &[String], depth: usize, mode: Mode) {
        let info = match std::fs::metadata(path) {
            Ok(info) => info,
            Err(error) => return self.fail(io_problem("stat", path, &error)),
        };
        let name = Path::new(path).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if depth > 0 && self.request.ignore.iter().any(|pattern| govc_engine::name_matches(pattern, &name)) {
            return;
        }
        if !info.is_dir() {
            return self.file(path, &name, prefix, depth, mode);
        }
        if depth >= MAX_DEPTH {
            return self.fail(Problem::plain(format!("{path}: folders are nested deeper than {MAX_DEPTH}")));
        }
        let mut below = prefix.to_vec();
        if depth > 0 {
            below.push(name);
        }
        for child in self.children(path) {
            self.walk(&child, &below, depth + 1, mode);
        }
    }

    /// Paths in a folder, sorted by name.
    fn children(&mut self, path: &str) -> Vec<String> {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                self.fail(io_problem("open", path, &error));
                return Vec::new();
            }
        };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names.iter().map(|name| join(path, name)).collect()
    }

    fn file(&mut self, path: &str, name: &str, prefix: &[String], depth: usize, mode: Mode) {
        let kind = Kind::of(path);
        let wanted = match mode {
            Mode::Bundle => {
                matches!(kind, Kind::Rego) || matches!(name, "data.json" | "data.yaml" | "data.yml")
            }
            Mode::Data => kind != Kind::Other || depth == 0,
        };
        if mode == Mode::Bundle && name == delta::PATCH && !self.request.only_rego {
            let folder = self.current().map(|bundle| bundle.path.clone()).unwrap_or_default();
            return self.changes_of_folder(path, &folder);
        }
        if !wanted || (self.request.only_rego && kind != Kind::Rego) {
            return;
        }
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.fail(io_problem("open", path, &error)),
        };
        match kind {
            Kind::Rego => self.rego(path, &bytes),
            Kind::Json => self.json(path, &bytes, prefix),
            Kind::Yaml => self.yaml(path, &bytes, prefix),
            Kind::Bundle => self.archive(path, &bytes, prefix, false),
            Kind::Other => self.any(path, &bytes, prefix),
        }
    }

    /// A named file with an unknown ending: the first reading that works.
    fn any(&mut self, path: &str, bytes: &[u8], prefix: &[String]) {
        self.parse_waiting();
        let before = self.loaded.problems.len();
        self.module(path, bytes, &self.request.parse);
        if self.loaded.problems.len() == before {
            return;
        }
        self.loaded.problems.truncate(before);
        self.loaded.modules.pop();
        self.loaded.versions.pop();
        match any_document(bytes) {
            Ok(json) => self.merge(path, json, prefix),
            Err(_) => self.fail(Problem::plain(format!("{path}: can't recognize file type"))),
        }
    }

    /// A policy, which is parsed with those around it.
    fn rego(&mut self, path: &str, bytes: &[u8]) {
        let Some(file) = self.source(path, bytes) else { return };
        let place = self.loaded.problems.len();
        let (version, bundle) = match self.current() {
            Some(bundle) => {
                let version =
                    roots::version(&bundle.manifest, bundle.inner(path), self.request.parse.version);
                (version, Some(self.loaded.bundles.len() - 1))
            }
            None => (self.request.parse.version, None),
        };
        self.waiting.push(Waiting { file, place, version, bundle });
    }

    /// The bundle that is being read.
    fn current(&self) -> Option<&Opened> {
        self.loaded.bundles.last().filter(|_| self.inside)
    }

    fn parse_waiting(&mut self) {
        let started = Instant::now();
        let waiting = std::mem::take(&mut self.waiting);
        let parse = |policy: &Waiting| {
            let options = ParseOptions { version: policy.version, ..self.request.parse.clone() };
            govc_syntax::parse_module(policy.file, &self.loaded.sources.get(policy.file).text, &options)
        };
        let parsed =
            parallel::each(waiting.len(), parallel::processors(), || (), |(), at| parse(&waiting[at]));
        let mut before = 0;
        for (parsed, Waiting { file, place, version, bundle }) in parsed.into_iter().zip(waiting) {
            let opened = bundle.map(|at| &self.loaded.bundles[at]);
            let refused = opened.filter(|_| parsed.diagnostics.is_empty()).and_then(|bundle| {
                let text = bundle.roots.refuse_module(&self.loaded.sources.get(file).name, &parsed.tree)?;
                Some(self.refusal(bundle, &text))
            });
            before += self.add(parsed, version, place + before);
            if let Some(problem) = refused {
                self.loaded.problems.insert(place + before, problem);
                before += 1;
            }
        }
        self.loaded.parsing += started.elapsed();
    }

    /// Something in a bundle that may not be there.
    fn refusal(&self, bundle: &Opened, text: &str) -> Problem {
        self.request.wording.of_bundle(
            OUTSIDE_ROOTS,
            &bundle.path,
            &format!("bundle {}: {text}", bundle.path),
        )
    }

    /// No two bundles own one path.
    fn check_roots(&mut self) {
        let claiming = self.loaded.bundles.iter().filter(|bundle| bundle.claims);
        let owned: Vec<(&str, &Roots)> = claiming.map(|b| (b.path.as_str(), &b.roots)).collect();
        if let Err(overlap) = roots::disjoint(&owned)
            && self.loaded.problems.is_empty()
        {
            self.fail(self.request.wording.of_activation(&overlap));
        }
    }

    /// Adds a tree, and its problems at a place among the others; how many these are.
    fn add(&mut self, parsed: Parsed<ast::Module>, version: RegoVersion, place: usize) -> usize {
        let Loaded { sources, problems, modules, versions, .. } = &mut self.loaded;
        let errors = parsed.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let errors: Vec<Problem> = errors.map(|d| Problem::from_diagnostic(d, sources)).collect();
        let count = errors.len();
        problems.splice(place..place, errors);
        modules.push(parsed.tree);
        versions.push(version);
        count
    }

    fn module(&mut self, path: &str, bytes: &[u8], options: &ParseOptions) {
        let Some(file) = self.source(path, bytes) else { return };
        let parsed = govc_syntax::parse_module(file, &self.loaded.sources.get(file).text, options);
        self.add(parsed, options.version, self.loaded.problems.len());
    }

    fn source(&mut self, path: &str, bytes: &[u8]) -> Option<FileId> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.fail(not_utf8(path, bytes));
            return None;
        };
        if u32::try_from(text.len()).is_err() {
            self.fail(Problem::coded("govc_source_too_large", format!("{path}: source of 4 GiB or more")));
            return None;
        }
        Some(self.loaded.sources.add(path, text))
    }

    fn json(&mut self, path: &str, bytes: &[u8], prefix: &[String]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.merge(path, text.to_owned(), prefix),
            Err(error) => self.fail(Problem::plain(format!("{path}: {error}"))),
        }
    }

    fn yaml(&mut self, path: &str, bytes: &[u8], prefix: &[String]) {
        let text = String::from_utf8_lossy(bytes);
        match govc_stdlib::yaml_to_json(&text) {
            Ok(json) => self.merge(path, json, prefix),
            Err(error) => {
                self.fail(Problem::plain(format!("{path}: error converting YAML to JSON: {error}")));
            }
        }
    }

    fn merge(&mut self, path: &str, json: String, prefix: &[String]) {
        let raw = match serde_json::from_str::<Box<RawValue>>(&json) {
            Ok(raw) => raw,
            Err(error) => {
                let told = go_json::only(json.as_bytes()).err().unwrap_or_else(|| error.to_string());
                return self.fail(Problem::plain(format!("{path}: {told}")));
            }
        };
        if prefix.is_empty() && !raw.get().trim_start().starts_with('{') {
            return self.fail(Problem::plain(format!("{path}: document must be of type object")));
        }
        if let Some(problem) = self.misplaced(prefix, &raw) {
            return self.fail(problem);
        }
        if self.loaded.documents.merge(prefix, raw).is_err() {
            self.fail(Problem::plain(format!("{path}: merge error")));
        }
    }

    /// Documents of the bundle that lie outside of its roots.
    fn misplaced(&self, prefix: &[String], raw: &RawValue) -> Option<Problem> {
        let bundle = self.current().filter(|bundle| !bundle.roots.own(&[]))?;
        let document: serde_json::Value = serde_json::from_str(raw.get()).ok()?;
        let text = bundle.roots.refuse_data(&document, &mut prefix.to_vec())?;
        Some(self.refusal(bundle, &text))
    }

    fn bundle(&mut self, path: &str) {
        // One that is named twice is still one.
        if self.loaded.bundles.iter().any(|bundle| bundle.path == path) {
            return;
        }
        if Layout::parse(path).is_some() {
            return match crate::policies::bundle(path) {
                Ok(bytes) => self.archive(path, &bytes, &[], true),
                Err(problem) => self.fail(problem),
            };
        }
        match std::fs::metadata(path) {
            Err(error) => self.unreadable(path, "stat", &error),
            Ok(info) if info.is_dir() => self.folder(path),
            Ok(_) => match std::fs::read(path) {
                Ok(bytes) => self.archive(path, &bytes, &[], true),
                Err(error) => self.unreadable(path, "open", &error),
            },
        }
    }

    fn unreadable(&mut self, path: &str, verb: &str, error: &io::Error) {
        let text = format!("error reading {path:?}: {verb} {path}: {}", io_text(error));
        self.fail(self.request.wording.of_bundle("govc_bundle_unreadable", path, &text));
    }

    /// A folder in the form of a bundle.
    fn folder(&mut self, path: &str) {
        let manifest = match std::fs::read(join(path, ".manifest")) {
            Ok(text) => Manifest::read(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
            Err(error) => return self.unreadable(path, "open", &error),
        };
        match manifest {
            Ok(manifest) => {
                self.within(path, manifest, true, |loader| loader.walk(path, &[], 0, Mode::Bundle))
            }
            Err(error) => {
                let text = format!("bundle {path}: {error}");
                self.fail(self.request.wording.of_bundle(error.code(), path, &text));
            }
        }
    }

    /// Reads what belongs to a bundle.
    fn within(&mut self, path: &str, manifest: Manifest, claims: bool, read: impl FnOnce(&mut Self)) {
        let roots = Roots::of(&manifest);
        self.loaded.bundles.push(Opened { path: path.to_owned(), manifest, roots, claims });
        self.inside = true;
        read(self);
        self.inside = false;
    }

    /// A bundle archive. Signatures are not looked at, as in `opa eval -b`; `govc verify` and `govc decide` do.
    fn archive(&mut self, path: &str, bytes: &[u8], prefix: &[String], claims: bool) {
        let bundle = match Bundle::open(bytes, &Trust::unsigned().at(0)) {
            Ok(bundle) => bundle,
            Err(error) => {
                let problem = Problem::plain(format!("bundle {path}: {error}"));
                return self.fail(Problem { govc_code: error.code().to_owned(), ..problem });
            }
        };
        self.within(path, bundle.manifest().clone(), claims, |loader| {
            loader.changes_of_archive(path, &bundle);
            loader.files_of(path, &bundle, prefix);
        });
    }

    fn files_of(&mut self, path: &str, bundle: &Bundle, prefix: &[String]) {
        for (name, content) in bundle.files() {
            let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
            let mut place = prefix.to_vec();
            place.extend(folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned));
            match file {
                _ if file.ends_with(".rego") => self.rego(&format!("/{name}"), content),
                "data.json" => self.json(path, content, &place),
                "data.yaml" | "data.yml" => self.yaml(path, content, &place),
                _ => {}
            }
        }
    }
}

/// What a file's ending says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rego,
    Json,
    Yaml,
    Bundle,
    Other,
}

impl Kind {
    fn of(path: &str) -> Self {
        match Path::new(path).extension().and_then(|e| e.to_str()) {
            Some("rego") => Self::Rego,
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ if path.ends_with(".tar.gz") => Self::Bundle,
            _ => Self::Other,
        }
    }
}

/// A path below a folder, cleaned as Go's `filepath.Join` does: `./a` is `a`.
pub(crate) fn join(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.push(name);
    let root = if folder.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

fn not_utf8(path: &str, bytes: &[u8]) -> Problem {
    let valid = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
    let before = &bytes[..valid];
    let row = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let col = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
    Problem {
        message: "illegal utf-8 character".to_owned(),
        code: "rego_parse_error".to_owned(),
        govc_code: "govc_not_utf8".to_owned(),
        location: Some(Location { file: path.to_owned(), row, col }),
        ..Problem::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_as_go_does() {
        assert_eq!(join(".", "a"), "a");
        assert_eq!(join("./x/", "a"), "x/a");
        assert_eq!(join("/x//y/../z", "a"), "/x/z/a");
        assert_eq!(join("..", "a"), "../a");
    }

    #[test]
    fn splits_prefixes() {
        assert_eq!(split_prefix("a.b:c.json"), (vec!["a".to_owned(), "b".to_owned()], "c.json"));
        assert_eq!(split_prefix("file:///x"), (vec![], "/x"));
        assert_eq!(split_prefix("x.json"), (vec![], "x.json"));
    }
}
