//! Instants in a time zone, and the calendar.
//!
//! The one surprising fact: a local time that a change of clocks skips or repeats is resolved as Go
//! does: with the offset that holds at the instant it would be at the offset in force before.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// A time zone.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Utc,
    Named(TimeZone),
}

impl Zone {
    /// The zone of a name in the IANA database, spelled exactly so.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        if name.is_empty() || name == "UTC" || name == "Local" {
            return Ok(Self::Utc);
        }
        if name.contains("..") || name.starts_with('/') || name.contains('\\') {
            return Err("time: invalid location name".to_owned());
        }
        match TimeZoneDatabase::bundled().get(name) {
            Ok(zone) if zone.iana_name() == Some(name) => Ok(Self::Named(zone)),
            _ => Err(format!("unknown time zone {name}")),
        }
    }

    /// Offset in seconds and abbreviation at an instant in seconds since 1970.
    pub(crate) fn offset(&self, unix: i64) -> (i64, String) {
        match self {
            Self::Utc => (0, "UTC".to_owned()),
            Self::Named(zone) => {
                let instant = Timestamp::UNIX_EPOCH
                    .checked_add(SignedDuration::from_secs(unix))
                    .unwrap_or(if unix < 0 { Timestamp::MIN } else { Timestamp::MAX });
                let info = zone.to_offset_info(instant);
                (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
            }
        }
    }
}

/// A date and time of day, with what the zone says of it.
#[derive(Clone, Debug)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    pub(crate) day: i64,
    /// 1 to 366.
    pub(crate) year_day: i64,
    /// 0 is Sunday.
    pub(crate) weekday: usize,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) nanosecond: i64,
    /// Seconds east of UTC.
    pub(crate) offset: i64,
    pub(crate) abbreviation: String,
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; the month is 1 to 12.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The civil time of an instant in nanoseconds since 1970.
pub(crate) fn civil(nanoseconds: i64, zone: &Zone) -> Civil {
    let unix = nanoseconds.div_euclid(1_000_000_000);
    let (offset, abbreviation) = zone.offset(unix);
    let local = unix + offset;
    let (day_number, in_day) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, day) = date(day_number);
    Civil {
        year,
        month,
        day,
        year_day: day_number - days(year, 1, 1) + 1,
        weekday: usize::try_from((day_number + 4).rem_euclid(7)).unwrap_or(0),
        hour: in_day / 3600,
        minute: in_day / 60 % 60,
        second: in_day % 60,
        nanosecond: nanoseconds.rem_euclid(1_000_000_000),
        offset,
        abbreviation,
    }
}

/// Seconds since 1970 of a local time in seconds.
pub(crate) fn resolve(local: i64, zone: &Zone) -> i64 {
    let (guess, _) = zone.offset(local);
    let (offset, _) = zone.offset(local - guess);
    local - offset
}
