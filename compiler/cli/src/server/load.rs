//! What the command line names: files, folders and bundles, loaded before the server listens.

use super::bundle::Opened;
use super::policies::{Language, Module};
use super::{Server, told};
use crate::commands::run::Run;
use crate::files;
use crate::keys;
use crate::output::Node;
use crate::problem::{self, Problem};
use crate::watch::{changed, marks};
use govc_engine::Trust;
use govc_engine::documents::{Document, Operation};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

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
        ..keys::Verifying::default()
    };
    let trust = verifying.trust().map_err(|problem| problem.line())?;
    Ok(trust.excluding(given.exclude_files_verify.iter().cloned()))
}

/// Whether a path of the command line names a bundle that somebody else serves.
pub(crate) fn is_remote(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// Loads all that the command line names, in the place of what was loaded before; the ids of the policies.
///
/// # Errors
/// What cannot be loaded, as OPA says it.
pub(crate) fn paths(
    server: &Server,
    args: &Run,
    before: &BTreeSet<String>,
) -> Result<BTreeSet<String>, String> {
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
        if data.entries().is_some_and(|entries| !entries.is_empty()) {
            let system = draft.data.get("system").cloned();
            draft.data = Arc::clone(&data);
            // What the server itself knows of bundles stays.
            let kept = system.filter(|_| data.get("system").is_none());
            let place = ["system".to_owned()];
            let write = kept.map(|system| draft.data.write(Operation::Add, &place, Some(system)));
            write.transpose().map_err(|error| vec![Problem::plain(error.to_string())])?;
        }
        let mut loaded = modules;
        for (name, bundle) in &opened {
            loaded.extend(bundle.place(name, "", draft)?);
        }
        let ids: BTreeSet<String> = loaded.keys().cloned().collect();
        let others = draft.policies.modules.clone().into_iter().filter(|(id, _)| !before.contains(id));
        let mut all: BTreeMap<String, Module> = others.collect();
        all.extend(loaded);
        draft.set_policies(all)?;
        Ok(ids)
    });
    changed.map_err(|found: Vec<Problem>| format!("initialization error: {}", told(&found)))
}

/// Loads again what has changed, until the process ends.
pub(crate) fn watch(server: &Arc<Server>, args: &Run, mut ids: BTreeSet<String>) {
    let (server, args) = (Arc::clone(server), args.clone());
    let run = move || {
        let files: Vec<String> = args.paths.iter().filter(|path| !is_remote(path)).cloned().collect();
        let mut seen = marks(&files);
        loop {
            seen = changed(&files, &seen);
            let started = Instant::now();
            let loaded = paths(&server, &args, &ids);
            let took = i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX);
            let error = match loaded {
                Ok(loaded) => {
                    ids = loaded;
                    Node::Raw("null".to_owned())
                }
                Err(why) => Node::string(&why),
            };
            let fields = vec![("duration".to_owned(), Node::int(took)), ("err".to_owned(), error)];
            server.logger.log(super::log::Level::Info, "Processed file watch event.", fields);
        }
    };
    // Without a thread nothing is watched; the server works on.
    let _ = std::thread::Builder::new().name("watch".to_owned()).stack_size(super::listen::STACK).spawn(run);
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
