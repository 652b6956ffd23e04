//! A loaded bundle, ready to decide.

use crate::bundle::{Bundle, Manifest, Section, Signer};
use crate::decision::{DecideError, Decision};
use crate::documents::Document;
use crate::effect::{self, Effect, Reading};
use crate::host::{Answers, Recorder, Replay};
use crate::machine;
use crate::query::{Input, Limits, Query, Scratch, Target};
use crate::telling::{Rules, Teller, Telling};
use crate::{LoadError, Trust, digest};
use govc_value::{Heap, Value, json};
use serde_json::value::RawValue;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

/// Where bundles become policies.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

impl Engine {
    /// Verifies a bundle and makes it ready to decide: signature, digests, expiry, then the program is decoded and
    /// verified, and its data loaded.
    ///
    /// ```no_run
    /// use govc_engine::{Effect, Engine, Query, Scratch, Trust, VerifyingKey};
    /// let bytes = std::fs::read("bundle.tar.gz")?;
    /// let key = VerifyingKey::from_pem(&std::fs::read_to_string("public.pem")?)?;
    /// let policy = Engine::load(&bytes, &Trust::key(key))?;
    /// let mut scratch = Scratch::new();
    /// let decision = policy.decide(&mut scratch, &Query::new("promotion/result").input_json(b"{}"));
    /// assert_eq!(decision.effect(), Effect::Deny);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong first.
    pub fn load(bytes: &[u8], trust: &Trust) -> Result<Policy, LoadError> {
        let bundle = Bundle::open(bytes, trust)?;
        Policy::from_bundle(&bundle)
    }
}

/// A loaded bundle. Cheap to clone; every thread may use it at once, each with its own [`Scratch`].
#[derive(Clone)]
pub struct Policy(Arc<Loaded>);

struct Loaded {
    image: govc_vm::Image,
    digest: Arc<str>,
    policy_hash: String,
    manifest: Manifest,
    section: Option<Section>,
    signer: Option<Signer>,
    teller: OnceLock<Teller>,
    #[cfg(feature = "jit")]
    heat: crate::native::Heat,
}

/// An entrypoint of one bundle, its name looked up. Other bundles refuse it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrypoint {
    index: u32,
    name: Arc<str>,
    bundle: Arc<str>,
}

impl Entrypoint {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Policy {
    /// Makes an opened bundle ready to decide.
    ///
    /// # Errors
    /// When its program or data is refused.
    pub fn from_bundle(bundle: &Bundle) -> Result<Self, LoadError> {
        if bundle.is_delta() {
            return Err(LoadError::Patch("there is no bundle that it could change".to_owned()));
        }
        let program = bundle.program().ok_or(LoadError::NoProgram)?;
        let data = bundle.data()?;
        Ok(Self(Arc::new(Loaded {
            image: machine::load(program, &data)?,
            teller: once(Telling::of(bundle)?.map(|telling| Teller::new(telling, &data)).transpose()?),
            digest: Arc::from(bundle.digest()),
            policy_hash: bundle.policy_hash(),
            manifest: bundle.manifest().clone(),
            section: bundle.section().cloned(),
            signer: bundle.signer().cloned(),
            #[cfg(feature = "jit")]
            heat: crate::native::Heat::default(),
        })))
    }

    /// The policy with other documents, as a delta bundle tells them. Its digest is SHA-256 of two lines, the digest of this
    /// policy and that of the delta bundle, so that it names the whole way; its policy hash likewise.
    ///
    /// # Errors
    /// [`LoadError::Patch`], when the bundle is no delta bundle or cannot be applied.
    pub fn patched(&self, delta: &Bundle) -> Result<Self, LoadError> {
        if !delta.is_delta() {
            return Err(LoadError::Patch("there is no `patch.json` in it".to_owned()));
        }
        let mut documents = Document::of(self.0.image.data());
        delta.applied(self.manifest(), &mut documents)?;
        let data = [(Vec::new(), documents.json().into_bytes())];
        let section = self.section().map(|section| {
            let told = delta.section().cloned().unwrap_or_default();
            Section { version: told.version, expires: told.expires, ..section.clone() }
        });
        Ok(Self(Arc::new(Loaded {
            image: machine::reload(&self.0.image, &data)?,
            teller: once(self.0.teller.get().map(|teller| teller.over(&data)).transpose()?),
            digest: Arc::from(followed(self.digest(), delta.digest())),
            policy_hash: followed(self.policy_hash(), delta.digest()),
            manifest: delta.manifest().clone(),
            section: section.or_else(|| delta.section().cloned()),
            signer: delta.signer().cloned(),
            #[cfg(feature = "jit")]
            heat: crate::native::Heat::default(),
        })))
    }

    /// The digest of the bundle, 64 hex digits.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The digest of the policies alone, see [`Bundle::policy_hash`]: what the promotion of an agent rests on.
    pub fn policy_hash(&self) -> &str {
        &self.0.policy_hash
    }

    /// The manifest of the bundle.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// Fails where the policy would take the place of a newer one.
    fn may_follow(&self, old: &Self) -> Result<(), LoadError> {
        let version = |policy: &Self| policy.section().and_then(|section| section.version);
        let Some(seen) = version(old) else { return Ok(()) };
        match version(self) {
            Some(given) if given > seen => Ok(()),
            Some(given) if given == seen && self.digest() == old.digest() => Ok(()),
            Some(given) if given == seen => Err(LoadError::Fork { version: seen }),
            given => Err(LoadError::Rollback { given, seen }),
        }
    }

    /// Whether it can tell which rules a decision rests on; see [`Query::telling_rules`].
    pub fn tells(&self) -> bool {
        self.0.teller.get().is_some()
    }

    /// Gives it a program that tells, of who can compile the sources of the bundle. One that came with the bundle stays.
    ///
    /// # Errors
    /// When the program is refused.
    pub fn teach(&self, telling: Telling) -> Result<(), LoadError> {
        let data = [(Vec::new(), Document::of(self.0.image.data()).json().into_bytes())];
        let teller = Teller::new(telling, &data)?;
        self.0.teller.get_or_init(|| teller);
        Ok(())
    }

    /// Our section of the manifest.
    pub fn section(&self) -> Option<&Section> {
        self.0.section.as_ref()
    }

    /// Who signed the bundle; absent under [`Trust::unsigned`].
    pub fn signer(&self) -> Option<&Signer> {
        self.0.signer.as_ref()
    }

    /// Looks an entrypoint up once, for [`Query::at`].
    pub fn entrypoint(&self, name: &str) -> Option<Entrypoint> {
        let index = machine::entrypoint(&self.0.image, name)?;
        Some(Entrypoint { index, name: Arc::from(name), bundle: Arc::clone(&self.0.digest) })
    }

    /// Decides. Never fails and never panics: whatever goes wrong is a denial that says so.
    pub fn decide(&self, scratch: &mut Scratch, query: &Query<'_>) -> Decision {
        #[cfg(feature = "jit")]
        if self.0.heat.is_hot_now() {
            crate::native::install(Arc::clone(&self.0), |loaded| &loaded.image);
        }
        let mut decision = Decision::undecided(Arc::clone(&self.0.digest), query);
        match unharmed(scratch, |scratch| self.fill(&mut decision, scratch, query)) {
            Err(error) => decision.fail(error),
            Ok(()) if query.telling => {
                decision.rules = Some(unharmed(scratch, |scratch| self.tell(&decision, scratch, query)));
            }
            Ok(()) => {}
        }
        decision
    }

    /// The rules behind a decision that was just made.
    fn tell(
        &self,
        decision: &Decision,
        scratch: &mut Scratch,
        query: &Query<'_>,
    ) -> Result<Rules, DecideError> {
        let teller = self.0.teller.get().ok_or(DecideError::Untold)?;
        let entrypoint =
            machine::entrypoint(&teller.image, &decision.entrypoint).ok_or(DecideError::Untold)?;
        let (answers, limits) = (Replay(&decision.answers), query.limits.of_telling());
        let Scratch { arena, machine: registers } = scratch;
        arena.reset();
        let heap = Heap::new(arena, teller.image.frozen.symbols());
        let input = read_input(heap, query)?;
        let mut world = Recorder::new(&answers);
        let call = machine::Call { entrypoint, input, world: &mut world, limits: limits.machine() };
        let result = machine::run(&teller.image, registers, arena, call)?;
        let again = write_result(result, &query.limits)?;
        if again.as_deref().map(RawValue::get) != decision.result() {
            return Err(DecideError::ToldOtherwise);
        }
        teller.rules(&decision.entrypoint, world.marked())
    }

    fn fill(
        &self,
        decision: &mut Decision,
        scratch: &mut Scratch,
        query: &Query<'_>,
    ) -> Result<(), DecideError> {
        let entrypoint = self.resolve(&query.target)?;
        let Scratch { arena, machine: registers } = scratch;
        arena.reset();
        arena.set_limit(query.limits.memory);
        let heap = Heap::new(arena, self.0.image.frozen.symbols());
        let input = read_input(heap, query)?;
        if !input.is_undefined() {
            decision.input_digest = Some(digest_of(input));
        }
        let mut world = Recorder::new(query.host);
        let result = machine::run(
            &self.0.image,
            registers,
            arena,
            machine::Call { entrypoint, input, world: &mut world, limits: query.limits.machine() },
        );
        let missing = world.missing().map(str::to_owned);
        decision.answers = world.into_answers();
        if let Some(builtin) = missing {
            return Err(DecideError::Unavailable { builtin });
        }
        let result = result?;
        if heap.exhausted() {
            return Err(memory_limit(&query.limits));
        }
        decision.result = write_result(result, &query.limits)?;
        decision.take(effect::read(result));
        Ok(())
    }

    fn resolve(&self, target: &Target<'_>) -> Result<u32, DecideError> {
        match target {
            Target::Handle(entrypoint) if entrypoint.bundle == self.0.digest => Ok(entrypoint.index),
            Target::Handle(_) => Err(DecideError::Handle),
            Target::Name(name) => machine::entrypoint(&self.0.image, name)
                .ok_or_else(|| DecideError::Entrypoint { name: (*name).to_owned() }),
        }
    }
}

/// A cell with a value, where there is one.
fn once<T>(value: Option<T>) -> OnceLock<T> {
    value.map_or_else(OnceLock::new, OnceLock::from)
}

/// The digest of what a delta bundle made of something.
fn followed(before: &str, delta: &str) -> String {
    digest::hex(format!("{before}\n{delta}\n").as_bytes())
}

impl Target<'_> {
    fn name(&self) -> &str {
        match self {
            Target::Name(name) => name,
            Target::Handle(entrypoint) => entrypoint.name(),
        }
    }
}

fn read_input<'q>(heap: Heap<'q>, query: &Query<'_>) -> Result<Value<'q>, DecideError> {
    match &query.input {
        Input::None => Ok(Value::UNDEFINED),
        Input::Unwritable(why) => Err(DecideError::Serialize(why.clone())),
        Input::Json(text) => {
            let read = json::read(heap, text, &query.limits.json())
                .map_err(|e| DecideError::Input { message: e.kind.to_string(), offset: e.offset })?;
            if heap.exhausted() { Err(memory_limit(&query.limits)) } else { Ok(read) }
        }
    }
}

fn memory_limit(limits: &Limits) -> DecideError {
    DecideError::Evaluation {
        code: "govc_limit_memory".to_owned(),
        message: format!("the query needs more than the limit of {} bytes", limits.memory),
    }
}

fn canonical(value: Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_canonical(value, &mut out);
    out
}

fn digest_of(input: Value<'_>) -> String {
    digest::hex(&canonical(input))
}

fn write_result(result: Value<'_>, limits: &Limits) -> Result<Option<Box<RawValue>>, DecideError> {
    if result.is_undefined() {
        return Ok(None);
    }
    let text = canonical(result);
    if text.len() > limits.result_bytes {
        return Err(DecideError::Result { given: text.len(), limit: limits.result_bytes });
    }
    let text = String::from_utf8(text).map_err(|e| DecideError::Internal(e.to_string()))?;
    RawValue::from_string(text).map(Some).map_err(|e| DecideError::Internal(e.to_string()))
}

impl Decision {
    fn undecided(bundle: Arc<str>, query: &Query<'_>) -> Self {
        Self {
            effect: Effect::Deny,
            result: None,
            reasons: Vec::new(),
            warnings: Vec::new(),
            obligations: Vec::new(),
            bundle,
            entrypoint: query.target.name().to_owned(),
            input_digest: None,
            answers: Answers::default(),
            limits: query.limits,
            error: None,
            rules: None,
        }
    }

    fn take(&mut self, reading: Reading) {
        self.effect = reading.effect;
        self.reasons = reading.reasons;
        self.warnings = reading.warnings;
        // They were just written as JSON, so all of them can be read.
        self.obligations =
            reading.obligations.into_iter().filter_map(|text| RawValue::from_string(text).ok()).collect();
    }

    fn fail(&mut self, error: DecideError) {
        self.effect = Effect::Deny;
        self.result = None;
        self.reasons = vec![error.to_string()];
        self.warnings.clear();
        self.obligations.clear();
        self.error = Some(error);
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("digest", &self.0.digest).finish_non_exhaustive()
    }
}

/// The policy in force, exchanged as a whole while other threads decide.
///
/// A thread takes [`current`](Self::current) once for each request, so that no decision mixes two bundles.
///
/// ```no_run
/// use govc_engine::{Engine, PolicyHandle, Trust};
/// let handle = PolicyHandle::new(Engine::load(&std::fs::read("v1.tar.gz")?, &Trust::unsigned())?);
/// match handle.reload(&std::fs::read("v2.tar.gz")?, &Trust::unsigned()) {
///     Ok(old) => println!("{} took the place of {}", handle.current().digest(), old.digest()),
///     Err(refused) => println!("{refused}; {} stays", handle.current().digest()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PolicyHandle {
    current: RwLock<Policy>,
    /// Held by whoever exchanges the policy, so that those who decide need not wait for what goes before.
    turn: Mutex<()>,
}

impl PolicyHandle {
    /// A handle on a first policy.
    pub fn new(policy: Policy) -> Self {
        Self { current: RwLock::new(policy), turn: Mutex::new(()) }
    }

    /// The policy in force.
    pub fn current(&self) -> Policy {
        // Only whole policies are ever stored, so a panic elsewhere cannot have left a half one.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another policy in force and gives the one before.
    pub fn swap(&self, policy: Policy) -> Policy {
        std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), policy)
    }

    /// Loads a bundle and puts it in force; the policy before stays when the bundle is refused. Versions only grow: a
    /// bundle with a lower one than that in force, with none after one, or with the same and other content is refused.
    /// A delta bundle changes the documents of the policy in force.
    ///
    /// # Errors
    /// Those of [`Engine::load`] and [`Policy::patched`], [`LoadError::Rollback`] and [`LoadError::Fork`].
    pub fn reload(&self, bytes: &[u8], trust: &Trust) -> Result<Policy, LoadError> {
        let bundle = Bundle::open(bytes, trust)?;
        if bundle.is_delta() {
            return self.follow(|current| current.patched(&bundle), |_| Ok(()));
        }
        self.exchange(Policy::from_bundle(&bundle)?, |_| Ok(()))
    }

    /// Puts a policy in force that may follow the one before, once `agree` has agreed to it; decisions go on meanwhile.
    /// Gives the policy before.
    ///
    /// # Errors
    /// [`LoadError::Rollback`] and [`LoadError::Fork`], and those of `agree`; then the policy before stays.
    pub fn exchange<E: From<LoadError>>(
        &self,
        policy: Policy,
        agree: impl FnOnce(&Policy) -> Result<(), E>,
    ) -> Result<Policy, E> {
        self.follow(|_| Ok(policy), agree)
    }

    fn follow<E: From<LoadError>>(
        &self,
        make: impl FnOnce(&Policy) -> Result<Policy, LoadError>,
        agree: impl FnOnce(&Policy) -> Result<(), E>,
    ) -> Result<Policy, E> {
        // Nothing is left half done by a panic in here: the policy is exchanged behind it.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current();
        let policy = make(&current)?;
        policy.may_follow(&current)?;
        agree(&policy)?;
        Ok(self.swap(policy))
    }
}

/// Evaluates, and makes a panic an error.
fn unharmed<T>(
    scratch: &mut Scratch,
    evaluate: impl FnOnce(&mut Scratch) -> Result<T, DecideError>,
) -> Result<T, DecideError> {
    catch_unwind(AssertUnwindSafe(|| evaluate(scratch))).unwrap_or_else(|_| {
        // Whatever the panic left half done must not be seen by the next decision.
        *scratch = Scratch::new();
        Err(DecideError::Internal("a panic; please report it".to_owned()))
    })
}
