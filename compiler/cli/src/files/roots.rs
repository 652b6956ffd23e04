//! What a bundle owns: the roots of its manifest, and what must lie below them (OPA's document on bundles, "Bundle File
//! Format").

use govc_engine::Manifest;
use govc_syntax::{RegoVersion, ast};
use serde_json::Value;
use std::collections::BTreeSet;

/// The roots of a bundle: paths of `data` without slashes at their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roots(Vec<String>);

impl Roots {
    /// Those of a manifest; without any, a bundle owns everything.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        match &manifest.roots {
            Some(roots) => Self::new(roots),
            None => Self(vec![String::new()]),
        }
    }

    /// From their paths.
    pub(crate) fn new(roots: &[String]) -> Self {
        Self(roots.iter().map(|root| root.trim_matches('/').to_owned()).collect())
    }

    /// The paths.
    pub(crate) fn paths(&self) -> &[String] {
        &self.0
    }

    /// Whether a path is one of the roots or below one.
    pub(crate) fn own(&self, path: &[String]) -> bool {
        self.0.iter().any(|root| Manifest::root_holds(root, path))
    }

    /// The complaint about a policy of another package.
    pub(crate) fn refuse_module(&self, file: &str, module: &ast::Module) -> Option<String> {
        let path = module.package_path();
        let outside = !self.own(&path);
        outside.then(|| {
            let package = path.join(".");
            format!("manifest roots {self} do not permit 'package {package}' in module '{file}'")
        })
    }

    /// The complaint about the first document at `at` or below that lies elsewhere.
    pub(crate) fn refuse_data<D: Tree>(&self, document: &D, at: &mut Vec<String>) -> Option<String> {
        if self.own(at) {
            return None;
        }
        let Some(children) = document.children().filter(|_| self.lie_below(at)) else {
            let at = at.join("/");
            return Some(format!(
                "manifest roots {self} do not permit data at path '/{at}' (hint: check bundle directory structure)"
            ));
        };
        children.into_iter().find_map(|(key, child)| {
            at.push(key.to_owned());
            let found = self.refuse_data(child, at);
            at.pop();
            found
        })
    }

    /// Whether a root lies below the path.
    fn lie_below(&self, path: &[String]) -> bool {
        self.0.iter().any(|root| steps(root).zip(path).all(|(step, name)| step == name))
    }
}

/// As Go prints a list.
impl std::fmt::Display for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}]", self.0.join(" "))
    }
}

/// A document that can be walked.
pub(crate) trait Tree {
    /// Keys and values of an object; nothing for anything else.
    fn children(&self) -> Option<Vec<(&str, &Self)>>;
}

impl Tree for Value {
    fn children(&self) -> Option<Vec<(&str, &Self)>> {
        let entries = self.as_object()?;
        Some(entries.iter().map(|(key, value)| (key.as_str(), value)).collect())
    }
}

/// Bundles that own one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    names: BTreeSet<String>,
    /// Those of them that own everything.
    everything: BTreeSet<String>,
    /// Roots of which one holds the other, the shorter first.
    pairs: BTreeSet<(String, String)>,
}

impl Overlap {
    /// OPA's complaint where bundles are merged into one.
    pub(crate) fn in_merge(&self) -> String {
        let (a, b) = self.pairs.first().cloned().unwrap_or_default();
        format!("manifest has overlapped roots: '{a}' and '{b}'")
    }
}

/// OPA's complaint where bundles are activated.
impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let listed = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let names = listed(&self.names);
        if !self.everything.is_empty() {
            let everything = listed(&self.everything);
            return write!(
                f,
                "bundles [{names}] have overlapping roots and cannot be activated simultaneously because bundle(s) \
                 [{everything}] specify empty root paths ('') which overlap with any other bundle root"
            );
        }
        let pair = |(a, b): &(String, String)| match a == b {
            true => format!("root {a} is in multiple bundles"),
            false => format!("{a} overlaps {b}"),
        };
        let pairs: BTreeSet<String> = self.pairs.iter().map(pair).collect();
        let pairs = listed(&pairs);
        write!(f, "detected overlapping roots in manifests for these bundles: [{names}] ({pairs})")
    }
}

/// No two bundles own one path.
///
/// # Errors
/// All that do.
pub(crate) fn disjoint(bundles: &[(&str, &Roots)]) -> Result<(), Overlap> {
    let mut names = BTreeSet::new();
    let mut pairs = BTreeSet::new();
    for (at, (name, roots)) in bundles.iter().enumerate() {
        for (other, theirs) in &bundles[at + 1..] {
            for (a, b) in roots.0.iter().flat_map(|a| theirs.0.iter().map(move |b| (a, b))) {
                if steps(a).zip(steps(b)).all(|(a, b)| a == b) {
                    names.extend([(*name).to_owned(), (*other).to_owned()]);
                    pairs.insert((a.min(b).clone(), a.max(b).clone()));
                }
            }
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let owns_all = bundles.iter().filter(|(_, roots)| roots.0.iter().any(String::is_empty));
    let everything =
        owns_all.map(|(name, _)| (*name).to_owned()).filter(|name| names.contains(name)).collect();
    Err(Overlap { names, everything, pairs })
}

/// The language of a file of a bundle, by what its manifest says.
pub(crate) fn version(manifest: &Manifest, path: &str, default: RegoVersion) -> RegoVersion {
    let fits = |pattern: &str| {
        let pattern = pattern.trim_start_matches('/');
        pattern == path || govc_engine::name_matches(pattern, path)
    };
    let special =
        manifest.file_rego_versions.iter().find(|(pattern, _)| fits(pattern)).map(|(_, version)| *version);
    match special.or(manifest.rego_version) {
        Some(0) => RegoVersion::V0,
        Some(1) => RegoVersion::V1,
        _ => default,
    }
}

fn steps(root: &str) -> impl Iterator<Item = &str> {
    root.split('/').filter(|step| !step.is_empty())
}
