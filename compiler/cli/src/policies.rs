//! Signed bundles on the command line: reading one, checking it, and saying why not.

use crate::files::io_problem;
use crate::problem::Problem;
use govc_engine::{BundleLimits, Engine, Layout, Policy, Trust};

/// The bytes of a file.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| {
        let problem = io_problem("open", path, &error);
        Problem { code: "govc_file".to_owned(), govc_code: "govc_file".to_owned(), ..problem }
    })
}

/// The bytes of a bundle: of a file, or of an OCI image layout (`oci:FOLDER:TAG`).
pub(crate) fn bundle(place: &str) -> Result<Vec<u8>, Problem> {
    match Layout::parse(place) {
        None => read(place),
        Some(layout) => Ok(layout.read(BundleLimits::default().packed)?.bytes),
    }
}

/// Loads and verifies a bundle.
pub(crate) fn load(path: &str, trust: &Trust) -> Result<Policy, Problem> {
    Ok(Engine::load(&bundle(path)?, trust)?)
}

/// The entrypoint that was asked for, or the only one that the bundle has.
pub(crate) fn entrypoint(given: Option<&str>, policy: &Policy) -> Result<String, Problem> {
    let known = policy.section().map(|section| section.entrypoints.as_slice()).unwrap_or_default();
    match (given, known) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (None, many) => {
            let names = many.join("`, `");
            Err(Problem::coded("govc_entrypoint", format!("choose an entrypoint with `-e`: `{names}`")))
        }
    }
}

/// Now, or the time given as RFC 3339, in seconds since 1970.
pub(crate) fn now(given: Option<&str>) -> Result<i64, Problem> {
    let invalid = |text: &str| Problem::coded("govc_time", format!("`{text}` is no RFC 3339 time"));
    match given {
        None => Ok(jiff::Timestamp::now().as_second()),
        Some(text) => text.parse::<jiff::Timestamp>().map(|t| t.as_second()).map_err(|_| invalid(text)),
    }
}
