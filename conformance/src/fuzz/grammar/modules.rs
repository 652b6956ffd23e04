//! Imports, and programs of several modules.

use super::{Author, Ty};

/// A module beside ours; gives its package.
fn library(a: &mut Author) -> String {
    let package = a.name("lib");
    let (value, limit) = (a.literal(&Ty::Num), a.literal(&Ty::Num));
    let mut text =
        format!("package {package}\n\nx := {value}\n\nlimit := {limit} if input.n\n\nf(y) := [y, x]\n\n");
    text.push_str("g(y) := y if is_number(y)\n\ns contains k if some k, _ in input.o\n\nm[k] := v if some k, v in input.o\n");
    a.modules.push(text);
    package
}

fn used(a: &mut Author, alias: &str) -> String {
    let argument = a.leaf(&Ty::Num);
    match a.random.below(7) {
        0 => format!("{alias}.x"),
        1 => format!("{alias}.f({argument})"),
        2 => format!("{alias}.s"),
        3 => format!("[k | some k; {alias}.m[k]]"),
        4 => format!("{alias}.limit"),
        5 => format!("{{v | v := {alias}.g({argument})}}"),
        _ => alias.to_owned(),
    }
}

pub(super) fn import(a: &mut Author) -> String {
    let package = library(a);
    let term = match a.random.below(3) {
        0 => {
            a.imports.insert(format!("data.{package}"));
            used(a, &package)
        }
        1 => {
            let alias = a.name("al");
            a.imports.insert(format!("data.{package} as {alias}"));
            used(a, &alias)
        }
        _ => {
            let (alias, what) = (a.name("al"), a.random.pick(&["x", "s", "m", "limit", "f"]).to_string());
            a.imports.insert(format!("data.{package}.{what} as {alias}"));
            if what == "f" { format!("{alias}(1)") } else { alias }
        }
    };
    a.shown(&term)
}

pub(super) fn import_input(a: &mut Author) -> String {
    let path = a
        .random
        .pick(&["input.o", "input.users", "input.a.b", "data.doc.names", "data.doc.xs", "input.n"])
        .to_string();
    let alias = a.name("in");
    a.imports.insert(format!("{path} as {alias}"));
    let term = match a.random.below(4) {
        0 => alias,
        1 => format!("[k | some k; {alias}[k]]"),
        2 => format!("[v | some v in {alias}]"),
        _ => format!("count({alias})"),
    };
    a.shown(&term)
}

pub(super) fn self_import(a: &mut Author) -> String {
    let (name, alias) = (a.name("r"), a.name("me"));
    let value = a.leaf(&Ty::Any);
    a.imports.insert(format!("data.fz as {alias}"));
    a.rule(format!("{name} := {value}"));
    let other = a.name("q");
    a.imports.insert(format!("data.fz.{name} as {other}"));
    if a.random.percent(50) { a.shown(&format!("{alias}.{name}")) } else { a.shown(&other) }
}

pub(super) fn late_import(a: &mut Author) -> String {
    let package = library(a);
    let alias = a.name("late");
    a.late.push(format!("data.{package} as {alias}"));
    let term = used(a, &alias);
    a.shown(&term)
}

/// Two files of one package that import different things under one name.
pub(super) fn two_files(a: &mut Author) -> String {
    let (one, two) = (library(a), library(a));
    let (alias, name) = (a.name("same"), a.name("w"));
    a.imports.insert(format!("data.{one} as {alias}"));
    let value = used(a, &alias);
    let rules = match a.random.below(3) {
        0 => format!("{name}.other := {value}"),
        1 => format!("{name}.other contains {alias}.x"),
        _ => format!("{name}.other.f(y) := [y, {alias}.x]\n\n{name}.more := {name}.other.f(2)"),
    };
    a.modules.push(format!("package fz\n\nimport data.{two} as {alias}\n\n{rules}\n"));
    let mine = used(a, &alias);
    a.rule(format!("{name}.mine := {mine}"));
    name
}
