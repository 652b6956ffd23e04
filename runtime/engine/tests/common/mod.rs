//! What the tests of this folder share: keys, a small bundle, the real `opa`.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test binary uses a part"
)]

use govc_engine::{Bundle, BundleSpec, SigningKey, Trust, VerifyingKey, build_bundle, sign_bundle};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of a bundle by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Text of a key file.
pub fn pem(name: &str) -> String {
    std::fs::read_to_string(key_path(name)).expect("the key lies beside the tests")
}

pub fn key_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(format!("{name}.pem"))
}

pub fn signing(name: &str) -> SigningKey {
    SigningKey::from_pem(&pem(name)).unwrap()
}

pub fn verifying(name: &str) -> VerifyingKey {
    VerifyingKey::from_pem(&pem(&format!("{name}.pub"))).unwrap()
}

pub const POLICY: &str =
    "package a\n\nimport rego.v1\n\n# ünïcode \u{2028}\nallow if input.x == data.limits.max\n";

/// A bundle with every kind of file.
pub fn spec() -> BundleSpec {
    let mut spec = BundleSpec::default();
    spec.revision = "r1 <é>".to_owned();
    spec.sources.insert("policy/a.rego".to_owned(), POLICY.as_bytes().to_vec());
    spec.data = Some(r#"{"limits":{"max":1.50,"t":"a<b>\u2028é\u001f"}}"#.as_bytes().to_vec());
    spec.program = Some(b"\0program bytes".to_vec());
    spec.rego_version = Some(1);
    spec.entrypoints = vec!["a/allow".to_owned()];
    spec
}

pub fn unsigned() -> Vec<u8> {
    build_bundle(&spec()).unwrap()
}

pub fn signed(key: &SigningKey) -> Vec<u8> {
    sign_bundle(&unsigned(), key, &serde_json::Map::new()).unwrap()
}

/// The real `opa`, or a plain word that the test was skipped.
pub fn opa() -> Option<Command> {
    let found = Command::new("opa").arg("version").output().is_ok_and(|o| o.status.success());
    if !found {
        eprintln!("skipped: no `opa` on PATH");
        return None;
    }
    Some(Command::new("opa"))
}

/// Runs a command and gives its output, or panics with what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A bundle that was compiled before, from `tests/bundles`.
pub fn compiled(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(format!("{name}.tar.gz"));
    std::fs::read(path).expect("the bundle lies beside the tests")
}

/// The policy of such a bundle.
pub fn policy(name: &str) -> govc_engine::Policy {
    govc_engine::Engine::load(&compiled(name), &govc_engine::Trust::unsigned()).unwrap()
}

pub fn files_of(bundle: &[u8]) -> Files {
    let opened = Bundle::open(bundle, &Trust::unsigned()).unwrap();
    opened.files().map(|(path, content)| (path.to_owned(), content.to_vec())).collect()
}

pub fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

/// Entries as they are, also those that no writer of ours would make.
pub fn tar_of(entries: &[(&[u8], tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.set_entry_type(*kind);
        header.set_mode(0o600);
        header.set_size(content.len() as u64);
        if *kind == tar::EntryType::Symlink || *kind == tar::EntryType::Link {
            header.as_old_mut().linkname[..11].copy_from_slice(b"/etc/passwd");
        }
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn pack(files: &Files) -> Vec<u8> {
    let paths: Vec<(Vec<u8>, &[u8])> =
        files.iter().map(|(path, content)| (format!("/{path}").into_bytes(), content.as_slice())).collect();
    let entries: Vec<_> =
        paths.iter().map(|(path, content)| (path.as_slice(), tar::EntryType::Regular, *content)).collect();
    gzip(&tar_of(&entries))
}

/// The bundle with another content of one file, packed again.
pub fn with_file(bundle: &[u8], path: &str, content: &[u8]) -> Vec<u8> {
    let mut files = files_of(bundle);
    files.insert(path.to_owned(), content.to_vec());
    pack(&files)
}
