//! `govc capabilities`: what this version knows, in the form of OPA's capabilities files.

use crate::exit::Exit;
use crate::files::io_problem;
use crate::output::{self, Node};
use crate::releases;
use clap::Args;
use govc_compile::Required;
use govc_compile::ty::json;
use govc_stdlib::{Builtin, Purity};
use serde_json::value::RawValue;

/// Print the builtins and features of govc as OPA's capabilities JSON
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc capabilities\n  $ govc capabilities --version v0.45.0")]
pub(crate) struct Capabilities {
    /// Those of this version (the default)
    #[arg(long)]
    current: bool,
    /// The releases of OPA that `--version` knows
    #[arg(long)]
    versions: bool,
    /// Those of a release of OPA
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Those of a file
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// No difference: what there is, is the same
    #[arg(long, hide = true)]
    v0_compatible: bool,
    /// As OPA: words that mean nothing
    #[arg(hide = true)]
    words: Vec<String>,
}

const FUTURE_KEYWORDS: &[&str] = &["and", "not", "or"];
const FEATURES: &[&str] = &["keywords_in_refs", "rego_v1", "template_strings"];

pub(crate) fn run(args: &Capabilities) -> Exit {
    let found = match (&args.version, &args.file) {
        _ if args.versions => {
            releases::names().for_each(output::println);
            return Exit::Success;
        }
        (Some(version), _) => {
            releases::capabilities(version).ok_or_else(|| format!("no capabilities version found {version}"))
        }
        (None, Some(path)) => file(path),
        (None, None) => Ok(current()),
    };
    match found {
        Ok(node) => {
            output::println(&node.pretty());
            Exit::Success
        }
        Err(message) => {
            output::eprintln(&format!("error: {message}"));
            Exit::Failure
        }
    }
}

fn current() -> Node {
    let builtins = govc_stdlib::all().iter().map(|builtin| builtin_node(builtin, None, [true; 2])).collect();
    Node::Object(vec![
        ("builtins".to_owned(), Node::Array(builtins)),
        ("future_keywords".to_owned(), Node::of(&FUTURE_KEYWORDS)),
        ("features".to_owned(), Node::of(&FEATURES)),
    ])
}

/// What modules need, in the form of a capabilities file: of builtins names and types.
pub(crate) fn required(needs: &Required) -> Node {
    let declared = |name: &String| {
        let builtin = govc_stdlib::lookup(name)?;
        Some(builtin_node(builtin, None, [true; 2]))
    };
    let parts = [
        ("builtins", needs.builtins.iter().filter_map(declared).collect()),
        ("future_keywords", needs.future_keywords.iter().map(|word| Node::string(word)).collect()),
        ("features", needs.features.iter().map(|name| Node::string(name)).collect()),
    ];
    let parts = parts.into_iter().filter(|(_, items): &(_, Vec<Node>)| !items.is_empty());
    Node::Object(parts.map(|(name, items)| (name.to_owned(), Node::Array(items))).collect())
}

/// A file as it was understood: its known parts, and of these what is not empty.
fn file(path: &str) -> Result<Node, String> {
    let bytes = std::fs::read(path).map_err(|error| io_problem("open", path, &error).message)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| format!("{path}: {error}"))?;
    let parts: std::collections::HashMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(|error| format!("{path}: {error}"))?;
    let part = |name: &&str| {
        let text = parts.get(*name)?.get();
        (!matches!(text, "[]" | "null")).then(|| ((*name).to_owned(), Node::Raw(text.to_owned())))
    };
    let known = ["builtins", "future_keywords", "wasm_abi_versions", "features", "allow_net"];
    Ok(Node::Object(known.iter().filter_map(part).collect()))
}

/// A builtin, declared as it is now or as it was before, with the marks that are shown: that it is not deterministic, that
/// it is deprecated.
pub(crate) fn builtin_node(builtin: &Builtin, before: Option<Node>, [impure, deprecated]: [bool; 2]) -> Node {
    let mut object = vec![
        ("name".to_owned(), Node::string(builtin.name)),
        ("decl".to_owned(), before.unwrap_or_else(|| Node::of(&json::of(&builtin.ty())))),
    ];
    if let Some(infix) = builtin.infix {
        object.push(("infix".to_owned(), Node::string(infix)));
    }
    let marks = [
        (builtin.relation, "relation"),
        (impure && builtin.purity == Purity::Nondeterministic, "nondeterministic"),
        (deprecated && builtin.deprecated, "deprecated"),
    ];
    object
        .extend(marks.iter().filter(|(set, _)| *set).map(|(_, name)| ((*name).to_owned(), Node::bool(true))));
    Node::Object(object)
}

/// OPA's JSON form of the type of a builtin; of one that is not known, a function of anything.
pub(crate) fn declaration(name: &str) -> serde_json::Value {
    let declared = govc_stdlib::lookup(name).map(|builtin| json::of(&builtin.ty()));
    declared.unwrap_or_else(|| serde_json::json!({"type": "function"}))
}
