//! `govc run --server`: OPA's REST API.
//!
//! The surprising fact: a request sees one [`store::State`] from its beginning to its end. Policies and documents change
//! beside it, and whoever comes next finds all of the change.

mod api;
mod authorize;
mod bundle;
mod bundles;
mod call;
mod decision_log;
mod decisions;
mod evaluate;
mod http;
mod listen;
mod load;
mod log;
mod mask;
mod path;
mod policies;
mod polling;
mod prometheus;
mod reply;
mod route;
pub(crate) mod services;
mod settings;
mod status;
mod store;
mod timers;
mod tls;
mod url;
mod visit;

use crate::commands::run::{Authentication, Authorization, LogFormat, LogLevel, Run};
use crate::exit::Exit;
use crate::output::{self, Node};
use crate::problem::Problem;
use call::Call;
use decisions::Decision;
use evaluate::Question;
use log::{Level, Logger};
use reply::Reply;
use serde_json::Value as Json;
use settings::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use store::{Draft, State, Store};

/// Everything that requests share.
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) logger: Logger,
    pub(crate) metrics: prometheus::Metrics,
    /// What `opa.runtime()` answers, as JSON.
    pub(crate) runtime: String,
    pub(crate) plugins: Plugins,
    settings: RwLock<Arc<Settings>>,
    tokens: bool,
    authorization: bool,
    requests: AtomicU64,
    were_ready: AtomicBool,
}

/// What works beside the requests.
#[derive(Debug, Default)]
pub(crate) struct Plugins {
    pub(crate) bundles: Option<polling::Bundles>,
    pub(crate) decisions: Option<decision_log::DecisionLog>,
    pub(crate) status: Option<status::Status>,
}

/// Bytes that requests may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// As sent.
    pub(crate) body: u64,
    /// Decompressed.
    pub(crate) gzip: u64,
}

/// Serves until it is told to end.
pub(crate) fn serve(args: &Run) -> Exit {
    match start(args) {
        Ok(exit) => exit,
        Err(message) => {
            output::println(&format!("error: {message}"));
            Exit::Failure
        }
    }
}

fn start(args: &Run) -> Result<Exit, String> {
    let settings = Settings::load(args)?;
    let logger = logger(args);
    let server = Arc::new(Server::new(args, settings, logger)?);
    let loaded = load::paths(&server, args, &BTreeSet::new())?;
    if args.watch {
        load::watch(&server, args, loaded);
    }
    polling::Bundles::start(&server);
    decision_log::DecisionLog::start(&server);
    status::Status::start(&server);
    server.changed_status();
    listen::run(&server, args)
}

fn logger(args: &Run) -> Logger {
    Logger {
        level: match args.logging.log_level {
            LogLevel::Debug => Level::Debug,
            LogLevel::Info => Level::Info,
            LogLevel::Error => Level::Error,
        },
        form: match args.logging.log_format {
            LogFormat::Text => log::Form::Text,
            LogFormat::Json => log::Form::Json,
            LogFormat::JsonPretty => log::Form::JsonPretty,
        },
        layout: args.logging.log_timestamp_format.clone(),
    }
}

/// The folder of what outlives the process.
fn persistence(config: &Json) -> PathBuf {
    config.get("persistence_directory").and_then(Json::as_str).unwrap_or(".opa").into()
}

impl Server {
    fn new(args: &Run, settings: Settings, logger: Logger) -> Result<Self, String> {
        let language = load::language(args)?;
        let plugins = Plugins::read(&settings).map_err(|why| format!("config error: {why}"))?;
        let store = Store::new(language).map_err(|found| crate::problem::summary(&found))?;
        Ok(Self {
            store,
            logger,
            metrics: prometheus::Metrics::new(settings.buckets()),
            runtime: settings.runtime(args),
            plugins,
            settings: RwLock::new(Arc::new(settings)),
            tokens: args.security.authentication == Authentication::Token,
            authorization: args.security.authorization == Authorization::Basic,
            requests: AtomicU64::new(0),
            were_ready: AtomicBool::new(false),
        })
    }

    /// The configuration that holds now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of a new request.
    pub(crate) fn number(&self) -> u64 {
        self.requests.fetch_add(1, Relaxed) + 1
    }

    /// What requests may have.
    pub(crate) fn limits(&self) -> Limits {
        self.settings().limits
    }

    /// Bytes from which on answers are compressed, and how hard.
    pub(crate) fn encoding(&self) -> (usize, u32) {
        self.settings().encoding
    }

    /// Does something that may take long, so that other requests need not wait for it.
    pub(crate) fn heavy<T>(&self, work: impl FnOnce() -> T) -> T {
        match tokio::runtime::Handle::try_current() {
            Ok(_) => tokio::task::block_in_place(work),
            Err(_) => work(),
        }
    }

    /// Changes policies and documents.
    ///
    /// # Errors
    /// Those of `change`; then nothing has changed.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Draft<'_>) -> Result<T, Reply>,
    ) -> Result<T, Reply> {
        self.heavy(|| self.store.change(change))
    }

    /// Whether `Authorization: Bearer` says who asks.
    pub(crate) fn asks_for_tokens(&self) -> bool {
        self.tokens
    }

    /// Whether a policy says who may ask.
    pub(crate) fn authorizes(&self) -> bool {
        self.authorization
    }

    /// The path of the document that authorizes.
    pub(crate) fn authorization_decision(&self) -> String {
        self.settings().default_authorization_decision.clone()
    }

    /// The path of the document that answers where none is named.
    pub(crate) fn default_decision(&self) -> String {
        self.settings().default_decision.clone()
    }

    /// Logs what a policy has printed.
    pub(crate) fn printed(&self, call: &Call, visit: &visit::Visit<'_>) {
        for (text, file, row) in &visit.printed {
            let fields = vec![
                ("client_addr".to_owned(), Node::string(&call.peer.address)),
                ("line".to_owned(), Node::string(&format!("{file}:{row}"))),
                ("req_id".to_owned(), Node::int(call.id as i64)),
                ("req_method".to_owned(), Node::string(&call.method)),
                ("req_path".to_owned(), Node::string(&call.escaped)),
            ];
            self.logger.log(Level::Info, text, fields);
        }
    }

    /// Begins a decision, where decisions are logged.
    pub(crate) fn begins(&self, _call: &Call) -> Option<Decision> {
        self.plugins.decisions.as_ref()?;
        Some(Decision { id: crate::world::uuid_v4(), ..Decision::default() })
    }

    /// Whether answers of the outside world are logged with decisions.
    pub(crate) fn records(&self) -> bool {
        self.plugins.decisions.as_ref().is_some_and(|log| log.recorded)
    }

    /// Something has changed that the status tells of.
    pub(crate) fn changed_status(&self) {
        if let Some(status) = &self.plugins.status {
            status.wake();
        }
    }

    /// Asks a policy of the log about an event; nothing where it is undefined.
    pub(crate) fn ask_log(
        &self,
        call: &Call,
        state: &State,
        path: &str,
        event: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Option<serde_json::Value>, String> {
        let ready = match state.known(path, false) {
            Some(ready) => ready,
            None => self.heavy(|| state.document(path, false)).map_err(|refused| match refused {
                store::Refused::Path(why) => why,
                store::Refused::Policies(found) => told(&found),
            })?,
        };
        if ready.is_nothing() {
            return Ok(None);
        }
        let input = serde_json::to_string(event).map_err(|error| error.to_string())?;
        let mut visit = visit::Visit::new(&self.runtime);
        let question = Question { image: &ready.image, entrypoint: ready.entrypoint, strict: false };
        let answer: Result<Option<String>, Problem> = evaluate::ask(
            &question,
            &mut visit,
            |heap| {
                govc_value::json::read(heap, input.as_bytes(), &govc_value::json::Limits::default())
                    .map_err(|error| Problem::plain(error.to_string()))
            },
            |_, outcome| {
                let value = outcome.results.first().map(|row| api::health::value(*row));
                value.map(govc_value::json::to_string)
            },
        );
        self.printed(call, &visit);
        match answer.map_err(|problem| problem.line())? {
            None => Ok(None),
            Some(json) => serde_json::from_str(&json).map(Some).map_err(|error| error.to_string()),
        }
    }

    /// Hands a decision to the log.
    ///
    /// # Errors
    /// The answer to a request whose decision cannot be logged.
    pub(crate) fn decided(&self, state: &State, call: &Call, decision: &Decision) -> Result<(), Reply> {
        if let Some(log) = &self.plugins.decisions {
            let told = log.tell(self, state, call, decision);
            told.map_err(|why| Reply::error(500, "internal_error", &why))?;
        }
        Ok(())
    }

    /// Which build answers, and with which bundles, as JSON.
    pub(crate) fn provenance(&self, state: &State) -> String {
        let mut fields = vec![
            ("version".to_owned(), Node::string(env!("CARGO_PKG_VERSION"))),
            ("build_commit".to_owned(), Node::string("")),
            ("build_timestamp".to_owned(), Node::string("")),
            ("build_hostname".to_owned(), Node::string("")),
        ];
        let revisions = bundles::revisions(&state.data);
        if !revisions.is_empty() {
            let revision = |text: &str| Node::Object(vec![("revision".to_owned(), Node::string(text))]);
            let all = revisions.iter().map(|(name, text)| (name.clone(), revision(text))).collect();
            fields.push(("bundles".to_owned(), Node::Object(all)));
        }
        Node::Object(fields).compact()
    }

    /// The states of plugins, by name.
    pub(crate) fn plugin_states(&self) -> BTreeMap<&'static str, &'static str> {
        let mut states = BTreeMap::from([("discovery", "OK")]);
        let bundles = self.plugins.bundles.as_ref();
        states.extend(bundles.map(|b| ("bundle", if b.is_ready() { "OK" } else { "NOT_READY" })));
        states.extend(self.plugins.decisions.as_ref().map(|_| ("decision_logs", "OK")));
        states.extend(self.plugins.status.as_ref().map(|_| ("status", "OK")));
        states
    }

    /// Whether all plugins were ready at one time.
    pub(crate) fn plugins_were_ready(&self) -> bool {
        if self.plugin_states().values().all(|state| *state == "OK") {
            self.were_ready.store(true, Relaxed);
        }
        self.were_ready.load(Relaxed)
    }

    /// What the status plugin tells, as JSON.
    pub(crate) fn status(&self) -> Option<String> {
        self.plugins.status.as_ref()?;
        Some(Node::Object(status::shown(self)).compact())
    }

    /// Logs an error.
    pub(crate) fn complain(&self, what: &str, why: &str) {
        self.logger.log(Level::Error, what, vec![("err".to_owned(), Node::string(why))]);
    }
}

/// Sections of OPA's configuration that nothing here follows: better no server than one that keeps silent.
const NOT_YET: &[&str] =
    &["/discovery", "/distributed_tracing", "/metrics_export", "/storage/disk", "/server/logger_plugin"];

impl Plugins {
    fn read(settings: &Settings) -> Result<Self, String> {
        let config = &settings.raw;
        let services = services::read(config)?;
        let there = |path: &&str| config.pointer(path).is_some_and(|section| !section.is_null());
        if let Some(path) = NOT_YET.iter().find(|path| there(path)) {
            return Err(format!("govc_not_yet: `{}` is not supported yet", path[1..].replace('/', ".")));
        }
        let plugins = config.get("plugins").and_then(serde_json::Value::as_object);
        if let Some(name) = plugins.and_then(|plugins| plugins.keys().next()) {
            return Err(format!("plugin {} not registered", output::quote(name)));
        }
        Ok(Self {
            bundles: polling::Bundles::read(config, &services)?,
            decisions: decision_log::DecisionLog::read(config, &services)?,
            status: status::Status::read(config, &services)?,
        })
    }
}

/// 64 bits that nobody can foresee.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// Errors of policies as one text.
pub(crate) fn told(problems: &[Problem]) -> String {
    crate::problem::summary(problems)
}
