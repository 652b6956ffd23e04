//! Parsing of the text form, line by line.

use super::print::{sigil, table_base};
use super::token::{Token, tokens};
use crate::literal::MAX_DEPTH;
use crate::ops::MAX_OPERANDS;
use crate::{
    BuiltinRef, Case, Entrypoint, Function, Literal, Location, NO_MEMO, OPS, Op, OperandKind, Program,
    SwitchTable,
};
use std::fmt;

/// Why a text is no program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub row: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.row, self.reason)
    }
}

impl std::error::Error for ParseError {}

type Parsed<T> = Result<T, &'static str>;

/// Reads the text form. The result is not verified.
///
/// # Errors
/// The first line that is not as [`print`](super::print()) writes it.
pub fn parse(text: &str) -> Result<Program, ParseError> {
    let mut program = Program::default();
    let mut first = true;
    for (index, line) in text.lines().enumerate() {
        let parsed = tokens(line).and_then(|t| self::line(&mut program, Cursor { tokens: &t }, &mut first));
        parsed.map_err(|reason| ParseError { row: index + 1, reason })?;
    }
    if first {
        return Err(ParseError { row: 1, reason: "the first line must be `govc-bytecode 1`" });
    }
    resolve_tables(&mut program);
    Ok(program)
}

/// Table targets were read relative to the function that uses them, which is known only now.
fn resolve_tables(program: &mut Program) {
    for index in 0..program.tables.len() {
        let base = table_base(program, index);
        let table = &mut program.tables[index];
        let targets = table.cases.iter_mut().flat_map(|c| &mut c.blocks).chain(&mut table.default);
        targets.for_each(|t| *t = t.wrapping_add(base));
    }
}

fn line(program: &mut Program, mut c: Cursor<'_>, first: &mut bool) -> Parsed<()> {
    let Some(word) = c.next_word() else {
        return c.end();
    };
    if *first {
        *first = false;
        let version = c.number()?;
        let right = word == "govc-bytecode" && version == u32::from(crate::VERSION);
        return if right { c.end() } else { Err("the first line must be `govc-bytecode 1`") };
    }
    match word {
        "literal" => program.literals.push(c.literal(0)?),
        "builtin" => program.builtins.push(BuiltinRef { name: c.text()?, arity: c.number()? }),
        "file" => program.files.push(c.text()?),
        "list" => program.lists.push(c.numbers()?),
        "table" => program.tables.push(c.table()?),
        "entrypoint" => program.entrypoints.push(Entrypoint { name: c.text()?, function: c.indexed("f")? }),
        "function" => {
            let at = program.code.len() as u32;
            program.functions.push(c.function(at)?);
        }
        name => instruction(program, name, &mut c)?,
    }
    c.end()
}

fn instruction(program: &mut Program, name: &str, c: &mut Cursor<'_>) -> Parsed<()> {
    let code = OPS.iter().position(|o| o.name == name).ok_or("unknown instruction")?;
    let function = program.functions.last_mut().ok_or("an instruction outside a function")?;
    let mut operands = [0; MAX_OPERANDS];
    for (slot, &(_, kind)) in operands.iter_mut().zip(OPS[code].operands) {
        let base = if kind == OperandKind::Target { function.start } else { 0 };
        *slot = c.indexed(sigil(kind))?.wrapping_add(base);
    }
    let at = program.code.len() as u32;
    program.code.push(Op::from_parts(code as u8, operands).ok_or("unknown instruction")?);
    function.end = at + 1;
    if !c.tokens.is_empty() {
        c.keyword("at")?;
        program.locations.push(c.location(at)?);
    }
    Ok(())
}

struct Cursor<'a> {
    tokens: &'a [Token],
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn next_word(&mut self) -> Option<&'a str> {
        let Some(Token::Word(word)) = self.tokens.first() else { return None };
        self.next();
        Some(word)
    }

    fn next_mark(&mut self, mark: char) -> bool {
        let found = self.tokens.first() == Some(&Token::Mark(mark));
        if found {
            self.next();
        }
        found
    }

    fn end(&self) -> Parsed<()> {
        if self.tokens.is_empty() { Ok(()) } else { Err("more than expected on this line") }
    }

    fn mark(&mut self, mark: char) -> Parsed<()> {
        if self.next_mark(mark) { Ok(()) } else { Err("a punctuation mark is missing") }
    }

    fn keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.next_word() == Some(keyword) { Ok(()) } else { Err("a keyword is missing") }
    }

    fn text(&mut self) -> Parsed<String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text.clone()),
            _ => Err("expected a quoted text"),
        }
    }

    fn number(&mut self) -> Parsed<u32> {
        self.next_word().and_then(|w| w.parse().ok()).ok_or("expected a number")
    }

    fn numbers(&mut self) -> Parsed<Vec<u32>> {
        let mut all = Vec::new();
        while !self.tokens.is_empty() {
            all.push(self.number()?);
        }
        Ok(all)
    }

    fn texts(&mut self) -> Parsed<Vec<String>> {
        let mut all = Vec::new();
        while !self.tokens.is_empty() {
            all.push(self.text()?);
        }
        Ok(all)
    }

    /// A number behind a letter or `@`. Targets may be negative: they are relative.
    fn indexed(&mut self, sigil: &str) -> Parsed<u32> {
        let digits =
            self.next_word().and_then(|w| w.strip_prefix(sigil)).ok_or("another kind of operand is due")?;
        let number: i64 = digits.parse().map_err(|_| "expected a number")?;
        let in_range =
            number <= i64::from(u32::MAX) && (number >= 0 || sigil == "@") && number >= -i64::from(u32::MAX);
        if in_range { Ok(number as u32) } else { Err("a number is out of range") }
    }

    fn location(&mut self, at: u32) -> Parsed<Location> {
        let file = self.number()?;
        self.mark(':')?;
        let row = self.number()?;
        self.mark(':')?;
        Ok(Location { at, file, row, column: self.number()? })
    }

    fn function(&mut self, at: u32) -> Parsed<Function> {
        let name = self.text()?;
        let mut field = |word| self.keyword(word).and_then(|()| self.number());
        let (params, registers, builders) = (field("params")?, field("registers")?, field("builders")?);
        self.keyword("memo")?;
        let memo = match self.next_word() {
            Some("none") => NO_MEMO,
            Some(slot) => slot.parse().map_err(|_| "expected a number")?,
            None => return Err("expected a number"),
        };
        self.keyword("path")?;
        Ok(Function { name, path: self.texts()?, params, registers, builders, memo, start: at, end: at })
    }

    fn table(&mut self) -> Parsed<SwitchTable> {
        let mut cases = Vec::new();
        loop {
            if self.tokens.first() == Some(&Token::Word("else".to_owned())) {
                self.next();
                self.mark(':')?;
                return Ok(SwitchTable { cases, default: self.targets()? });
            }
            let literal = self.indexed("l")?;
            self.mark(':')?;
            cases.push(Case { literal, blocks: self.targets()? });
            self.mark(',')?;
        }
    }

    fn targets(&mut self) -> Parsed<Vec<u32>> {
        let mut all = Vec::new();
        while matches!(self.tokens.first(), Some(Token::Word(_))) {
            all.push(self.indexed("@")?);
        }
        Ok(all)
    }

    fn literal(&mut self, depth: u32) -> Parsed<Literal> {
        if depth > MAX_DEPTH {
            return Err("a literal is nested too deeply");
        }
        match self.next().ok_or("expected a literal")? {
            Token::Text(text) => Ok(Literal::String(text.clone())),
            Token::Word(word) => self.word_literal(word),
            Token::Mark('[') => self.literals(']', depth).map(Literal::Array),
            Token::Mark('{') => self.braces(depth),
            Token::Mark(_) => Err("expected a literal"),
        }
    }

    fn word_literal(&mut self, word: &str) -> Parsed<Literal> {
        match word {
            "null" => Ok(Literal::Null),
            "true" => Ok(Literal::Bool(true)),
            "false" => Ok(Literal::Bool(false)),
            "set" => {
                self.mark('(')?;
                self.mark(')').map(|()| Literal::Set(Vec::new()))
            }
            number => Ok(Literal::Number(number.to_owned())),
        }
    }

    fn literals(&mut self, close: char, depth: u32) -> Parsed<Vec<Literal>> {
        let mut items = Vec::new();
        if self.next_mark(close) {
            return Ok(items);
        }
        loop {
            items.push(self.literal(depth + 1)?);
            if self.next_mark(close) {
                return Ok(items);
            }
            self.mark(',')?;
        }
    }

    /// An object, or a set where the first element is not followed by `:`.
    fn braces(&mut self, depth: u32) -> Parsed<Literal> {
        if self.next_mark('}') {
            return Ok(Literal::Object(Vec::new()));
        }
        let first = self.literal(depth + 1)?;
        if self.next_mark(':') { self.object(first, depth) } else { self.set(first, depth) }
    }

    fn set(&mut self, first: Literal, depth: u32) -> Parsed<Literal> {
        let mut items = vec![first];
        while !self.next_mark('}') {
            self.mark(',')?;
            items.push(self.literal(depth + 1)?);
        }
        Ok(Literal::Set(items))
    }

    fn object(&mut self, first: Literal, depth: u32) -> Parsed<Literal> {
        let mut entries = vec![(first, self.literal(depth + 1)?)];
        while !self.next_mark('}') {
            self.mark(',')?;
            let key = self.literal(depth + 1)?;
            self.mark(':')?;
            entries.push((key, self.literal(depth + 1)?));
        }
        Ok(Literal::Object(entries))
    }
}
