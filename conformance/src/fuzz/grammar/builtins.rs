//! The builtins that a campaign calls, and calls of each as samples.

use govc_stdlib::{Builtin, Purity};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Calls by builtin, each as the texts of its arguments.
pub(super) type Samples = BTreeMap<&'static str, Vec<Vec<&'static str>>>;

const FILES: [&str; 14] = [
    include_str!("../../../../stdlib/tests/cases/aws.txt"),
    include_str!("../../../../stdlib/tests/cases/collections.txt"),
    include_str!("../../../../stdlib/tests/cases/encoding.txt"),
    include_str!("../../../../stdlib/tests/cases/graphql.txt"),
    include_str!("../../../../stdlib/tests/cases/misc.txt"),
    include_str!("../../../../stdlib/tests/cases/net.txt"),
    include_str!("../../../../stdlib/tests/cases/numbers.txt"),
    include_str!("../../../../stdlib/tests/cases/patterns.txt"),
    include_str!("../../../../stdlib/tests/cases/schema.txt"),
    include_str!("../../../../stdlib/tests/cases/strings.txt"),
    include_str!("../../../../stdlib/tests/cases/template.txt"),
    include_str!("../../../../stdlib/tests/cases/time.txt"),
    include_str!("../../../../stdlib/tests/cases/x509.txt"),
    include_str!("../../../../stdlib/tests/cases/yaml.txt"),
];

/// Not called: they cannot be called by name, depend on the host, or wait for a network.
const UNCALLED: [&str; 4] = ["assign", "opa.runtime", "net.lookup_ip_addr", "trace"];

/// Builtins of v1 whose answer depends on their arguments alone.
pub(super) fn deterministic() -> &'static [&'static Builtin] {
    static FOUND: LazyLock<Vec<&'static Builtin>> = LazyLock::new(|| {
        let of_v1 = |b: &&Builtin| {
            !b.deprecated
                && b.purity == Purity::Pure
                && b.result.is_some()
                && !b.name.starts_with("internal.")
                && !b.name.starts_with("rego.metadata")
                && !UNCALLED.contains(&b.name)
        };
        govc_stdlib::all().iter().filter(of_v1).collect()
    });
    &FOUND
}

/// Written calls, by builtin.
pub(super) fn samples() -> &'static Samples {
    static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
        let mut samples = Samples::new();
        for line in FILES.iter().flat_map(|f| f.lines()).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let Some((name, rest)) = line.split_once('(') else { continue };
            let Some(builtin) = govc_stdlib::lookup(name) else { continue };
            let args = arguments(rest.trim_end().strip_suffix(')').unwrap_or(rest));
            samples.entry(builtin.name).or_default().push(args);
        }
        samples
    });
    &SAMPLES
}

/// The arguments of a call, by the commas outside of brackets and strings.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut escaped, mut start) = (0, None, false, 0);
    let mut found = Vec::new();
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(q), c) if c == q && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
        escaped = false;
    }
    if !text.trim().is_empty() {
        found.push(text[start..].trim());
    }
    found
}
