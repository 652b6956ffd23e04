//! Diagnostics of the whole workspace, by file.

use crate::workspace::Snapshot;
use govc_compile::{Builtins, CheckOptions};
use govc_syntax::ast::Module;
use govc_syntax::{Diagnostic, Sources};
use std::collections::BTreeMap;

/// What the parser and the checks find, by file name. Every file has an entry, so that old findings vanish.
pub fn findings(snapshot: &Snapshot) -> BTreeMap<String, Vec<Diagnostic>> {
    let (sources, modules, parsed) = snapshot.compilation();
    let mut by_file: BTreeMap<String, Vec<Diagnostic>> =
        sources.iter().map(|(_, s)| (s.name.clone(), Vec::new())).collect();
    let checked = check(&sources, &modules, snapshot.builtins());
    for finding in parsed.into_iter().chain(checked) {
        let name = &sources.get(finding.span.file).name;
        by_file.entry(name.clone()).or_default().push(finding);
    }
    by_file
}

fn check(sources: &Sources, modules: &[Module], builtins: &Builtins) -> Vec<Diagnostic> {
    // Tests may print, so an editor checks what `govc test` would run.
    let builtins = builtins.clone();
    let options = CheckOptions { print: true, error_limit: 0, builtins, ..CheckOptions::default() };
    govc_compile::check(sources, modules, &options).diagnostics
}
