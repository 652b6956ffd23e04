//! Our bundles before the real `opa`, and its bundles before us.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{Files, key_path, opa, pack, pem, run, signed, signing, unsigned, verifying};
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
    opa_verifies_but(bundle, key, algorithm, folder, "")
}

/// Leaves files unverified that the patterns match, with commas between them.
fn opa_verifies_but(
    bundle: &[u8],
    key: &Path,
    algorithm: &str,
    folder: &Path,
    excluded: &str,
) -> Result<(), String> {
    let path = folder.join("bundle.tar.gz");
    fs::write(&path, bundle).unwrap();
    let output = opa()
        .unwrap()
        .args(["build", "--signing-alg", algorithm, "--exclude-files-verify", excluded, "--verification-key"])
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
    for algorithm in SECRETS {
        let bundle = opa_built(folder.path(), &secret, algorithm);
        Bundle::open(&bundle, &Trust::key(VerifyingKey::from_secret(SECRET.as_bytes())))
            .unwrap_or_else(|e| panic!("{algorithm}: {e}"));
    }
}

/// A bundle in a folder as people write it, with YAML, signed by the real `opa` in its place.
fn opa_signed(folder: &Path) -> Files {
    let files = Files::from([
        (".manifest".to_owned(), br#"{"revision": "r", "roots": ["a", "x", "sub"]}"#.to_vec()),
        ("a.rego".to_owned(), b"package a\n\nallow if data.x.k == 1\n".to_vec()),
        ("data.yaml".to_owned(), "x:\n  k: 1\n  l: [1.5, 2, \"<\u{e9}>\", null]\n".as_bytes().to_vec()),
        ("sub/data.json".to_owned(), b"{\"n\": 1.0, \"m\": [1e2]}".to_vec()),
    ]);
    for (path, content) in &files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let key = key_path("ed25519");
    let mut sign = opa().unwrap();
    sign.current_dir(folder).args(["sign", "--signing-alg", "EdDSA", "-b", ".", "--signing-key"]);
    run(sign.arg(&key));
    let signature = fs::read(folder.join(".signatures.json")).unwrap();
    files.into_iter().chain([(".signatures.json".to_owned(), signature)]).collect()
}

#[test]
fn opa_and_we_agree_on_what_a_signature_covers() {
    if opa().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = opa_signed(&folder.path().join("b"));
    let trust = Trust::key(verifying("ed25519"));
    let opened = Bundle::open(&pack(&files), &trust).unwrap();
    assert_eq!(opened.manifest().roots.as_deref().unwrap(), ["a", "x", "sub"]);
    // What is changed, from what to what; nothing for a file that is taken out or put in.
    let changes = [
        ("data.yaml", "k: 1", "k: 1 # one"),
        ("data.yaml", "  k: 1\n  l: [1.5, 2, \"<\u{e9}>\", null]", "  l: [1.5, 2, '<\u{e9}>', ~]\n  k: 1"),
        ("data.yaml", "k: 1", "k: 2"),
        ("data.yaml", "k: 1", "k: \"1\""),
        ("data.yaml", "1.5, 2", "2, 1.5"),
        ("sub/data.json", "{\"n\": 1.0, ", "{ \"n\":1.0,"),
        ("sub/data.json", "1.0", "1"),
        ("sub/data.json", "1e2", "100"),
        (".manifest", "\"r\"", "\"s\""),
        (".manifest", "{", "{ "),
        ("a.rego", "== 1", "==  1"),
        ("a.rego", "", ""),
        ("sub/data.json", "", ""),
        ("b.rego", "", ""),
        ("sub/note.txt", "", ""),
    ];
    let (mut taken, mut refused) = (0, 0);
    for (path, from, to) in changes {
        let mut changed = files.clone();
        match changed.remove(path) {
            Some(content) if !from.is_empty() => {
                let text = String::from_utf8(content).unwrap();
                assert!(text.contains(from), "{path} {from}");
                changed.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
            }
            Some(_) => {}
            None => drop(changed.insert(path.to_owned(), b"package b\n".to_vec())),
        }
        let bundle = pack(&changed);
        let ours = Bundle::open(&bundle, &trust).map(drop);
        let theirs = opa_verifies(&bundle, &key_path("ed25519.pub"), "EdDSA", folder.path());
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{path} {from} {to}: {ours:?} {theirs:?}");
        *(if ours.is_ok() { &mut taken } else { &mut refused }) += 1;
    }
    println!("{taken} changes are none to a signature, {refused} are refused");
    assert!(taken >= 4 && refused >= 8);
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

#[test]
fn opa_and_we_agree_on_excluded_files() {
    if opa().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = opa_signed(&folder.path().join("b"));
    let changed: [(&str, Option<&[u8]>); 7] = [
        ("data.yaml", Some(b"x: {k: 3}")),
        ("sub/data.json", Some(b"{\"n\": 7}")),
        ("sub/data.json", None),
        (".manifest", Some(br#"{"revision": "s"}"#)),
        ("a.rego", Some(b"package a\n\nallow := false\n")),
        ("b.rego", Some(b"package a.b\n")),
        ("sub/b.rego", Some(b"package a.b\n")),
    ];
    let patterns = [
        "data.yaml",
        "*.yaml",
        "sub/data.json",
        "*.json",
        "*/*.json",
        "sub/*",
        "*",
        ".manifest",
        "/.manifest",
        "?.rego",
        "[a].rego",
        "[^a].rego",
        "[a-z]*",
        "[",
        "b.rego,sub/*.rego",
        "*.rego",
        "sub",
    ];
    let (mut taken, mut refused) = (0, 0);
    for (path, content) in changed {
        let mut files = files.clone();
        match content {
            Some(content) => drop(files.insert(path.to_owned(), content.to_vec())),
            None => drop(files.remove(path)),
        }
        let bundle = pack(&files);
        for excluded in patterns {
            let trust = Trust::key(verifying("ed25519")).excluding(excluded.split(',').map(str::to_owned));
            let ours = Bundle::open(&bundle, &trust).map(drop);
            let theirs =
                opa_verifies_but(&bundle, &key_path("ed25519.pub"), "EdDSA", folder.path(), excluded);
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{path} {excluded}: {ours:?} {theirs:?}");
            *(if ours.is_ok() { &mut taken } else { &mut refused }) += 1;
        }
    }
    println!("{taken} changes of excluded files are taken, {refused} of others refused");
    assert!(taken >= 15 && refused >= 60);
}

#[test]
fn the_program_is_never_excluded() {
    let key = signing("ed25519");
    let trust = Trust::key(verifying("ed25519")).excluding(["*".to_owned()]);
    let mut files = common::files_of(&signed(&key));
    files.insert("policy/a.rego".to_owned(), b"package other\n".to_vec());
    assert!(
        matches!(Bundle::open(&pack(&files), &trust), Err(LoadError::ChangedFile { path }) if path == "policy/a.rego")
    );
    files.insert("note.txt".to_owned(), b"by the way".to_vec());
    files.remove("policy/a.rego");
    files.insert("policy/a.rego".to_owned(), common::POLICY.as_bytes().to_vec());
    Bundle::open(&pack(&files), &trust).unwrap();
    files.insert("policy.govc".to_owned(), b"another program".to_vec());
    let refused = Bundle::open(&pack(&files), &trust).unwrap_err();
    assert_eq!(refused, LoadError::ChangedFile { path: "policy.govc".to_owned() });
}
