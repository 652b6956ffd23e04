//! `govc capabilities`: what this version knows, in the form of OPA's capabilities files.

use crate::exit::Exit;
use crate::files::io_problem;
use crate::output::{self, Node};
use crate::releases;
use clap::Args;
use govc_stdlib::{Builtin, Purity};
use govc_value::Type;
use govc_value::ty::Key;
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
        ("decl".to_owned(), before.unwrap_or_else(|| ty(&builtin.ty()))),
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
    let declared = govc_stdlib::lookup(name).map(|builtin| ty(&builtin.ty()).compact());
    let parsed = declared.and_then(|text| serde_json::from_str(&text).ok());
    parsed.unwrap_or_else(|| serde_json::json!({"type": "function"}))
}

/// OPA's JSON form of a type: its parts in the order of their names.
fn ty(given: &Type) -> Node {
    let (name, mut parts) = match given {
        Type::Null => ("null", Vec::new()),
        Type::Boolean => ("boolean", Vec::new()),
        Type::Number => ("number", Vec::new()),
        Type::String => ("string", Vec::new()),
        Type::Array(first, rest) => ("array", array(first, rest.as_deref())),
        Type::Object(known, rest) => ("object", object(known, rest.as_deref())),
        Type::Set(of) => ("set", vec![("of", ty(of))]),
        Type::Any(of) if of.is_empty() => ("any", Vec::new()),
        Type::Any(of) => ("any", vec![("of", types(of))]),
        Type::Function(args, variadic, result) => {
            ("function", function(args, variadic.as_deref(), result.as_deref()))
        }
    };
    parts.push(("type", Node::string(name)));
    parts.sort_by_key(|(key, _)| *key);
    Node::Object(parts.into_iter().map(|(key, node)| (key.to_owned(), node)).collect())
}

fn types(of: &[Type]) -> Node {
    Node::Array(of.iter().map(ty).collect())
}

fn array(first: &[Type], rest: Option<&Type>) -> Vec<(&'static str, Node)> {
    let mut parts: Vec<_> = rest.map(|rest| ("dynamic", ty(rest))).into_iter().collect();
    if !first.is_empty() {
        parts.push(("static", types(first)));
    }
    parts
}

fn object(known: &[(Key, Type)], rest: Option<&(Type, Type)>) -> Vec<(&'static str, Node)> {
    let pair = |key: Node, value: &Type| {
        Node::Object(vec![("key".to_owned(), key), ("value".to_owned(), ty(value))])
    };
    let mut parts: Vec<_> = rest.map(|(key, value)| ("dynamic", pair(ty(key), value))).into_iter().collect();
    if !known.is_empty() {
        let known = known.iter().map(|(key, value)| pair(scalar(key), value));
        parts.push(("static", Node::Array(known.collect())));
    }
    parts
}

fn scalar(key: &Key) -> Node {
    match key {
        Key::Null => Node::Raw("null".to_owned()),
        Key::Bool(b) => Node::bool(*b),
        Key::Number(text) => Node::Raw(text.clone()),
        Key::String(text) => Node::string(text),
        // No declaration has other keys.
        Key::Array(_) | Key::Object(_) => Node::string(&key.to_string()),
    }
}

fn function(args: &[Type], variadic: Option<&Type>, result: Option<&Type>) -> Vec<(&'static str, Node)> {
    let mut parts = Vec::new();
    if !args.is_empty() {
        parts.push(("args", types(args)));
    }
    parts.extend(result.map(|result| ("result", ty(result))));
    parts.extend(variadic.map(|variadic| ("variadic", ty(variadic))));
    parts
}
