//! Times and durations.
//!
//! The one surprising fact: a time is nanoseconds since 1970 in 64 bits, so it lies between the years
//! 1677 and 2262; operands may name a zone (`[ns, "Europe/Paris"]`) and a layout.

pub(crate) mod duration;

pub(crate) use crate::go::zone_time::Zone;

use crate::bigfloat::BigFloat;
use crate::go::layout;
use crate::go::zone_time::{Civil, civil, days, days_in, resolve};
use crate::operand::{arg, failed, int, mismatch, number, number_text, string};
use crate::{Answer, Builtin, BuiltinError, Context};
use govc_value::{Heap, Value, View};
use num_traits::ToPrimitive;
use std::sync::Arc;

pub(crate) const TABLE: &[Builtin] = &[
    Builtin::new(
        "time.add_date",
        &[("ns", "number"), ("years", "number"), ("months", "number"), ("days", "number")],
        Some("number"),
        "Time after adding years, months and days.",
    )
    .calls(time_add_date),
    Builtin::new(
        "time.clock",
        &[("x", "any<number, array<number, string>>")],
        Some("array<number, number, number>"),
        "Hour, minute and second of a time.",
    )
    .calls(time_clock),
    Builtin::new(
        "time.date",
        &[("x", "any<number, array<number, string>>")],
        Some("array<number, number, number>"),
        "Year, month and day of a time.",
    )
    .calls(time_date),
    Builtin::new(
        "time.diff",
        &[("ns1", "any<number, array<number, string>>"), ("ns2", "any<number, array<number, string>>")],
        Some("array<number, number, number, number, number, number>"),
        "Years, months, days, hours, minutes and seconds between two times.",
    )
    .calls(time_diff),
    Builtin::new(
        "time.format",
        &[("x", "any<number, array<number, string>, array<number, string, string>>")],
        Some("string"),
        "Text of a time in a Go layout.",
    )
    .calls(time_format),
    Builtin::new("time.now_ns", &[], Some("number"), "Time of the query in nanoseconds since 1970.")
        .nondeterministic(),
    Builtin::new(
        "time.parse_duration_ns",
        &[("duration", "string")],
        Some("number"),
        "Nanoseconds of a duration such as `1h30m`.",
    )
    .calls(time_parse_duration_ns),
    Builtin::new(
        "time.parse_ns",
        &[("layout", "string"), ("value", "string")],
        Some("number"),
        "Nanoseconds since 1970 of a text in a Go layout.",
    )
    .calls(time_parse_ns),
    Builtin::new(
        "time.parse_rfc3339_ns",
        &[("value", "string")],
        Some("number"),
        "Nanoseconds since 1970 of an RFC 3339 text.",
    )
    .calls(time_parse_rfc3339_ns),
    Builtin::new(
        "time.weekday",
        &[("x", "any<number, array<number, string>>")],
        Some("string"),
        "English name of the day of the week.",
    )
    .calls(time_weekday),
];

/// What an operand says: an instant, its zone, and how to write it.
struct Moment<'q> {
    nanoseconds: i64,
    zone: Arc<Zone>,
    layout: &'q str,
}

impl Moment<'_> {
    fn civil(&self) -> Civil {
        civil(self.nanoseconds, &self.zone)
    }
}

/// OPA names operand 1, whichever it is.
fn moment<'q>(context: &mut Context<'_, 'q>, value: Value<'q>) -> Result<Moment<'q>, BuiltinError> {
    let wanted = || mismatch(1, value, &["either number (ns) or [number (ns), string (tz)]"]);
    let (instant, zone, layout) = match value.view() {
        View::Number(_) => (value, "", ""),
        View::Array(array) => {
            let at = |i: usize| array.as_slice().get(i).copied();
            let instant = at(0).ok_or_else(wanted)?;
            number(instant, 1)?;
            let zone = at(1).map_or(Ok(""), |zone| string(zone, 1))?;
            let layout = at(2).map_or(Ok(""), |layout| string(layout, 1));
            // OPA looks the zone up before it reads the layout.
            context.cache.zones.get(zone, || Zone::named(zone)).map_err(BuiltinError::Failed)?;
            (instant, zone, layout?)
        }
        _ => return Err(wanted()),
    };
    let zone = context.cache.zones.get(zone, || Zone::named(zone)).map_err(BuiltinError::Failed)?;
    Ok(Moment { nanoseconds: nanoseconds(instant)?, zone, layout })
}

fn nanoseconds(value: Value<'_>) -> Result<i64, BuiltinError> {
    if let Some(i) = value.as_int() {
        return Ok(i);
    }
    let float = BigFloat::parse(&number_text(value)).filter(|f| f.is_integer() && f.magnitude() <= 64);
    match float.and_then(|f| f.truncated().to_i64()) {
        Some(i) => Ok(i),
        None => failed("timestamp too big"),
    }
}

fn in_range<'q>(nanoseconds: i128) -> Answer<'q> {
    match i64::try_from(nanoseconds) {
        Ok(i) => Ok(Value::int(i)),
        Err(_) => failed("time outside of valid range"),
    }
}

fn ints<'q>(heap: Heap<'q>, list: &[i64]) -> Value<'q> {
    let values: Vec<_> = list.iter().map(|i| Value::int(*i)).collect();
    heap.array(&values)
}

fn time_date<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let at = moment(context, arg(args, 0))?.civil();
    Ok(ints(context.heap, &[at.year, at.month, at.day]))
}

fn time_clock<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let at = moment(context, arg(args, 0))?.civil();
    Ok(ints(context.heap, &[at.hour, at.minute, at.second]))
}

fn time_weekday<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let at = moment(context, arg(args, 0))?.civil();
    Ok(context.heap.string(&layout::format(&at, "Monday")))
}

fn time_format<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let at = moment(context, arg(args, 0))?;
    let shape = if at.layout.is_empty() { layout::RFC3339_NANO } else { layout::named(at.layout) };
    Ok(context.heap.string(&layout::format(&at.civil(), shape)))
}

fn time_parse_ns<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let (shape, text) = (string(arg(args, 0), 1)?, string(arg(args, 1), 2)?);
    in_range(layout::parse(layout::named(shape), text).map_err(BuiltinError::Failed)?)
}

fn time_parse_rfc3339_ns<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    in_range(layout::parse(layout::RFC3339, text).map_err(BuiltinError::Failed)?)
}

fn time_parse_duration_ns<'q>(_: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let text = string(arg(args, 0), 1)?;
    duration::parse(text).map(Value::int).map_err(BuiltinError::Failed)
}

fn time_add_date<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    /// Years beyond which no result fits, whatever months and days say.
    const FAR: u64 = 1 << 40;
    let start = moment(context, arg(args, 0))?;
    let (years, months, more_days) = (int(arg(args, 1), 2)?, int(arg(args, 2), 3)?, int(arg(args, 3), 4)?);
    if [years, months, more_days].iter().any(|n| n.unsigned_abs() > FAR) {
        return failed("time outside of valid range");
    }
    let at = start.civil();
    let month = at.month - 1 + months;
    let (year, month) = (at.year + years + month.div_euclid(12), month.rem_euclid(12) + 1);
    let day_number = days(year, month, 1) + at.day - 1 + more_days;
    let clock = at.hour * 3600 + at.minute * 60 + at.second;
    let unix = resolve(day_number.saturating_mul(86_400).saturating_add(clock), &start.zone);
    in_range(i128::from(unix) * 1_000_000_000 + i128::from(at.nanosecond))
}

fn time_diff<'q>(context: &mut Context<'_, 'q>, args: &[Value<'q>]) -> Answer<'q> {
    let first = moment(context, arg(args, 0))?;
    let second = moment(context, arg(args, 1))?;
    let (low, high) = if first.nanoseconds > second.nanoseconds {
        (second.nanoseconds, first.nanoseconds)
    } else {
        (first.nanoseconds, second.nanoseconds)
    };
    let (a, b) = (civil(low, &first.zone), civil(high, &first.zone));
    let (mut year, mut month, mut day) = (b.year - a.year, b.month - a.month, b.day - a.day);
    let (mut hour, mut minute, mut second) = (b.hour - a.hour, b.minute - a.minute, b.second - a.second);
    if second < 0 {
        second += 60;
        minute -= 1;
    }
    if minute < 0 {
        minute += 60;
        hour -= 1;
    }
    if hour < 0 {
        hour += 24;
        day -= 1;
    }
    if day < 0 {
        day += days_in(a.year, a.month);
        month -= 1;
    }
    if month < 0 {
        month += 12;
        year -= 1;
    }
    Ok(ints(context.heap, &[year, month, day, hour, minute, second]))
}
