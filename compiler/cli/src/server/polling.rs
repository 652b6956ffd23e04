//! The plugin `bundles`: fetches bundles again and again, and activates what is new.
//!
//! The surprising fact: a bundle that cannot be fetched or does not compile changes nothing. What was active before
//! stays, and the status tells why.

use super::Server;
use super::bundle::Opened;
use super::services::{Answer, Service, Services};
use crate::files;
use crate::output::{self, Node};
use crate::problem::Problem;
use govc_engine::{Algorithm, Layout, Trust, VerifyingKey};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Delays after failures, doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(100);

/// The type of content by which a service says that it answers when there is something new.
const LONG_POLLS: &str = "application/vnd.openpolicyagent.bundles";

/// Where a bundle comes from.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    place: Place,
    /// Between fetches.
    delays: (Duration, Duration),
    wait: Option<u64>,
    trust: Trust,
    limit: u64,
    /// Where the bundle is kept for the next start.
    kept: Option<PathBuf>,
    periodic: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Service(Box<Service>, String),
    File(String),
    Layout(Layout),
}

/// What is known of a bundle.
#[derive(Clone, Debug, Default)]
struct State {
    etag: String,
    active: bool,
    status: Status,
}

/// OPA's status of a bundle. Times are RFC 3339.
#[derive(Clone, Debug, Default)]
struct Status {
    revision: String,
    /// What was activated last.
    kind: &'static str,
    size: usize,
    activated: Option<String>,
    downloaded: Option<String>,
    answered: Option<String>,
    asked: Option<String>,
    error: Option<(String, Option<u16>, Vec<Problem>)>,
}

/// The plugin.
#[derive(Debug)]
pub(crate) struct Bundles {
    sources: Vec<Source>,
    states: Mutex<BTreeMap<String, State>>,
}

impl Bundles {
    /// Reads the sections `bundles` and `keys` of a configuration.
    ///
    /// # Errors
    /// OPA's complaint.
    pub(crate) fn read(config: &Json, services: &Services) -> Result<Option<Self>, String> {
        let Some(bundles) = config.get("bundles").and_then(Json::as_object) else { return Ok(None) };
        let mut sources = Vec::new();
        for (name, source) in bundles.iter().filter(|(_, source)| !source.is_null()) {
            let read = Source::read(name, source, config, services);
            let invalid = |why| format!("invalid configuration for bundle {}: {why}", output::quote(name));
            sources.push(read.map_err(invalid)?);
        }
        let states = sources.iter().map(|source| (source.name.clone(), State::default())).collect();
        Ok(Some(Self { sources, states: Mutex::new(states) }))
    }

    /// Whether every bundle has been activated once.
    pub(crate) fn is_ready(&self) -> bool {
        self.lock().values().all(|state| state.active)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The statuses as OPA tells them.
    pub(crate) fn status(&self) -> Node {
        let all = self.lock();
        Node::Object(all.iter().map(|(name, state)| (name.clone(), state.status.node(name))).collect())
    }

    /// Starts a thread for each bundle.
    pub(crate) fn start(server: &Arc<Server>) {
        let Some(plugin) = &server.plugins.bundles else { return };
        for source in plugin.sources.clone() {
            let server = Arc::clone(server);
            let name = format!("bundle-{}", source.name);
            let spawned = std::thread::Builder::new()
                .name(name)
                .stack_size(super::listen::STACK)
                .spawn(move || source.run(&server));
            if let Err(error) = spawned {
                plugin.failed("", &error.to_string(), None, &[]);
            }
        }
    }

    fn update(&self, name: &str, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.lock().get_mut(name) {
            change(state);
        }
    }

    fn failed(&self, name: &str, why: &str, http: Option<u16>, problems: &[Problem]) {
        self.update(name, |state| state.status.error = Some((why.to_owned(), http, problems.to_vec())));
    }
}

impl Source {
    fn read(name: &str, source: &Json, config: &Json, services: &Services) -> Result<Self, String> {
        let text = |path: &str| source.pointer(path).and_then(Json::as_str);
        let resource = text("/resource").map_or_else(|| format!("bundles/{name}"), str::to_owned);
        let place = match (resource.strip_prefix("file://"), Layout::parse(&resource)) {
            (Some(path), _) => Place::File(path.to_owned()),
            (None, Some(layout)) => Place::Layout(layout),
            (None, None) => {
                let wanted = text("/service").unwrap_or_default();
                let found = match wanted {
                    "" => services.values().next(),
                    wanted => services.get(wanted),
                };
                let missing = || format!("service name {} not found", output::quote(wanted));
                Place::Service(Box::new(found.ok_or_else(missing)?.clone()), resource)
            }
        };
        let trigger = text("/trigger").or_else(|| config.pointer("/plugins/trigger").and_then(Json::as_str));
        let kept = source.get("persist").and_then(Json::as_bool).unwrap_or(false);
        Ok(Self {
            name: name.to_owned(),
            place,
            delays: delays(source)?,
            wait: wait(source)?,
            trust: trust(source, config)?,
            limit: source
                .get("size_limit_bytes")
                .and_then(Json::as_u64)
                .filter(|n| *n > 0)
                .unwrap_or(1 << 30),
            kept: kept.then(|| super::persistence(config).join("bundles").join(name).join("bundle.tar.gz")),
            periodic: trigger != Some("manual"),
        })
    }

    /// Fetches until the process ends.
    fn run(&self, server: &Server) {
        self.start_from_disk(server);
        if !self.periodic {
            return;
        }
        // Who is configured to wait asks the service to let him, until it says that it does not know how.
        let (mut failures, mut long) = (0_u32, self.wait.is_some());
        loop {
            let fetched = self.fetch(server, &mut long);
            server.changed_status();
            let delay = match fetched {
                Ok(()) => {
                    failures = 0;
                    if long { Duration::ZERO } else { self.delay() }
                }
                Err(()) => {
                    failures += 1;
                    FIRST_RETRY.saturating_mul(1 << failures.min(16)).min(self.delays.1)
                }
            };
            std::thread::sleep(delay);
        }
    }

    /// Somewhere between the two delays, so that servers do not all ask at once.
    fn delay(&self) -> Duration {
        let (least, most) = self.delays;
        let share = f64::from(u32::try_from(super::random() >> 40).unwrap_or(0)) / f64::from(1 << 24);
        least + most.saturating_sub(least).mul_f64(share.min(1.0))
    }

    fn start_from_disk(&self, server: &Server) {
        let Some(bytes) = self.kept.as_ref().and_then(|path| std::fs::read(path).ok()) else { return };
        if let Err((why, problems)) = self.activate(server, &bytes, "") {
            self.complain(server, &why, None, &problems);
        }
    }

    fn complain(&self, server: &Server, why: &str, http: Option<u16>, problems: &[Problem]) {
        if let Some(plugin) = &server.plugins.bundles {
            plugin.failed(&self.name, why, http, problems);
        }
        let fields = vec![
            ("name".to_owned(), Node::string(&self.name)),
            ("plugin".to_owned(), Node::string("bundle")),
        ];
        let text = format!("Bundle load failed: {why}");
        server.logger.log(super::log::Level::Error, &text, fields);
    }

    fn fetch(&self, server: &Server, long: &mut bool) -> Result<(), ()> {
        let Some(plugin) = &server.plugins.bundles else { return Ok(()) };
        let now = || jiff::Timestamp::now().to_string();
        plugin.update(&self.name, |state| state.status.asked = Some(now()));
        let answer = match self.download(plugin, *long) {
            Ok(answer) => answer,
            Err(why) => {
                plugin.update(&self.name, |state| state.etag.clear());
                self.complain(server, &why, None, &[]);
                return Err(());
            }
        };
        if answer.status == 200 {
            *long = self.wait.is_some() && answer.content_type == LONG_POLLS;
        }
        if answer.status == 304 {
            plugin.update(&self.name, |state| {
                state.status.answered = Some(now());
                state.status.error = None;
            });
            return Ok(());
        }
        if answer.status != 200 {
            plugin.update(&self.name, |state| state.etag.clear());
            let text =
                ureq::http::StatusCode::from_u16(answer.status).ok().and_then(|s| s.canonical_reason());
            let why = format!("server replied with {}", text.unwrap_or("an unknown status"));
            self.complain(server, &why, Some(answer.status), &[]);
            return Err(());
        }
        plugin.update(&self.name, |state| {
            state.status.answered = Some(now());
            state.status.downloaded = Some(now());
            state.status.size = answer.body.len();
        });
        match self.activate(server, &answer.body, &answer.etag) {
            Ok(()) => {
                self.keep(server, &answer.body);
                Ok(())
            }
            Err((why, problems)) => {
                plugin.update(&self.name, |state| state.etag.clear());
                self.complain(server, &why, None, &problems);
                Err(())
            }
        }
    }

    fn download(&self, plugin: &Bundles, long: bool) -> Result<Answer, String> {
        match &self.place {
            Place::File(path) => {
                let info =
                    std::fs::metadata(path).map_err(|e| files::io_problem("stat", path, &e).message)?;
                let body = match info.is_dir() {
                    true => Vec::new(),
                    false => std::fs::read(path).map_err(|e| files::io_problem("open", path, &e).message)?,
                };
                Ok(Answer { status: 200, body, ..Answer::default() })
            }
            Place::Layout(layout) => {
                let read = layout.read_if_changed(&self.etag(plugin), self.limit);
                Ok(match read.map_err(|error| error.to_string())? {
                    None => Answer { status: 304, ..Answer::default() },
                    Some(layer) => {
                        Answer { status: 200, etag: layer.digest, body: layer.bytes, ..Answer::default() }
                    }
                })
            }
            Place::Service(service, path) => {
                let etag = self.etag(plugin);
                let mut prefer = "modes=snapshot,delta".to_owned();
                if let Some(wait) = self.wait.filter(|_| long) {
                    prefer.push_str(&format!(";wait={wait}"));
                }
                let mut headers = vec![("Prefer", prefer.as_str())];
                if !etag.is_empty() {
                    headers.push(("If-None-Match", &etag));
                }
                match long {
                    true => service.wait_for(path, &headers, self.limit),
                    false => service.get(path, &headers, self.limit),
                }
            }
        }
    }

    /// The tag of what was activated last; empty where there is none.
    fn etag(&self, plugin: &Bundles) -> String {
        plugin.lock().get(&self.name).map(|state| state.etag.clone()).unwrap_or_default()
    }

    fn activate(&self, server: &Server, bytes: &[u8], etag: &str) -> Result<(), (String, Vec<Problem>)> {
        let parse = &server.store.language.parse;
        let opened = match &self.place {
            Place::File(path) if Path::new(path).is_dir() => Opened::folder(path, parse),
            _ => Opened::archive(bytes, &self.trust, parse),
        };
        let opened = opened.map_err(|problem| (problem.message, Vec::new()))?;
        if opened.is_delta() && self.kept.is_some() {
            let text =
                "'persist' property is true in config. persisting delta bundle to disk is not supported";
            return Err((text.to_owned(), Vec::new()));
        }
        server.store.change(|draft| opened.activate(&self.name, etag, draft)).map_err(|problems| {
            match problems.as_slice() {
                [one] if one.code.is_empty() => (one.message.clone(), Vec::new()),
                _ => ("error(s) occurred while compiling module(s)".to_owned(), problems),
            }
        })?;
        if let Some(plugin) = &server.plugins.bundles {
            plugin.update(&self.name, |state| {
                etag.clone_into(&mut state.etag);
                state.active = true;
                state.status.revision.clone_from(&opened.revision);
                state.status.kind = if opened.is_delta() { "delta" } else { "snapshot" };
                state.status.activated = Some(jiff::Timestamp::now().to_string());
                state.status.error = None;
            });
        }
        let fields = vec![
            ("name".to_owned(), Node::string(&self.name)),
            ("plugin".to_owned(), Node::string("bundle")),
        ];
        let text = match etag {
            "" => "Bundle loaded and activated successfully.".to_owned(),
            etag => format!("Bundle loaded and activated successfully. Etag updated to {etag}."),
        };
        server.logger.log(super::log::Level::Info, &text, fields);
        Ok(())
    }

    /// Writes the bundle beside its place and moves it there, so that half a bundle is never found.
    fn keep(&self, server: &Server, bytes: &[u8]) {
        let Some(path) = &self.kept else { return };
        let write = || {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let beside = path.with_extension("new");
            std::fs::write(&beside, bytes)?;
            std::fs::rename(&beside, path)
        };
        if let Err(error) = write() {
            let why = format!("Persisting bundle to disk failed: {error}");
            self.complain(server, &why, None, &[]);
        }
    }
}

impl Status {
    fn node(&self, name: &str) -> Node {
        const NEVER: &str = "0001-01-01T00:00:00Z";
        let time = |time: &Option<String>| Node::string(time.as_deref().unwrap_or(NEVER));
        let mut fields = vec![("name".to_owned(), Node::string(name))];
        if !self.revision.is_empty() {
            fields.push(("active_revision".to_owned(), Node::string(&self.revision)));
        }
        fields.push(("last_successful_activation".to_owned(), time(&self.activated)));
        if self.activated.is_some() {
            fields.push(("type".to_owned(), Node::string(self.kind)));
        }
        if self.size > 0 {
            fields.push(("size".to_owned(), Node::int(self.size as i64)));
        }
        fields.push(("last_successful_download".to_owned(), time(&self.downloaded)));
        fields.push(("last_successful_request".to_owned(), time(&self.answered)));
        fields.push(("last_request".to_owned(), time(&self.asked)));
        if let Some((why, http, problems)) = &self.error {
            fields.push(("code".to_owned(), Node::string("bundle_error")));
            fields.push(("message".to_owned(), Node::string(why)));
            if !problems.is_empty() {
                let all = problems.iter().map(Problem::to_node).collect();
                fields.push(("errors".to_owned(), Node::Array(all)));
            }
            fields.extend(http.map(|code| ("http_code".to_owned(), Node::int(i64::from(code)))));
        }
        Node::Object(fields)
    }
}

/// The least and the most time between fetches.
/// Seconds for which a service may hold its answer back.
fn wait(source: &Json) -> Result<Option<u64>, String> {
    match source.pointer("/polling/long_polling_timeout_seconds").and_then(Json::as_i64) {
        None => Ok(None),
        Some(seconds) => match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Ok(Some(seconds)),
            _ => Err("'long_polling_timeout_seconds' must be at least 1".to_owned()),
        },
    }
}

fn delays(source: &Json) -> Result<(Duration, Duration), String> {
    let seconds = |name: &str| source.pointer(&format!("/polling/{name}")).and_then(Json::as_u64);
    match (seconds("min_delay_seconds"), seconds("max_delay_seconds")) {
        (None, None) => Ok((Duration::from_secs(60), Duration::from_secs(120))),
        (Some(least), Some(most)) if least <= most => {
            Ok((Duration::from_secs(least), Duration::from_secs(most)))
        }
        (Some(_), Some(_)) => {
            Err("max polling delay must be >= min polling delay in configuration".to_owned())
        }
        (Some(_), None) => {
            Err("polling configuration missing 'max_delay_seconds' in configuration".to_owned())
        }
        (None, Some(_)) => {
            Err("polling configuration missing 'min_delay_seconds' in configuration".to_owned())
        }
    }
}

/// Whom a bundle must be signed by: the key that it names, or any where there are keys.
fn trust(source: &Json, config: &Json) -> Result<Trust, String> {
    let empty = Map::new();
    let keys = config.get("keys").and_then(Json::as_object).unwrap_or(&empty);
    let signing = source.get("signing");
    if signing.is_none() && keys.is_empty() {
        return Ok(Trust::unsigned());
    }
    let text = |from: &Json, name: &str| from.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let wanted = signing.map(|signing| text(signing, "keyid")).unwrap_or_default();
    let mut found = Vec::new();
    for (id, key) in keys.iter().filter(|(id, _)| wanted.is_empty() || **id == wanted) {
        let name = Some(text(key, "algorithm")).filter(|name| !name.is_empty()).unwrap_or("RS256".to_owned());
        let algorithm = Algorithm::from_name(&name);
        let algorithm = algorithm.ok_or_else(|| format!("unsupported algorithm '{name}'"))?;
        let key = VerifyingKey::from_text(&text(key, "key"), Some(algorithm));
        found.push(key.map_err(|error| error.to_string())?.with_id(id));
    }
    if found.is_empty() {
        return Err(format!("key id {wanted} not found"));
    }
    let scope = signing.map(|signing| text(signing, "scope")).unwrap_or_default();
    let excluded = signing.and_then(|signing| signing.get("exclude_files")).and_then(Json::as_array);
    let excluded = excluded.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
    Ok(Trust::any_of(found).scope(scope).excluding(excluded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_sources_are_refused() {
        let services = Services::new();
        let refused = |config: Json| Bundles::read(&config, &services).map(|_| ()).unwrap_err();
        assert_eq!(
            refused(json!({"bundles": {"a": {"service": "s"}}})),
            "invalid configuration for bundle \"a\": service name \"s\" not found"
        );
        assert_eq!(
            refused(
                json!({"bundles": {"a": {"resource": "file:///x", "polling": {"min_delay_seconds": 2, "max_delay_seconds": 1}}}})
            ),
            "invalid configuration for bundle \"a\": max polling delay must be >= min polling delay in configuration"
        );
        for seconds in [0, -1] {
            let polling = json!({"long_polling_timeout_seconds": seconds});
            assert_eq!(
                refused(json!({"bundles": {"a": {"resource": "file:///x", "polling": polling}}})),
                "invalid configuration for bundle \"a\": 'long_polling_timeout_seconds' must be at least 1"
            );
        }
    }
}
