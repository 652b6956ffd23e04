//! Layouts of Go's `time` package: a text shows how the reference time would be written.
//!
//! The one surprising fact: the reference time is `Mon Jan 2 15:04:05 MST 2006`, so a `2` is the day
//! and a `5` the second; what is not part of it is literal.

mod parse;

pub(crate) use parse::{parse, quote};

use super::zone_time::Civil;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How an offset is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offset {
    /// `Z` stands for none.
    pub(super) z: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    Offset(Offset),
    /// Exactly so many digits.
    Fraction(usize),
    /// At most so many digits, without trailing zeros.
    TrimmedFraction(usize),
}

/// The next element of a layout: the literal before it, its text, itself, and the rest.
pub(super) fn next(layout: &str) -> (&str, &str, Option<Element>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = layout.get(at..).unwrap_or_default();
        if let Some((skip, length, element)) = element(rest) {
            let start = at + skip;
            let (before, from) = layout.split_at(start);
            let (text, after) = from.split_at(length);
            return (before, text, Some(element), after);
        }
    }
    (layout, "", None, "")
}

const OFFSETS: [(&str, bool, bool, bool); 5] = [
    ("070000", false, true, true),
    ("07:00:00", true, true, true),
    ("0700", false, true, false),
    ("07:00", true, true, false),
    ("07", false, false, false),
];

/// An element at the start of a text: bytes before it, its length, itself.
fn element(text: &str) -> Option<(usize, usize, Element)> {
    let starts = |prefix: &str| text.starts_with(prefix);
    let lower_after = |n: usize| text.as_bytes().get(n).is_some_and(u8::is_ascii_lowercase);
    let found = |length, element| Some((0, length, element));
    match text.as_bytes().first()? {
        b'J' if starts("January") => found(7, Element::LongMonth),
        b'J' if starts("Jan") && !lower_after(3) => found(3, Element::Month),
        b'M' if starts("Monday") => found(6, Element::LongWeekday),
        b'M' if starts("Mon") && !lower_after(3) => found(3, Element::Weekday),
        b'M' if starts("MST") => found(3, Element::Zone),
        b'0' => zero_element(text),
        b'1' if starts("15") => found(2, Element::Hour),
        b'1' => found(1, Element::NumMonth),
        b'2' if starts("2006") => found(4, Element::LongYear),
        b'2' => found(1, Element::Day),
        b'_' if starts("_2006") => Some((1, 4, Element::LongYear)),
        b'_' if starts("_2") => found(2, Element::UnderDay),
        b'_' if starts("__2") => found(3, Element::UnderYearDay),
        b'3' => found(1, Element::Hour12),
        b'4' => found(1, Element::Minute),
        b'5' => found(1, Element::Second),
        b'P' if starts("PM") => found(2, Element::UpperPm),
        b'p' if starts("pm") => found(2, Element::LowerPm),
        b'-' | b'Z' => offset_element(text),
        b'.' | b',' => fraction_element(text),
        _ => None,
    }
}

fn zero_element(text: &str) -> Option<(usize, usize, Element)> {
    let element = match text.as_bytes().get(1)? {
        b'1' => Element::ZeroMonth,
        b'2' => Element::ZeroDay,
        b'3' => Element::ZeroHour12,
        b'4' => Element::ZeroMinute,
        b'5' => Element::ZeroSecond,
        b'6' => Element::Year,
        b'0' if text.starts_with("002") => return Some((0, 3, Element::ZeroYearDay)),
        _ => return None,
    };
    Some((0, 2, element))
}

fn offset_element(text: &str) -> Option<(usize, usize, Element)> {
    let digits = text.get(1..)?;
    let (shape, colons, minutes, seconds) =
        OFFSETS.into_iter().find(|(shape, ..)| digits.starts_with(shape))?;
    let offset = Offset { z: text.starts_with('Z'), colons, minutes, seconds };
    Some((0, 1 + shape.len(), Element::Offset(offset)))
}

fn fraction_element(text: &str) -> Option<(usize, usize, Element)> {
    let digit = *text.as_bytes().get(1)?;
    let count = text.bytes().skip(1).take_while(|b| *b == digit).count();
    let ends = !text.as_bytes().get(1 + count).is_some_and(u8::is_ascii_digit);
    match digit {
        b'0' if ends => Some((0, 1 + count, Element::Fraction(count))),
        b'9' if ends => Some((0, 1 + count, Element::TrimmedFraction(count))),
        _ => None,
    }
}

/// The layout that OPA knows by a name.
pub(crate) fn named(layout: &str) -> &str {
    match layout {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => RFC3339_NANO,
        other => other,
    }
}

pub(crate) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
pub(crate) const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// The text of a time.
pub(crate) fn format(time: &Civil, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (before, text, element, after) = next(rest);
        out.push_str(before);
        let Some(element) = element else { return out };
        write(time, element, text, &mut out);
        rest = after;
    }
}

fn write(time: &Civil, element: Element, text: &str, out: &mut String) {
    let month = usize::try_from(time.month - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or_default();
    let weekday = DAYS.get(time.weekday).copied().unwrap_or_default();
    let hour12 = if time.hour % 12 == 0 { 12 } else { time.hour % 12 };
    let piece = match element {
        Element::LongMonth => month.to_owned(),
        Element::Month => month.chars().take(3).collect(),
        Element::NumMonth => time.month.to_string(),
        Element::ZeroMonth => format!("{:02}", time.month),
        Element::LongWeekday => weekday.to_owned(),
        Element::Weekday => weekday.chars().take(3).collect(),
        Element::Day => time.day.to_string(),
        Element::UnderDay => format!("{:2}", time.day),
        Element::ZeroDay => format!("{:02}", time.day),
        Element::UnderYearDay => format!("{:3}", time.year_day),
        Element::ZeroYearDay => format!("{:03}", time.year_day),
        Element::Hour => format!("{:02}", time.hour),
        Element::Hour12 => hour12.to_string(),
        Element::ZeroHour12 => format!("{hour12:02}"),
        Element::Minute => time.minute.to_string(),
        Element::ZeroMinute => format!("{:02}", time.minute),
        Element::Second => time.second.to_string(),
        Element::ZeroSecond => format!("{:02}", time.second),
        Element::LongYear => format!("{:04}", time.year),
        Element::Year => format!("{:02}", time.year.rem_euclid(100)),
        Element::UpperPm => if time.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Element::LowerPm => if time.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Element::Zone => time.abbreviation.clone(),
        Element::Offset(shape) => offset_text(time.offset, shape),
        Element::Fraction(count) => fraction(time.nanosecond, count, text),
        Element::TrimmedFraction(count) => {
            let full = fraction(time.nanosecond, count, text);
            full.trim_end_matches('0').trim_end_matches(['.', ',']).to_owned()
        }
    };
    out.push_str(&piece);
}

fn offset_text(offset: i64, shape: Offset) -> String {
    if shape.z && offset == 0 {
        return "Z".to_owned();
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let total = offset.abs();
    let colon = if shape.colons { ":" } else { "" };
    let mut text = format!("{sign}{:02}", total / 3600);
    if shape.minutes {
        text.push_str(&format!("{colon}{:02}", total / 60 % 60));
    }
    if shape.seconds {
        text.push_str(&format!("{colon}{:02}", total % 60));
    }
    text
}

fn fraction(nanosecond: i64, count: usize, text: &str) -> String {
    let separator = text.chars().next().unwrap_or('.');
    let digits = format!("{nanosecond:09}");
    format!("{separator}{}", digits.get(..count.min(9)).unwrap_or(&digits))
}
