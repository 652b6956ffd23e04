//! Scripts of requests: the same ones go to two servers, and the answers are held against each other.
//!
//! A script is a text. `=== args ..` gives flags, `=== file NAME` a file beside the servers, and `=== METHOD TARGET` a
//! request: lines that begin with `> ` are its headers, the rest is its body. Every script has servers of its own.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// What a script says.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Flags of the servers.
    pub args: Vec<String>,
    /// Names and contents.
    pub files: Vec<(String, String)>,
    /// The requests in order.
    pub requests: Vec<Request>,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `METHOD TARGET`.
    pub line: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; `None`: none is sent.
    pub body: Option<Vec<u8>>,
    /// Compress the body.
    pub gzip: bool,
    /// Send the body in pieces of unknown length.
    pub chunked: bool,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Script {
    /// Reads a script.
    pub fn read(text: &str) -> Self {
        let mut script = Self::default();
        for block in text.split("\n=== ").map(|block| block.strip_prefix("=== ").unwrap_or(block)) {
            let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
            match head.split_once(' ') {
                Some(("args", args)) => script.args.extend(args.split_whitespace().map(str::to_owned)),
                Some(("file", name)) => script.files.push((name.to_owned(), rest.to_owned())),
                Some((_, _)) if !head.starts_with('#') => script.requests.push(Request::read(head, rest)),
                _ => {}
            }
        }
        script
    }
}

impl Request {
    fn read(line: &str, rest: &str) -> Self {
        let mut request = Self { line: line.to_owned(), ..Self::default() };
        let mut lines = rest.lines().peekable();
        while let Some(line) = lines.peek() {
            match line.strip_prefix("> ").map(|header| header.split_once(": ").unwrap_or((header, ""))) {
                Some(("gzip", _)) => request.gzip = true,
                Some(("chunked", _)) => request.chunked = true,
                Some((name, value)) => request.headers.push((name.to_owned(), value.to_owned())),
                None => break,
            }
            lines.next();
        }
        let body = lines.collect::<Vec<_>>().join("\n");
        if !body.is_empty() {
            request.body = Some(unescaped(&body));
        }
        request
    }

    /// The bytes of the request.
    fn bytes(&self, compress: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let mut out = format!("{} HTTP/1.1\r\nHost: server\r\nConnection: close\r\n", self.line).into_bytes();
        let mut header = |name: &str, value: &str| out.extend(format!("{name}: {value}\r\n").into_bytes());
        self.headers.iter().for_each(|(name, value)| header(name, value));
        let body = self.body.clone().unwrap_or_default();
        let body = if self.gzip { compress(&body) } else { body };
        if self.gzip {
            header("Content-Encoding", "gzip");
        }
        if self.chunked {
            header("Transfer-Encoding", "chunked");
            out.extend(b"\r\n");
            for piece in body.chunks(7) {
                out.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                out.extend(piece);
                out.extend(b"\r\n");
            }
            out.extend(b"0\r\n\r\n");
            return out;
        }
        if self.body.is_some() || self.line.starts_with('P') {
            header("Content-Length", &body.len().to_string());
        }
        out.extend(b"\r\n");
        out.extend(body);
        out
    }

    /// Sends the request and reads the answer.
    ///
    /// # Errors
    /// The connection failed, or what came is no HTTP.
    pub fn send(&self, to: SocketAddr, compress: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<Response> {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(&self.bytes(compress))?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if !answer.is_empty() && error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => return Err(error),
        }
        Response::read(&answer).ok_or_else(|| io::Error::other("no HTTP answer"))
    }
}

/// `\xNN` stands for a byte, so that scripts can hold bytes that are no text.
fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        out.extend(before.bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.extend(b"\\x");
                rest = after;
            }
        }
    }
    out.extend(rest.bytes());
    out
}

impl Response {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        if status == 100 {
            return Self::read(&bytes[end + 4..]);
        }
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = &bytes[end + 4..];
        let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if chunked { dechunked(body)? } else { body.to_vec() };
        Some(Self { status, headers, body })
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

fn dechunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}

/// A server under test. It ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    /// What it wrote to standard error.
    pub log: PathBuf,
}

impl Served {
    /// Starts a server in a folder and waits until it listens.
    ///
    /// # Errors
    /// It does not start, or does not listen in time; with what it said.
    pub fn start(binary: &Path, args: &[String], folder: &Path) -> Result<Self, String> {
        let address = free_address().map_err(|error| error.to_string())?;
        let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = folder.join(format!("{name}-{}.log", address.port()));
        let file = std::fs::File::create(&log).map_err(|error| error.to_string())?;
        let output = file.try_clone().map_err(|error| error.to_string())?;
        let mut command = Command::new(binary);
        command.args(["run", "-s", "--addr", &address.to_string()]).args(args);
        if name == "opa" {
            command.args(["--skip-version-check"]);
        }
        let child = command.current_dir(folder).stdin(Stdio::null()).stdout(output).stderr(file).spawn();
        let child = child.map_err(|error| error.to_string())?;
        let mut served = Self { address, child, log };
        let started = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            let ended = served.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || started.elapsed() > Duration::from_secs(20) {
                return Err(format!("{name} does not listen: {}", served.said()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(served)
    }

    /// What the server wrote.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// The system does not say how it ended.
    pub fn wait(&mut self) -> io::Result<std::process::ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens at, and that this process has not given before.
///
/// The system gives the ports above 32,768 to whoever asks for any port, so one of these may have a new owner before the
/// server that was to have it listens. These are from below.
///
/// # Errors
/// The system has none.
pub fn free_address() -> io::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    // Processes that run at the same time begin far from each other.
    let own = (std::process::id().wrapping_mul(7_919) % u32::from(COUNT)) as u16;
    let mut tried = 0;
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let address = SocketAddr::from(([127, 0, 0, 1], FIRST + (own + offset) % COUNT));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(_) if tried < 1_000 => tried += 1,
            Err(error) => return Err(error),
        }
    }
}
