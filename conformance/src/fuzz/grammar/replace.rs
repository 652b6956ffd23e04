//! `with` in all its uses.

use super::{Author, Ty};

/// A rule on a document that `with` is to replace, and what a call of it is.
fn subject(a: &mut Author, root: &str) -> (String, Ty) {
    let name = a.name("b");
    let of = a.scalar_ty();
    let documents = a.documents.clone();
    let ours: Vec<_> = documents
        .paths
        .iter()
        .filter(|(p, t)| p.starts_with(root) && t.fits(&of) && !p.contains(['#', '@']))
        .collect();
    let path = if ours.is_empty() { format!("{root}.n") } else { ours[a.random.below(ours.len())].0.clone() };
    match a.random.below(4) {
        0 => a.rule(format!("{name} := {path}")),
        1 => a.rule(format!("{name} := x if {{\n\tx := {path}\n\tx != null\n}}")),
        2 => a.rule(format!("default {name} := \"none\"\n\n{name} := {path} if {path}")),
        _ => a.rule(format!("{name}h := {path}\n\n{name} := [{name}h, {path}]")),
    }
    a.rules.push((name.clone(), Ty::Any));
    (name, of)
}

fn shown_with(a: &mut Author, term: &str, with: &str) -> String {
    let name = a.name("r");
    match a.random.below(5) {
        0 => a.rule(format!("{name} := x if x := {term} with {with}")),
        1 => a.rule(format!("{name} := [{term}, x] if x := {term} with {with}")),
        2 => a.rule(format!("{name} := [x, y] if {{\n\tx := {term} with {with}\n\ty := {term}\n}}")),
        3 => a.rule(format!("{name} := [x | x := {term} with {with}]")),
        _ => a.rule(format!(
            "{name} contains x if {{\n\tsome i in [1, 2]\n\tx := [i, y]\n\ty = {term} with {with}\n}}"
        )),
    }
    name
}

pub(super) fn input(a: &mut Author) -> String {
    let (subject, of) = subject(a, "input");
    let (n, s) = (a.leaf(&of), a.leaf(&Ty::Str));
    let value = match a.random.below(3) {
        0 => a.literal(&Ty::Any),
        1 => "data.doc".to_owned(),
        _ => format!("{{\"n\": {n}, \"s\": {s}, \"xs\": [1], \"b\": true, \"o\": {{\"a\": {n}}}}}"),
    };
    shown_with(a, &subject, &format!("input as {value}"))
}

pub(super) fn input_path(a: &mut Author) -> String {
    let (subject, of) = subject(a, "input");
    let value = a.term(&of, 1);
    let path =
        a.random.pick(&["n", "s", "b", "action", "m", "t", "size", "a.b.c", "fresh.deep.path", "o.a", "xs"]);
    let with = format!("input.{path} as {value}");
    shown_with(a, &subject, &with)
}

pub(super) fn data(a: &mut Author) -> String {
    let (subject, of) = subject(a, "data.doc");
    let value = a.term(&of, 1);
    let path = a.random.pick(&[
        "doc.n",
        "doc.s",
        "doc.b",
        "doc.action",
        "doc.m",
        "doc.t",
        "doc.size",
        "doc",
        "doc.a.b",
        "other",
    ]);
    let with = format!("data.{path} as {value}");
    shown_with(a, &subject, &with)
}

pub(super) fn rule(a: &mut Author) -> String {
    let (subject, of) = subject(a, "input");
    let outer = a.name("q");
    a.rule(format!("{outer} := {{\"v\": {subject}}}"));
    let value = a.term(&of, 1);
    let target = if a.random.percent(50) { subject.clone() } else { format!("data.fz.{subject}") };
    // By bare name, and by path.
    shown_with(a, &outer, &format!("{target} as {value}"))
}

pub(super) fn function(a: &mut Author) -> String {
    let f = a.function();
    let (other, caller) = (a.name("mock"), a.name("c"));
    let params: Vec<String> = (0..f.args.len()).map(|i| format!("y{i}")).collect();
    let value = a.literal(&f.result);
    match a.random.percent(60) {
        true => a.rule(format!("{other}({}) := {value}", params.join(", "))),
        false => a.rule(format!("{other}({}) := y0 if y0 != 3", params.join(", "))),
    }
    let call = a.call(&f);
    a.rule(format!("{caller} := {call}"));
    let target = if a.random.percent(50) { f.name.clone() } else { format!("data.fz.{}", f.name) };
    let mock = if a.random.percent(30) { format!("data.fz.{other}") } else { other };
    shown_with(a, &caller, &format!("{target} as {mock}"))
}

pub(super) fn function_by_value(a: &mut Author) -> String {
    let f = a.function();
    let caller = a.name("c");
    let call = a.call(&f);
    a.rule(format!("{caller} := {call}"));
    let value = a.term(&f.result, 1);
    shown_with(a, &caller, &format!("{} as {value}", f.name))
}

pub(super) fn builtin(a: &mut Author) -> String {
    let (mock, caller) = (a.name("mock"), a.name("c"));
    let value = a.literal(&Ty::Any);
    let (target, call, params) = match a.random.below(5) {
        0 => ("count", format!("count({})", a.term(&Ty::arr(Ty::Num), 1)), "x"),
        1 => ("upper", format!("upper({})", a.term(&Ty::Str, 1)), "x"),
        2 => ("concat", format!("concat(\",\", {})", a.term(&Ty::arr(Ty::Str), 1)), "x, y"),
        n => {
            // A function, because a rule would be evaluated without the replacement too.
            let (target, call, params) = match n {
                3 => ("time.now_ns", "time.now_ns()", ""),
                _ => ("http.send", "http.send({\"method\": \"GET\", \"url\": x})", "x"),
            };
            a.rule(format!("{mock}({params}) := {value}"));
            a.rule(format!("{caller}(x) := [x, {call}]"));
            let name = a.name("r");
            a.rule(format!("{name} := x if x := {caller}(\"http://x\") with {target} as {mock}"));
            return name;
        }
    };
    a.rule(format!("{mock}({params}) := {value}"));
    a.rule(format!("{caller} := {call}"));
    shown_with(a, &caller, &format!("{target} as {mock}"))
}

pub(super) fn builtin_by_value(a: &mut Author) -> String {
    let caller = a.name("c");
    let (target, call) = match a.random.below(3) {
        0 => ("count", format!("count({})", a.term(&Ty::arr(Ty::Num), 1))),
        1 => ("upper", format!("upper({})", a.term(&Ty::Str, 1))),
        _ => ("json.unmarshal", format!("json.unmarshal({})", a.term(&Ty::Str, 1))),
    };
    a.rule(format!("{caller} := {call}"));
    let value = a.term(&Ty::Any, 1);
    shown_with(a, &caller, &format!("{target} as {value}"))
}

pub(super) fn several(a: &mut Author) -> String {
    let (one, of) = subject(a, "input");
    let (two, _) = subject(a, "data.doc");
    let (v, w) = (a.term(&of, 1), a.literal(&Ty::Any));
    let outer = a.name("q");
    a.rule(format!("{outer} := [{one}, {two}]"));
    let first = a.random.pick(&["input.n", "input.s", "input", "input.b"]).to_string();
    let second = a.random.pick(&["data.doc.n", "data.doc", "input.s", "data.doc.s"]).to_string();
    if a.random.percent(40) {
        // A rule under `with` that itself says `with`.
        let name = a.name("q");
        a.rule(format!("{name} := x if x := {outer} with {first} as {v}"));
        return shown_with(a, &name, &format!("{second} as {w}"));
    }
    shown_with(a, &outer, &format!("{first} as {v} with {second} as {w}"))
}

pub(super) fn on_not(a: &mut Author) -> String {
    let (subject, of) = subject(a, "input");
    let (value, name) = (a.leaf(&of), a.name("r"));
    let path = a.random.pick(&["input.n", "input.s", "input.b", "input"]).to_string();
    match a.random.below(4) {
        0 => a.rule(format!("{name} if not {subject} with {path} as {value}")),
        1 => a.rule(format!("{name} if not {subject} == {value} with {path} as {value}")),
        2 => a.rule(format!(
            "{name} if {{\n\tsome x in [1, {value}]\n\tnot {subject} == x with {path} as x\n}}"
        )),
        _ => a.rule(format!(
            "{name} if {{\n\tevery x in [1, {value}] {{\n\t\tx != {subject} with {path} as x\n\t}}\n}}"
        )),
    }
    name
}
