//! UUIDs.
//!
//! The one surprising fact: `uuid.parse` of a text that is no UUID is undefined, not an error.

use crate::operand::{arg, string};
use crate::{Answer, Builtin, Context};
use govc_value::Value;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "uuid.parse",
        &[("uuid", "string")],
        Some("object[string: any]"),
        "Version, variant and other parts of a UUID.",
    )
    .calls(uuid_parse),
    Builtin::new(
        "uuid.rfc4122",
        &[("k", "string")],
        Some("string"),
        "Random UUID, the same within a query for the same key.",
    )
    .nondeterministic(),
];

/// 100-nanosecond steps between 1582-10-15 and 1970-01-01.
const STEPS_TO_1970: i64 = 0x01b2_1dd2_1381_4000;

/// Reads the forms that the `google/uuid` library reads: plain, with `urn:uuid:`, in braces, undashed.
fn read(text: &str) -> Option<[u8; 16]> {
    let dashed = match text.len() {
        36 => text,
        45 => text.get(9..).filter(|_| text.get(..9).is_some_and(|p| p.eq_ignore_ascii_case("urn:uuid:")))?,
        38 => text.get(1..37)?,
        32 => return bytes(text),
        _ => return None,
    };
    let at = |i: usize| dashed.as_bytes().get(i) == Some(&b'-');
    let dashes = at(8) && at(13) && at(18) && at(23);
    if dashes && dashed.matches('-').count() == 4 { bytes(&dashed.replace('-', "")) } else { None }
}

fn bytes(digits: &str) -> Option<[u8; 16]> {
    let valid = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)).flatten()
}

fn variant(byte: u8) -> &'static str {
    match byte >> 5 {
        4 | 5 => "RFC4122",
        6 => "Microsoft",
        7 => "Future",
        _ => "Reserved",
    }
}

fn mac_kind(byte: u8) -> &'static str {
    match byte & 3 {
        3 => "local:multicast",
        1 => "global:multicast",
        2 => "local:unicast",
        _ => "global:unicast",
    }
}

fn domain(byte: u8) -> String {
    match byte {
        0 => "Person".to_owned(),
        1 => "Group".to_owned(),
        2 => "Org".to_owned(),
        other => format!("Domain{other}"),
    }
}

fn nanoseconds(id: &[u8; 16]) -> i64 {
    let number = u128::from_be_bytes(*id);
    let low = i64::try_from(number >> 96).unwrap_or(0);
    let middle = i64::try_from(number >> 80 & 0xffff).unwrap_or(0);
    let high = i64::try_from(number >> 64 & 0xfff).unwrap_or(0);
    (low | middle << 32 | high << 48).wrapping_sub(STEPS_TO_1970).wrapping_mul(100)
}

fn uuid_parse<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let heap = context.heap;
    let Some(id) = read(string(arg(args, 0), 1)?) else {
        return Ok(Value::UNDEFINED);
    };
    let version = i64::from(id[6] >> 4);
    let mut entries = vec![
        (heap.string("version"), Value::int(version)),
        (heap.string("variant"), heap.string(variant(id[8]))),
    ];
    if matches!(version, 1 | 2) {
        let node: Vec<_> = id[10..].iter().map(|b| format!("{b:02x}")).collect();
        let sequence = i64::from(u16::from_be_bytes([id[8], id[9]]) & 0x3fff);
        entries.push((heap.string("time"), Value::int(nanoseconds(&id))));
        entries.push((heap.string("nodeid"), heap.string(&node.join("-"))));
        entries.push((heap.string("macvariables"), heap.string(mac_kind(id[10]))));
        entries.push((heap.string("clocksequence"), Value::int(sequence)));
    }
    if version == 2 {
        let local = i64::from(u32::from_be_bytes([id[0], id[1], id[2], id[3]]));
        entries.push((heap.string("id"), Value::int(local)));
        entries.push((heap.string("domain"), heap.string(&domain(id[9]))));
    }
    Ok(heap.object(&mut entries))
}
