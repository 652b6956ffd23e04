//! Whom to believe when one key is not enough, has changed hands, or comes with an old bundle.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{pem, signed, signing, verifying};
use govc_engine::{
    Algorithm, Bundle, BundleSpec, Engine, LoadError, Policy, PolicyHandle, SigningKey, Trust, TrustError,
    VerifyingKey, VersionMemory, build_bundle, cosign_bundle, sha256_hex,
};
use serde_json::{Map, json};

const KEYS: [&str; 4] = ["ed25519", "es256", "rs256", "other"];

fn cosigned(keys: &[&str]) -> Vec<u8> {
    let (first, more) = keys.split_first().unwrap();
    let add = |bundle: Vec<u8>, key: &&str| cosign_bundle(&bundle, &signing(key), &Map::new()).unwrap();
    more.iter().fold(signed(&signing(first)), add)
}

fn all() -> Trust {
    Trust::any_of(KEYS.map(verifying))
}

fn open(bundle: &[u8], trust: &Trust) -> Result<(), LoadError> {
    Bundle::open(bundle, trust).map(|_| ())
}

/// Every set of signers under every threshold.
#[test]
fn as_many_keys_must_have_signed_as_are_asked_for() {
    for set in 1..1usize << KEYS.len() {
        let signers: Vec<&str> =
            KEYS.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, key)| *key).collect();
        let bundle = cosigned(&signers);
        for wanted in 1..=KEYS.len() {
            let expected = match signers.len() >= wanted {
                true => Ok(()),
                false => Err(LoadError::Threshold { given: signers.len(), wanted }),
            };
            assert_eq!(open(&bundle, &all().threshold(wanted)), expected, "{signers:?}, {wanted}");
        }
    }
}

#[test]
fn signatures_of_strangers_do_not_count() {
    let bundle = cosigned(&["ed25519", "other"]);
    let known = Trust::any_of([verifying("ed25519"), verifying("es256")]);
    assert_eq!(open(&bundle, &known), Ok(()));
    assert_eq!(open(&bundle, &known.clone().threshold(2)), Err(LoadError::Threshold { given: 1, wanted: 2 }));
    // The stranger may come first.
    assert_eq!(open(&cosigned(&["other", "ed25519"]), &known), Ok(()));
}

#[test]
fn one_key_counts_once_however_it_is_named() {
    let twice = cosigned(&["ed25519", "ed25519"]);
    assert_eq!(open(&twice, &all().threshold(2)), Err(LoadError::Threshold { given: 1, wanted: 2 }));
    let two_names =
        Trust::any_of([verifying("ed25519").with_id("a"), verifying("ed25519").with_id("b")]).threshold(2);
    assert_eq!(open(&twice, &two_names), Err(LoadError::Threshold { given: 1, wanted: 2 }));
    let pss = SigningKey::from_text(&pem("rs256"), Some(Algorithm::Ps256)).unwrap();
    let both = cosign_bundle(&signed(&signing("rs256")), &pss, &Map::new()).unwrap();
    assert_eq!(open(&both, &all().threshold(2)), Err(LoadError::Threshold { given: 1, wanted: 2 }));
}

/// A signature that was moved from another bundle binds other files.
#[test]
fn every_signature_binds_the_files() {
    let mut spec = common::spec();
    spec.revision = "another".to_owned();
    let other = build_bundle(&spec).unwrap();
    let other = govc_engine::sign_bundle(&other, &signing("es256"), &Map::new()).unwrap();
    let text = |bundle: &[u8]| -> serde_json::Value {
        let bundle = Bundle::open(bundle, &Trust::unsigned()).unwrap();
        serde_json::from_slice(bundle.file(".signatures.json").unwrap()).unwrap()
    };
    let mine = signed(&signing("ed25519"));
    let mut signatures = text(&mine);
    signatures["govc_cosignatures"] = text(&other)["signatures"].clone();
    let mixed = common::with_file(&mine, ".signatures.json", signatures.to_string().as_bytes());
    assert_eq!(open(&mixed, &all()), Ok(()));
    assert_eq!(open(&mixed, &all().threshold(2)), Err(LoadError::Threshold { given: 1, wanted: 2 }));
}

#[test]
fn revoked_keys_are_refused_by_name() {
    let revoked = verifying("ed25519").fingerprint().unwrap().to_ascii_uppercase();
    let trust = all().revoked([revoked]);
    assert!(matches!(open(&signed(&signing("ed25519")), &trust), Err(LoadError::RevokedKey { .. })));
    assert_eq!(open(&signed(&signing("es256")), &trust), Ok(()));
    assert_eq!(
        open(&cosigned(&["ed25519", "es256"]), &trust.threshold(2)),
        Err(LoadError::Threshold { given: 1, wanted: 2 })
    );
}

/// The old key is good until 200, the new one from 100 on.
#[test]
fn keys_take_over_from_each_other_without_a_gap() {
    let at = |seconds| Some(jiff::Timestamp::from_second(seconds).unwrap());
    let keys = || {
        [
            verifying("ed25519").with_id("old").between(None, at(200)),
            verifying("es256").with_id("new").between(at(100), None),
        ]
    };
    let (old, new) = (signed(&signing("ed25519")), signed(&signing("es256")));
    let late = |key: &str| Err(LoadError::KeyTime { key: key.to_owned() });
    for (now, expected_old, expected_new) in
        [(99, Ok(()), late("new")), (100, Ok(()), Ok(())), (199, Ok(()), Ok(())), (200, late("old"), Ok(()))]
    {
        let trust = Trust::any_of(keys()).at(now);
        assert_eq!((open(&old, &trust), open(&new, &trust)), (expected_old, expected_new), "at {now}");
    }
}

/// The real `opa` takes a bundle with more signatures than it knows of.
#[test]
fn opa_takes_cosigned_bundles() {
    let Some(mut opa) = common::opa() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.tar.gz");
    std::fs::write(&bundle, cosigned(&["rs256", "ed25519"])).unwrap();
    let output = opa
        .args(["build", "--verification-key"])
        .arg(common::key_path("rs256.pub"))
        .arg("-o")
        .arg(folder.path().join("again.tar.gz"))
        .arg("-b")
        .arg(&bundle)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn policy(version: Option<u64>, content: u64) -> Vec<u8> {
    let compiled = include_bytes!("bundles/verdicts.tar.gz");
    let opened = Bundle::open(compiled, &Trust::unsigned()).unwrap();
    let mut spec = BundleSpec::default();
    spec.program = opened.program().map(<[u8]>::to_vec);
    spec.data = Some(json!({"limits": {"max": content}}).to_string().into_bytes());
    spec.version = version;
    build_bundle(&spec).unwrap()
}

fn load(version: Option<u64>, content: u64) -> Policy {
    Engine::load(&policy(version, content), &Trust::unsigned()).unwrap()
}

#[test]
fn versions_only_grow() {
    let handle = PolicyHandle::new(load(None, 0));
    let reload = |version, content| handle.reload(&policy(version, content), &Trust::unsigned()).map(|_| ());
    assert_eq!(reload(None, 1), Ok(()), "without a version nobody counts");
    assert_eq!(reload(Some(5), 2), Ok(()));
    assert_eq!(reload(Some(4), 2), Err(LoadError::Rollback { given: Some(4), seen: 5 }));
    assert_eq!(reload(None, 2), Err(LoadError::Rollback { given: None, seen: 5 }));
    assert_eq!(reload(Some(5), 3), Err(LoadError::Fork { version: 5 }));
    assert_eq!(reload(Some(5), 2), Ok(()), "the same bundle again");
    assert_eq!(reload(Some(6), 3), Ok(()));
    let least = Trust::unsigned().minimum_version(7);
    let refused = |version| Engine::load(&policy(version, 0), &least).map(|_| ()).unwrap_err();
    assert_eq!(refused(Some(6)), LoadError::Rollback { given: Some(6), seen: 7 });
    assert_eq!(refused(None), LoadError::Rollback { given: None, seen: 7 });
    assert!(Engine::load(&policy(Some(7), 0), &least).is_ok());
}

#[test]
fn versions_are_remembered_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.version");
    let admit = |version, content| VersionMemory::at(&path).admit(&load(version, content));
    assert_eq!(admit(None, 0), Ok(()));
    assert_eq!(admit(Some(3), 0), Ok(()));
    assert_eq!(admit(Some(3), 0), Ok(()));
    assert_eq!(admit(Some(3), 1), Err(LoadError::Fork { version: 3 }));
    assert_eq!(admit(Some(2), 0), Err(LoadError::Rollback { given: Some(2), seen: 3 }));
    assert_eq!(admit(None, 0), Err(LoadError::Rollback { given: None, seen: 3 }));
    // Whatever happens to the file, nothing comes into force that it does not know.
    let good = std::fs::read(&path).unwrap();
    for broken in [
        &b""[..],
        b"{}",
        &good[..good.len() / 2],
        &String::from_utf8_lossy(&good).replace('3', "1").into_bytes(),
    ] {
        std::fs::write(&path, broken).unwrap();
        assert!(matches!(admit(Some(4), 0), Err(LoadError::Memory { .. })), "{broken:?}");
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(admit(Some(4), 0), Ok(()));
    let nowhere = VersionMemory::at(folder.path().join("no/folder/version"));
    assert!(matches!(nowhere.admit(&load(Some(1), 0)), Err(LoadError::Memory { .. })));
}

#[test]
fn trust_is_read_from_a_file() {
    let key = |name: &str| json!({"id": name, "key": pem(&format!("{name}.pub"))});
    let read = |policy: &serde_json::Value| Trust::from_policy(policy.to_string().as_bytes());
    let fingerprint = verifying("other").fingerprint().unwrap().to_owned();
    let mut policy = json!({
        "keys": [key("ed25519"), key("es256"), key("other")], "threshold": 2, "revoked": [fingerprint],
    });
    let trust = read(&policy).unwrap();
    assert_eq!(open(&cosigned(&["ed25519", "es256"]), &trust), Ok(()));
    assert!(open(&cosigned(&["ed25519", "other"]), &trust).is_err());
    policy["threshold"] = json!(3);
    assert_eq!(read(&policy).unwrap_err(), TrustError::Threshold { keys: 2, wanted: 3 });
    policy["threshold"] = json!(1);
    policy["keys"][0]["not_after"] = json!("2020-01-01T00:00:00Z");
    let expired = open(&signed(&signing("ed25519")), &read(&policy).unwrap());
    assert_eq!(expired, Err(LoadError::KeyTime { key: "ed25519".to_owned() }));
    for (path, value) in [
        ("/revoke", json!([])),
        ("/revoked/0", json!("ab")),
        ("/keys/0/key", json!("x")),
        ("/keys/0/algorithm", json!("none")),
        ("/threshold", json!(-1)),
    ] {
        let mut wrong = policy.clone();
        match wrong.pointer_mut(path) {
            Some(place) => *place = value,
            None => match path {
                "/revoke" => wrong["revoke"] = value,
                _ => wrong["keys"][0]["algorithm"] = value,
            },
        }
        assert!(read(&wrong).is_err(), "{path}");
    }
    assert!(Trust::from_policy(b"").is_err());
}

/// A secret without a name is one key; with names, two secrets are two.
#[test]
fn secrets_are_told_apart_by_their_names() {
    let secret = |text: &str| SigningKey::from_secret(text.as_bytes(), Algorithm::Hs256).unwrap();
    let (one, two) = ("a secret that is long enough, number 1", "a secret that is long enough, number 2");
    let bundle = cosign_bundle(&signed(&secret(one)), &secret(two), &Map::new()).unwrap();
    let keys = [one, two].map(|text| VerifyingKey::from_secret(text.as_bytes()));
    let unnamed = Trust::any_of(keys.clone()).threshold(2);
    assert_eq!(open(&bundle, &unnamed), Err(LoadError::Threshold { given: 1, wanted: 2 }));
    let named = keys.into_iter().enumerate().map(|(at, key)| key.with_id(sha256_hex(&[at as u8])));
    assert_eq!(open(&bundle, &Trust::any_of(named).threshold(2)), Ok(()));
}
