//! `govc audit` over a signed log: what it records, proves and refuses.

#[path = "support/log.rs"]
mod support;

use support::{append, audit, event, govc, prepared};

const KEY: [&str; 2] = ["--verification-key", "keys/public.pem"];

fn with_key<'w>(words: &[&'w str]) -> Vec<&'w str> {
    words.iter().chain(&KEY).copied().collect()
}

#[test]
fn a_log_is_verified_against_what_was_seen() {
    let folder = prepared();
    let folder = folder.path();
    append("log", "event", 300, folder);
    let verify = with_key(&["verify", "log", "--state", "seen"]);
    let (good, told) = audit(&verify, folder);
    assert!(good && told.contains("\"entries\": 300") && told.contains("govc/audit\\n300\\n"), "{told}");
    append("log", "event", 10, folder);
    assert!(audit(&verify, folder).0);
    let (good, told) = audit(&with_key(&["consistency", "log", "seen"]), folder);
    assert!(good, "{told}");

    // Another log with the same key, as long as the first was.
    append("other", "other", 400, folder);
    let (good, told) = audit(&with_key(&["verify", "other", "--state", "seen"]), folder);
    assert!(!good && told.contains("not those that were seen before"), "{told}");
    append("short", "event", 5, folder);
    let (good, told) = audit(&with_key(&["verify", "short", "--state", "seen"]), folder);
    assert!(!good && told.contains("govc_audit_rollback"), "{told}");
    let (good, told) = audit(&["verify", "log"], folder);
    assert!(!good && told.contains("--verification-key"), "{told}");
}

#[test]
fn the_first_bad_entry_is_named() {
    let folder = prepared();
    let folder = folder.path();
    append("log", "event", 300, folder);
    let bundle = folder.join("log/tile/entries/000");
    let text = std::fs::read(&bundle).unwrap();
    let at = text.windows(8).position(|window| window == b"event-42").unwrap() + 7;
    let mut changed = text.clone();
    changed[at] = b'9';
    std::fs::write(&bundle, changed).unwrap();
    let (good, told) = audit(&with_key(&["verify", "log"]), folder);
    assert!(!good && told.contains("entry 42: the entry was changed"), "{told}");
    let (good, told) = audit(&with_key(&["prove", "log", "42"]), folder);
    assert!(!good && told.contains("entry 42"), "{told}");
    std::fs::write(&bundle, text).unwrap();
    assert!(audit(&with_key(&["verify", "log"]), folder).0);
}

#[test]
fn an_entry_is_proved_and_a_checkpoint_witnessed() {
    let folder = prepared();
    let folder = folder.path();
    append("log", "event", 300, folder);
    let (good, proof) = audit(&with_key(&["prove", "log", "42"]), folder);
    assert!(good && proof.starts_with("c2sp.org/tlog-proof@v1\nindex 42\n"), "{proof}");
    std::fs::write(folder.join("proof"), proof).unwrap();
    std::fs::write(folder.join("entry"), event("event", 42) + "\n").unwrap();
    std::fs::write(folder.join("another"), event("event", 43) + "\n").unwrap();
    assert_eq!(
        audit(&with_key(&["prove", "entry", "--check", "proof"]), folder),
        (true, "entry 42 of 300\n".to_owned())
    );
    assert!(!audit(&with_key(&["prove", "another", "--check", "proof"]), folder).0);

    assert!(govc(&["keygen", "witness"], "", folder).status.success());
    let words =
        ["witness", "log", "--signing-key", "witness/private.pem", "--name", "w.example", "--state", "w"];
    let (good, note) = audit(&with_key(&words), folder);
    assert!(
        good && note.contains("\n\u{2014} govc/audit ") && note.contains("\n\u{2014} w.example "),
        "{note}"
    );

    let (_, shown) = audit(&with_key(&["show", "log", "--from", "254", "--count", "4"]), folder);
    let expected: String = (254..258).map(|number| event("event", number) + "\n").collect();
    assert_eq!(shown, expected);
    let (_, shown) = audit(&with_key(&["tail", "log", "-n", "1"]), folder);
    assert_eq!(shown, event("event", 299) + "\n");
}

#[test]
fn entries_are_shipped_once_and_exported() {
    let folder = prepared();
    let folder = folder.path();
    append("log", "event", 300, folder);
    let ship = with_key(&["ship", "log", "--to", "shipped", "--batch", "200"]);
    assert_eq!(audit(&ship, folder), (true, "300 of 300 delivered\n".to_owned()));
    assert_eq!(audit(&ship, folder), (true, "0 of 300 delivered\n".to_owned()));
    let shipped =
        std::fs::read_to_string(folder.join("shipped/00000000000000000200-00000000000000000299.jsonl"));
    assert!(shipped.unwrap().starts_with(&format!("{{\"entry\":{},\"index\":200}}\n", event("event", 200))));
    let (good, told) =
        audit(&with_key(&["ship", "log", "--to", "http://127.0.0.1:9/", "--state", "other"]), folder);
    assert!(!good && told.contains("entries from 0 on were not delivered"), "{told}");
    let (good, told) = audit(&with_key(&["export", "log", "--format", "ocsf", "--from", "299"]), folder);
    assert!(good && told.lines().count() == 1 && told.contains("\"uid\":\"event-299\""), "{told}");
}

/// Who asks for some events gets those, and only those, that somebody finds who reads all of them.
#[test]
fn events_are_found_by_agent_workspace_and_code() {
    let folder = prepared();
    let folder = folder.path();
    let codes = ["ADMISSION_ALLOW", "ADMISSION_DENY_SIGNER_REVOKED"];
    let line = |n: usize| {
        let (verdict, code) = (["allow", "deny"][n % 2], codes[n % 2]);
        format!(
            "{{\"agent\":\"{}\",\"code\":\"{code}\",\"correlation_id\":\"c\",\"event_id\":\"e-{n}\",\
             \"outcome\":{{\"verdict\":\"{verdict}\"}},\"time\":\"2026-01-02T03:04:05Z\",\"type\":\"admission\",\
             \"version\":1,\"workspace\":\"w{}\"}}\n",
            n % 7,
            n % 3
        )
    };
    let lines: String = (0..600).map(line).collect();
    let done = govc(&["audit", "append", "log", "--signing-key", "keys/private.pem"], &lines, folder);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let show = |wanted: &[&str]| {
        let (good, told) = audit(&with_key(&[&["show", "log"], wanted].concat()), folder);
        assert!(good, "{told}");
        told
    };
    let scan = |keep: &dyn Fn(usize) -> bool| (0..600).filter(|n| keep(*n)).map(line).collect::<String>();
    assert_eq!(show(&[]), lines);
    assert_eq!(show(&["--agent", "5"]), scan(&|n| n % 7 == 5));
    assert_eq!(show(&["--agent", "5", "--workspace", "w1"]), scan(&|n| n % 7 == 5 && n % 3 == 1));
    assert_eq!(show(&["--code", codes[1], "--from", "300"]), scan(&|n| n % 2 == 1 && n >= 300));
    let three = [260, 274, 288];
    assert_eq!(
        show(&["--agent", "1", "--code", codes[0], "--from", "250", "--count", "3"]),
        scan(&|n| three.contains(&n))
    );
    assert_eq!(show(&["--agent", "", "--count", "3"]), "");
}

#[test]
fn only_events_of_the_schema_are_recorded() {
    let folder = prepared();
    let folder = folder.path();
    let lines = format!("{}\n{{\"event_id\":\"x\"}}\n", event("event", 0));
    let output = govc(&["audit", "append", "log"], &lines, folder);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n", "what came before is recorded");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("govc_audit_event: line 2"), "{told}");
}

#[test]
fn a_log_without_a_key_makes_its_own() {
    let folder = prepared();
    let folder = folder.path();
    std::thread::scope(|scope| {
        for word in ["a", "b", "c", "d"] {
            scope.spawn(move || {
                let output = govc(&["audit", "append", "log"], &event(word, 0), folder);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            });
        }
    });
    let (good, told) = audit(&["verify", "log"], folder);
    assert!(good && told.contains("\"entries\": 4"), "{told}");
    // The heads that it has had are known to it, others are not.
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let head = told["head"].as_str().unwrap();
    assert!(govc(&["audit", "append", "log"], &event("e", 0), folder).status.success());
    assert!(audit(&["verify", "log", "--head", head], folder).0);
    let (good, told) = audit(&["verify", "log", "--head", &head.replace(&head[..1], "x")], folder);
    assert!(!good && told.contains("govc_audit_fork"), "{told}");
    let other =
        govc(&["audit", "append", "log", "--signing-key", "keys/private.pem"], &event("f", 0), folder);
    assert!(!other.status.success(), "another key is not the log's");
}

#[test]
fn a_proof_travels_with_the_evidence_that_it_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    assert!(govc(&["tour", "--keep", "."], "", folder.path()).status.success());
    let folder = folder.path();
    let run = |words: &[&str]| {
        let output = govc(words, "", folder);
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let gathered = run(&["proof", "bundle", "promotion.json", "--log", "audit", "-o", "recorded.json"]);
    assert!(gathered.0 && gathered.1.contains("\"index\""), "{}", gathered.1);
    let other = run(&["proof", "bundle", "proof.json", "--log", "audit", "-o", "other.json"]);
    assert!(other.0, "{}", other.1);
    // Whoever has the file and the two keys needs neither the log nor us.
    std::fs::rename(folder.join("audit"), folder.join("away")).unwrap();
    let trusted = ["-b", "bundle.tar.gz", "--verification-key", "keys/public.pem"];
    let check =
        |file: &str, key: &str| run(&[&["proof", "check", file, "--log-key", key][..], &trusted].concat());
    let log_key = "away/key/public.pem";
    let (good, told) = check("recorded.json", log_key);
    assert!(good && told.contains("\"recorded\""), "{told}");
    let (good, told) = check("recorded.json", "keys/public.pem");
    assert!(!good && told.contains("govc_proof_record"), "{told}");

    let text = std::fs::read_to_string(folder.join("recorded.json")).unwrap();
    let refused = |changed: String, code: &str| {
        assert!(changed != text, "nothing was changed");
        std::fs::write(folder.join("changed.json"), changed).unwrap();
        let (good, told) = check("changed.json", log_key);
        assert!(!good && told.contains(code), "{told}");
    };
    refused(text.replace("\"verdict\":\"allow\"", "\"verdict\":\"deny\""), "govc_proof_record");
    // The proof of one decision beside the record of another.
    let own = |text: &str| {
        text.split_once(",\"entry\":").map(|(proof, record)| (proof.to_owned(), record.to_owned()))
    };
    let (_, record) = own(&std::fs::read_to_string(folder.join("other.json")).unwrap()).unwrap();
    let (proof, _) = own(&text).unwrap();
    refused(format!("{proof},\"entry\":{record}"), "govc_proof_other_record");
    let missing = run(&["proof", "bundle", "example.json", "--log", "away", "-o", "none.json"]);
    assert!(!missing.0 && missing.1.contains("govc_proof_not_recorded"), "{}", missing.1);
}
