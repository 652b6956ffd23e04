//! Durations as Go writes and reads them: `1m30s`, `250ms`, `1.5µs`.

use std::time::Duration;

const UNITS: &[(&str, f64)] = &[
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 6e10),
    ("h", 3.6e12),
];

/// Reads `1h2m3.5s`; `0` needs no unit.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let error = || format!("invalid duration `{text}`: write a number with a unit, such as `5s` or `250ms`");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanoseconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
        let number: f64 = rest[..digits].parse().map_err(|_| error())?;
        rest = &rest[digits..];
        let length = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &rest[..length]).ok_or_else(error)?;
        nanoseconds += number * factor;
        rest = &rest[length..];
    }
    let valid = !text.is_empty() && nanoseconds < 9e18;
    valid.then(|| Duration::from_nanos(nanoseconds as u64)).ok_or_else(error)
}

/// Writes `1.5µs`, `320ms`, `1m0.5s`.
pub(crate) fn text(duration: Duration) -> String {
    let n = duration.as_nanos();
    match n {
        0 => "0s".to_owned(),
        1..1_000 => format!("{n}ns"),
        1_000..1_000_000 => format!("{}µs", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{}ms", n as f64 / 1e6),
        _ => {
            let (minutes, seconds) = (duration.as_secs() / 60, (n % 60_000_000_000) as f64 / 1e9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, m) => format!("{m}m{seconds}s"),
                (h, m) => format!("{h}h{m}m{seconds}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for written in ["1ns", "1.5µs", "320ms", "5s", "1m0.5s", "2h0m1s"] {
            assert_eq!(parse(written).map(text).as_deref(), Ok(written));
        }
        assert!(parse("").is_err() && parse("5").is_err() && parse("5x").is_err());
    }
}
