//! STUB jwt.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "io.jwt.decode",
        &[("jwt", "string")],
        Some("array<object[any: any], object[any: any], string>"),
        "Header, payload and signature of a token, not verified.",
    )
    .calls(not_yet!("io.jwt.decode")),
    Builtin::new(
        "io.jwt.decode_verify",
        &[("jwt", "string"), ("constraints", "object[string: any]")],
        Some("array<boolean, object[any: any], object[any: any]>"),
        "Verifies a token under constraints and decodes it.",
    )
    .nondeterministic()
    .calls(not_yet!("io.jwt.decode_verify")),
    Builtin::new(
        "io.jwt.encode_sign",
        &[
            ("headers", "object[string: any]"),
            ("payload", "object[string: any]"),
            ("key", "object[string: any]"),
        ],
        Some("string"),
        "Signs a token with a JSON web key.",
    )
    .nondeterministic()
    .calls(not_yet!("io.jwt.encode_sign")),
    Builtin::new(
        "io.jwt.encode_sign_raw",
        &[("headers", "string"), ("payload", "string"), ("key", "string")],
        Some("string"),
        "Signs a token whose parts are given as text.",
    )
    .nondeterministic()
    .calls(not_yet!("io.jwt.encode_sign_raw")),
    Builtin::new(
        "io.jwt.verify_eddsa",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an EdDSA signature.",
    )
    .calls(not_yet!("io.jwt.verify_eddsa")),
    Builtin::new(
        "io.jwt.verify_es256",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an ES256 signature.",
    )
    .calls(not_yet!("io.jwt.verify_es256")),
    Builtin::new(
        "io.jwt.verify_es384",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an ES384 signature.",
    )
    .calls(not_yet!("io.jwt.verify_es384")),
    Builtin::new(
        "io.jwt.verify_es512",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an ES512 signature.",
    )
    .calls(not_yet!("io.jwt.verify_es512")),
    Builtin::new(
        "io.jwt.verify_hs256",
        &[("jwt", "string"), ("secret", "string")],
        Some("boolean"),
        "Verifies an HS256 code.",
    )
    .calls(not_yet!("io.jwt.verify_hs256")),
    Builtin::new(
        "io.jwt.verify_hs384",
        &[("jwt", "string"), ("secret", "string")],
        Some("boolean"),
        "Verifies an HS384 code.",
    )
    .calls(not_yet!("io.jwt.verify_hs384")),
    Builtin::new(
        "io.jwt.verify_hs512",
        &[("jwt", "string"), ("secret", "string")],
        Some("boolean"),
        "Verifies an HS512 code.",
    )
    .calls(not_yet!("io.jwt.verify_hs512")),
    Builtin::new(
        "io.jwt.verify_ps256",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies a PS256 signature.",
    )
    .calls(not_yet!("io.jwt.verify_ps256")),
    Builtin::new(
        "io.jwt.verify_ps384",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies a PS384 signature.",
    )
    .calls(not_yet!("io.jwt.verify_ps384")),
    Builtin::new(
        "io.jwt.verify_ps512",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies a PS512 signature.",
    )
    .calls(not_yet!("io.jwt.verify_ps512")),
    Builtin::new(
        "io.jwt.verify_rs256",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an RS256 signature.",
    )
    .calls(not_yet!("io.jwt.verify_rs256")),
    Builtin::new(
        "io.jwt.verify_rs384",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an RS384 signature.",
    )
    .calls(not_yet!("io.jwt.verify_rs384")),
    Builtin::new(
        "io.jwt.verify_rs512",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an RS512 signature.",
    )
    .calls(not_yet!("io.jwt.verify_rs512")),
];
