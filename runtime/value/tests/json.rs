//! Reading and writing JSON: a table of hostile texts, and serde_json as oracle.

use govc_value::json::{self, ErrorKind, Limits};
use govc_value::{Arena, Heap, SymbolTable};

fn read_with(text: &[u8], limits: &Limits) -> Result<String, json::Error> {
    let arena = Arena::new(1 << 24);
    json::read(Heap::new(&arena, SymbolTable::empty()), text, limits).map(json::to_string)
}

fn read(text: &str) -> Result<String, json::Error> {
    read_with(text.as_bytes(), &Limits::default())
}

#[test]
fn texts_and_what_they_print() {
    let table = [
        ("null", "null"),
        (" \t\r\n[ ] ", "[]"),
        (r#"{"b":1,"a":[true,false,{}]}"#, r#"{"a":[true,false,{}],"b":1}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        (r#""a\u0000\u00e9\ud83d\ude00\/\n""#, "\"a\\u0000é😀/\\n\""),
        ("1.0", "1.0"),
        ("-0", "-0"),
        ("1e400", "1e400"),
        ("0.1", "0.1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1E+2", "1E+2"),
        ("\"\u{7f}<>&\u{2028}\"", "\"\u{7f}<>&\\u2028\""),
    ];
    for (text, printed) in table {
        assert_eq!(read(text).as_deref(), Ok(printed), "{text}");
    }
}

#[test]
fn refusals_say_where_and_why() {
    let syntax = ErrorKind::Syntax;
    let table = [
        ("", syntax("a value"), 0),
        ("[1,]", syntax("a value"), 3),
        ("[1 2]", syntax("`,` or `]`"), 3),
        ("{\"a\" 1}", syntax("`:`"), 5),
        ("{a:1}", syntax("a key in quotes"), 1),
        ("{\"a\":1,}", syntax("a key in quotes"), 7),
        ("{\"a\":1", syntax("`,` or `}`"), 6),
        ("1 2", syntax("the end of the text"), 2),
        ("01", syntax("a number"), 0),
        ("-", syntax("a number"), 0),
        ("1.", syntax("a number"), 0),
        ("+1", syntax("a value"), 0),
        (".5", syntax("a value"), 0),
        ("1e", syntax("a number"), 0),
        ("-01", syntax("a number"), 0),
        ("nul", syntax("a value"), 0),
        ("NaN", syntax("a value"), 0),
        ("\"a\u{0}\"", syntax("an escape instead of a control character"), 2),
        ("\"\\n\u{0}\"", syntax("an escape instead of a control character"), 3),
        ("\"a", syntax("a closing quote"), 2),
        ("\"\\x\"", syntax("an escape of JSON"), 2),
        ("\"\\u12g4\"", syntax("four hexadecimal digits"), 3),
        (r#""\ud800""#, ErrorKind::Surrogate, 1),
        (r#""\ude00\ud83d""#, ErrorKind::Surrogate, 1),
        (r#""\ud800\u0041""#, ErrorKind::Surrogate, 1),
        ("1e99999999999999999999", ErrorKind::NumberRange, 0),
        ("[1e-40000]", ErrorKind::NumberRange, 1),
        ("\u{feff}1", syntax("a value"), 0),
    ];
    for (text, kind, offset) in table {
        assert_eq!(read(text), Err(json::Error { kind, offset }), "{text:?}");
    }
    let utf8 = read_with(b"\"ab\xff\"", &Limits::default());
    assert_eq!(utf8, Err(json::Error { kind: ErrorKind::Utf8, offset: 3 }));
}

#[test]
fn limits_are_errors_with_numbers() {
    let limits = Limits { bytes: 50, depth: 3, string: 5 };
    let refused = |text: &str| read_with(text.as_bytes(), &limits).map_err(|e| (e.kind, e.offset));
    assert_eq!(refused("[[[1]]]").as_deref(), Ok("[[[1]]]"));
    assert_eq!(refused("[[[[1]]]]"), Err((ErrorKind::Depth { limit: 3 }, 3)));
    assert_eq!(refused("\"123456\""), Err((ErrorKind::Size { given: 6, limit: 5 }, 1)));
    assert_eq!(refused("\"\\n23456\""), Err((ErrorKind::Size { given: 6, limit: 5 }, 1)));
    assert_eq!(refused(&" ".repeat(51)), Err((ErrorKind::Size { given: 51, limit: 50 }, 0)));
    let deep = "[".repeat(1_000_000);
    assert_eq!(read(&deep).map_err(|e| e.kind), Err(ErrorKind::Depth { limit: 1_000 }));
    let small = Arena::new(64);
    let many = format!("[{}]", vec!["1"; 100].join(","));
    let refused = json::read(Heap::new(&small, SymbolTable::empty()), many.as_bytes(), &Limits::default());
    assert_eq!(refused.map_err(|e| e.kind), Err(ErrorKind::Memory { limit: 64 }));
}

#[test]
fn pretty_and_canonical() {
    let arena = Arena::new(1 << 20);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let text = r#"{"\uffff":1,"\ud83d\ude00":[],"b":[1.0,1e21,0.000001,1e-7,123456789012345678901,-0],"a":{"x":{}}}"#;
    let value = json::read(heap, text.as_bytes(), &Limits::default()).expect("the text is valid");
    let mut out = Vec::new();
    json::write_canonical(value, &mut out);
    assert_eq!(
        String::from_utf8(out).as_deref(),
        Ok(
            "{\"a\":{\"x\":{}},\"b\":[1,1e+21,0.000001,1e-7,123456789012345678901,0],\"😀\":[],\"\u{ffff}\":1}"
        )
    );
    let mut out = Vec::new();
    json::write_pretty(value.as_object().expect("an object").get_str("a"), &mut out);
    assert_eq!(String::from_utf8(out).as_deref(), Ok("{\n  \"x\": {}\n}"));
}
