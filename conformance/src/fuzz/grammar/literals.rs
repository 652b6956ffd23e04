//! Statements of a body.

use super::{Author, Ty};

impl Author {
    /// A body on one line, for comprehensions and inner braces.
    pub(super) fn inner_body(&mut self, depth: usize) -> String {
        let count = 1 + self.random.below(2);
        let literals: Vec<String> = (0..count).map(|_| self.statement(depth)).collect();
        literals.join("; ")
    }

    /// A body of a rule, between braces or alone. What it binds stays in scope.
    pub(super) fn body(&mut self) -> String {
        let count = 1 + self.random.below(3);
        let literals: Vec<String> = (0..count).map(|_| self.statement(2)).collect();
        let literals = self.moved(literals);
        braced(&literals)
    }

    /// Now and then in another order, where that may be done.
    fn moved(&mut self, mut literals: Vec<String>) -> Vec<String> {
        let fixed = literals.iter().any(|l| l.contains(":=") || l.contains("some "));
        if !fixed && self.random.percent(30) {
            literals.reverse();
        }
        literals
    }

    /// A statement: a binding or a condition.
    pub(super) fn statement(&mut self, depth: usize) -> String {
        if self.random.percent(55) { self.binding(depth) } else { self.condition(depth) }
    }

    /// A statement that binds a variable.
    pub(super) fn binding(&mut self, depth: usize) -> String {
        let name = self.name("v");
        match self.random.below(12) {
            0..=2 => {
                let ty = self.ty();
                let text = format!("{name} := {}", self.term(&ty, depth));
                self.vars.push((name, ty));
                text
            }
            3 => {
                let ty = self.ty();
                let value = self.term(&ty, depth);
                self.vars.push((name.clone(), ty));
                if self.random.percent(50) {
                    format!("{name} = {value}")
                } else {
                    format!("{value} = {name}")
                }
            }
            4 | 5 => {
                self.mark("some in");
                let over = self.collection_ty();
                let collection = self.term(&over, depth.min(1));
                let of = element(&over);
                self.vars.push((name.clone(), of));
                format!("some {name} in {collection}")
            }
            6 => {
                self.mark("some key in");
                let key = self.name("k");
                let over = self.collection_ty();
                let collection = self.term(&over, depth.min(1));
                self.vars.push((key.clone(), key_of(&over)));
                self.vars.push((name.clone(), element(&over)));
                format!("some {key}, {name} in {collection}")
            }
            7 | 8 => {
                self.mark("iteration");
                let ty = self.scalar_ty();
                let Some(path) = self.open_path(&ty) else { return "true".to_owned() };
                self.vars.push((name.clone(), ty));
                if self.random.percent(50) { format!("{name} := {path}") } else { format!("{path} = {name}") }
            }
            9 => {
                self.mark("some declaration");
                let index = self.name("i");
                let of = self.scalar_ty();
                let collection = self.leaf(&Ty::arr(of.clone()));
                let text = if self.random.percent(50) || !is_ref(&collection) {
                    let list = self.name("l");
                    format!("some {index}\n{list} := {collection}\n{name} := {list}[{index}]")
                } else {
                    format!("some {index}\n{name} := {collection}[{index}]")
                };
                self.vars.push((index, Ty::Num));
                self.vars.push((name, of));
                text
            }
            10 => self.pattern(&name),
            _ => {
                let (args, builtin, ty) = match self.random.below(4) {
                    0 => (format!("{}, {}", self.term(&Ty::Num, 1), self.term(&Ty::Num, 1)), "plus", Ty::Num),
                    1 => (self.term(&Ty::Str, 1), "upper", Ty::Str),
                    2 => (self.term(&Ty::arr(Ty::Num), 1), "count", Ty::Num),
                    _ => (format!("{}, \",\"", self.term(&Ty::Str, 1)), "split", Ty::arr(Ty::Str)),
                };
                self.mark("output of a builtin");
                self.vars.push((name.clone(), ty));
                format!("{builtin}({args}, {name})")
            }
        }
    }

    /// Takes a collection apart.
    fn pattern(&mut self, name: &str) -> String {
        self.mark("pattern");
        let ty = self.scalar_ty();
        let value = self.term(&ty, 1);
        let other = self.term(&Ty::Any, 0);
        self.vars.push((name.to_owned(), ty));
        match self.random.below(6) {
            0 => format!("[{name}, _] := [{value}, {other}]"),
            1 => format!("[_, {name}] = [{other}, {value}]"),
            2 => format!("{{\"a\": {name}}} := {{\"a\": {value}}}"),
            3 => format!("{{\"a\": {name}, \"b\": [_, 2]}} = {{\"a\": {value}, \"b\": [1, 2]}}"),
            4 => format!("[[{name}, \"k\"], _] = [[{value}, \"k\"], {other}]"),
            _ => format!("{{\"a\": {value}, \"b\": {other}}} = {{\"b\": _, \"a\": {name}}}"),
        }
    }

    /// A statement that holds or not; mostly it holds.
    pub(super) fn condition(&mut self, depth: usize) -> String {
        match self.random.below(14) {
            0 => format!("count({}) >= 0", {
                let ty = self.collection_ty();
                self.term(&ty, depth.min(1))
            }),
            1 => {
                let ty = self.scalar_ty();
                let value = self.leaf(&ty);
                format!("{value} == {value}")
            }
            2 => format!("is_number({})", self.term(&Ty::Num, depth.min(1))),
            3 => {
                let (ty, other) =
                    (self.scalar_ty(), self.random.pick(&["\"no such\"", "-12345"]).to_string());
                let value = self.hidden_leaf(&ty);
                format!("{value} != {other}")
            }
            4 => {
                let op = self.random.pick(&["<=", "<", ">", ">="]);
                let (a, b) = (self.term(&Ty::Num, depth), self.term(&Ty::Num, depth));
                format!("{a} {op} {b}")
            }
            5 => {
                let ty = self.scalar_ty();
                let items: Vec<String> = (0..3).map(|_| self.leaf(&ty)).collect();
                format!("{} in {{{}}}", items[0], items.join(", "))
            }
            6 => {
                self.mark("not");
                let ty = self.scalar_ty();
                format!("not {} == {}", self.term(&ty, 1), self.literal(&ty))
            }
            7 => format!("not {}", self.path(&Ty::Bool).unwrap_or("false".to_owned())),
            8 => {
                let set = Ty::set(Ty::Num);
                let value = self.number();
                let name = self.name("s");
                format!("{name} := {} | {{{value}}}\n{name}[{value}]", self.term(&set, 1))
            }
            9 => self.every_statement(),
            10 => {
                let value = self.term(&Ty::Bool, depth);
                format!("is_boolean({value})")
            }
            11 => self.term(&Ty::Bool, depth),
            12 => format!("startswith({}, \"\")", self.term(&Ty::Str, depth.min(1))),
            _ => {
                let over = self.collection_ty();
                let collection = self.leaf(&over);
                format!("_ = {collection}")
            }
        }
    }

    /// A leaf whose type the checker does not see.
    fn hidden_leaf(&mut self, ty: &Ty) -> String {
        self.path(ty).or_else(|| self.variable(ty)).unwrap_or("input".to_owned())
    }

    pub(super) fn every_statement(&mut self) -> String {
        self.mark("every");
        let over = self.collection_ty();
        let domain = self.term(&over, 1);
        let outer = self.vars.len();
        let name = self.name("e");
        let keyed = self.random.percent(40);
        let key = self.name("k");
        self.vars.push((name.clone(), element(&over)));
        let mut body = match self.random.below(3) {
            0 => format!("{name} == {name}"),
            1 => format!("not {name} == \"no such\""),
            _ => self.inner_body(1),
        };
        if !body.contains(&name) {
            body = format!("{body}; {name} != [\"no such\"]");
        }
        self.vars.truncate(outer);
        if keyed {
            self.mark("every with key");
            return format!("every {key}, {name} in {domain} {{ {body}; {key} == {key} }}");
        }
        format!("every {name} in {domain} {{ {body} }}")
    }
}

fn is_ref(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && !text.starts_with("set(")
}

/// What a collection holds.
pub(super) fn element(ty: &Ty) -> Ty {
    match ty {
        Ty::Arr(of) | Ty::Set(of) | Ty::Obj(of) => (**of).clone(),
        _ => Ty::Any,
    }
}

fn key_of(ty: &Ty) -> Ty {
    match ty {
        Ty::Arr(_) => Ty::Num,
        Ty::Set(of) => (**of).clone(),
        _ => Ty::Any,
    }
}

/// A body between braces, a statement a line.
pub(super) fn braced(literals: &[String]) -> String {
    let lines: Vec<String> = literals.iter().flat_map(|l| l.split('\n')).map(|l| format!("\t{l}")).collect();
    format!("{{\n{}\n}}", lines.join("\n"))
}
