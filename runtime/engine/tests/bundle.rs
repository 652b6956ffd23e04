//! What a bundle may not be.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{Files, POLICY, files_of, gzip, pack, signed, signing, spec, tar_of, unsigned, verifying};
use govc_engine::{
    Algorithm, Bundle, BundleError, BundleLimits, BundleSpec, LoadError, SigningKey, Trust, VerifyingKey,
    build_bundle, sha256_hex, sign_bundle,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

fn trust() -> Trust {
    Trust::key(verifying("ed25519"))
}

fn gunzip(bundle: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bundle).read_to_end(&mut tar).unwrap();
    tar
}

fn refused(bundle: &[u8]) -> LoadError {
    Bundle::open(bundle, &trust()).expect_err("the bundle must be refused")
}

fn refused_entry(path: &[u8], kind: tar::EntryType) -> LoadError {
    let entries: [(&[u8], _, &[u8]); 2] = [(b"/a.rego", tar::EntryType::Regular, b"x"), (path, kind, b"")];
    Bundle::open(&gzip(&tar_of(&entries)), &Trust::unsigned()).expect_err("the bundle must be refused")
}

#[test]
fn a_signed_bundle_opens_and_says_who_signed_it() {
    let bundle = Bundle::open(
        &signed(&signing("ed25519").with_id("k1")),
        &Trust::key(verifying("ed25519").with_id("k1")),
    )
    .unwrap();
    let signer = bundle.signer().unwrap();
    assert_eq!(signer.key_id.as_deref(), Some("k1"));
    assert_eq!(signer.fingerprint.as_deref(), verifying("ed25519").fingerprint());
    assert_eq!(signer.algorithm, Algorithm::EdDsa);
    assert_eq!(bundle.file("policy/a.rego"), Some(POLICY.as_bytes()));
    assert_eq!(bundle.section().unwrap().entrypoints, ["a/allow"]);
}

#[test]
fn equal_specifications_give_equal_bytes_and_signing_keeps_the_digest() {
    assert_eq!(unsigned(), unsigned());
    assert_eq!(signed(&signing("ed25519")), signed(&signing("ed25519")));
    let digests: Vec<String> = [unsigned(), signed(&signing("ed25519")), signed(&signing("es256"))]
        .iter()
        .map(|bytes| Bundle::open(bytes, &Trust::unsigned()).unwrap().digest().to_owned())
        .collect();
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[1], digests[2]);
    let lines: String = files_of(&unsigned())
        .iter()
        .map(|(path, content)| format!("{}  {path}\n", sha256_hex(content)))
        .collect();
    assert_eq!(digests[0], sha256_hex(lines.as_bytes()), "what sha256sum prints, hashed");
}

#[test]
fn other_content_has_another_digest() {
    let mut other = spec();
    other.data = Some(b"{\"limits\":{\"max\":2}}".to_vec());
    let opened = |bytes: &[u8]| Bundle::open(bytes, &Trust::unsigned()).unwrap().digest().to_owned();
    assert_ne!(opened(&unsigned()), opened(&build_bundle(&other).unwrap()));
}

/// Every byte of every file's content, and of the signature, in three of its bits: the lowest, the one that makes letters
/// small or large, and one that moves along.
#[test]
fn every_flipped_bit_in_a_file_is_refused() {
    let files = files_of(&signed(&signing("ed25519")));
    let mut codes = BTreeMap::new();
    for (path, content) in &files {
        for at in 0..content.len() {
            for bit in BTreeSet::from([0, 5, at % 8]) {
                let mut changed = files.clone();
                changed.get_mut(path).unwrap()[at] ^= 1 << bit;
                let error = match Bundle::open(&pack(&changed), &trust()) {
                    Ok(_) => panic!("bit {bit} of byte {at} of {path} was not noticed"),
                    Err(error) => error,
                };
                if path != ".signatures.json" {
                    assert_eq!(error, LoadError::ChangedFile { path: path.clone() });
                }
                *codes.entry(error.code()).or_insert(0) += 1;
            }
        }
    }
    assert!(codes.contains_key("govc_bundle_bad_signature"), "{codes:?}");
}

/// Every bit of the archive: refused, or it opens to the very same files.
#[test]
fn every_flipped_bit_of_the_archive_is_refused_or_changes_nothing() {
    let bundle = signed(&signing("ed25519"));
    let digest = Bundle::open(&bundle, &trust()).unwrap().digest().to_owned();
    let mut accepted = 0;
    for at in 0..bundle.len() {
        for bit in 0..8 {
            let mut changed = bundle.clone();
            changed[at] ^= 1 << bit;
            if let Ok(opened) = Bundle::open(&changed, &trust()) {
                assert_eq!(opened.digest(), digest);
                assert_eq!(files_of(&changed), files_of(&bundle));
                accepted += 1;
            }
        }
    }
    assert!(accepted <= 8 * 10, "only the header of gzip says things that nobody reads: {accepted}");
}

/// Every bit of the tar inside: the gzip is sound, so only our own checks stand between.
#[test]
fn every_flipped_bit_of_the_tar_is_refused_or_changes_nothing() {
    let bundle = signed(&signing("ed25519"));
    let (tar, files) = (gunzip(&bundle), files_of(&bundle));
    for at in (0..tar.len()).filter(|at| at % 512 < 160 || at % 7 == 0) {
        let mut changed = tar.clone();
        changed[at] ^= 1 << (at % 8);
        let packed = gzip(&changed);
        if Bundle::open(&packed, &trust()).is_ok() {
            assert_eq!(files_of(&packed), files, "byte {at}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let bundle = signed(&signing("ed25519"));
    for len in 0..bundle.len() {
        assert!(Bundle::open(&bundle[..len], &trust()).is_err(), "{len} bytes");
    }
    let tar = gunzip(&bundle);
    let content: usize = tar.len() - 1024;
    for len in (0..content).step_by(97) {
        assert!(Bundle::open(&gzip(&tar[..len]), &trust()).is_err(), "{len} bytes of tar");
    }
}

#[test]
fn an_extra_file_is_refused() {
    let mut files = files_of(&signed(&signing("ed25519")));
    files.insert("policy/b.rego".to_owned(), b"package b\n".to_vec());
    assert_eq!(refused(&pack(&files)), LoadError::ExtraFile { path: "policy/b.rego".to_owned() });
    files.remove("policy/b.rego");
    files.insert("x/signatures.json".to_owned(), b"{}".to_vec());
    assert_eq!(refused(&pack(&files)), LoadError::ExtraFile { path: "x/signatures.json".to_owned() });
}

#[test]
fn a_missing_file_is_refused() {
    let whole = files_of(&signed(&signing("ed25519")));
    for path in whole.keys().filter(|path| *path != ".signatures.json") {
        let mut files = whole.clone();
        files.remove(path);
        assert_eq!(refused(&pack(&files)), LoadError::MissingFile { path: path.clone() });
    }
}

#[test]
fn a_wrong_key_a_bad_signature_and_no_signature_have_their_own_errors() {
    let bundle = signed(&signing("ed25519").with_id("ours"));
    let open = |trust: Trust| Bundle::open(&bundle, &trust).unwrap_err();
    assert_eq!(open(Trust::key(verifying("other"))), LoadError::WrongKey { key: "ours".to_owned() });
    assert_eq!(open(Trust::key(verifying("rs256"))), LoadError::WrongKey { key: "ours".to_owned() });
    assert_eq!(open(Trust::any_of([])), LoadError::WrongKey { key: "ours".to_owned() });
    assert_eq!(refused(&unsigned()), LoadError::Unsigned);
    let mut files = files_of(&bundle);
    let text = String::from_utf8(files[".signatures.json"].clone()).unwrap();
    let at = text.rfind('.').unwrap() + 10;
    let swapped = if &text[at..=at] == "A" { "B" } else { "A" };
    files.insert(
        ".signatures.json".to_owned(),
        format!("{}{swapped}{}", &text[..at], &text[at + 1..]).into_bytes(),
    );
    assert_eq!(refused(&pack(&files)), LoadError::BadSignature);
}

#[test]
fn one_of_several_keys_is_enough() {
    let trust = Trust::any_of([verifying("other"), verifying("rs256"), verifying("ed25519")]);
    Bundle::open(&signed(&signing("ed25519")), &trust).unwrap();
}

#[test]
fn a_public_key_is_never_a_shared_secret() {
    // The classic confusion: an HMAC keyed with the text of the public key.
    let public = common::pem("ed25519.pub");
    let forged = signed(&SigningKey::from_secret(public.as_bytes(), Algorithm::Hs256).unwrap());
    assert_eq!(refused(&forged), LoadError::Algorithm { algorithm: "HS256".to_owned() });
}

#[test]
fn a_key_for_one_algorithm_takes_no_other() {
    let rs256 = VerifyingKey::from_text(&common::pem("rs256.pub"), Some(Algorithm::Rs256)).unwrap();
    let ps256 = SigningKey::from_text(&common::pem("rs256"), Some(Algorithm::Ps256)).unwrap();
    let error = Bundle::open(&signed(&ps256), &Trust::key(rs256)).unwrap_err();
    assert_eq!(error, LoadError::Algorithm { algorithm: "PS256".to_owned() });
}

#[test]
fn algorithm_none_is_unknown() {
    let mut files = files_of(&signed(&signing("ed25519")));
    let text = String::from_utf8(files[".signatures.json"].clone()).unwrap();
    let payload = text.split('.').nth(1).unwrap();
    let none = "eyJhbGciOiJub25lIn0";
    files.insert(
        ".signatures.json".to_owned(),
        format!("{{\"signatures\":[\"{none}.{payload}.\"]}}").into_bytes(),
    );
    assert_eq!(refused(&pack(&files)), LoadError::Algorithm { algorithm: "none".to_owned() });
}

#[test]
fn malformed_signature_files_are_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"signatures\":[]}",
        "{\"signatures\":[\"a\"]}",
        "{\"signatures\":[\"a.b.c\"]}",
        "{\"signatures\":[\"a.b.c\",\"d.e.f\"]}",
        "{\"signatures\":[\"a.b.c\"],\"plugin\":\"mine\"}",
        "{\"signatures\":[\"..\"]}",
        "{\"signatures\":[\"e30.e30.\"]}",
    ] {
        let mut files = files_of(&signed(&signing("ed25519")));
        files.insert(".signatures.json".to_owned(), text.as_bytes().to_vec());
        let error = refused(&pack(&files));
        assert!(matches!(error, LoadError::Signatures(_) | LoadError::BadSignature), "{text}: {error:?}");
    }
}

#[test]
fn expiry_is_exact_to_the_second() {
    let mut expiring = spec();
    expiring.expires = Some("2026-06-01T00:00:00Z".to_owned());
    let bundle =
        sign_bundle(&build_bundle(&expiring).unwrap(), &signing("ed25519"), &serde_json::Map::new()).unwrap();
    let end = 1_780_272_000;
    Bundle::open(&bundle, &trust().at(end - 1)).unwrap();
    for late in [end, end + 1, i64::MAX] {
        let error = Bundle::open(&bundle, &trust().at(late)).unwrap_err();
        assert_eq!(error, LoadError::Expired { expires: "2026-06-01T00:00:00Z".to_owned() });
    }
    assert!(matches!(Bundle::open(&bundle, &Trust::unsigned().at(end)), Err(LoadError::Expired { .. })));
    expiring.expires = Some("tomorrow".to_owned());
    assert_eq!(build_bundle(&expiring), Err(BundleError::Expiry { text: "tomorrow".to_owned() }));
}

#[test]
fn unsafe_paths_are_refused() {
    for path in [
        &b"../a"[..],
        b"a/../../b",
        b"/a//b",
        b"./../a",
        b"a/./b",
        b"a\\b",
        b"a\x01b",
        b"//a",
        b"\xff",
        b"a/..",
    ] {
        let error = refused_entry(path, tar::EntryType::Regular);
        assert!(matches!(error, LoadError::UnsafePath { .. }), "{path:?}: {error:?}");
    }
}

#[test]
fn links_and_devices_are_refused() {
    assert!(matches!(refused_entry(b"/l", tar::EntryType::Symlink), LoadError::Link { .. }));
    assert!(matches!(refused_entry(b"/l", tar::EntryType::Link), LoadError::Link { .. }));
    for kind in
        [tar::EntryType::Char, tar::EntryType::Block, tar::EntryType::Fifo, tar::EntryType::Continuous]
    {
        assert!(matches!(refused_entry(b"/d", kind), LoadError::EntryKind { .. }));
    }
}

#[test]
fn duplicates_are_refused_under_every_spelling() {
    for path in [&b"a.rego"[..], b"/a.rego", b"./a.rego"] {
        assert_eq!(
            refused_entry(path, tar::EntryType::Regular),
            LoadError::Duplicate { path: "a.rego".to_owned() }
        );
    }
}

#[test]
fn folders_are_passed_over() {
    let entries: [(&[u8], _, &[u8]); 3] = [
        (b"./", tar::EntryType::Directory, b""),
        (b"./policy/", tar::EntryType::Directory, b""),
        (b"./policy/a.rego", tar::EntryType::Regular, b"package a\n"),
    ];
    let bundle = Bundle::open(&gzip(&tar_of(&entries)), &Trust::unsigned()).unwrap();
    assert_eq!(bundle.files().count(), 1);
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let bundle = signed(&signing("ed25519"));
    assert_eq!(refused(&[bundle.as_slice(), b"\0"].concat()), LoadError::TrailingBytes);
    assert_eq!(refused(&[bundle.clone(), bundle.clone()].concat()), LoadError::TrailingBytes);
    let tar = [gunzip(&bundle), vec![0; 512], b"hidden".to_vec()].concat();
    assert_eq!(refused(&gzip(&tar)), LoadError::TrailingBytes);
}

#[test]
fn what_is_no_archive_is_refused() {
    for bytes in [&b""[..], b"hello", &[0x1f, 0x8b], &gzip(b"not a tar archive at all, only text")] {
        assert!(
            matches!(refused(bytes), LoadError::Gzip(_) | LoadError::Tar(_) | LoadError::Unsigned),
            "{bytes:?}"
        );
    }
}

#[test]
fn limits_hold() {
    let bundle = unsigned();
    let open = |limits| Bundle::open(&bundle, &Trust::unsigned().limits(limits)).unwrap_err();
    let usual = BundleLimits::default();
    let what = |error| match error {
        LoadError::TooLarge { what, .. } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(open(BundleLimits { packed: 10, ..usual })), "bundle");
    assert_eq!(what(open(BundleLimits { total: 1000, ..usual })), "content");
    assert_eq!(what(open(BundleLimits { files: 2, ..usual })), "files");
    assert_eq!(what(open(BundleLimits { file: 20, ..usual })), ".manifest");
}

#[test]
fn a_gzip_bomb_stops_at_the_limit() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 64 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let limits = BundleLimits { total: 1 << 20, ..BundleLimits::default() };
    let error = Bundle::open(&bomb, &trust().limits(limits)).unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { given, .. } if given <= (1 << 20) + 1));
}

#[test]
fn manifests_of_another_form_are_refused() {
    let good = files_of(&unsigned());
    let manifest = String::from_utf8(good[".manifest"].clone()).unwrap();
    let with = |text: String| {
        let mut files = good.clone();
        files.insert(".manifest".to_owned(), text.into_bytes());
        Bundle::open(&pack(&files), &Trust::unsigned()).map(|_| ())
    };
    assert_eq!(with(manifest.clone()), Ok(()));
    assert_eq!(with(format!(" {manifest}")), Err(LoadError::ManifestForm));
    assert_eq!(with(manifest.replacen("{", "{\"x\":1,", 1)), Err(LoadError::ManifestForm));
    let later = manifest.replacen("\"format\":1", "\"format\":2", 1);
    assert!(matches!(with(later), Err(LoadError::Manifest(_))));
    let unknown = manifest.replacen("\"format\":1", "\"format\":1,\"future\":true", 1);
    assert!(matches!(with(unknown), Err(LoadError::Manifest(_))));
    assert!(matches!(with("nonsense".to_owned()), Err(LoadError::Manifest(_))));
}

#[test]
fn our_digests_bind_what_opa_leaves_open() {
    // White space of data.json does not count for OPA's signature; an unsigned bundle has only our digests.
    let mut files = files_of(&signed(&signing("ed25519")));
    files.get_mut("data.json").unwrap().push(b'\n');
    assert_eq!(refused(&pack(&files)), LoadError::ChangedFile { path: "data.json".to_owned() });
    let error = Bundle::open(&pack(&files), &Trust::unsigned()).unwrap_err();
    assert_eq!(error, LoadError::ChangedFile { path: "data.json".to_owned() });
}

#[test]
fn forms_that_are_not_read_yet_are_named() {
    let files = Files::from([(".manifest.pb".to_owned(), b"{}".to_vec())]);
    let error = Bundle::open(&pack(&files), &Trust::unsigned()).unwrap_err();
    assert_eq!(error.code(), "govc_not_yet");
}

#[test]
fn paths_that_no_bundle_can_have_are_not_built() {
    for path in
        ["../a.rego", "a//b.rego", ".manifest", "x/.manifest", ".signatures.json", "b/signatures.json", ""]
    {
        let mut bad = spec();
        bad.sources.insert(path.to_owned(), Vec::new());
        assert!(matches!(build_bundle(&bad), Err(BundleError::Path { .. })), "{path}");
    }
    let mut doubled = spec();
    doubled.extra.insert("data.json".to_owned(), b"{}".to_vec());
    assert!(matches!(build_bundle(&doubled), Err(BundleError::Duplicate { .. })));
    let mut broken = spec();
    broken.data = Some(b"{".to_vec());
    assert!(matches!(build_bundle(&broken), Err(BundleError::Json { .. })));
}

#[test]
fn long_paths_survive() {
    let path = format!("policy/{}/a.rego", "x".repeat(300));
    let mut long = spec();
    long.sources.insert(path.clone(), POLICY.as_bytes().to_vec());
    let bundle = build_bundle(&long).unwrap();
    assert_eq!(files_of(&bundle)[&path], POLICY.as_bytes());
    assert_eq!(bundle, build_bundle(&long).unwrap());
}

#[test]
fn signing_again_replaces_the_signature() {
    let twice =
        sign_bundle(&signed(&signing("other")), &signing("ed25519"), &serde_json::Map::new()).unwrap();
    assert_eq!(twice, signed(&signing("ed25519")));
}

#[test]
fn keys_of_the_wrong_kind_are_refused() {
    assert_eq!(VerifyingKey::from_pem("nothing").unwrap_err().code(), "govc_key_pem");
    assert_eq!(VerifyingKey::from_pem(&common::pem("ed25519")).unwrap_err().code(), "govc_key_label");
    assert_eq!(SigningKey::from_pem(&common::pem("ed25519.pub")).unwrap_err().code(), "govc_key_label");
    let mismatch = SigningKey::from_text(&common::pem("ed25519"), Some(Algorithm::Es256)).unwrap_err();
    assert_eq!(mismatch.code(), "govc_key_algorithm");
    let garbage = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
    assert_eq!(VerifyingKey::from_pem(garbage).unwrap_err().code(), "govc_key_malformed");
    assert_eq!(SigningKey::from_secret(b"", Algorithm::Hs256).unwrap_err().code(), "govc_key_short");
    assert_eq!(SigningKey::from_secret(b"x", Algorithm::Rs256).unwrap_err().code(), "govc_key_algorithm");
}

#[test]
fn both_spellings_of_private_keys_are_read() {
    let sec1 = signed(&signing("es256-sec1"));
    Bundle::open(&sec1, &Trust::key(verifying("es256-sec1"))).unwrap();
    assert_eq!(signing("rs256-pkcs1").verifying_key().fingerprint(), verifying("rs256").fingerprint());
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let text = String::new;
    let all = [
        LoadError::TooLarge { what: text(), given: 1, limit: 0 },
        LoadError::Gzip(text()),
        LoadError::Tar(text()),
        LoadError::TrailingBytes,
        LoadError::UnsafePath { path: text() },
        LoadError::Link { path: text() },
        LoadError::EntryKind { path: text() },
        LoadError::Duplicate { path: text() },
        LoadError::Manifest(text()),
        LoadError::ManifestForm,
        LoadError::NotYet { what: "" },
        LoadError::Signatures(text()),
        LoadError::Unsigned,
        LoadError::Algorithm { algorithm: text() },
        LoadError::WrongKey { key: text() },
        LoadError::BadSignature,
        LoadError::Scope { given: text(), wanted: text() },
        LoadError::Threshold { given: 0, wanted: 1 },
        LoadError::RevokedKey { key: text() },
        LoadError::KeyTime { key: text() },
        LoadError::Rollback { given: None, seen: 1 },
        LoadError::Fork { version: 1 },
        LoadError::Memory { path: text(), why: text() },
        LoadError::ExtraFile { path: text() },
        LoadError::MissingFile { path: text() },
        LoadError::ChangedFile { path: text() },
        LoadError::Expired { expires: text() },
        LoadError::NoProgram,
        LoadError::Program(text()),
        LoadError::Data { path: text(), message: text() },
    ];
    let codes: BTreeSet<_> = all.iter().map(LoadError::code).collect();
    assert_eq!(codes.len(), all.len());
}

#[test]
fn the_hash_of_the_policies_counts_what_decides_and_nothing_else() {
    let hash = |change: &dyn Fn(&mut BundleSpec)| {
        let mut spec = spec();
        change(&mut spec);
        Bundle::open(&build_bundle(&spec).unwrap(), &Trust::unsigned()).unwrap().policy_hash()
    };
    let base = hash(&|_| ());
    assert_eq!(base.len(), 64);
    let unrelated: [&dyn Fn(&mut BundleSpec); 5] = [
        &|s| s.revision = "r2".to_owned(),
        &|s| drop(s.extra.insert("plan.json".to_owned(), b"{}".to_vec())),
        &|s| drop(s.sources.insert("policy/b.rego".to_owned(), b"package b\n".to_vec())),
        &|s| s.version = Some(7),
        &|s| s.expires = Some("2099-01-01T00:00:00Z".to_owned()),
    ];
    unrelated.iter().for_each(|change| assert_eq!(hash(change), base));
    let deciding: [&dyn Fn(&mut BundleSpec); 4] = [
        &|s| s.program = Some(b"\0another program".to_vec()),
        &|s| s.data = Some(b"{\"limits\":{\"max\":2}}".to_vec()),
        &|s| drop(s.extra.insert("more/data.json".to_owned(), b"{}".to_vec())),
        &|s| drop(s.schemas.insert("input.json".to_owned(), b"{}".to_vec())),
    ];
    let mut hashes: Vec<String> = deciding.iter().map(|change| hash(*change)).collect();
    hashes.push(base);
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
}
