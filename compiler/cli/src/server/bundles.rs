//! What bundles own: paths of the base documents that nobody else may write.
//!
//! As OPA does, the store itself says which bundles there are, below `data.system.bundles`.

use super::reply::Reply;
use govc_engine::documents::Document;
use govc_syntax::ast;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The documents about bundles, by name.
fn all(data: &Arc<Document>) -> impl Iterator<Item = (&Arc<str>, &Arc<Document>)> {
    let bundles = data.get("system").and_then(|system| system.get("bundles"));
    bundles.and_then(|bundles| bundles.entries()).into_iter().flatten()
}

/// Names and revisions.
pub(crate) fn revisions(data: &Arc<Document>) -> BTreeMap<String, String> {
    let revision = |bundle: &Arc<Document>| {
        let revision = bundle.get("manifest").and_then(|manifest| manifest.get("revision"));
        revision.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    };
    all(data).map(|(name, bundle)| (name.to_string(), revision(bundle))).collect()
}

/// Roots of the bundles but one.
pub(crate) fn roots(data: &Arc<Document>, without: &str) -> BTreeMap<String, Vec<String>> {
    let others = all(data).filter(|(name, _)| &***name != without);
    others.map(|(name, bundle)| (name.to_string(), roots_of(bundle))).collect()
}

fn roots_of(bundle: &Arc<Document>) -> Vec<String> {
    match bundle.get("manifest").and_then(|manifest| manifest.get("roots")).map(|roots| &**roots) {
        Some(Document::Array(roots)) => {
            roots.iter().filter_map(|root| root.as_str().map(str::to_owned)).collect()
        }
        _ => vec![String::new()],
    }
}

/// Nobody but its bundle writes a path.
///
/// # Errors
/// OPA's answer.
pub(crate) fn check_path(data: &Arc<Document>, path: &[String]) -> Result<(), Reply> {
    let bundles = roots(data, "");
    if path.is_empty() && !bundles.is_empty() {
        return Err(Reply::invalid("can't write to document root with bundle roots configured"));
    }
    for (name, roots) in &bundles {
        for root in roots {
            let name = crate::output::quote(name);
            if root.is_empty() {
                return Err(Reply::invalid(&format!("all paths owned by bundle {name}")));
            }
            if root.split('/').zip(path).all(|(a, b)| a == b) {
                return Err(Reply::invalid(&format!("path {} is owned by bundle {name}", path.join("/"))));
            }
        }
    }
    Ok(())
}

/// As [`check_path`], for the package of a policy.
///
/// # Errors
/// OPA's answer.
pub(crate) fn check_package(data: &Arc<Document>, module: &ast::Module) -> Result<(), Reply> {
    check_path(data, &module.package_path())
}
