//! What the command line names: files, folders and bundles, loaded before the server listens.

use super::bundle::Opened;
use super::document::Document;
use super::policies::{Language, Module};
use super::{Server, told};
use crate::commands::run::Run;
use crate::files;
use crate::keys;
use crate::problem::{self, Problem};
use govc_engine::Trust;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How policies are read.
///
/// # Errors
/// The builtins that were declared cannot be read.
pub(crate) fn language(args: &Run) -> Result<Language, String> {
    let loaded = files::load(&files::Request { declared: args.language.declared(), ..Default::default() });
    match loaded.problems.is_empty() {
        true => Ok(Language {
            parse: args.language.parse(),
            builtins: loaded.builtins,
            error_limit: usize::try_from(args.max_errors).unwrap_or(0),
        }),
        false => Err(told(&loaded.problems)),
    }
}

/// Whom bundles on the command line must be signed by.
///
/// # Errors
/// The key cannot be read, or bundles are not what is loaded.
pub(crate) fn trust(args: &Run) -> Result<Trust, String> {
    let given = &args.verification;
    let Some(key) = &given.verification_key else { return Ok(Trust::unsigned()) };
    if !args.bundle {
        return Err("enable bundle mode (ie. --bundle) to verify bundle files or directories".to_owned());
    }
    if given.skip_verify {
        return Ok(Trust::unsigned());
    }
    let verifying = keys::Verifying {
        verification_key: vec![key.clone()],
        verification_key_id: Some(given.verification_key_id.clone()),
        verification_alg: Some(given.signing_alg.clone()),
        scope: given.scope.clone(),
    };
    verifying.trust().map_err(|problem| problem.line())
}

/// Whether a path of the command line names a bundle that somebody else serves.
pub(crate) fn is_remote(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// Loads all that the command line names.
///
/// # Errors
/// What cannot be loaded, as OPA says it.
pub(crate) fn paths(server: &Server, args: &Run) -> Result<(), String> {
    let trust = trust(args)?;
    let local: Vec<&String> = args.paths.iter().filter(|path| !is_remote(path)).collect();
    let (bundles, files): (Vec<&String>, Vec<&String>) =
        local.into_iter().partition(|path| args.bundle || path.ends_with(".tar.gz"));
    let parse = server.store.language.parse.clone();
    let mut opened = Vec::new();
    for path in bundles {
        let bundle = open(path, &trust, &parse).map_err(|error| format!("load error: {}", error.line()))?;
        opened.push((path.clone(), bundle));
    }
    let loaded = files::load(&files::Request {
        data: files.into_iter().cloned().collect(),
        ignore: args.ignore.clone(),
        parse: parse.clone(),
        ..Default::default()
    });
    if !loaded.problems.is_empty() {
        return Err(format!("load error: {}", problem::loading_summary(&loaded.problems)));
    }
    let data = Document::read(&loaded.documents.to_json()).map_err(|error| error.to_string())?;
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    for (_, source) in loaded.sources.iter() {
        let module = Module { text: source.text.as_str().into(), parse: parse.clone() };
        modules.insert(source.name.clone(), module);
    }
    let changed = server.store.change(|draft| {
        draft.data = Arc::clone(&data);
        let mut all = modules;
        for (name, bundle) in &opened {
            all.extend(bundle.place(name, "", draft)?);
        }
        draft.set_policies(all)
    });
    changed.map_err(|found: Vec<Problem>| format!("initialization error: {}", told(&found)))
}

fn open(path: &str, trust: &Trust, parse: &govc_syntax::ParseOptions) -> Result<Opened, Problem> {
    let place = path.strip_prefix("file://").unwrap_or(path);
    let info = std::fs::metadata(place).map_err(|error| files::io_problem("stat", place, &error))?;
    if info.is_dir() {
        return Opened::folder(place, parse);
    }
    let bytes = std::fs::read(place).map_err(|error| files::io_problem("open", place, &error))?;
    Opened::archive(&bytes, trust, parse)
}
