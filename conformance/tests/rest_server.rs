//! What a list of requests cannot show of `govc run -s`: changes under load, the end, refusals when something is missing,
//! TLS, sockets, bundles that are fetched, and decisions that are logged.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use govc_conformance::requests::{Request, Response, Served};
use govc_conformance::{govc, opa};
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn request(line: &str, body: &str) -> Request {
    let body = (!body.is_empty()).then(|| body.as_bytes().to_vec());
    Request { line: line.to_owned(), body, ..Request::default() }
}

fn send(to: SocketAddr, line: &str, body: &str) -> Response {
    request(line, body).send(to, <[u8]>::to_vec).unwrap()
}

fn body(response: &Response) -> Json {
    serde_json::from_slice(&response.body).unwrap_or(Json::Null)
}

fn start(folder: &Path, args: &[&str]) -> Served {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    Served::start(&govc(), &args, folder).unwrap()
}

fn signal(served: &Served, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), served.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Waits until something holds, for at most a minute.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_answer_mixes_two_states() {
    let folder = tempfile::tempdir().unwrap();
    let served = start(folder.path(), &["--log-level", "error"]);
    let to = served.address;
    // Both rules and the document change together; an answer that shows two of them is mixed.
    let policy = |n: usize| format!("package t\na := {n}\nb := [{n}, data.t.a]\n");
    assert_eq!(send(to, "PUT /v1/policies/p", &policy(0)).status, 200);
    assert_eq!(send(to, "PUT /v1/data/d", r#"{"x": 0, "y": [0]}"#).status, 204);
    let (ended, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    let rules = send(to, "POST /v1/data/t", r#"{"input": {}}"#);
                    assert_eq!(rules.status, 200, "{:?}", String::from_utf8_lossy(&rules.body));
                    let rules = body(&rules);
                    let a = &rules["result"]["a"];
                    assert_eq!(rules["result"]["b"], json!([a, a]));
                    let data = body(&send(to, "GET /v1/data/d", ""));
                    assert_eq!(data["result"]["y"], json!([data["result"]["x"]]));
                    asked.fetch_add(2, Relaxed);
                }
            });
        }
        for n in 1..60 {
            assert_eq!(send(to, "PUT /v1/policies/p", &policy(n)).status, 200);
            assert_eq!(send(to, "PUT /v1/data/d", &format!(r#"{{"x": {n}, "y": [{n}]}}"#)).status, 204);
        }
        ended.store(true, Relaxed);
    });
    assert!(asked.load(Relaxed) > 50, "{} questions", asked.load(Relaxed));
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "package t\nslow := count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 400); i < j])\n";
    std::fs::write(folder.path().join("p.rego"), policy).unwrap();
    let mut served = start(folder.path(), &["p.rego"]);
    let to = served.address;
    let asked = std::thread::spawn(move || send(to, "GET /v1/data/t/slow", ""));
    std::thread::sleep(Duration::from_millis(150));
    signal(&served, "TERM");
    assert_eq!(body(&asked.join().unwrap()), json!({"result": 79800}));
    assert!(served.wait().unwrap().success());
    assert!(TcpStream::connect(to).is_err(), "nobody listens any more");
    assert!(served.said().contains("Shutting down..."), "{}", served.said());
}

#[test]
fn who_cannot_be_authorized_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let served = start(folder.path(), &["--authorization=basic"]);
    let status = |line: &str| send(served.address, line, "").status;
    assert_eq!(
        [status("GET /v1/data"), status("GET /health"), status("PUT /v1/policies/x")],
        [500, 500, 500]
    );
    drop(served);
    // A policy that cannot be evaluated refuses as well.
    let policy = "package system.authz\nallow := true if input.path[2] == \"a\"\nallow := false if input.path[2] != \"b\"\n";
    std::fs::write(folder.path().join("authz.rego"), policy).unwrap();
    let served = start(folder.path(), &["--authorization=basic", "authz.rego"]);
    let status = |line: &str| send(served.address, line, "").status;
    assert_eq!(
        [status("GET /v1/data/a"), status("GET /v1/data/b"), status("GET /v1/data/c")],
        [500, 500, 401]
    );
    drop(served);
    // One that does not compile does not start.
    std::fs::write(folder.path().join("authz.rego"), "package system.authz\nallow if x\n").unwrap();
    let args = ["--authorization=basic", "authz.rego"].map(str::to_owned);
    let refused = Served::start(&govc(), &args, folder.path()).unwrap_err();
    assert!(refused.contains("var x is unsafe"), "{refused}");
}

#[test]
fn sockets_and_diagnostics_have_their_own_doors() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s.sock");
    let diagnostic = govc_conformance::requests::free_address().unwrap();
    let unix = format!("unix://{}", socket.display());
    let args = ["--addr", &unix, "--unix-socket-perm", "600", "--diagnostic-addr", &diagnostic.to_string()];
    let served = start(folder.path(), &args);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let status = |line: &str| send(diagnostic, line, "").status;
    assert_eq!([status("GET /health"), status("GET /metrics"), status("GET /v1/data")], [200, 200, 404]);
    assert_eq!(send(served.address, "GET /v1/data", "").status, 200);
}

/// Heads and bodies of requests.
type Seen = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A service that answers every request with the same, and keeps what it was sent.
struct Service {
    address: SocketAddr,
    seen: Seen,
}

impl Service {
    fn start(answer: impl Fn(&str) -> (u16, String, Vec<u8>) + Send + 'static) -> Self {
        Self::over(|stream| stream, answer)
    }

    /// Over TLS, under a certificate.
    fn secured(shown: &Signed, answer: impl Fn(&str) -> (u16, String, Vec<u8>) + Send + 'static) -> Self {
        use rustls::pki_types::pem::PemObject;
        let cert = rustls::pki_types::CertificateDer::from_pem_slice(shown.cert.as_bytes()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![cert], key).unwrap());
        let secure = move |stream| {
            rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
        };
        Self::over(secure, answer)
    }

    fn over<S: Read + Write>(
        open: impl Fn(TcpStream) -> S + Send + 'static,
        answer: impl Fn(&str) -> (u16, String, Vec<u8>) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let mut stream = open(stream);
                let Some((head, body)) = read(&mut stream) else { continue };
                let (status, headers, content) = answer(&head);
                kept.lock().unwrap().push((head, body));
                let length = content.len();
                let line = format!(
                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(line.as_bytes()).and_then(|()| stream.write_all(&content));
                let _ = stream.flush();
            }
        });
        Self { address, seen }
    }

    fn heads(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(head, _)| head.clone()).collect()
    }
}

/// Head and body of a request.
fn read(stream: &mut impl Read) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).ok()?;
        bytes.extend(&piece[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |text| text.trim().parse().unwrap_or(0));
            while bytes.len() < end + 4 + length {
                let count = stream.read(&mut piece).ok()?;
                if count == 0 {
                    // Killed in the middle of its request.
                    return None;
                }
                bytes.extend(&piece[..count]);
            }
            return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
        }
        if count == 0 {
            return None;
        }
    }
}

fn bundle(folder: &Path, n: usize) -> Vec<u8> {
    let policy = folder.join("b.rego");
    std::fs::write(&policy, format!("package b\n\nn := {n}\n")).unwrap();
    let out = folder.join(format!("b{n}.tar.gz"));
    let revision = format!("r{n}");
    let built = Command::new(govc())
        .args(["build", "b.rego", "-r", &revision, "-o"])
        .arg(&out)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    std::fs::read(out).unwrap()
}

#[test]
fn bundles_are_fetched_again_and_activated_whole() {
    let folder = tempfile::tempdir().unwrap();
    let bundles: Vec<Vec<u8>> = (0..2).map(|n| bundle(folder.path(), n)).collect();
    let current = Arc::new(AtomicUsize::new(0));
    let n = Arc::clone(&current);
    let service = Service::start(move |head| {
        let n = n.load(Relaxed);
        match () {
            () if n >= 2 => (200, String::new(), b"no bundle".to_vec()),
            () if head.contains(&format!("if-none-match: \"{n}\"")) => (304, String::new(), Vec::new()),
            () => (200, format!("ETag: \"{n}\"\r\n"), bundles[n].clone()),
        }
    });
    let config = format!(
        "services:\n  s:\n    url: http://{}/base\n    credentials: {{bearer: {{token: secret}}}}\n\
         bundles:\n  b:\n    service: s\n    resource: /path/b.tar.gz\n    polling: {{min_delay_seconds: 0, max_delay_seconds: 1}}\n\
         status: {{console: true}}\n",
        service.address
    );
    std::fs::write(folder.path().join("c.yaml"), config).unwrap();
    let served = start(folder.path(), &["-c", "c.yaml", "--ready-timeout", "10"]);
    let to = served.address;
    let n = || body(&send(to, "GET /v1/data/b/n", ""))["result"].clone();
    assert_eq!(n(), json!(0));
    assert_eq!(send(to, "GET /health?bundles", "").status, 200);
    assert_eq!(
        body(&send(to, "GET /v1/data/b?provenance", ""))["provenance"]["bundles"]["b"]["revision"],
        "r0"
    );
    until("an unchanged bundle", || service.heads().iter().any(|head| head.contains("if-none-match: \"0\"")));
    current.store(1, Relaxed);
    until("the next bundle", || n() == json!(1));
    let first = service.heads().first().unwrap().clone();
    assert!(
        first.starts_with("get /base/path/b.tar.gz ") && first.contains("authorization: bearer secret"),
        "{first}"
    );
    // What is no bundle changes nothing, and the status tells.
    current.store(2, Relaxed);
    until("an error", || {
        body(&send(to, "GET /v1/status", ""))["result"]["bundles"]["b"]["code"] == "bundle_error"
    });
    assert_eq!(n(), json!(1));
    assert_eq!(send(to, "GET /health?bundles", "").status, 200);
}

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/engine/tests/keys");

/// A signed bundle of the given files: ours, or one whose signature `opa` made.
/// A service that answers when there is something new is asked again at once, and given the time that it was promised.
#[test]
fn bundles_are_waited_for_as_opa_does() {
    let folder = tempfile::tempdir().unwrap();
    let bundles: Vec<Vec<u8>> = (0..2).map(|n| bundle(folder.path(), n)).collect();
    for program in [Some(govc()), opa()].into_iter().flatten() {
        let current = Arc::new(AtomicUsize::new(0));
        let (next, bundles) = (Arc::clone(&current), bundles.clone());
        let service = Service::start(move |head| {
            let has = |n: usize| head.contains(&format!("if-none-match: \"{n}\""));
            let waiting = Instant::now();
            // Longer than a service may otherwise take.
            while has(next.load(Relaxed)) && waiting.elapsed() < Duration::from_secs(2) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let n = next.load(Relaxed);
            let kind = "Content-Type: application/vnd.openpolicyagent.bundles\r\n";
            match has(n) {
                true => (304, String::new(), Vec::new()),
                false => (200, format!("{kind}ETag: \"{n}\"\r\n"), bundles[n].clone()),
            }
        });
        let config = format!(
            "services:\n  s:\n    url: http://{}\n    response_header_timeout_seconds: 1\n\
             bundles:\n  b:\n    service: s\n    resource: b.tar.gz\n    polling: \
             {{min_delay_seconds: 600, max_delay_seconds: 601, long_polling_timeout_seconds: 7}}\n",
            service.address
        );
        std::fs::write(folder.path().join("c.yaml"), config).unwrap();
        let args = ["-c", "c.yaml", "--ready-timeout", "10"].map(str::to_owned);
        let served = Served::start(&program, &args, folder.path()).unwrap();
        let n = || body(&send(served.address, "GET /v1/data/b/n", ""))["result"].clone();
        assert_eq!(n(), json!(0));
        // The second answer says that nothing is new, after more time than a header may take.
        until("a third request", || service.heads().len() >= 2);
        current.store(1, Relaxed);
        until("the next bundle", || n() == json!(1));
        let heads = service.heads();
        assert!(!heads[0].contains("if-none-match: \"0\"") && heads[1].contains("if-none-match: \"0\""));
        for head in heads {
            assert!(head.contains("prefer: modes=snapshot,delta;wait=7"), "{head}");
        }
    }
}

fn signed(folder: &Path, by_opa: bool, files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let run = |program: &Path, args: &[&str]| {
        let done = Command::new(program).args(args).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let key = format!("{KEYS}/es256.pem");
    let signer = if by_opa { opa().unwrap() } else { govc() };
    run(&signer, &["sign", "-b", ".", "--signing-alg", "ES256", "--signing-key", &key]);
    let names = files.iter().map(|(name, _)| *name).chain([".signatures.json"]);
    run(Path::new("tar"), &["-czf", "bundle.tar.gz"].into_iter().chain(names).collect::<Vec<_>>());
    std::fs::read(folder.path().join("bundle.tar.gz")).unwrap()
}

#[test]
fn signed_changes_are_made_by_opa_and_by_us() {
    if opa().is_none() {
        eprintln!("skipped: no `opa` on PATH");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let manifest = |n: usize| format!(r#"{{"revision": "r{n}", "roots": ["b", "x"]}}"#);
    let whole = |by_opa| {
        let data = r#"{"x": {"n": 0, "list": [0]}}"#;
        let policy = "package b\n\nn := data.x.n\n";
        signed(folder, by_opa, &[(".manifest", &manifest(0)), ("b.rego", policy), ("data.json", data)])
    };
    let delta = |by_opa, n: usize| {
        let patch = json!({"data": [
            {"op": "upsert", "path": "/x/n", "value": n},
            {"op": "upsert", "path": "x/list/-", "value": n},
        ]});
        signed(folder, by_opa, &[(".manifest", &manifest(n)), ("patch.json", &patch.to_string())])
    };
    let mut changed = delta(true, 3);
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    // The last two are for us only: OPA does not look at the signatures of changes.
    let bundles = [whole(true), delta(false, 1), delta(true, 2), changed, delta(false, 4)];
    let current = Arc::new(AtomicUsize::new(0));
    let n = Arc::clone(&current);
    let service = Service::start(move |head| match n.load(Relaxed) {
        n if head.contains(&format!("if-none-match: \"{n}\"")) => (304, String::new(), Vec::new()),
        n => (200, format!("ETag: \"{n}\"\r\n"), bundles[n].clone()),
    });
    let pem = std::fs::read_to_string(format!("{KEYS}/es256.pub.pem")).unwrap();
    let config = json!({
        "services": {"s": {"url": format!("http://{}", service.address)}},
        "keys": {"k": {"algorithm": "ES256", "key": pem}},
        "status": {"console": true},
        "bundles": {"b": {
            "service": "s", "resource": "b.tar.gz", "signing": {"keyid": "k"},
            "polling": {"min_delay_seconds": 0, "max_delay_seconds": 1},
        }},
    });
    std::fs::write(folder.join("c.json"), config.to_string()).unwrap();
    let args = ["-c", "c.json"].map(str::to_owned);
    let servers = [govc(), opa().unwrap()].map(|binary| Served::start(&binary, &args, folder).unwrap());
    let told = |server: &Served| body(&send(server.address, "GET /v1/data/x", ""))["result"].clone();
    for (n, list) in [json!([0]), json!([0, 1]), json!([0, 1, 2])].into_iter().enumerate() {
        current.store(n, Relaxed);
        until("a change", || servers.iter().all(|server| told(server) == json!({"n": n, "list": list})));
    }
    let [ours, _] = servers;
    let refused =
        || body(&send(ours.address, "GET /v1/status", ""))["result"]["bundles"]["b"]["code"].clone();
    current.store(3, Relaxed);
    until("a refusal", || refused() == "bundle_error");
    assert_eq!(told(&ours)["n"], 2, "what was there stays");
    current.store(4, Relaxed);
    until("the last change", || told(&ours)["n"] == 4);
}

/// Puts a bundle under the tag `live` of an OCI image layout, as `oras push --oci-layout` does.
fn push(layout: &Path, bundle: &[u8]) {
    let blobs = layout.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let descriptor = |kind: &str, bytes: &[u8]| {
        let digest = govc_engine::sha256_hex(bytes);
        std::fs::write(blobs.join(&digest), bytes).unwrap();
        json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": format!("sha256:{digest}"), "size": bytes.len()})
    };
    let layers = [descriptor("layer.v1.tar+gzip", bundle)];
    let manifest =
        json!({"schemaVersion": 2, "config": descriptor("config.v1+json", b"{}"), "layers": layers});
    let mut manifest = descriptor("manifest.v1+json", manifest.to_string().as_bytes());
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "live"});
    std::fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": [manifest]}).to_string();
    std::fs::write(layout.join("index.new"), index).unwrap();
    std::fs::rename(layout.join("index.new"), layout.join("index.json")).unwrap();
}

#[test]
fn bundles_are_taken_from_oci_layouts() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("store");
    push(&layout, &bundle(folder.path(), 0));
    let config = "bundles:\n  b:\n    resource: oci:store:live\n    polling: {min_delay_seconds: 0, max_delay_seconds: 1}\nstatus: {console: true}\n";
    std::fs::write(folder.path().join("c.yaml"), config).unwrap();
    let served = start(folder.path(), &["-c", "c.yaml", "--ready-timeout", "10"]);
    let n = || body(&send(served.address, "GET /v1/data/b/n", ""))["result"].clone();
    assert_eq!(n(), json!(0));
    push(&layout, &bundle(folder.path(), 1));
    until("the next bundle", || n() == json!(1));
    // A manifest that is not as long as the index says changes nothing.
    let mut index: Json = serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    index["manifests"][0]["size"] = json!(1);
    std::fs::write(layout.join("index.new"), index.to_string()).unwrap();
    std::fs::rename(layout.join("index.new"), layout.join("index.json")).unwrap();
    until("an error", || {
        body(&send(served.address, "GET /v1/status", ""))["result"]["bundles"]["b"]["code"] == "bundle_error"
    });
    assert_eq!(n(), json!(1));
}

#[test]
fn decisions_reach_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(|_| (200, String::new(), Vec::new()));
    let config = format!(
        "services:\n  s:\n    url: http://{}\ndecision_logs:\n  service: s\n  reporting: {{min_delay_seconds: 600, max_delay_seconds: 601}}\n",
        service.address
    );
    std::fs::write(folder.path().join("c.yaml"), config).unwrap();
    let policy = "package system.log\nmask contains \"/input/password\"\n";
    std::fs::write(folder.path().join("log.rego"), policy).unwrap();
    let mut served = start(folder.path(), &["-c", "c.yaml", "log.rego"]);
    let ids: Vec<Json> = (0..3)
        .map(|n| {
            let input = format!(r#"{{"input": {{"n": {n}, "password": "secret"}}}}"#);
            body(&send(served.address, "POST /v1/data/x", &input))["decision_id"].clone()
        })
        .collect();
    signal(&served, "TERM");
    assert!(served.wait().unwrap().success());
    let seen = service.seen.lock().unwrap();
    let (head, content) = seen.first().unwrap();
    assert!(head.starts_with("post /logs ") && head.contains("content-encoding: gzip"), "{head}");
    let events = uploaded(content);
    let found: Vec<&Json> = events.iter().map(|event| &event["decision_id"]).collect();
    assert_eq!(found, ids.iter().collect::<Vec<_>>());
    assert_eq!(events[1]["input"], json!({"n": 1}));
    assert_eq!(events[1]["erased"], json!(["/input/password"]));
}

/// The events of an upload.
fn uploaded(content: &[u8]) -> Vec<Json> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(content).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn decisions_on_the_disk_outlive_the_server_and_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let up = Arc::new(AtomicBool::new(false));
    let is_up = Arc::clone(&up);
    let service =
        Service::start(move |_| (if is_up.load(Relaxed) { 200 } else { 503 }, String::new(), Vec::new()));
    let config = format!(
        "services:\n  s:\n    url: http://{}\npersistence_directory: kept\ndecision_logs:\n  service: s\n  persist: true\n  reporting: {{min_delay_seconds: 0, max_delay_seconds: 0}}\n",
        service.address
    );
    std::fs::write(folder.path().join("c.yaml"), config).unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut served = start(folder.path(), &["-c", "c.yaml", "--log-level", "error"]);
        for _ in 0..20 {
            ids.push(body(&send(served.address, "POST /v1/data/x", "{}"))["decision_id"].clone());
        }
        signal(&served, "KILL");
        let _ = served.wait();
    }
    up.store(true, Relaxed);
    let before = service.seen.lock().unwrap().len();
    let mut served = start(folder.path(), &["-c", "c.yaml", "--log-level", "error"]);
    let taken = || -> Vec<Json> {
        let seen = service.seen.lock().unwrap();
        seen[before..].iter().flat_map(|(_, content)| uploaded(content)).collect()
    };
    until("all decisions", || taken().len() >= ids.len());
    let found: Vec<Json> = taken().iter().map(|event| event["decision_id"].clone()).collect();
    assert_eq!(found, ids, "each once, in their order");
    signal(&served, "TERM");
    assert!(served.wait().unwrap().success());
}

/// Entries of the decision log of a server, without what no two servers share.
fn logged(said: &str) -> Vec<Json> {
    let entries = said.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let mut found: Vec<Json> = entries.filter(|entry| entry["msg"] == "Decision Log").collect();
    for entry in &mut found {
        let fields = entry.as_object_mut().unwrap();
        for name in ["decision_id", "labels", "requested_by", "time", "timestamp", "metrics"] {
            assert!(fields.remove(name).is_some(), "{name} is missing: {fields:?}");
        }
    }
    found
}

#[test]
fn the_console_tells_of_decisions_as_opa_does() {
    let Some(opa) = opa() else {
        println!("skipped: no opa on this machine");
        return;
    };
    let policy = "package t\necho := input\nconf := 1\nconf := 2 if input.c\n";
    let log = "package system.log\nmask contains \"/input/password\"\n\
               mask contains {\"op\": \"upsert\", \"path\": \"/input/a/b\", \"value\": \"**\"} if input.input.a\n\
               mask contains \"/result/0\"\ndrop if input.path == \"t/dropped\"\n";
    let run = |binary: &Path| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.rego"), policy).unwrap();
        std::fs::write(folder.path().join("log.rego"), log).unwrap();
        let args = ["--set", "decision_logs.console=true", "p.rego", "log.rego"].map(str::to_owned);
        let served = Served::start(binary, &args, folder.path()).unwrap();
        let to = served.address;
        send(to, "POST /v1/data/t/echo", r#"{"input": {"password": "p", "a": {"c": 1}}, "more": 1}"#);
        send(to, "POST /v1/data/t/echo", r#"{"input": [1, [2]]}"#);
        send(to, "POST /v1/data/t/conf", r#"{"input": {"c": 1}}"#);
        send(to, "POST /v1/data/t/dropped", r#"{"input": {"c": 1}}"#);
        send(to, "GET /v1/data/t/none", "");
        send(to, "GET /v1/query?q=x%20%3D%201", "");
        send(to, "POST /v0/data/t/echo", r#"{"a": 1}"#);
        std::thread::sleep(Duration::from_millis(200));
        logged(&served.said())
    };
    let [theirs, ours] = [run(&opa), run(&govc())];
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 6);
}

/// A certificate, its key, and who signed it.
struct Signed {
    cert: String,
    key: String,
}

struct Authority {
    cert: rcgen::Certificate,
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { cert: params.self_signed(&key).unwrap(), key, params }
    }

    fn sign(&self, names: &[(rcgen::DnType, &str)]) -> Signed {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        let cert = params.signed_by(&key, &issuer).unwrap();
        Signed { cert: cert.pem(), key: key.serialize_pem() }
    }
}

/// Asks over TLS; the first certificate of the server, and its answer.
fn ask_tls(
    to: SocketAddr,
    authority: &Authority,
    client: Option<&Signed>,
    line: &str,
) -> Option<(Vec<u8>, String)> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.unwrap().with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let cert = rustls::pki_types::CertificateDer::from_pem_slice(client.cert.as_bytes()).unwrap();
            let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(client.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![cert], key).unwrap()
        }
    };
    let name = "localhost".try_into().unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(to).unwrap());
    let text = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A server that closes without a goodbye has still answered.
    let _ = stream.read_to_end(&mut answer);
    let shown = stream.conn.peer_certificates()?.first()?.to_vec();
    (!answer.is_empty()).then(|| (shown, String::from_utf8_lossy(&answer).into_owned()))
}

/// A service over TLS is believed when an authority vouches for it that the configuration names.
#[test]
fn bundles_come_from_services_that_are_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundle(folder.path(), 7);
    let (known, stranger) = (Authority::new(), Authority::new());
    std::fs::write(folder.path().join("ca.pem"), known.cert.pem()).unwrap();
    for (authority, good) in [(&known, true), (&stranger, false)] {
        let bundle = bundle.clone();
        let service = Service::secured(&authority.sign(&[]), move |_| {
            (200, "ETag: \"7\"\r\n".to_owned(), bundle.clone())
        });
        let config = format!(
            "services:\n  s:\n    url: https://localhost:{}\n    tls: {{ca_cert: ca.pem}}\n\
             bundles:\n  b: {{service: s, resource: b.tar.gz, polling: {{min_delay_seconds: 0, max_delay_seconds: 1}}}}\n\
             status: {{console: true}}\n",
            service.address.port()
        );
        std::fs::write(folder.path().join("c.yaml"), config).unwrap();
        let served =
            start(folder.path(), &["-c", "c.yaml", "--ready-timeout", if good { "30" } else { "0" }]);
        let to = served.address;
        let status = || body(&send(to, "GET /v1/status", ""))["result"]["bundles"]["b"].clone();
        until("an answer", || status()["active_revision"] == "r7" || status()["code"] == "bundle_error");
        let result = body(&send(to, "GET /v1/data/b/n", ""))["result"].clone();
        assert_eq!(result, if good { json!(7) } else { json!(null) }, "{}", status());
        assert_eq!(send(to, "GET /health?bundles", "").status, if good { 200 } else { 500 });
        assert_eq!(service.heads().is_empty(), !good, "nothing is asked of a stranger");
    }
}

#[test]
fn clients_are_known_by_their_certificates() {
    use rcgen::DnType;
    let authority = Authority::new();
    let server = authority.sign(&[(DnType::CommonName, "localhost")]);
    let names = [
        (DnType::CountryName, "GB"),
        (DnType::OrganizationName, "Example, Org"),
        (DnType::OrganizationalUnitName, "unit"),
        (DnType::CommonName, "client"),
    ];
    let client = authority.sign(&names);
    let policy = "package system.authz\n\
                  allow := {\"allowed\": false, \"reason\": input.identity} if input.path[2] == \"name\"\n\
                  allow := {\"allowed\": false, \"reason\": shown} if input.path[2] == \"cert\"\n\
                  shown := json.marshal([input.client_certificates[0].Subject, object.keys(input.client_certificates[0])])\n";
    let run = |binary: &Path| {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("ca.pem", authority.cert.pem()),
            ("s.pem", server.cert.clone()),
            ("s.key", server.key.clone()),
            ("authz.rego", policy.to_owned()),
        ];
        files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        let args = "--tls-cert-file s.pem --tls-private-key-file s.key --tls-ca-cert-file ca.pem \
                    --authentication=tls --authorization=basic authz.rego";
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        let served = Served::start(binary, &args, folder.path()).unwrap();
        assert!(
            ask_tls(served.address, &authority, None, "GET /v1/data/name").is_none(),
            "who shows none is refused"
        );
        let ask = |line: &str| ask_tls(served.address, &authority, Some(&client), line).unwrap().1;
        [ask("GET /v1/data/name"), ask("GET /v1/data/cert")]
            .map(|answer| answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
    };
    let ours = run(&govc());
    assert!(ours[0].contains("CN=client,OU=unit,O=Example\\\\, Org,C=GB"), "{}", ours[0]);
    match opa() {
        Some(opa) => assert_eq!(ours, run(&opa)),
        None => println!("skipped: no opa on this machine to compare with"),
    }
}

#[test]
fn a_new_certificate_is_shown_without_a_new_start() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let write = |signed: &Signed| {
        std::fs::write(folder.path().join("s.pem"), &signed.cert).unwrap();
        std::fs::write(folder.path().join("s.key"), &signed.key).unwrap();
    };
    write(&authority.sign(&[(rcgen::DnType::CommonName, "first")]));
    let args =
        ["--tls-cert-file", "s.pem", "--tls-private-key-file", "s.key", "--tls-cert-refresh-period", "100ms"];
    let served = start(folder.path(), &args);
    let shown = || ask_tls(served.address, &authority, None, "GET /health").unwrap();
    let (first, answer) = shown();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    write(&authority.sign(&[(rcgen::DnType::CommonName, "second")]));
    until("the new certificate", || shown().0 != first);
}

#[test]
fn changed_files_are_loaded_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("p")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("p").join(name), text).unwrap();
    write("a.rego", "package t\nn := 1\n");
    write("data.json", "{\"x\": 1}");
    let served = start(folder.path(), &["--watch", "p"]);
    let to = served.address;
    let shown = || body(&send(to, "GET /v1/data", ""))["result"].clone();
    assert_eq!(send(to, "PUT /v1/policies/own", "package own\nm := 1\n").status, 200);
    assert_eq!(shown(), json!({"own": {"m": 1}, "t": {"n": 1}, "x": 1}));
    write("a.rego", "package t\nn := 22\n");
    until("the changed policy", || shown() == json!({"own": {"m": 1}, "t": {"n": 22}, "x": 1}));
    write("a.rego", "package t\nn :=\n");
    until("a complaint", || served.said().contains("rego_parse_error"));
    assert_eq!(shown(), json!({"own": {"m": 1}, "t": {"n": 22}, "x": 1}));
    std::fs::remove_file(folder.path().join("p/a.rego")).unwrap();
    write("data.json", "{\"x\": 222}");
    until("what is left", || shown() == json!({"own": {"m": 1}, "x": 222}));
}
