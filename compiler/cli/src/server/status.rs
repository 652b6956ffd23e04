//! The plugin `status`: tells the console and a service how bundles and plugins are.

use super::Server;
use super::log::Level;
use super::services::{Service, Services};
use crate::output::{self, Node};
use serde_json::Value as Json;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// The plugin.
#[derive(Debug)]
pub(crate) struct Status {
    console: bool,
    service: Option<(Service, String)>,
    periodic: bool,
    wake: Sender<()>,
    woken: Mutex<Option<Receiver<()>>>,
}

/// The service that a section names, or the first where it names none and nothing else is told.
///
/// # Errors
/// There is no such service.
pub(crate) fn service(
    section: &Json,
    services: &Services,
    otherwise: bool,
    name: &str,
) -> Result<Option<Service>, String> {
    match section.get("service").and_then(Json::as_str).unwrap_or_default() {
        "" if otherwise => Ok(None),
        "" => Ok(services.values().next().cloned()),
        wanted => match services.get(wanted) {
            Some(service) => Ok(Some(service.clone())),
            None => Err(format!("invalid service name {} in {name}", output::quote(wanted))),
        },
    }
}

impl Status {
    /// Reads the section of the configuration.
    ///
    /// # Errors
    /// OPA's complaint.
    pub(crate) fn read(config: &Json, services: &Services) -> Result<Option<Self>, String> {
        let Some(section) = config.get("status").filter(|section| section.is_object()) else {
            return Ok(None);
        };
        let flag = |name: &str| section.get(name).and_then(Json::as_bool).unwrap_or(false);
        if let Some(plugin) = section.get("plugin").and_then(Json::as_str) {
            return Err(format!("invalid plugin name {} in status", output::quote(plugin)));
        }
        let told = flag("console") || flag("prometheus");
        let service = service(section, services, told, "status")?;
        if service.is_none() && !told {
            return Ok(None);
        }
        let partition = section.get("partition_name").and_then(Json::as_str);
        let place = partition.map_or_else(|| "/status".to_owned(), |name| format!("/status/{name}"));
        let (wake, woken) = channel();
        Ok(Some(Self {
            console: flag("console"),
            service: service.map(|service| (service, place)),
            periodic: section.get("trigger").and_then(Json::as_str) != Some("manual"),
            wake,
            woken: Mutex::new(Some(woken)),
        }))
    }

    /// Something has changed.
    pub(crate) fn wake(&self) {
        // A thread that is gone tells nobody.
        let _ = self.wake.send(());
    }

    /// Starts the thread that tells.
    pub(crate) fn start(server: &Arc<Server>) {
        let Some(status) = &server.plugins.status else { return };
        let woken = status.woken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(woken), true) = (woken, status.periodic) else { return };
        let server = Arc::clone(server);
        let run = move || {
            while woken.recv().is_ok() {
                // Several changes at once are told at once.
                while woken.try_recv().is_ok() {}
                if let Some(status) = &server.plugins.status {
                    status.tell(&server);
                }
            }
        };
        // Without a thread nothing is told; the page still shows it.
        let _ = std::thread::Builder::new().name("status".to_owned()).spawn(run);
    }

    fn tell(&self, server: &Server) {
        let fields = shown(server);
        if self.console {
            let mut fields = fields.clone();
            fields.push(("type".to_owned(), Node::string("openpolicyagent.org/status")));
            server.logger.always(Level::Info, "Status Log", fields);
        }
        let Some((service, place)) = &self.service else { return };
        let body = Node::Object(fields).compact();
        let sent = service.post(place, &[("Content-Type", "application/json")], body.as_bytes());
        let why = match sent {
            Ok(answer) if (200..300).contains(&answer.status) => return,
            Ok(answer) => format!("status update failed, server replied with HTTP {}", answer.status),
            Err(why) => why,
        };
        server.logger.log(
            Level::Error,
            &format!("{why}."),
            vec![("plugin".to_owned(), Node::string("status"))],
        );
    }
}

/// The status as OPA tells it.
pub(crate) fn shown(server: &Server) -> super::log::Fields {
    let mut fields = vec![("labels".to_owned(), Node::of(&server.settings().labels))];
    fields.extend(server.plugins.bundles.as_ref().map(|bundles| ("bundles".to_owned(), bundles.status())));
    let state = |state: &str| Node::Object(vec![("state".to_owned(), Node::string(state))]);
    let plugins = server.plugin_states().into_iter().map(|(name, at)| (name.to_owned(), state(at)));
    fields.push(("plugins".to_owned(), Node::Object(plugins.collect())));
    let none = Node::Object(vec![("prometheus".to_owned(), Node::Object(Vec::new()))]);
    fields.push(("metrics".to_owned(), none));
    fields
}
