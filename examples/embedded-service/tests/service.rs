//! Starts the service, asks it what the README asks, and compares the answers with those in the README.

use govc_engine::{SigningKey, sign_bundle};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The promotion bundle, compiled before, signed with a key of the tests.
fn bundle(key: &str) -> Vec<u8> {
    let unsigned = fs::read(root().join("runtime/engine/tests/bundles/agent-promotion.tar.gz")).unwrap();
    let key = fs::read_to_string(root().join(format!("runtime/engine/tests/keys/{key}.pem"))).unwrap();
    sign_bundle(&unsigned, &SigningKey::from_pem(&key).unwrap(), &Default::default()).unwrap()
}

fn input(name: &str) -> Vec<u8> {
    fs::read(root().join(format!("examples/agent-promotion/inputs/{name}.json"))).unwrap()
}

/// The running service; ends with the test.
struct Service {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn start(name: &str) -> Service {
    let folder = std::env::temp_dir().join(format!("embedded-service-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("bundle.tar.gz");
    fs::write(&path, bundle("ed25519")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_embedded-service"))
        .arg(path)
        .arg(root().join("runtime/engine/tests/keys/ed25519.pub.pem"))
        .args(["promotion/result", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    Service { child, address, folder }
}

struct Answer {
    status: u16,
    bundle: String,
    body: String,
}

impl Service {
    fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len())
            .unwrap();
        stream.write_all(body).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let bundle = head.lines().find_map(|line| line.strip_prefix("x-govc-bundle: ")).unwrap_or_default();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, bundle: bundle.to_owned(), body: body.to_owned() }
    }

    fn decide(&self, body: &[u8]) -> Answer {
        self.send("POST", "/decide", body)
    }
}

/// The answer that the README shows for the command with this text in it.
fn readme(command: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut lines = text.lines().skip_while(|line| !(line.starts_with("$ ") && line.contains(command)));
    lines.nth(1).unwrap_or_else(|| panic!("the README has no command with {command}")).to_owned()
}

#[test]
fn it_answers_as_the_readme_says() {
    let service = start("readme");
    let allow = service.decide(&input("allow"));
    assert_eq!((allow.status, allow.body), (200, readme("inputs/allow.json")));
    let deny = service.decide(&input("deny-role"));
    assert_eq!((deny.status, deny.body), (200, readme("inputs/deny-role.json")));
    assert_eq!((deny.bundle.len(), &deny.bundle), (64, &allow.bundle));
    let malformed = service.decide(b"{\"actorRole\":");
    assert_eq!((malformed.status, malformed.body), (400, readme("'{\"actorRole\":'")));
    let swapped = service.send("PUT", "/bundle", &bundle("ed25519"));
    assert_eq!((swapped.status, swapped.body), (200, readme("-T bundle.tar.gz")));
    let mut tampered = bundle("ed25519");
    let middle = tampered.len() / 2;
    tampered[middle] ^= 1;
    let refused = service.send("PUT", "/bundle", &tampered);
    assert_eq!((refused.status, refused.body), (409, readme("-T tampered.tar.gz")));
    assert_eq!(refused.bundle, allow.bundle, "the one before stays");
    assert_eq!(service.decide(&input("allow")).body, readme("inputs/allow.json"));
}

#[test]
fn bundles_of_strangers_and_without_signature_are_refused() {
    let service = start("strangers");
    let unsigned = fs::read(root().join("runtime/engine/tests/bundles/agent-promotion.tar.gz")).unwrap();
    for (bytes, code) in [
        (bundle("other"), "govc_bundle_wrong_key"),
        (unsigned, "govc_bundle_unsigned"),
        (Vec::new(), "govc_bundle_gzip"),
    ] {
        let refused = service.send("PUT", "/bundle", &bytes);
        assert_eq!((refused.status, refused.body), (409, format!("{{\"bundle\":\"{code}\"}}")));
    }
    assert!(service.decide(&input("allow")).body.contains("ALLOW"));
}

#[test]
fn nonsense_is_denied() {
    let service = start("nonsense");
    assert_eq!(service.send("GET", "/", b"").status, 404);
    for path in ["/", "/decide/", "/bundle"] {
        assert!(service.send("POST", path, b"{}").body.contains("DENY"));
    }
    for body in [&b""[..], b"\xff\xfe", b"[", b"7", b"null", b"{}"] {
        assert!(service.decide(body).body.starts_with("{\"decision\":\"DENY\""));
    }
}

#[test]
fn bundles_are_exchanged_under_load() {
    let service = start("load");
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (allow, good) = (input("allow"), bundle("ed25519"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = service.decide(&allow);
                    assert_eq!(
                        (answer.status, answer.body.as_str()),
                        (200, "{\"decision\":\"ALLOW\",\"reasons\":[]}")
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..40 {
            let (bytes, status) =
                if round % 2 == 0 { (&good[..], 200) } else { (&good[..good.len() - 1], 409) };
            assert_eq!(service.send("PUT", "/bundle", bytes).status, status);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 0);
}
