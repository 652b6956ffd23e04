//! Bundles in OCI image layouts: found by tag and digest, and refused when a byte is not what it should be.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::compiled;
use govc_engine::{Engine, Layout, LayoutError, Trust, sha256_hex};
use serde_json::{Value, json};
use std::path::Path;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LIMIT: u64 = 1 << 20;

/// Writes a blob and gives its descriptor.
fn blob(folder: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = sha256_hex(bytes);
    std::fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
    std::fs::write(folder.join("blobs/sha256").join(&digest), bytes).unwrap();
    json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()})
}

/// A layout with a manifest per tag; the bundle is a layer behind one of another kind.
fn layout(folder: &Path, bundles: &[(&str, &[u8])]) -> Vec<String> {
    let mut manifests = Vec::new();
    for (tag, bundle) in bundles {
        let config = blob(folder, "application/vnd.oci.image.config.v1+json", b"{}");
        let layers = [blob(folder, "text/markdown", b"# read me"), blob(folder, LAYER, bundle)];
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        let mut descriptor = blob(folder, MANIFEST, manifest.to_string().as_bytes());
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        manifests.push(descriptor);
    }
    let digests = manifests.iter().map(|one| one["digest"].as_str().unwrap().to_owned()).collect();
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
    digests
}

fn read(name: &str) -> Result<Vec<u8>, LayoutError> {
    Layout::parse(name).unwrap().read(LIMIT).map(|layer| layer.bytes)
}

#[test]
fn bundles_are_found_by_tag_and_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (compiled("verdicts"), compiled("agent-promotion"));
    let digests = layout(folder.path(), &[("v1", &first), ("v2", &second)]);
    let place = folder.path().display();
    assert_eq!(read(&format!("oci:{place}:v1")).unwrap(), first);
    assert_eq!(read(&format!("oci:{place}:v2")).unwrap(), second);
    assert_eq!(read(&format!("oci:{place}@{}", digests[0])).unwrap(), first);
    let layer = Layout::parse(&format!("oci:{place}:v2")).unwrap();
    let known = sha256_hex(&second);
    assert_eq!(layer.read_if_changed("", LIMIT).unwrap().unwrap().digest, known);
    assert_eq!(layer.read_if_changed(&known, LIMIT).unwrap(), None);
    Engine::load(&layer.read(LIMIT).unwrap().bytes, &Trust::unsigned()).unwrap();
    let unclear = read(&format!("oci:{place}")).unwrap_err();
    assert_eq!(unclear.code(), "govc_layout_choice");
    assert_eq!(read(&format!("oci:{place}:v3")).unwrap_err().code(), "govc_layout_choice");
    assert_eq!(read(&format!("oci:{place}/nowhere")).unwrap_err().code(), "govc_file");
}

#[test]
fn no_changed_byte_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = compiled("verdicts");
    layout(folder.path(), &[("v1", &bundle)]);
    let name = format!("oci:{}", folder.path().display());
    assert_eq!(read(&name).unwrap(), bundle);
    let mut refused = 0;
    for entry in std::fs::read_dir(folder.path().join("blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        for changed in [&whole[..whole.len() - 1], &[&whole[..], b" "].concat(), &flipped(&whole)] {
            std::fs::write(&path, changed).unwrap();
            match read(&name) {
                Ok(bytes) => assert_eq!(bytes, bundle, "another blob is nobody's business"),
                Err(error) => {
                    assert_eq!(error.code(), "govc_layout_blob");
                    refused += 1;
                }
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert_eq!(refused, 6, "three changes of the manifest and of the bundle");
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

#[test]
fn what_is_no_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = compiled("verdicts");
    layout(folder.path(), &[("v1", &bundle)]);
    let name = format!("oci:{}", folder.path().display());
    let index = std::fs::read_to_string(folder.path().join("index.json")).unwrap();
    let refused = |file: &str, text: &str| {
        let kept = std::fs::read_to_string(folder.path().join(file)).unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        let error = read(&name).unwrap_err();
        std::fs::write(folder.path().join(file), kept).unwrap();
        error.to_string()
    };
    assert!(refused("oci-layout", r#"{"imageLayoutVersion": "2.0.0"}"#).contains("version 2.0.0"));
    assert!(refused("oci-layout", "{}").contains("the marker of the layout"));
    assert!(refused("index.json", "[").contains("the index of the layout"));
    // A digest is part of a path: nothing but hex digits may be in it.
    let outside = index.replacen("sha256:", "sha256:../../", 1);
    assert!(refused("index.json", &outside).contains("is no SHA-256 digest"));
    let small = Layout::parse(&name).unwrap().read(16).unwrap_err();
    assert!(small.to_string().contains("more than 16"), "{small}");
}
