//! Programs in v0: old forms, and those that imports switch on.

use super::documents::Documents;
use super::literals::element;
use super::{Author, Function, Ty};
use crate::fuzz::program::Program;
use crate::fuzz::random::Random;
use govc_syntax::RegoVersion;
use std::rc::Rc;

type Construct = fn(&mut Author) -> String;

pub(super) const CONSTRUCTS: &[(&str, Construct)] = &[
    ("v0 complete rule", complete),
    ("v0 partial set", partial_set),
    ("v0 partial object", partial_object),
    ("v0 else", otherwise),
    ("v0 function", function),
    ("v0 default", default),
    ("v0 chained bodies", chained),
    ("v0 with", with),
    ("v0 comprehension", comprehension),
    ("v0 deprecated builtin", deprecated),
    ("v0 negation", negation),
    ("v0 ref head", ref_head),
];

pub(super) fn program(mut random: Random, documents: Rc<Documents>) -> Program {
    // Some say `import rego.v1` and are as v1.
    let modern = random.percent(30);
    let mut author = Author::new(random, documents);
    let main = if modern {
        author.mark("import rego.v1");
        author.imports.insert("rego.v1".to_owned());
        author.construct()
    } else {
        for _ in 0..author.random.below(3) {
            construct(&mut author);
        }
        construct(&mut author)
    };
    let mut program = author.finish(&main);
    program.version = RegoVersion::V0;
    for module in &mut program.modules {
        if modern && !module.contains("import rego.v1") {
            *module = module.replacen("\n", "\n\nimport rego.v1\n", 1);
        }
    }
    program
}

fn construct(author: &mut Author) -> String {
    let (mark, construct) = *author.random.pick(CONSTRUCTS);
    author.mark(mark);
    author.vars.clear();
    construct(author)
}

impl Author {
    /// A term without new words.
    fn old_term(&mut self, ty: &Ty) -> String {
        loop {
            let term = if self.random.percent(50) { self.leaf(ty) } else { self.typed_call(ty, 0) };
            if !term.contains(" in ") && !term.contains("some ") && !term.contains("every ") {
                return term;
            }
        }
    }

    fn old_body(&mut self) -> String {
        let mut lines = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let name = self.name("v");
            match self.random.below(7) {
                0 | 1 => {
                    let ty = self.scalar_ty();
                    lines.push(format!("{name} := {}", self.old_term(&ty)));
                    self.vars.push((name, ty));
                }
                2 => {
                    let ty = self.scalar_ty();
                    if let Some(path) = self.open_path(&ty) {
                        lines.push(format!("{name} := {path}"));
                        self.vars.push((name, ty));
                    }
                }
                3 => {
                    let ty = self.scalar_ty();
                    lines.push(format!("not {} == {}", self.old_term(&ty), self.literal(&ty)));
                }
                4 => {
                    let over = self.collection_ty();
                    let (collection, index) = (self.literal(&over), self.name("i"));
                    lines.push(format!("some {index}\n{name} := {collection}[{index}]"));
                    self.vars.push((name, element(&over)));
                }
                5 => lines.push(format!("{} <= {}", self.old_term(&Ty::Num), self.old_term(&Ty::Num))),
                _ => lines.push(format!("is_string({})", self.old_term(&Ty::Str))),
            }
        }
        lines.push("true".to_owned());
        super::literals::braced(&lines)
    }
}

fn complete(a: &mut Author) -> String {
    let (name, ty) = (a.name("r"), a.scalar_ty());
    a.scoped(|a| {
        let (body, op) = (a.old_body(), a.random.pick(&["=", ":="]).to_string());
        let value = a.old_term(&ty);
        a.rule(format!("{name} {op} {value} {body}"));
    });
    a.rules.push((name.clone(), ty));
    name
}

fn partial_set(a: &mut Author) -> String {
    let (name, ty) = (a.name("s"), a.scalar_ty());
    a.scoped(|a| {
        let body = a.old_body();
        let value = a.leaf(&ty);
        a.rule(format!("{name}[{value}] {body}"));
    });
    a.rules.push((name.clone(), Ty::set(ty)));
    match a.random.below(3) {
        0 => format!("[x | {name}[x]]"),
        _ => name,
    }
}

fn partial_object(a: &mut Author) -> String {
    let (name, ty) = (a.name("o"), a.scalar_ty());
    a.scoped(|a| {
        let path = a.random.pick(&["input.o", "input.xs", "data.doc.names", "input.users"]).to_string();
        let value = a.leaf(&ty);
        a.rule(format!("{name}[k] = {value} {{ {path}[k] }}"));
    });
    a.rules.push((name.clone(), Ty::obj(ty)));
    name
}

fn otherwise(a: &mut Author) -> String {
    let (name, ty) = (a.name("r"), a.scalar_ty());
    let (one, two) = (a.scoped(Author::old_body), a.scoped(Author::old_body));
    let (x, y, z) = (a.literal(&ty), a.literal(&ty), a.literal(&ty));
    a.rule(format!("{name} = {x} {one} else = {y} {two} else = {z} {{ true }}"));
    name
}

fn function(a: &mut Author) -> String {
    let (name, ty) = (a.name("f"), a.scalar_ty());
    a.scoped(|a| {
        a.vars.push(("x".to_owned(), Ty::Num));
        let body = a.old_body();
        let value = a.leaf(&ty);
        a.rule(format!("{name}(x) = {value} {body}"));
    });
    let function = Function { name: name.clone(), args: vec![Ty::Num], result: ty };
    a.functions.push(function);
    let argument = a.leaf(&Ty::Num);
    let rule = a.name("r");
    match a.random.below(3) {
        0 => a.rule(format!("{rule} = y {{ {name}({argument}, y) }}")),
        1 => a.rule(format!("{rule} {{ {name}({argument}) }}")),
        _ => a.rule(format!("{rule} = {name}({argument})")),
    }
    rule
}

fn default(a: &mut Author) -> String {
    let (name, ty) = (a.name("d"), a.scalar_ty());
    let (value, other, body) = (a.literal(&ty), a.literal(&ty), a.scoped(Author::old_body));
    a.rule(format!("default {name} = {value}\n\n{name} = {other} {body}"));
    name
}

fn chained(a: &mut Author) -> String {
    let name = a.name("c");
    let (one, two) = (a.scoped(Author::old_body), a.scoped(Author::old_body));
    let value = a.literal(&Ty::Num);
    a.rule(format!("{name} = {value} {one} {two}"));
    name
}

fn with(a: &mut Author) -> String {
    let inner = complete(a);
    let (name, value) = (a.name("r"), a.literal(&Ty::Any));
    let target = a.random.pick(&["input.n", "input", "data.doc.n", "input.s"]).to_string();
    a.rule(format!("{name} = x {{ x := {inner} with {target} as {value} }}"));
    name
}

fn comprehension(a: &mut Author) -> String {
    let name = a.name("r");
    a.scoped(|a| {
        let path = a.open_path(&Ty::Num).unwrap_or("input.xs[_]".to_owned());
        let text = match a.random.below(3) {
            0 => format!("[x | x := {path}]"),
            1 => format!("{{x | {path} = x}}"),
            _ => format!("{{x: y | x := {path}; y := x}}"),
        };
        a.rule(format!("{name} = {text}"));
    });
    name
}

fn deprecated(a: &mut Author) -> String {
    let name = a.name("r");
    let list = a.literal(&Ty::arr(Ty::Num));
    let bools = a.literal(&Ty::arr(Ty::Bool));
    let (x, y) = (a.leaf(&Ty::Str), a.leaf(&Ty::Str));
    let any = a.leaf(&Ty::Any);
    let call = match a.random.below(9) {
        0 => format!("any({bools})"),
        1 => format!("all({bools})"),
        2 => format!("cast_array({list})"),
        3 => format!("cast_set({list})"),
        4 => format!("re_match({x}, {y})"),
        5 => format!("set_diff({{1, 2}}, cast_set({list}))"),
        6 => format!("net.cidr_overlap(\"10.0.0.0/8\", {x})"),
        7 => format!("cast_string({any})"),
        _ => format!("cast_object({any})"),
    };
    a.rule(format!("{name} = x {{ x := {call} }}"));
    name
}

fn negation(a: &mut Author) -> String {
    let name = a.name("n");
    let (x, y) = (a.leaf(&Ty::Num), a.leaf(&Ty::Num));
    match a.random.below(3) {
        0 => a.rule(format!("{name} {{ not input.nowhere }}")),
        1 => a.rule(format!("{name} {{ not {x} > {y} }}")),
        _ => a.rule(format!("{name} {{ x := {x}; not x == {y} }}")),
    }
    name
}

fn ref_head(a: &mut Author) -> String {
    let name = a.name("h");
    let (x, y) = (a.leaf(&Ty::Num), a.leaf(&Ty::Str));
    match a.random.below(4) {
        0 => a.rule(format!("{name}.a.b = {x} {{ true }}")),
        1 => a.rule(format!("{name}.a[k] = {x} {{ input.xs[k] }}")),
        2 => a.rule(format!("{name}.a.b {{ {x} == {x} }}\n\n{name}.c = {y} {{ true }}")),
        _ => a.rule(format!("{name}[k].z = {x} {{ input.o[k] }}")),
    }
    name
}
