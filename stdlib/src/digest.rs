//! Digests and message authentication codes.
//!
//! The one surprising fact: MD5 and SHA-1 are here because policies compare values that others made
//! with them; nothing of ours relies on either.

use crate::encoding::hex;
use crate::operand::{arg, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::Value;
use govc_value::bytes::bytes_of;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "crypto.hmac.equal",
        &[("mac1", "string"), ("mac2", "string")],
        Some("boolean"),
        "Compares two codes in constant time.",
    )
    .calls(crypto_hmac_equal),
    Builtin::new(
        "crypto.hmac.md5",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-MD5 of a text, in hexadecimal.",
    )
    .calls(crypto_hmac_md5),
    Builtin::new(
        "crypto.hmac.sha1",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-SHA1 of a text, in hexadecimal.",
    )
    .calls(crypto_hmac_sha1),
    Builtin::new(
        "crypto.hmac.sha256",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-SHA256 of a text, in hexadecimal.",
    )
    .calls(crypto_hmac_sha256),
    Builtin::new(
        "crypto.hmac.sha512",
        &[("x", "string"), ("key", "string")],
        Some("string"),
        "HMAC-SHA512 of a text, in hexadecimal.",
    )
    .calls(crypto_hmac_sha512),
    Builtin::new("crypto.md5", &[("x", "string")], Some("string"), "MD5 digest of a text, in hexadecimal.")
        .calls(crypto_md5),
    Builtin::new(
        "crypto.sha1",
        &[("x", "string")],
        Some("string"),
        "SHA-1 digest of a text, in hexadecimal.",
    )
    .calls(crypto_sha1),
    Builtin::new(
        "crypto.sha256",
        &[("x", "string")],
        Some("string"),
        "SHA-256 digest of a text, in hexadecimal.",
    )
    .calls(crypto_sha256),
];

fn digest<'q, D: Digest>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    Ok(context.heap.string(&hex(D::digest(bytes_of(text)).as_slice())))
}

fn crypto_md5<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    digest::<Md5>(context, args)
}

fn crypto_sha1<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    digest::<Sha1>(context, args)
}

fn crypto_sha256<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    digest::<Sha256>(context, args)
}

fn code<'q, M: Mac + KeyInit>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (text, key) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let mut mac = <M as KeyInit>::new_from_slice(&bytes_of(key))
        .map_err(|_| BuiltinError::Failed("invalid key length".to_owned()))?;
    mac.update(&bytes_of(text));
    Ok(context.heap.string(&hex(mac.finalize().into_bytes().as_slice())))
}

fn crypto_hmac_md5<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    code::<Hmac<Md5>>(context, args)
}

fn crypto_hmac_sha1<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    code::<Hmac<Sha1>>(context, args)
}

fn crypto_hmac_sha256<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    code::<Hmac<Sha256>>(context, args)
}

fn crypto_hmac_sha512<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    code::<Hmac<Sha512>>(context, args)
}

fn crypto_hmac_equal<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (a, b) = (string(arg(args, 0), 1)?.as_bytes(), string(arg(args, 1), 2)?.as_bytes());
    let differences = a.iter().zip(b).fold(0u8, |all, (x, y)| all | (x ^ y));
    Ok(Value::bool(a.len() == b.len() && differences == 0))
}
