//! Functions, and constructs that need rules around them.

use super::{Author, Function, Ty};

impl Author {
    /// A function with a body; returns it.
    pub(super) fn function(&mut self) -> Function {
        let (name, result) = (self.name("f"), self.scalar_ty());
        let args: Vec<Ty> = (0..1 + self.random.below(2)).map(|_| self.scalar_ty()).collect();
        let outer = std::mem::take(&mut self.vars);
        let names: Vec<String> = args.iter().map(|_| self.name("x")).collect();
        self.vars = names.iter().cloned().zip(args.iter().cloned()).collect();
        let text = match self.random.below(3) {
            0 => format!("{name}({}) := {}", names.join(", "), self.term(&result, 2)),
            _ => {
                let body = self.body();
                format!("{name}({}) := {} if {body}", names.join(", "), self.term(&result, 1))
            }
        };
        self.rule(text);
        self.vars = outer;
        let function = Function { name, args, result };
        self.functions.push(function.clone());
        function
    }

    pub(super) fn call(&mut self, function: &Function) -> String {
        let args: Vec<String> = function.args.iter().map(|ty| self.term(ty, 1)).collect();
        format!("{}({})", function.name, args.join(", "))
    }

    /// A rule of one value with a term, or what is undefined there.
    pub(super) fn shown(&mut self, term: &str) -> String {
        let name = self.name("r");
        match self.random.below(3) {
            0 => self.rule(format!("{name} := {term}")),
            1 => self.rule(format!("{name} := x if x := {term}")),
            _ => self.rule(format!("{name} contains x if x := {term}")),
        }
        self.rules.push((name.clone(), Ty::Any));
        name
    }
}

pub(super) fn default_function(a: &mut Author) -> String {
    let (name, ty) = (a.name("f"), a.scalar_ty());
    let default = a.literal(&ty);
    let parameter = if a.random.percent(50) { "_" } else { "x" };
    a.rule(format!("default {name}({parameter}) := {default}"));
    a.scoped(|a| {
        a.vars.push(("x".to_owned(), Ty::Num));
        let body = a.body();
        let value = a.term(&ty, 1);
        a.rule(format!("{name}(x) := {value} if {body}"));
    });
    let function = Function { name, args: vec![Ty::Num], result: ty };
    a.functions.push(function.clone());
    let call = a.call(&function);
    a.shown(&call)
}

pub(super) fn function_patterns(a: &mut Author) -> String {
    let (name, ty) = (a.name("f"), a.scalar_ty());
    let (patterns, arguments) = match a.random.below(6) {
        0 => ("[x, _]".to_owned(), format!("[{}, {}]", a.term(&Ty::Num, 1), a.literal(&Ty::Str))),
        1 => ("{\"k\": x}".to_owned(), format!("{{\"k\": {}}}", a.term(&Ty::Num, 1))),
        2 => (
            "\"lit\", x".to_owned(),
            format!("{}, {}", a.random.pick(&["\"lit\"", "\"no\""]), a.term(&Ty::Num, 1)),
        ),
        3 => (
            "[[x], {\"a\": [_, y]}]".to_owned(),
            format!("[[{}], {{\"a\": [1, {}]}}]", a.number(), a.number()),
        ),
        4 => ("x, x".to_owned(), format!("{0}, {0}", a.number())),
        _ => ("_, x, null".to_owned(), format!("{}, {}, null", a.string(), a.number())),
    };
    a.scoped(|a| {
        a.vars.push(("x".to_owned(), Ty::Num));
        let (body, value) = (a.body(), a.term(&ty, 1));
        a.rule(format!("{name}({patterns}) := {value} if {body}"));
    });
    a.shown(&format!("{name}({arguments})"))
}

pub(super) fn overloads(a: &mut Author) -> String {
    let (name, ty) = (a.name("f"), a.scalar_ty());
    for i in 0..2 + a.random.below(2) {
        a.scoped(|a| {
            a.vars.push(("x".to_owned(), Ty::Num));
            let value = a.term(&ty, 1);
            match a.random.below(3) {
                0 => a.rule(format!("{name}(x) := {value} if x > {}", i * 3)),
                1 => {
                    a.vars.pop();
                    let value = a.leaf(&ty);
                    a.rule(format!("{name}({i}) := {value}"));
                }
                _ => a.rule(format!("{name}(x) := {value} if {{ x >= {i}; x < {} }}", i + 1)),
            }
        });
    }
    let function = Function { name, args: vec![Ty::Num], result: ty };
    let call = a.call(&function);
    a.functions.push(function);
    a.shown(&call)
}

pub(super) fn else_function(a: &mut Author) -> String {
    let (name, ty) = (a.name("f"), a.scalar_ty());
    let mut text = String::new();
    for i in 0..2 + a.random.below(2) {
        let branch = a.scoped(|a| {
            a.vars.push(("x".to_owned(), Ty::Num));
            let (body, value) = (a.body(), a.leaf(&ty));
            if i == 0 {
                format!("{name}(x) := {value} if {body}")
            } else {
                format!(" else := {value} if {body}")
            }
        });
        text.push_str(&branch);
    }
    if a.random.percent(60) {
        text.push_str(" else := x");
    }
    a.rule(text);
    let function = Function { name, args: vec![Ty::Num], result: Ty::Any };
    let call = a.call(&function);
    a.functions.push(function);
    a.shown(&call)
}

pub(super) fn output_argument(a: &mut Author) -> String {
    let function = a.function();
    let (call, name) = (a.call(&function), a.name("r"));
    let call = call.strip_suffix(')').unwrap_or(&call).to_owned();
    match a.random.below(4) {
        0 => a.rule(format!("{name} := y if {call}, y)")),
        1 => a.rule(format!("{name} if {{ {call}, y); is_string(y) }}")),
        2 => a.rule(format!("{name} contains y if {call}, y)")),
        // A variable that has a value, or a constant, would be matched before the body is evaluated.
        _ => a.rule(format!("{name} := [y, z] if {{ {call}, y); {call}, z); y == z }}")),
    }
    name
}

pub(super) fn ref_function(a: &mut Author) -> String {
    let (name, ty) = (a.name("m"), a.scalar_ty());
    a.scoped(|a| {
        a.vars.push(("x".to_owned(), Ty::Num));
        let (body, value) = (a.body(), a.term(&ty, 1));
        a.rule(format!("{name}.lib.f(x) := {value} if {body}"));
    });
    let function = Function { name: format!("{name}.lib.f"), args: vec![Ty::Num], result: ty };
    let call = a.call(&function);
    a.functions.push(function);
    a.shown(&call)
}

pub(super) fn walk_relation(a: &mut Author) -> String {
    let subject = a.term(&Ty::Any, 1);
    let name = a.name("w");
    match a.random.below(4) {
        0 => a.rule(format!("{name} contains [path, value] if walk({subject}, [path, value])")),
        1 => a.rule(format!(
            "{name} contains path if {{\n\twalk({subject}, [path, value])\n\tis_number(value)\n}}"
        )),
        2 => a.rule(format!("{name} contains value if {{\n\twalk({subject}, [[\"a\"], value])\n}}")),
        _ => a.rule(format!("{name} := count([1 | walk({subject}, _)])")),
    }
    name
}

pub(super) fn walk_function(a: &mut Author) -> String {
    let subject = a.term(&Ty::Any, 1);
    let name = a.name("w");
    match a.random.below(3) {
        0 => a.rule(format!("{name} contains x if x := walk({subject})")),
        1 => a.rule(format!("{name} contains p if [p, _] := walk({subject})")),
        _ => a.rule(format!("{name} := [v | [_, v] := walk({subject}); is_string(v)]")),
    }
    name
}

/// Names that are names of something else outside.
pub(super) fn shadowing(a: &mut Author) -> String {
    let (name, rule) = (a.name("r"), a.name("q"));
    let value = a.term(&Ty::Num, 1);
    a.rule(format!("{rule} := {value}"));
    let other = a.leaf(&Ty::Num);
    match a.random.below(7) {
        0 => a.rule(format!("{name} := {rule} if {rule} := {other}")),
        1 => a.rule(format!("{name} := [{rule} | some {rule} in [{other}, 2]]")),
        2 => a.rule(format!("{name}({rule}) := {rule} + 1\n\n{name}r := {name}({other})")),
        3 => {
            a.rule(format!("{name} := x if {{\n\tx := {other}\n\tevery {rule} in [x] {{ {rule} == x }}\n}}"))
        }
        4 => a.rule(format!("{name} := [x, y] if {{\n\tx := {rule}\n\ty := [x | x := 1]\n}}")),
        5 => a.rule(format!("{name} := [count, {rule}] if {{\n\tcount := {other}\n}}")),
        _ => a.rule(format!("{name} := x if {{\n\tsome {rule}\n\t[{rule}, x] = [{other}, 3]\n}}")),
    }
    if a.out.last().is_some_and(|r| r.contains(&format!("{name}r"))) { format!("{name}r") } else { name }
}

pub(super) fn every(a: &mut Author) -> String {
    let name = a.name("r");
    a.scoped(|a| {
        let lead = a.binding(1);
        let every = a.every_statement();
        a.rule(format!("{name} := true if {{\n\t{lead}\n\t{every}\n}}"));
    });
    name
}

pub(super) fn template(a: &mut Author) -> String {
    let name = a.name("t");
    a.scoped(|a| {
        let body = a.body();
        let raw = a.random.percent(25);
        let mut parts = String::new();
        for _ in 0..1 + a.random.below(3) {
            let ty = a.ty();
            let term = a.template_term(&ty);
            // A raw string cannot stand in a raw template.
            let term = if term.contains(['`', '\n']) { a.number() } else { term };
            let text: &&str = a.random.pick(&["a ", "x=", "", "\\{", "\\t\\\"", " ü "]);
            parts.push_str(text);
            parts.push_str(&format!("{{{term}}}"));
        }
        let text = if raw { format!("$`{}`", parts.replace("\\t\\\"", "")) } else { format!("$\"{parts}\"") };
        a.rule(format!("{name} := {text} if {body}"));
    });
    a.rules.push((name.clone(), Ty::Str));
    name
}

impl Author {
    fn template_term(&mut self, ty: &Ty) -> String {
        match self.random.below(4) {
            0 => self.term(ty, 1),
            1 => "input.nowhere".to_owned(),
            _ => self.leaf(ty),
        }
    }
}

pub(super) fn keyword_refs(a: &mut Author) -> String {
    let name = a.name("k");
    let word = a
        .random
        .pick(&[
            "if", "default", "not", "some", "in", "every", "import", "package", "with", "as", "else",
            "contains", "null", "true",
        ])
        .to_string();
    let value = a.term(&Ty::Num, 1);
    match a.random.below(5) {
        0 => a.rule(format!("{name}.{word} := {value}\n\n{name}x := {name}.{word}")),
        1 => a.rule(format!("{name}x := x if {{ x := {{\"{word}\": {value}}}.{word} }}")),
        2 => a.rule(format!("{name}x := input.o.{word}")),
        3 => a.rule(format!(
            "{name}x := y if {{ x := {{\"{word}\": {{\"{word}\": {value}}}}}; y := x.{word}.{word} }}"
        )),
        _ => a.rule(format!("{name}.{word}.x if {value} == {value}\n\n{name}x := data.fz.{name}.{word}.x")),
    }
    format!("{name}x")
}

pub(super) fn logic(a: &mut Author) -> String {
    let name = a.name("l");
    let (p, q, r) = (a.simple_condition(), a.simple_condition(), a.simple_condition());
    let words: &[&str] = match a.random.below(7) {
        0 => {
            a.rule(format!("{name} if {p} or {q}"));
            &["or"]
        }
        1 => {
            a.rule(format!("{name} if {p} and {q}"));
            &["and"]
        }
        2 => {
            a.rule(format!("{name} if not {{ {p}; {q} }}"));
            &["not"]
        }
        3 => {
            a.rule(format!("{name} if {{\n\t({p} or {q}) and {r}\n}}"));
            &["or", "and"]
        }
        4 => {
            a.rule(format!("{name} if {{\n\tnot {p} or {q}\n\t{r}\n}}"));
            &["or", "not"]
        }
        5 => {
            a.rule(format!("{name} contains x if {{\n\tsome x in [1, 2, 3]\n\tx > 1 or {q}\n}}"));
            &["or"]
        }
        _ => {
            let f = a.name("f");
            a.rule(format!("{f}(x) := y if {{ y := x; {p} }}"));
            a.rule(format!("{name} if not {f}({f}(input.nothing.here)) == 1"));
            &["not"]
        }
    };
    for word in words {
        a.imports.insert(format!("future.keywords.{word}"));
    }
    name
}

impl Author {
    fn simple_condition(&mut self) -> String {
        let of = self.scalar_ty();
        match self.random.below(5) {
            0 => "input.nothing".to_owned(),
            1 => self.random.pick(&["true", "false"]).to_string(),
            2 => self.path(&Ty::Bool).unwrap_or("true".to_owned()),
            _ => {
                let op = self.random.pick(&["==", "!=", "<", ">="]);
                let (a, b) = (self.leaf(&of), self.leaf(&of));
                format!("{a} {op} {b}")
            }
        }
    }
}

pub(super) fn base_virtual(a: &mut Author) -> String {
    let key = a.name("v");
    a.scoped(|a| {
        let (body, value) = (a.body(), a.term(&Ty::Num, 1));
        a.rule(format!("base.{key} := {value} if {body}"));
    });
    if a.random.percent(30) {
        let body = a.scoped(Author::body);
        a.rule(format!("base.low.fresh contains x if {{ x := 1 }} {body}"));
    }
    match a.random.below(5) {
        0 => "data.fz.base".to_owned(),
        1 => "[k | some k; data.fz.base[k]]".to_owned(),
        2 => "{k: v | some k, v in data.fz.base}".to_owned(),
        3 => "count(data.fz.base)".to_owned(),
        _ => format!("[data.fz.base.low, base.{key}]"),
    }
}

pub(super) fn print(a: &mut Author) -> String {
    let name = a.name("p");
    a.scoped(|a| {
        let body = a.binding(1);
        let (x, y) = (a.term(&Ty::Any, 1), a.leaf(&Ty::Str));
        let value = a.leaf(&Ty::Any);
        a.rule(format!("{name} := {value} if {{\n\t{body}\n\tprint(\"seen\", {x}, {y}, input.nowhere)\n}}"));
    });
    name
}

pub(super) fn comprehension(a: &mut Author) -> String {
    let ty = match a.random.below(4) {
        0 => Ty::arr(Ty::Num),
        1 => Ty::set(Ty::Str),
        2 => Ty::obj(Ty::Num),
        _ => Ty::arr(Ty::set(Ty::Num)),
    };
    let term = a.comprehended(&ty, 2);
    let (name, x) = (a.name("r"), a.name("x"));
    match a.random.below(3) {
        0 => a.rule(format!("{name} := {term}")),
        1 => a.rule(format!("{name} contains {x} if {{ some {x} in {term} }}")),
        _ => {
            let outer = a.literal(&Ty::arr(Ty::Num));
            a.rule(format!("{name} := [[{x}, y] | some {x} in {outer}; y := {term}]"));
        }
    }
    name
}

pub(super) fn numbers(a: &mut Author) -> String {
    let (x, y) = (a.edge(), a.edge());
    let term = match a.random.below(14) {
        0 => format!("{x} + {y}"),
        1 => format!("{x} - {y}"),
        2 => format!("{x} * {y}"),
        3 => format!("{x} / {y}"),
        4 => format!("{x} % {y}"),
        5 => format!("[{x} < {y}, {x} <= {y}, {x} == {y}]"),
        6 => format!("[round({x}), ceil({x}), floor({x}), abs({x})]"),
        7 => format!("sum([{x}, {y}, {x}])"),
        8 => format!("product([{x}, {y}])"),
        9 => format!("sprintf(\"%v %d\", [{x}, {y}])"),
        10 => format!("json.marshal([{x}, {y}])"),
        11 => format!("{{{x}, {y}}}"),
        12 => format!("sort([{x}, {y}, 1, 0])"),
        _ => format!("[to_number(sprintf(\"%v\", [{x}])), max([{x}, {y}]), min({{{x}, {y}}})]"),
    };
    a.shown(&term)
}

impl Author {
    fn edge(&mut self) -> String {
        if self.random.percent(70) {
            let number = *self.random.pick(super::documents::NUMBERS);
            return if number.starts_with('-') {
                format!("({number})").replace(['(', ')'], "")
            } else {
                number.to_owned()
            };
        }
        self.term(&Ty::Num, 1)
    }
}

pub(super) fn dispatch(a: &mut Author) -> String {
    let name = a.name("z");
    for key in ["one", "two", "three"].iter().take(2 + a.random.below(2)) {
        a.scoped(|a| {
            let (body, value) = (a.body(), a.leaf(&Ty::Num));
            a.rule(format!("{name}.{key} := {value} if {body}"));
        });
    }
    let key = a.random.pick(&["one", "two", "three", "four"]).to_string();
    match a.random.below(4) {
        0 => a.shown(&format!("data.fz.{name}[\"{key}\"]")),
        1 => {
            a.rule(format!("{name}k := \"{key}\""));
            a.shown(&format!("data.fz.{name}[{name}k]"))
        }
        2 => format!("{{k: v | v := data.fz.{name}[k]}}"),
        _ => {
            let text = a.leaf(&Ty::Str);
            format!("[v | v := data[\"fz\"].{name}[[{text}, \"{key}\"][_]]]")
        }
    }
}

pub(super) fn composite(a: &mut Author) -> String {
    let (name, x, y) = (a.name("s"), a.number(), a.number());
    match a.random.below(5) {
        0 => {
            a.rule(format!("{name} contains [x, y] if {{\n\tsome x in [{x}, 2]\n\tsome y in [{y}, 3]\n}}"));
            format!("[y | {name}[[{x}, y]]]")
        }
        1 => {
            a.rule(format!("{name} := {{[1, {x}]: \"a\", [2, {y}]: \"b\", {{\"k\": 1}}: \"c\"}}"));
            format!("[k | {name}[[k, {x}]]]")
        }
        2 => {
            a.rule(format!("{name}[[x, {y}]] := x if some x in [{x}, 1]"));
            format!("[{name}, [v | v := {name}[[_, {y}]]]]")
        }
        3 => {
            a.rule(format!("{name} := {{{{\"a\": {x}}}, {{\"a\": {y}}}, {{\"b\": 1}}}}"));
            format!("[v | {name}[{{\"a\": v}}]]")
        }
        _ => {
            a.rule(format!("{name} := {{{{1, {x}}}: {y}}}"));
            a.shown(&format!("{name}[{{{x}, 1}}]"))
        }
    }
}

pub(super) fn unification(a: &mut Author) -> String {
    let name = a.name("u");
    let (one, two) = (a.leaf(&Ty::Num), a.leaf(&Ty::Str));
    match a.random.below(8) {
        0 => a.rule(format!("{name} := [x, y] if [x, [y, 3]] = [{one}, [{two}, 3]]")),
        1 => a.rule(format!("{name} := x if {{ {{\"a\": {{\"b\": x}}}} = {{\"a\": {{\"b\": {one}}}}} }}")),
        2 => a.rule(format!("{name} := [x, y, z] if {{\n\tx = y\n\ty = z\n\tz = {one}\n}}")),
        3 => a.rule(format!("{name} := x if {{\n\t[x, x] = [{one}, {one}]\n}}")),
        4 => {
            let value = a.leaf(&Ty::arr(Ty::Num));
            a.rule(format!("{name} := [x, y] if [x, y, _] = {value}"));
        }
        5 => a.rule(format!("{name} := [x, y] if {{\n\t[x, 1] = [{two}, y]\n}}")),
        6 => a.rule(format!("{name} := x if {{\n\t{{\"a\": x, \"b\": {two}}} = {{\"b\": {two}, \"a\": {one}}}\n\tx = {one}\n}}")),
        _ => {
            let users = a.random.pick(&["input.users", "data.doc.users"]).to_string();
            a.rule(format!("{name} contains [n, r] if {users}[_] = {{\"name\": n, \"role\": r, \"age\": _, \"tags\": _, \"on\": _}}"));
        }
    }
    name
}

pub(super) fn membership(a: &mut Author) -> String {
    let over = a.collection_ty();
    let (collection, value) = (a.term(&over, 1), a.leaf(&super::literals::element(&over)));
    match a.random.below(5) {
        0 => a.shown(&format!("{value} in {collection}")),
        1 => a.shown(&format!("[{value} in {collection}, 1 in [1, 2], \"z\" in set()]")),
        2 => format!("[(0, {value} in {collection})]"),
        3 => {
            let name = a.name("r");
            a.rule(format!("{name} if not {value} in {collection}"));
            name
        }
        _ => {
            let name = a.name("r");
            a.rule(format!(
                "{name} if {{\n\tsome x in {collection}\n\tx in {collection}\n\t\"a\", x in {{\"a\": x}}\n}}"
            ));
            name
        }
    }
}

pub(super) fn negation(a: &mut Author) -> String {
    let name = a.name("n");
    a.scoped(|a| {
        let lead = a.binding(1);
        let (ty, op) = (a.scalar_ty(), a.random.pick(&["==", "!=", "<", "="]).to_string());
        let (x, y) = (a.term(&ty, 1), a.leaf(&ty));
        let negated = match a.random.below(5) {
            0 => "input.nowhere.at.all".to_owned(),
            1 => a.path(&Ty::Any).unwrap_or("input".to_owned()),
            2 => a.named_rule(&Ty::Any).unwrap_or("false".to_owned()),
            _ => format!("{x} {op} {y}"),
        };
        let value = a.leaf(&Ty::Any);
        a.rule(format!("{name} := {value} if {{\n\t{lead}\n\tnot {negated}\n}}"));
    });
    name
}

pub(super) fn metadata(a: &mut Author) -> String {
    let name = a.name("r");
    let (title, n) =
        (a.random.pick(&["A rule", "t: 1", "über"]).to_string().replace(':', ""), a.random.below(10));
    let comment = match a.random.below(4) {
        0 => format!("# METADATA\n# title: {title}"),
        1 => format!("# METADATA\n# scope: document\n# description: {title}\n# custom:\n#   level: {n}"),
        2 => format!(
            "# METADATA\n# authors:\n# - ann <ann@example.com>\n# custom:\n#   list: [1, {n}]\n#   deep:\n#     k: v"
        ),
        _ => format!(
            "# METADATA\n# title: {title}\n# related_resources:\n# - https://example.com/{n}\n# organizations: [one, two]"
        ),
    };
    let value = match a.random.below(4) {
        0 => "rego.metadata.chain()".to_owned(),
        1 => "[m.annotations.title | some m in rego.metadata.chain()]".to_owned(),
        _ => "rego.metadata.rule()".to_owned(),
    };
    a.rule(format!("{comment}\n{name} := {value}"));
    name
}

/// Values of all types in their order.
pub(super) fn ordering(a: &mut Author) -> String {
    let terms: Vec<String> = (0..4).map(|_| a.hidden_term()).collect();
    match a.random.below(4) {
        0 => a.shown(&format!("sort([{}])", terms.join(", "))),
        1 => a.shown(&format!("[{0} < {1}, {0} == {1}, {0} >= {2}]", terms[0], terms[1], terms[2])),
        2 => a.shown(&format!("[max([{0}, {1}]), min([{2}, {3}])]", terms[0], terms[1], terms[2], terms[3])),
        _ => a.shown(&format!("{{{}}}", terms.join(", "))),
    }
}

impl Author {
    fn hidden_term(&mut self) -> String {
        let (ty, value) = (self.ty(), self.random.percent(50));
        let literal = self.literal(&ty);
        if value { self.leaf(&ty) } else { format!("object.get({{}}, 0, {literal})") }
    }
}

/// Sets and objects that rules make, by key and as a whole.
pub(super) fn iteration(a: &mut Author) -> String {
    let of = a.scalar_ty();
    let (set, object, name) = (a.name("s"), a.name("o"), a.name("r"));
    let over = a.leaf(&Ty::arr(of.clone()));
    a.rule(format!("{set} contains x if some x in {over}"));
    a.rule(format!("{object}[i] := x if some i, x in {over}"));
    let value = a.literal(&of);
    match a.random.below(7) {
        0 => a.rule(format!("{name} := [x | {set}[x]]")),
        1 => a.rule(format!("{name} contains k if {object}[k] == {value}")),
        2 => a.rule(format!("{name} if {set}[{value}]")),
        3 => a.rule(format!("{name} := {object}[1]")),
        4 => a.rule(format!("{name} := [k | some k; {object}[k]; {set}[{object}[k]]]")),
        5 => a.rule(format!("{name} := count({set}) + count({object})")),
        _ => a.rule(format!("{name} contains x if {{\n\tsome x in {set}\n\tnot {object}[x]\n}}")),
    }
    name
}
