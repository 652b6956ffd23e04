//! JSON Web Tokens.
//!
//! The one surprising fact: a token that does not verify is an answer (`[false, {}, {}]`), a token or
//! constraint that cannot be read is an error.

mod der;
mod key;

use crate::encoding::{Alphabet, base64_bytes, base64_text, hex, marshal, unmarshal};
use crate::operand::{arg, failed, kind_name, object, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Object, Value, View};
use key::{Algorithm, Key, PublicKey};

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "io.jwt.decode",
        &[("jwt", "string")],
        Some("array<object[any: any], object[any: any], string>"),
        "Header, payload and signature of a token, not verified.",
    )
    .calls(io_jwt_decode),
    Builtin::new(
        "io.jwt.decode_verify",
        &[("jwt", "string"), ("constraints", "object[string: any]")],
        Some("array<boolean, object[any: any], object[any: any]>"),
        "Verifies a token under constraints and decodes it.",
    )
    .nondeterministic()
    .calls(io_jwt_decode_verify),
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
    .calls(io_jwt_encode_sign),
    Builtin::new(
        "io.jwt.encode_sign_raw",
        &[("headers", "string"), ("payload", "string"), ("key", "string")],
        Some("string"),
        "Signs a token whose parts are given as text.",
    )
    .nondeterministic()
    .calls(io_jwt_encode_sign_raw),
    Builtin::new(
        "io.jwt.verify_eddsa",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an EdDSA signature.",
    )
    .calls(io_jwt_verify_eddsa),
    Builtin::new(
        "io.jwt.verify_es256",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an ES256 signature.",
    )
    .calls(io_jwt_verify_es256),
    Builtin::new(
        "io.jwt.verify_es384",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an ES384 signature.",
    )
    .calls(io_jwt_verify_es384),
    Builtin::new(
        "io.jwt.verify_es512",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an ES512 signature.",
    )
    .calls(io_jwt_verify_es512),
    Builtin::new(
        "io.jwt.verify_hs256",
        &[("jwt", "string"), ("secret", "string")],
        Some("boolean"),
        "Verifies an HS256 code.",
    )
    .calls(io_jwt_verify_hs256),
    Builtin::new(
        "io.jwt.verify_hs384",
        &[("jwt", "string"), ("secret", "string")],
        Some("boolean"),
        "Verifies an HS384 code.",
    )
    .calls(io_jwt_verify_hs384),
    Builtin::new(
        "io.jwt.verify_hs512",
        &[("jwt", "string"), ("secret", "string")],
        Some("boolean"),
        "Verifies an HS512 code.",
    )
    .calls(io_jwt_verify_hs512),
    Builtin::new(
        "io.jwt.verify_ps256",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies a PS256 signature.",
    )
    .calls(io_jwt_verify_ps256),
    Builtin::new(
        "io.jwt.verify_ps384",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies a PS384 signature.",
    )
    .calls(io_jwt_verify_ps384),
    Builtin::new(
        "io.jwt.verify_ps512",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies a PS512 signature.",
    )
    .calls(io_jwt_verify_ps512),
    Builtin::new(
        "io.jwt.verify_rs256",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an RS256 signature.",
    )
    .calls(io_jwt_verify_rs256),
    Builtin::new(
        "io.jwt.verify_rs384",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an RS384 signature.",
    )
    .calls(io_jwt_verify_rs384),
    Builtin::new(
        "io.jwt.verify_rs512",
        &[("jwt", "string"), ("certificate", "string")],
        Some("boolean"),
        "Verifies an RS512 signature.",
    )
    .calls(io_jwt_verify_rs512),
];

/// The three parts of a token as written, and its header.
struct Token<'q> {
    header: &'q str,
    payload: &'q str,
    signature: &'q str,
}

/// What the header says about the token.
#[derive(Default)]
struct Header<'q> {
    alg: &'q str,
    kid: &'q str,
    cty: &'q str,
    /// A parameter that must be understood is not.
    critical: bool,
}

fn decode64(text: &str) -> Result<Vec<u8>, BuiltinError> {
    let mut text = text.to_owned();
    if !text.ends_with('=') {
        match text.len() % 4 {
            0 => {}
            2 => text.push_str("=="),
            3 => text.push('='),
            _ => return failed(format!("illegal base64url string: {text}")),
        }
    }
    base64_bytes(text.as_bytes(), Alphabet::Url, true)
        .map_err(|at| BuiltinError::Failed(format!("illegal base64 data at input byte {at}")))
}

fn named<T>(part: &str, result: Result<T, BuiltinError>) -> Result<T, BuiltinError> {
    result.map_err(|error| BuiltinError::Failed(format!("JWT {part} had invalid encoding: {error}")))
}

fn json_object<'q>(heap: Heap<'q>, bytes: &[u8]) -> Result<Value<'q>, BuiltinError> {
    let value = unmarshal(heap, &String::from_utf8_lossy(bytes))
        .map_err(|error| BuiltinError::Failed(format!("invalid JSON: {error}")))?;
    if value.as_object().is_none() {
        return failed("decoded JSON type was not an Object");
    }
    Ok(value)
}

impl<'q> Token<'q> {
    fn read(text: &'q str) -> Result<Self, BuiltinError> {
        let parts: Vec<_> = text.split('.').collect();
        match parts.as_slice() {
            [_] => failed("encoded JWT had no period separators"),
            [header, payload, signature] => Ok(Self { header, payload, signature }),
            _ => failed(format!("encoded JWT must have 3 sections, found {}", parts.len())),
        }
    }

    fn header(&self, heap: Heap<'q>) -> Result<Value<'q>, BuiltinError> {
        let bytes = named("header", decode64(self.header))?;
        let header = json_object(heap, &bytes)
            .map_err(|error| BuiltinError::Failed(format!("bad JWT header: {error}")))?;
        let encrypted = header.as_object().is_some_and(|h| !h.get_str("enc").is_undefined());
        if encrypted { failed("JWT is a JWE object, which is not supported") } else { Ok(header) }
    }

    fn signed_part(&self) -> String {
        format!("{}.{}", self.header, self.payload)
    }
}

fn header_fields<'q>(header: Value<'q>) -> Result<Header<'q>, BuiltinError> {
    let mut fields = Header::default();
    let Some(object) = header.as_object() else { return Ok(fields) };
    let mut unknown = Vec::new();
    let mut critical = Vec::new();
    for (name, value) in object.iter() {
        let name = name.as_str().unwrap_or_default();
        let text = || value.as_str().ok_or_else(|| BuiltinError::Failed(format!("{name}: must be a string")));
        match name {
            "alg" => fields.alg = text()?,
            "kid" => fields.kid = text()?,
            "cty" => fields.cty = text()?,
            "typ" => drop(text()?),
            "crit" => critical = critical_names(value)?,
            _ => unknown.push(name),
        }
    }
    fields.critical = unknown.iter().any(|name| critical.contains(name));
    Ok(fields)
}

fn critical_names<'q>(value: Value<'q>) -> Result<Vec<&'q str>, BuiltinError> {
    let Some(list) = value.as_array() else {
        return failed("crit: must be a list");
    };
    let names: Vec<_> = list.as_slice().iter().map_while(|name| name.as_str()).collect();
    if names.is_empty() { failed("crit: must be a nonempty list") } else { Ok(names) }
}

fn io_jwt_decode<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let mut text = string(arg(args, 0), 1)?;
    loop {
        let token = Token::read(text)?;
        let header = token.header(heap)?;
        let payload = named("payload", decode64(token.payload))?;
        if header.as_object().is_some_and(|h| h.get_str("cty").as_str() == Some("JWT")) {
            let inner = heap.string_of_bytes(&payload);
            text = inner.as_str().unwrap_or_default().trim_matches(['"', '\'']);
            continue;
        }
        let payload = json_object(heap, &payload)?;
        let signature = named("signature", decode64(token.signature))?;
        return Ok(heap.array(&[header, payload, heap.string(&hex(&signature))]));
    }
}

fn verify_with_keys<'q>(
    context: &mut Context<'_, 'q>,
    args: &[Value<'q>],
    algorithm: Algorithm,
) -> Answer<'q> {
    let token = Token::read(string(arg(args, 0), 1)?)?;
    let keys = key::read_keys(context.heap, string(arg(args, 1), 2)?).map_err(BuiltinError::Failed)?;
    let signature = decode64(token.signature)?;
    let header = header_fields(token.header(context.heap)?)?;
    let message = token.signed_part();
    Ok(Value::bool(any_verifies(&keys, &header, |key| {
        key.verifies(algorithm, message.as_bytes(), &signature)
    })))
}

/// The key that the header names decides alone; else any key without an algorithm or with the header's.
fn any_verifies(keys: &[PublicKey], header: &Header<'_>, verifies: impl Fn(&Key) -> bool) -> bool {
    let by_name = keys.iter().find(|key| !header.kid.is_empty() && key.kid == header.kid);
    match by_name {
        Some(named) => verifies(&named.key),
        None => keys
            .iter()
            .filter(|key| key.alg.is_empty() || key.alg == header.alg)
            .any(|key| verifies(&key.key)),
    }
}

macro_rules! verifiers {
    ($($name:ident $algorithm:ident),*) => {$(
        fn $name<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
            verify_with_keys(context, args, Algorithm::$algorithm)
        }
    )*};
}

verifiers!(
    io_jwt_verify_rs256 Rs256,
    io_jwt_verify_rs384 Rs384,
    io_jwt_verify_rs512 Rs512,
    io_jwt_verify_ps256 Ps256,
    io_jwt_verify_ps384 Ps384,
    io_jwt_verify_ps512 Ps512,
    io_jwt_verify_es256 Es256,
    io_jwt_verify_es384 Es384,
    io_jwt_verify_es512 Es512,
    io_jwt_verify_eddsa EdDsa
);

fn verify_secret<'q>(args: &[Value<'q>], algorithm: Algorithm) -> Answer<'q> {
    let (token, secret) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    let token = Token::read(token)?;
    let signature = decode64(token.signature)?;
    let key = Key::Secret(secret.as_bytes().to_vec());
    Ok(Value::bool(key.verifies(algorithm, token.signed_part().as_bytes(), &signature)))
}

fn io_jwt_verify_hs256<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    verify_secret(args, Algorithm::Hs256)
}

fn io_jwt_verify_hs384<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    verify_secret(args, Algorithm::Hs384)
}

fn io_jwt_verify_hs512<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    verify_secret(args, Algorithm::Hs512)
}

/// What `io.jwt.decode_verify` is asked to check.
struct Constraints<'q> {
    keys: Vec<PublicKey>,
    alg: &'q str,
    iss: &'q str,
    aud: &'q str,
    /// Nanoseconds since 1970.
    time: f64,
}

fn constraints<'q>(
    context: &mut Context<'_, 'q>,
    given: Object<'q>,
) -> Result<Constraints<'q>, BuiltinError> {
    let (mut keys, mut secret, mut time) = (None, "", None);
    let (mut alg, mut iss, mut aud) = ("", "", "");
    for (name, value) in given.iter() {
        let name = name.as_str().unwrap_or_default();
        let text = || {
            let fault = || BuiltinError::Failed(format!("{name} constraint: must be a string"));
            value.as_str().ok_or_else(fault)
        };
        match name {
            "cert" => keys = Some(key::read_keys(context.heap, text()?).map_err(BuiltinError::Failed)?),
            "secret" => secret = text()?,
            "alg" => alg = text()?,
            "iss" => iss = text()?,
            "aud" => aud = text()?,
            "time" => time = Some(constraint_time(value)?),
            _ => return failed(format!("unknown token validation constraint: {name}")),
        }
    }
    let keys = match (keys, secret) {
        (Some(_), secret) if !secret.is_empty() => return failed("duplicate key constraints"),
        (Some(keys), _) => keys,
        (None, "") => return failed("no key constraint"),
        (None, secret) => vec![PublicKey::of(Key::Secret(secret.as_bytes().to_vec()))],
    };
    #[expect(clippy::cast_precision_loss, reason = "OPA compares times as floats")]
    let time = time.unwrap_or_else(|| context.world.now_ns() as f64);
    Ok(Constraints { keys, alg, iss, aud, time })
}

fn constraint_time(value: Value<'_>) -> Result<f64, BuiltinError> {
    match value.as_number().map(|number| number.to_f64()) {
        None => failed("token time constraint: must be a number"),
        Some(time) if time < 0.0 => failed("token time constraint: must not be negative"),
        Some(time) => Ok(time),
    }
}

fn io_jwt_decode_verify<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let constraints = constraints(context, object(arg(args, 1), 2)?)?;
    let empty = heap.object(&mut Vec::new());
    let unverified = heap.array(&[Value::bool(false), empty, empty]);
    let mut text = string(arg(args, 0), 1)?;
    let (header, payload) = loop {
        let token = Token::read(text)?;
        let header = token.header(heap)?;
        let fields = header_fields(header)?;
        let refused = fields.alg.is_empty()
            || fields.critical
            || !constraints.alg.is_empty() && constraints.alg != fields.alg;
        if refused {
            return Ok(unverified);
        }
        let signature = decode64(token.signature)?;
        let message = token.signed_part();
        let verified = Algorithm::named(fields.alg).is_some_and(|algorithm| {
            any_verifies(&constraints.keys, &fields, |key| {
                key.verifies(algorithm, message.as_bytes(), &signature)
            })
        });
        if !verified {
            return Ok(unverified);
        }
        let payload = named("payload", decode64(token.payload))?;
        if fields.cty.eq_ignore_ascii_case("JWT") {
            text = heap.string_of_bytes(&payload).as_str().unwrap_or_default();
            continue;
        }
        break (header, json_object(heap, &payload)?);
    };
    let claims = payload.as_object();
    if !claims.map_or(Ok(false), |claims| claims_hold(heap, claims, &constraints))? {
        return Ok(unverified);
    }
    Ok(heap.array(&[Value::bool(true), header, payload]))
}

fn claims_hold(
    heap: Heap<'_>,
    claims: Object<'_>,
    constraints: &Constraints<'_>,
) -> Result<bool, BuiltinError> {
    if !constraints.iss.is_empty() && claims.get_str("iss").as_str() != Some(constraints.iss) {
        return Ok(false);
    }
    let audience = match claims.get_str("aud").view() {
        View::Undefined => constraints.aud.is_empty(),
        View::String(aud) => aud == constraints.aud,
        View::Array(list) => list.as_slice().iter().any(|aud| aud.as_str() == Some(constraints.aud)),
        _ => false,
    };
    if !audience {
        return Ok(false);
    }
    let now = heap.float(constraints.time / 1e9);
    let claim = |name: &str| {
        let value = claims.get_str(name);
        if value.is_undefined() || value.as_number().is_some() {
            Ok(value)
        } else {
            failed(format!("{name} value must be a number"))
        }
    };
    let expires = claim("exp")?;
    if !expires.is_undefined() && heap.copy(now) >= heap.copy(expires) {
        return Ok(false);
    }
    let starts = claim("nbf")?;
    Ok(starts.is_undefined() || heap.copy(now) >= heap.copy(starts))
}

fn io_jwt_encode_sign<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let [header, payload, key] = [0, 1, 2].map(|i| marshal(arg(args, i)));
    encode_sign(context, &header, &payload, &key)
}

fn io_jwt_encode_sign_raw<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let key = string(arg(args, 2), 3)?;
    let (header, payload) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    encode_sign(context, header, payload, key)
}

fn encode_sign<'q>(context: &mut Context<'_, 'q>, header: &str, payload: &str, key: &str) -> Answer<'q> {
    let heap = context.heap;
    let key = key::read_private(heap, key).map_err(BuiltinError::Failed)?;
    let (alg, typ) = signing_header(heap, header)?;
    let Some(algorithm) = Algorithm::named(alg) else {
        return failed(format!("unknown JWS algorithm: {alg}"));
    };
    if typ.is_none_or(|typ| typ == "JWT") && unmarshal(heap, payload).is_err() {
        return failed("type is JWT but payload is not JSON");
    }
    let encode = |bytes: &[u8]| base64_text(bytes, Alphabet::Url, false);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = key.sign(algorithm, message.as_bytes()).map_err(BuiltinError::Failed)?;
    Ok(heap.string(&format!("{message}.{}", encode(&signature))))
}

/// The algorithm and type that a header names.
fn signing_header<'q>(heap: Heap<'q>, header: &str) -> Result<(&'q str, Option<&'q str>), BuiltinError> {
    let fault = |what: &str| BuiltinError::Failed(format!("missing or invalid 'alg' header: {what}"));
    let missing = "jwsbb: header \"alg\" not found";
    let value = unmarshal(heap, header).map_err(|error| match header.trim() {
        "" => fault("cannot parse JSON: cannot parse empty string"),
        // OPA's library takes anything made of these for a number.
        text if text.bytes().all(|byte| b"0123456789.-+eE".contains(&byte)) => fault(missing),
        _ => fault(&format!("cannot parse JSON: {error}")),
    })?;
    let field = |name: &str| value.as_object().map_or(Value::UNDEFINED, |object| object.get_str(name));
    let alg = field("alg");
    if alg.is_undefined() {
        return Err(fault(missing));
    }
    let kind = match alg.as_bool() {
        Some(true) => "true",
        Some(false) => "false",
        None => kind_name(alg),
    };
    match alg.as_str() {
        Some(alg) => Ok((alg, field("typ").as_str())),
        None => Err(fault(&format!("value doesn't contain string; it contains {kind}"))),
    }
}
