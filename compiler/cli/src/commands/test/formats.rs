//! Results of tests in the forms that other tools read: JUnit, TAP, workflow commands of GitHub, SARIF, and Go's benchmarks.
//!
//! None of them is OPA's; each follows the documents of those who read it.

use super::report::{Outcome, reason};
use crate::output::Node;
use std::fmt::Write;

/// JUnit's XML: one suite for each package.
pub(crate) fn junit(outcomes: &[Outcome]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites {}>", counts(outcomes.iter()));
    let mut packages: Vec<&str> = outcomes.iter().map(Outcome::package).collect();
    packages.dedup();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        let own = || outcomes.iter().filter(|outcome| outcome.package() == package);
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", xml(package), counts(own()));
        own().for_each(|outcome| junit_case(outcome, &mut out));
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn counts<'o>(outcomes: impl Iterator<Item = &'o Outcome> + Clone) -> String {
    let count = |is: fn(&Outcome) -> bool| outcomes.clone().filter(|outcome| is(outcome)).count();
    let time: f64 = outcomes.clone().map(|outcome| outcome.duration.as_secs_f64()).sum();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{time:.6}\"",
        count(|_| true),
        count(|outcome| outcome.fail),
        count(|outcome| outcome.error.is_some()),
        count(|outcome| outcome.skip),
    )
}

fn junit_case(outcome: &Outcome, out: &mut String) {
    let location = outcome.location();
    let _ = write!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.6}\"",
        xml(outcome.name()),
        xml(outcome.package()),
        xml(&location.file),
        location.row,
        outcome.duration.as_secs_f64()
    );
    let inside = match (&outcome.error, outcome.fail, outcome.skip) {
        (Some(problem), _, _) => format!("<error message=\"{}\"/>", xml(&problem.line())),
        (None, true, _) => {
            format!("<failure message=\"{}\">{}</failure>", xml(&why(outcome)), xml(&details(outcome)))
        }
        (None, false, true) => "<skipped/>".to_owned(),
        (None, false, false) => String::new(),
    };
    let printed = match outcome.printed.as_str() {
        "" => String::new(),
        text => format!("<system-out>{}</system-out>", xml(text)),
    };
    match inside.is_empty() && printed.is_empty() {
        true => out.push_str("/>\n"),
        false => {
            let _ = writeln!(out, ">{inside}{printed}</testcase>");
        }
    }
}

/// What of XML's special characters a text may hold nowhere, and what it may not hold at all.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(c),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// One line that says why a test has not passed.
fn why(outcome: &Outcome) -> String {
    match (&outcome.error, &outcome.failure) {
        (Some(problem), _) => problem.line(),
        (None, Some(failure)) => format!("`{}` does not hold", failure.text),
        (None, None) => match failed_cases(outcome).as_slice() {
            [] => "the test is not true".to_owned(),
            names => format!("failed cases: {}", names.join(", ")),
        },
    }
}

fn failed_cases(outcome: &Outcome) -> Vec<String> {
    let mut names = Vec::new();
    outcome.cases.each(&mut |path, case| {
        if case.failed() {
            names.push(path.join("/"));
        }
    });
    names
}

fn details(outcome: &Outcome) -> String {
    outcome.failure.as_ref().map(reason).unwrap_or_default()
}

/// The Test Anything Protocol, version 14.
pub(crate) fn tap(outcomes: &[Outcome]) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", outcomes.len());
    for (i, outcome) in outcomes.iter().enumerate() {
        let word = if outcome.fail || outcome.error.is_some() { "not ok" } else { "ok" };
        let name = format!("{}.{}", outcome.package(), outcome.name()).replace('#', "\\#");
        let skip = if outcome.skip { " # SKIP todo" } else { "" };
        let _ = writeln!(out, "{word} {} - {name}{skip}", i + 1);
        if word == "not ok" {
            let location = outcome.location();
            let message = Node::string(&why(outcome)).compact();
            let at = Node::string(&format!("{}:{}", location.file, location.row)).compact();
            let _ = write!(out, "  ---\n  message: {message}\n  at: {at}\n  ...\n");
        }
    }
    out
}

/// Workflow commands of GitHub Actions: an annotation for each test that has not passed.
pub(crate) fn github(outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.fail || outcome.error.is_some()) {
        let place = outcome.failure.as_ref().map_or_else(|| outcome.location(), |failure| &failure.location);
        let message = format!("{}{}", why(outcome), details(outcome).trim_end());
        let _ = writeln!(
            out,
            "::error file={},line={},title={}::{}",
            property(&place.file),
            place.row,
            property(&format!("{}.{}", outcome.package(), outcome.name())),
            data(&message)
        );
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// SARIF 2.1.0: a result for each test that has not passed.
pub(crate) fn sarif(outcomes: &[Outcome]) -> Node {
    let object = |entries: Vec<(&str, Node)>| {
        Node::Object(entries.into_iter().map(|(key, node)| (key.to_owned(), node)).collect())
    };
    let result = |outcome: &Outcome| {
        let place = outcome.failure.as_ref().map_or_else(|| outcome.location(), |failure| &failure.location);
        let text = format!("{}.{}: {}", outcome.package(), outcome.name(), why(outcome));
        let rule = if outcome.error.is_some() { "error" } else { "fail" };
        let region = object(vec![
            ("startLine", Node::int(place.row as i64)),
            ("startColumn", Node::int(place.col as i64)),
        ]);
        let artifact = object(vec![("uri", Node::string(&place.file))]);
        let physical = object(vec![("artifactLocation", artifact), ("region", region)]);
        object(vec![
            ("ruleId", Node::string(rule)),
            ("level", Node::string("error")),
            ("message", object(vec![("text", Node::string(&text))])),
            ("locations", Node::Array(vec![object(vec![("physicalLocation", physical)])])),
        ])
    };
    let bad = outcomes.iter().filter(|outcome| outcome.fail || outcome.error.is_some());
    let rules = ["fail", "error"].map(|id| object(vec![("id", Node::string(id))]));
    let driver = object(vec![
        ("name", Node::string("govc test")),
        ("version", Node::string(env!("CARGO_PKG_VERSION"))),
        ("rules", Node::Array(rules.into())),
    ]);
    let run = object(vec![
        ("tool", object(vec![("driver", driver)])),
        ("results", Node::Array(bad.map(result).collect())),
    ]);
    object(vec![
        ("$schema", Node::string("https://json.schemastore.org/sarif-2.1.0.json")),
        ("version", Node::string("2.1.0")),
        ("runs", Node::Array(vec![run])),
    ])
}

#[cfg(test)]
mod tests {
    use super::{property, xml};

    #[test]
    fn escapes_what_each_form_reserves() {
        assert_eq!(xml("a<b>&\"\u{1}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
