//! Random input and base documents, with the paths of what lies in them.

use super::Ty;
use crate::fuzz::random::Random;
use std::rc::Rc;

/// The documents that neighbours share.
#[derive(Debug)]
pub struct Documents {
    /// JSON.
    pub data: Rc<str>,
    /// JSON.
    pub input: String,
    /// Paths and what is there; `#` stands for any step into an array of three or more, `@` for one into an object.
    pub(super) paths: Vec<(String, Ty)>,
}

/// Numbers at the edges of what numbers are.
pub(super) const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-7",
    "10",
    "42",
    "100",
    "0.5",
    "1.5",
    "-2.5",
    "0.1",
    "0.2",
    "1e3",
    "1.0",
    "3.0",
    "2147483647",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e-7",
    "1e21",
    "1E2",
    "-0",
    "-0.0",
    "0.30000000000000004",
    "1.7976931348623157e308",
    "5e-324",
    "3.14159",
    "1e18",
    "0e5",
    "99999999999999999999.5",
    "1e100",
];

/// Texts of all kinds, as JSON.
pub(super) const STRINGS: &[&str] = &[
    r#""""#,
    r#""a""#,
    r#""b""#,
    r#""abc""#,
    r#""read""#,
    r#""write""#,
    r#""admin""#,
    r#""viewer""#,
    r#""x y""#,
    r#""é""#,
    r#""日本""#,
    r#""\n""#,
    r#""a\"b""#,
    r#""10""#,
    r#""1.5""#,
    r#""a/b/c""#,
    r#""foo.bar""#,
    r#""\u0000""#,
    r#""A""#,
    r#""true""#,
    r#""{\"a\": 1}""#,
    r#""10.0.0.0/8""#,
    r#""10.1.2.3""#,
    r#""<b>&""#,
    r#""😀""#,
    r#""2024-02-29T12:00:00Z""#,
    r#""[1, 2]""#,
    r#""aGVsbG8=""#,
    r#""1.2.3""#,
    r#""10Mi""#,
    r#""a.*""#,
    r#""*.com""#,
];

fn number(random: &mut Random) -> String {
    match random.below(4) {
        0 => random.pick(NUMBERS).to_string(),
        1 => format!("{}.{}", random.below(50), random.below(100)),
        _ => random.below(12).to_string(),
    }
}

fn string(random: &mut Random) -> String {
    match random.below(3) {
        0 => random.pick(STRINGS).to_string(),
        _ => format!(
            "\"{}\"",
            random.pick(&["a", "b", "c", "read", "write", "admin", "viewer", "ann", "bob", "eve"])
        ),
    }
}

fn list(random: &mut Random, least: usize, item: fn(&mut Random) -> String) -> String {
    let count = least + random.below(3);
    let items: Vec<String> = (0..count).map(|_| item(random)).collect();
    format!("[{}]", items.join(", "))
}

fn any(random: &mut Random) -> String {
    match random.below(8) {
        0 => "null".to_owned(),
        1 => random.pick(&["true", "false"]).to_string(),
        2 | 3 => number(random),
        4 => list(random, 0, number),
        5 => format!("{{\"a\": {}, \"k\": {}}}", number(random), string(random)),
        6 => list(random, 0, any_flat),
        _ => string(random),
    }
}

fn any_flat(random: &mut Random) -> String {
    match random.below(4) {
        0 => "null".to_owned(),
        1 => random.pick(&["true", "false"]).to_string(),
        2 => number(random),
        _ => string(random),
    }
}

fn user(random: &mut Random) -> String {
    let tags = list(random, 0, string);
    format!(
        r#"{{"name": "{}", "role": "{}", "age": {}, "tags": {tags}, "on": {}}}"#,
        random.pick(&["ann", "bob", "eve", "dan"]),
        random.pick(&["admin", "viewer", "writer"]),
        random.below(70),
        random.pick(&["true", "false"]),
    )
}

fn fields(random: &mut Random, item: fn(&mut Random) -> String) -> String {
    let mut keys = vec!["a", "b", "c", "read", "write", "admin", "default", "k1", "x y"];
    let count = 3 + random.below(3);
    let mut fields = Vec::new();
    for _ in 0..count {
        let key = keys.swap_remove(random.below(keys.len()));
        fields.push(format!("\"{key}\": {}", item(random)));
    }
    format!("{{{}}}", fields.join(", "))
}

fn strings(random: &mut Random) -> String {
    list(random, 1, string)
}

impl Documents {
    /// Random ones.
    pub fn new(random: &mut Random) -> Self {
        let mut paths = Vec::new();
        let input = document(random, "input", &mut paths);
        let data = document(random, "data.doc", &mut paths);
        let base = fields(random, number);
        let data = format!(
            "{{\"doc\": {data}, \"fz\": {{\"base\": {{\"low\": {base}, \"n\": {}}}}}}}",
            number(random)
        );
        paths.push(("data.fz.base.low".to_owned(), Ty::obj(Ty::Num)));
        paths.push(("data.fz.base.n".to_owned(), Ty::Num));
        Self { data: data.into(), input, paths }
    }
}

/// One document, whose paths are noted.
fn document(random: &mut Random, root: &str, paths: &mut Vec<(String, Ty)>) -> String {
    let mut text = Vec::new();
    let mut field = |random: &mut Random, key: &str, ty: Ty, value: String| {
        // Now and then a path leads nowhere.
        if !random.percent(5) {
            text.push(format!("\"{key}\": {value}"));
        }
        let plain = key.chars().all(|c| c.is_ascii_alphanumeric());
        let step = if plain { format!(".{key}") } else { format!("[\"{key}\"]") };
        paths.push((format!("{root}{step}"), ty));
    };
    for key in ["n", "m", "size"] {
        let value = number(random);
        field(random, key, Ty::Num, value);
    }
    for key in ["s", "t", "action"] {
        let value = string(random);
        field(random, key, Ty::Str, value);
    }
    let flag = random.pick(&["true", "false"]).to_string();
    field(random, "b", Ty::Bool, flag);
    field(random, "z", Ty::Null, "null".to_owned());
    let (a, b) = (any(random), any(random));
    field(random, "any", Ty::Any, a);
    field(random, "a-b", Ty::Any, b);
    let value = list(random, 3, number);
    field(random, "xs", Ty::arr(Ty::Num), value);
    let value = list(random, 3, string);
    field(random, "ss", Ty::arr(Ty::Str), value);
    let value = list(random, 2, any);
    field(random, "mixed", Ty::arr(Ty::Any), value);
    let value = fields(random, number);
    field(random, "o", Ty::obj(Ty::Num), value);
    let value = fields(random, string);
    field(random, "names", Ty::obj(Ty::Str), value);
    let value = fields(random, strings);
    field(random, "roles", Ty::obj(Ty::arr(Ty::Str)), value);
    let value = list(random, 3, user);
    field(random, "users", Ty::arr(Ty::obj(Ty::Any)), value);
    let value = format!("{{\"b\": {{\"c\": {}, \"if\": {}}}}}", any(random), number(random));
    field(random, "a", Ty::obj(Ty::obj(Ty::Any)), value);
    let root = root.to_owned();
    for (path, ty) in [
        ("users[#].name", Ty::Str),
        ("users[#].role", Ty::Str),
        ("users[#].age", Ty::Num),
        ("users[#].tags", Ty::arr(Ty::Str)),
        ("users[#].on", Ty::Bool),
        ("xs[#]", Ty::Num),
        ("ss[#]", Ty::Str),
        ("mixed[#]", Ty::Any),
        ("o[@]", Ty::Num),
        ("names[@]", Ty::Str),
        ("roles[@]", Ty::arr(Ty::Str)),
        ("a.b.c", Ty::Any),
        ("a.b[\"if\"]", Ty::Num),
    ] {
        paths.push((format!("{root}.{path}"), ty));
    }
    format!("{{{}}}", text.join(", "))
}
