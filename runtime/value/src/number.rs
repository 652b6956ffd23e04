//! Numbers: exact integers of any size, and OPA's decimals for the rest.

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberError {
    /// Not a JSON number.
    Syntax,
    /// The exponent is beyond the range that OPA reads.
    Range,
}

/// A number: an integer, a float that prints as OPA prints it, or a text that must be kept.
#[derive(Clone, Copy, Debug)]
pub enum Number<'a> {
    /// An integer of 64 bits.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// Everything else: a big integer or a decimal with more digits than a float holds, as its text.
    Text(&'a str),
}
