//! Disk to sources and base documents, by OPA's rules.
//!
//! `-d` takes every `.rego`, `.json` and `.yaml` file of a folder and puts data under the names of the folders on the
//! way; `-b` takes only `data.json` and `data.yaml` beside the policies. The named file itself may have any ending.

pub(crate) mod declared;
pub(crate) mod documents;
pub(crate) mod glob;
pub(crate) mod schema;

use crate::parallel;
use crate::problem::{Location, Problem};
use declared::Declared;
use documents::Documents;
use govc_compile::Builtins;
use govc_engine::{Bundle, Layout, Trust};
use govc_syntax::{FileId, ParseOptions, Parsed, RegoVersion, Severity, Sources, ast};
use serde_json::value::RawValue;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Folders nested deeper are taken for a loop of links.
const MAX_DEPTH: usize = 200;

/// What is to be loaded, and how it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// `-d`: files, folders, `prefix:path`.
    pub(crate) data: Vec<String>,
    /// `-b`: bundle archives and folders.
    pub(crate) bundles: Vec<String>,
    /// `--ignore`: shell patterns for names of files and folders.
    pub(crate) ignore: Vec<String>,
    /// Only `.rego` files.
    pub(crate) only_rego: bool,
    /// How modules are parsed.
    pub(crate) parse: ParseOptions,
    /// Where the builtins come from that may be called.
    pub(crate) declared: Declared,
}

/// What was loaded.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The texts.
    pub(crate) sources: Sources,
    /// The trees of all modules, in the order in which they were found.
    pub(crate) modules: Vec<ast::Module>,
    /// Base documents.
    pub(crate) documents: Documents,
    /// The builtins that may be called.
    pub(crate) builtins: Builtins,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
    /// How much of the loading was parsing.
    pub(crate) parsing: Duration,
}

/// Loads everything that can be loaded.
pub(crate) fn load(request: &Request) -> Loaded {
    let mut loader = Loader { request, loaded: Loaded::default(), waiting: Vec::new() };
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
    /// Policies that are not parsed yet, each with the number of problems before it.
    waiting: Vec<(FileId, usize)>,
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
        if depth > 0 && self.request.ignore.iter().any(|pattern| glob::matches(pattern, &name)) {
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
        if mode == Mode::Bundle && name == "patch.json" {
            return self.fail(delta(path));
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
            Kind::Bundle => self.archive(path, &bytes, prefix),
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
        match any_document(bytes) {
            Ok(json) => self.merge(path, json, prefix),
            Err(_) => self.fail(Problem::plain(format!("{path}: can't recognize file type"))),
        }
    }

    /// A policy, which is parsed with those around it.
    fn rego(&mut self, path: &str, bytes: &[u8]) {
        if let Some(file) = self.source(path, bytes) {
            self.waiting.push((file, self.loaded.problems.len()));
        }
    }

    fn parse_waiting(&mut self) {
        let started = Instant::now();
        let (files, places): (Vec<FileId>, Vec<usize>) =
            std::mem::take(&mut self.waiting).into_iter().unzip();
        let parse = |file: FileId| {
            govc_syntax::parse_module(file, &self.loaded.sources.get(file).text, &self.request.parse)
        };
        let parsed = parallel::each(files.len(), parallel::processors(), || (), |(), at| parse(files[at]));
        let mut before = 0;
        for (parsed, place) in parsed.into_iter().zip(places) {
            before += self.add(parsed, place + before);
        }
        self.loaded.parsing += started.elapsed();
    }

    /// Adds a tree, and its problems at a place among the others; how many these are.
    fn add(&mut self, parsed: Parsed<ast::Module>, place: usize) -> usize {
        let Loaded { sources, problems, modules, .. } = &mut self.loaded;
        let errors = parsed.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let errors: Vec<Problem> = errors.map(|d| Problem::from_diagnostic(d, sources)).collect();
        let count = errors.len();
        problems.splice(place..place, errors);
        modules.push(parsed.tree);
        count
    }

    fn module(&mut self, path: &str, bytes: &[u8], options: &ParseOptions) {
        let Some(file) = self.source(path, bytes) else { return };
        let parsed = govc_syntax::parse_module(file, &self.loaded.sources.get(file).text, options);
        self.add(parsed, self.loaded.problems.len());
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
            Err(error) if error.is_eof() => {
                return self.fail(Problem::plain(format!("{path}: unexpected EOF")));
            }
            Err(error) => return self.fail(Problem::plain(format!("{path}: {error}"))),
        };
        if prefix.is_empty() && !raw.get().trim_start().starts_with('{') {
            return self.fail(Problem::plain(format!("{path}: document must be of type object")));
        }
        if self.loaded.documents.merge(prefix, raw).is_err() {
            self.fail(Problem::plain(format!("{path}: merge error")));
        }
    }

    fn bundle(&mut self, path: &str) {
        if Layout::parse(path).is_some() {
            return match crate::policies::bundle(path) {
                Ok(bytes) => self.archive(path, &bytes, &[]),
                Err(problem) => self.fail(problem),
            };
        }
        match std::fs::metadata(path) {
            Err(error) => self.fail(io_problem("stat", path, &error)),
            Ok(info) if info.is_dir() => self.walk(path, &[], 0, Mode::Bundle),
            Ok(_) => match std::fs::read(path) {
                Ok(bytes) => self.archive(path, &bytes, &[]),
                Err(error) => self.fail(io_problem("open", path, &error)),
            },
        }
    }

    /// A bundle archive. Signatures are not looked at, as in `opa eval -b`; `govc verify` and `govc decide` do.
    fn archive(&mut self, path: &str, bytes: &[u8], prefix: &[String]) {
        let bundle = match Bundle::open(bytes, &Trust::unsigned().at(0)) {
            Ok(bundle) => bundle,
            Err(error) => {
                let problem = Problem::plain(format!("bundle {path}: {error}"));
                return self.fail(Problem { govc_code: error.code().to_owned(), ..problem });
            }
        };
        if bundle.is_delta() {
            return self.fail(delta(path));
        }
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

/// Changes of a bundle that is not there.
fn delta(path: &str) -> Problem {
    Problem::not_yet(format!("{path}: a delta bundle can only be activated by a server"))
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
