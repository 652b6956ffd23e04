//! Keys that sign and verify bundles and proofs.
//!
//! The surprising fact: the algorithm follows from the key, never from the message. A token that names
//! another algorithm than its key can have is refused before any cryptography runs.

mod der;
mod generate;
mod signing;
mod verifying;

pub use generate::generate;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;

use std::fmt;

/// Declares the algorithms of JSON Web Signature that bundles and proofs may use.
macro_rules! algorithms {
    ($($name:ident $text:literal $family:ident $doc:literal,)*) => {
        /// A signature algorithm, named as in RFC 7518 and RFC 8037.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Algorithm { $(#[doc = $doc] $name,)* }

        impl Algorithm {
            /// All algorithms.
            pub const ALL: &'static [Algorithm] = &[$(Algorithm::$name,)*];

            /// The name in a token's header.
            pub fn name(self) -> &'static str {
                match self { $(Algorithm::$name => $text,)* }
            }

            /// The kind of key that it takes.
            pub(crate) fn family(self) -> Family {
                match self { $(Algorithm::$name => Family::$family,)* }
            }
        }
    };
}

algorithms! {
    EdDsa "EdDSA" Ed25519 "Ed25519.",
    Es256 "ES256" P256 "ECDSA over P-256 with SHA-256.",
    Es384 "ES384" P384 "ECDSA over P-384 with SHA-384.",
    Es512 "ES512" P521 "ECDSA over P-521 with SHA-512.",
    Rs256 "RS256" Rsa "RSA PKCS #1 v1.5 with SHA-256.",
    Rs384 "RS384" Rsa "RSA PKCS #1 v1.5 with SHA-384.",
    Rs512 "RS512" Rsa "RSA PKCS #1 v1.5 with SHA-512.",
    Ps256 "PS256" Rsa "RSA PSS with SHA-256.",
    Ps384 "PS384" Rsa "RSA PSS with SHA-384.",
    Ps512 "PS512" Rsa "RSA PSS with SHA-512.",
    Hs256 "HS256" Secret "HMAC with SHA-256.",
    Hs384 "HS384" Secret "HMAC with SHA-384.",
    Hs512 "HS512" Secret "HMAC with SHA-512.",
}

impl Algorithm {
    /// The algorithm of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Ed25519,
    P256,
    P384,
    P521,
    Rsa,
    Secret,
}

impl Family {
    /// The algorithm used where none is asked for.
    fn usual(self) -> Algorithm {
        match self {
            Family::Ed25519 => Algorithm::EdDsa,
            Family::P256 => Algorithm::Es256,
            Family::P384 => Algorithm::Es384,
            Family::P521 => Algorithm::Es512,
            Family::Rsa => Algorithm::Rs256,
            Family::Secret => Algorithm::Hs256,
        }
    }
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is no PEM block.
    Pem,
    /// A PEM block of a kind that holds no key we read, such as a certificate.
    Label {
        /// What stands after `BEGIN`.
        label: String,
    },
    /// The block is no key of a known family, or a damaged one.
    Malformed,
    /// The key cannot have this algorithm.
    Algorithm {
        /// What was asked for.
        asked: Algorithm,
    },
    /// A secret is shorter than asked for.
    Short {
        /// Bytes given.
        given: usize,
        /// Bytes needed.
        needed: usize,
    },
    /// The library refused to sign.
    Signing,
}

impl KeyError {
    /// Our stable code.
    pub fn code(&self) -> &'static str {
        match self {
            KeyError::Pem => "govc_key_pem",
            KeyError::Label { .. } => "govc_key_label",
            KeyError::Malformed => "govc_key_malformed",
            KeyError::Algorithm { .. } => "govc_key_algorithm",
            KeyError::Short { .. } => "govc_key_short",
            KeyError::Signing => "govc_key_signing",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Pem => f.write_str("failed to parse PEM block containing the key"),
            KeyError::Label { label } => {
                write!(f, "a PEM block of type `{label}` is no key that can be used here")
            }
            KeyError::Malformed => f.write_str("the key is damaged or of an unknown family"),
            KeyError::Algorithm { asked } => write!(f, "the key cannot be used with algorithm {asked}"),
            KeyError::Short { given, needed } => {
                write!(f, "the secret has {given} bytes, at least {needed} are needed")
            }
            KeyError::Signing => f.write_str("the key could not sign"),
        }
    }
}

impl std::error::Error for KeyError {}
