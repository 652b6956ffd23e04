//! Terms of a wanted type.

use super::documents::{NUMBERS, STRINGS};
use super::{Author, Ty};

impl Author {
    /// A type.
    pub(super) fn ty(&mut self) -> Ty {
        match self.random.below(14) {
            0..=3 => Ty::Num,
            4..=6 => Ty::Str,
            7 => Ty::Bool,
            8 | 9 => Ty::arr(self.scalar_ty()),
            10 => Ty::set(self.scalar_ty()),
            11 => Ty::obj(self.scalar_ty()),
            12 => Ty::arr(Ty::arr(Ty::Num)),
            _ => Ty::Any,
        }
    }

    pub(super) fn scalar_ty(&mut self) -> Ty {
        match self.random.below(6) {
            0..=2 => Ty::Num,
            3 | 4 => Ty::Str,
            _ => Ty::Bool,
        }
    }

    /// A type with elements.
    pub(super) fn collection_ty(&mut self) -> Ty {
        let of = self.scalar_ty();
        match self.random.below(3) {
            0 => Ty::arr(of),
            1 => Ty::set(of),
            _ => Ty::obj(of),
        }
    }

    /// A ground literal.
    pub(super) fn literal(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::Null => "null".to_owned(),
            Ty::Bool => self.random.pick(&["true", "false"]).to_string(),
            Ty::Num => self.number(),
            Ty::Str => self.string(),
            Ty::Arr(of) => {
                let items = self.literals(of);
                format!("[{}]", items.join(", "))
            }
            Ty::Set(of) => {
                let items = self.literals(of);
                if items.is_empty() { "set()".to_owned() } else { format!("{{{}}}", items.join(", ")) }
            }
            Ty::Obj(of) => {
                let items = self.literals(of);
                let pairs: Vec<String> = items.iter().map(|item| format!("{}: {item}", self.key())).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Ty::Any => {
                let ty = match self.random.below(8) {
                    0 => Ty::Null,
                    1 => Ty::arr(Ty::Num),
                    2 => Ty::obj(Ty::Str),
                    3 => Ty::set(Ty::Num),
                    4 => Ty::arr(Ty::obj(Ty::Num)),
                    _ => self.scalar_ty(),
                };
                self.literal(&ty)
            }
        }
    }

    fn literals(&mut self, of: &Ty) -> Vec<String> {
        (0..self.random.below(4)).map(|_| self.literal(of)).collect()
    }

    /// A key. Fractions are not among them: opa sorts them wrongly in the types of objects.
    fn key(&mut self) -> String {
        match self.random.below(10) {
            0 => self.random.below(10).to_string(),
            1 => self.random.pick(&["[1, 2]", "{\"a\": 1}", "{1}", "null", "true"]).to_string(),
            _ => self.random.pick(&["\"a\"", "\"b\"", "\"c\"", "\"k1\"", "\"read\"", "\"x y\""]).to_string(),
        }
    }

    pub(super) fn number(&mut self) -> String {
        match self.random.below(5) {
            0 => self.random.pick(NUMBERS).to_string(),
            1 => format!("{}.{}", self.random.below(20), self.random.below(100)),
            _ => self.random.below(10).to_string(),
        }
    }

    pub(super) fn string(&mut self) -> String {
        match self.random.below(4) {
            0 => self.random.pick(STRINGS).to_string(),
            1 => {
                format!("`{}`", self.random.pick(&["raw", "a\\b", "", "{\"k\": [1]}", "two\nlines", "^a.*$"]))
            }
            _ => format!("\"{}\"", self.random.pick(&["a", "b", "c", "abc", "read", "admin", "ann", "foo"])),
        }
    }

    /// A term of a type; what it needs is in scope. It has one value, or none.
    pub(super) fn term(&mut self, ty: &Ty, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.random.below(10) {
            0..=3 => self.leaf(ty),
            4 | 5 => self.operation(ty, depth - 1),
            6 => self.built(ty, depth - 1),
            7 => self.call_of_function(ty, depth - 1),
            8 => self.element(ty, depth - 1),
            _ => self.comprehended(ty, depth - 1),
        }
    }

    /// A literal, a variable, a rule, or something in a document.
    pub(super) fn leaf(&mut self, ty: &Ty) -> String {
        match self.random.below(8) {
            0..=2 => self.variable(ty).unwrap_or_else(|| self.literal(ty)),
            3 => self.named_rule(ty).unwrap_or_else(|| self.literal(ty)),
            4 | 5 => self.path(ty).unwrap_or_else(|| self.literal(ty)),
            _ => self.literal(ty),
        }
    }

    pub(super) fn variable(&mut self, ty: &Ty) -> Option<String> {
        let fitting: Vec<&String> = self.vars.iter().filter(|(_, t)| t.fits(ty)).map(|(n, _)| n).collect();
        (!fitting.is_empty()).then(|| fitting[self.random.below(fitting.len())].clone())
    }

    pub(super) fn named_rule(&mut self, ty: &Ty) -> Option<String> {
        let fitting: Vec<&String> = self.rules.iter().filter(|(_, t)| t.fits(ty)).map(|(n, _)| n).collect();
        if fitting.is_empty() {
            return None;
        }
        let name = fitting[self.random.below(fitting.len())].clone();
        Some(if self.random.percent(15) { format!("data.fz.{name}") } else { name })
    }

    /// Something in a document, by constant steps and by variables in scope.
    pub(super) fn path(&mut self, ty: &Ty) -> Option<String> {
        let documents = self.documents.clone();
        let fitting: Vec<&String> =
            documents.paths.iter().filter(|(_, t)| t.fits(ty)).map(|(p, _)| p).collect();
        if fitting.is_empty() {
            return None;
        }
        let path = fitting[self.random.below(fitting.len())];
        let index = match self.random.below(6) {
            0 => self.variable(&Ty::Num).unwrap_or("0".to_owned()),
            _ => self.random.below(3).to_string(),
        };
        let key = self.random.pick(&["\"a\"", "\"b\"", "\"c\"", "\"read\"", "\"admin\"", "\"default\""]);
        Some(path.replace('#', &index).replace('@', key))
    }

    /// The same with every step into a collection open: it iterates.
    pub(super) fn open_path(&mut self, ty: &Ty) -> Option<String> {
        let documents = self.documents.clone();
        let fitting: Vec<&String> = documents
            .paths
            .iter()
            .filter(|(path, t)| t.fits(ty) && path.contains(['#', '@']))
            .map(|(path, _)| path)
            .collect();
        if fitting.is_empty() {
            return None;
        }
        let path = fitting[self.random.below(fitting.len())].clone();
        Some(path.replace(['#', '@'], "_"))
    }

    fn operation(&mut self, ty: &Ty, depth: usize) -> String {
        match ty {
            Ty::Num => {
                let (a, b) = (self.term(ty, depth), self.term(ty, depth));
                let op = self.random.pick(&["+", "-", "*", "+", "-", "/", "%"]);
                if self.random.percent(30) { format!("{a} {op} {b}") } else { format!("({a} {op} {b})") }
            }
            Ty::Bool => match self.random.below(3) {
                0 => {
                    let of = self.scalar_ty();
                    let (a, b) = (self.term(&of, depth), self.term(&of, depth));
                    let op = self.random.pick(&["==", "!=", "<", "<=", ">", ">="]);
                    format!("({a} {op} {b})")
                }
                1 => {
                    let of = self.scalar_ty();
                    let (a, b) = (self.term(&of, depth), self.term(&Ty::arr(of), depth));
                    format!("({a} in {b})")
                }
                _ => self.typed_call(ty, depth),
            },
            Ty::Set(_) => {
                let (a, b) = (self.term(ty, depth), self.term(ty, depth));
                let op = self.random.pick(&["&", "|", "-"]);
                format!("({a} {op} {b})")
            }
            _ => self.typed_call(ty, depth),
        }
    }

    /// A collection of terms, or a scalar from a builtin.
    fn built(&mut self, ty: &Ty, depth: usize) -> String {
        match ty {
            Ty::Arr(of) => {
                let items: Vec<String> = (0..self.random.below(4)).map(|_| self.term(of, depth)).collect();
                format!("[{}]", items.join(", "))
            }
            Ty::Set(of) => {
                let items: Vec<String> = (0..=self.random.below(3)).map(|_| self.term(of, depth)).collect();
                format!("{{{}}}", items.join(", "))
            }
            Ty::Obj(of) => {
                let mut pairs = Vec::new();
                for key in ["\"a\"", "\"b\"", "\"c\""].iter().take(self.random.below(4)) {
                    pairs.push(format!("{key}: {}", self.term(of, depth)));
                }
                format!("{{{}}}", pairs.join(", "))
            }
            _ => self.typed_call(ty, depth),
        }
    }

    pub(super) fn call_of_function(&mut self, ty: &Ty, depth: usize) -> String {
        let fitting: Vec<_> = self.functions.iter().filter(|f| f.result.fits(ty)).cloned().collect();
        if fitting.is_empty() {
            return self.typed_call(ty, depth);
        }
        let function = self.random.pick(&fitting).clone();
        let args: Vec<String> = function.args.iter().map(|arg| self.term(arg, depth)).collect();
        format!("{}({})", function.name, args.join(", "))
    }

    /// One element of a collection.
    fn element(&mut self, ty: &Ty, depth: usize) -> String {
        match self.random.below(4) {
            0 => {
                let items: Vec<String> = (0..3).map(|_| self.term(ty, depth)).collect();
                format!("[{}][{}]", items.join(", "), self.random.below(3))
            }
            1 => {
                let value = self.term(ty, depth);
                format!("{{\"a\": {value}, \"b\": {}}}.a", self.literal(ty))
            }
            2 => {
                let of = Ty::arr(ty.clone());
                let Some(path) = self.variable(&of).or_else(|| self.named_rule(&of)) else {
                    return self.leaf(ty);
                };
                format!("{path}[{}]", self.random.below(2))
            }
            _ => {
                let of = Ty::obj(ty.clone());
                let Some(path) = self.variable(&of).or_else(|| self.named_rule(&of)) else {
                    return self.leaf(ty);
                };
                format!("{path}.{}", self.random.pick(&["a", "b", "c"]))
            }
        }
    }

    pub(super) fn comprehended(&mut self, ty: &Ty, depth: usize) -> String {
        let depth = depth.min(1);
        match ty {
            Ty::Arr(of) => {
                self.mark("array comprehension");
                self.scoped(|author| {
                    let body = author.inner_body(depth);
                    format!("[{} | {body}]", author.term(of, depth))
                })
            }
            Ty::Set(of) => {
                self.mark("set comprehension");
                self.scoped(|author| {
                    let body = author.inner_body(depth);
                    format!("{{{} | {body}}}", author.term(of, depth))
                })
            }
            Ty::Obj(of) => {
                self.mark("object comprehension");
                self.scoped(|author| {
                    let name = author.name("k");
                    let over = author.collection_ty();
                    let collection = author.leaf(&over);
                    let value = author.term(of, depth);
                    // Keys are different, so that there is no conflict.
                    let value = if author.random.percent(80) { value } else { name.clone() };
                    format!("{{{name}: {value} | some {name}, _ in {collection}}}")
                })
            }
            _ => self.element(ty, depth),
        }
    }
}
