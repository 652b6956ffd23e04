//! `.signatures.json`: one JWT over the list of files, as OPA makes and checks it.
//!
//! The surprising fact: OPA's JWT names its key only by a free text (`kid`). Ours adds the fingerprint of the
//! public key, so that a wrong key can be told from a damaged signature. Neither is trusted: both only choose
//! the error.
//!
//! OPA reads exactly one JWT. Signatures of further keys stand beside it in `govc_cosignatures`, which OPA passes over;
//! each is a JWT over the same files, and a [`Trust`] may ask for several.

use super::archive::Files;
use super::{SIGNATURES, hash};
use crate::keys::{Algorithm, SigningKey, VerifyingKey};
use crate::{LoadError, Trust};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A file as a signature names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedFile {
    /// Path without a leading slash.
    pub name: String,
    /// Hash, hex.
    pub hash: String,
    /// OPA's name of the hash, `SHA-256`.
    pub algorithm: String,
}

/// Who signed a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signer {
    /// The name of the trusted key that verified, if it has one.
    pub key_id: Option<String>,
    /// SHA-256 of the public key; secrets have none.
    pub fingerprint: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    signatures: Vec<String>,
    #[serde(default)]
    plugin: String,
    #[serde(default)]
    govc_cosignatures: Vec<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    files: Vec<SignedFile>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    keyid: Option<String>,
    #[serde(default)]
    govc_key: Option<String>,
}

/// Lists and hashes files as OPA does.
fn list(files: &Files) -> Result<Vec<SignedFile>, LoadError> {
    let mut listed = Vec::with_capacity(files.len());
    for (path, content) in files {
        if path == SIGNATURES {
            continue;
        }
        let hash = hash::file("SHA-256", path, content)
            .ok_or(LoadError::Signatures("SHA-256 is missing".to_owned()))?
            .map_err(|e| LoadError::Data { path: path.clone(), message: e.to_string() })?;
        listed.push(SignedFile { name: path.clone(), hash, algorithm: "SHA-256".to_owned() });
    }
    Ok(listed)
}

/// Makes the text of `.signatures.json`. `claims` go into the token beside the list (`scope`, `iss`, `iat`, ...).
pub(super) fn make(
    files: &Files,
    key: &SigningKey,
    claims: &Map<String, Value>,
) -> Result<Vec<u8>, super::BundleError> {
    Ok(json!({"signatures": [token(files, key, claims)?]}).to_string().into_bytes())
}

/// Adds a signature to the text of `.signatures.json`.
pub(super) fn add(
    files: &Files,
    key: &SigningKey,
    claims: &Map<String, Value>,
) -> Result<Vec<u8>, super::BundleError> {
    let text = files.get(SIGNATURES).ok_or(LoadError::Unsigned)?;
    let SignatureFile { signatures, mut govc_cosignatures, .. } = parse(text)?;
    govc_cosignatures.push(token(files, key, claims)?);
    let added = json!({"signatures": signatures, "govc_cosignatures": govc_cosignatures});
    Ok(added.to_string().into_bytes())
}

fn token(files: &Files, key: &SigningKey, claims: &Map<String, Value>) -> Result<String, super::BundleError> {
    let public = key.verifying_key();
    let kid = public.id().unwrap_or("default");
    let header = json!({"alg": key.algorithm().name(), "kid": kid, "typ": "JWT"});
    let mut payload = claims.clone();
    payload.insert("files".to_owned(), json!(list(files)?));
    if claims.is_empty() {
        payload.insert("keyid".to_owned(), json!(kid));
    }
    if let Some(fingerprint) = public.fingerprint() {
        payload.insert("govc_key".to_owned(), json!(fingerprint));
    }
    let signed = format!("{}.{}", encode(&header), encode(&Value::Object(payload)));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Checks the signatures and every file against each of them. Gives the first signer.
pub(super) fn check(files: &Files, trust: &Trust) -> Result<Signer, LoadError> {
    let text = files.get(SIGNATURES).ok_or(LoadError::Unsigned)?;
    let file = parse(text)?;
    let [token] = <[String; 1]>::try_from(file.signatures)
        .map_err(|all| LoadError::Signatures(format!("{} JWTs (expected exactly one)", all.len())))?;
    let wanted = trust.wanted_keys();
    if file.govc_cosignatures.is_empty() && wanted == 1 {
        return check_one(&token, files, trust);
    }
    let mut signers: Vec<Signer> = Vec::new();
    let known = |signers: &[Signer], new: &Signer| signers.iter().any(|old| old.is_same_key(new));
    let mut first_fault = None;
    for token in std::iter::once(&token).chain(&file.govc_cosignatures).take(MAX_SIGNATURES) {
        match check_one(token, files, trust) {
            // A key that signs twice is one key.
            Ok(signer) if known(&signers, &signer) => {}
            Ok(signer) => signers.push(signer),
            Err(fault) => drop(first_fault.get_or_insert(fault)),
        }
    }
    let given = signers.len();
    match (signers.into_iter().next(), first_fault) {
        (Some(first), _) if given >= wanted => Ok(first),
        (None, Some(fault)) => Err(fault),
        _ => Err(LoadError::Threshold { given, wanted }),
    }
}

/// Signatures of one bundle that are looked at.
const MAX_SIGNATURES: usize = 32;

fn check_one(token: &str, files: &Files, trust: &Trust) -> Result<Signer, LoadError> {
    let (claims, signer) = check_token(token, trust)?;
    let wanted = trust.wanted_scope();
    if claims.scope != wanted {
        return Err(LoadError::Scope { given: claims.scope, wanted: wanted.to_owned() });
    }
    check_files(files, claims.files, trust)?;
    Ok(signer)
}

fn parse(text: &[u8]) -> Result<SignatureFile, LoadError> {
    let file: SignatureFile =
        serde_json::from_slice(text).map_err(|e| LoadError::Signatures(e.to_string()))?;
    if !matches!(file.plugin.as_str(), "" | "_default") {
        return Err(LoadError::Signatures(format!("signing plugin `{}` is unknown", file.plugin)));
    }
    Ok(file)
}

fn check_token(token: &str, trust: &Trust) -> Result<(Claims, Signer), LoadError> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(LoadError::Signatures("the JWT does not have three parts".to_owned()));
    };
    let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LoadError::BadSignature)?;
    let header: Header = decode(header)?;
    let claims: Result<Claims, LoadError> = decode(payload);
    let algorithm = Algorithm::from_name(&header.alg)
        .ok_or_else(|| LoadError::Algorithm { algorithm: header.alg.clone() })?;
    let mut fitting = trust.keys().iter().filter(|key| key.takes(algorithm)).peekable();
    if fitting.peek().is_none() {
        return Err(wrong_key(claims.as_ref().ok(), &header, trust)
            .unwrap_or(LoadError::Algorithm { algorithm: header.alg.clone() }));
    }
    let verified = fitting.find(|key| key.verifies(algorithm, signed.as_bytes(), &signature));
    let Some(key) = verified else {
        return Err(wrong_key(claims.as_ref().ok(), &header, trust).unwrap_or(LoadError::BadSignature));
    };
    if trust.is_revoked(key) {
        return Err(LoadError::RevokedKey { key: key.shown() });
    }
    if !key.is_good_at(trust.now()) {
        return Err(LoadError::KeyTime { key: key.shown() });
    }
    Ok((claims?, Signer::of(key, algorithm)))
}

impl Signer {
    /// Names prove nothing: one key under two names, or with two algorithms, is one key. Secrets are told apart by
    /// nothing else than their names.
    fn is_same_key(&self, other: &Self) -> bool {
        match (&self.fingerprint, &other.fingerprint) {
            (None, None) => self.key_id == other.key_id,
            (ours, theirs) => ours == theirs,
        }
    }

    fn of(key: &VerifyingKey, algorithm: Algorithm) -> Self {
        Self {
            key_id: key.id().map(str::to_owned),
            fingerprint: key.fingerprint().map(str::to_owned),
            algorithm,
        }
    }
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, LoadError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| LoadError::BadSignature)?;
    serde_json::from_slice(&json).map_err(|_| LoadError::BadSignature)
}

/// The token says that another key made it than those trusted.
fn wrong_key(claims: Option<&Claims>, header: &Header, trust: &Trust) -> Option<LoadError> {
    let claims = claims?;
    let made_by = claims.govc_key.as_deref()?;
    if trust.keys().iter().any(|key| key.fingerprint() == Some(made_by)) {
        return None;
    }
    let key = header.kid.as_deref().or(claims.keyid.as_deref()).unwrap_or(made_by);
    Some(LoadError::WrongKey { key: key.to_owned() })
}

fn check_files(files: &Files, signed: Vec<SignedFile>, trust: &Trust) -> Result<(), LoadError> {
    let mut signed: BTreeMap<String, SignedFile> = signed.into_iter().map(|f| (f.name.clone(), f)).collect();
    for (path, content) in files {
        if path == SIGNATURES {
            continue;
        }
        let file = signed.remove(path);
        if trust.excludes(path) {
            continue;
        }
        let file = file.ok_or_else(|| LoadError::ExtraFile { path: path.clone() })?;
        let changed = || LoadError::ChangedFile { path: path.clone() };
        let hash = hash::file(&file.algorithm, path, content)
            .ok_or_else(|| {
                LoadError::Signatures(format!("unsupported hashing algorithm: {}", file.algorithm))
            })?
            .map_err(|_| changed())?;
        if !hash.eq_ignore_ascii_case(&file.hash) {
            return Err(changed());
        }
    }
    match signed.into_keys().next() {
        Some(path) => Err(LoadError::MissingFile { path }),
        None => Ok(()),
    }
}
