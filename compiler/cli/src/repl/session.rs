//! What a session knows: what was loaded, what was defined, and its settings.
//!
//! Each rule is a source of its own below the head of its module, so that an error's row is the row that was typed.

use super::statement::{self, Definition, Statement};
use super::{Next, command, evaluate};
use crate::files::Loaded;
use crate::output;
use crate::problem::{self, Problem};
use crate::run;
use govc_syntax::{ParseOptions, RegoVersion, Sources, ast};
use govc_topdown::Explain;
use serde_json::value::RawValue;
use std::time::{Duration, Instant};

/// Stands in the names of the session's sources: between the rows of the module's head and the rule's name.
const TYPED: char = '\u{1}';

/// Which parts of a trace are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trace {
    #[default]
    Off,
    Full,
    Notes,
    Fails,
    Debug,
}

const TRACES: [(&str, Trace); 5] = [
    ("off", Trace::Off),
    ("full", Trace::Full),
    ("notes", Trace::Notes),
    ("fails", Trace::Fails),
    ("debug", Trace::Debug),
];

impl Trace {
    pub(super) fn named(name: &str) -> Option<Self> {
        TRACES.iter().find(|(known, _)| *known == name).map(|(_, trace)| *trace)
    }

    /// Which events the evaluator tells.
    pub(super) fn explain(self) -> Option<Explain> {
        match self {
            Self::Off => None,
            Self::Full => Some(Explain::Full),
            Self::Notes => Some(Explain::Notes),
            Self::Fails => Some(Explain::Fails),
            Self::Debug => Some(Explain::Debug),
        }
    }

    pub(super) fn name(self) -> &'static str {
        TRACES.iter().find(|(_, trace)| *trace == self).map_or("off", |(name, _)| name)
    }
}

/// What commands change.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) json: bool,
    pub(super) pretty_limit: usize,
    pub(super) trace: Trace,
    pub(super) metrics: bool,
    pub(super) instrument: bool,
    pub(super) profile: bool,
    pub(super) types: bool,
    pub(super) strict: bool,
    pub(super) unknowns: Vec<String>,
}

/// A package of the session.
#[derive(Clone, Debug)]
pub(super) struct Module {
    path: Vec<String>,
    /// `package a.b`.
    text: String,
    imports: Vec<String>,
    rules: Vec<Definition>,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) loaded: Loaded,
    /// How many of the loaded modules were there at the start.
    base: usize,
    modules: Vec<Module>,
    current: Option<usize>,
    buffer: Vec<String>,
    pub(super) parse: ParseOptions,
    pub(super) error_limit: usize,
    pub(super) settings: Settings,
    /// How long reading the statement took.
    pub(super) parsed: Duration,
}

impl Session {
    pub(super) fn new(loaded: Loaded, parse: ParseOptions, error_limit: usize, json: bool) -> Self {
        let settings = Settings { json, pretty_limit: 80, ..Settings::default() };
        let base = loaded.modules.len();
        Self {
            loaded: with_version(loaded),
            base,
            modules: Vec::new(),
            current: None,
            buffer: Vec::new(),
            parse,
            error_limit,
            settings,
            parsed: Duration::ZERO,
        }
    }

    /// Takes other files; what was typed stays. With an error all stays as it was.
    pub(super) fn reload(&mut self, loaded: Loaded) -> Result<(), Vec<Problem>> {
        let base = std::mem::replace(&mut self.base, loaded.modules.len());
        let before = std::mem::replace(&mut self.loaded, with_version(loaded));
        self.refresh();
        self.check().inspect_err(|_| {
            self.base = base;
            self.loaded = before;
        })
    }

    /// What stands before the next line.
    pub(super) fn prompt(&self) -> &'static str {
        if self.buffer.is_empty() { "> " } else { "| " }
    }

    /// Forgets the lines of a statement that is not complete.
    pub(super) fn forget(&mut self) {
        self.buffer.clear();
    }

    /// Does what a line says.
    pub(super) fn line(&mut self, line: &str) -> Next {
        let first = self.buffer.is_empty();
        if first && let Some(done) = command::run(self, line) {
            return done.unwrap_or_else(|complaint| {
                output::println(&complaint);
                Next::Line
            });
        }
        self.buffer.push(line.to_owned());
        if first || line.is_empty() {
            self.statements(first);
        }
        Next::Line
    }

    /// The lines so far; of a single one that cannot be read the rest may follow.
    fn statements(&mut self, may_go_on: bool) {
        let text = self.buffer.join("\n");
        if text.trim().is_empty() {
            return self.buffer.clear();
        }
        let started = Instant::now();
        let read = statement::read(&text, &self.parse);
        self.parsed = started.elapsed();
        let done = match read {
            Err(_) if may_go_on => return,
            Err(problems) => Err(problems),
            Ok(statements) => statements.into_iter().try_for_each(|statement| self.statement(statement)),
        };
        self.buffer.clear();
        if let Err(problems) = done {
            output::println(&self.told(problems));
        }
    }

    fn statement(&mut self, statement: Statement) -> Result<(), Vec<Problem>> {
        match statement {
            Statement::Package(path, text) => {
                self.enter(path, text);
                Ok(())
            }
            Statement::Import(text) => {
                let imports = &mut self.module().imports;
                if !imports.contains(&text) {
                    imports.push(text);
                }
                Ok(())
            }
            Statement::Rule(definition) => self.define(definition),
            Statement::Query(query, text) => self.query(&query, &text),
        }
    }

    fn enter(&mut self, path: Vec<String>, text: String) {
        let found = self.modules.iter().position(|module| module.path == path);
        self.current = Some(found.unwrap_or(self.modules.len()));
        if found.is_none() {
            self.modules.push(Module { path, text, imports: Vec::new(), rules: Vec::new() });
        }
    }

    /// The active module, which is `repl` at first.
    fn module(&mut self) -> &mut Module {
        if self.active().is_none() {
            self.enter(vec!["repl".to_owned()], "package repl".to_owned());
        }
        let at = self.current.unwrap_or(0);
        &mut self.modules[at]
    }

    fn active(&self) -> Option<&Module> {
        self.current.and_then(|at| self.modules.get(at))
    }

    /// A query, or a rule that looks like one.
    fn query(&mut self, query: &ast::Body, text: &str) -> Result<(), Vec<Problem>> {
        if let Some(candidate) = statement::candidate(query).filter(|candidate| !candidate.rooted) {
            let Some(reference) = &candidate.reference else {
                let message = format!("{} cannot be used for rule name", candidate.kind);
                return Err(vec![Problem::plain(message)]);
            };
            let definition = statement::as_rule(text, &self.parse);
            let defines = candidate.assigns || !self.knows(reference);
            if let Some(definition) = definition.filter(|_| defines) {
                // `=` stands for `:=` where nothing has the name yet.
                let assigned = match candidate.assigns {
                    true => definition.text.clone(),
                    // Columns stay what they were where a blank makes room.
                    false if definition.text.contains(" = ") => definition.text.replacen(" = ", ":= ", 1),
                    false => definition.text.replacen('=', ":=", 1),
                };
                return self.define(Definition { text: assigned, ..definition });
            }
        }
        self.refresh();
        evaluate::run(self, text)
    }

    /// Whether a name is an import of the active module, or rules define it in its package.
    fn knows(&self, reference: &[String]) -> bool {
        let Some(name) = reference.first() else { return false };
        let module = self.active();
        let imported = |text: &String| text.rsplit(['.', ' ']).next() == Some(name.as_str());
        if module.is_some_and(|module| module.imports.iter().any(imported)) {
            return true;
        }
        if module.is_some_and(|module| module.rules.iter().any(|rule| overlaps(&rule.reference, reference))) {
            return true;
        }
        let package = self.package();
        let here = |module: &&ast::Module| {
            let path = module.package.iter().flat_map(|package| &package.path).map(|part| &part.name);
            path.eq(package.iter())
        };
        let base = self.loaded.modules.iter().take(self.base).filter(here);
        base.flat_map(|module| &module.rules).any(|rule| rule.head.name.name == *name)
    }

    /// The active package.
    pub(super) fn package(&self) -> Vec<String> {
        self.active().map_or_else(|| vec!["repl".to_owned()], |module| module.path.clone())
    }

    /// The head of the active module.
    pub(super) fn head(&self) -> String {
        self.active().map_or_else(|| "package repl\n".to_owned(), Module::head)
    }

    fn define(&mut self, definition: Definition) -> Result<(), Vec<Problem>> {
        let name = definition.name.clone();
        let replaces = definition.replaces;
        let before = self.modules.clone();
        let module = self.module();
        let count = module.rules.len();
        if replaces {
            module.rules.retain(|rule| !overlaps(&rule.reference, &definition.reference));
        }
        let again = if module.rules.len() < count { "re-defined" } else { "defined" };
        module.rules.push(definition);
        let package = module.text.clone();
        self.refresh();
        if let Err(problems) = self.check() {
            let told = self.told(problems);
            self.modules = before;
            return Err(vec![Problem::plain(told)]);
        }
        if !self.settings.json {
            output::println(&format!("Rule '{name}' {again} in {package}. Type 'show' to see rules."));
        }
        Ok(())
    }

    /// Parses what was typed, in the place of what was typed before.
    fn refresh(&mut self) {
        self.loaded.modules.truncate(self.base);
        for module in &self.modules {
            let head = module.head();
            let rows = head.lines().count();
            if module.rules.is_empty() {
                // A package is a document, even if it is empty.
                let file = self.loaded.sources.add("", head.clone());
                self.loaded.modules.push(govc_syntax::parse_module(file, &head, &self.parse).tree);
            }
            for rule in &module.rules {
                let text = format!("{head}{}", rule.text);
                let name = format!("{rows}{TYPED}{}", rule.name);
                let file = self.loaded.sources.add(name, text.clone());
                self.loaded.modules.push(govc_syntax::parse_module(file, &text, &self.parse).tree);
            }
        }
    }

    /// The sources as they are named in traces: what was typed has no name, and begins in the first row.
    pub(super) fn shown_sources(&self) -> Sources {
        let mut shown = Sources::default();
        for (_, source) in self.loaded.sources.iter() {
            match source.name.split_once(TYPED) {
                Some((rows, _)) => {
                    shown.add("", source.text.replacen('\n', " ", rows.parse().unwrap_or(0)));
                }
                None => {
                    shown.add(source.name.clone(), source.text.clone());
                }
            }
        }
        shown
    }

    /// Whether all that is there fits together.
    pub(super) fn check(&self) -> Result<(), Vec<Problem>> {
        run::check(&self.loaded, self.rules(), |_, _| Ok(()))
    }

    pub(super) fn rules(&self) -> run::Rules {
        run::Rules { error_limit: self.error_limit, ..run::Rules::default() }
    }

    /// Forgets rules; whether there were any.
    pub(super) fn unset(&mut self, name: &str) -> Result<bool, String> {
        let reference = statement::named(name, &self.parse)
            .ok_or_else(|| "code bad arguments: arguments must identify a rule".to_owned())?;
        let before = self.modules.clone();
        let Some(module) = self.current.and_then(|at| self.modules.get_mut(at)) else { return Ok(false) };
        let count = module.rules.len();
        module.rules.retain(|rule| !overlaps(&rule.reference, &reference));
        if module.rules.len() == count {
            return Ok(false);
        }
        self.refresh();
        if let Err(problems) = self.check() {
            let told = self.told(problems);
            self.modules = before;
            return Err(told);
        }
        Ok(true)
    }

    /// Forgets a package; whether there was one.
    pub(super) fn unset_package(&mut self, name: &str) -> Result<bool, String> {
        let read = statement::read(&format!("package {name}"), &self.parse);
        let path = match read.ok().and_then(|mut statements| statements.pop()) {
            Some(Statement::Package(path, _)) => path,
            _ => return Err("code bad arguments: argument must identify a package".to_owned()),
        };
        let Some(at) = self.modules.iter().position(|module| module.path == path) else { return Ok(false) };
        let active = self.active().map(|module| module.path.clone());
        self.modules.remove(at);
        self.current = self.modules.iter().position(|module| Some(&module.path) == active.as_ref());
        Ok(true)
    }

    /// The active module, formatted.
    pub(super) fn shown(&self) -> Result<String, String> {
        let Some(module) = self.active() else { return Ok("no rules defined\n".to_owned()) };
        let rules: Vec<&str> = module.rules.iter().map(|rule| rule.text.as_str()).collect();
        let text = format!("{}\n{}\n", module.head(), rules.join("\n\n"));
        let target = match self.parse.version {
            RegoVersion::V0 => govc_syntax::format::FormatTarget::V0,
            RegoVersion::V1 => govc_syntax::format::FormatTarget::V1,
        };
        let options = govc_syntax::format::FormatOptions { target, drop_v0_imports: false };
        govc_syntax::format::format_source(&text, options).map_err(|error| error.to_string())
    }

    /// Base documents as JSON text.
    pub(super) fn documents(&self) -> String {
        output::compact(&String::from_utf8_lossy(&self.loaded.documents.to_json()))
    }

    /// Problems with the places that were typed. As OPA, which takes all that was typed for one line of a module, it names the
    /// rule of a variable that is not safe where there are others.
    fn told(&self, mut problems: Vec<Problem>) -> String {
        problems.retain(|problem| problem.message != "var _ is unsafe");
        for problem in &mut problems {
            let Some(place) = problem.location.as_mut() else { continue };
            let Some((above, rule)) = place.file.split_once(TYPED) else { continue };
            place.row = place.row.saturating_sub(above.parse().unwrap_or(0));
            let others = |module: &Module| {
                let (same, others): (Vec<_>, Vec<_>) =
                    module.rules.iter().partition(|other| other.name == rule);
                !same.is_empty() && !others.is_empty()
            };
            if problem.code == "rego_unsafe_var_error" && self.modules.iter().any(others) {
                problem.message.push_str(&format!(" in rule {rule}"));
            }
            place.file.clear();
        }
        match problems.as_slice() {
            [Problem { code, message, location: None, .. }] if code.is_empty() => message.clone(),
            _ => problem::summary(&problems),
        }
    }
}

impl Module {
    fn head(&self) -> String {
        let lines = std::iter::once(&self.text).chain(&self.imports);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// Puts the version of the program at `data.system.version`; what a policy's author has put there stays.
fn with_version(mut loaded: Loaded) -> Loaded {
    let version = format!(
        r#"{{"build_commit":"","build_hostname":"","build_timestamp":"","version":"{}"}}"#,
        env!("CARGO_PKG_VERSION")
    );
    if let Ok(version) = RawValue::from_string(version) {
        let _ = loaded.documents.merge(&["system".to_owned(), "version".to_owned()], version);
    }
    loaded
}

/// Whether two references are about one document: one is the beginning of the other.
fn overlaps(one: &[String], other: &[String]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b)
}
