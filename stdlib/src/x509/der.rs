//! A strict reader of DER.
//!
//! The one surprising fact: lengths and integers that are not written in the shortest way are refused, as
//! are tags above 30, which certificates have no use for.

use num_bigint::{BigInt, Sign};

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of a part by its number: plain, or made of others.
pub(super) const fn part(number: u8) -> u8 {
    0x80 | number
}

pub(super) const fn made_part(number: u8) -> u8 {
    0xa0 | number
}

/// What is left of a text in DER.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'d>(pub(super) &'d [u8]);

impl<'d> Der<'d> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn peek(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next element: its tag, its content, and all of it.
    pub(super) fn any(&mut self) -> Option<(u8, &'d [u8], &'d [u8])> {
        let (tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 4 || bytes.first() == Some(&0) {
                return None;
            }
            let length = bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
            if length < 0x80 {
                return None;
            }
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some((*tag, content, whole))
    }

    /// The content of the next element, if it has a tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<Der<'d>> {
        if !self.peek(tag) {
            return None;
        }
        self.any().map(|(_, content, _)| Der(content))
    }

    /// The next element with its tag and length, if it has a tag.
    pub(super) fn whole(&mut self, tag: u8) -> Option<&'d [u8]> {
        if !self.peek(tag) {
            return None;
        }
        self.any().map(|(_, _, whole)| whole)
    }

    /// An element that may be absent: outer `None` where it is broken.
    #[allow(clippy::option_option, reason = "absent and broken are two things")]
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<Der<'d>>> {
        if self.peek(tag) { self.read(tag).map(Some) } else { Some(None) }
    }

    pub(super) fn integer(&mut self) -> Option<BigInt> {
        self.read(INTEGER)?.integer_content()
    }

    /// The content of an integer.
    pub(super) fn integer_content(self) -> Option<BigInt> {
        match self.0 {
            [] => None,
            [0, next, ..] if *next < 0x80 => None,
            [0xff, next, ..] if *next >= 0x80 => None,
            bytes => Some(BigInt::from_signed_bytes_be(bytes)),
        }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// Bits, as bytes: the number of unused ones at the end, and the bytes.
    pub(super) fn bits(&mut self) -> Option<(u8, &'d [u8])> {
        let (unused, bytes) = self.read(BIT_STRING)?.0.split_first()?;
        let padding = (1u8.checked_shl(u32::from(*unused))?).wrapping_sub(1);
        let clear = bytes.last().is_none_or(|last| last & padding == 0);
        (*unused < 8 && clear && (*unused == 0 || !bytes.is_empty())).then_some((*unused, bytes))
    }

    /// Bits whose number is a multiple of eight, as keys and signatures are; others are moved to the right.
    pub(super) fn bytes(&mut self) -> Option<Vec<u8>> {
        let (unused, bytes) = self.bits()?;
        let number = BigInt::from_bytes_be(Sign::Plus, bytes) >> usize::from(unused);
        if unused == 0 {
            return Some(bytes.to_vec());
        }
        let mut shifted = vec![0; bytes.len()];
        let digits = number.to_bytes_be().1;
        let start = shifted.len().saturating_sub(digits.len());
        shifted.splice(start.., digits);
        Some(shifted)
    }

    pub(super) fn object_id(&mut self) -> Option<ObjectId> {
        ObjectId::from_content(self.read(OBJECT_ID)?.0)
    }
}

/// An object identifier, as its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectId(pub(super) Vec<u32>);

impl ObjectId {
    pub(super) fn from_content(content: &[u8]) -> Option<Self> {
        let mut numbers = Vec::new();
        let mut rest = content.iter();
        while !rest.as_slice().is_empty() {
            let mut number: u32 = 0;
            let mut first = true;
            loop {
                let byte = *rest.next()?;
                if first && byte == 0x80 || number >> 24 != 0 {
                    return None;
                }
                first = false;
                number = number << 7 | u32::from(byte & 0x7f);
                if byte < 0x80 {
                    break;
                }
            }
            if number > i32::MAX.unsigned_abs() {
                return None;
            }
            match (numbers.is_empty(), number) {
                (true, 0..80) => numbers.extend([number / 40, number % 40]),
                (true, _) => numbers.extend([2, number - 80]),
                (false, _) => numbers.push(number),
            }
        }
        if numbers.is_empty() { None } else { Some(Self(numbers)) }
    }

    pub(super) fn is(&self, numbers: &[u32]) -> bool {
        self.0 == numbers
    }

    /// Its numbers with dots between them.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
    }
}
