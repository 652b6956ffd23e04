//! Machine code against the VM: programs with expected answers, every amount of fuel, random programs.

use govc_bytecode::{Entrypoint, Function, Literal, NO_MEMO, OPS, Op, OperandKind, Program, text};
use govc_stdlib::{BuiltinError, World};
use govc_value::{Arena, Heap, Value, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch, run};

/// A world without a clock and without anything else.
struct Nowhere;

impl World for Nowhere {
    fn now_ns(&mut self) -> i64 {
        0
    }
    fn call<'q>(&mut self, name: &str, _: Heap<'q>, _: &[Value<'q>]) -> Result<Value<'q>, BuiltinError> {
        Err(BuiltinError::Unsupported(name.to_owned()))
    }
    fn print(&mut self, _: &str, _: &str, _: u32) {}
}

/// The results as text, or the error's code and message.
fn answer(image: &Image, scratch: &mut Scratch, input: &str, fuel: u64) -> Result<Vec<String>, String> {
    let arena = Arena::new(1 << 28);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let input = json::read(heap, input.as_bytes(), &json::Limits::default()).expect("the test writes JSON");
    let query = Query {
        entrypoint: image.program().entrypoints[0].function,
        input,
        world: &mut Nowhere,
        limits: Limits { fuel, ..Limits::default() },
        builtin_errors: BuiltinErrors::Undefined,
        recorded: None,
    };
    match run(image, scratch, &arena, query) {
        Ok(outcome) => Ok(outcome.results.iter().map(|value| json::to_string(*value)).collect()),
        Err(error) => Err(format!("{}: {}", error.code, error.message)),
    }
}

const DATA: &str = r#"{"f":{"g":[1,2,3],"h":{"x":1.5}},"long":{"k01":1,"k02":2}}"#;

fn load(program: &Program) -> Image {
    Image::load(program.clone(), &[(Vec::new(), DATA.as_bytes().to_vec())]).expect("the program is valid")
}

/// The same program without and with machine code.
fn both(program: &Program) -> (Image, Image) {
    let (plain, native) = (load(program), load(program));
    let code = govc_jit::compile(&native).expect("this processor is known");
    assert!(native.install(Box::new(code)).is_ok());
    (plain, native)
}

fn loop_program() -> Program {
    text::parse(include_str!("programs/loop.bytecode")).expect("the program is valid")
}

/// (input, expected result) as texts.
fn cases() -> Vec<(String, String)> {
    let arena = Arena::new(1 << 24);
    let heap = Heap::new(&arena, govc_value::SymbolTable::empty());
    let cases = json::read(heap, include_bytes!("programs/loop.json"), &json::Limits::default());
    let cases = cases.expect("the file is JSON").as_array().expect("an array");
    let field = |case: Value<'_>, name| json::to_string(case.get(heap.string(name)));
    cases.iter().map(|case| (field(case, "input"), field(case, "result"))).collect()
}

#[test]
fn expected_answers_come_from_both() {
    let (plain, native) = both(&loop_program());
    assert!(native.native().is_some() && plain.native().is_none());
    let (mut plain_scratch, mut native_scratch) = (Scratch::default(), Scratch::default());
    for _ in 0..2 {
        for (input, expected) in cases() {
            let wanted = Ok(vec![format!("{{\"result\":{expected}}}")]);
            assert_eq!(answer(&plain, &mut plain_scratch, &input, 1 << 30), wanted, "{input}");
            assert_eq!(answer(&native, &mut native_scratch, &input, 1 << 30), wanted, "{input}");
        }
    }
}

#[test]
fn fuel_ends_both_at_the_same_step() {
    let (plain, native) = both(&loop_program());
    let mut scratch = Scratch::default();
    let (input, _) = cases().swap_remove(1);
    let answers: Vec<_> = (0..250).map(|fuel| answer(&plain, &mut scratch, &input, fuel)).collect();
    assert!(answers.iter().any(Result::is_err) && answers.iter().any(Result::is_ok));
    for (fuel, wanted) in (0..).zip(answers) {
        assert_eq!(answer(&native, &mut scratch, &input, fuel), wanted, "fuel {fuel}");
    }
}

#[test]
fn code_of_another_image_is_not_entered() {
    let program = loop_program();
    let (one, other) = (load(&program), load(&program));
    let code = govc_jit::compile(&one).expect("this processor is known");
    assert!(other.install(Box::new(code)).is_ok());
    let (input, expected) = cases().swap_remove(0);
    let wanted = Ok(vec![format!("{{\"result\":{expected}}}")]);
    assert_eq!(answer(&other, &mut Scratch::default(), &input, 1 << 30), wanted);
}

#[test]
fn clif_names_every_function_that_has_code() {
    let text = govc_jit::clif(&load(&loop_program())).expect("this processor is known");
    assert!(text.contains("; g0.data.shop.allow\nfunction"), "{text}");
    assert!(text.contains("br_table") && text.contains("load.i64"));
}

/// xorshift: failures repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as u32
    }
}

const REGISTERS: u32 = 8;
const LITERALS: &[&str] = &[
    "f",
    "g",
    "h",
    "x",
    "k01",
    "long",
    "a",
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "1.0",
    "1.5",
    "-3",
    "9223372036854775807",
];

/// Literals 0..7 are strings, the rest are scalars and two collections.
fn literals() -> Vec<Literal> {
    let mut all: Vec<Literal> = LITERALS
        .iter()
        .map(|text| match *text {
            "null" => Literal::Null,
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            text if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                Literal::Number(text.to_owned())
            }
            text => Literal::String(text.to_owned()),
        })
        .collect();
    let one = Literal::Number("1".to_owned());
    all.push(Literal::Array(vec![one.clone(), Literal::String("a".to_owned())]));
    all.push(Literal::Set(vec![one.clone(), Literal::String("x".to_owned()), Literal::Null]));
    all.push(Literal::Object(vec![
        (Literal::String("f".to_owned()), one.clone()),
        (one, Literal::Bool(false)),
    ]));
    all
}

/// A program of instructions that machine code knows (and some that it does not), with all registers as
/// its answer. It may break a rule of the verifier.
fn random_program(random: &mut Random, len: u32) -> Program {
    let literals = literals();
    let lists = vec![vec![0], vec![0, 1], vec![0, 2, 3], vec![5, 4], vec![]];
    let mut code = Vec::new();
    // Something to work on.
    for register in 2..REGISTERS {
        code.push(Op::Load { dst: register, lit: random.below(literals.len()) });
    }
    let start = code.len() as u32;
    let mut loops = Vec::new();
    while (code.len() as u32) < start + len {
        let at = code.len() as u32;
        let pick = random.below(OPS.len()) as u8;
        let kinds = OPS[pick as usize].operands;
        let unwanted = |kind: &OperandKind| {
            !matches!(
                kind,
                OperandKind::Dst
                    | OperandKind::Src
                    | OperandKind::State
                    | OperandKind::Lit
                    | OperandKind::Str
                    | OperandKind::Strs
                    | OperandKind::Target
            )
        };
        if kinds.iter().any(|(_, kind)| unwanted(kind)) || kinds.is_empty() {
            continue;
        }
        let mut operands = [0; govc_bytecode::ops::MAX_OPERANDS];
        for (operand, (_, kind)) in operands.iter_mut().zip(kinds) {
            *operand = match kind {
                OperandKind::Lit => random.below(literals.len()),
                OperandKind::Str => random.below(7),
                OperandKind::Strs => random.below(lists.len()),
                OperandKind::State => 2 + random.below(REGISTERS as usize - 3),
                OperandKind::Target if !loops.is_empty() && random.below(4) == 0 => {
                    loops[random.below(loops.len()) as usize]
                }
                OperandKind::Target => at + 1 + random.below((start + len - at) as usize),
                _ => random.below(REGISTERS as usize),
            };
        }
        if let Some(op) = Op::from_parts(pick, operands) {
            if matches!(op, Op::Return { .. } | Op::ResultAdd { .. }) {
                continue;
            }
            if matches!(op, Op::ScanNext { .. } | Op::ScanValue { .. }) {
                loops.push(at);
            }
            code.push(op);
        }
    }
    for register in 0..REGISTERS {
        let fail = code.len() as u32 + 1;
        code.push(Op::ResultAdd { src: register, fail });
    }
    code.push(Op::ReturnUndefined {});
    let function = Function {
        name: "f".to_owned(),
        path: Vec::new(),
        params: 2,
        registers: REGISTERS,
        builders: 0,
        memo: NO_MEMO,
        start: 0,
        end: code.len() as u32,
    };
    Program {
        literals,
        lists,
        functions: vec![function],
        entrypoints: vec![Entrypoint { name: "f".to_owned(), function: 0 }],
        code,
        ..Program::default()
    }
}

#[test]
fn random_programs_run_alike() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let inputs = [r#"{"f":{"g":{"x":[1,"a",null]},"h":1},"a":1.0}"#, r#"[{"f":2},{"f":true},1e300]"#, "7"];
    let (mut valid, mut results, mut scratch) = (0, 0, Scratch::default());
    while valid < 300 {
        let len = 4 + random.below(40);
        let program = random_program(&mut random, len);
        if govc_bytecode::verify(&program).is_err() {
            continue;
        }
        valid += 1;
        let (plain, native) = both(&program);
        for input in inputs {
            for fuel in [0, 3, 2_000] {
                let wanted = answer(&plain, &mut scratch, input, fuel);
                results += usize::from(wanted.is_ok());
                let got = answer(&native, &mut scratch, input, fuel);
                assert_eq!(got, wanted, "input {input}, fuel {fuel}\n{}", text::print(&program));
            }
        }
    }
    assert!(results > valid, "most programs end without an error: {results}");
}
