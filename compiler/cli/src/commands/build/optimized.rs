//! `build -O`: modules in which the entrypoints have been evaluated as far as they can be without the input.

use super::{Build, entrypoints, plain};
use crate::files::Loaded;
use crate::problem::Problem;
use crate::run::stepwise::{self, FUEL, MEMORY};
use crate::world::Terminal;
use govc_compile::CheckOptions;
use govc_syntax::{ParseOptions, RegoVersion};
use govc_topdown::{Optimization, OptimizeError, optimize};
use govc_value::{Arena, Heap, SymbolTable};
use std::collections::BTreeMap;

/// The sources of an optimized bundle by their paths in it.
pub(super) fn sources(
    args: &Build,
    loaded: &Loaded,
    version: RegoVersion,
    level: u32,
) -> Result<BTreeMap<String, Vec<u8>>, Vec<Problem>> {
    if loaded.versions.iter().any(|other| *other != version) {
        return Err(vec![Problem::not_yet(
            "policies in several versions of the language are not optimized together",
        )]);
    }
    let named = entrypoints::named(&args.entrypoint, loaded);
    let arena = Arena::new(MEMORY);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let data = stepwise::document(heap, &loaded.documents.to_json())?;
    let mut world = Terminal::new();
    let request = Optimization {
        modules: loaded.sources.iter().map(|(_, s)| (plain(&s.name), s.text.clone())).collect(),
        parse: ParseOptions { version, ..args.language.parse() },
        check: CheckOptions { builtins: loaded.builtins.clone(), ..CheckOptions::default() },
        data,
        entrypoints: named.iter().map(|path| path.split('/').map(str::to_owned).collect()).collect(),
        level,
        namespace: args.later.partial_namespace.clone(),
        world: &mut world,
        fuel: FUEL,
        memory: MEMORY,
    };
    let modules = optimize(request).map_err(|error| problems(&error))?;
    Ok(modules.into_iter().map(|(name, text)| (name, text.into_bytes())).collect())
}

fn problems(error: &OptimizeError) -> Vec<Problem> {
    match error {
        // The modules themselves have been checked before; the places are those of texts that nobody has seen.
        OptimizeError::Refused(found) => {
            let what = found.first().map_or("refused", |d| d.message.as_str());
            vec![Problem::not_yet(format!("these policies cannot be optimized yet: {what}"))]
        }
        OptimizeError::Failed(error) => vec![Problem::coded(error.code, error.message.as_str())],
        other => vec![Problem::plain(other.to_string())],
    }
}
