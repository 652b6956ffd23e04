//! Laws that every value keeps: order, equality with hash, symbols, and JSON against serde_json.

use govc_value::{Arena, Frozen, FrozenBuilder, Heap, SymbolTable, Value, json};
use proptest::prelude::*;
use std::hash::{BuildHasher, RandomState};

/// A value that owns its parts, to be made in any heap.
#[derive(Clone, Debug)]
enum Tree {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Tree>),
    Object(Vec<(Tree, Tree)>),
    Set(Vec<Tree>),
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-20i64..20).prop_map(|i| i.to_string()),
        1 => any::<i64>().prop_map(|i| i.to_string()),
        2 => "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,4}",
        1 => "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?",
    ]
}

/// Few different strings, so that equal ones meet.
fn string() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]{0,3}", 1 => "\\PC{0,4}", 1 => any::<String>()]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        number().prop_map(Tree::Number),
        string().prop_map(Tree::String),
    ];
    leaf.prop_recursive(3, 60, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::Array),
            prop::collection::vec((inner.clone(), inner.clone()), 0..5).prop_map(Tree::Object),
            prop::collection::vec((string().prop_map(Tree::String), inner.clone()), 0..60)
                .prop_map(Tree::Object),
            prop::collection::vec(inner, 0..60).prop_map(Tree::Set),
        ]
    })
}

fn make<'q>(heap: Heap<'q>, tree: &Tree) -> Value<'q> {
    match tree {
        Tree::Null => Value::NULL,
        Tree::Bool(b) => Value::bool(*b),
        Tree::Number(text) => heap.number(text).expect("the strategy makes numbers"),
        Tree::String(text) => heap.string(text),
        Tree::Array(elements) => heap.array_from_iter(elements.iter().map(|e| make(heap, e))),
        Tree::Object(entries) => {
            heap.object(&mut entries.iter().map(|(k, v)| (make(heap, k), make(heap, v))).collect())
        }
        Tree::Set(elements) => heap.set(&mut elements.iter().map(|e| make(heap, e)).collect()),
    }
}

/// A program that names some of the strings that the strategies make.
fn program() -> Frozen {
    let mut builder = FrozenBuilder::new();
    ["", "a", "b", "ab", "ba", "aab", "bbb", "é"].iter().for_each(|text| builder.intern(text));
    builder.build(|_| Ok::<_, ()>(Vec::new())).expect("nothing fails")
}

/// Every string of the table carries its symbol, wherever it stands.
fn check_symbols(value: Value<'_>, symbols: &SymbolTable) {
    if let Some(text) = value.as_str() {
        assert_eq!(value.symbol(), symbols.lookup(text), "{text:?}");
    }
    for (key, element) in value.entries() {
        check_symbols(key, symbols);
        check_symbols(element, symbols);
    }
}

fn text(value: Value<'_>) -> String {
    json::to_string(value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 512 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_is_total_and_agrees_with_equality_and_hash(a in tree(), b in tree(), c in tree()) {
        let (program, arena, hasher) = (program(), Arena::new(1 << 28), RandomState::new());
        let heap = Heap::new(&arena, program.symbols());
        let (a, b, c) = (make(heap, &a), make(heap, &b), make(heap, &c));
        prop_assert!(a == a && a.cmp(&a).is_eq());
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a == b {
            prop_assert_eq!(hasher.hash_one(a), hasher.hash_one(b));
        }
        let mut sorted = [a, b, c];
        sorted.sort();
        prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
        if a.kind() != b.kind() {
            prop_assert_eq!(a.cmp(&b), a.kind().cmp(&b.kind()));
        }
    }

    #[test]
    fn numbers_keep_order_hash_and_text(a in number(), b in number()) {
        let (arena, hasher) = (Arena::new(1 << 20), RandomState::new());
        let heap = Heap::new(&arena, SymbolTable::empty());
        let (x, y) = (heap.number(&a).expect("a number"), heap.number(&b).expect("a number"));
        prop_assert_eq!(text(x), a.as_str());
        prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
        if x == y {
            prop_assert_eq!(hasher.hash_one(x), hasher.hash_one(y));
        }
        // A float's order, where floats can tell the two apart.
        let (f, g) = (a.parse::<f64>().expect("a float"), b.parse::<f64>().expect("a float"));
        if f != g {
            prop_assert_eq!(Some(x.cmp(&y)), f.partial_cmp(&g));
        }
        // The same number written with an exponent is equal and hashes alike.
        if !a.contains(['e', 'E']) {
            let long = heap.number(&format!("{a}e0")).expect("a number");
            prop_assert_eq!(long, x);
            prop_assert_eq!(hasher.hash_one(long), hasher.hash_one(x));
        }
    }

    #[test]
    fn collections_find_what_they_hold(tree in tree(), probe in tree()) {
        let (program, arena) = (program(), Arena::new(1 << 28));
        let heap = Heap::new(&arena, program.symbols());
        let (value, probe) = (make(heap, &tree), make(heap, &probe));
        let linear = value.entries().find(|(key, _)| *key == probe).map_or(Value::UNDEFINED, |(_, v)| v);
        if value.as_array().is_none() {
            prop_assert_eq!(value.get(probe), linear);
        }
        for (key, element) in value.entries() {
            prop_assert_eq!(value.get(key), element);
            if let (Some(object), Some(text)) = (value.as_object(), key.as_str()) {
                let mut hint = 0;
                prop_assert_eq!(object.get_str(text), element);
                if let Some(symbol) = key.symbol() {
                    prop_assert_eq!(object.get_symbol_hinted(symbol, &mut hint), element);
                    prop_assert_eq!(object.get_symbol_hinted(symbol, &mut hint), element);
                }
            }
        }
        if value.as_array().is_none() {
            let keys: Vec<_> = value.entries().map(|(key, _)| key).collect();
            prop_assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", value);
        }
    }

    #[test]
    fn strings_of_the_table_carry_their_symbol(tree in tree(), left in string(), right in string()) {
        let (program, arena, foreign) = (program(), Arena::new(1 << 28), Arena::new(1 << 28));
        let heap = Heap::new(&arena, program.symbols());
        let value = make(heap, &tree);
        check_symbols(value, program.symbols());
        check_symbols(heap.concat(&[&left, &right]), program.symbols());
        check_symbols(heap.string_of_bytes(left.as_bytes()), program.symbols());
        let copy = heap.copy(make(Heap::new(&foreign, SymbolTable::empty()), &tree));
        check_symbols(copy, program.symbols());
        prop_assert_eq!(copy, value);
        let read = json::read(heap, text(value).as_bytes(), &json::Limits::default()).expect("we wrote it");
        check_symbols(read, program.symbols());
        prop_assert_eq!(text(read), text(value));
    }

    #[test]
    fn json_agrees_with_serde_json(tree in tree()) {
        let arena = Arena::new(1 << 28);
        let heap = Heap::new(&arena, SymbolTable::empty());
        let value = make(heap, &tree);
        let ours = text(value);
        let theirs: serde_json::Value = serde_json::from_str(&ours).expect("we write JSON");
        let mut pretty = Vec::new();
        json::write_pretty(value, &mut pretty);
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&pretty).expect("we write JSON"), theirs.clone());
        // Their text, with keys in order and numbers as floats, comes back through our reader.
        let printed = theirs.to_string();
        let again = json::read(heap, printed.as_bytes(), &json::Limits::default()).expect("serde_json writes JSON");
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text(again)).expect("we write JSON"), theirs);
    }

    #[test]
    fn mutilated_json_is_judged_as_serde_json_judges_it(tree in tree(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let arena = Arena::new(1 << 28);
        let heap = Heap::new(&arena, SymbolTable::empty());
        let mut bytes = text(make(heap, &tree)).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let ours = json::read(heap, &bytes, &json::Limits::default());
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        match (&ours, &theirs) {
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            // A float's range is theirs alone, as the range of exponents is ours.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("number out of range"), "{error}"),
            (Err(error), Ok(_)) => prop_assert_eq!(&error.kind, &json::ErrorKind::NumberRange),
        }
        if let Err(error) = ours {
            prop_assert!(error.offset <= bytes.len());
        }
    }
}

#[test]
fn an_image_moves_and_is_shared() {
    let mut builder = FrozenBuilder::new();
    let data = br#"{"users":{"alice":{"roles":["admin"],"a long text that no table holds, over sixty-four bytes of it":1}}}"#;
    json::intern(&mut builder, data, &json::Limits::default()).expect("the text is valid");
    let image = builder
        .build(|heap| {
            Ok::<_, json::Error>(vec![json::read(heap, data, &json::Limits::default())?, heap.string("x")])
        })
        .expect("the text is valid");
    let moved = Box::new(image);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let arena = Arena::new(1 << 16);
                let heap = Heap::new(&arena, moved.symbols());
                let users = moved.root(0).get(heap.string("users"));
                let roles = users.get(heap.string("alice")).get(heap.string("roles"));
                assert_eq!(roles.get(Value::int(0)), heap.string("admin"));
                assert_eq!(heap.string("x").symbol(), None);
                assert!(moved.root(9).is_undefined());
            });
        }
    });
    let texts: Vec<_> = moved.symbols().iter().map(|(_, text)| text).collect();
    assert!(texts.is_sorted() && texts.contains(&"admin"));
}

#[test]
fn an_arena_is_used_again_and_knows_its_limit() {
    let mut arena = Arena::new(1 << 12);
    for _ in 0..3 {
        {
            let heap = Heap::new(&arena, SymbolTable::empty());
            let text = "x".repeat(1 << 10);
            assert_eq!(heap.string(&text).as_str(), Some(text.as_str()));
            assert!(!heap.exhausted());
            while !heap.exhausted() {
                heap.string(&text);
            }
            assert!(heap.string("more text than is left").is_undefined() || arena.used() <= arena.limit());
        }
        assert!(arena.used() <= 1 << 12);
        arena.reset();
        assert_eq!((arena.used(), arena.exhausted()), (0, false));
    }
}

#[test]
fn values_nest_deeper_than_any_stack() {
    let arena = Arena::new(1 << 28);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let deep = |inner| (0..100_000).fold(inner, |value, _| heap.array(&[value]));
    let (a, b) = (deep(Value::int(1)), deep(Value::int(2)));
    assert!(a < b && a == a);
    assert_ne!(RandomState::new().hash_one(a), 0);
    assert_eq!(text(a).len(), 200_001);
    assert_eq!(format!("{b:?}").len(), 200_001);
}

#[test]
fn the_text_form_is_opas() {
    let arena = Arena::new(1 << 20);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let read =
        |text: &str| json::read(heap, text.as_bytes(), &json::Limits::default()).expect("the text is valid");
    let table = [
        (read(r#"{"b":[1,true,null],"a":1.50}"#), r#"{"a": 1.50, "b": [1, true, null]}"#),
        (
            read(r#""\"\\\u0007\n\u007f\u0000é\u200b\u0301😀""#),
            "\"\\\"\\\\\\a\\n\\x7f\\x00é\\u200b\u{301}😀\"",
        ),
        (heap.set(&mut vec![]), "set()"),
        (heap.set(&mut vec![heap.string("x"), Value::int(2), Value::NULL]), r#"{null, 2, "x"}"#),
        (read("[]"), "[]"),
        (read("{}"), "{}"),
    ];
    for (value, printed) in table {
        assert_eq!(format!("{value:?}"), printed);
    }
}
