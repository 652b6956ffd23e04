//! All policies of one moment, checked together, and the queries that were compiled over them.
//!
//! The surprising fact: a query is compiled once for a set of policies, whatever happens to the data. What is compiled
//! knows nothing of base documents; they join it when an image is made.

use crate::problem::Problem;
use crate::run;
use govc_bytecode::Program;
use govc_compile::{Builtins, CheckOptions, Checked, PlanRequest, QueryOptions};
use govc_syntax::{FileId, ParseOptions, Sources, ast, lex};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// How policies are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Language {
    pub(crate) parse: ParseOptions,
    pub(crate) builtins: Builtins,
    /// Errors after which no more are reported; 0: no limit.
    pub(crate) error_limit: usize,
}

/// A policy by its id.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// As it was given.
    pub(crate) text: Arc<str>,
    /// In which language it is written.
    pub(crate) parse: ParseOptions,
}

/// Policies that were checked together.
pub(crate) struct Policies {
    pub(crate) modules: BTreeMap<String, Module>,
    pub(crate) trees: Vec<ast::Module>,
    pub(crate) sources: Sources,
    /// Paths at which no data may stand, or below which none may be looked for.
    rule_paths: Vec<Vec<String>>,
    checked: Checked,
    builtins: Builtins,
    language: Language,
    vocabulary: BTreeSet<String>,
    /// By text and strictness.
    compiled: Mutex<HashMap<(String, bool), Arc<Compiled>>>,
}

/// A compiled query.
pub(crate) struct Compiled {
    pub(crate) program: Program,
    /// It calls something that waits for somebody else.
    pub(crate) blocking: bool,
}

/// Compiled queries that are kept; beyond, all are forgotten.
const KEPT: usize = 1000;

/// Bytes of the longest word of a policy that gets a symbol.
const LONGEST_WORD: usize = 256;

/// Builtins that wait for somebody else.
const BLOCKING: &[&str] = &["http.send", "net.lookup_ip_addr"];

impl Policies {
    /// Parses and checks. `exists` tells where data stand.
    ///
    /// # Errors
    /// What the parser or the checker found.
    pub(crate) fn check(
        modules: BTreeMap<String, Module>,
        language: &Language,
        exists: &dyn Fn(&[String]) -> bool,
    ) -> Result<Self, Vec<Problem>> {
        let mut sources = Sources::default();
        let mut trees = Vec::new();
        let mut problems = Vec::new();
        for (id, module) in &modules {
            let file = sources.add(id.as_str(), &*module.text);
            let parsed = govc_syntax::parse_module(file, &module.text, &module.parse);
            problems.extend(run::problems(&parsed.diagnostics, &sources));
            trees.push(parsed.tree);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let asked = RefCell::new(Vec::new());
        let exists = |path: &[String]| {
            asked.borrow_mut().push(path.to_vec());
            exists(path)
        };
        let options = CheckOptions {
            print: true,
            data_exists: Some(&exists),
            error_limit: language.error_limit,
            builtins: language.builtins.clone(),
            ..CheckOptions::default()
        };
        let checked = govc_compile::check(&sources, &trees, &options);
        if !checked.is_ok() {
            return Err(run::problems(&checked.diagnostics, &sources));
        }
        let vocabulary = modules.values().flat_map(|module| words(&module.text)).collect();
        Ok(Self {
            modules,
            trees,
            sources,
            rule_paths: asked.into_inner(),
            checked,
            builtins: language.builtins.clone(),
            language: language.clone(),
            vocabulary,
            compiled: Mutex::default(),
        })
    }

    /// Parses one policy.
    ///
    /// # Errors
    /// What the parser found.
    pub(crate) fn parse(id: &str, text: &str, options: &ParseOptions) -> Result<ast::Module, Vec<Problem>> {
        let mut sources = Sources::default();
        let file = sources.add(id, text);
        let parsed = govc_syntax::parse_module(file, text, options);
        let problems = run::problems(&parsed.diagnostics, &sources);
        if problems.is_empty() { Ok(parsed.tree) } else { Err(problems) }
    }

    /// Strings that get a symbol because policies name them.
    pub(crate) fn vocabulary(&self) -> impl Iterator<Item = &str> {
        self.vocabulary.iter().map(String::as_str)
    }

    /// Whether a rule or package stands at, above or below a path.
    pub(crate) fn may_have(&self, path: &[String]) -> bool {
        let near = |other: &[String]| other.iter().zip(path).all(|(a, b)| a == b);
        self.checked.unit.rules.iter().any(|rule| near(&rule.path))
            || self.trees.iter().any(|tree| near(&tree.package_path()))
    }

    /// The first steps of all packages.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &String> {
        let packages = self.trees.iter().filter_map(|tree| tree.package.as_ref());
        packages.filter_map(|package| package.path.first().map(|part| &part.name))
    }

    /// The tree of a policy.
    pub(crate) fn tree(&self, id: &str) -> Option<&ast::Module> {
        self.modules.keys().position(|known| known == id).and_then(|at| self.trees.get(at))
    }

    /// Whether rules make the document at a path.
    pub(crate) fn has_rules(&self, path: &[String]) -> bool {
        self.checked.unit.rules.iter().any(|rule| path.starts_with(&rule.path))
    }

    /// The data that were written stand where no rule is.
    ///
    /// # Errors
    /// OPA's complaint about the rules that are there.
    pub(crate) fn accept_data(&self, holds: &dyn Fn(&[String]) -> bool) -> Result<(), Vec<Problem>> {
        match self.rule_paths.iter().any(|path| holds(path)) {
            true => Self::check(self.modules.clone(), &self.language, holds).map(|_| ()),
            false => Ok(()),
        }
    }

    /// The query of a text, compiled now or before; a strict one expects that the first error of a builtin ends it.
    ///
    /// # Errors
    /// What the parser or the checker found.
    pub(crate) fn query(&self, text: &str, strict: bool) -> Result<Arc<Compiled>, Vec<Problem>> {
        let key = (text.to_owned(), strict);
        let kept = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(found) = kept {
            return Ok(found);
        }
        let (body, sources) = self.parse_query(text)?;
        let compiled = Arc::new(self.compile(&body, &sources, strict)?);
        let mut all = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Parses a query; its text follows those of the policies.
    ///
    /// # Errors
    /// What the parser found.
    pub(crate) fn parse_query(&self, text: &str) -> Result<(ast::Body, Sources), Vec<Problem>> {
        let mut sources = self.sources.clone();
        let file = sources.add("", text);
        let parsed = govc_syntax::parse_query(file, text, &self.language.parse);
        let problems = run::problems(&parsed.diagnostics, &sources);
        if problems.is_empty() { Ok((parsed.tree, sources)) } else { Err(problems) }
    }

    /// The policies as the compiler has checked them.
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// How queries over the policies are checked.
    pub(crate) fn options(&self) -> CheckOptions<'static> {
        CheckOptions {
            print: true,
            error_limit: self.language.error_limit,
            builtins: self.builtins.clone(),
            ..CheckOptions::default()
        }
    }

    /// Compiles a query that was parsed over `sources`, which begin with those of the policies.
    ///
    /// # Errors
    /// What the checker found.
    pub(crate) fn compile(
        &self,
        body: &ast::Body,
        sources: &Sources,
        strict: bool,
    ) -> Result<Compiled, Vec<Problem>> {
        let options = self.options();
        let query = govc_compile::check_query(&self.checked, body, &options, &QueryOptions::default())
            .map_err(|found| run::problems(&found, sources))?;
        let queries = vec![("query".to_owned(), query)];
        let request = PlanRequest { queries, strict, ..PlanRequest::default() };
        let program = run::emit(&run::plan(&self.checked, &request, sources)?, sources)?;
        let blocking = program.builtins.iter().any(|builtin| BLOCKING.contains(&builtin.name.as_str()));
        Ok(Compiled { program, blocking })
    }
}

/// The names and strings of a policy. What is missed here is only compared more slowly.
fn words(text: &str) -> impl Iterator<Item = String> {
    let tokens = lex::lex(FileId(0), text, true).tokens;
    tokens.into_iter().filter_map(|token| {
        let word = text.get(token.start as usize..token.end as usize)?.trim_matches(['"', '`']);
        (word.len() <= LONGEST_WORD).then(|| word.to_owned())
    })
}
