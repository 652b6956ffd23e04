//! What each release of OPA could do: `--capabilities v0.45.0` checks that a policy runs there.
//!
//! OPA publishes a file for each release. They say little that is new: a builtin stays once it is there. So two small tables hold
//! when each came and which declarations have changed since; the rest is our own table of builtins.

use crate::commands::capabilities::builtin_node;
use crate::output::Node;

/// One line a release: its name, and the builtins that came with it.
const BUILTINS: &str = include_str!("releases/builtins.txt");

/// One line a changed declaration: the release with the new one, the builtin, and the old declaration.
const DECLARATIONS: &str = include_str!("releases/declarations.txt");

/// Words that `import future.keywords` knew, from a release on and until another. After 1.0 they were always keywords.
const KEYWORDS: &[(&str, &str, &str)] = &[
    ("and", "v1.20.0", ""),
    ("contains", "v0.42.0", "v1.0.0"),
    ("every", "v0.38.0", "v1.0.0"),
    ("if", "v0.42.0", "v1.0.0"),
    ("in", "v0.34.0", "v1.0.0"),
    ("not", "v1.17.0", ""),
    ("or", "v1.20.0", ""),
];

/// Features, from a release on and until another.
const FEATURES: &[(&str, &str, &str)] = &[
    ("keywords_in_refs", "v1.6.0", ""),
    ("rule_head_ref_string_prefixes", "v0.46.0", "v1.0.0"),
    ("rule_head_refs", "v0.59.0", "v1.0.0"),
    ("rego_v1_import", "v0.59.0", "v1.0.0"),
    ("rego_v1", "v1.0.0", ""),
    ("template_strings", "v1.12.0", ""),
];

/// Minor versions of the interface of WebAssembly modules, each with its first release.
const WASM: &[(i64, &str)] = &[(1, "v0.27.0"), (2, "v0.31.0")];

/// The first release that marks builtins as not deterministic, and the first that marks deprecated ones.
const MARKED: [&str; 2] = ["v0.44.0", "v1.11.0"];

/// The names of the releases, oldest first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    lines(BUILTINS).filter_map(|line| line.split(' ').next())
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

/// The place of a release among all.
fn place(name: &str) -> Option<usize> {
    names().position(|known| known == name)
}

/// The capabilities of a release, in OPA's form.
pub(crate) fn capabilities(name: &str) -> Option<Node> {
    let at = place(name)?;
    let has = |first: &str| place(first).is_some_and(|first| first <= at);
    let within = |table: &[(&str, &str, &str)]| -> Vec<Node> {
        let there = table.iter().filter(|(_, first, end)| has(first) && !has(end));
        there.map(|(name, _, _)| Node::string(name)).collect()
    };
    let mut names: Vec<&str> =
        lines(BUILTINS).take(at + 1).flat_map(|line| line.split(' ').skip(1)).collect();
    names.sort_unstable();
    let known = names.iter().filter_map(|name| govc_stdlib::lookup(name));
    let builtins = known.map(|builtin| builtin_node(builtin, before(builtin.name, &has), MARKED.map(has)));
    let wasm = WASM.iter().filter(|(_, first)| has(first)).map(|(minor, _)| abi(*minor));
    let parts = [
        ("builtins", builtins.collect()),
        ("future_keywords", within(KEYWORDS)),
        ("wasm_abi_versions", wasm.collect()),
        ("features", within(FEATURES)),
    ];
    let parts = parts.into_iter().filter(|(_, items): &(_, Vec<Node>)| !items.is_empty());
    Some(Node::Object(parts.map(|(name, items)| (name.to_owned(), Node::Array(items))).collect()))
}

/// The declaration of a builtin before it was changed.
fn before(name: &str, has: &impl Fn(&str) -> bool) -> Option<Node> {
    let rows = lines(DECLARATIONS).filter_map(|line| {
        let (release, rest) = line.split_once(' ')?;
        rest.split_once(' ').map(|(builtin, old)| (release, builtin, old))
    });
    let row = rows.into_iter().find(|(release, builtin, _)| *builtin == name && !has(release));
    row.map(|(_, _, old)| Node::Raw(old.to_owned()))
}

fn abi(minor: i64) -> Node {
    Node::Object(vec![("version".to_owned(), Node::int(1)), ("minor_version".to_owned(), Node::int(minor))])
}
