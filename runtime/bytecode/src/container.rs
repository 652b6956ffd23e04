//! The binary container: magic, version, then sections in a fixed order.
//!
//! ```text
//! program  = "govc" version:u16 section*9
//! section  = id:u8 length:u32 payload
//! payload  = count:leb item*count
//! ```
//! Fixed-size numbers are little endian; `leb` is unsigned LEB128 of at most 32 bits. Decoding allocates no
//! more than a fixed multiple of the length of its input, because every count is compared with what is left.

use crate::literal::MAX_DEPTH;
use crate::{
    BuiltinRef, Case, Entrypoint, Function, Literal, Location, OPS, Op, Program, SwitchTable,
    ops::MAX_OPERANDS,
};
use std::fmt;

/// The first bytes of a container.
pub const MAGIC: [u8; 4] = *b"govc";

/// The version of the format that this crate writes, and the only one that it reads.
pub const VERSION: u16 = 1;

/// Why bytes are no program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The magic is missing.
    Magic,
    /// Another version of the format.
    Version {
        /// The version found.
        found: u16,
    },
    /// The text ends too early, or a count is larger than what follows.
    Truncated {
        /// The byte at which more was needed.
        offset: usize,
    },
    /// Something is not as the format says.
    Malformed {
        /// The byte at which it was seen.
        offset: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Magic => write!(f, "not a program: the magic bytes are missing"),
            DecodeError::Version { found } => write!(f, "program format {found} is not {VERSION}"),
            DecodeError::Truncated { offset } => write!(f, "program ends too early at byte {offset}"),
            DecodeError::Malformed { offset, reason } => {
                write!(f, "program is malformed at byte {offset}: {reason}")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// Writes a program. The same program gives the same bytes.
pub fn encode(program: &Program) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    section(&mut out, 0, &program.literals, write_literal);
    section(&mut out, 1, &program.builtins, |out, b| {
        write_str(out, &b.name);
        write_leb(out, b.arity);
    });
    section(&mut out, 2, &program.files, |out, f| write_str(out, f));
    section(&mut out, 3, &program.lists, |out, l| write_u32s(out, l));
    section(&mut out, 4, &program.tables, write_table);
    section(&mut out, 5, &program.functions, write_function);
    section(&mut out, 6, &program.entrypoints, |out, e| {
        write_str(out, &e.name);
        write_leb(out, e.function);
    });
    section(&mut out, 7, &program.code, write_op);
    section(&mut out, 8, &program.locations, |out, l| {
        [l.at, l.file, l.row, l.column].iter().for_each(|&n| write_leb(out, n));
    });
    out
}

fn section<T>(out: &mut Vec<u8>, id: u8, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(id);
    let length_at = out.len();
    out.extend([0; 4]);
    write_leb(out, items.len() as u32);
    items.iter().for_each(|item| write(out, item));
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

fn write_leb(out: &mut Vec<u8>, mut n: u32) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn write_str(out: &mut Vec<u8>, text: &str) {
    write_leb(out, text.len() as u32);
    out.extend(text.as_bytes());
}

fn write_u32s(out: &mut Vec<u8>, list: &[u32]) {
    write_leb(out, list.len() as u32);
    list.iter().for_each(|&n| write_leb(out, n));
}

fn write_literal(out: &mut Vec<u8>, literal: &Literal) {
    match literal {
        Literal::Null => out.push(0),
        Literal::Bool(false) => out.push(1),
        Literal::Bool(true) => out.push(2),
        Literal::Number(text) => {
            out.push(3);
            write_str(out, text);
        }
        Literal::String(text) => {
            out.push(4);
            write_str(out, text);
        }
        Literal::Array(items) => write_literals(out, 5, items),
        Literal::Set(items) => write_literals(out, 6, items),
        Literal::Object(entries) => {
            out.push(7);
            write_leb(out, entries.len() as u32);
            for (key, value) in entries {
                write_literal(out, key);
                write_literal(out, value);
            }
        }
    }
}

fn write_literals(out: &mut Vec<u8>, tag: u8, items: &[Literal]) {
    out.push(tag);
    write_leb(out, items.len() as u32);
    items.iter().for_each(|item| write_literal(out, item));
}

fn write_table(out: &mut Vec<u8>, table: &SwitchTable) {
    write_leb(out, table.cases.len() as u32);
    for case in &table.cases {
        write_leb(out, case.literal);
        write_u32s(out, &case.blocks);
    }
    write_u32s(out, &table.default);
}

fn write_function(out: &mut Vec<u8>, f: &Function) {
    write_str(out, &f.name);
    write_leb(out, f.path.len() as u32);
    f.path.iter().for_each(|p| write_str(out, p));
    [f.params, f.registers, f.builders, f.memo, f.start, f.end].iter().for_each(|&n| write_leb(out, n));
}

fn write_op(out: &mut Vec<u8>, op: &Op) {
    out.push(op.code());
    op.typed_operands().for_each(|(_, n)| write_leb(out, n));
}

/// Reads a program. The result is not verified.
///
/// # Errors
/// When the bytes are not exactly one container of this version.
pub fn decode(bytes: &[u8]) -> Result<Program, DecodeError> {
    let mut r = Reader { bytes, at: 0 };
    header(&mut r)?;
    let program = Program {
        literals: r.section(0, |r| r.literal(0))?,
        builtins: r.section(1, |r| Ok(BuiltinRef { name: r.string()?, arity: r.leb()? }))?,
        files: r.section(2, Reader::string)?,
        lists: r.section(3, Reader::u32s)?,
        tables: r.section(4, Reader::table)?,
        functions: r.section(5, Reader::function)?,
        entrypoints: r.section(6, |r| Ok(Entrypoint { name: r.string()?, function: r.leb()? }))?,
        code: r.section(7, Reader::op)?,
        locations: r
            .section(8, |r| Ok(Location { at: r.leb()?, file: r.leb()?, row: r.leb()?, column: r.leb()? }))?,
    };
    if r.at == bytes.len() { Ok(program) } else { Err(r.malformed("bytes follow the last section")) }
}

fn header(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    if r.bytes.get(..4) != Some(&MAGIC) {
        return Err(DecodeError::Magic);
    }
    r.at = 4;
    match u16::from_le_bytes([r.byte()?, r.byte()?]) {
        VERSION => Ok(()),
        found => Err(DecodeError::Version { found }),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, DecodeError>;

impl Reader<'_> {
    fn malformed(&self, reason: &'static str) -> DecodeError {
        DecodeError::Malformed { offset: self.at, reason }
    }

    fn byte(&mut self) -> Read<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or(DecodeError::Truncated { offset: self.at })?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Read<&[u8]> {
        let end = self.at.checked_add(length).ok_or(DecodeError::Truncated { offset: self.at })?;
        let taken = self.bytes.get(self.at..end).ok_or(DecodeError::Truncated { offset: self.at })?;
        self.at = end;
        Ok(taken)
    }

    fn section<T>(&mut self, id: u8, item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        if self.byte()? != id {
            return Err(self.malformed("another section is due"));
        }
        let length = u32::from_le_bytes([self.byte()?, self.byte()?, self.byte()?, self.byte()?]);
        let start = self.at;
        let items = self.items(item)?;
        let right = self.at - start == length as usize;
        if right { Ok(items) } else { Err(self.malformed("a section has another length than it says")) }
    }

    fn items<T>(&mut self, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count()?;
        let mut items = Vec::with_capacity(count.min(1 << 16));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A count of items, each of which takes at least one byte.
    fn count(&mut self) -> Read<usize> {
        let count = self.leb()? as usize;
        let left = self.bytes.len() - self.at;
        if count <= left { Ok(count) } else { Err(DecodeError::Truncated { offset: self.at }) }
    }

    fn leb(&mut self) -> Read<u32> {
        let mut n = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                break;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                let shortest = shift == 0 || byte != 0;
                return if shortest { Ok(n) } else { Err(self.malformed("a number is longer than needed")) };
            }
        }
        Err(self.malformed("a number has more than 32 bits"))
    }

    fn string(&mut self) -> Read<String> {
        let length = self.leb()? as usize;
        let text = std::str::from_utf8(self.take(length)?).map(str::to_owned);
        text.map_err(|_| self.malformed("text is not UTF-8"))
    }

    fn u32s(&mut self) -> Read<Vec<u32>> {
        self.items(Self::leb)
    }

    fn literal(&mut self, depth: u32) -> Read<Literal> {
        if depth > MAX_DEPTH {
            return Err(self.malformed("a literal is nested too deeply"));
        }
        Ok(match self.byte()? {
            0 => Literal::Null,
            1 => Literal::Bool(false),
            2 => Literal::Bool(true),
            3 => Literal::Number(self.string()?),
            4 => Literal::String(self.string()?),
            5 => Literal::Array(self.items(|r| r.literal(depth + 1))?),
            6 => Literal::Set(self.items(|r| r.literal(depth + 1))?),
            7 => Literal::Object(self.items(|r| Ok((r.literal(depth + 1)?, r.literal(depth + 1)?)))?),
            _ => return Err(self.malformed("unknown kind of literal")),
        })
    }

    fn table(&mut self) -> Read<SwitchTable> {
        let cases = self.items(|r| Ok(Case { literal: r.leb()?, blocks: r.u32s()? }))?;
        Ok(SwitchTable { cases, default: self.u32s()? })
    }

    fn function(&mut self) -> Read<Function> {
        Ok(Function {
            name: self.string()?,
            path: self.items(Self::string)?,
            params: self.leb()?,
            registers: self.leb()?,
            builders: self.leb()?,
            memo: self.leb()?,
            start: self.leb()?,
            end: self.leb()?,
        })
    }

    fn op(&mut self) -> Read<Op> {
        let code = self.byte()?;
        let Some(info) = OPS.get(code as usize) else { return Err(self.malformed("unknown instruction")) };
        let mut operands = [0; MAX_OPERANDS];
        for operand in operands.iter_mut().take(info.operands.len()) {
            *operand = self.leb()?;
        }
        Op::from_parts(code, operands).ok_or(self.malformed("unknown instruction"))
    }
}
