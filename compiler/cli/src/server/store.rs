//! What the server decides by: policies and base documents of one moment, and the way from one moment to the next.
//!
//! A [`State`] never changes. A writer makes the next one beside it and swaps them, so a reader sees all of a change or
//! nothing of it, and never waits for a writer.

use super::path::{self, Step};
use super::policies::{Compiled, Language, Policies};
use crate::problem::Problem;
use govc_engine::documents::Document;
use govc_value::{Frozen, FrozenBuilder};
use govc_vm::Image;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

/// Policies and base documents of one moment.
pub(crate) struct State {
    pub(crate) policies: Arc<Policies>,
    pub(crate) data: Arc<Document>,
    /// The documents as values, made when somebody asks for the first time.
    base: OnceLock<Arc<Frozen>>,
    /// Queries by path, lenient ones and strict ones.
    ready: [RwLock<HashMap<String, Arc<Ready>>>; 2],
}

/// A query that can be asked.
pub(crate) struct Ready {
    pub(crate) image: Image,
    pub(crate) entrypoint: u32,
    /// It waits for somebody else, or took long before.
    pub(crate) slow: AtomicBool,
    nothing: bool,
    asked: AtomicU32,
    by: [AtomicBool; DOORS],
}

/// Ways to ask that OPA keeps compiled queries for, each apart.
const DOORS: usize = 5;

/// Paths whose queries are kept ready; beyond, all are forgotten.
const KEPT: usize = 1000;

/// Questions after which machine code is made.
const HOT: u32 = 10_000;

impl Ready {
    fn new(compiled: &Compiled, base: &Arc<Frozen>) -> Result<Self, Problem> {
        let image = Image::over(compiled.program.clone(), base);
        let image = image.map_err(|error| Problem::coded("govc_load_error", error.to_string()))?;
        let missing = || Problem::coded("govc_internal_error", "a query without an entrypoint");
        Ok(Self {
            entrypoint: image.entrypoint("query").ok_or_else(missing)?,
            image,
            slow: AtomicBool::new(compiled.blocking),
            nothing: false,
            asked: AtomicU32::new(0),
            by: Default::default(),
        })
    }

    /// Whether no policy and no data can answer it, so that it is undefined for every input.
    pub(crate) fn is_nothing(&self) -> bool {
        self.nothing
    }

    /// Whether it was asked through this door before.
    pub(crate) fn was_asked_by(&self, door: usize) -> bool {
        self.by.get(door).is_some_and(|asked| asked.load(Relaxed) || asked.swap(true, Relaxed))
    }

    /// Counts a question; the one that makes the query a hot one starts a thread that makes machine code.
    pub(crate) fn count(self: &Arc<Self>) {
        let hot = self.asked.load(Relaxed) < HOT && self.asked.fetch_add(1, Relaxed) + 1 == HOT;
        if hot {
            make_native(Arc::clone(self));
        }
    }
}

#[cfg(feature = "jit")]
fn make_native(ready: Arc<Ready>) {
    let make = move || {
        if let Ok(code) = govc_jit::compile(&ready.image) {
            // Refused only where code is installed already.
            let _ = ready.image.install(Box::new(code));
        }
    };
    // A system without threads to spare has no machine code.
    let _ = std::thread::Builder::new().name("govc-jit".to_owned()).spawn(make);
}

#[cfg(not(feature = "jit"))]
fn make_native(_: Arc<Ready>) {}

impl State {
    fn new(policies: Arc<Policies>, data: Arc<Document>) -> Arc<Self> {
        Arc::new(Self { policies, data, base: OnceLock::new(), ready: Default::default() })
    }

    /// The base documents as values that all queries share.
    fn base(&self) -> &Arc<Frozen> {
        self.base.get_or_init(|| {
            let mut strings = FrozenBuilder::new();
            self.policies.vocabulary().for_each(|word| strings.intern(word));
            self.data.intern(&mut strings);
            let made = strings.build(|heap| Ok::<_, std::convert::Infallible>(vec![self.data.value(heap)]));
            let Ok(made) = made;
            Arc::new(made)
        })
    }

    /// The query for a path that was asked before.
    pub(crate) fn known(&self, path: &str, strict: bool) -> Option<Arc<Ready>> {
        self.ready[usize::from(strict)].read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// The query for the document at a path of a URL; a strict one expects that the first error of a builtin ends it.
    ///
    /// # Errors
    /// The path is none, or the policies are not to be compiled.
    pub(crate) fn document(&self, path: &str, strict: bool) -> Result<Arc<Ready>, Refused> {
        if let Some(ready) = self.known(path, strict) {
            return Ok(ready);
        }
        let steps = path::steps(path).map_err(Refused::Path)?;
        let ready = self.reference(&steps, strict).map_err(Refused::Policies)?;
        let mut all = self.ready[usize::from(strict)].write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        Ok(Arc::clone(all.entry(path.to_owned()).or_insert(ready)))
    }

    fn reference(&self, steps: &[Step], strict: bool) -> Result<Arc<Ready>, Vec<Problem>> {
        let text = path::query(steps, &self.data, self.policies.packages());
        let compiled = self.policies.query(&text, strict)?;
        let mut ready = Ready::new(&compiled, self.base()).map_err(|problem| vec![problem])?;
        let keys = path::as_keys(steps);
        ready.nothing = self.data.at(&keys).is_err() && !self.policies.may_have(&keys);
        Ok(Arc::new(ready))
    }

    /// A query that is asked once.
    ///
    /// # Errors
    /// The machine does not take the program; a defect of ours.
    pub(crate) fn once(&self, compiled: &Compiled) -> Result<Ready, Problem> {
        Ready::new(compiled, self.base())
    }
}

/// Why there is no query for a path.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The path is none.
    Path(String),
    /// The query does not compile.
    Policies(Vec<Problem>),
}

/// The current state, and who may change it.
pub(crate) struct Store {
    pub(crate) language: Language,
    state: RwLock<Arc<State>>,
    writing: Mutex<()>,
}

/// The next state while it is made.
pub(crate) struct Draft<'s> {
    pub(crate) language: &'s Language,
    pub(crate) policies: Arc<Policies>,
    pub(crate) data: Arc<Document>,
}

impl Store {
    /// A store without policies and data.
    ///
    /// # Errors
    /// No policies do not compile; a defect of ours.
    pub(crate) fn new(language: Language) -> Result<Self, Vec<Problem>> {
        let none = Policies::check(BTreeMap::new(), &language, &|_| false)?;
        let state = State::new(Arc::new(none), Document::empty());
        Ok(Self { language, state: RwLock::new(state), writing: Mutex::default() })
    }

    /// What holds now.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes policies and data. Nothing changes where `change` fails.
    ///
    /// # Errors
    /// Those of `change`.
    pub(crate) fn change<T, E>(&self, change: impl FnOnce(&mut Draft<'_>) -> Result<T, E>) -> Result<T, E> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.state();
        let mut draft = Draft {
            language: &self.language,
            policies: Arc::clone(&now.policies),
            data: Arc::clone(&now.data),
        };
        let done = change(&mut draft)?;
        let same = Arc::ptr_eq(&draft.policies, &now.policies) && Arc::ptr_eq(&draft.data, &now.data);
        if !same {
            let next = State::new(draft.policies, draft.data);
            *self.state.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
        Ok(done)
    }
}

impl Draft<'_> {
    /// Gives the draft other policies.
    ///
    /// # Errors
    /// They do not compile, or stand where data are.
    pub(crate) fn set_policies(
        &mut self,
        modules: BTreeMap<String, super::policies::Module>,
    ) -> Result<(), Vec<Problem>> {
        let data = &self.data;
        self.policies = Arc::new(Policies::check(modules, self.language, &|path| data.holds(path))?);
        Ok(())
    }
}
