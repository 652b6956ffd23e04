//! Connections: requests in, answers out, over HTTP/1.1 and HTTP/2.
//!
//! The surprising fact: a question is answered on the very thread that read it. Only what may wait or take long steps
//! aside (see [`Server::heavy`]), so an ordinary decision never changes threads.

use super::Server;
use super::authorize;
use super::call::{self, Call, Peer};
use super::log::Level;
use super::reply::Reply;
use super::route::{self, Doors};
use crate::output::Node;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use std::convert::Infallible;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// How long the head of a request may take, as OPA's.
const HEAD: Duration = Duration::from_secs(32);

/// A connection: who it is, and what it may ask.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) server: Arc<Server>,
    pub(crate) peer: Peer,
    pub(crate) doors: Doors,
    /// Becomes true when the server ends.
    pub(crate) ending: watch::Receiver<bool>,
}

impl Connection {
    /// Serves until the other end has nothing more to ask.
    pub(crate) async fn serve(self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, both: bool) {
        let ending = self.ending.clone();
        let service = service_fn(move |request| {
            let connection = self.clone();
            async move { Ok::<_, Infallible>(connection.respond(request).await) }
        });
        let io = TokioIo::new(io);
        if both {
            let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
            until_ended(builder.serve_connection(io, service), ending).await;
        } else {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD).pipeline_flush(true);
            until_ended(builder.serve_connection(io, service), ending).await;
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let Some((decoded, parameters)) = call::target(path, query) else {
            let kind = "text/plain; charset=utf-8";
            let reply = Reply { body: b"400 Bad Request".to_vec(), ..Reply::status(400) };
            let reply = reply.with("content-type", kind).with("connection", "close");
            return response(reply, false, None);
        };
        let limits = self.server.limits();
        let length = body.size_hint().exact();
        let mut call = Call {
            method: parts.method.as_str().to_owned(),
            path: decoded,
            escaped: path.to_owned(),
            query: query.to_owned(),
            parameters,
            headers: parts.headers,
            body: Bytes::new(),
            body_fault: None,
            authorized_body: None,
            gzip_limit: limits.gzip,
            peer: self.peer.clone(),
            id: self.server.number(),
            started,
        };
        let too_large = self.doors == Doors::All && length.is_some_and(|length| length > limits.body);
        if !too_large {
            let limit = usize::try_from(limits.body).unwrap_or(usize::MAX);
            match Limited::new(body, limit).collect().await {
                Ok(collected) => call.body = collected.to_bytes(),
                Err(_) => call.body_fault = Some("http: request body too large".to_owned()),
            }
        }
        self.received(&call);
        let reply = match too_large {
            true => Reply::invalid("request body too large"),
            false => self.answer(&mut call),
        };
        self.sent(&call, &reply);
        let data = self.doors == Doors::All && is_compressed(&call);
        let level = data
            .then(|| self.server.encoding())
            .filter(|encoding| takes_gzip(call.header("accept-encoding")) && reply.body.len() >= encoding.0);
        response(reply, data && !too_large, level.map(|(_, level)| level))
    }

    /// An answer whatever happens: a panic is a defect of ours, and an error of the server for the caller.
    fn answer(&self, call: &mut Call) -> Reply {
        let answered =
            std::panic::catch_unwind(AssertUnwindSafe(|| match authorize::check(&self.server, call) {
                Ok(()) => route::answer(&self.server, call, self.doors),
                Err(reply) => reply,
            }));
        answered.unwrap_or_else(|_| Reply::error(500, "internal_error", "this is a defect of govc"))
    }

    fn received(&self, call: &Call) {
        let logger = &self.server.logger;
        if !logger.logs(Level::Info) {
            return;
        }
        let mut fields = self.about(call);
        if logger.logs(Level::Debug) {
            let body = call.plain_body().unwrap_or_default();
            fields.push(("req_body".to_owned(), Node::string(&String::from_utf8_lossy(&body))));
            fields.push(("req_params".to_owned(), authorize::parameters(call)));
        }
        logger.log(Level::Info, "Received request.", fields);
    }

    fn sent(&self, call: &Call, reply: &Reply) {
        let logger = &self.server.logger;
        if !logger.logs(Level::Info) {
            return;
        }
        let mut fields = self.about(call);
        let took = call.started.elapsed().as_nanos() as f64 / 1e6;
        fields.push(("resp_status".to_owned(), Node::int(i64::from(reply.status))));
        fields.push(("resp_bytes".to_owned(), Node::int(reply.body.len() as i64)));
        fields.push(("resp_duration".to_owned(), Node::of(&took)));
        if logger.logs(Level::Debug) {
            fields.push(("resp_body".to_owned(), Node::string(&String::from_utf8_lossy(&reply.body))));
        }
        logger.log(Level::Info, "Sent response.", fields);
    }

    fn about(&self, call: &Call) -> super::log::Fields {
        vec![
            ("client_addr".to_owned(), Node::string(&call.peer.address)),
            ("req_id".to_owned(), Node::int(call.id as i64)),
            ("req_method".to_owned(), Node::string(&call.method)),
            ("req_path".to_owned(), Node::string(&call.escaped)),
        ]
    }
}

/// Serves a connection; when the server ends, what has been asked is still answered.
async fn until_ended(connection: impl GracefulConnection, mut ending: watch::Receiver<bool>) {
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ended(&mut ending) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone has ended too.
    let _ = ending.wait_for(|ended| *ended).await;
}

/// Endpoints whose answers are compressed for those who take it.
fn is_compressed(call: &Call) -> bool {
    let asks = matches!(call.method.as_str(), "GET" | "POST");
    let data = call.path.starts_with("/v1/data") || call.path.starts_with("/v0/data");
    (asks && data) || (call.method == "POST" && call.path.starts_with("/v1/compile"))
}

fn takes_gzip(header: &str) -> bool {
    header.split(',').map(str::trim).any(|part| part == "gzip" || part.starts_with("gzip;"))
}

fn response(reply: Reply, vary: bool, level: Option<u32>) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        builder = builder.header(name, value);
    }
    if vary {
        builder = builder.header("vary", "Accept-Encoding");
    }
    let mut body = reply.body;
    if let Some(small) = level.and_then(|level| gzip(&body, level).ok()) {
        body = small;
        builder = builder.header("content-encoding", "gzip");
    }
    builder.body(Full::new(Bytes::from(body))).unwrap_or_else(|_| Response::new(Full::default()))
}

/// Compresses.
///
/// # Errors
/// None that writing to memory has.
pub(crate) fn gzip(bytes: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes)?;
    encoder.finish()
}
