//! Requests to a server of our own, which answers with what it was asked.
#![cfg(feature = "network")]

use govc_stdlib::network;
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
    let answer = network::send(heap, &[request]).map_err(|error| error.text().to_owned())?;
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
    let ask = |name: &str| network::look_up(heap, &[heap.string(name)]).map(json::to_string);
    assert_eq!(ask("10.0.0.1"), Ok(r#"["10.0.0.1"]"#.to_owned()));
    let local = ask("localhost").expect("an address");
    assert!(local.contains("127.0.0.1") || local.contains("::1"), "{local}");
}
