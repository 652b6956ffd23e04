//! Arithmetic and order of numbers against the real `opa`: thousands of expressions in one process.

use govc_value::{Arena, Heap, Number, SymbolTable, Value, json};
use std::fmt::Write;
use std::process::{Command, Stdio};

/// Numbers at the places where representations meet.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "-7",
    "10",
    "100",
    "0.1",
    "0.2",
    "0.3",
    "-0.3",
    "0.5",
    "-0.5",
    "1.5",
    "2.5",
    "-2.5",
    "1.0",
    "1.50",
    "-1.500",
    "1e2",
    "1e-2",
    "1E+2",
    "1e30",
    "1e-30",
    "123456.789",
    "1234567.5",
    "9007199254740993",
    "9007199254740993.0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1180591620717411303424",
    "-1180591620717411303425",
    "123456789012345678901234567890",
    "0.12345678901234567890123",
    "3.14159265358979323846264338327950288",
    "1e400",
    "-1e400",
    "1e-400",
    "1.7976931348623157e308",
    "5e-324",
    "2.2250738585072014e-308",
    "0.000001",
    "0.0000001",
    "999999.5",
    "99999.95",
    "1000000.5",
    "4503599627370495.5",
    "0.1000000000000000055511151231257827",
];

/// A generator that needs no seed from outside, so that failures repeat (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn one_of<const N: usize>(&mut self, from: [u64; N]) -> u64 {
        from[self.below(N as u64) as usize]
    }

    fn number(&mut self) -> String {
        if self.below(3) == 0 {
            return NUMBERS[self.below(NUMBERS.len() as u64) as usize].to_owned();
        }
        let mut text = String::from(if self.below(3) == 0 { "-" } else { "" });
        let most = self.one_of([3, 3, 10, 20, 40]);
        let len = 1 + self.below(most);
        text.push(char::from(b'1' + self.below(9) as u8));
        (1..len).for_each(|_| text.push(char::from(b'0' + self.below(10) as u8)));
        if self.below(2) == 0 {
            text.push('.');
            let most = self.one_of([2, 6, 20, 40]);
            let len = 1 + self.below(most);
            (0..len).for_each(|_| text.push(char::from(b'0' + self.below(10) as u8)));
        }
        if self.below(6) == 0 {
            let _ = write!(text, "e{}", self.below(80) as i64 - 40);
        }
        text
    }
}

struct Case {
    rego: String,
    operator: &'static str,
    a: String,
    b: String,
}

fn cases(count: usize) -> Vec<Case> {
    let binary = ["+", "-", "*", "/", "%", "<", "=="];
    let unary = ["abs", "round", "ceil", "floor"];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut cases = Vec::new();
    let mut push = |operator: &'static str, a: &str, b: &str| {
        let rego = if unary.contains(&operator) {
            format!("{operator}({a})")
        } else {
            format!("{a} {operator} {b}")
        };
        cases.push(Case { rego, operator, a: a.to_owned(), b: b.to_owned() });
    };
    for a in NUMBERS {
        unary.iter().for_each(|operator| push(operator, a, ""));
        for b in NUMBERS {
            push(binary[random.below(7) as usize], a, b);
        }
    }
    for _ in 0..count {
        let (a, b) = (random.number(), random.number());
        binary.iter().for_each(|operator| push(operator, &a, &b));
        unary.iter().for_each(|operator| push(operator, &a, ""));
    }
    cases
}

fn ours(heap: Heap<'_>, case: &Case) -> Option<String> {
    let number = |text: &str| heap.number(text).expect("the case holds numbers").as_number();
    let a = number(&case.a)?;
    let b = || number(&case.b).unwrap_or(Number::Int(0));
    let value = match case.operator {
        "+" => heap.add(a, b()),
        "-" => heap.sub(a, b()),
        "*" => heap.mul(a, b()),
        "/" => heap.div(a, b()).unwrap_or_default(),
        "%" => heap.rem(a, b()).unwrap_or_default(),
        "<" => Value::bool(a < b()),
        "==" => Value::bool(a == b()),
        "abs" => heap.abs(a),
        "round" => heap.round(a),
        "ceil" => heap.ceil(a),
        "floor" => heap.floor(a),
        _ => unreachable!("the table above has no other operator"),
    };
    (!value.is_undefined()).then(|| json::to_string(value))
}

/// The answers of the real `opa`, or nothing where it is not installed.
fn opa(cases: &[Case]) -> Option<String> {
    let version = Command::new("opa").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_err() {
        return None;
    }
    let mut module = String::from("package p\n");
    for (at, case) in cases.iter().enumerate() {
        let _ = writeln!(module, "out[\"{at}\"] := {}", case.rego);
    }
    let path = std::env::temp_dir().join(format!("govc-arithmetic-{}.rego", std::process::id()));
    std::fs::write(&path, module).expect("the temporary folder can be written");
    let output = Command::new("opa").args(["eval", "--format=raw", "data.p.out", "-d"]).arg(&path).output();
    std::fs::remove_file(&path).expect("the file was just written");
    let output = output.expect("opa was there a moment ago");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Some(String::from_utf8(output.stdout).expect("opa prints UTF-8"))
}

#[test]
fn every_result_prints_as_opa_prints_it() {
    let cases = cases(200);
    let Some(answers) = opa(&cases) else {
        println!("skipped: no `opa` on the path");
        return;
    };
    let arena = Arena::new(1 << 28);
    let heap = Heap::new(&arena, SymbolTable::empty());
    let answers = json::read(heap, answers.as_bytes(), &json::Limits::default()).expect("opa prints JSON");
    let answers = answers.as_object().expect("opa prints an object");
    let mut wrong = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let answer = answers.get_str(&at.to_string());
        let theirs = (!answer.is_undefined()).then(|| json::to_string(answer));
        let ours = ours(heap, case);
        if ours != theirs {
            wrong.push(format!("{}: ours {ours:?}, opa {theirs:?}", case.rego));
        }
    }
    println!("{} expressions, {} answers", cases.len(), answers.len());
    let shown = wrong.iter().take(30).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {} differ:\n{shown}", wrong.len(), cases.len());
}
