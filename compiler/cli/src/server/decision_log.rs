//! The plugin `decision_logs`: tells the console and a service of every decision, after masks.
//!
//! The surprising fact: a decision whose mask cannot be evaluated is not logged at all. What should have been hidden must
//! not show because something went wrong. With `persist: true` (ours) events wait on the disk, in `decision_logs` under
//! the `persistence_directory`, until the service has them.

mod disk;
mod queue;

use super::Server;
use super::call::Call;
use super::decisions::Decision;
use super::http::gzip;
use super::log::{Fields, Level};
use super::mask;
use super::services::{Service, Services};
use super::store::State;
use crate::output::Node;
use disk::OnDisk;
use queue::{InMemory, Queue, Room};
use serde_json::{Map, Value as Json};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of a compressed upload.
const UPLOAD: usize = 32_768;
/// Uncompressed bytes are at most this many times the compressed ones in a first try.
const RATIO: usize = 8;
const FIRST_RETRY: Duration = Duration::from_millis(100);

/// The plugin.
#[derive(Debug)]
pub(crate) struct DecisionLog {
    console: bool,
    service: Option<(Service, String)>,
    pub(crate) mask: String,
    pub(crate) drop: String,
    headers: Vec<String>,
    delays: (Duration, Duration),
    periodic: bool,
    immediate: bool,
    upload: usize,
    rate: Option<f64>,
    /// Answers of the outside world are told too.
    pub(crate) recorded: bool,
    waiting: Mutex<Waiting>,
    /// Who uploads: the server does not end while somebody does.
    uploading: Mutex<()>,
    wake: Condvar,
}

/// Events that wait for their upload.
#[derive(Debug)]
struct Waiting {
    queue: Box<dyn Queue>,
    /// Decisions that may still come in this second, and since when.
    allowance: Option<(f64, Instant)>,
    ending: bool,
}

impl DecisionLog {
    /// Reads the section of the configuration.
    ///
    /// # Errors
    /// OPA's complaint.
    pub(crate) fn read(config: &Json, services: &Services) -> Result<Option<Self>, String> {
        let Some(section) = config.get("decision_logs").filter(|section| section.is_object()) else {
            return Ok(None);
        };
        let text = |path: &str| section.pointer(path).and_then(Json::as_str);
        let number = |name: &str| section.pointer(&format!("/reporting/{name}")).and_then(Json::as_u64);
        let console = section.get("console").and_then(Json::as_bool).unwrap_or(false);
        if let Some(plugin) = text("/plugin") {
            return Err(format!("invalid plugin name {} in decision_logs", crate::output::quote(plugin)));
        }
        let service = super::status::service(section, services, console, "decision_logs")?;
        if service.is_none() && !console {
            return Ok(None);
        }
        let event = match text("/reporting/buffer_type").unwrap_or("size") {
            "size" => false,
            "event" => true,
            other => {
                return Err(format!(
                    "invalid buffer type {}, expected \"event\" or \"size\"",
                    crate::output::quote(other)
                ));
            }
        };
        let resource = match (text("/resource"), text("/partition_name")) {
            (Some(resource), _) => resource.to_owned(),
            (None, Some(partition)) => format!("/logs/{partition}"),
            (None, None) => "/logs".to_owned(),
        };
        let limit = |name: &str, usual: u64| usize::try_from(number(name).unwrap_or(usual)).unwrap_or(0);
        let room = Room {
            bytes: limit("buffer_size_limit_bytes", 0),
            events: if event { limit("buffer_size_limit_events", 10_000) } else { 0 },
        };
        let queue: Box<dyn Queue> = match section.get("persist").and_then(Json::as_bool).unwrap_or(false) {
            true => Box::new(OnDisk::open(&super::persistence(config).join("decision_logs"), room)?),
            false => Box::new(InMemory::new(room)),
        };
        let trigger = text("/reporting/trigger").unwrap_or("periodic");
        let headers = section.pointer("/request_context/http/headers").and_then(Json::as_array);
        Ok(Some(Self {
            console,
            service: service.map(|service| (service, resource)),
            mask: text("/mask_decision").unwrap_or("/system/log/mask").to_owned(),
            drop: text("/drop_decision").unwrap_or("/system/log/drop").to_owned(),
            headers: headers.into_iter().flatten().filter_map(|h| h.as_str().map(str::to_owned)).collect(),
            delays: delays(number("min_delay_seconds"), number("max_delay_seconds"))?,
            periodic: trigger != "manual",
            immediate: trigger == "immediate",
            upload: usize::try_from(number("upload_size_limit_bytes").unwrap_or(UPLOAD as u64))
                .unwrap_or(UPLOAD)
                .max(90),
            rate: section.pointer("/reporting/max_decisions_per_second").and_then(Json::as_f64),
            recorded: config.get("nd_builtin_cache").and_then(Json::as_bool).unwrap_or(false),
            waiting: Mutex::new(Waiting { queue, allowance: None, ending: false }),
            uploading: Mutex::default(),
            wake: Condvar::new(),
        }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a decision.
    ///
    /// # Errors
    /// When it should wait on the disk and cannot.
    pub(crate) fn tell(
        &self,
        server: &Server,
        state: &State,
        call: &Call,
        decision: &Decision,
    ) -> Result<(), String> {
        let mut event = event(server, state, call, decision, &self.headers);
        match server.ask_log(call, state, &self.drop, &event) {
            Ok(Some(Json::Bool(true))) => return Ok(()),
            Ok(_) => {}
            Err(why) => {
                let text = format!("Log drop decision failed: {why}.");
                server.logger.log(Level::Error, &text, Vec::new());
                return Ok(());
            }
        }
        if let Some(error) = &decision.error {
            event.insert("error".to_owned(), parsed(error));
        }
        event.insert("metrics".to_owned(), parsed(&decision.metrics));
        let masks = server.ask_log(call, state, &self.mask, &event);
        let masks = masks.and_then(|answer| answer.map_or(Ok(Vec::new()), |answer| mask::read(&answer)));
        match masks {
            Ok(masks) => masks.iter().for_each(|mask| mask.apply(&mut event)),
            Err(why) => {
                let text = format!("Log event masking failed: {why}.");
                server.logger.log(Level::Error, &text, Vec::new());
                return Ok(());
            }
        }
        if self.console {
            self.show(server, &event, decision);
        }
        match self.service {
            Some(_) => self.push(server, &Json::Object(event).to_string()),
            None => Ok(()),
        }
    }

    fn show(&self, server: &Server, event: &Map<String, Json>, decision: &Decision) {
        let mut fields: Fields = event.iter().map(|(name, value)| (name.clone(), Node::of(value))).collect();
        if let Some(line) = &decision.error_line {
            fields.retain(|(name, _)| name != "error");
            fields.push(("error".to_owned(), Node::string(line)));
        }
        fields.push(("type".to_owned(), Node::string("openpolicyagent.org/decision_logs")));
        server.logger.always(Level::Info, "Decision Log", fields);
    }

    fn push(&self, server: &Server, event: &str) -> Result<(), String> {
        let mut waiting = self.lock();
        if let Some(rate) = self.rate
            && !waiting.allows(rate)
        {
            drop(waiting);
            let text = "Decision log dropped as rate limit exceeded. Reduce reporting interval or increase rate limit.";
            server.logger.log(Level::Error, text, Vec::new());
            return Ok(());
        }
        waiting.queue.push(event)?;
        let full = waiting.queue.load().bytes > self.upload * RATIO;
        drop(waiting);
        if self.immediate && full {
            self.wake.notify_all();
        }
        Ok(())
    }

    /// Starts the thread that uploads.
    pub(crate) fn start(server: &Arc<Server>) {
        let Some(log) = &server.plugins.decisions else { return };
        if log.service.is_none() || !log.periodic {
            return;
        }
        let server = Arc::clone(server);
        let run = move || {
            if let Some(log) = &server.plugins.decisions {
                log.run(&server);
            }
        };
        // Without a thread nothing is uploaded; what waits is bounded.
        let _ = std::thread::Builder::new().name("decision-log".to_owned()).spawn(run);
    }

    fn run(&self, server: &Server) {
        let mut failures = 0_u32;
        loop {
            let delay = match failures {
                0 => self.delays.0 + self.delays.1.saturating_sub(self.delays.0) / 2,
                failures => FIRST_RETRY.saturating_mul(1 << failures.min(16)).min(self.delays.1),
            };
            let ending = self.pause(delay);
            match self.flush() {
                Ok(0) => {}
                Ok(_) => {
                    failures = 0;
                    server.logger.log(Level::Debug, "Logs uploaded successfully.", Vec::new());
                }
                Err(why) => {
                    failures += 1;
                    server.logger.log(Level::Error, &format!("Log upload failed: {why}."), Vec::new());
                }
            }
            if ending {
                return;
            }
        }
    }

    /// Waits until it is time to upload; whether the server ended before. What waits is free again afterwards.
    fn pause(&self, delay: Duration) -> bool {
        let waiting = self.lock();
        let ending = waiting.ending;
        if !ending {
            drop(self.wake.wait_timeout(waiting, delay));
        }
        ending
    }

    /// Uploads all that waits; how many events these were.
    ///
    /// # Errors
    /// The service did not take some; they still wait.
    pub(crate) fn flush(&self) -> Result<usize, String> {
        let Some((service, resource)) = &self.service else { return Ok(0) };
        let _alone = self.uploading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        loop {
            let events = self.lock().queue.front(self.upload * RATIO)?;
            let (taken, body) = self.batch(&events);
            let Some((last, _)) = taken.checked_sub(1).and_then(|place| events.get(place)) else {
                return Ok(count);
            };
            post(service, resource, &body)?;
            self.lock().queue.remove(*last)?;
            count += taken;
        }
    }

    /// How many of the events fit an upload (at least one, where there is one), and the upload.
    fn batch(&self, events: &[(u64, Arc<str>)]) -> (usize, Vec<u8>) {
        let mut count = events.len();
        loop {
            let all: Vec<&str> = events.iter().take(count).map(|(_, event)| &**event).collect();
            let body = gzip(format!("[{}]", all.join(",")).as_bytes(), 6).unwrap_or_default();
            if body.len() <= self.upload || count <= 1 {
                return (count, body);
            }
            count /= 2;
        }
    }

    /// Uploads what waits when the server ends.
    pub(crate) fn end(&self, server: &Server) {
        self.lock().ending = true;
        self.wake.notify_all();
        if let Err(why) = self.flush() {
            server.logger.log(Level::Error, &format!("Log upload failed: {why}."), Vec::new());
        }
    }
}

fn post(service: &Service, resource: &str, body: &[u8]) -> Result<(), String> {
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    let status = service.post(resource, &headers, body)?.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let text = ureq::http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason());
    Err(format!("log upload failed, server replied with HTTP {status} {}", text.unwrap_or_default()))
}

impl Waiting {
    /// A bucket of one second's decisions that fills again as time goes by.
    fn allows(&mut self, rate: f64) -> bool {
        let now = Instant::now();
        let (left, since) = self.allowance.unwrap_or((rate.max(1.0), now));
        let left = (left + now.duration_since(since).as_secs_f64() * rate).min(rate.max(1.0));
        let allowed = left >= 1.0;
        self.allowance = Some((if allowed { left - 1.0 } else { left }, now));
        allowed
    }
}

fn delays(least: Option<u64>, most: Option<u64>) -> Result<(Duration, Duration), String> {
    let reporting = |what: &str| format!("reporting configuration missing '{what}' in decision_logs");
    match (least, most) {
        (None, None) => Ok((Duration::from_secs(300), Duration::from_secs(600))),
        (Some(least), Some(most)) if least <= most => {
            Ok((Duration::from_secs(least), Duration::from_secs(most)))
        }
        (Some(_), Some(_)) => {
            Err("max reporting delay must be >= min reporting delay in decision_logs".to_owned())
        }
        (Some(_), None) => Err(reporting("max_delay_seconds")),
        (None, Some(_)) => Err(reporting("min_delay_seconds")),
    }
}

/// JSON with numbers as they were written, where they fit; else as text.
fn parsed(json: &str) -> Json {
    serde_json::from_str(json).unwrap_or_else(|_| Json::String(json.to_owned()))
}

/// The event without measurements and error.
fn event(
    server: &Server,
    state: &State,
    call: &Call,
    decision: &Decision,
    headers: &[String],
) -> Map<String, Json> {
    let mut event = Map::new();
    let text = |text: &str| Json::String(text.to_owned());
    event.insert("labels".to_owned(), Json::Object(server.settings().labels.clone()));
    event.insert("decision_id".to_owned(), text(&decision.id));
    let revisions = super::bundles::revisions(&state.data);
    if !revisions.is_empty() {
        let bundle = |(name, revision): (&String, &String)| {
            let about = match revision.as_str() {
                "" => Map::new(),
                revision => Map::from_iter([("revision".to_owned(), text(revision))]),
            };
            (name.clone(), Json::Object(about))
        };
        event.insert("bundles".to_owned(), Json::Object(revisions.iter().map(bundle).collect()));
    }
    for (name, value) in [("path", &decision.path), ("query", &decision.query)] {
        if !value.is_empty() {
            event.insert(name.to_owned(), text(value));
        }
    }
    let documents =
        [("input", &decision.input), ("result", &decision.result), ("nd_builtin_cache", &decision.recorded)];
    for (name, value) in documents {
        if let Some(json) = value {
            event.insert(name.to_owned(), parsed(json));
        }
    }
    event.insert("requested_by".to_owned(), text(&call.peer.address));
    event.insert("timestamp".to_owned(), text(&jiff::Timestamp::now().to_string()));
    event.insert("req_id".to_owned(), Json::from(call.id));
    if let Some(metadata) = &decision.metadata {
        let about = Map::from_iter([("request_metadata".to_owned(), parsed(metadata))]);
        event.insert("custom".to_owned(), Json::Object(about));
    }
    let mut shown = Map::new();
    for name in headers {
        let values = call.headers.get_all(name.as_str()).iter();
        let values: Vec<Json> = values.map(|v| text(&String::from_utf8_lossy(v.as_bytes()))).collect();
        if !values.is_empty() {
            shown.insert(name.clone(), Json::Array(values));
        }
    }
    if !shown.is_empty() {
        event.insert("request_context".to_owned(), serde_json::json!({"http": {"headers": shown}}));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn log(section: Json) -> DecisionLog {
        let config = json!({"decision_logs": section});
        DecisionLog::read(&config, &Services::new()).expect("a section").expect("a plugin")
    }

    #[test]
    fn wrong_sections_are_refused() {
        let read = |section: Json| {
            DecisionLog::read(&json!({"decision_logs": section}), &Services::new()).map(|_| ()).unwrap_err()
        };
        assert_eq!(read(json!({"service": "x"})), "invalid service name \"x\" in decision_logs");
        assert_eq!(
            read(json!({"console": true, "reporting": {"min_delay_seconds": 1}})),
            "reporting configuration missing 'max_delay_seconds' in decision_logs"
        );
    }

    #[test]
    fn batches_keep_to_the_limit() {
        let log = log(json!({"console": true, "reporting": {"upload_size_limit_bytes": 200}}));
        let event = |i: usize| -> Arc<str> {
            format!("{{\"id\":\"{:x}\"}}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into()
        };
        let mut events: Vec<(u64, Arc<str>)> = (1..100).map(|i| (i as u64, event(i))).collect();
        while !events.is_empty() {
            let (count, body) = log.batch(&events);
            assert!(body.len() <= 200 && count > 1, "{} bytes, {count} events", body.len());
            events.drain(..count);
        }
    }
}
