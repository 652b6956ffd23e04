//! Decisions: results, effects, reasons, errors, outside answers, threads, exchange.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{compiled, policy, signed, signing, verifying};
use govc_engine::{
    BundleSpec, DecideError, Decision, Effect, Engine, Host, HostError, Limits, LoadError, Policy,
    PolicyHandle, Query, Scratch, SystemHost, Trust, build_bundle, canonical_json, sha256_hex, sign_bundle,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn ask(entrypoint: &str) -> Decision {
    let name = format!("verdicts/{entrypoint}");
    policy("verdicts").decide(&mut Scratch::new(), &Query::new(&name).input_json(b"{}"))
}

fn ask_with(entrypoint: &str, input: &Value, host: &dyn Host) -> Decision {
    let name = format!("verdicts/{entrypoint}");
    policy("verdicts").decide(&mut Scratch::new(), &Query::new(&name).input(input).host(host))
}

fn result(decision: &Decision) -> Value {
    decision.result().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

#[test]
fn effects_follow_the_table() {
    let table = [
        ("yes", Effect::Allow, &[][..]),
        ("no", Effect::Deny, &[]),
        ("maybe", Effect::Deny, &["the entrypoint is undefined"]),
        ("number", Effect::Deny, &["the result is no verdict"]),
        ("text", Effect::Deny, &["the result is no verdict"]),
        ("empty", Effect::Deny, &["the result has no verdict"]),
        ("says", Effect::Deny, &["the result is no verdict"]),
        ("allow", Effect::Allow, &[]),
        ("deny", Effect::Deny, &["a", "b"]),
        ("objects", Effect::Deny, &["one", "two", "three", "{\"other\":4}"]),
        ("approve", Effect::RequireApproval, &["prod"]),
        ("lower", Effect::RequireApproval, &[]),
        ("spelled", Effect::Deny, &["the result has no verdict"]),
        ("unknown", Effect::Deny, &["the result has no verdict"]),
        ("contradicts", Effect::Deny, &["but no", "the result contradicts itself"]),
        ("disagrees", Effect::Deny, &["the result has no verdict"]),
        ("text_allow", Effect::Deny, &["the result has no verdict"]),
        ("null_allow", Effect::Deny, &["the result has no verdict"]),
    ];
    for (entrypoint, effect, reasons) in table {
        let decision = ask(entrypoint);
        assert_eq!(decision.effect(), effect, "{entrypoint}");
        assert_eq!(decision.reasons(), reasons, "{entrypoint}");
        assert_eq!(decision.error(), None, "{entrypoint}");
    }
}

#[test]
fn warnings_and_obligations_come_through() {
    let decision = ask("allow");
    assert_eq!(decision.warnings(), ["soon"]);
    let obligations: Vec<&str> = decision.obligations().iter().map(|raw| raw.get()).collect();
    assert_eq!(obligations.len(), 2);
    assert_eq!(serde_json::from_str::<Value>(obligations[0]).unwrap(), json!({"type": "log", "n": 1.5}));
    assert_eq!(obligations[1], "\"notify\"");
}

#[test]
fn the_result_is_json_or_a_type_of_the_embedder() {
    #[derive(serde::Deserialize, PartialEq, Debug)]
    struct Verdict {
        allow: bool,
        denies: Vec<String>,
    }
    let decision = ask("deny");
    assert_eq!(decision.result(), Some(r#"{"allow":false,"denies":["a","b"]}"#));
    let typed: Verdict = decision.result_as().unwrap();
    assert_eq!(typed, Verdict { allow: false, denies: vec!["a".to_owned(), "b".to_owned()] });
    assert!(ask("maybe").result_as::<bool>().is_err());
    assert_eq!(result(&ask("limit")), json!(3));
}

#[test]
fn input_is_bytes_or_anything_that_serializes() {
    let policy = policy("verdicts");
    let mut scratch = Scratch::new();
    let value = json!({"x": 1, "nested": ["é", null]});
    let bytes = br#"{ "nested": ["\u00e9", null], "x": 1.0 }"#;
    let by_value = policy.decide(&mut scratch, &Query::new("verdicts/maybe").input(&value));
    let by_bytes = policy.decide(&mut scratch, &Query::new("verdicts/maybe").input_json(bytes));
    assert!(by_value.is_allow() && by_bytes.is_allow());
    assert_eq!(by_value.input_digest(), by_bytes.input_digest());
    let expected = sha256_hex(&canonical_json(value.to_string().as_bytes()).unwrap());
    assert_eq!(by_value.input_digest(), Some(expected.as_str()));
    let none = policy.decide(&mut scratch, &Query::new("verdicts/maybe"));
    assert_eq!((none.effect(), none.input_digest()), (Effect::Deny, None));
}

#[test]
fn handles_are_resolved_once_and_bound_to_their_bundle() {
    let verdicts = policy("verdicts");
    let yes = verdicts.entrypoint("verdicts/yes").unwrap();
    assert_eq!(yes.name(), "verdicts/yes");
    let mut scratch = Scratch::new();
    assert!(verdicts.decide(&mut scratch, &Query::at(&yes)).is_allow());
    assert!(verdicts.clone().decide(&mut scratch, &Query::at(&yes)).is_allow());
    let refused = policy("agent-promotion").decide(&mut scratch, &Query::at(&yes));
    assert_eq!(refused.effect(), Effect::Deny);
    assert_eq!(refused.error(), Some(&DecideError::Handle));
    assert_eq!(verdicts.entrypoint("verdicts/nothing"), None);
}

#[test]
fn every_error_denies_and_says_so() {
    let policy = policy("verdicts");
    let mut scratch = Scratch::new();
    let mut check = |query: Query<'_>, code: &str| {
        let decision = policy.decide(&mut scratch, &query);
        assert_eq!(decision.effect(), Effect::Deny, "{code}");
        let error = decision.error().unwrap_or_else(|| panic!("{code}: {decision:?}"));
        assert_eq!(error.code(), code);
        assert_eq!(decision.reasons(), [error.to_string()]);
        assert_eq!(decision.result(), None);
        let shown: Value = serde_json::from_str(&decision.to_json()).unwrap();
        assert_eq!(shown["decision"], "DENY");
        assert_eq!(shown["error"]["code"], code);
    };
    check(Query::new("verdicts/nothing"), "govc_decide_entrypoint");
    check(Query::new(""), "govc_decide_entrypoint");
    for text in [&b""[..], b"{", b"nul", b"{} {}", b"\xff", b"\"\\ud800\"", b"{\"a\":1e999999999999}"] {
        check(Query::new("verdicts/yes").input_json(text), "govc_decide_input");
    }
    check(Query::new("verdicts/conflict").input(&json!({"x": 1, "y": 1})), "eval_conflict_error");
    check(Query::new("verdicts/now"), "govc_decide_unavailable");
    let unwritable = std::collections::BTreeMap::from([(vec![1], 2)]);
    check(Query::new("verdicts/yes").input(&unwritable), "govc_decide_serialize");
}

#[test]
fn limits_deny_with_their_own_codes() {
    let policy = policy("verdicts");
    let mut scratch = Scratch::new();
    let mut code = |entrypoint: &str, change: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        let name = format!("verdicts/{entrypoint}");
        let decision =
            policy.decide(&mut scratch, &Query::new(&name).input_json(br#"{"x":[[[1]]]}"#).limits(limits));
        assert_eq!(decision.effect(), Effect::Deny);
        decision.error().map(|error| error.code().to_owned()).unwrap_or_default()
    };
    assert_eq!(code("endless", &|l| l.fuel = 10_000), "govc_limit_fuel");
    assert_eq!(code("endless", &|l| l.time = Some(std::time::Duration::from_millis(20))), "govc_limit_time");
    assert_eq!(code("large", &|l| l.memory = 100_000), "govc_limit_memory");
    assert_eq!(code("large", &|l| l.result_bytes = 1000), "govc_decide_result");
    assert_eq!(code("yes", &|l| l.input_bytes = 5), "govc_decide_input");
    assert_eq!(code("yes", &|l| l.input_depth = 2), "govc_decide_input");
    // After every error the same scratch decides as if nothing had been.
    assert!(policy.decide(&mut scratch, &Query::new("verdicts/yes")).is_allow());
}

#[test]
fn the_world_is_off_unless_handed_in() {
    for entrypoint in ["now", "dice"] {
        assert_eq!(ask(entrypoint).effect(), Effect::Deny);
        assert_eq!(ask_with(entrypoint, &json!({}), &SystemHost::new()).effect(), Effect::Deny);
    }
    let decision = ask_with("now", &json!({}), &SystemHost::new().with_clock());
    assert!(decision.is_allow(), "{decision:?}");
    let told = decision.answers().get("time.now_ns", "[]").unwrap();
    assert_eq!(result(&decision)["now"].to_string(), told);
}

#[test]
fn randomness_is_recorded_in_the_shape_of_opa() {
    let host = SystemHost::new().with_randomness();
    let decision = ask_with("dice", &json!({}), &host);
    assert!(decision.is_allow(), "{decision:?}");
    let told = result(&decision);
    assert_eq!(told["thrown"][0], told["thrown"][1], "the same question has one answer");
    let shown: Value = serde_json::from_str(&decision.to_json()).unwrap();
    assert_eq!(shown["nd_builtin_cache"]["rand.intn"][r#"["a",6]"#], told["thrown"][0]);
    assert_eq!(shown["nd_builtin_cache"]["rand.intn"][r#"["b",1000000]"#], told["thrown"][2]);
    let id = told["id"].as_str().unwrap();
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
    assert_ne!(result(&ask_with("dice", &json!({}), &host))["id"], told["id"]);
}

#[test]
fn a_host_that_fails_or_answers_nonsense_leads_to_a_denial() {
    struct Bad(Result<String, HostError>);
    impl Host for Bad {
        fn call(&self, _: &str, _: &str) -> Result<String, HostError> {
            self.0.clone()
        }
    }
    for answer in [Err(HostError::Failed("no luck".to_owned())), Ok("{".to_owned()), Ok(String::new())] {
        assert_eq!(ask_with("dice", &json!({}), &Bad(answer)).effect(), Effect::Deny);
    }
}

#[test]
fn a_host_that_panics_denies() {
    struct Panics;
    impl Host for Panics {
        fn now_ns(&self) -> Option<i64> {
            panic!("the clock fell off the wall")
        }
    }
    let policy = policy("verdicts");
    let mut scratch = Scratch::new();
    let decision = policy.decide(&mut scratch, &Query::new("verdicts/now").host(&Panics));
    assert_eq!(decision.effect(), Effect::Deny);
    assert_eq!(decision.error().map(DecideError::code), Some("govc_decide_internal"));
    assert!(policy.decide(&mut scratch, &Query::new("verdicts/yes")).is_allow());
}

#[test]
fn prints_reach_the_host() {
    struct Hears(AtomicBool);
    impl Host for Hears {
        fn print(&self, text: &str, file: &str, row: u32) {
            assert_eq!((text, file), ("seen {\"x\": 1}", "verdicts.rego"));
            assert!(row > 50);
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let host = Hears(AtomicBool::new(false));
    assert!(ask_with("printed", &json!({"x": 1}), &host).is_allow());
    assert!(host.0.load(Ordering::Relaxed));
}

#[test]
fn the_same_question_has_the_same_bytes() {
    let policies = [policy("verdicts"), policy("verdicts")];
    let mut scratch = Scratch::new();
    let mut texts = std::collections::BTreeSet::new();
    for round in 0..10 {
        let _ = policies[0].decide(&mut scratch, &Query::new("verdicts/large"));
        let query = Query::new("verdicts/objects").input_json(b"{\"b\":1,\"a\":2}");
        texts.insert(policies[round % 2].decide(&mut scratch, &query).to_json());
    }
    assert_eq!(texts.len(), 1);
}

#[test]
fn a_decision_has_exactly_the_members_that_are_promised() {
    let keys = |decision: Decision| -> Vec<String> {
        let shown: Value = serde_json::from_str(&decision.to_json()).unwrap();
        shown.as_object().unwrap().keys().cloned().collect()
    };
    let always = [
        "bundle",
        "decision",
        "engine",
        "entrypoint",
        "input_digest",
        "limits",
        "nd_builtin_cache",
        "reasons",
        "result",
    ];
    assert_eq!(keys(ask("yes")), always);
    assert_eq!(keys(ask("maybe")), always);
    let bundle = ask("yes").bundle().to_owned();
    assert_eq!(bundle, policy("verdicts").digest());
    assert_eq!(bundle.len(), 64);
}

#[test]
fn examples_decide_as_expected() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for (example, entrypoint) in [("agent-promotion", "promotion/result"), ("tool-access", "access/result")] {
        let (policy, mut scratch, mut seen) = (policy(example), Scratch::new(), 0);
        for entry in std::fs::read_dir(root.join(example).join("inputs")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            let input = std::fs::read(&path).unwrap();
            let decision = policy.decide(&mut scratch, &Query::new(entrypoint).input_json(&input));
            let expected = std::fs::read(root.join(example).join("expected").join(name)).unwrap();
            assert_eq!(
                result(&decision),
                serde_json::from_slice::<Value>(&expected).unwrap(),
                "{path:?}: {decision:?}"
            );
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let effect = match stem.split('-').next().unwrap() {
                "allow" => Effect::Allow,
                "approve" => Effect::RequireApproval,
                _ => Effect::Deny,
            };
            assert_eq!(decision.effect(), effect, "{path:?}");
            seen += 1;
        }
        assert!(seen >= 8);
    }
}

/// All 2^6 combinations of the six violations give exactly their denials.
#[test]
fn promotion_denies_exactly_what_is_violated() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agent-promotion");
    let read =
        |path: &str| -> Value { serde_json::from_slice(&std::fs::read(root.join(path)).unwrap()).unwrap() };
    type Break = (&'static str, fn(&mut Value));
    let breaks: [Break; 6] = [
        ("role", |r| r["actorRole"] = json!("viewer")),
        ("anatomy", |r| drop(r["agent"]["anatomy"].as_object_mut().unwrap().remove("memory"))),
        ("containment", |r| r["agent"]["sandbox_constraints"]["external_calls"] = json!(true)),
        ("capability", |r| r["agent"]["capabilities"] = json!([])),
        ("temperature", |r| r["agent"]["anatomy"]["reasoning"]["temperature"] = json!(0.9)),
        ("budget", |r| r["agent"]["economics"]["monthlyBudgetUsd"] = json!(4000)),
    ];
    let (policy, mut scratch) = (policy("agent-promotion"), Scratch::new());
    for number in 0..64 {
        let mut request = read("inputs/allow.json");
        let mut reasons = std::collections::BTreeSet::new();
        for (i, (name, violate)) in breaks.iter().enumerate() {
            if number >> i & 1 == 1 {
                violate(&mut request);
                let expected = read(&format!("expected/deny-{name}.json"));
                reasons.insert(expected["denies"][0].as_str().unwrap().to_owned());
            }
        }
        let decision = policy.decide(&mut scratch, &Query::new("promotion/result").input(&request));
        assert_eq!(
            result(&decision),
            json!({"allow": reasons.is_empty(), "denies": reasons}),
            "{number:06b}"
        );
        assert_eq!(decision.is_allow(), number == 0);
    }
}

#[test]
fn a_signed_policy_knows_its_signer() {
    let bytes = sign_bundle(&compiled("verdicts"), &signing("ed25519"), &serde_json::Map::new()).unwrap();
    let policy = Engine::load(&bytes, &Trust::key(verifying("ed25519"))).unwrap();
    assert_eq!(policy.signer().unwrap().fingerprint.as_deref(), verifying("ed25519").fingerprint());
    assert_eq!(policy.digest(), common::policy("verdicts").digest(), "signing changes no digest");
    assert!(policy.section().unwrap().entrypoints.contains(&"verdicts/yes".to_owned()));
}

#[test]
fn programs_that_are_none_are_refused() {
    let load = |spec: &BundleSpec| Engine::load(&build_bundle(spec).unwrap(), &Trust::unsigned()).map(drop);
    let mut spec = BundleSpec::default();
    assert_eq!(load(&spec), Err(LoadError::NoProgram));
    spec.program = Some(b"nonsense".to_vec());
    assert!(matches!(load(&spec), Err(LoadError::Program(_))));
    assert!(matches!(
        Engine::load(&signed(&signing("ed25519")), &Trust::unsigned()),
        Err(LoadError::Program(_))
    ));
}

#[test]
fn data_files_must_fit_together_and_into_the_roots() {
    let program = govc_engine::Bundle::open(&compiled("verdicts"), &Trust::unsigned()).unwrap();
    let load = |roots: Option<&[&str]>, files: &[(&str, &str)]| {
        let mut spec = BundleSpec::default();
        spec.program = program.program().map(<[u8]>::to_vec);
        spec.roots = roots.map(|roots| roots.iter().map(|root| (*root).to_owned()).collect());
        spec.extra =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        let policy = Engine::load(&build_bundle(&spec).unwrap(), &Trust::unsigned())?;
        Ok(policy.decide(&mut Scratch::new(), &Query::new("verdicts/limit")).result().map(str::to_owned))
    };
    let refused = |message: &str, result: Result<Option<String>, LoadError>| match result {
        Err(LoadError::Data { message: given, .. }) => assert!(given.contains(message), "{given}"),
        other => panic!("{other:?}"),
    };
    let nested = ("limits/data.json", "{\"max\":5}");
    assert_eq!(load(None, &[nested]), Ok(Some("5".to_owned())));
    assert_eq!(
        load(None, &[nested, ("data.json", "{\"limits\":{\"min\":1},\"x\":2}")]),
        Ok(Some("5".to_owned()))
    );
    refused("collides", load(None, &[nested, ("data.json", "{\"limits\":{\"max\":6}}")]));
    refused("collides", load(None, &[nested, ("data.json", "{\"limits\":7}")]));
    assert_eq!(
        load(Some(&["limits", "x/y"]), &[nested, ("data.json", "{\"x\":{\"y\":2}}")]),
        Ok(Some("5".to_owned()))
    );
    refused("`x`", load(Some(&["limits", "x/y"]), &[("data.json", "{\"x\":2}")]));
    refused("`x/z`", load(Some(&["limits", "x/y"]), &[("data.json", "{\"x\":{\"z\":2}}")]));
    refused("`limits/max`", load(Some(&["limit"]), &[nested]));
}

/// Every flipped bit of a program is refused by the verifier, or gives a policy that still only answers.
#[test]
fn damaged_programs_never_panic() {
    let bytes = compiled("verdicts");
    let bundle = govc_engine::Bundle::open(&bytes, &Trust::unsigned()).unwrap();
    let program = bundle.program().unwrap().to_vec();
    let mut scratch = Scratch::new();
    let limits = {
        let mut limits = Limits::default();
        limits.fuel = 10_000;
        limits.memory = 1 << 20;
        limits
    };
    let mut refused = 0;
    for at in (0..program.len()).step_by(3) {
        let mut spec = BundleSpec::default();
        let mut changed = program.clone();
        changed[at] ^= 1 << (at % 8);
        spec.program = Some(changed);
        match Engine::load(&build_bundle(&spec).unwrap(), &Trust::unsigned()) {
            Err(_) => refused += 1,
            Ok(policy) => {
                for name in ["yes", "conflict", "objects", "large"] {
                    let name = format!("verdicts/{name}");
                    let decision = policy
                        .decide(&mut scratch, &Query::new(&name).input_json(b"{\"x\":1}").limits(limits));
                    assert_ne!(
                        decision.error().map(DecideError::code),
                        Some("govc_decide_internal"),
                        "byte {at}"
                    );
                }
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_policy_is_shared_by_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Policy>();
    let policy = policy("agent-promotion");
    let input = br#"{"actorRole": "viewer"}"#;
    let expected =
        policy.decide(&mut Scratch::new(), &Query::new("promotion/result").input_json(input)).to_json();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut scratch = Scratch::new();
                for _ in 0..200 {
                    let decision =
                        policy.decide(&mut scratch, &Query::new("promotion/result").input_json(input));
                    assert_eq!(decision.to_json(), expected);
                }
            });
        }
    });
}

/// Past the threshold of machine code, which `cargo test --workspace` builds in and the crate alone does not.
#[test]
fn a_policy_that_is_asked_often_answers_the_same() {
    let policy = policy("agent-promotion");
    let mut scratch = Scratch::new();
    let input = br#"{"actorRole": "agent_admin", "anatomy": {"reasoning": {"temperature": 0.2}}}"#;
    let query = Query::new("promotion/result").input_json(input);
    let expected = policy.decide(&mut scratch, &query).to_json();
    for round in 0..30_000 {
        assert_eq!(policy.decide(&mut scratch, &query).to_json(), expected, "round {round}");
    }
}

#[test]
fn bundles_are_exchanged_under_load_without_mixing() {
    let versions: Vec<Vec<u8>> = (0..2)
        .map(|n| {
            let opened = govc_engine::Bundle::open(&compiled("verdicts"), &Trust::unsigned()).unwrap();
            let mut spec = BundleSpec::default();
            spec.program = opened.program().map(<[u8]>::to_vec);
            spec.data = Some(format!("{{\"limits\":{{\"max\":{n}}}}}").into_bytes());
            build_bundle(&spec).unwrap()
        })
        .collect();
    let trust = Trust::unsigned();
    let digests: Vec<String> =
        versions.iter().map(|v| Engine::load(v, &trust).unwrap().digest().to_owned()).collect();
    let handle = PolicyHandle::new(Engine::load(&versions[0], &trust).unwrap());
    let (stop, decided) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut scratch = Scratch::new();
                while !stop.load(Ordering::Relaxed) {
                    let decision = handle.current().decide(&mut scratch, &Query::new("verdicts/limit"));
                    let version = digests.iter().position(|d| d == decision.bundle()).unwrap();
                    assert_eq!(decision.result(), Some(version.to_string().as_str()));
                    decided.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..1000 {
            let before = handle.current().digest().to_owned();
            assert!(handle.reload(b"no bundle", &trust).is_err());
            assert_eq!(handle.current().digest(), before, "the old one stays");
            let old = handle.reload(&versions[(round + 1) % 2], &trust).unwrap();
            assert_eq!(old.digest(), before);
        }
        assert!(decided.load(Ordering::Relaxed) > 1000, "decisions go on meanwhile");
        stop.store(true, Ordering::Relaxed);
    });
}
