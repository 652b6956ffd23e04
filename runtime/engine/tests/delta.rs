//! Delta bundles: signed changes of the documents of the policy in force.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{compiled, files_of, pack, signing, verifying};
use govc_engine::{
    Bundle, BundleSpec, Engine, LoadError, PolicyHandle, Query, Scratch, Trust, build_bundle, sign_bundle,
};
use serde_json::Map;

fn sign(spec: &BundleSpec) -> Vec<u8> {
    sign_bundle(&build_bundle(spec).unwrap(), &signing("ed25519"), &Map::new()).unwrap()
}

fn trust() -> Trust {
    Trust::key(verifying("ed25519"))
}

/// A policy that answers `data.limits.max`.
fn whole(version: u64) -> Vec<u8> {
    let opened = Bundle::open(&compiled("verdicts"), &Trust::unsigned()).unwrap();
    let mut spec = BundleSpec::default();
    spec.program = opened.program().map(<[u8]>::to_vec);
    spec.data = Some(br#"{"limits": {"max": 1, "list": [1, 1e400]}}"#.to_vec());
    spec.roots = Some(vec!["limits".to_owned(), "verdicts".to_owned()]);
    spec.version = Some(version);
    sign(&spec)
}

fn spec(version: Option<u64>, patch: &str) -> BundleSpec {
    let mut spec = BundleSpec::default();
    spec.extra.insert("patch.json".to_owned(), patch.as_bytes().to_vec());
    spec.roots = Some(vec!["verdicts".to_owned(), "limits".to_owned()]);
    spec.version = version;
    spec
}

fn set(value: &str) -> String {
    format!(r#"{{"data": [{{"op": "upsert", "path": "/limits/max", "value": {value}}}]}}"#)
}

fn max(handle: &PolicyHandle) -> String {
    let decision = handle.current().decide(&mut Scratch::new(), &Query::new("verdicts/limit"));
    decision.result().unwrap_or("undefined").to_owned()
}

#[test]
fn changes_follow_each_other_and_name_their_way() {
    let load = || PolicyHandle::new(Engine::load(&whole(1), &trust()).unwrap());
    let (handle, again) = (load(), load());
    let (first, hash) = (handle.current().digest().to_owned(), handle.current().policy_hash().to_owned());
    let two = sign(&spec(Some(2), &set("2")));
    let three = sign(&spec(Some(3), r#"{"data": [{"op": "remove", "path": "limits/max"}]}"#));
    handle.reload(&two, &trust()).unwrap();
    assert_eq!(max(&handle), "2");
    let second = handle.current();
    assert!(second.digest() != first && second.policy_hash() != hash);
    assert_eq!(second.section().unwrap().version, Some(2));
    handle.reload(&three, &trust()).unwrap();
    assert_eq!(max(&handle), "undefined");
    again.reload(&two, &trust()).unwrap();
    assert_eq!(again.current().digest(), second.digest(), "the same way has the same digest");
    // Nobody can play an older change again, leave the version out, or bring another change under it.
    let replayed = handle.reload(&two, &trust()).unwrap_err();
    assert_eq!(replayed, LoadError::Rollback { given: Some(2), seen: 3 });
    let timeless = handle.reload(&sign(&spec(None, &set("7"))), &trust()).unwrap_err();
    assert_eq!(timeless, LoadError::Rollback { given: None, seen: 3 });
    let forked = handle.reload(&sign(&spec(Some(3), &set("7"))), &trust()).unwrap_err();
    assert_eq!(forked, LoadError::Fork { version: 3 });
    assert_eq!(max(&handle), "undefined");
    handle.reload(&whole(4), &trust()).unwrap();
    assert_eq!(max(&handle), "1");
}

#[test]
fn what_is_no_change_of_these_documents_is_refused() {
    let handle = PolicyHandle::new(Engine::load(&whole(1), &trust()).unwrap());
    let before = handle.current().digest().to_owned();
    let mut other_roots = spec(Some(2), &set("2"));
    other_roots.roots = Some(vec!["limits".to_owned()]);
    let mut with_data = spec(Some(2), &set("2"));
    with_data.data = Some(b"{}".to_vec());
    let mut with_policy = spec(Some(2), &set("2"));
    with_policy.sources.insert("a.rego".to_owned(), b"package limits\n".to_vec());
    let half = r#"{"data": [{"op": "upsert", "path": "limits/max", "value": 9}, {"op": "remove", "path": "limits/none"}]}"#;
    let bad = [
        other_roots,
        with_data,
        with_policy,
        spec(Some(2), half),
        spec(Some(2), r#"{"data": 1}"#),
        spec(Some(2), r#"{"data": [{"op": "add", "path": "limits/max", "value": 9}]}"#),
        spec(Some(2), r#"{"data": [{"op": "upsert", "path": "elsewhere", "value": 9}]}"#),
        spec(Some(2), r#"{"data": [{"op": "upsert", "path": "", "value": {}}]}"#),
        spec(Some(2), r#"{"data": [{"op": "replace", "path": "limits/list/7", "value": 9}]}"#),
    ];
    for spec in &bad {
        let refused = handle.reload(&sign(spec), &trust()).unwrap_err();
        assert_eq!(refused.code(), "govc_bundle_patch", "{refused}");
        assert_eq!((handle.current().digest(), max(&handle).as_str()), (before.as_str(), "1"));
    }
    let first = Engine::load(&sign(&spec(Some(2), &set("2"))), &trust()).unwrap_err();
    assert_eq!(first.code(), "govc_bundle_patch", "there is nothing to change yet");
}

#[test]
fn every_changed_byte_of_changes_is_refused_and_the_old_policy_stays() {
    let delta = sign(&spec(Some(2), &set("2")));
    let unsigned = build_bundle(&spec(Some(2), &set("2"))).unwrap();
    let handle = PolicyHandle::new(Engine::load(&whole(1), &trust()).unwrap());
    let before = handle.current().digest().to_owned();
    assert_eq!(handle.reload(&unsigned, &trust()).unwrap_err(), LoadError::Unsigned);
    let other = Trust::key(verifying("other"));
    assert!(matches!(handle.reload(&delta, &other), Err(LoadError::WrongKey { .. })));
    let files = files_of(&delta);
    let mut refused = 0;
    for path in files.keys() {
        for at in 0..files[path].len() {
            let mut changed = files.clone();
            changed.get_mut(path).unwrap()[at] ^= 1;
            assert!(handle.reload(&pack(&changed), &trust()).is_err(), "{path} {at}");
            refused += 1;
        }
    }
    assert_eq!((handle.current().digest(), max(&handle).as_str()), (before.as_str(), "1"));
    println!("{refused} changed bytes refused");
    handle.reload(&pack(&files), &trust()).unwrap();
    assert_eq!(max(&handle), "2");
}
