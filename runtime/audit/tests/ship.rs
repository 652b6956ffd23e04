//! Shipping: once, in order, whatever the receiver does meanwhile; and what an export says.
#![cfg(feature = "ship")]

use govc_audit::disk::MemoryDisk;
use govc_audit::event::{Kind, Personal, Verdict};
use govc_audit::outbox::{Destination, ShipError};
use govc_audit::ship::{Bucket, Folder, Webhook};
use govc_audit::{Event, Log, Options, Outbox, Reader, Signer, export};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const ORIGIN: &str = "example.com/audit";

fn log_of(disk: &MemoryDisk, events: u64) -> Reader {
    let signer = Signer::log(ORIGIN, &[7; 32]).expect("a key");
    let log = Log::open(disk.clone(), signer, Options::new(ORIGIN).segments_of(0)).expect("a log");
    let size = log.checkpoint().map_or(0, |signed| signed.checkpoint.size);
    for number in size..events {
        let _ = log.append(format!("{{\"n\":{number}}}").as_bytes()).expect("acknowledged");
    }
    log.publish().expect("published");
    Reader::at(Arc::new(disk.clone()), events)
}

fn outbox(disk: &MemoryDisk) -> Outbox {
    Outbox::new(Arc::new(disk.clone()), "outbox", ORIGIN, 100)
}

/// What came in: the line of the request, a header, the body.
type Requests = Arc<Mutex<Vec<(String, String, String)>>>;

/// A server that refuses a number of requests first.
fn server(refuse: u64) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Requests::default();
    let left = AtomicU64::new(refuse);
    std::thread::spawn({
        let requests = requests.clone();
        move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let head: Vec<String> = reader
                    .by_ref()
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let header = |name: &str| {
                    let found = head.iter().filter_map(|line| line.split_once(": "));
                    let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(name));
                    found.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
                };
                let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
                let _ = reader.read_exact(&mut body);
                let refused =
                    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
                if !refused {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    requests.lock().expect("no panic").push((
                        head[0].clone(),
                        header("idempotency-key"),
                        text,
                    ));
                }
                let status = if refused { "503 Away" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        }
    });
    (address, requests)
}

fn numbers(text: &str) -> Vec<u64> {
    text.lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["entry"]["n"].as_u64().expect("a number")
        })
        .collect()
}

#[test]
fn a_receiver_that_is_away_misses_nothing() {
    let (log, state) = (MemoryDisk::new(), MemoryDisk::new());
    let (address, requests) = server(3);
    let webhook = Webhook::new(ureq::Agent::new_with_defaults(), address, Some("Bearer x".to_owned()));
    for events in [250, 251, 700] {
        let reader = log_of(&log, events);
        while let Err(error) = outbox(&state).ship(&reader, &webhook) {
            assert!(matches!(error, ShipError::Receiver { .. }), "{error}");
        }
    }
    let requests = requests.lock().expect("no panic");
    let all: Vec<u64> = requests.iter().flat_map(|(_, _, body)| numbers(body)).collect();
    assert_eq!(all, (0..700).collect::<Vec<_>>());
    assert_eq!(requests[0].1, "example.com/audit/00000000000000000000-00000000000000000099");
    assert_eq!(outbox(&state).position(), Ok(700));
}

#[test]
fn a_batch_that_was_delivered_twice_replaces_itself() {
    let (log, state, away) = (MemoryDisk::new(), MemoryDisk::new(), MemoryDisk::new());
    let reader = log_of(&log, 250);
    let folder = Folder::new(Arc::new(away.clone()));
    assert_eq!(outbox(&state).ship(&reader, &folder), Ok(250));
    // As if the note of it had been lost.
    state.tamper("outbox", Some(b"100".to_vec()));
    assert_eq!(outbox(&state).ship(&reader, &folder), Ok(150));
    let files: Vec<String> = away.paths();
    assert_eq!(files.len(), 3, "{files:?}");
    let text: Vec<u8> = files.iter().filter_map(|path| away.content(path)).flatten().collect();
    assert_eq!(numbers(&String::from_utf8(text).expect("text")), (0..250).collect::<Vec<_>>());
    state.tamper("outbox", Some(b"300".to_vec()));
    assert!(matches!(outbox(&state).ship(&reader, &folder), Err(ShipError::Log(_))));
}

#[test]
fn a_bucket_gets_signed_objects() {
    let (address, requests) = server(0);
    let agent = ureq::Agent::new_with_defaults();
    let bucket =
        Bucket::new(agent, (&address, "eu-west-1"), ("logs", "audit/"), ("key", "secret")).expect("a bucket");
    assert!(!format!("{bucket:?}").contains("secret"));
    let reader = log_of(&MemoryDisk::new(), 10);
    assert_eq!(outbox(&MemoryDisk::new()).ship(&reader, &bucket), Ok(10));
    let requests = requests.lock().expect("no panic");
    let line = &requests[0].0;
    assert!(line.starts_with("PUT /logs/audit/00000000000000000000-00000000000000000009.jsonl?"), "{line}");
    assert!(line.contains("X-Amz-Signature=") && line.contains("eu-west-1"), "{line}");
    assert_eq!(numbers(&requests[0].2).len(), 10);
    let _: &dyn Destination = &bucket;
}

#[test]
fn an_export_leaves_nothing_out() {
    let mut event = Event::new(Kind::Authentication, Verdict::Failure);
    event.principals.caller = Some(Personal::text("alice"));
    event.outcome.reasons = vec!["wrong key".to_owned()];
    let told: Value = serde_json::from_str(&export::ocsf(7, &event.entry().expect("bytes"))).expect("JSON");
    assert_eq!(
        (&told["class_uid"], &told["type_uid"], &told["status"]),
        (&json!(3002), &json!(300_201), &json!("Failure"))
    );
    assert_eq!(told["actor"]["user"]["name"], "alice");
    assert_eq!(told["unmapped"]["event"], serde_json::to_value(&event).expect("JSON"));
    let foreign: Value = serde_json::from_str(&export::ocsf(8, b"not an event")).expect("JSON");
    assert_eq!((&foreign["raw_data"], &foreign["metadata"]["sequence"]), (&json!("not an event"), &json!(8)));
    assert_eq!(export::line(0, b"{\"a\":1}"), r#"{"entry":{"a":1},"index":0}"#);
}
