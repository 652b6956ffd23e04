//! Rules by the forms of their heads. Each function writes one construct and gives a term that shows it.

use super::literals::braced;
use super::{Author, Ty};

pub(super) fn complete(a: &mut Author) -> String {
    let (name, ty) = (a.name("r"), a.ty());
    let form = a.random.below(5);
    a.scoped(|a| match form {
        0 => {
            let value = a.term(&ty, 2);
            a.rule(format!("{name} := {value}"));
        }
        1 => {
            let body = a.body();
            let value = a.term(&ty, 2);
            a.rule(format!("{name} := {value} if {body}"));
        }
        2 => {
            let body = a.body();
            let value = a.term(&ty, 1);
            a.rule(format!("{name} = {value} if {body}"));
        }
        3 => {
            let condition = a.condition(2);
            let value = a.term(&ty, 2);
            match condition.contains('\n') {
                true => a.rule(format!("{name} := {value} if {{ {condition} }}")),
                false => a.rule(format!("{name} := {value} if {condition}")),
            }
        }
        _ => {
            // Two definitions of one value.
            let value = a.literal(&ty);
            let (one, two) = (a.scoped(Author::body), a.scoped(Author::body));
            a.rule(format!("{name} := {value} if {one}\n\n{name} := {value} if {two}"));
        }
    });
    a.rules.push((name.clone(), ty));
    name
}

pub(super) fn partial_set(a: &mut Author) -> String {
    let (name, of) = (a.name("s"), a.scalar_ty());
    for _ in 0..=a.random.below(2) {
        let text = a.scoped(|a| {
            if a.random.percent(20) {
                return format!("{name} contains {}", a.literal(&of));
            }
            let body = a.body();
            format!("{name} contains {} if {body}", a.term(&of, 1))
        });
        a.rule(text);
    }
    a.rules.push((name.clone(), Ty::set(of)));
    name
}

/// A key that is different for each value, most of the time.
fn keyed_body(a: &mut Author) -> (String, String) {
    let (key, value) = (a.name("k"), a.name("v"));
    let over = a.collection_ty();
    let collection = a.term(&over, 1);
    a.vars.push((value.clone(), super::literals::element(&over)));
    let mut lines = vec![format!("some {key}, {value} in {collection}")];
    if a.random.percent(40) {
        lines.push(a.condition(1));
    }
    (key, braced(&lines))
}

pub(super) fn partial_object(a: &mut Author) -> String {
    let (name, of) = (a.name("o"), a.scalar_ty());
    a.scoped(|a| {
        let (key, body) = keyed_body(a);
        let value = if a.random.percent(70) { a.leaf(&of) } else { a.term(&of, 1) };
        a.rule(format!("{name}[{key}] := {value} if {body}"));
    });
    if a.random.percent(40) {
        let value = a.literal(&of);
        a.rule(format!("{name}[\"zz\"] := {value}"));
    }
    a.rules.push((name.clone(), Ty::obj(of)));
    name
}

pub(super) fn ref_head(a: &mut Author) -> String {
    let (name, of) = (a.name("h"), a.scalar_ty());
    for key in ["a", "b", "c.d", "c[\"e f\"]"].iter().take(1 + a.random.below(4)) {
        a.scoped(|a| match a.random.below(4) {
            0 => {
                let value = a.literal(&of);
                a.rule(format!("{name}.{key} := {value}"));
            }
            1 if !key.starts_with('c') => {
                let body = a.body();
                let value = a.term(&of, 1);
                a.rule(format!("{name}.{key} contains {value} if {body}"));
            }
            _ => {
                let body = a.body();
                let value = a.term(&of, 1);
                a.rule(format!("{name}.{key} := {value} if {body}"));
            }
        });
    }
    a.rules.push((name.clone(), Ty::Any));
    name
}

pub(super) fn general_ref(a: &mut Author) -> String {
    let (name, of) = (a.name("g"), a.scalar_ty());
    a.scoped(|a| {
        let (key, body) = keyed_body(a);
        let value = a.leaf(&of);
        a.rule(format!("{name}[{key}].q := {value} if {body}"));
    });
    if a.random.percent(60) {
        a.scoped(|a| {
            let (key, body) = keyed_body(a);
            let value = a.leaf(&of);
            let last = a.random.pick(&["r", "s.t", "q2"]).to_string();
            a.rule(format!("{name}[{key}].{last} := {value} if {body}"));
        });
    }
    a.rules.push((name.clone(), Ty::Any));
    match a.random.below(3) {
        0 => format!("{{k: v | some k; v := {name}[k].q}}"),
        1 => format!("[v | v := {name}[_][_]]"),
        _ => name,
    }
}

pub(super) fn deep_general_ref(a: &mut Author) -> String {
    let (name, of) = (a.name("g"), a.scalar_ty());
    a.scoped(|a| {
        let (i, j) = (a.name("i"), a.name("j"));
        let (one, two) = (a.collection_ty(), a.collection_ty());
        let (one, two) = (a.leaf(&one), a.leaf(&two));
        let value = a.leaf(&of);
        let body = braced(&[format!("some {i}, _ in {one}"), format!("some {j}, _ in {two}")]);
        let head = match a.random.below(4) {
            0 => format!("{name}[{i}][{j}]"),
            1 => format!("{name}.x[{i}].y[{j}]"),
            2 => format!("{name}[{i}].y[{j}].z"),
            _ => format!("{name}.x.y[{i}][{j}]"),
        };
        a.rule(format!("{head} := {value} if {body}"));
        if a.random.percent(30) {
            let value = a.literal(&of);
            a.rule(format!("{name}.x.y.k9 := {value}"));
        }
    });
    a.rules.push((name.clone(), Ty::Any));
    match a.random.below(4) {
        0 => format!("[[i, v] | some i; v := {name}[i][_]]"),
        1 => format!("{{p | walk({name}, [p, _])}}"),
        2 => format!("object.get({name}, [\"x\", \"y\"], \"none\")"),
        _ => name,
    }
}

pub(super) fn nested_set(a: &mut Author) -> String {
    let (name, of) = (a.name("n"), a.scalar_ty());
    a.scoped(|a| {
        let (key, body) = keyed_body(a);
        let value = a.leaf(&of);
        a.rule(format!("{name}[{key}] contains {value} if {body}"));
    });
    if a.random.percent(50) {
        let value = a.literal(&of);
        a.rule(format!("{name}.a contains {value}"));
    }
    a.rules.push((name.clone(), Ty::obj(Ty::set(of))));
    match a.random.below(4) {
        0 => format!("{name}.a"),
        1 => format!("{{v | {name}[_][v]}}"),
        2 => format!("[k | some k; count({name}[k]) > 0]"),
        _ => name,
    }
}

pub(super) fn chained(a: &mut Author) -> String {
    let (name, ty) = (a.name("c"), a.scalar_ty());
    let bodies: Vec<String> = (0..2 + a.random.below(2)).map(|_| a.scoped(Author::body)).collect();
    let value = a.literal(&ty);
    match a.random.percent(50) {
        true => {
            let element = a.name("v");
            let over = Ty::arr(ty.clone());
            let lists: Vec<String> = (0..2).map(|_| a.leaf(&over)).collect();
            let bodies: Vec<String> = lists.iter().map(|l| format!("{{ some {element} in {l} }}")).collect();
            a.rule(format!("{name} contains {element} if {}", bodies.join(" ")));
            a.rules.push((name.clone(), Ty::set(ty)));
        }
        false => {
            a.rule(format!("{name} := {value} if {}", bodies.join(" ")));
            a.rules.push((name.clone(), ty));
        }
    }
    name
}

pub(super) fn else_chain(a: &mut Author) -> String {
    let (name, ty) = (a.name("r"), a.scalar_ty());
    let mut text = a.scoped(|a| {
        let body = a.body();
        format!("{name} := {} if {body}", a.leaf(&ty))
    });
    for _ in 0..=a.random.below(3) {
        let branch = a.scoped(|a| {
            let body = a.body();
            format!(" else := {} if {body}", a.leaf(&ty))
        });
        text.push_str(&branch);
    }
    if a.random.percent(70) {
        let last = a.literal(&ty);
        text.push_str(&format!(" else := {last}"));
    }
    a.rule(text);
    a.rules.push((name.clone(), ty));
    name
}

pub(super) fn default_rule(a: &mut Author) -> String {
    let (name, ty) = (a.name("d"), a.scalar_ty());
    let default = match a.random.below(8) {
        0 => "[x | some x in [1, 2]]".to_owned(),
        1 => a.literal(&Ty::obj(Ty::Num)),
        _ => a.literal(&ty),
    };
    a.rule(format!("default {name} := {default}"));
    for _ in 0..=a.random.below(2) {
        a.scoped(|a| {
            let body = a.body();
            let value = a.literal(&ty);
            a.rule(format!("{name} := {value} if {body}"));
        });
    }
    a.rules.push((name.clone(), ty));
    name
}

/// Two definitions that may both hold.
pub(super) fn conflict(a: &mut Author) -> String {
    let (name, ty) = (a.name("r"), a.scalar_ty());
    if a.random.percent(20) {
        let default = a.literal(&ty);
        a.rule(format!("default {name} := {default}"));
    }
    for _ in 0..2 {
        a.scoped(|a| {
            let body = if a.random.percent(50) { "true".to_owned() } else { a.body() };
            let value = a.term(&ty, 1);
            a.rule(format!("{name} := {value} if {body}"));
        });
    }
    a.rules.push((name.clone(), ty));
    name
}

/// One key with several values.
pub(super) fn object_conflict(a: &mut Author) -> String {
    let name = a.name("o");
    a.scoped(|a| {
        let of = a.scalar_ty();
        let over = Ty::arr(of.clone());
        let (list, value) = (a.leaf(&over), a.name("v"));
        match a.random.below(3) {
            0 => a.rule(format!("{name}[\"k\"] := {value} if some {value} in {list}")),
            1 => a.rule(format!("{name} := {{\"k\": {value} | some {value} in {list}}}")),
            _ => {
                let key = a.name("i");
                a.rule(format!(
                    "{name}[{key}].z := {value} if {{\n\tsome {value} in {list}\n\tsome {key} in [1, 2]\n}}"
                ));
            }
        }
    });
    a.rules.push((name.clone(), Ty::Any));
    name
}
