//! JSON as Python reads and writes it.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// JSON as Python sees it: integers apart from floats, members by name, no member twice.
#[derive(Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self {
            Json::Object(members) => match members.get(name)? {
                Json::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn take_text(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?.to_owned();
        if let Json::Object(members) = self {
            members.remove(name);
        }
        Some(text)
    }
}

/// The text of `json.dumps(value, sort_keys=True)`.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Int(number) => write!(f, "{number}"),
            Json::Float(number) => f.write_str(&python_float(*number)),
            Json::Text(text) => quoted(f, text),
            Json::Array(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_char(']')
            }
            Json::Object(members) => {
                f.write_char('{')?;
                for (at, (name, value)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    quoted(f, name)?;
                    write!(f, ": {value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

/// A text in ASCII, with pairs of surrogates for what lies beyond 16 bits.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            ' '..='\u{7f}' => f.write_char(c)?,
            c => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?,
        }
    }
    f.write_char('"')
}

/// Python's `repr` of a float: the shortest digits, with an exponent below 1e-4 and from 1e16 on.
pub fn python_float(number: f64) -> String {
    let magnitude = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            read.push(item);
        }
        Ok(Json::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if read.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("member `{name}` stands twice")));
            }
        }
        Ok(Json::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python 3 prints for these numbers and texts.
    #[test]
    fn texts_are_those_of_python() {
        let says = |json: &str| serde_json::from_str::<Json>(json).expect("JSON").to_string();
        for (json, python) in [
            ("1.0", "1.0"),
            ("-0.0", "-0.0"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.5e-7", "1.5e-07"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1.25e300", "1.25e+300"),
            ("18446744073709551615", "18446744073709551615"),
            ("[1,2.5,null,true]", "[1, 2.5, null, true]"),
            (r#"{"b":"é","a":"😀\u0000"}"#, r#"{"a": "\ud83d\ude00\u0000", "b": "\u00e9"}"#),
            (r#""a/\"\\\n\u007f""#, "\"a/\\\"\\\\\\n\u{7f}\""),
        ] {
            assert_eq!(says(json), python, "{json}");
        }
    }
}
