//! `/metrics`: how many requests there were and how long they took, as Prometheus reads it, under OPA's names.

use super::reply::Reply;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// OPA's buckets, in seconds.
const BUCKETS: &[f64] = &[1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1.0];

/// Status, handler, method.
type Labels = (u16, &'static str, &'static str);

#[derive(Clone, Debug, Default)]
struct Histogram {
    counts: Vec<u64>,
    sum: f64,
    count: u64,
}

/// The measurements of the server.
#[derive(Debug)]
pub(crate) struct Metrics {
    buckets: Vec<f64>,
    requests: Mutex<BTreeMap<Labels, Histogram>>,
    started: Instant,
}

impl Metrics {
    /// Without buckets: OPA's.
    pub(crate) fn new(buckets: Option<Vec<f64>>) -> Self {
        let buckets = buckets.unwrap_or_else(|| BUCKETS.to_vec());
        Self { buckets, requests: Mutex::default(), started: Instant::now() }
    }

    /// Counts a request.
    pub(crate) fn count(&self, status: u16, handler: &'static str, method: &str, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = self.buckets.iter().position(|bound| seconds <= *bound);
        let mut all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (status, handler, label(method));
        let histogram = all.entry(key).or_default();
        histogram.counts.resize(self.buckets.len(), 0);
        if let Some(count) = bucket.and_then(|at| histogram.counts.get_mut(at)) {
            *count += 1;
        }
        histogram.sum += seconds;
        histogram.count += 1;
    }

    /// The page.
    pub(crate) fn page(&self) -> Reply {
        let body = self.text().into_bytes();
        let kind = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores".to_owned();
        Reply { status: 200, headers: vec![("content-type", kind)], body }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.is_empty() {
            out.push_str("# HELP http_request_duration_seconds A histogram of duration for requests.\n");
            out.push_str("# TYPE http_request_duration_seconds histogram\n");
        }
        for ((status, handler, method), histogram) in all.iter() {
            self.histogram(
                &mut out,
                &format!("code=\"{status}\",handler=\"{handler}\",method=\"{method}\""),
                histogram,
            );
        }
        drop(all);
        process(&mut out, self.started);
        out
    }

    fn histogram(&self, out: &mut String, labels: &str, histogram: &Histogram) {
        let name = "http_request_duration_seconds";
        let mut sum = 0;
        for (bound, count) in self.buckets.iter().zip(&histogram.counts) {
            sum += count;
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {sum}", number(*bound));
        }
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", histogram.count);
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}", number(histogram.sum));
        let _ = writeln!(out, "{name}_count{{{labels}}} {}", histogram.count);
    }
}

/// A method as Prometheus' own handlers name it.
fn label(method: &str) -> &'static str {
    let known = ["get", "put", "head", "post", "delete", "connect", "options", "notify", "trace", "patch"];
    known.into_iter().find(|name| method.eq_ignore_ascii_case(name)).unwrap_or("unknown")
}

/// A number as Go prints it.
fn number(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e21).contains(&value) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

/// What the system knows of this process.
fn process(out: &mut String, started: Instant) {
    let mut gauge = |name: &str, help: &str, value: f64| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {}", number(value));
    };
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident() as f64);
    let began = std::time::SystemTime::now() - started.elapsed();
    let began = began.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", began);
}

/// Bytes of memory that are in use.
pub(crate) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_prometheus_reads() {
        let metrics = Metrics::new(Some(vec![0.1, 1.0]));
        metrics.count(200, "v1/data", "GET", Duration::from_millis(50));
        metrics.count(200, "v1/data", "GET", Duration::from_secs(2));
        let text = metrics.text();
        assert!(
            text.contains("_bucket{code=\"200\",handler=\"v1/data\",method=\"get\",le=\"0.1\"} 1\n"),
            "{text}"
        );
        assert!(
            text.contains("_bucket{code=\"200\",handler=\"v1/data\",method=\"get\",le=\"+Inf\"} 2\n"),
            "{text}"
        );
        assert!(text.contains("_sum{code=\"200\",handler=\"v1/data\",method=\"get\"} 2.05\n"), "{text}");
        assert_eq!([number(1e-6), number(0.0001), number(1.0)], ["1e-06", "0.0001", "1"]);
    }
}
