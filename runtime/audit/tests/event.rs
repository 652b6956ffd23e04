//! The event: its published schema, what maps into it, what never enters it, what can be erased.

use govc_audit::disk::MemoryDisk;
use govc_audit::event::{
    Admission, Code, Digest, Kind, Personal, PolicyCheck, SCHEMA, Source, TraceId, Verdict, from_admission,
    from_agent_safe, from_chain, from_security, from_tool_call, to_admission, to_agent_safe, to_chain,
    to_security, to_tool_call,
};
use govc_audit::{Disk, Event, Log, Options, Reader, Signer, Vault, verify};
use serde_json::{Value, json};
use std::sync::Arc;

/// An event with every member.
fn full() -> Event {
    let mut event = Event::coded(Code::PromotionDenied);
    let text = |text: &str| Some(text.to_owned());
    event.tenant = text("acme");
    event.workspace = text("w1");
    event.principals.caller = Some(Personal::text("alice"));
    event.principals.on_behalf_of = Some(Personal::text("bob"));
    event.principals.delegation = vec![Personal::Commitment(Digest::of(b"x"))];
    event.agent = text("agent-1");
    event.session = text("s-1");
    event.action = text("query");
    event.target = text("db");
    event.arguments = Some(Personal::Value(json!({"sql": "select 1"})));
    event.arguments_digest = Some(Digest::of(b"arguments"));
    event.outcome.reasons = vec!["too warm".to_owned()];
    event.outcome.error_codes = vec!["TEMPERATURE_VIOLATION".to_owned()];
    event.outcome.counts.insert("rows".to_owned(), -1);
    let check = PolicyCheck { policy: "p".to_owned(), result: "denied".to_owned(), reason: text("r") };
    event.policy_checks = vec![check];
    event.risk = serde_json::from_value(json!({"class": "low", "effective": "high"})).ok();
    event.bundle_digest = Some(Digest::of(b"bundle"));
    event.input_digest = Some(Digest::of(b"input"));
    event.spec_digest = Some(Digest::of(b"spec"));
    event.ticket_id = text("T-1");
    event.latency_us = Some(u64::MAX);
    event.reasoning_trace = Some(Personal::text("because"));
    event.details = Some(Personal::Value(Value::Null));
    let mut source = Source::new("system", "kind");
    (source.verdict, source.hash, source.previous) = (text("v"), text("h"), text("p"));
    event.source = Some(source);
    event
}

/// All documents that differ from one in a single place.
fn mutants(value: &Value) -> Vec<Value> {
    let mut all = vec![json!(null), json!(7), json!("text"), json!([]), json!({}), json!(true), json!(-1.5)];
    match value {
        Value::Object(members) => {
            let with = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut members = members.clone();
                change(&mut members);
                Value::Object(members)
            };
            all.push(with(&|members| drop(members.insert("unknown".to_owned(), json!(1)))));
            for (name, member) in members {
                all.push(with(&|members| drop(members.remove(name))));
                all.extend(
                    mutants(member)
                        .into_iter()
                        .map(|mutant| with(&|members| drop(members.insert(name.clone(), mutant.clone())))),
                );
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                all.extend(mutants(item).into_iter().map(|mutant| {
                    let mut items = items.clone();
                    items[at] = mutant;
                    Value::Array(items)
                }));
            }
        }
        Value::String(text) => {
            all.extend([json!(text.to_uppercase()), json!(format!("{text}0")), json!(text.get(1..))]);
        }
        _ => {}
    }
    all
}

#[test]
fn the_published_schema_and_the_type_agree() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let event = serde_json::to_value(full()).expect("JSON");
    assert!(validator.is_valid(&event), "{:?}", validator.iter_errors(&event).next().map(|e| e.to_string()));
    let members = schema["properties"].as_object().expect("an object");
    let missing: Vec<_> = members.keys().filter(|name| event.get(name.as_str()).is_none()).collect();
    assert!(missing.is_empty(), "the schema has {missing:?}, the type has not");
    let mutants = mutants(&event);
    assert!(mutants.len() > 500);
    for mutant in mutants {
        let read = serde_json::from_value::<Event>(mutant.clone());
        assert_eq!(validator.is_valid(&mutant), read.is_ok(), "{mutant}\n{read:?}");
    }
    for code in Code::ALL {
        let event = serde_json::to_value(Event::coded(*code)).expect("JSON");
        assert!(validator.is_valid(&event), "{}", code.text());
    }
    assert_eq!(schema["properties"]["code"]["enum"].as_array().map(Vec::len), Some(Code::ALL.len()));
}

#[test]
fn an_event_is_read_as_it_was_written() {
    let event = full();
    assert_eq!(Event::read(&event.entry().expect("bytes")), Ok(event));
    let other = Event::read(br#"{"version":2,"event_id":"a"}"#);
    assert!(other.is_err());
}

#[test]
fn a_member_that_stands_twice_is_refused_wherever_it_stands() {
    let text = serde_json::to_string(&full()).unwrap();
    let once = serde_json::from_str::<Value>(&text).unwrap();
    let mut names = 0;
    for (at, _) in text.match_indices("\":") {
        let start = text[..at].rfind('"').unwrap();
        let name = &text[start..=at];
        let twice = format!("{}{name}:null,{}", &text[..start], &text[start..]);
        // Whoever reads less strictly takes the last, and sees the event.
        assert_eq!(serde_json::from_str::<Value>(&twice).unwrap(), once);
        assert!(Event::read(twice.as_bytes()).is_err(), "{name}");
        names += 1;
    }
    assert!(names > 30, "{names}");
}

#[test]
fn an_admission_goes_there_and_back() {
    let codes = Code::ALL.iter().filter(|code| code.meaning().0 == Kind::Admission);
    for code in codes {
        let allowed = *code == Code::AdmissionAllow;
        let admission = Admission {
            agent_id: "a".to_owned(),
            workspace_id: "w".to_owned(),
            decision: if allowed { "allow" } else { "deny" }.to_owned(),
            reason: "as it is".to_owned(),
            error_codes: if allowed { Vec::new() } else { vec![code.text().to_owned()] },
        };
        let event = from_admission(&admission).expect("an admission");
        assert_eq!(event.code, Some(*code));
        assert_eq!(
            to_admission(&Event::read(&event.entry().expect("bytes")).expect("read")),
            Ok(admission.clone())
        );
        let wrong = Admission { decision: if allowed { "deny" } else { "allow" }.to_owned(), ..admission };
        assert!(from_admission(&wrong).is_err());
    }
    // Those of promotions and policies, which are no admissions.
    for code in [
        "PROMOTION_ATTEMPT",
        "PROMOTION_DENIED",
        "PROMOTION_SUCCESS",
        "POLICY_HOTRELOAD",
        "POLICY_REVALIDATION",
    ] {
        let event = Event::coded(Code::parse(code).expect("a code"));
        let read = Event::read(&event.entry().expect("bytes")).expect("read");
        assert_eq!(read.code.map(Code::text), Some(code));
        assert!(to_admission(&read).is_err());
    }
}

/// There, through the bytes of the log, and back.
fn round_trip<E: std::fmt::Debug>(
    records: &[Value],
    into: impl Fn(&Value) -> Result<Event, E>,
    back: impl Fn(&Event) -> Result<Value, E>,
) {
    for record in records {
        let event = into(record).expect("an event");
        let read = Event::read(&event.entry().expect("bytes")).expect("read");
        assert_eq!(&back(&read).expect("the way back"), record);
        let mut more = record.clone();
        more["unknown"] = json!(1);
        assert!(into(&more).is_err(), "a member was lost: {more}");
    }
}

#[test]
fn events_of_other_systems_go_there_and_back() {
    let security = [
        json!({"event_type": "authentication", "user_id": "u", "success": false, "ip_address": "192.0.2.1", "timestamp": "2026-03-02T09:00:00.123456"}),
        json!({"event_type": "agent_invocation", "user_id": "u", "agent_arn": "arn:aws:x", "session_id": "s", "success": true, "timestamp": "2026-03-02T09:00:00"}),
        json!({"event_type": "security_violation", "user_id": "u", "violation_type": "injection", "details": {"field": "prompt"}, "timestamp": "2026-03-02T09:00:00"}),
    ];
    round_trip(&security, from_security, to_security);
    let call = json!({
        "timestamp": "2024-01-15T10:30:00Z", "agent_id": "a", "user_id": "u", "session_id": "s",
        "event_type": "tool_call", "tool": "query", "arguments": {"sql": "select"},
        "result": {"status": "success", "rows_returned": 1500},
        "policy_checks": [{"policy": "data_access", "result": "allowed", "reason": "may read"}],
        "reasoning_trace": "...",
    });
    round_trip(&[call], from_tool_call, to_tool_call);
    let link = |kind: &str, outcome: &str, latency: Value| {
        json!({
            "id": "e", "event_type": kind, "timestamp": "2026-03-02T09:00:00Z", "correlation_id": "c",
            "principal_chain": ["root", "agent", "tool"], "outcome": outcome, "latency_ms": latency,
            "integrity_hash": "ab",
        })
    };
    let chain = [
        link("authorization", "allow", json!(12)),
        link("integration_request", "requested", json!(1.5)),
        link("integration_approval", "approved", json!(0)),
        link("revocation_request", "success", json!(3)),
        link("revocation_propagated", "done", Value::Null),
    ];
    round_trip(&chain, from_chain, to_chain);
}

#[test]
fn events_of_agent_safe_go_there_and_back() {
    let event = |kind: &str, decision: &str, context: Value| {
        json!({
            "event_id": "evt-0123456789ab", "timestamp": "2026-03-02T09:00:00Z", "prev_hash": "0", "entry_hash": "1",
            "event_type": kind, "action": "restart", "target": "dev/app", "caller": "a", "params": {"n": 1.5},
            "decision": decision, "reason": "because", "policy_matched": null, "risk_class": "medium",
            "effective_risk": "low", "correlation_id": null, "ticket_id": "T-1", "context": context,
        })
    };
    let records = [
        event("decision", "require_approval", Value::Null),
        event("state_capture", "captured", json!({"before": {"replicas": 3}})),
        event("execution", "success", json!({"duration_ms": 12})),
    ];
    round_trip(&records, from_agent_safe, to_agent_safe);
}

#[test]
fn secrets_and_tokens_do_not_enter() {
    let token = ["eyJhbGciOiJub25lIn0", "eyJzdWIiOiJhIn0", "c2lnbmF0dXJl"].join(".");
    let key =
        ["-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEIA", "-----END PRIVATE KEY-----"].join("\n");
    let cloud = format!("AKIA{}", "A".repeat(16));
    let mut event = full();
    event.principals.caller = Some(Personal::text(&token));
    event.outcome.reasons = vec![format!("the caller `x` sent \"Bearer {token}\""), format!("key:\n{key}")];
    event.arguments =
        Some(Personal::Value(json!({"password": "hunter2", "nested": [{"Api-Key": "0123"}], "id": cloud})));
    event.details = Some(Personal::text(format!("https://example.com/?access={token}&x=1")));
    let text = String::from_utf8(event.entry().expect("bytes")).expect("text");
    for secret in [token.as_str(), "hunter2", "0123\"", &cloud, "MC4CAQAwBQYDK2VwBCIEIA", "c2lnbmF0dXJl"] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
    // What only looks a little like one stays.
    let mut plain = Event::new(Kind::Decision, Verdict::Allow);
    plain.target = Some("www.example.com/a.b.c?tokens=3".to_owned());
    plain.outcome.reasons = vec!["the password policy of sk-1 applies".to_owned()];
    assert_eq!(Event::read(&plain.entry().expect("bytes")), Ok(plain));
}

#[test]
fn a_trace_is_taken_from_the_caller_or_made() {
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = TraceId::of_traceparent(header).expect("a trace");
    assert_eq!(trace.text(), "4bf92f3577b34da6a3ce929d0e0e4736");
    for wrong in [
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert_eq!(TraceId::of_traceparent(wrong), None, "{wrong}");
    }
    assert_ne!(TraceId::made(), TraceId::made());
}

#[test]
fn erased_values_are_gone_and_proofs_still_hold() {
    let disk = MemoryDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let vault = Vault::new(shared.clone());
    let log =
        Log::open(disk.clone(), Signer::log("o", &[7; 32]).expect("a key"), Options::new("o").segments_of(0));
    let log = log.expect("a log");
    let mut commitments = Vec::new();
    for number in 0..100 {
        let mut event = Event::new(Kind::Authentication, Verdict::Success);
        event.principals.caller = Some(Personal::text(format!("person-{number}@example.com")));
        vault.seal(&mut event).expect("sealed");
        let _ = log.append(&event.entry().expect("bytes")).expect("acknowledged");
        let Some(Personal::Commitment(commitment)) = event.principals.caller else { panic!("not sealed") };
        commitments.push(commitment);
    }
    log.publish().expect("published");
    let told = |number: usize| {
        let reader = Reader::at(shared.clone(), 100);
        let mut event = Event::read(&reader.entry(number as u64).expect("an entry")).expect("an event");
        vault.open(&mut event).expect("opened");
        event.principals.caller.and_then(|caller| caller.as_text().map(str::to_owned))
    };
    assert_eq!(told(41).as_deref(), Some("person-41@example.com"));
    for commitment in &commitments[..50] {
        assert_eq!(vault.erase(commitment), Ok(true));
        assert_eq!(vault.erase(commitment), Ok(false));
    }
    assert_eq!((told(41), told(51).as_deref()), (None, Some("person-51@example.com")));
    let left = disk.paths().iter().filter_map(|path| disk.content(path)).flatten().collect::<Vec<u8>>();
    assert!(!left.windows(21).any(|window| window == b"person-41@example.com"));
    let whole = verify(&shared, "o", log.verifier(), &[], 1).expect("whole");
    assert_eq!(whole.entries, 100);
}
