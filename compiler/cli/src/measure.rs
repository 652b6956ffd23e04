//! Times of something that is done again and again, in the shapes that Go's benchmarks have.
//!
//! Memory is not counted: values live in an arena that is reset between queries, so `B/op` would say nothing.

use std::time::{Duration, Instant};

/// Wall time of one measurement.
const MEASURE: Duration = Duration::from_secs(1);

/// Times of single runs in nanoseconds, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    nanoseconds: Vec<u64>,
}

/// Does something for a second, at least once, or until it fails.
pub(crate) fn again<E>(mut run: impl FnMut() -> Result<(), E>) -> Result<Sample, E> {
    let mut nanoseconds = Vec::new();
    let started = Instant::now();
    while nanoseconds.is_empty() || started.elapsed() < MEASURE {
        let before = Instant::now();
        run()?;
        nanoseconds.push(u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(Sample::of(nanoseconds))
}

impl Sample {
    /// Times of single runs in nanoseconds.
    pub(crate) fn of(mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        Self { nanoseconds }
    }

    /// How often it was done.
    pub(crate) fn count(&self) -> usize {
        self.nanoseconds.len()
    }

    /// All times together.
    pub(crate) fn total(&self) -> u64 {
        self.nanoseconds.iter().sum()
    }

    /// The mean time.
    pub(crate) fn mean(&self) -> f64 {
        self.total() as f64 / self.count().max(1) as f64
    }

    /// The value below which a share of the times lies, between two of them if need be, as OPA's histograms have it.
    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.count() + 1) as f64;
        let at = |place: f64| self.nanoseconds.get(place as usize - 1).map_or(0.0, |&time| time as f64);
        match self.count() {
            0 => 0.0,
            _ if place < 1.0 => at(1.0),
            count if place >= count as f64 => at(count as f64),
            _ => at(place) + place.fract() * (at(place + 1.0) - at(place)),
        }
    }

    fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.nanoseconds.iter().map(|&time| (time as f64 - mean).powi(2)).sum();
        (squares / self.count().max(1) as f64).sqrt()
    }

    /// What OPA tells of a histogram, by label.
    pub(crate) fn statistics(&self) -> Vec<(String, f64)> {
        let quantiles =
            [("75%", 0.75), ("90%", 0.9), ("95%", 0.95), ("99%", 0.99), ("99.9%", 0.999), ("99.99%", 0.9999)];
        let quantiles = quantiles.map(|(label, share)| (label, self.quantile(share)));
        let others = [
            ("count", self.count() as f64),
            ("max", self.quantile(1.0)),
            ("mean", self.mean()),
            ("median", self.quantile(0.5)),
            ("min", self.quantile(0.0)),
            ("stddev", self.deviation()),
        ];
        quantiles.into_iter().chain(others).map(|(label, value)| (label.to_owned(), value)).collect()
    }

    /// One of these; 0 for a label that is none.
    pub(crate) fn statistic(&self, label: &str) -> f64 {
        self.statistics().into_iter().find(|(known, _)| known == label).map_or(0.0, |(_, value)| value)
    }

    /// OPA's names of a histogram with their values, sorted by name.
    pub(crate) fn histogram(&self, timer: &str) -> Vec<(String, f64)> {
        let named = |(label, value): (String, f64)| (format!("histogram_{timer}_{label}"), value);
        self.statistics().into_iter().map(named).collect()
    }

    /// A line as Go's benchmarks print it, without its name and its end.
    pub(crate) fn line(&self, extra: &[(String, f64)]) -> String {
        let extra: String =
            extra.iter().map(|(name, value)| format!("\t{}", go_metric(*value, name))).collect();
        format!("{:>8}\t{}{extra}", self.count(), go_metric(self.mean(), "ns/op"))
    }
}

/// A value and its unit as Go's benchmarks align them: four digits, and the dots below each other.
fn go_metric(value: f64, unit: &str) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 999.95 => format!("{value:10.0} {unit}"),
        size if size >= 99.995 => format!("{value:12.1} {unit}"),
        size if size >= 9.9995 => format!("{value:13.2} {unit}"),
        size if size >= 0.99995 => format!("{value:14.3} {unit}"),
        _ => format!("{value:15.4} {unit}"),
    }
}

/// A value with three digits, as OPA's tables show it.
pub(crate) fn rounded(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn quantiles_lie_between_values() {
        let sample = Sample::of(vec![60, 251, 311, 70]);
        assert_eq!(sample.statistic("median"), 160.5);
        assert_eq!(sample.statistic("75%"), 296.0);
        assert_eq!(sample.statistic("max"), 311.0);
        assert_eq!(Sample::default().statistic("99%"), 0.0);
    }
}
