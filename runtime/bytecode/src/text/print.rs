//! Printing. Comments tell what the parser does not need: the literals and names behind the numbers.

use crate::{Function, Literal, NO_MEMO, Op, OperandKind, Program, SwitchTable};
use std::fmt::Write;

/// The text of a program.
pub fn print(program: &Program) -> String {
    let mut out = format!("govc-bytecode {}\n", crate::VERSION);
    program.literals.iter().for_each(|l| line(&mut out, "literal", &literal(l)));
    program
        .builtins
        .iter()
        .for_each(|b| line(&mut out, "builtin", &format!("{} {}", quote(&b.name), b.arity)));
    program.files.iter().for_each(|f| line(&mut out, "file", &quote(f)));
    program.lists.iter().for_each(|l| line(&mut out, "list", &spaced(l.iter())));
    program.tables.iter().enumerate().for_each(|(i, t)| line(&mut out, "table", &table(program, i, t)));
    program.functions.iter().enumerate().for_each(|(i, f)| function(&mut out, program, i, f));
    let entry = |e: &crate::Entrypoint| format!("{} f{}", quote(&e.name), e.function);
    program.entrypoints.iter().for_each(|e| line(&mut out, "entrypoint", &entry(e)));
    out
}

fn line(out: &mut String, word: &str, rest: &str) {
    out.push_str(word);
    if !rest.is_empty() {
        out.push(' ');
        out.push_str(rest);
    }
    out.push('\n');
}

fn spaced(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|i| i.to_string()).collect::<Vec<_>>().join(" ")
}

/// Targets of a table are relative to the function that uses it; 0 where none does.
fn table(program: &Program, index: usize, t: &SwitchTable) -> String {
    let base = table_base(program, index);
    let blocks = |b: &[u32]| spaced(b.iter().map(|&b| format!("@{}", i64::from(b) - i64::from(base))));
    let case = |c: &crate::Case| format!("l{}: {}, ", c.literal, blocks(&c.blocks));
    format!("{}else: {}", t.cases.iter().map(case).collect::<String>(), blocks(&t.default))
        .trim_end()
        .to_owned()
}

pub(super) fn table_base(program: &Program, index: usize) -> u32 {
    let uses = |op: &Op| op.typed_operands().any(|(k, v)| k == OperandKind::Table && v as usize == index);
    let owner = program.code.iter().position(uses);
    owner
        .and_then(|at| program.functions.iter().find(|f| (f.start..f.end).contains(&(at as u32))))
        .map_or(0, |f| f.start)
}

fn function(out: &mut String, program: &Program, index: usize, f: &Function) {
    let memo = if f.memo == NO_MEMO { "none".to_owned() } else { f.memo.to_string() };
    let path: String = f.path.iter().map(|p| format!(" {}", quote(p))).collect();
    let _ = writeln!(
        out,
        "function {} params {} registers {} builders {} memo {memo} path{path}   # f{index}",
        quote(&f.name),
        f.params,
        f.registers,
        f.builders,
    );
    let code = program.code.get(f.start as usize..f.end as usize).unwrap_or(&[]);
    for (at, op) in (f.start..).zip(code) {
        instruction(out, program, f.start, at, op);
    }
}

fn instruction(out: &mut String, program: &Program, base: u32, at: u32, op: &Op) {
    let _ = write!(out, "  {}", op.info().name);
    op.typed_operands().for_each(|(kind, value)| operand(out, base, kind, value));
    if let Some(l) = program.location(at) {
        let _ = write!(out, " at {}:{}:{}", l.file, l.row, l.column);
    }
    let notes: Vec<String> =
        op.typed_operands().filter_map(|(kind, value)| note(program, kind, value)).collect();
    let _ =
        writeln!(out, "   # {}{}{}", at - base, if notes.is_empty() { "" } else { ": " }, notes.join(", "));
}

fn operand(out: &mut String, base: u32, kind: OperandKind, value: u32) {
    let _ = match kind {
        OperandKind::Target => write!(out, " @{}", i64::from(value) - i64::from(base)),
        _ => write!(out, " {}{value}", sigil(kind)),
    };
}

/// The letter before the number of an operand.
pub(super) fn sigil(kind: OperandKind) -> &'static str {
    match kind {
        OperandKind::Dst | OperandKind::Src | OperandKind::State => "r",
        OperandKind::Builder => "b",
        OperandKind::Lit | OperandKind::Str => "l",
        OperandKind::Func | OperandKind::Rule => "f",
        OperandKind::Builtin => "x",
        OperandKind::Regs | OperandKind::Strs => "i",
        OperandKind::Table => "t",
        OperandKind::Target => "@",
    }
}

fn note(program: &Program, kind: OperandKind, value: u32) -> Option<String> {
    let at = value as usize;
    match kind {
        OperandKind::Lit | OperandKind::Str => program.literals.get(at).map(short),
        OperandKind::Func | OperandKind::Rule => program.functions.get(at).map(|f| f.name.clone()),
        OperandKind::Builtin => program.builtins.get(at).map(|b| b.name.clone()),
        OperandKind::Regs => program.lists.get(at).map(|l| spaced(l.iter().map(|r| format!("r{r}")))),
        OperandKind::Strs => program.lists.get(at).map(|l| keys(program, l)),
        _ => None,
    }
}

fn keys(program: &Program, list: &[u32]) -> String {
    spaced(list.iter().map(|&l| program.literals.get(l as usize).map_or_else(String::new, short)))
}

fn short(l: &Literal) -> String {
    let text = literal(l);
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}

/// The text of a literal: JSON, with `{1, 2}` and `set()` for sets and any literal as an object's key.
pub fn literal(l: &Literal) -> String {
    match l {
        Literal::Null => "null".to_owned(),
        Literal::Bool(b) => b.to_string(),
        Literal::Number(text) => text.clone(),
        Literal::String(text) => quote(text),
        Literal::Array(items) => format!("[{}]", literals(items)),
        Literal::Set(items) if items.is_empty() => "set()".to_owned(),
        Literal::Set(items) => format!("{{{}}}", literals(items)),
        Literal::Object(entries) => {
            let entry = |(k, v): &(Literal, Literal)| format!("{}: {}", literal(k), literal(v));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

fn literals(items: &[Literal]) -> String {
    items.iter().map(literal).collect::<Vec<_>>().join(", ")
}

pub(super) fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
