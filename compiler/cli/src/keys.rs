//! Keys on the command line, with OPA's flags.
//!
//! A key is a path, or the PEM text itself, so that a key can come from the environment without touching a disk; for
//! HMAC algorithms it is the secret, as in OPA.

use crate::files::io_problem;
use crate::policies;
use crate::problem::Problem;
use clap::Args;
use govc_engine::{Algorithm, Policy, SigningKey, Trust, VerifyingKey, VersionMemory};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// With what something is signed.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Signing {
    /// Private key: a PEM file or its text (or, for HMAC, the secret)
    #[arg(long, value_name = "KEY", env = "GOVC_SIGNING_KEY", hide_env_values = true)]
    pub(crate) signing_key: Option<String>,
    /// Algorithm, such as `EdDSA`, `ES256`, `RS256`, `HS256`; without it, the usual one of the key
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) signing_alg: Option<String>,
    /// Name of the key, for those who verify with several
    #[arg(long, value_name = "NAME")]
    pub(crate) signing_key_id: Option<String>,
}

/// What is trusted.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Verifying {
    /// Public key: a PEM file or its text (or, for HMAC, the secret); may be repeated
    #[arg(
        long,
        value_name = "KEY",
        required_unless_present = "trust",
        env = "GOVC_VERIFICATION_KEY",
        hide_env_values = true
    )]
    pub(crate) verification_key: Vec<String>,
    /// Name of the key
    #[arg(long, value_name = "NAME")]
    pub(crate) verification_key_id: Option<String>,
    /// Algorithm that signatures must have
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) verification_alg: Option<String>,
    /// Scope that signatures must have
    #[arg(long, default_value = "")]
    pub(crate) scope: String,
    /// File that says which keys are trusted, how many must have signed, and which are revoked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["verification_key", "scope"])]
    pub(crate) trust: Option<String>,
    /// File that remembers the newest version; older bundles are refused
    #[arg(long, value_name = "FILE")]
    pub(crate) version_memory: Option<String>,
}

impl Signing {
    /// The key, if one was given.
    pub(crate) fn key(&self) -> Result<Option<SigningKey>, Problem> {
        let Some(given) = &self.signing_key else { return Ok(None) };
        let algorithm = self.signing_alg.as_deref().map(algorithm).transpose()?;
        let text = text_of(given, algorithm)?;
        let key = SigningKey::from_text(&text, algorithm)?;
        Ok(Some(match &self.signing_key_id {
            Some(id) => key.with_id(id),
            None => key,
        }))
    }

    /// The key, which must be there.
    pub(crate) fn required(&self) -> Result<SigningKey, Problem> {
        let missing = || Problem::coded("govc_key_missing", "no key to sign with; give `--signing-key`");
        self.key()?.ok_or_else(missing)
    }
}

impl Verifying {
    /// The keys.
    pub(crate) fn keys(&self) -> Result<Vec<VerifyingKey>, Problem> {
        self.verification_key.iter().map(|given| self.one(given)).collect()
    }

    fn one(&self, given: &str) -> Result<VerifyingKey, Problem> {
        let algorithm = self.verification_alg.as_deref().map(algorithm).transpose()?;
        let text = text_of(given, algorithm)?;
        let mut key = VerifyingKey::from_text(&text, algorithm)?;
        if let Some(id) = &self.verification_key_id {
            key = key.with_id(id);
        }
        Ok(key)
    }

    /// The keys as what a bundle must satisfy.
    pub(crate) fn trust(&self) -> Result<Trust, Problem> {
        if let Some(path) = &self.trust {
            let read = Trust::from_policy(&policies::read(path)?);
            return read.map_err(|error| Problem::coded(error.code(), format!("{path}: {error}")));
        }
        Ok(Trust::any_of(self.keys()?).scope(&self.scope))
    }
}

impl Verifying {
    /// Loads and verifies a bundle, which must not be older than one that was in force.
    pub(crate) fn policy(&self, path: &str) -> Result<Policy, Problem> {
        let policy = policies::load(path, &self.trust()?)?;
        if let Some(memory) = &self.version_memory {
            VersionMemory::at(memory).admit(&policy)?;
        }
        Ok(policy)
    }
}

fn algorithm(name: &str) -> Result<Algorithm, Problem> {
    let unknown = || Problem::coded("govc_key_algorithm", format!("unknown signature algorithm: {name}"));
    Algorithm::from_name(name).ok_or_else(unknown)
}

/// The text of a key that was given as a path or as text.
pub(crate) fn text_of(given: &str, algorithm: Option<Algorithm>) -> Result<String, Problem> {
    let secret = algorithm.is_some_and(|a| a.name().starts_with("HS"));
    if given.contains("-----BEGIN") || (secret && !std::path::Path::new(given).is_file()) {
        return Ok(given.to_owned());
    }
    let text = std::fs::read_to_string(given).map_err(|error| {
        let problem = crate::files::io_problem("open", given, &error);
        Problem::coded("govc_key_file", problem.message)
    })?;
    Ok(if secret { text.trim_end_matches(['\r', '\n']).to_owned() } else { text })
}

/// Makes a new Ed25519 key: `private.pem` and `public.pem` in a folder. Gives the two paths.
pub(crate) fn generate(folder: &Path) -> Result<[String; 2], Problem> {
    let failed =
        |path: &Path, error: std::io::Error| io_problem("write", &path.display().to_string(), &error);
    let (private, public) = govc_engine::generate_key()?;
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let paths = [folder.join("private.pem"), folder.join("public.pem")];
    for (path, text) in paths.iter().zip([private, public]) {
        create(path, text.as_bytes()).map_err(|error| failed(path, error))?;
    }
    Ok(paths.map(|path| path.display().to_string()))
}

/// Never replaces a key, and lets nobody else read it.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
