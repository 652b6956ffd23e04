//! The network, for worlds that switch it on: requests over HTTP, and names looked up.
//!
//! | room | what |
//! | --- | --- |
//! | `request` | what a request says |
//! | `route`, `socket`, `tls` | where it goes, whom it trusts |
//! | `exchange` | how it is sent |
//! | `response` | what policies see of the answer |
//! | `query`, `cache` | answers that are kept within and between queries |

mod cache;
mod exchange;
mod query;
mod request;
mod response;
mod route;
#[cfg(unix)]
mod socket;
mod tls;

use crate::operand::arg;
use crate::{Answer, BuiltinError};
use cache::{Cache, Kept, Wish};
use exchange::Exchange;
use govc_value::{Heap, Object, Value};
use request::{flag, text};
use response::{Reading, Received};
use route::Allowed;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ureq::http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use ureq::http::{HeaderName, HeaderValue};

pub use cache::key as request_key;
pub use query::Told;

/// Why there is no response.
enum Fault {
    /// The request is not one that can be sent.
    Request(String),
    /// It was sent, and failed.
    Network(String),
    /// There was no answer in time: method and address.
    Late(String, String),
}

type Done<T> = Result<T, Fault>;

fn refuse<T>(text: impl Into<String>) -> Done<T> {
    Err(Fault::Request(text.into()))
}

/// The network, with the answers that requests want kept between queries. Threads share one.
#[derive(Debug, Default)]
pub struct Network {
    allowed: Allowed,
    cache: Mutex<Cache>,
}

impl Network {
    /// All that this machine reaches.
    pub fn new() -> Self {
        Self::default()
    }

    /// These hosts only, without their ports: `allow_net` of OPA's capabilities.
    #[must_use]
    pub fn only(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.allowed = Some(Arc::new(hosts.into_iter().collect()));
        self
    }

    /// Keeps at most this many bytes of answers between queries; 0 is no limit, as in OPA
    /// (`caching.inter_query_builtin_cache.max_size_bytes`).
    #[must_use]
    pub fn keeping(self, bytes: usize) -> Self {
        self.cache().limit = bytes;
        self
    }

    /// Performs `http.send(request)`.
    ///
    /// # Errors
    /// What OPA says where there is no response, unless the request wants such faults as values.
    pub fn send<'q>(&self, heap: Heap<'q>, args: &[Value<'q>]) -> Answer<'q> {
        let Some(request) = arg(args, 0).as_object() else {
            return Err(BuiltinError::Failed("request must be an object".to_owned()));
        };
        let raises = match crate::http::raises(request) {
            Ok(raises) => raises,
            Err(why) => return told(heap, Fault::Request(why), true),
        };
        self.answer(heap, request).or_else(|fault| told(heap, fault, raises))
    }

    fn answer<'q>(&self, heap: Heap<'q>, request: Object<'q>) -> Done<Value<'q>> {
        let method = text(request, "method")?.to_uppercase();
        let url = text(request, "url")?;
        let route = route::find(request, &method, url, &self.allowed)?;
        let wish = cache::wish(request)?;
        let exchange = Exchange { request, method: &method, url, route };
        let received = match wish {
            Wish::Never => exchange.run(&self.allowed, &[])?,
            _ => self.kept(&exchange, request_key(heap, request).map_err(Fault::Request)?, wish)?,
        };
        let reading = Reading {
            force_json: flag(request, "force_json_decode", false)?,
            force_yaml: flag(request, "force_yaml_decode", false)?,
        };
        Ok(received.shown(heap, reading))
    }

    /// A kept answer while it is fresh; one that is not is asked after, or replaced.
    fn kept(&self, exchange: &Exchange<'_>, key: String, wish: Wish) -> Done<Received> {
        let known = self.cache().get(&key);
        let conditions = match &known {
            Some(kept) if kept.is_fresh() => return Ok(kept.response.clone()),
            Some(kept) => conditions(&kept.response),
            None => Vec::new(),
        };
        let received = exchange.run(&self.allowed, &conditions)?;
        let kept = match known {
            Some(old) if received.status == NOT_MODIFIED => old.confirmed(&received.headers, wish),
            _ => Kept::new(received.clone(), wish),
        };
        match kept {
            Some(kept) => {
                let response = kept.response.clone();
                self.cache().insert(key, kept);
                Ok(response)
            }
            None => {
                self.cache().remove(&key);
                Ok(received)
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Entries are put in and taken out whole, so a panic elsewhere leaves none half done.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs `net.lookup_ip_addr(name)`.
    ///
    /// # Errors
    /// What is told where the name has no address, or must not be asked for.
    pub fn look_up<'q>(&self, heap: Heap<'q>, args: &[Value<'q>]) -> Answer<'q> {
        let name = arg(args, 0).as_str().unwrap_or_default();
        if self.allowed.as_ref().is_some_and(|hosts| !hosts.contains(name)) {
            return Err(BuiltinError::Failed(format!("disallowed host: {name}")));
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(heap.set(&mut vec![heap.string(&address.to_string())]));
        }
        let found = (name, 0).to_socket_addrs();
        let found = found.map_err(|_| BuiltinError::Failed(format!("lookup {name}: no such host")))?;
        Ok(heap.set(&mut found.map(|address| heap.string(&address.ip().to_string())).collect()))
    }
}

const NOT_MODIFIED: u16 = 304;

/// Asks only for what has changed since.
fn conditions(response: &Received) -> Vec<(HeaderName, HeaderValue)> {
    let pairs = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
    let ask = |(said, asked): (HeaderName, HeaderName)| Some((asked, response.headers.get(said)?.clone()));
    pairs.into_iter().filter_map(ask).collect()
}

/// A fault as an error, or as the value that stands for it.
fn told<'q>(heap: Heap<'q>, fault: Fault, raises: bool) -> Answer<'q> {
    match fault {
        Fault::Request(text) | Fault::Network(text) if raises => Err(BuiltinError::Failed(text)),
        Fault::Late(method, url) if raises => {
            Err(BuiltinError::Failed(format!("{method} {url}: request timed out")))
        }
        Fault::Late(method, url) => {
            let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
            let text = format!("{method} {}: {late}", crate::go::quote(&url));
            Ok(crate::http::failure(heap, "eval_http_send_network_error", &text))
        }
        Fault::Request(text) => Ok(crate::http::failure(heap, "eval_http_send_internal_error", &text)),
        Fault::Network(text) => Ok(crate::http::failure(heap, "eval_http_send_network_error", &text)),
    }
}
