//! STUB time.

use crate::Builtin;
use crate::decl::not_yet;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "time.add_date",
        &[("ns", "number"), ("years", "number"), ("months", "number"), ("days", "number")],
        Some("number"),
        "Time after adding years, months and days.",
    )
    .calls(not_yet!("time.add_date")),
    Builtin::new(
        "time.clock",
        &[("x", "any<number, array<number, string>>")],
        Some("array<number, number, number>"),
        "Hour, minute and second of a time.",
    )
    .calls(not_yet!("time.clock")),
    Builtin::new(
        "time.date",
        &[("x", "any<number, array<number, string>>")],
        Some("array<number, number, number>"),
        "Year, month and day of a time.",
    )
    .calls(not_yet!("time.date")),
    Builtin::new(
        "time.diff",
        &[("ns1", "any<number, array<number, string>>"), ("ns2", "any<number, array<number, string>>")],
        Some("array<number, number, number, number, number, number>"),
        "Years, months, days, hours, minutes and seconds between two times.",
    )
    .calls(not_yet!("time.diff")),
    Builtin::new(
        "time.format",
        &[("x", "any<number, array<number, string>, array<number, string, string>>")],
        Some("string"),
        "Text of a time in a Go layout.",
    )
    .calls(not_yet!("time.format")),
    Builtin::new("time.now_ns", &[], Some("number"), "Time of the query in nanoseconds since 1970.")
        .nondeterministic(),
    Builtin::new(
        "time.parse_duration_ns",
        &[("duration", "string")],
        Some("number"),
        "Nanoseconds of a duration such as `1h30m`.",
    )
    .calls(not_yet!("time.parse_duration_ns")),
    Builtin::new(
        "time.parse_ns",
        &[("layout", "string"), ("value", "string")],
        Some("number"),
        "Nanoseconds since 1970 of a text in a Go layout.",
    )
    .calls(not_yet!("time.parse_ns")),
    Builtin::new(
        "time.parse_rfc3339_ns",
        &[("value", "string")],
        Some("number"),
        "Nanoseconds since 1970 of an RFC 3339 text.",
    )
    .calls(not_yet!("time.parse_rfc3339_ns")),
    Builtin::new(
        "time.weekday",
        &[("x", "any<number, array<number, string>>")],
        Some("string"),
        "English name of the day of the week.",
    )
    .calls(not_yet!("time.weekday")),
];

pub(crate) struct Zone;
