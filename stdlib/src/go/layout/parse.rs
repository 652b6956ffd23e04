//! Reading a time in a layout, with Go's faults.
//!
//! The one surprising fact: a fraction of a second is read after the seconds even where the layout has
//! none, and a zone's abbreviation is read but changes nothing, unless it is UTC.

use super::super::zone_time::{days, days_in, is_leap};
use super::{DAYS, Element, MONTHS, Offset, next};

/// Why an element could not be read.
enum Fault {
    Bad,
    Range(&'static str),
}

type Read<T> = Result<T, Fault>;

#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    pm: Option<bool>,
    offset: Option<i64>,
}

/// Go's quoting in this package: bytes beyond ASCII as `\x..`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if !c.is_ascii() || c < ' ' {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        } else {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out + "\""
}

/// Nanoseconds since 1970 of a text.
///
/// # Errors
/// Go's text of the fault.
pub(crate) fn parse(layout: &str, text: &str) -> Result<i128, String> {
    let mut fields = Fields::default();
    let (mut shape, mut value) = (layout, text);
    let cannot = |part: &str, element: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(text),
            quote(layout),
            quote(part),
            quote(element)
        )
    };
    let wrong = |what: &str| format!("parsing time {}: {what}", quote(text));
    loop {
        let (before, shown, element, after) = next(shape);
        value = skip(value, before).map_err(|rest| cannot(rest, before))?;
        let Some(element) = element else {
            return if value.is_empty() {
                fields.instant().map_err(|what| wrong(&what))
            } else {
                Err(wrong(&format!("extra text: {}", quote(value))))
            };
        };
        shape = after;
        let hold = value;
        match fields.read(element, shape, value) {
            Ok(rest) => value = rest,
            Err(Fault::Bad) => return Err(cannot(hold, shown)),
            Err(Fault::Range(what)) => return Err(wrong(&format!("{what} out of range"))),
        }
    }
}

/// Passes a literal; a blank of it stands for any number of blanks.
fn skip<'v>(mut value: &'v str, mut literal: &str) -> Result<&'v str, &'v str> {
    while let Some(c) = literal.chars().next() {
        if c == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            literal = literal.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(c).ok_or(value)?;
        literal = literal.get(c.len_utf8()..).unwrap_or_default();
    }
    Ok(value)
}

fn digit(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

fn split(text: &str, at: usize) -> Read<(&str, &str)> {
    text.split_at_checked(at).ok_or(Fault::Bad)
}

fn decimal(text: &str) -> Read<i64> {
    text.parse().map_err(|_| Fault::Bad)
}

/// One or two digits.
fn number(text: &str, fixed: bool) -> Read<(i64, &str)> {
    if !digit(text, 0) || fixed && !digit(text, 1) {
        return Err(Fault::Bad);
    }
    let (digits, rest) = split(text, if digit(text, 1) { 2 } else { 1 })?;
    Ok((decimal(digits)?, rest))
}

fn in_range(n: i64, low: i64, high: i64, what: &'static str) -> Read<i64> {
    if (low..=high).contains(&n) { Ok(n) } else { Err(Fault::Range(what)) }
}

/// The position of the name that a text begins with.
fn name<'v>(names: &[&str], short: bool, text: &'v str) -> Read<(usize, &'v str)> {
    for (position, name) in names.iter().enumerate() {
        let name = if short { name.get(..3).unwrap_or(name) } else { name };
        if text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return Ok((position, text.get(name.len()..).unwrap_or_default()));
        }
    }
    Err(Fault::Bad)
}

/// A separator and digits, as nanoseconds.
fn nanoseconds(text: &str, length: usize) -> Read<i64> {
    if !text.starts_with(['.', ',']) {
        return Err(Fault::Bad);
    }
    let digits = text.get(1..length.min(10)).ok_or(Fault::Bad)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::Bad);
    }
    decimal(&format!("{digits:0<9}"))
}

impl Fields {
    fn read<'v>(&mut self, element: Element, after: &str, value: &'v str) -> Read<&'v str> {
        let rest = match element {
            Element::Year => {
                let (digits, rest) = split(value, 2)?;
                let year = decimal(digits)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                rest
            }
            Element::LongYear => {
                let (digits, rest) = split(value, 4)?;
                if !digit(digits, 0) {
                    return Err(Fault::Bad);
                }
                self.year = decimal(digits)?;
                rest
            }
            Element::Month | Element::LongMonth => {
                let (position, rest) = name(&MONTHS, element == Element::Month, value)?;
                self.month = i64::try_from(position + 1).ok();
                rest
            }
            Element::NumMonth | Element::ZeroMonth => {
                let (month, rest) = number(value, element == Element::ZeroMonth)?;
                self.month = Some(in_range(month, 1, 12, "month")?);
                rest
            }
            Element::Weekday | Element::LongWeekday => name(&DAYS, element == Element::Weekday, value)?.1,
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let blank = element == Element::UnderDay;
                let value = if blank { value.strip_prefix(' ').unwrap_or(value) } else { value };
                let (day, rest) = number(value, element == Element::ZeroDay)?;
                self.day = Some(day);
                rest
            }
            Element::UnderYearDay | Element::ZeroYearDay => self.read_year_day(element, value)?,
            Element::Hour => {
                let (hour, rest) = number(value, false)?;
                self.hour = in_range(hour, 0, 23, "hour")?;
                rest
            }
            Element::Hour12 | Element::ZeroHour12 => {
                let (hour, rest) = number(value, element == Element::ZeroHour12)?;
                self.hour = in_range(hour, 0, 12, "hour")?;
                rest
            }
            Element::Minute | Element::ZeroMinute => {
                let (minute, rest) = number(value, element == Element::ZeroMinute)?;
                self.minute = in_range(minute, 0, 59, "minute")?;
                rest
            }
            Element::Second | Element::ZeroSecond => self.read_second(element, after, value)?,
            Element::UpperPm | Element::LowerPm => {
                let (text, rest) = split(value, 2)?;
                self.pm = Some(match (element, text) {
                    (Element::UpperPm, "PM") | (Element::LowerPm, "pm") => true,
                    (Element::UpperPm, "AM") | (Element::LowerPm, "am") => false,
                    _ => return Err(Fault::Bad),
                });
                rest
            }
            Element::Offset(shape) => self.read_offset(shape, value)?,
            Element::Zone => {
                if let Some(rest) = value.strip_prefix("UTC") {
                    self.offset = Some(0);
                    rest
                } else {
                    split(value, abbreviation(value).ok_or(Fault::Bad)?)?.1
                }
            }
            Element::Fraction(count) => {
                self.nanosecond = nanoseconds(value, count + 1)?;
                split(value, count + 1)?.1
            }
            Element::TrimmedFraction(_) => self.read_fraction(value)?,
        };
        Ok(rest)
    }

    fn read_year_day<'v>(&mut self, element: Element, value: &'v str) -> Read<&'v str> {
        let blank = element == Element::UnderYearDay;
        let trimmed = if blank { value.strip_prefix(' ').unwrap_or(value) } else { value };
        let trimmed = if blank { trimmed.strip_prefix(' ').unwrap_or(trimmed) } else { trimmed };
        let count = (0..3).take_while(|i| digit(trimmed, *i)).count();
        if count == 0 || !blank && count != 3 {
            return Err(Fault::Bad);
        }
        let (digits, rest) = split(trimmed, count)?;
        self.year_day = Some(decimal(digits)?);
        Ok(rest)
    }

    fn read_second<'v>(&mut self, element: Element, after: &str, value: &'v str) -> Read<&'v str> {
        let (second, rest) = number(value, element == Element::ZeroSecond)?;
        self.second = in_range(second, 0, 59, "second")?;
        let fraction_follows =
            matches!(next(after).2, Some(Element::Fraction(_) | Element::TrimmedFraction(_)));
        if fraction_follows { Ok(rest) } else { self.read_fraction(rest) }
    }

    fn read_fraction<'v>(&mut self, value: &'v str) -> Read<&'v str> {
        if !value.starts_with(['.', ',']) || !digit(value, 1) {
            return Ok(value);
        }
        let length = 1 + value.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        self.nanosecond = nanoseconds(value, length)?;
        Ok(split(value, length)?.1)
    }

    fn read_offset<'v>(&mut self, shape: Offset, value: &'v str) -> Read<&'v str> {
        if shape.z
            && let Some(rest) = value.strip_prefix('Z')
        {
            self.offset = Some(0);
            return Ok(rest);
        }
        let parts = 1 + usize::from(shape.minutes) + usize::from(shape.seconds);
        let width = if shape.colons { 3 } else { 2 };
        let (text, rest) = split(value, 1 + parts * width - usize::from(shape.colons))?;
        let mut total = 0;
        for (part, what) in ["time zone offset hour", "time zone offset minute", "time zone offset second"]
            .into_iter()
            .enumerate()
        {
            let n = if part < parts {
                let at = 1 + part * width;
                if part > 0 && shape.colons && text.as_bytes().get(at - 1) != Some(&b':') {
                    return Err(Fault::Bad);
                }
                number(text.get(at..at + 2).ok_or(Fault::Bad)?, true)?.0
            } else {
                0
            };
            total = total * 60 + in_range(n, 0, if part == 0 { 24 } else { 60 }, what)?;
        }
        self.offset = Some(match text.as_bytes().first() {
            Some(b'+') => total,
            Some(b'-') => -total,
            _ => return Err(Fault::Bad),
        });
        Ok(rest)
    }

    /// Month and day from the day of the year, where it is given.
    fn settle_year_day(&mut self) -> Result<(), String> {
        let Some(given) = self.year_day else { return Ok(()) };
        let limit = if is_leap(self.year) { 366 } else { 365 };
        if !(1..=limit).contains(&given) {
            return Err("day-of-year out of range".to_owned());
        }
        let (mut month, mut day) = (1, given);
        while day > days_in(self.year, month) {
            day -= days_in(self.year, month);
            month += 1;
        }
        if self.month.is_some_and(|m| m != month) {
            return Err("day-of-year does not match month".to_owned());
        }
        if self.day.is_some_and(|d| d != day) {
            return Err("day-of-year does not match day".to_owned());
        }
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }

    fn instant(mut self) -> Result<i128, String> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        self.settle_year_day()?;
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(1..=days_in(self.year, month)).contains(&day) {
            return Err("day out of range".to_owned());
        }
        let seconds =
            days(self.year, month, day) * 86_400 + self.hour * 3600 + self.minute * 60 + self.second
                - self.offset.unwrap_or(0);
        Ok(i128::from(seconds) * 1_000_000_000 + i128::from(self.nanosecond))
    }
}

/// The length of an abbreviation of a zone at the start of a text.
fn abbreviation(text: &str) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed_offset(rest));
    }
    if text.starts_with(['+', '-']) {
        return Some(signed_offset(text)).filter(|n| *n > 0);
    }
    let upper = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match upper {
        3 => Some(3),
        4 if text.as_bytes().get(3) == Some(&b'T') || text.starts_with("WITA") => Some(4),
        5 if text.as_bytes().get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// The length of `+3` or `-11` at the start of a text; 0 when there is none.
fn signed_offset(text: &str) -> usize {
    if !text.starts_with(['+', '-']) {
        return 0;
    }
    let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    let hours = text.get(1..1 + digits).and_then(|d| d.parse::<u64>().ok());
    if hours.is_some_and(|hours| hours <= 23) { 1 + digits } else { 0 }
}
