//! STUB x509.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "crypto.parse_private_keys",
        &[("keys", "string")],
        Some("array[object[string: any]]"),
        "Private keys of PEM blocks, as JSON web keys.",
    )
    .calls(not_yet!("crypto.parse_private_keys")),
    Builtin::new(
        "crypto.x509.parse_and_verify_certificates",
        &[("certs", "string")],
        Some("array<boolean, array[object[string: any]]>"),
        "Certificates of a chain, and whether it verifies.",
    )
    .calls(not_yet!("crypto.x509.parse_and_verify_certificates")),
    Builtin::new(
        "crypto.x509.parse_and_verify_certificates_with_options",
        &[("certs", "string"), ("options", "object[string: any]")],
        Some("array<boolean, array[object[string: any]]>"),
        "Certificates of a chain, and whether it verifies under options.",
    )
    .calls(not_yet!("crypto.x509.parse_and_verify_certificates_with_options")),
    Builtin::new(
        "crypto.x509.parse_certificate_request",
        &[("csr", "string")],
        Some("object[string: any]"),
        "Fields of a PKCS #10 request.",
    )
    .calls(not_yet!("crypto.x509.parse_certificate_request")),
    Builtin::new(
        "crypto.x509.parse_certificates",
        &[("certs", "string")],
        Some("array[object[string: any]]"),
        "Fields of certificates.",
    )
    .calls(not_yet!("crypto.x509.parse_certificates")),
    Builtin::new(
        "crypto.x509.parse_keypair",
        &[("cert", "string"), ("pem", "string")],
        Some("object[string: any]"),
        "Fields of a certificate with its private key.",
    )
    .calls(not_yet!("crypto.x509.parse_keypair")),
    Builtin::new(
        "crypto.x509.parse_rsa_private_key",
        &[("pem", "string")],
        Some("object[string: any]"),
        "RSA private key as a JSON web key.",
    )
    .calls(not_yet!("crypto.x509.parse_rsa_private_key")),
];
