//! What tests gave, as `opa test` prints it.

use super::cases::Cases;
use super::failure::Failure;
use super::plan::Case;
use crate::commands::bench;
use crate::duration;
use crate::measure::Sample;
use crate::output::Node;
use crate::problem::{Location, Problem};
use std::fmt::Write;
use std::time::Duration;

const LINE: &str = "--------------------------------------------------------------------------------\n";

/// How a test was evaluated, step by step.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// For people.
    pub(crate) text: String,
    /// OPA's JSON of each step.
    pub(crate) events: Vec<String>,
}

/// What one test gave.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    location: Location,
    package: String,
    name: String,
    /// The rule is not true.
    pub(crate) fail: bool,
    /// A `todo_test_` rule.
    pub(crate) skip: bool,
    /// It could not be evaluated.
    pub(crate) error: Option<Problem>,
    /// Wall time.
    pub(crate) duration: Duration,
    /// What it printed.
    pub(crate) printed: String,
    /// What its cases gave.
    pub(crate) cases: Cases,
    /// The statement that did not hold.
    pub(crate) failure: Option<Failure>,
    /// How it was evaluated, step by step, if that is told.
    pub(crate) trace: Option<Trace>,
    /// How long it takes, if that was measured.
    pub(crate) sample: Option<Sample>,
}

impl Outcome {
    /// Passed or failed.
    pub(crate) fn of(case: &Case, passed: bool) -> Self {
        Self {
            location: case.location.clone(),
            package: case.package_name(),
            name: case.name(),
            fail: !passed,
            skip: false,
            error: None,
            duration: Duration::ZERO,
            printed: String::new(),
            cases: Cases::default(),
            failure: None,
            trace: None,
            sample: None,
        }
    }

    /// Not run.
    pub(crate) fn skipped(case: &Case) -> Self {
        Self { skip: true, ..Self::of(case, true) }
    }

    /// Ended by an error.
    pub(crate) fn error(case: &Case, problem: Problem) -> Self {
        Self { error: Some(problem), ..Self::of(case, true) }
    }

    /// `data.a.b`.
    pub(crate) fn package(&self) -> &str {
        &self.package
    }

    /// The rule without its package.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the rule stands.
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Neither failed nor skipped nor ended by an error.
    pub(crate) fn passed(&self) -> bool {
        !self.fail && !self.skip && self.error.is_none()
    }

    fn word(&self) -> &'static str {
        match () {
            () if self.passed() => "PASS",
            () if self.fail => "FAIL",
            () if self.skip => "SKIPPED",
            () => "ERROR",
        }
    }

    /// `data.a.test_x: PASS (1.5ms)`.
    pub(crate) fn line(&self) -> String {
        let time = if self.skip { String::new() } else { format!(" ({})", duration::text(self.duration)) };
        format!("{}.{}: {}{time}\n", self.package, self.name, self.word())
    }

    /// Adds what the cases gave.
    pub(crate) fn with_cases(self, cases: Cases) -> Self {
        Self { fail: self.fail || cases.failed(), cases, ..self }
    }

    /// Passed and failed: cases are counted in place of their test.
    fn count(&self) -> (usize, usize) {
        match self.cases.is_empty() {
            true => (usize::from(self.passed()), usize::from(self.fail)),
            false => self.cases.count(),
        }
    }

    fn to_node(&self) -> Node {
        let mut object = vec![
            ("location".to_owned(), self.location.to_node()),
            ("package".to_owned(), Node::string(&self.package)),
            ("name".to_owned(), Node::string(&self.name)),
        ];
        if self.fail {
            object.push(("fail".to_owned(), Node::bool(true)));
        }
        if let Some(problem) = &self.error {
            object.push(("error".to_owned(), error(problem)));
        }
        if self.skip {
            object.push(("skip".to_owned(), Node::bool(true)));
        }
        let nanoseconds = i64::try_from(self.duration.as_nanos()).unwrap_or(i64::MAX);
        object.push(("duration".to_owned(), Node::int(nanoseconds)));
        if let Some(trace) = self.trace.as_ref().filter(|trace| !trace.events.is_empty()) {
            let events = trace.events.iter().map(|event| Node::Raw(event.clone()));
            object.push(("trace".to_owned(), Node::Array(events.collect())));
        }
        if !self.printed.is_empty() {
            object.push(("output".to_owned(), Node::string(&base64(self.printed.as_bytes()))));
        }
        if let Some(sample) = &self.sample {
            object.push(("benchmark_result".to_owned(), bench::node(sample, &extra(sample))));
        }
        if !self.cases.is_empty() {
            object.push(("sub_results".to_owned(), self.cases.to_node()));
        }
        Node::Object(object)
    }
}

/// An error of the evaluation; of tests OPA prints the code first.
fn error(problem: &Problem) -> Node {
    match problem.to_node() {
        Node::Object(mut fields) => {
            fields.sort_by_key(|(name, _)| !name.ends_with("code"));
            Node::Object(fields)
        }
        other => other,
    }
}

/// What OPA tells of a measured test beside its time.
fn extra(sample: &Sample) -> Vec<(String, f64)> {
    vec![("timer_rego_query_eval_ns/op".to_owned(), sample.mean())]
}

/// OPA's text of measured tests; `go` names them as Go's benchmarks are named.
pub(crate) fn benchmarks(outcomes: &[Outcome], go: bool) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let full = format!("{}.{}", outcome.package, outcome.name);
        match &outcome.sample {
            Some(sample) => {
                let name = if go { camel_case(&full) } else { full };
                let _ = writeln!(out, "{name}\t{}", sample.line(&extra(sample)));
            }
            None => {
                let _ =
                    write!(out, "{}:{}:\n{}", outcome.location.file, outcome.location.row, outcome.line());
            }
        }
    }
    if !out.is_empty() {
        out.push_str(LINE);
    }
    out + &totals(outcomes)
}

/// `data.a_test.test_x` is `BenchmarkDataATestTestX`.
fn camel_case(name: &str) -> String {
    let words = name.split(['.', '_']).map(|word| {
        let mut letters = word.chars();
        letters.next().map(char::to_uppercase).into_iter().flatten().chain(letters).collect::<String>()
    });
    format!("Benchmark{}", words.collect::<String>())
}

/// OPA's array of results.
pub(crate) fn json(outcomes: &[Outcome]) -> Node {
    Node::Array(outcomes.iter().map(Outcome::to_node).collect())
}

/// OPA's text.
pub(crate) fn pretty(outcomes: &[Outcome], verbose: bool) -> String {
    let mut out = String::new();
    let mut last = "";
    for outcome in outcomes.iter().filter(|o| verbose || !o.passed()) {
        if !last.is_empty() && last != outcome.location.file {
            out.push('\n');
        }
        last = &outcome.location.file;
        let _ = write!(out, "{last}:{}:\n{}", outcome.location.row, outcome.line());
        outcome.cases.each(&mut |path, case| {
            if case.failed() || verbose {
                let word = if case.failed() { "FAIL" } else { "PASS" };
                let name = path.last().copied().unwrap_or_default();
                let _ = writeln!(out, "{}{name}: {word}", "  ".repeat(path.len()));
            }
        });
        if !outcome.printed.is_empty() {
            let indented = outcome.printed.trim().replace('\n', "\n  ");
            let _ = write!(out, "\n  {indented}\n\n");
        }
        let reason = outcome.failure.as_ref().map(reason).unwrap_or_default();
        out.push_str(if outcome.printed.is_empty() { &reason } else { reason.trim_start_matches('\n') });
        if let Some(problem) = &outcome.error {
            let _ = writeln!(out, "  {}", problem.line());
        }
    }
    let traced: Vec<(&Outcome, &Trace)> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.trace.as_ref()?))).collect();
    if !traced.is_empty() {
        let _ = write!(out, "{LINE}FAILURES\n{LINE}");
        traced.iter().for_each(|(outcome, trace)| out.push_str(&steps(outcome, trace)));
    }
    if !out.is_empty() {
        out.push_str(LINE);
    }
    out + &totals(outcomes)
}

/// How a failed test was evaluated, and which of its cases failed, each with those that it is in.
fn steps(outcome: &Outcome, trace: &Trace) -> String {
    let mut out = format!("{}\n{}", outcome.line(), trace.text);
    if !outcome.cases.is_empty() {
        out.push('\n');
        outcome.cases.each(&mut |path, case| {
            if case.failed() && case.is_leaf() {
                for (depth, name) in path.iter().enumerate() {
                    let _ = writeln!(out, "{}{name}: FAIL", "  ".repeat(depth + 1));
                }
            }
        });
    }
    out.push('\n');
    out
}

/// The statement that did not hold, and the values in it.
pub(crate) fn reason(failure: &Failure) -> String {
    let Failure { location, text, values } = failure;
    let values: String = values.iter().map(|(name, value)| format!("      {name}: {value}\n")).collect();
    format!("\n  {}:{}:\n    {text}\n{values}\n", location.file, location.row)
}

fn totals(outcomes: &[Outcome]) -> String {
    let skipped = outcomes.iter().filter(|o| o.skip).count();
    let errors = outcomes.iter().filter(|o| o.error.is_some()).count();
    let counts = outcomes.iter().filter(|o| !o.skip && o.error.is_none()).map(Outcome::count);
    let (passed, failed) = counts.fold((0, 0), |(p, f), (more_p, more_f)| (p + more_p, f + more_f));
    let total = passed + failed + skipped + errors;
    let lines = [("PASS", passed), ("FAIL", failed), ("SKIPPED", skipped), ("ERROR", errors)];
    let shown = lines.into_iter().filter(|(_, count)| *count > 0);
    shown.map(|(word, count)| format!("{word}: {count}/{total}\n")).collect()
}

/// RFC 4648 base64, in which Go's JSON writes bytes.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0u32, |group, i| group << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4usize {
            let digit = (group >> (18 - 6 * i) & 63) as usize;
            out.push(if i <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn encodes_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("hi\n", "aGkK"),
        ];
        for (plain, wanted) in vectors {
            assert_eq!(base64(plain.as_bytes()), wanted);
        }
    }
}
