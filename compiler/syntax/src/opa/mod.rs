//! The tree as OPA's parser has it: sugar resolved where OPA resolves it, with OPA's own idea of places.
//!
//! The formatter and the JSON of `govc parse` must give what `opa` gives, and both of OPA's depend on
//! details of its tree: a parenthesis is not a node but a place whose text begins with `(`, a rule
//! without body has the body `true`, `a.b` without value is a key. All such details live here.

mod from_ast;
pub(crate) mod json;
mod places;
pub(crate) mod visit;

pub(crate) use from_ast::module;
pub use places::places;

/// Where a node stands: the row and column of its first token, and the text that OPA ascribes to it,
/// which may begin elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loc {
    pub(crate) row: u32,
    pub(crate) col: u32,
    /// Byte of the first token.
    pub(crate) offset: u32,
    /// Text: first byte and the byte after the last.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// OPA made the node up; `row` and `col` are 1.
    pub(crate) generated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) value: Value,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    String {
        value: String,
        raw: bool,
    },
    Var(String),
    Ref(Vec<Term>),
    /// The operator, then the arguments.
    Call(Vec<Term>),
    Array(Vec<Term>),
    Object(Vec<(Term, Term)>),
    Set(Vec<Term>),
    ArrayComprehension(Box<Term>, Vec<Expr>),
    SetComprehension(Box<Term>, Vec<Expr>),
    ObjectComprehension(Box<Term>, Box<Term>, Vec<Expr>),
    Template {
        parts: Vec<Part>,
        raw: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String, Loc),
    Term(Term),
    Expr(Box<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) terms: Terms,
    pub(crate) negated: bool,
    pub(crate) with: Vec<With>,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Terms {
    Term(Term),
    /// The operator, then the operands.
    Call(Vec<Term>),
    /// Variables, or one call of `internal.member_2` or `_3`.
    Some(Vec<Term>),
    Every {
        key: Option<Term>,
        value: Term,
        domain: Term,
        body: Vec<Expr>,
    },
    Not {
        body: Vec<Expr>,
        explicit: bool,
    },
    Logical {
        op: &'static str,
        lhs: Operand,
        rhs: Operand,
    },
}

/// An operand of `and` or `or`; `brace` is the place of its opening brace, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand {
    pub(crate) body: Vec<Expr>,
    pub(crate) brace: Option<Loc>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct With {
    pub(crate) target: Term,
    pub(crate) value: Term,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) reference: Vec<Term>,
    pub(crate) args: Option<Vec<Term>>,
    pub(crate) key: Option<Term>,
    pub(crate) value: Option<Term>,
    pub(crate) assign: bool,
    /// OPA gives the head a name beside its path: where v0 could have written it.
    pub(crate) named: bool,
    /// The value has a place; OPA gives none to some of the values that it makes up.
    pub(crate) value_placed: bool,
    /// The value is `true` because nothing else was said, and OPA gave it the head's own place.
    pub(crate) value_is_head: bool,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) default: bool,
    pub(crate) head: Head,
    pub(crate) body: Vec<Expr>,
    pub(crate) otherwise: Option<Box<Rule>>,
    pub(crate) loc: Loc,
    /// Index in the module's `rules` of the tree that was parsed.
    pub(crate) index: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Import {
    pub(crate) path: Vec<Term>,
    pub(crate) alias: Option<String>,
    pub(crate) loc: Loc,
    /// The formatter adds it.
    pub(crate) added: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Package {
    pub(crate) path: Vec<Term>,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comment {
    pub(crate) text: String,
    pub(crate) row: u32,
    pub(crate) col: u32,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Module {
    pub(crate) package: Option<Package>,
    pub(crate) imports: Vec<Import>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) comments: Vec<Comment>,
}

impl Value {
    /// Equality as OPA's sets and objects have it: places do not count, numbers count by value.
    pub(crate) fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => {
                a == b || (a.parse::<f64>() == b.parse::<f64>() && a.len().max(b.len()) < 16)
            }
            (Value::String { value: a, .. }, Value::String { value: b, .. }) => a == b,
            (Value::Var(a), Value::Var(b)) => a == b && a != "_",
            (Value::Ref(a), Value::Ref(b))
            | (Value::Call(a), Value::Call(b))
            | (Value::Array(a), Value::Array(b)) => same_terms(a, b),
            (Value::Set(a), Value::Set(b)) => {
                a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| x.value.same(&y.value)))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(k, v)| b.iter().any(|(l, w)| k.value.same(&l.value) && v.value.same(&w.value)))
            }
            _ => false,
        }
    }
}

fn same_terms(a: &[Term], b: &[Term]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.value.same(&y.value))
}

/// The operator of a call, dotted.
pub(crate) fn operator(call: &[Term]) -> String {
    let Some(Term { value: Value::Ref(path), .. }) = call.first() else { return String::new() };
    let names: Vec<&str> = path
        .iter()
        .map(|t| match &t.value {
            Value::Var(name) => name.as_str(),
            Value::String { value, .. } => value.as_str(),
            _ => "[]",
        })
        .collect();
    names.join(".")
}

/// The infix form of a builtin, with the number of its operands.
pub(crate) fn infix(operator: &str) -> Option<(&'static str, usize)> {
    Some(match operator {
        "eq" => ("=", 2),
        "assign" => (":=", 2),
        "equal" => ("==", 2),
        "neq" => ("!=", 2),
        "lt" => ("<", 2),
        "lte" => ("<=", 2),
        "gt" => (">", 2),
        "gte" => (">=", 2),
        "plus" => ("+", 2),
        "minus" => ("-", 2),
        "mul" => ("*", 2),
        "div" => ("/", 2),
        "rem" => ("%", 2),
        "and" => ("&", 2),
        "or" => ("|", 2),
        "internal.member_2" => ("in", 2),
        "internal.member_3" => ("in", 3),
        _ => return None,
    })
}
