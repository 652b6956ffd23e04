//! STUB digest.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "crypto.hmac.equal",
        &[("mac1", "string"), ("mac2", "string")],
        Some("boolean"),
        "Compares two codes in constant time.",
    )
    .calls(not_yet!("crypto.hmac.equal")),
    Builtin::new(
        "crypto.hmac.md5",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-MD5 of a text, in hexadecimal.",
    )
    .calls(not_yet!("crypto.hmac.md5")),
    Builtin::new(
        "crypto.hmac.sha1",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-SHA1 of a text, in hexadecimal.",
    )
    .calls(not_yet!("crypto.hmac.sha1")),
    Builtin::new(
        "crypto.hmac.sha256",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-SHA256 of a text, in hexadecimal.",
    )
    .calls(not_yet!("crypto.hmac.sha256")),
    Builtin::new(
        "crypto.hmac.sha512",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-SHA512 of a text, in hexadecimal.",
    )
    .calls(not_yet!("crypto.hmac.sha512")),
    Builtin::new("crypto.md5", &[("x", "string")], Some("string"), "MD5 digest of a text, in hexadecimal.")
        .calls(not_yet!("crypto.md5")),
    Builtin::new(
        "crypto.sha1",
        &[("x", "string")],
        Some("string"),
        "SHA-1 digest of a text, in hexadecimal.",
    )
    .calls(not_yet!("crypto.sha1")),
    Builtin::new(
        "crypto.sha256",
        &[("x", "string")],
        Some("string"),
        "SHA-256 digest of a text, in hexadecimal.",
    )
    .calls(not_yet!("crypto.sha256")),
];
