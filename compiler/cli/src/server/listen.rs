//! Where the server listens, and how it ends.

use super::Server;
use super::call::Peer;
use super::http::Connection;
use super::log::Level;
use super::route::Doors;
use super::tls::{self, Tls};
use crate::commands::run::{Authentication, Authorization, Run};
use crate::exit::Exit;
use crate::output::Node;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Bytes of stack of the threads that answer; only what is touched is ever backed by memory.
pub(crate) const STACK: usize = 256 << 20;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(32);

/// Listens until a signal ends it.
///
/// # Errors
/// The system has no threads, or an address cannot be had.
pub(crate) fn run(server: &Arc<Server>, args: &Run) -> Result<Exit, String> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).max(2);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(serve(server, args))
}

/// The addresses, by what they answer.
fn addresses(args: &Run) -> (Vec<String>, Vec<String>) {
    let usual = if args.language.v0_compatible { ":8181" } else { "localhost:8181" };
    let main = match args.listening.addr.is_empty() {
        true => vec![usual.to_owned()],
        false => args.listening.addr.clone(),
    };
    (main, args.listening.diagnostic_addr.clone())
}

async fn serve(server: &Arc<Server>, args: &Run) -> Result<Exit, String> {
    let (main, diagnostic) = addresses(args);
    let fields =
        vec![("addrs".to_owned(), Node::of(&main)), ("diagnostic-addrs".to_owned(), Node::of(&diagnostic))];
    server.logger.log(Level::Info, "Initializing server.", fields);
    warn(server, args);
    let tls = match Tls::load(args) {
        Ok(tls) => tls.map(Arc::new),
        Err(why) => return Err(why),
    };
    if let Some(tls) = &tls {
        tokio::spawn(Arc::clone(tls).watch(Arc::clone(server), args.security.tls_cert_refresh_period));
    }
    wait_for_plugins(server, args.settings.ready_timeout).await?;
    let (end, ending) = watch::channel(false);
    // Every connection holds a sender; when all are gone, all connections have ended.
    let (open, mut closed) = mpsc::channel::<()>(1);
    for (addresses, doors) in [(main, Doors::All), (diagnostic, Doors::Diagnostic)] {
        for address in addresses {
            let listener = Listener::bind(&address, args, tls.as_ref()).await;
            let listener = match listener {
                Ok(listener) => listener,
                Err(error) => {
                    server.complain("Unable to create listeners.", &error);
                    return Ok(Exit::Failure);
                }
            };
            let connection = Connection {
                server: Arc::clone(server),
                peer: Peer::default(),
                doors,
                ending: ending.clone(),
            };
            tokio::spawn(listener.accept(connection, args.listening.h2c, open.clone()));
        }
    }
    drop(open);
    server.logger.log(Level::Debug, "Server initialized.", Vec::new());
    wait_for_signal().await?;
    let wait = u64::try_from(args.listening.shutdown_wait_period).unwrap_or(0);
    if wait > 0 {
        let text = format!("Waiting {wait}s before initiating shutdown...");
        server.logger.log(Level::Info, &text, Vec::new());
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    server.logger.log(Level::Info, "Shutting down...", Vec::new());
    // Listeners and connections look at it; those that are gone need not be told.
    let _ = end.send(true);
    let grace = Duration::from_secs(u64::try_from(args.listening.shutdown_grace_period).unwrap_or(0));
    let ended = tokio::time::timeout(grace, closed.recv()).await;
    if let Some(log) = &server.plugins.decisions {
        server.heavy(|| log.end(server));
    }
    match ended {
        Ok(_) => {
            server.logger.log(Level::Info, "Server shutdown.", Vec::new());
            Ok(Exit::Success)
        }
        Err(_) => {
            server.complain("Failed to shutdown server gracefully.", "context deadline exceeded");
            Ok(Exit::Failure)
        }
    }
}

/// What OPA warns of when it starts.
fn warn(server: &Server, args: &Run) {
    use std::os::unix::fs::MetadataExt;
    let open = args.security.authorization == Authorization::Off;
    if open && args.security.authentication == Authentication::Token {
        let text = "Token authentication enabled without authorization. Authentication will be ineffective.";
        server.logger.log(Level::Error, text, Vec::new());
    }
    if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0 || me.gid() == 0) {
        let text = "govc running with uid or gid 0. Running with root privileges is not recommended.";
        server.logger.log(Level::Warning, text, Vec::new());
    }
}

/// Waits until all plugins are ready.
///
/// # Errors
/// They are not in time.
async fn wait_for_plugins(server: &Server, seconds: i64) -> Result<(), String> {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let started = std::time::Instant::now();
    while seconds > 0 && !server.plugins_were_ready() {
        if started.elapsed() >= Duration::from_secs(seconds) {
            server.complain("Failed to wait for plugins activation.", "timeout while waiting for condition");
            return Err("timeout while waiting for condition".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn wait_for_signal() -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Where an address means to listen, as in Go: all addresses of the machine where it names none, and the older form of
/// `localhost` before the newer.
fn places(address: &str) -> Vec<String> {
    match address.rsplit_once(':') {
        Some(("", port)) => vec![format!("[::]:{port}"), format!("0.0.0.0:{port}")],
        Some(("localhost", port)) => vec![format!("127.0.0.1:{port}"), address.to_owned()],
        Some(_) => vec![address.to_owned()],
        None => vec![format!("{address}:80")],
    }
}

/// A place where connections arrive.
enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, Arc<Tls>),
    Unix(UnixListener),
}

impl Listener {
    async fn bind(address: &str, args: &Run, tls: Option<&Arc<Tls>>) -> Result<Self, String> {
        let usual = if tls.is_some() { "https" } else { "http" };
        let (scheme, rest) = address.split_once("://").unwrap_or((usual, address));
        let listen = async || {
            let mut failed = String::new();
            for place in places(rest) {
                match TcpListener::bind(&place).await {
                    Ok(listener) => return Ok(listener),
                    Err(error) => failed = format!("listen tcp {rest}: {error}"),
                }
            }
            Err(failed)
        };
        match (scheme, tls) {
            ("http", _) => listen().await.map(Self::Tcp),
            ("https", Some(tls)) => Ok(Self::Tls(listen().await?, Arc::clone(tls))),
            ("https", None) => Err("TLS certificate required but not supplied".to_owned()),
            ("unix", _) => Self::unix(rest, args),
            (other, _) => Err(format!("invalid url scheme {}", crate::output::quote(other))),
        }
    }

    fn unix(path: &str, args: &Run) -> Result<Self, String> {
        use std::os::unix::fs::PermissionsExt;
        let failed = |error: std::io::Error| format!("listen unix {path}: {error}");
        // A socket that is left over from before.
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(failed)?;
        let mode =
            u32::from_str_radix(&args.listening.unix_socket_perm, 8).map_err(|error| error.to_string())?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
        Ok(Self::Unix(listener))
    }

    /// Takes connections until the server ends.
    async fn accept(self, connection: Connection, both: bool, open: mpsc::Sender<()>) {
        let mut ending = connection.ending.clone();
        loop {
            let next = async {
                match &self {
                    Self::Tcp(listener) => listener.accept().await.map(|(stream, address)| {
                        // Small answers go out at once.
                        let _ = stream.set_nodelay(true);
                        (Stream::Tcp(stream), address.to_string())
                    }),
                    Self::Tls(listener, tls) => listener.accept().await.map(|(stream, address)| {
                        let _ = stream.set_nodelay(true);
                        (Stream::Tls(stream, tls.config()), address.to_string())
                    }),
                    Self::Unix(listener) => {
                        listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), "@".to_owned()))
                    }
                }
            };
            let accepted = tokio::select! {
                accepted = next => accepted,
                _ = ending.wait_for(|ended| *ended) => return,
            };
            let Ok((stream, address)) = accepted else {
                // Out of file handles, most likely: others must close first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let peer = Peer { address, ..Peer::default() };
            let connection = Connection { peer, ..connection.clone() };
            let open = open.clone();
            tokio::spawn(async move {
                match stream {
                    Stream::Tcp(stream) => connection.serve(stream, both).await,
                    Stream::Unix(stream) => connection.serve(stream, both).await,
                    Stream::Tls(stream, config) => secure(connection, stream, config).await,
                }
                drop(open);
            });
        }
    }
}

/// Shakes hands, learns who is there, and serves.
async fn secure(connection: Connection, stream: tokio::net::TcpStream, config: Arc<rustls::ServerConfig>) {
    let accepted = tokio_rustls::TlsAcceptor::from(config).accept(stream);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, accepted).await else { return };
    let shown = stream.get_ref().1.peer_certificates().and_then(tls::shown);
    let identity = shown.as_deref().and_then(tls::subject);
    let peer = Peer { certificates: shown.map(Arc::from), identity, ..connection.peer.clone() };
    Connection { peer, ..connection }.serve(stream, true).await;
}

enum Stream {
    Tcp(tokio::net::TcpStream),
    Tls(tokio::net::TcpStream, Arc<rustls::ServerConfig>),
    Unix(tokio::net::UnixStream),
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_mean_what_they_mean_in_go() {
        assert_eq!(super::places(":1"), ["[::]:1", "0.0.0.0:1"]);
        assert_eq!(super::places("localhost:1"), ["127.0.0.1:1", "localhost:1"]);
        assert_eq!(super::places("[::1]:1"), ["[::1]:1"]);
    }
}
