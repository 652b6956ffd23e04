//! Our bundles before the real `opa`, and its bundles before us.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{key_path, opa, pem, run, signed, signing, unsigned, verifying};
use govc_engine::{Algorithm, Bundle, LoadError, SigningKey, Trust, VerifyingKey, sign_bundle};
use std::fs;
use std::path::Path;

/// Key file and algorithm.
const KEYS: &[(&str, &str)] = &[
    ("ed25519", "EdDSA"),
    ("es256", "ES256"),
    ("es256-sec1", "ES256"),
    ("es384", "ES384"),
    ("es512", "ES512"),
    ("rs256", "RS256"),
    ("rs256", "RS384"),
    ("rs256", "RS512"),
    ("rs256", "PS256"),
    ("rs256", "PS384"),
    ("rs256", "PS512"),
];

const SECRETS: &[&str] = &["HS256", "HS384", "HS512"];
const SECRET: &str = "a secret that is long enough for every algorithm, also HS512 here";

fn key(name: &str, algorithm: &str) -> SigningKey {
    SigningKey::from_text(&pem(name), Algorithm::from_name(algorithm)).unwrap()
}

#[test]
fn opa_evaluates_and_inspects_our_bundle() {
    let Some(mut eval) = opa() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    fs::write(&path, signed(&signing("ed25519"))).unwrap();
    fs::write(folder.path().join("input.json"), r#"{"x": 1.5}"#).unwrap();
    let out = run(eval
        .args(["eval", "--format", "raw", "-b"])
        .arg(&path)
        .arg("-i")
        .arg(folder.path().join("input.json"))
        .arg("data.a.allow"));
    assert_eq!(out.trim(), "true");
    let inspected = run(opa().unwrap().arg("inspect").arg(&path));
    assert!(inspected.contains("r1 <é>") && inspected.contains("data.a"), "{inspected}");
}

fn opa_verifies(bundle: &[u8], key: &Path, algorithm: &str, folder: &Path) -> Result<(), String> {
    let path = folder.join("bundle.tar.gz");
    fs::write(&path, bundle).unwrap();
    let output = opa()
        .unwrap()
        .args(["build", "--signing-alg", algorithm, "--verification-key"])
        .arg(key)
        .arg("-o")
        .arg(folder.join("out.tar.gz"))
        .arg("-b")
        .arg(&path)
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

#[test]
fn opa_verifies_our_signatures_of_every_algorithm() {
    if opa().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, algorithm) in KEYS {
        let bundle = signed(&key(name, algorithm));
        let public = key_path(&format!("{}.pub", name));
        opa_verifies(&bundle, &public, algorithm, folder.path())
            .unwrap_or_else(|e| panic!("{algorithm}: {e}"));
    }
    let secret = folder.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    for algorithm in SECRETS {
        let bundle = signed(&key_secret(algorithm));
        opa_verifies(&bundle, &secret, algorithm, folder.path())
            .unwrap_or_else(|e| panic!("{algorithm}: {e}"));
    }
}

fn key_secret(algorithm: &str) -> SigningKey {
    SigningKey::from_text(SECRET, Algorithm::from_name(algorithm)).unwrap()
}

#[test]
fn opa_refuses_what_we_refuse() {
    if opa().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bundle = signed(&signing("ed25519"));
    let error = opa_verifies(&bundle, &key_path("other.pub"), "EdDSA", folder.path()).unwrap_err();
    assert!(error.contains("verify"), "{error}");
    let opened = Bundle::open(&bundle, &Trust::key(verifying("other"))).unwrap_err();
    assert_eq!(opened, LoadError::WrongKey { key: "default".to_owned() });
}

/// A folder with a policy and data, built and signed by the real `opa`.
fn opa_built(folder: &Path, key: &Path, algorithm: &str) -> Vec<u8> {
    fs::create_dir_all(folder.join("src/nested")).unwrap();
    fs::write(folder.join("src/a.rego"), common::POLICY).unwrap();
    fs::write(
        folder.join("src/data.json"),
        "{\"limits\": {\"max\": 1.50, \"big\": 1e400, \"s\": \"a<\\u2028é\\u0001\"}}",
    )
    .unwrap();
    fs::write(folder.join("src/nested/data.json"), "{\"k\": [1, 2.0, null]}").unwrap();
    let out = folder.join("opa.tar.gz");
    run(opa()
        .unwrap()
        .current_dir(folder.join("src"))
        .args(["build", "--signing-alg", algorithm, "--signing-key"])
        .arg(key)
        .arg("-o")
        .arg(&out)
        .args(["-r", "rev", "-b", "."]));
    fs::read(out).unwrap()
}

#[test]
fn we_verify_signatures_of_opa() {
    if opa().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, algorithm) in KEYS {
        let bundle = opa_built(folder.path(), &key_path(name), algorithm);
        let trusted =
            VerifyingKey::from_text(&pem(&format!("{name}.pub")), Algorithm::from_name(algorithm)).unwrap();
        let opened =
            Bundle::open(&bundle, &Trust::key(trusted)).unwrap_or_else(|e| panic!("{algorithm}: {e}"));
        assert_eq!(opened.manifest().revision, "rev");
        let refused = Bundle::open(&bundle, &Trust::key(verifying("other"))).unwrap_err();
        assert!(matches!(refused, LoadError::BadSignature | LoadError::Algorithm { .. }), "{refused}");
    }
    let secret = folder.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    let bundle = opa_built(folder.path(), &secret, "HS256");
    Bundle::open(&bundle, &Trust::key(VerifyingKey::from_secret(SECRET.as_bytes()))).unwrap();
}

#[test]
fn opa_and_we_agree_on_the_scope() {
    if opa().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let claims = serde_json::json!({"scope": "write"}).as_object().unwrap().clone();
    let bundle = sign_bundle(&unsigned(), &signing("ed25519"), &claims).unwrap();
    let error = opa_verifies(&bundle, &key_path("ed25519.pub"), "EdDSA", folder.path()).unwrap_err();
    assert!(error.contains("scope mismatch"), "{error}");
    let trust = Trust::key(verifying("ed25519"));
    assert!(matches!(Bundle::open(&bundle, &trust), Err(LoadError::Scope { .. })));
    Bundle::open(&bundle, &trust.scope("write")).unwrap();
}
