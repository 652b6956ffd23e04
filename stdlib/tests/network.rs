//! Requests to a server of our own, which answers with what it was asked.
#![cfg(feature = "network")]

use govc_stdlib::network::Network;
use govc_value::{Arena, Heap, SymbolTable, Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

/// Answers one request: its first line, its header `X-Test` and its body, as JSON with a type of its own.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().take(1) {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("the same connection"));
            let (mut first, mut length, mut header) = (String::new(), 0, String::new());
            reader.read_line(&mut first).expect("a line");
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                let Some((name, value)) = line.trim().split_once(": ") else { break };
                match name.to_lowercase().as_str() {
                    "content-length" => length = value.parse().expect("a length"),
                    "x-test" => value.clone_into(&mut header),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let body = String::from_utf8(body).expect("text");
            let answer = serde_json::json!({"line": first.trim(), "test": header, "body": body}).to_string();
            let head =
                "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nSet-Cookie: a\r\nSet-Cookie: b";
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).expect("written");
        }
    });
    format!("http://{address}")
}

fn send(request: &str) -> Result<serde_json::Value, String> {
    let arena = Arena::new(1 << 24);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let request: Value<'_> =
        json::read(heap, request.as_bytes(), &json::Limits::default()).expect("a request");
    let answer = Network::new().send(heap, &[request]).map_err(|error| error.text().to_owned())?;
    Ok(serde_json::from_str(&json::to_string(answer)).expect("JSON"))
}

#[test]
fn a_request_goes_out_and_its_answer_is_read() {
    let url = serve();
    let headers = r#"{"X-Test": "yes"}"#;
    let request =
        format!(r#"{{"method": "post", "url": "{url}/a b", "body": {{"x": [1]}}, "headers": {headers}}}"#);
    let answer = send(&request).expect("an answer");
    assert_eq!(answer["status"], "202 Accepted");
    assert_eq!(answer["status_code"], 202);
    assert_eq!(answer["body"]["line"], "POST /a%20b HTTP/1.1");
    assert_eq!(answer["body"]["test"], "yes");
    assert_eq!(answer["body"]["body"], r#"{"x":[1]}"#);
    assert_eq!(answer["headers"]["set-cookie"], serde_json::json!(["a", "b"]));
}

#[test]
fn faults_are_errors_or_values_as_the_request_wants() {
    let refused = "Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused";
    let error = send(r#"{"method": "get", "url": "http://127.0.0.1:1/"}"#);
    assert_eq!(error, Err(refused.to_owned()));
    let value =
        send(r#"{"method": "get", "url": "http://127.0.0.1:1/", "raise_error": false}"#).expect("a value");
    assert_eq!(value["status_code"], 0);
    assert_eq!(value["error"]["code"], "eval_http_send_network_error");
    assert_eq!(value["error"]["message"], refused);
    let scheme = send(r#"{"method": "get", "url": "ftp://x/"}"#);
    assert_eq!(scheme, Err("Get \"ftp://x/\": unsupported protocol scheme \"ftp\"".to_owned()));
    let key = send(r#"{"method": "get", "url": "https://127.0.0.1:1/", "tls_ca_cert": "x"}"#);
    assert_eq!(key, Err("could not append certificates".to_owned()));
}

#[test]
fn names_are_looked_up() {
    let arena = Arena::new(1 << 20);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let ask = |name: &str| Network::new().look_up(heap, &[heap.string(name)]).map(json::to_string);
    assert_eq!(ask("10.0.0.1"), Ok(r#"["10.0.0.1"]"#.to_owned()));
    let local = ask("localhost").expect("an address");
    assert!(local.contains("127.0.0.1") || local.contains("::1"), "{local}");
}

/// Answers every request with what `answer` makes of its head; both ends may be any kind of stream.
fn converse<S: Read + Write>(stream: S, answer: &dyn Fn(&str) -> String) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let answer = answer(&head);
    let stream = reader.get_mut();
    stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).expect("written");
}

fn plain(head: &str) -> String {
    let (lines, host) = (head.lines().next().unwrap_or_default(), header(head, "host"));
    let body = serde_json::json!({"line": lines, "host": host}).to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A server on a port of its own, until the test ends.
fn listen(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            converse(stream, &answer);
        }
    });
    port
}

fn send_over(network: &Network, request: serde_json::Value) -> Result<serde_json::Value, String> {
    let arena = Arena::new(1 << 24);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let request =
        json::read(heap, request.to_string().as_bytes(), &json::Limits::default()).expect("a request");
    let answer = network.send(heap, &[request]).map_err(|error| error.text().to_owned())?;
    Ok(serde_json::from_str(&json::to_string(answer)).expect("JSON"))
}

#[cfg(unix)]
#[test]
fn a_socket_stands_in_for_the_network() {
    let folder = std::env::temp_dir().join(format!("govc-socket-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let socket = folder.join("http.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            converse(stream, &plain);
        }
    });
    let escaped = socket.display().to_string().replace('/', "%2F");
    let url = format!("unix://localhost/end/point?b=2&socket={escaped}&a=1");
    let answer =
        send_over(&Network::new(), serde_json::json!({"method": "get", "url": url})).expect("an answer");
    assert_eq!(
        answer["body"],
        serde_json::json!({"line": "GET /end/point?a=1&b=2 HTTP/1.1", "host": "localhost"})
    );
    std::fs::remove_dir_all(&folder).expect("removed");
    let gone =
        send_over(&Network::new(), serde_json::json!({"method": "get", "url": url})).expect_err("nobody");
    let why = format!("Get \"{url}\": dial unix {}: connect: no such file or directory", socket.display());
    assert_eq!(gone, why);
}

/// A server that proves to be `policies.example`, and the certificate that says so.
fn listen_with_tls() -> (u16, String) {
    let made =
        rcgen::generate_simple_self_signed(vec!["policies.example".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            if stream.conn.complete_io(&mut stream.sock).is_ok() {
                converse(&mut stream, &plain);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (port, made.cert.pem())
}

#[test]
fn a_server_proves_the_name_that_the_request_gives() {
    let (port, certificate) = listen_with_tls();
    let url = format!("https://127.0.0.1:{port}/p");
    let ask = |more: serde_json::Value| {
        let mut request = serde_json::json!({"method": "get", "url": url, "tls_ca_cert": certificate});
        request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        send_over(&Network::new(), request).map(|answer| answer["body"].clone())
    };
    let own = format!("127.0.0.1:{port}");
    let named = ask(serde_json::json!({"tls_server_name": "policies.example"})).expect("an answer");
    assert_eq!(named, serde_json::json!({"line": "GET /p HTTP/1.1", "host": own}));
    let host = ask(serde_json::json!({"headers": {"Host": "policies.example"}})).expect("an answer");
    assert_eq!(host["host"], "policies.example");
    assert!(ask(serde_json::json!({})).is_err(), "the address is not what the server proves");
    assert!(ask(serde_json::json!({"tls_server_name": "other.example"})).is_err());
    let both =
        ask(serde_json::json!({"tls_server_name": "policies.example", "headers": {"Host": "x.example"}}));
    assert_eq!(both.expect("an answer")["host"], "x.example");
}

#[test]
fn only_allowed_hosts_are_asked() {
    let port = listen(plain);
    let network = Network::new().only(["127.0.0.1".to_owned()]);
    let ask = |url: &str, redirect: bool| {
        send_over(&network, serde_json::json!({"method": "get", "url": url, "enable_redirect": redirect}))
    };
    assert!(ask(&format!("http://127.0.0.1:{port}/"), false).is_ok());
    assert_eq!(
        ask(&format!("http://localhost:{port}/"), false),
        Err("disallowed host: localhost".to_owned())
    );
    let away = listen(move |_| {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: http://localhost:{port}/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
    });
    let led = ask(&format!("http://127.0.0.1:{away}/"), true).expect_err("led to another host");
    assert!(led.contains("disallowed host: localhost"), "{led}");
}

#[test]
fn answers_are_kept_as_long_as_request_and_response_say() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let port = listen(move |head| {
        let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
        let now = httpdate::fmt_http_date(std::time::SystemTime::now());
        let path = head.split(' ').nth(1).unwrap_or_default();
        let told = match path {
            "/minute" => "Cache-Control: max-age=60\r\n",
            "/never" => "Cache-Control: no-store, max-age=60\r\n",
            "/tag" => "ETag: \"v1\"\r\nCache-Control: max-age=0\r\n",
            "/expired" => "Expires: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            _ => "",
        };
        let status = match header(head, "if-none-match") {
            Some("\"v1\"") => "304 Not Modified",
            _ => "200 OK",
        };
        let body = if status.starts_with("304") { String::new() } else { nth.to_string() };
        format!(
            "HTTP/1.1 {status}\r\nDate: {now}\r\n{told}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let network = Network::new();
    let ask = |path: &str, more: serde_json::Value| {
        let mut request =
            serde_json::json!({"method": "get", "url": format!("http://127.0.0.1:{port}{path}")});
        request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        send_over(&network, request).map(|answer| answer["raw_body"].as_str().unwrap_or_default().to_owned())
    };
    let cache = || serde_json::json!({"cache": true});
    let twice = |path: &str, more: serde_json::Value| {
        let before = asked.load(Ordering::SeqCst);
        let first = ask(path, more.clone()).expect("an answer");
        let second = ask(path, more).expect("an answer");
        (asked.load(Ordering::SeqCst) - before, first == second)
    };
    assert_eq!(twice("/minute", serde_json::json!({})), (2, false), "nobody asked to keep it");
    assert_eq!(twice("/minute", cache()), (1, true));
    assert_eq!(twice("/never", cache()), (2, false));
    assert_eq!(twice("/expired", cache()), (2, false));
    assert_eq!(twice("/tag", cache()), (2, true), "asked again, but nothing has changed");
    let forced = serde_json::json!({"force_cache": true, "force_cache_duration_seconds": 60});
    assert_eq!(twice("/never", forced), (1, true));
    let missing = ask("/x", serde_json::json!({"force_cache": true}));
    let why = "'force_cache' set but 'force_cache_duration_seconds' parameter is missing";
    assert_eq!(missing, Err(why.to_owned()));
    let header = |value: &str| serde_json::json!({"cache": true, "headers": {"X-Id": value}, "cache_ignored_headers": ["X-Id"]});
    let (one, two) = (ask("/minute", header("1")), ask("/minute", header("2")));
    assert_eq!(one, two, "the header does not matter");
}
